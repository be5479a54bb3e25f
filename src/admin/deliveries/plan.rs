//! What `deliveries replay` makes, and in which order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::view::{by_event, first, ids, number, readable};
use crate::answer;
use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::error::Error;
use crate::event::Event;
use crate::order::TaskId;
use crate::store::{Place, Store};
use crate::webhook::file::Webhook;
use crate::webhook::{kinds, select};

/// All deliveries of each event to each webhook.
pub(super) struct Groups<'a> {
    webhooks: &'a [Webhook],
    /// When all is made that is to be: what was made at one time is sent by the places of events.
    now: Timestamp,
    /// Those that can be read, the newest first.
    stored: BTreeMap<DeliveryId, Vec<Delivery>>,
    /// The last number of each, which a damaged file takes as well.
    last: BTreeMap<DeliveryId, u32>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(
        store: &Store,
        webhooks: &'a [Webhook],
        now: Timestamp,
    ) -> Result<Self, Error> {
        let ids = ids(store, |id| webhooks.iter().any(|one| one.name == id.webhook()))?;
        let mut last: BTreeMap<DeliveryId, u32> = BTreeMap::new();
        for id in &ids {
            let known = last.entry(first(id)).or_default();
            *known = number(id).max(*known);
        }
        Ok(Self { webhooks, now, stored: by_event(readable(store, ids)), last })
    }

    /// Makes what happened since a time and is not on its way.
    pub(super) fn since(&self, store: &Store, since: Timestamp) -> Result<Vec<Delivery>, Error> {
        let mut plan = self.again(|newest| newest.event.timestamp >= since);
        plan.extend(self.missing(store, since)?);
        let mut plan = in_order(plan);
        // An order that was filed while we listed may stand in both lists.
        plan.dedup_by(|one, other| one.id == other.id);
        Ok(plan)
    }

    /// Makes what is dead, has not arrived since and is not on its way.
    pub(super) fn failed(&self) -> Vec<Delivery> {
        in_order(self.again(|newest| newest.state == State::Dead))
    }

    /// Makes another delivery of each event whose newest one is wanted and of which none is pending.
    fn again(&self, is_wanted: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        let again = |all: &Vec<Delivery>| {
            let newest = all.first()?;
            let webhook = self.webhooks.iter().find(|one| one.name == newest.webhook)?;
            let on_its_way = all.iter().any(|one| one.state == State::Pending);
            (!on_its_way && is_wanted(newest)).then(|| self.next(newest, webhook))
        };
        self.stored.values().filter_map(again).collect()
    }

    /// Makes deliveries of the events of stored orders that a webhook is to be told and of which
    /// none can be read.
    fn missing(&self, store: &Store, since: Timestamp) -> Result<Vec<Delivery>, Error> {
        let mut made = Vec::new();
        // The number of an order that is only accepted has reached nobody.
        for place in [Place::Active, Place::Done] {
            for id in store.ids(place)? {
                match store.read_in(place, id) {
                    Ok(Some(order)) => made.extend(self.missing_of(order.events, since)),
                    Ok(None) => {}
                    Err(error) => answer::complain(&format!("order {id}: {error}")),
                }
            }
        }
        Ok(made)
    }

    fn missing_of(&self, events: Vec<Event>, since: Timestamp) -> Vec<Delivery> {
        let mut made = Vec::new();
        for (position, event) in (0..).zip(events) {
            if event.timestamp < since {
                continue;
            }
            for webhook in self.webhooks.iter().filter(|one| select::wants(one, &event)) {
                let id = DeliveryId::of(&event.data.webhook.id, &webhook.name);
                if self.stored.contains_key(&id) {
                    continue;
                }
                let body = kinds::frozen_body(webhook, &event);
                let at_once = |_: &str| Duration::ZERO;
                let (name, event) = (&webhook.name, event.clone());
                let new = Delivery::new(name, event, position, body, self.now, at_once)
                    .of_kind(webhook.kind);
                let is_damaged = self.last.contains_key(&id);
                made.push(if is_damaged { self.next(&new, webhook) } else { new });
            }
        }
        made
    }

    fn next(&self, old: &Delivery, webhook: &Webhook) -> Delivery {
        let last = self.last.get(&first(&old.id)).copied().unwrap_or(1);
        once_more(old, webhook, last, self.now)
    }
}

/// Makes a delivery of the same event to the same webhook, of the number after the last.
///
/// Its body is made as the webhook is now: what was wrong with it may have been the body.
pub(super) fn once_more(old: &Delivery, webhook: &Webhook, last: u32, now: Timestamp) -> Delivery {
    let body = kinds::frozen_body(webhook, &old.event);
    Delivery { body, ..old.again(last.saturating_add(1), now).of_kind(webhook.kind) }
}

/// Sorts by order, and what happened to one by its place: the clock may have been set back since.
fn in_order(mut plan: Vec<Delivery>) -> Vec<Delivery> {
    plan.sort_by_cached_key(|one| {
        let order: Option<TaskId> = one.event.data.order.id.parse().ok();
        (order, one.position, one.id.clone())
    });
    plan
}
