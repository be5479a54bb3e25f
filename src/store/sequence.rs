//! `sequence`: the number given last and today's count, a cache.

use serde::{Deserialize, Serialize};

use crate::clock::{self, Timestamp};
use crate::format::Format;
use crate::order::TaskId;

/// The file `sequence`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    pub(super) format: Format,
    /// The id given last; null before the first.
    pub(super) last_id: Option<TaskId>,
    /// The day (UTC) that is counted.
    pub(super) day: String,
    /// How many orders were accepted on that day.
    pub(super) orders_today: u64,
    /// The change time of `claims/` as we left it, in nanoseconds.
    pub(super) claims_changed_at: String,
}

impl Sequence {
    /// Returns the cache with the count of the day that it is now.
    pub(super) fn today(mut self, now: Timestamp) -> Self {
        let today = clock::day(now);
        if self.day != today {
            self.day = today;
            self.orders_today = 0;
        }
        self
    }
}
