//! What the stored deliveries come to. One is read at a time, so that memory does not grow with them.

use std::collections::{BTreeMap, BTreeSet};

use super::families as of;
use super::page::Page;
use crate::admin::deliveries::view::word;
use crate::clock::{self, Timestamp};
use crate::delivery::{Attempt, Delivery, State};
use crate::error::Error;
use crate::home::Home;
use crate::store::{Shelf, Store};
use crate::webhook::load;

/// How attempts go: `delivered`, or the kind of reply that was none of success.
const RESULTS: [&str; 6] =
    ["delivered", "http_2xx", "http_3xx", "http_4xx", "http_5xx", "no_reply"];

/// What the deliveries to a webhook come to.
#[derive(Debug, Default)]
struct Sent {
    by_outcome: BTreeMap<&'static str, u64>,
    by_result: BTreeMap<&'static str, u64>,
    oldest_pending: Option<Timestamp>,
    disabled_by_hand: bool,
    disabled_by_failures: bool,
}

/// What all deliveries come to.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    sent: BTreeMap<String, Sent>,
    pub(super) unreadable: u64,
}

impl Deliveries {
    /// Reads all deliveries, and how the webhooks fare that can be read.
    pub(super) fn read(home: &Home, store: &Store) -> Result<Self, Error> {
        let mut this = Self::default();
        let mut ids = BTreeSet::new();
        for shelf in Shelf::ALL {
            // One that is filed while we list may stand in both lists.
            ids.extend(store.deliveries(shelf)?);
        }
        for id in ids {
            match store.delivery(&id) {
                Ok(Some(delivery)) => this.count(&delivery),
                Ok(None) => {}
                Err(_) => this.unreadable += 1,
            }
        }
        // Where the file is broken, `configuration_valid` says so.
        let webhooks = load::load(home).map(|loaded| loaded.webhooks).unwrap_or_default();
        for webhook in webhooks {
            let health = store.health(&webhook.name);
            let sent = this.sent.entry(webhook.name).or_default();
            sent.disabled_by_hand = !webhook.enabled;
            sent.disabled_by_failures = health.is_ok_and(|health| health.disabled.is_some());
        }
        Ok(this)
    }

    fn count(&mut self, delivery: &Delivery) {
        let sent = self.sent.entry(delivery.webhook.clone()).or_default();
        *sent.by_outcome.entry(word(delivery.state)).or_default() += 1;
        for attempt in &delivery.attempts {
            *sent.by_result.entry(result(attempt)).or_default() += 1;
        }
        if delivery.state == State::Pending {
            let oldest =
                sent.oldest_pending.map_or(delivery.made_at, |at| at.min(delivery.made_at));
            sent.oldest_pending = Some(oldest);
        }
    }

    /// Writes them onto a page.
    pub(super) fn write(&self, page: &mut Page, now: Timestamp) {
        page.family(&of::DELIVERIES);
        for (webhook, sent) in &self.sent {
            for outcome in [State::Pending, State::Delivered, State::Dead].map(word) {
                let count = sent.by_outcome.get(outcome).copied().unwrap_or_default();
                page.sample(&of::DELIVERIES, &[webhook, outcome], count);
            }
        }
        page.family(&of::ATTEMPTS);
        for (webhook, sent) in &self.sent {
            for result in RESULTS {
                let count = sent.by_result.get(result).copied().unwrap_or_default();
                page.sample(&of::ATTEMPTS, &[webhook, result], count);
            }
        }
        page.family(&of::OLDEST_PENDING);
        for (webhook, sent) in &self.sent {
            let age = sent.oldest_pending.map_or(0.0, |at| clock::age(at, now).as_secs_f64());
            page.sample(&of::OLDEST_PENDING, &[webhook], age);
        }
        page.family(&of::WEBHOOK_DISABLED);
        for (webhook, sent) in &self.sent {
            let by =
                [("administrator", sent.disabled_by_hand), ("failures", sent.disabled_by_failures)];
            for (by, disabled) in by {
                page.sample(&of::WEBHOOK_DISABLED, &[webhook, by], u8::from(disabled));
            }
        }
    }
}

/// Returns how an attempt went; a reply of success that says otherwise inside is `http_2xx`.
fn result(attempt: &Attempt) -> &'static str {
    match (&attempt.error, attempt.http_status) {
        (None, _) => "delivered",
        (Some(_), None) => "no_reply",
        (Some(_), Some(..300)) => "http_2xx",
        (Some(_), Some(..400)) => "http_3xx",
        (Some(_), Some(..500)) => "http_4xx",
        (Some(_), Some(_)) => "http_5xx",
    }
}
