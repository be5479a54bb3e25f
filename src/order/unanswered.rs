//! An order whose number may have reached nobody: how long ago that was, whatever the clock says.

use super::Order;
use crate::clock::{self, Boot, Timestamp};

/// After how many seconds such an order is withdrawn.
const DAY: u64 = 24 * 60 * 60;

/// How many of them are to have gone by since the machine was started, if it was since: its clock may
/// be wrong at first, and who was told the number asks again by then.
const SINCE_START: u64 = 60 * 60;

impl Order {
    /// Returns whether each caller who may have been told the number was so a day ago; `today` is the
    /// start of the machine as it is seen now, where that is known.
    pub(crate) fn is_unanswered_for_a_day(&self, today: Option<&Boot>, now: Timestamp) -> bool {
        // Whoever repeated a key has a day of its own.
        let (asked_at, boot) = match self.callers.get() {
            1 => (self.created_at, &self.boot),
            _ => (self.updated_at, &self.repeated_in),
        };
        let day_ago = |asked_at| clock::seconds_between(asked_at, now) >= DAY;
        let (Some(boot), Some(today)) = (boot, today) else { return day_ago(asked_at) };
        if boot.id == today.id {
            return day_ago(boot.carry(asked_at, today));
        }
        // A time that has yet to come is by a clock that was wrong.
        let was_day_ago = day_ago(asked_at) || asked_at > now;
        was_day_ago && clock::seconds_between(today.at, now) >= SINCE_START
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::order::tests::order;

    /// When the order was accepted; the machine had run for a day.
    const ASKED: i64 = 1_000_000;
    const HOUR: i64 = 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn boot(id: &str, second: i64) -> Boot {
        Boot { id: id.to_owned(), at: at(second) }
    }

    fn asked() -> Order {
        let boot = Some(boot("a", ASKED - 24 * HOUR));
        Order { created_at: at(ASKED), updated_at: at(ASKED), boot, ..order() }
    }

    #[track_caller]
    fn is_unanswered(order: &Order, today: &Boot, hours: i64) -> bool {
        order.is_unanswered_for_a_day(Some(today), at(ASKED + hours * HOUR))
    }

    #[test]
    fn a_day_is_one_that_the_machine_has_been_through() {
        let order = asked();
        // By how many hours the clock was set since, and what time it is by it.
        for (set, hours, expected) in [
            (0, 23, false),
            (0, 24, true),
            (48, 50, false),
            (48, 72, true),
            (-48, -25, false),
            (-48, -24, true),
        ] {
            let today = boot("a", ASKED + (set - 24) * HOUR);
            assert_eq!(is_unanswered(&order, &today, hours), expected, "set by {set}, at {hours}");
        }
    }

    #[test]
    fn a_machine_that_was_started_since_is_to_have_run_for_an_hour() {
        let order = asked();
        for (started, hours, expected) in
            [(20, 23, false), (24, 24, false), (23, 24, true), (-72, -71, true)]
        {
            let today = boot("b", ASKED + started * HOUR);
            assert_eq!(is_unanswered(&order, &today, hours), expected, "started at {started}");
        }
    }

    #[test]
    fn where_no_start_is_known_the_clock_counts() {
        let order = Order { boot: None, ..asked() };
        assert!(is_unanswered(&order, &boot("a", ASKED), 24));
        assert!(asked().is_unanswered_for_a_day(None, at(ASKED + 24 * HOUR)));
        assert!(!asked().is_unanswered_for_a_day(None, at(ASKED + 23 * HOUR)));
    }

    #[test]
    fn a_repeated_key_changes_nothing_of_the_first_callers_day() {
        // The clock was set ahead by two days before the key was repeated.
        let today = boot("a", ASKED + 24 * HOUR);
        let repeated = Order {
            callers: NonZeroU32::new(2).unwrap(),
            updated_at: at(ASKED + 49 * HOUR),
            repeated_in: Some(today.clone()),
            ..asked()
        };
        assert!(!is_unanswered(&repeated, &today, 72));
        assert!(is_unanswered(&repeated, &today, 73));
        // That caller was not told: the first one may have been.
        let abandoned = Order { callers: NonZeroU32::MIN, ..repeated };
        assert!(!is_unanswered(&abandoned, &today, 71));
        assert!(is_unanswered(&abandoned, &today, 72));
    }
}
