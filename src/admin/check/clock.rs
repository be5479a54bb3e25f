//! The machine's clock, as far as it can be told without asking anybody: deadlines, limits for a day,
//! signatures and retention go by it.

use super::Report;
use crate::clock::{self, Timestamp};
use crate::order::{Order, TaskId};

/// Before this program was written: no clock that says so is right.
const WRITTEN: &str = "2026-01-01T00:00:00Z";

/// How far ahead a stored time may be, in seconds: clocks are stepped a little.
const AHEAD: u64 = 60;

/// The latest time that is stored, and in which order.
#[derive(Debug, Default)]
pub(super) struct Latest(Option<(Timestamp, TaskId)>);

impl Latest {
    /// Takes an order into account.
    pub(super) fn see(&mut self, order: &Order) {
        let at = order.updated_at.max(order.created_at);
        if self.0.is_none_or(|(latest, _)| at > latest) {
            self.0 = Some((at, order.task_id));
        }
    }

    /// Reports a clock that cannot be right.
    pub(super) fn look(&self, now: Timestamp, report: &mut Report) {
        if WRITTEN.parse().is_ok_and(|written: Timestamp| now < written) {
            let message =
                format!("this machine's clock says {now}, before this program was written");
            return report.error("clock", message, CURE);
        }
        if let Some((at, id)) = self.0.filter(|(at, _)| clock::seconds_between(now, *at) > AHEAD) {
            let message = format!(
                "order {id} was changed at {at}, and this machine's clock says {now}: it was wrong \
                 then, or is now"
            );
            report.warning("clock", message, CURE);
        }
    }
}

/// What to do about it.
const CURE: &str = "set this machine's clock by NTP: deadlines, signatures and retention go by it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_the_program_or_behind_the_orders_is_told_of() {
        let id: TaskId = "7".parse().unwrap();
        for (now, latest, expected) in [
            ("1970-01-01T00:00:07Z", None, "before this program was written"),
            ("2026-05-01T00:00:00Z", Some("2026-05-01T00:02:00Z"), "order 7 was changed at"),
            ("2026-05-01T00:00:00Z", Some("2026-05-01T00:00:30Z"), ""),
            ("2026-05-01T00:00:00Z", None, ""),
        ] {
            let mut report = Report::default();
            let latest = Latest(latest.map(|at| (at.parse().unwrap(), id)));
            latest.look(now.parse().unwrap(), &mut report);
            let told: Vec<&str> = report.findings.iter().map(|finding| &*finding.message).collect();
            assert_eq!(told.is_empty(), expected.is_empty(), "{now}: {told:?}");
            assert!(told.iter().all(|one| one.contains(expected)), "{now}: {told:?}");
        }
    }
}
