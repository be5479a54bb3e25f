//! Deliveries as people and scripts see them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::answer;
use crate::clock::Timestamp;
use crate::delivery::{Attempt, Delivery, DeliveryId, State};
use crate::error::Error;
use crate::event::{Event, EventType};
use crate::json;
use crate::store::{Shelf, Store};

/// The answer to `deliveries list --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to deliveries list --json", deny_unknown_fields))]
pub(crate) struct List {
    /// The deliveries, newest first.
    pub(super) deliveries: Vec<View>,
}

/// A delivery as a script sees it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct View {
    /// The delivery's id.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) id: DeliveryId,
    /// The webhook's name.
    pub(crate) webhook: String,
    /// The event's id.
    pub(crate) event_id: String,
    /// What happened.
    pub(crate) event: EventType,
    /// The number of the order that it happened to.
    pub(crate) task_id: String,
    /// Whether it has arrived.
    pub(crate) state: State,
    /// How it went so far.
    pub(crate) attempts: Vec<Attempt>,
    /// When it is tried next, RFC 3339 in UTC; null where it is not. Later, where its webhook is
    /// disabled or another event of the order is to arrive before.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) next_attempt_at: Option<Timestamp>,
}

/// The answer to `deliveries show --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to deliveries show --json"))]
pub(crate) struct Story {
    #[serde(flatten)]
    pub(super) delivery: View,
    /// When it was made, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) made_at: Timestamp,
    /// The delivery that this one repeats.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) redelivery_of: Option<DeliveryId>,
    /// The body, the same at every attempt; null where it is made of the event at each, for it holds
    /// a secret.
    pub(super) body: Option<String>,
    /// The event.
    pub(super) payload: Event,
}

impl View {
    pub(crate) fn of(delivery: Delivery) -> Self {
        let Delivery { id, webhook, event, state, attempts, next_attempt_at, .. } = delivery;
        Self {
            id,
            webhook,
            event_id: event.data.webhook.id,
            event: event.kind,
            task_id: event.data.order.id,
            state,
            attempts,
            next_attempt_at,
        }
    }

    /// Says how it went, in a line.
    pub(crate) fn outcome(&self) -> String {
        let Some(last) = self.attempts.last() else { return String::new() };
        let status = last.http_status.map(|status| status.to_string()).unwrap_or_default();
        let error = last.error.as_deref().unwrap_or_default();
        format!("{status} {error}").trim().to_owned()
    }
}

impl Story {
    pub(super) fn of(delivery: Delivery) -> Self {
        Self {
            made_at: delivery.made_at,
            redelivery_of: delivery.redelivery_of.clone(),
            body: delivery.body.clone(),
            payload: delivery.event.clone(),
            delivery: View::of(delivery),
        }
    }
}

/// Returns the word for a state.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Delivered => "delivered",
        State::Dead => "dead",
    }
}

/// Returns all deliveries whose ids `wanted` lets through, newest first; a damaged file is told of
/// and hides no other delivery.
pub(crate) fn stored(
    store: &Store,
    wanted: impl Fn(&DeliveryId) -> bool,
) -> Result<Vec<Delivery>, Error> {
    Ok(readable(store, ids(store, wanted)?))
}

/// Returns all ids that `wanted` lets through, rising; a damaged file has one as well.
pub(super) fn ids(
    store: &Store,
    wanted: impl Fn(&DeliveryId) -> bool,
) -> Result<Vec<DeliveryId>, Error> {
    let mut ids = Vec::new();
    for shelf in Shelf::ALL {
        ids.extend(store.deliveries(shelf)?.into_iter().filter(&wanted));
    }
    ids.sort_unstable();
    // One that was filed while we listed may stand in both lists.
    ids.dedup();
    Ok(ids)
}

/// Returns the deliveries of those ids, newest first; a damaged file is told of.
pub(super) fn readable(store: &Store, ids: Vec<DeliveryId>) -> Vec<Delivery> {
    let mut found: Vec<Delivery> = ids
        .into_iter()
        .filter_map(|id| match store.delivery(&id) {
            Ok(delivery) => delivery,
            Err(error) => {
                answer::complain(&format!("delivery {id}: {error}"));
                None
            }
        })
        .collect();
    found.sort_by(|one, other| (other.made_at, &other.id).cmp(&(one.made_at, &one.id)));
    found
}

/// Returns the deliveries of each event to each webhook by the id of the first, the newest first: by
/// their numbers, for the clock may have been set back between two of them.
pub(crate) fn by_event(deliveries: Vec<Delivery>) -> BTreeMap<DeliveryId, Vec<Delivery>> {
    let mut groups: BTreeMap<DeliveryId, Vec<Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        groups.entry(first(&delivery.id)).or_default().push(delivery);
    }
    for all in groups.values_mut() {
        all.sort_by_key(|one| Reverse(number(&one.id)));
    }
    groups
}

/// Returns the id of the first delivery of the same event to the same webhook.
pub(super) fn first(id: &DeliveryId) -> DeliveryId {
    DeliveryId::of(id.event(), id.webhook())
}

/// Returns which delivery of its event to its webhook one is, from 1.
pub(super) fn number(id: &DeliveryId) -> u32 {
    let id = id.to_string();
    id.rsplit_once('~').and_then(|(_, number)| number.parse().ok()).unwrap_or(1)
}

/// Returns a delivery by its id.
///
/// # Errors
/// `usage`, naming it and the nearest there is.
pub(super) fn find(store: &Store, id: &DeliveryId) -> Result<Delivery, Error> {
    if let Some(delivery) = store.delivery(id)? {
        return Ok(delivery);
    }
    let mut known = Vec::new();
    for shelf in Shelf::ALL {
        known.extend(store.deliveries(shelf)?.iter().map(ToString::to_string));
    }
    Err(Error::usage(match json::nearest(&id.to_string(), known.iter().map(String::as_str)) {
        Some(nearest) => format!("no delivery `{id}`; the nearest is `{nearest}`"),
        None => format!("no delivery `{id}`; there is none"),
    }))
}
