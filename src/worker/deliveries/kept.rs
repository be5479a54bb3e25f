//! Which deliveries that have arrived are kept: of each webhook the newest.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryId, State};
use crate::error::Error;
use crate::store::{Outbox, Shelf, Store};

/// Those that have arrived, of each webhook, older ones first; read when the first arrives.
#[derive(Default)]
pub(super) struct Kept(Option<BTreeMap<String, BTreeSet<(Timestamp, DeliveryId)>>>);

impl Kept {
    /// Takes one that has arrived, and forgets the oldest of its webhook, all but the `newest`.
    ///
    /// One of an order that has yet to be filed stays: it would be made, and sent, again.
    pub(super) fn add(
        &mut self,
        delivery: &Delivery,
        newest: usize,
        store: &Store,
        outbox: &Outbox,
    ) -> Result<(), Error> {
        let arrived = match &mut self.0 {
            Some(arrived) => arrived,
            none => none.insert(all_arrived(store)?),
        };
        let own = arrived.entry(delivery.webhook.clone()).or_default();
        own.insert((delivery.made_at, delivery.id.clone()));
        let surplus: Vec<_> = own.iter().take(own.len().saturating_sub(newest)).cloned().collect();
        for (at, id) in surplus {
            // A damaged file is for a person to look at.
            let Ok(found) = store.delivery_on(Shelf::Done, &id) else { continue };
            if !found.is_some_and(|delivery| store.is_active(&delivery)) {
                outbox.forget(&id)?;
                own.remove(&(at, id));
            }
        }
        Ok(())
    }
}

/// Reads which deliveries have arrived.
fn all_arrived(
    store: &Store,
) -> Result<BTreeMap<String, BTreeSet<(Timestamp, DeliveryId)>>, Error> {
    let mut arrived: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for id in store.deliveries(Shelf::Done)? {
        // A damaged file is for a person to look at.
        if let Ok(Some(delivery)) = store.delivery_on(Shelf::Done, &id)
            && delivery.state == State::Delivered
        {
            let own = arrived.entry(delivery.webhook).or_default();
            own.insert((delivery.made_at, id));
        }
    }
    Ok(arrived)
}
