//! The one place that asks what time it is; everything else is handed the value.

use std::time::Duration;

pub(crate) use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A start of the machine: what tells time that has passed from a clock that was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Boot {
    /// The kernel's id of it (`boot_id`, random(4)).
    pub(crate) id: String,
    /// When it was by the wall clock, RFC 3339 in UTC. As long as nobody sets the clock, it stays.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) at: Timestamp,
}

impl Boot {
    /// Returns when by the clock of today was what was at `noted` by the clock that this boot was
    /// seen by; `today` is the boot as it is seen now.
    ///
    /// What was before the machine was started again was not before that start, for all that is known.
    pub(crate) fn carry(&self, noted: Timestamp, today: &Self) -> Timestamp {
        if self.id != today.id {
            return noted.max(today.at);
        }
        noted.checked_add(today.at.duration_since(self.at)).unwrap_or(noted)
    }
}

/// Returns the wall-clock time, to the microsecond.
#[expect(clippy::disallowed_methods, reason = "this is the door that the lint points to")]
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    // Nanoseconds would only make the files longer.
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Returns the calendar day in UTC, as `2026-01-31`.
pub(crate) fn day(at: Timestamp) -> String {
    let mut text = at.to_string();
    text.truncate(10);
    text
}

/// Returns whole seconds from `earlier` to `later`, 0 when the clock went backward.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.as_second().saturating_sub(earlier.as_second())).unwrap_or(0)
}

/// Returns how much later `later` is, nothing when the clock went backward.
pub(crate) fn age(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_date_in_utc() {
        let at: Timestamp = "2026-01-31T23:59:59.5+00:00".parse().unwrap();
        assert_eq!(day(at), "2026-01-31");
    }

    #[test]
    fn a_clock_that_went_backward_gives_no_seconds() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        assert_eq!(seconds_between(early, late), 60);
        assert_eq!(seconds_between(late, early), 0);
    }

    #[test]
    fn what_was_noted_is_as_old_as_the_machine_has_been_through() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let boot = |id: &str, text| Boot { id: id.to_owned(), at: at(text) };
        let (then, noted) = (boot("a", "2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        for (id, today, expected) in [
            ("a", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            // The clock was set ahead by two days, and back by one.
            ("a", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("a", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
            // The machine was started again.
            ("b", "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z"),
            ("b", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"),
        ] {
            assert_eq!(then.carry(noted, &boot(id, today)), at(expected), "{id} {today}");
        }
    }
}
