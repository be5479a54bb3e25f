//! Workers whose clock is set while they live.

use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Soak;
use super::dice::Dice;
use super::provider::Provider;
use crate::support::faketime::Clock;
use crate::support::sweep::bare;

const MINUTE: usize = 60;
const HOUR: usize = 60 * MINUTE;
const DAY: usize = 24 * HOUR;

/// How far a clock is set ahead at most: within what an order may take, beyond it, and beyond what a
/// caller who was killed may take to come back.
const AHEAD: [usize; 3] = [30 * MINUTE, 20 * HOUR, 45 * DAY];

/// How far a clock is set back at most: what ends by it ended longer ago than passwords are kept for.
const BACK: [usize; 3] = [30 * MINUTE, 2 * DAY, 45 * DAY];

/// How often the clock of one worker is set at most.
const STEPS: usize = 6;

/// How long lies between two steps at most, in microseconds.
const BETWEEN: usize = 400_000;

impl Soak {
    /// Has workers go by a clock that is set ahead and back, where there is one.
    pub(super) fn step_clocks(&self) {
        let Some((_, clock)) = &self.clock else { return };
        let mut dice = self.dice(5);
        while !self.over.load(Ordering::SeqCst) {
            let provider = dice.one(&self.providers);
            clock.set(0);
            let mut command = bare(&provider.plugin, &["work"]);
            clock.give(&mut command);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut worker = command.spawn().expect("the provider runs");
            // It stands in the queue for the lock by now, or will soon.
            std::thread::sleep(dice.micros(BETWEEN));
            self.kill_detached(provider);
            step(clock, &mut dice, provider, &mut worker);
            worker.kill().expect("it is ours");
            worker.wait().expect("it is ours");
        }
    }
}

/// Sets the clock of a worker some times, while that is at work.
fn step(clock: &Clock, dice: &mut Dice, provider: &Provider, worker: &mut Child) {
    for _ in 0..=dice.below(STEPS) {
        std::thread::sleep(dice.micros(BETWEEN));
        let ahead = dice.chance(50);
        let furthest = if ahead { *dice.one(&AHEAD) } else { *dice.one(&BACK) };
        let seconds = i64::try_from(1 + dice.below(furthest)).expect("it fits");
        if worker.try_wait().expect("it is ours").is_some() {
            return;
        }
        if is_at_work(provider, worker) {
            clock.set(if ahead { seconds } else { -seconds });
            provider.steps.fetch_add(1, Ordering::SeqCst);
        }
    }
    std::thread::sleep(dice.micros(BETWEEN).max(Duration::from_millis(50)));
}

/// Returns whether a worker is the one that holds the lock, whose text has its number.
fn is_at_work(provider: &Provider, worker: &Child) -> bool {
    let text = std::fs::read_to_string(provider.plugin.state("worker.lock")).unwrap_or_default();
    text.starts_with(&format!("process {} ", worker.id()))
}
