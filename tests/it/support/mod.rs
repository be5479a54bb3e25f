//! The fixture: a provider installed by the real installer, run as its callers run it.

pub(crate) mod answer;
pub(crate) mod blocks;
pub(crate) mod book;
pub(crate) mod droplets;
mod effect;
pub(crate) mod errno;
pub(crate) mod faketime;
pub(crate) mod guide;
pub(crate) mod hand;
pub(crate) mod history;
pub(crate) mod hooks;
pub(crate) mod host;
pub(crate) mod hoster;
pub(crate) mod hoster_start;
pub(crate) mod hoster_sweep;
pub(crate) mod inject;
pub(crate) mod kinds;
pub(crate) mod linodes;
pub(crate) mod lives;
pub(crate) mod moto;
pub(crate) mod mount;
pub(crate) mod outage;
pub(crate) mod page;
pub(crate) mod panel;
pub(crate) mod place;
pub(crate) mod plugin;
pub(crate) mod power;
pub(crate) mod prism;
pub(crate) mod program;
pub(crate) mod promise;
pub(crate) mod pypi;
pub(crate) mod receiver;
pub(crate) mod screen;
pub(crate) mod service;
pub(crate) mod soak;
pub(crate) mod sweep;
pub(crate) mod template;
pub(crate) mod tracer;
pub(crate) mod vendor;
pub(crate) mod verifiers;

use std::time::{Duration, Instant};

/// Waits until `condition` holds, for at most 20 seconds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns of how many points of a sweep one is tried: `SWEEP=full` says all, `SWEEP=7` one of seven,
/// and else it is so many.
pub(crate) fn one_of(usual: usize) -> usize {
    match std::env::var("SWEEP") {
        Ok(full) if full == "full" => 1,
        given => given.ok().and_then(|text| text.parse().ok()).unwrap_or(usual),
    }
}

/// Checks that one of `stride` calls was tried at least, of those that the longest run had that came to
/// its end: some may be missing, for a worker that asks again makes more calls the longer a run takes.
#[track_caller]
pub(crate) fn assert_enough(name: &str, points: usize, calls: usize, stride: usize) {
    let least = (calls - calls / 4) / stride;
    assert!(points >= least.max(1), "{name}: {points} points of {calls} calls, 1 of {stride}");
}

/// Says in a line of its own why a test is skipped where it cannot run.
pub(crate) fn skip(why: &str) {
    say(&format!("skipped: {why}"));
}

/// Says in a line of its own how many points a sweep has tried; `bin/prove` adds them up.
pub(crate) fn proved(points: usize) {
    say(&format!("proved: {points} points"));
}

/// Writes a line where no test's output is captured.
fn say(line: &str) {
    use std::io::Write as _;
    // Where nobody reads it, the test is none the worse.
    let _ = std::io::stderr().write_all(format!("\n{line}\n").as_bytes());
}

/// Returns whether the tests run as root, as those of users and mounts must.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
