//! Which passwords need not be kept any more: pure.

use super::Order;
use crate::clock::{self, Timestamp};

/// What the panel has on record of an order, `tasks/ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has no record: the order was placed past it, or was taken off its list.
    None,
    /// Its server is in the pool; the panel asks for the password no more.
    Complete,
    /// Anything else, and what cannot be read: it may yet ask.
    Open,
}

impl Verdict {
    /// Returns what a record says.
    pub(crate) fn of(text: &str) -> Self {
        if text.trim_start().starts_with("complete") { Self::Complete } else { Self::Open }
    }
}

impl Order {
    /// Returns whether nobody needs the order's root password any more: the panel has used it, or
    /// has no record of the order and `days` have gone by since it ended.
    ///
    /// Never before that: the panel takes a missing password for "the pool's key is installed", and
    /// tries to join a server only once.
    pub(crate) fn has_password_to_erase(
        &self,
        verdict: Verdict,
        days: u32,
        now: Timestamp,
    ) -> bool {
        let is_used = match verdict {
            Verdict::None => self.ended_days_ago(days, now),
            Verdict::Complete => true,
            Verdict::Open => false,
        };
        self.password.is_some() && self.state.has_ended() && self.wish.is_none() && is_used
    }

    /// Returns whether the order ended, and so many days have gone by since.
    pub(crate) fn ended_days_ago(&self, days: u32, now: Timestamp) -> bool {
        let age = clock::seconds_between(self.updated_at, now);
        self.state.has_ended() && age >= u64::from(days) * 86_400
    }

    /// Erases the root password, and says when. It is no change of the order's own: for how long an
    /// order is kept does not depend on it.
    pub(crate) fn erase_password(&mut self, now: Timestamp) {
        self.password = None;
        self.password_erased_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::order::{Author, INVENTORY, NewOrder, Ordered, State, Wish};
    use crate::secret::Secret;

    const DAY: u64 = 86_400;

    fn order(state: State, wish: Option<Wish>, at: Timestamp) -> Order {
        let configuration = Ordered {
            id: "1".to_owned(),
            descr: String::new(),
            parameters: BTreeMap::new(),
            user_data: None,
        };
        let author = Author { uid: 0, name: "root".to_owned(), sudo_user: None };
        let new = NewOrder {
            task_id: "1".parse().unwrap(),
            key: Uuid::now_v7(),
            caller_key: None,
            provider: "p".to_owned(),
            definition: INVENTORY.to_owned(),
            configuration,
            author,
            account: BTreeMap::new(),
        };
        let mut order = Order::accept(new, Uuid::now_v7(), at);
        (order.state, order.wish) = (state, wish);
        order.password = Some(Secret::from("p".to_owned()));
        order
    }

    fn states() -> impl Strategy<Value = State> {
        prop::sample::select(vec![
            State::Accepted,
            State::Buying,
            State::Unknown,
            State::Building,
            State::Checking,
            State::Finished,
            State::Failed,
            State::Cancelled,
            State::Released,
        ])
    }

    #[test]
    fn only_a_record_that_begins_with_complete_says_so() {
        for text in ["complete: 10.0.0.1", "complete", "complete\n"] {
            assert_eq!(Verdict::of(text), Verdict::Complete, "{text}");
        }
        for text in ["", " ", "error: not complete", "incomplete", "Complete"] {
            assert_eq!(Verdict::of(text), Verdict::Open, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_password_is_erased_by_the_rule_and_never_else(
            state in states(),
            wish in prop::sample::select(vec![None, Some(Wish::Cancel), Some(Wish::Release)]),
            verdict in prop::sample::select(vec![Verdict::None, Verdict::Complete, Verdict::Open]),
            days in 0_u32..100,
            age in 0_u64..200 * DAY,
            backward in any::<bool>(),
        ) {
            let then: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let later = then.checked_add(Duration::from_secs(age)).unwrap();
            let (ended, now) = if backward { (later, then) } else { (then, later) };
            let mut order = order(state, wish, ended);
            let erased = order.has_password_to_erase(verdict, days, now);
            // One that the panel may yet ask for, and one of an open order, stays.
            if verdict == Verdict::Open || !state.has_ended() || wish.is_some() {
                prop_assert!(!erased);
            } else if verdict == Verdict::Complete {
                prop_assert!(erased);
            } else {
                let gone_by = if backward { 0 } else { age };
                prop_assert_eq!(erased, gone_by >= u64::from(days) * DAY);
            }
            order.erase_password(now);
            prop_assert!(!order.has_password_to_erase(verdict, days, now), "it is erased once");
            prop_assert_eq!(order.updated_at, ended);
        }
    }
}
