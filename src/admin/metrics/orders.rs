//! What the stored orders come to. One is read at a time, so that memory does not grow with them.

use std::collections::{BTreeMap, BTreeSet};

use super::families as of;
use super::page::{Histogram, Page};
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::event::EventType;
use crate::order::{Order, State};
use crate::store::{Place, Store};

/// Every state, in the order of a page.
const STATES: [State; 9] = [
    State::Accepted,
    State::Buying,
    State::Unknown,
    State::Building,
    State::Checking,
    State::Finished,
    State::Failed,
    State::Cancelled,
    State::Released,
];

/// What the orders of a configuration come to.
#[derive(Debug, Default)]
struct Sold {
    by_state: BTreeMap<&'static str, u64>,
    ready: Histogram,
}

/// What all orders come to.
#[derive(Debug, Default)]
pub(super) struct Orders {
    sold: BTreeMap<String, Sold>,
    unanswered: u64,
    oldest_open: Option<Timestamp>,
    troubled: u64,
    unsettled: u64,
    left: u64,
    pub(super) unreadable: u64,
}

impl Orders {
    /// Reads all orders; `configurations` are those that are counted although nothing was ordered.
    pub(super) fn read(
        store: &Store,
        configurations: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        let mut this = Self::default();
        this.sold.extend(configurations.into_iter().map(|id| (id, Sold::default())));
        let mut ids = BTreeSet::new();
        for place in Place::ALL {
            // One that moves on while we list may stand in two lists.
            ids.extend(store.ids(place)?);
        }
        for id in ids {
            match store.read(id) {
                Ok(Some(found)) if found.place == Place::Accepted => this.unanswered += 1,
                Ok(Some(found)) => this.count(&found.order),
                Ok(None) => {}
                Err(_) => this.unreadable += 1,
            }
        }
        Ok(this)
    }

    fn count(&mut self, order: &Order) {
        let sold = self.sold.entry(order.configuration.id.clone()).or_default();
        *sold.by_state.entry(order.state.word()).or_default() += 1;
        let finished = order.events.iter().find(|event| event.kind == EventType::Finished);
        if let Some(event) = finished {
            sold.ready.add(clock::age(order.created_at, event.timestamp).as_secs_f64());
        }
        if !order.state.has_ended() {
            let oldest = self.oldest_open.map_or(order.created_at, |at| at.min(order.created_at));
            self.oldest_open = Some(oldest);
        }
        let trouble = order.purchase.as_ref().and_then(|purchase| purchase.troubled_since);
        let is_due = !order.state.has_ended() || order.wish.is_some();
        self.troubled += u64::from(trouble.is_some() && is_due);
        self.unsettled += u64::from(order.is_unsettled());
        self.left += u64::from(order.left_server().is_some());
    }

    /// Writes them onto a page.
    pub(super) fn write(&self, page: &mut Page, now: Timestamp) {
        page.family(&of::ORDERS);
        for (configuration, sold) in &self.sold {
            for state in STATES {
                let count = sold.by_state.get(state.word()).copied().unwrap_or_default();
                let values = [configuration, state.word(), state.status().word()];
                page.sample(&of::ORDERS, &values, count);
            }
        }
        let age = self.oldest_open.map_or(0.0, |at| clock::age(at, now).as_secs_f64());
        page.family(&of::UNANSWERED);
        page.sample(&of::UNANSWERED, &[], self.unanswered);
        page.family(&of::OLDEST_OPEN);
        page.sample(&of::OLDEST_OPEN, &[], age);
        let counts =
            [(of::TROUBLED, self.troubled), (of::UNSETTLED, self.unsettled), (of::LEFT, self.left)];
        for (family, count) in counts {
            page.family(&family);
            page.sample(&family, &[], count);
        }
        page.family(&of::READY);
        for (configuration, sold) in &self.sold {
            page.histogram(&of::READY, &[configuration], &sold.ready);
        }
    }
}
