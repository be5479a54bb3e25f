//! What orders come to, counted one by one: memory grows with what is told, not with what is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{self, Timestamp};
use crate::delivery::{Delivery, State as Sent};
use crate::event::EventType;
use crate::line::one_line;
use crate::order::{Order, State, TaskId};
use crate::story::time_to_ready;

/// How many reasons are told apart; further ones are counted together.
const REASONS: usize = 100;

/// How long a reason is shown, in characters.
const LONGEST: usize = 200;

/// The upper bounds of the bars of a histogram, in seconds, and how they are called.
pub(super) const BOUNDS: [(u64, &str); 11] = [
    (10, "10s"),
    (30, "30s"),
    (60, "1m"),
    (120, "2m"),
    (180, "3m"),
    (300, "5m"),
    (600, "10m"),
    (1200, "20m"),
    (1800, "30m"),
    (3600, "1h"),
    (u64::MAX, "more"),
];

/// How the orders of a configuration fare.
#[derive(Debug, Default)]
pub(super) struct Sold {
    /// What the panel shows, as the newest order has it.
    pub(super) descr: String,
    pub(super) orders: usize,
    pub(super) open: usize,
    pub(super) came_to_nothing: usize,
    /// How long those took that finished.
    pub(super) ready: Vec<Duration>,
}

impl Sold {
    /// Returns how many took as long as each bar says.
    pub(super) fn bars(&self) -> [usize; BOUNDS.len()] {
        let mut bars = [0; BOUNDS.len()];
        for time in &self.ready {
            let place = BOUNDS.iter().position(|(bound, _)| time.as_secs_f64() <= seconds(*bound));
            bars[place.unwrap_or(BOUNDS.len() - 1)] += 1;
        }
        bars
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound of a bar")]
const fn seconds(bound: u64) -> f64 {
    bound as f64
}

/// What the orders for which a reason was told come to.
#[derive(Debug, Default)]
pub(super) struct Failed {
    pub(super) orders: usize,
    /// The newest of them.
    pub(super) last: Option<(TaskId, Timestamp)>,
}

/// What the deliveries to a webhook come to.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) delivered: usize,
    pub(super) pending: usize,
    pub(super) dead: usize,
    pub(super) attempts: usize,
    /// How long the last attempts took, of those that arrived.
    pub(super) took: Vec<Duration>,
    /// When something failed last, and why.
    pub(super) last_error: Option<(Timestamp, String)>,
}

/// What everything comes to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sold: BTreeMap<String, Sold>,
    pub(super) states: BTreeMap<&'static str, usize>,
    pub(super) failed: BTreeMap<String, Failed>,
    pub(super) webhooks: BTreeMap<String, Received>,
    /// The open order that was accepted first.
    pub(super) oldest: Option<(TaskId, Timestamp, State)>,
}

impl Tally {
    /// Counts an order.
    pub(super) fn order(&mut self, order: &Order) {
        let sold = self.sold.entry(order.configuration.id.clone()).or_default();
        order.configuration.descr.clone_into(&mut sold.descr);
        sold.orders += 1;
        sold.ready.extend(time_to_ready(order));
        *self.states.entry(order.state.word()).or_default() += 1;
        if !order.state.has_ended() {
            sold.open += 1;
            let this = (order.task_id, order.created_at, order.state);
            if self.oldest.is_none_or(|oldest| this.1 < oldest.1) {
                self.oldest = Some(this);
            }
        }
        let failure = order.events.iter().find(|event| event.kind == EventType::Failed);
        if let Some(event) = failure {
            sold.came_to_nothing += 1;
            self.failure(order, &event.data.error_log, event.timestamp);
        }
    }

    /// What is an order's own in a reason is left out: the same refusal of two orders is one row.
    fn failure(&mut self, order: &Order, reason: &str, at: Timestamp) {
        let own = [&order.hostname, &order.server, &order.server_id];
        let own = own.into_iter().filter_map(|name| name.as_deref());
        let mut reason = reason.to_owned();
        for name in own.filter(|name| name.len() > 3) {
            reason = reason.replace(name, "…");
        }
        let mut reason = one_line(&reason, LONGEST);
        if self.failed.len() >= REASONS && !self.failed.contains_key(&reason) {
            "(other reasons)".clone_into(&mut reason);
        }
        let failed = self.failed.entry(reason).or_default();
        failed.orders += 1;
        if failed.last.is_none_or(|(_, last)| last < at) {
            failed.last = Some((order.task_id, at));
        }
    }

    /// Counts a delivery.
    pub(super) fn delivery(&mut self, delivery: &Delivery) {
        let sent = self.webhooks.entry(delivery.webhook.clone()).or_default();
        match delivery.state {
            Sent::Pending => sent.pending += 1,
            Sent::Delivered => sent.delivered += 1,
            Sent::Dead => sent.dead += 1,
        }
        sent.attempts += delivery.attempts.len();
        for attempt in &delivery.attempts {
            let Some(error) = &attempt.error else {
                sent.took.push(Duration::from_millis(attempt.milliseconds));
                continue;
            };
            if sent.last_error.as_ref().is_none_or(|(last, _)| *last < attempt.at) {
                let status = attempt.http_status.map(|status| format!("{status} "));
                let why = status.unwrap_or_default() + error;
                sent.last_error = Some((attempt.at, one_line(&why, LONGEST)));
            }
        }
    }
}

/// Returns the time below which nine of ten are, of those in rising order.
pub(super) fn ninth(all: &[Duration]) -> Option<Duration> {
    all.get((all.len() * 9).div_ceil(10).saturating_sub(1)).copied()
}

/// Returns how old something is.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    crate::admin::human::duration(clock::age(at, now))
}
