//! How a webhook fares, and when it is disabled for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::clock::{self, Timestamp};
use crate::format::Format;

/// After how long of nothing but failures a webhook is disabled (Svix does the same).
pub(crate) const PATIENCE: Duration = Duration::from_hours(5 * 24);

/// After how long without an attempt the failures before it do not count: longer than any wait of a
/// schedule that has a name, and than any that a receiver can ask for.
const QUIET: Duration = Duration::from_hours(36);

/// How old the time of the last failure may become before it is written down anew.
const NOTED: Duration = Duration::from_hours(1);

/// How a webhook fares at this provider, as stored in `state/webhooks/NAME.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    /// The format of this file.
    pub(crate) format: Format,
    /// Since when every attempt failed.
    pub(crate) failing_since: Option<Timestamp>,
    /// When one did last, to the hour; more often it is not worth a file.
    #[serde(default)]
    pub(crate) failed_at: Option<Timestamp>,
    /// Why nothing is sent to it any more.
    pub(crate) disabled: Option<Disabled>,
}

/// Why nothing is sent to a webhook any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Disabled {
    /// Since when, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) at: Timestamp,
    /// Why.
    pub(crate) reason: String,
}

impl Health {
    /// Writes down how an attempt went; returns whether anything is different now.
    pub(crate) fn heard(&mut self, verdict: &Verdict, now: Timestamp) -> bool {
        let before = self.clone();
        let Some(why) = verdict.why() else {
            (self.failing_since, self.failed_at) = (None, None);
            return *self != before;
        };
        let last = self.failed_at.map(|last| clock::age(last, now));
        if last.is_some_and(|age| age > QUIET) {
            // Nothing was tried since: that it failed long ago says nothing of the time between.
            self.failing_since = None;
        }
        if last.is_none_or(|age| age > NOTED) {
            self.failed_at = Some(now);
        }
        let since = *self.failing_since.get_or_insert(now);
        if matches!(verdict, Verdict::Gone { .. }) {
            self.disabled = Some(Disabled { at: now, reason: why.to_owned() });
        } else if clock::age(since, now) >= PATIENCE {
            let reason = format!("nothing but failures since {since}, the last: {why}");
            self.disabled = Some(Disabled { at: now, reason });
        }
        *self != before
    }
}
