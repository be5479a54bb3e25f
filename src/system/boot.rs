//! When the machine was started.

use std::time::Duration;

use nix::time::ClockId;

use crate::clock::{Boot, Timestamp};

/// Where the kernel says which start of the machine this is (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns the current start of the machine as the wall clock has it, at which it is `now`; nothing
/// where the system does not say.
pub(crate) fn boot(now: Timestamp) -> Option<Boot> {
    let id = std::fs::read_to_string(BOOT_ID).ok()?.trim_end().to_owned();
    // It counts while the machine sleeps, too, and nobody can set it (clock_gettime(2)).
    let running = Duration::from(ClockId::CLOCK_BOOTTIME.now().ok()?);
    let at = now.checked_sub(running).ok()?;
    Some(Boot { id, at: Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at) })
}
