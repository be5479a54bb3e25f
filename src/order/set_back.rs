//! Orders that were driven while the clock was ahead: once it is right again, what is measured from
//! such a time would not end before that time has come.

use std::time::Duration;

use super::{Order, Removal};
use crate::clock::{self, Timestamp};

/// A clock that is behind by no more than this is set right, not set back: what is measured ends
/// that much later.
const SLACK: Duration = Duration::from_mins(1);

impl Order {
    /// Returns whether a time that something is measured from has yet to come.
    pub(crate) fn is_ahead_of(&self, now: Timestamp) -> bool {
        let purchase = self.purchase.as_ref();
        let removal = purchase.and_then(|purchase| purchase.removal.as_ref());
        let of_purchase = purchase.into_iter().flat_map(|purchase| {
            [purchase.unknown_since, purchase.troubled_since, purchase.bought_at, purchase.built_at]
        });
        let of_removal =
            removal.into_iter().flat_map(|removal| [removal.begun_at, removal.asked_at]);
        let mut all = of_purchase.chain(of_removal).flatten().chain([self.created_at]);
        all.any(|time| clock::age(now, time) > SLACK)
    }

    /// Takes now for every such time: what is measured begins anew.
    ///
    /// Events keep theirs: what was told stays as it was told.
    pub(crate) fn set_back(&mut self, now: Timestamp) {
        self.created_at = self.created_at.min(now);
        self.updated_at = now;
        let Some(purchase) = &mut self.purchase else { return };
        let earlier = |time: &mut Option<Timestamp>| *time = time.map(|time| time.min(now));
        earlier(&mut purchase.unknown_since);
        earlier(&mut purchase.troubled_since);
        earlier(&mut purchase.bought_at);
        earlier(&mut purchase.built_at);
        if let Some(Removal { begun_at, asked_at, .. }) = &mut purchase.removal {
            earlier(begun_at);
            earlier(asked_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::{Purchase, State, tests::order};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    proptest! {
        #[test]
        fn however_the_clock_steps_nothing_is_measured_from_a_time_to_come(
            times in proptest::array::uniform7(proptest::option::of(0..4_000_000_000_i64)),
            readings in proptest::collection::vec(0..4_000_000_000_i64, 1..9),
        ) {
            let mut order = order();
            let [created, unknown, troubled, bought, built, begun, asked] =
                times.map(|time| time.map(at));
            order.created_at = created.unwrap_or(order.created_at);
            order.state = State::Unknown;
            order.purchase = Some(Purchase {
                unknown_since: unknown,
                troubled_since: troubled,
                bought_at: bought,
                built_at: built,
                removal: Some(Removal { begun_at: begun, asked_at: asked, ..Removal::default() }),
                ..Purchase::default()
            });
            let events = order.events.clone();
            for now in readings.into_iter().map(at) {
                let before = order.clone();
                if order.is_ahead_of(now) {
                    order.set_back(now);
                }
                prop_assert!(!order.is_ahead_of(now));
                prop_assert!(order.created_at <= before.created_at);
                let (old, new) = (before.purchase.unwrap(), order.purchase.clone().unwrap());
                prop_assert_eq!(old.unknown_since.is_some(), new.unknown_since.is_some());
                prop_assert!(new.unknown_since <= old.unknown_since);
            }
            prop_assert_eq!(order.events, events);
        }
    }

    #[test]
    fn a_clock_that_is_set_right_by_a_moment_changes_nothing() {
        let mut order = order();
        order.created_at = at(1_000_060);
        assert!(!order.is_ahead_of(at(1_000_000)));
        assert!(order.is_ahead_of(at(999_999)));
    }
}
