//! How long an order takes, as those before it took: pure.

use std::time::Duration;

use super::{ended_at, stages};
use crate::clock::{self, Timestamp};
use crate::event::EventType;
use crate::order::{Order, State};

/// The stages of a purchase that goes well, first to last.
const WAY: [State; 3] = [State::Buying, State::Building, State::Checking];

/// What past orders of a configuration took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// From accepted to finished; none where no order has finished.
    pub(crate) total: Option<Duration>,
    /// The stages of [`WAY`].
    stages: [Duration; WAY.len()],
}

/// Returns how long an order took from accepted to finished, where it did finish.
pub(crate) fn time_to_ready(order: &Order) -> Option<Duration> {
    let finished = order.events.iter().find(|event| event.kind == EventType::Finished);
    finished.map(|event| clock::age(order.created_at, event.timestamp))
}

impl Expected {
    /// Takes the medians of past orders; those that did not finish say nothing.
    pub(crate) fn of<'a>(past: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut totals = Vec::new();
        let mut each: [Vec<Duration>; WAY.len()] = Default::default();
        for order in past {
            let Some(total) = time_to_ready(order) else { continue };
            totals.push(total);
            for (state, begin, end) in stages(order) {
                let index = WAY.iter().position(|one| *one == state);
                if let (Some(index), Some(end)) = (index, end) {
                    each[index].push(clock::age(begin, end));
                }
            }
        }
        let stages = each.map(|all| median(all).unwrap_or_default());
        Self { total: median(totals), stages }
    }

    /// Returns how far an order is, from 0 to 1; none where nobody knows how long it takes. An open
    /// order is never said to be done.
    #[expect(clippy::cast_precision_loss, reason = "a share of a bar of a few columns")]
    pub(crate) fn share(&self, order: &Order, now: Timestamp) -> Option<f64> {
        if ended_at(order).is_some() {
            return Some(1.0);
        }
        self.total?;
        let elapsed = clock::age(order.created_at, now).as_millis() as f64;
        let left = self.left(order, now).as_millis() as f64;
        Some((elapsed / (elapsed + left).max(1.0)).min(0.99))
    }

    /// Returns how much longer it should take: what is left of this stage, and those behind it.
    fn left(&self, order: &Order, now: Timestamp) -> Duration {
        let Some((state, begin, _)) = stages(order).pop() else { return Duration::ZERO };
        let whole: Duration = self.stages.iter().sum();
        if whole.is_zero() {
            let total = self.total.unwrap_or_default();
            return total.saturating_sub(clock::age(order.created_at, now));
        }
        let index = WAY.iter().position(|one| *one == state).unwrap_or(0);
        let later: Duration = self.stages[index + 1..].iter().sum();
        self.stages[index].saturating_sub(clock::age(begin, now)) + later
    }
}

/// Returns the middle one, the greater of two.
pub(crate) fn median(mut all: Vec<Duration>) -> Option<Duration> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}
