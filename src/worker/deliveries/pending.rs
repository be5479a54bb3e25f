//! A pending delivery, as far as its turn depends on it.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::super::attempt::Sent;
use crate::clock::{self, Timestamp};
use crate::delivery::{Delivery, DeliveryId};
use crate::webhook::schedule;

/// A pending delivery, as far as its turn depends on it.
pub(super) struct Pending {
    pub(super) webhook: String,
    /// The order; what is about it goes in the order of `rank`.
    task_id: String,
    rank: (bool, Timestamp, u32),
    /// When it is to be sent; none where its file cannot be read.
    pub(super) wake: Option<Instant>,
    /// Its file's change time.
    pub(super) seen: Option<SystemTime>,
    /// What has yet to be written down, instead of sending it once more.
    pub(super) sent: Option<Box<Sent>>,
}

impl Pending {
    pub(super) fn of(delivery: &Delivery, seen: Option<SystemTime>) -> Self {
        let again = delivery.redelivery_of.is_some();
        // Events of an order have no other order than their places: clocks are stepped.
        let made_at = if again { delivery.made_at } else { Timestamp::UNIX_EPOCH };
        let before = delivery.attempts.last().map_or(delivery.made_at, |last| last.at);
        let now = clock::now();
        let wait = schedule::due(delivery.next_attempt_at.unwrap_or(now), before, now);
        Self {
            webhook: delivery.webhook.clone(),
            task_id: delivery.event.data.order.id.clone(),
            rank: (again, made_at, delivery.position),
            wake: Some(Instant::now() + wait),
            seen,
            sent: None,
        }
    }

    /// One whose file cannot be read: it waits until that is changed, and nothing waits for it.
    pub(super) fn unreadable(id: &DeliveryId, seen: Option<SystemTime>) -> Self {
        Self {
            webhook: id.webhook().to_owned(),
            task_id: String::new(),
            rank: (false, Timestamp::UNIX_EPOCH, 0),
            wake: None,
            seen,
            sent: None,
        }
    }
}

/// Returns which comes first of those to one webhook about one order, for each such two.
pub(super) fn heads(
    pending: &BTreeMap<DeliveryId, Pending>,
) -> impl Iterator<Item = (&DeliveryId, &Pending, Instant)> {
    let mut heads: BTreeMap<(&str, &str), (&DeliveryId, &Pending, Instant)> = BTreeMap::new();
    for (id, one) in pending {
        let Some(wake) = one.wake else { continue };
        let head = heads.entry((&one.webhook, &one.task_id)).or_insert((id, one, wake));
        if one.rank < head.1.rank {
            *head = (id, one, wake);
        }
    }
    heads.into_values()
}

/// Returns which comes first of those to that webhook about that order, and when.
pub(super) fn head<'a>(
    pending: &'a BTreeMap<DeliveryId, Pending>,
    webhook: &str,
    order: &str,
) -> Option<(&'a DeliveryId, Instant)> {
    let same = pending.iter().filter(|(_, one)| one.webhook == webhook && one.task_id == order);
    let readable = same.filter_map(|(id, one)| Some((id, one.rank, one.wake?)));
    readable.min_by_key(|(_, rank, _)| *rank).map(|(id, _, wake)| (id, wake))
}
