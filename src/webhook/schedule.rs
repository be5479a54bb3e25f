//! When a delivery is tried, and for how long: pure, the clock passed in.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::file::{Preset, Schedule, Webhook};
use crate::clock::Timestamp;
use crate::delivery::Kind;

#[cfg(test)]
mod tests;

/// The example schedule of the Standard Webhooks specification (`spec/standard-webhooks.md` of
/// <https://github.com/standard-webhooks/standard-webhooks>, "Deliverability and reliability").
const STANDARD: [u64; 10] =
    [0, 5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// The schedule of Svix (<https://docs.svix.com/retries>), the first attempt at once.
const SVIX: [u64; 8] = [0, 5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

const HOUR: u64 = 3_600;

/// How often `CloudStack` tries (its setting `webhook.delivery.tries`).
const CLOUDSTACK_TRIES: u32 = 3;

/// How often a delivery can be tried.
const MOST_TRIES: u32 = 100;

/// The longest wait that can be written, in seconds: 30 days.
const LONGEST_WAIT: f64 = 2_592_000.0;

/// How long an attempt may take where nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an attempt may be given, in seconds.
const TIMEOUTS: std::ops::RangeInclusive<f64> = 0.001..=600.0;

/// By what part of it a wait is longer or shorter at most, so that what failed together is not
/// tried together again.
const JITTER: f64 = 0.2;

/// The longest wait that is ever meant: one of the schedule's, its jitter, and more than any that a
/// receiver may ask for.
const LONGEST_MEANT: Duration = Duration::from_hours(36 * 24);

/// A clock that is behind by no more than this is set right, not set back: nothing is sent sooner
/// for that.
const SLACK: Duration = Duration::from_mins(1);

/// When the deliveries of a webhook are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How often in all.
    tries: u32,
    /// How long to wait before each try; the last serves for all that follow.
    waits: Vec<Duration>,
    /// How long an attempt may take.
    timeout: Duration,
}

impl Plan {
    /// Returns the plan of a webhook that [`check`] found nothing wrong with; of another it takes
    /// what can be taken.
    pub(crate) fn of(webhook: &Webhook) -> Self {
        let waits: Vec<Duration> = match &webhook.schedule {
            None | Some(Schedule::Preset(Preset::Standard)) => STANDARD.map(seconds).to_vec(),
            Some(Schedule::Preset(Preset::Svix)) => SVIX.map(seconds).to_vec(),
            Some(Schedule::Seconds(list)) => {
                let waits = list.iter().filter_map(|seconds| duration(*seconds));
                waits.collect()
            }
        };
        let tries = webhook.tries.unwrap_or_else(|| match webhook.kind {
            Kind::Cloudstack => CLOUDSTACK_TRIES,
            _ => u32::try_from(waits.len()).unwrap_or(MOST_TRIES),
        });
        Self {
            tries: tries.clamp(1, MOST_TRIES),
            waits,
            timeout: webhook.timeout_seconds.and_then(duration).unwrap_or(DEFAULT_TIMEOUT),
        }
    }

    /// Returns how long to wait before the next attempt when so many were made, or none where that
    /// were all.
    ///
    /// A fifth longer or shorter at most than the schedule has it; the same delivery and number
    /// always give the same.
    pub(crate) fn wait_after(&self, attempts_made: u32, delivery_id: &str) -> Option<Duration> {
        if attempts_made >= self.tries {
            return None;
        }
        let index = usize::try_from(attempts_made).unwrap_or(usize::MAX);
        let wait = self.waits.get(index).or(self.waits.last()).copied().unwrap_or_default();
        let factor = (2.0 * JITTER).mul_add(fraction(delivery_id, attempts_made), 1.0 - JITTER);
        Some(wait.mul_f64(factor))
    }

    /// Returns how long an attempt may take, from the name look-up to the last byte of the reply,
    /// all redirects included.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Refuses numbers that make no plan.
///
/// # Errors
/// One sentence that begins with the place and names the number.
pub(crate) fn check(webhook: &Webhook) -> Result<(), String> {
    if let Some(tries) = webhook.tries.filter(|tries| !(1..=MOST_TRIES).contains(tries)) {
        return Err(format!("tries: {tries} is not between 1 and {MOST_TRIES}"));
    }
    if let Some(seconds) = webhook.timeout_seconds.filter(|seconds| !TIMEOUTS.contains(seconds)) {
        let (least, most) = (TIMEOUTS.start(), TIMEOUTS.end());
        return Err(format!("timeout_seconds: {seconds} is not between {least} and {most}"));
    }
    let Some(Schedule::Seconds(list)) = &webhook.schedule else {
        return Ok(());
    };
    if list.is_empty() {
        return Err("schedule: the list is empty, and nothing would ever be tried".to_owned());
    }
    if list.len() > MOST_TRIES as usize {
        let count = list.len();
        return Err(format!("schedule: {count} waits are more than the {MOST_TRIES} tries"));
    }
    let bad = |seconds: &f64| !(0.0..=LONGEST_WAIT).contains(seconds);
    match list.iter().position(bad) {
        Some(index) => {
            let seconds = list[index];
            Err(format!("schedule[{index}]: {seconds} is not between 0 and {LONGEST_WAIT}"))
        }
        None => Ok(()),
    }
}

/// Returns how long to wait until an attempt that was put down for `next`, when the attempt before
/// it, or where there is none the making of the delivery, was at `before`.
///
/// A clock that was set back must not hold a delivery for years. The time between `before` and
/// `next` is what was meant: nothing is ever waited for longer, and when the clock is behind
/// `before` by more than that, all of it may be over, and the attempt is due. So what this returns
/// may be asked for again and again while the clock goes on: at worst it adds up to twice what was
/// meant.
pub(crate) fn due(next: Timestamp, before: Timestamp, now: Timestamp) -> Duration {
    let between = |from: Timestamp, to: Timestamp| {
        Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
    };
    let meant = between(before, next).min(LONGEST_MEANT);
    if between(now, before) > meant.max(SLACK) {
        return Duration::ZERO;
    }
    between(now, next).min(meant)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// Returns a number from 0 to 1 that looks random.
fn fraction(delivery_id: &str, attempts_made: u32) -> f64 {
    let digest = Sha256::digest(format!("{delivery_id} {attempts_made}"));
    let number = digest.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
    f64::from(number) / f64::from(u32::MAX)
}
