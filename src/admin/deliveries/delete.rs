//! `deliveries delete`.

use std::fmt::Write as _;

use serde::Serialize;

use super::view::{find, stored};
use crate::admin::printed;
use crate::answer;
use crate::cli::DeleteDeliveries;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::error::Error;
use crate::store::{Place, Store};

/// The answer to `deliveries delete --json`.
#[derive(Debug, Serialize)]
struct Deleted {
    /// The deliveries that are forgotten.
    deleted: Vec<DeliveryId>,
    /// How many were kept, for they are still to be sent or their order is not filed.
    kept: usize,
}

pub(super) fn run(store: &Store, options: &DeleteDeliveries) -> Result<u8, Error> {
    let (webhook, until) = (options.webhook.as_deref(), options.until);
    let mut kept = 0;
    let chosen: Vec<DeliveryId> = if let (Some(webhook), Some(until)) = (webhook, until) {
        let all = stored(store, |id| id.webhook() == webhook)?;
        let old = all.into_iter().filter(|one| one.made_at <= until);
        let (gone, left): (Vec<Delivery>, Vec<Delivery>) =
            old.partition(|one| one.state != State::Pending && may_go(store, one).is_ok());
        kept = left.len();
        gone.into_iter().map(|one| one.id).collect()
    } else {
        named(store, &options.ids)?;
        options.ids.clone()
    };
    let mut outcome = Deleted { deleted: Vec::new(), kept };
    for id in chosen {
        // One lock for each, so that callers are not kept waiting by a long list.
        if store.lock("deliveries")?.remove_delivery(&id)? {
            outcome.deleted.push(id);
        }
    }
    if options.output.json {
        return printed(answer::pretty_json(&outcome));
    }
    let mut text = format!("deleted: {}\n", outcome.deleted.len());
    if kept > 0 {
        let _ = writeln!(text, "kept, for they are pending or of an active order: {kept}");
    }
    printed(answer::text(&text))
}

/// Looks whether deliveries that are named may go; one that is damaged may.
fn named(store: &Store, ids: &[DeliveryId]) -> Result<(), Error> {
    let mut damaged = Vec::new();
    for id in ids {
        match find(store, id) {
            Err(error @ Error::StateUnreadable { .. }) => damaged.push((id, error)),
            found => may_go(store, &found?).map_err(Error::usage)?,
        }
    }
    for (id, error) in damaged {
        answer::complain(&format!("delivery {id} is removed unread: {error}"));
    }
    Ok(())
}

/// The worker makes the deliveries of an active order's events, and would make it again.
fn may_go(store: &Store, delivery: &Delivery) -> Result<(), String> {
    let order = &delivery.event.data.order.id;
    let active = order.parse().is_ok_and(|id| store.is_in(Place::Active, id));
    if active && delivery.redelivery_of.is_none() {
        return Err(format!(
            "delivery `{}` would be made again: the worker is not done with order {order}",
            delivery.id
        ));
    }
    Ok(())
}
