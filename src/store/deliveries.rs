//! `deliveries/` and `webhooks/`: one file for each delivery, one for each webhook that fares ill.
//!
//! Deliveries are made of events, which are in their orders' files; their ids come from event and
//! webhook, so making them again is harmless. The worker writes them without the state lock, for
//! `order` must not wait for it: it makes its new files in a folder of its own, and takes the lock
//! only to put them in their places.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::book::{self, Book};
use super::{Lock, Place, Store, atomic, ids, read};
use crate::delivery::{Delivery, DeliveryId, Health, State};
use crate::error::Error;

/// The folder that a delivery's file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// It is still to be sent.
    Pending,
    /// It has arrived, or is dead.
    Done,
}

impl Shelf {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Pending, Self::Done];

    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
        }
    }
}

impl Store {
    /// Returns the ids of a shelf, those of one event together and older events first.
    pub(crate) fn deliveries(&self, on: Shelf) -> Result<Vec<DeliveryId>, Error> {
        ids::listed(&self.layout.shelf(on))
    }

    /// Returns when a delivery was last put on a shelf or taken from it, as far as the file system
    /// tells; none where there is no such folder.
    pub(crate) fn shelf_changed_at(&self, which: Shelf) -> Option<SystemTime> {
        std::fs::metadata(self.layout.shelf(which)).ok()?.modified().ok()
    }

    /// Returns the delivery of that id.
    pub(crate) fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, Error> {
        // One that is filed while it is looked for can be missed once on both shelves.
        for _ in 0..2 {
            for shelf in Shelf::ALL {
                if let Some(delivery) = self.delivery_on(shelf, id)? {
                    return Ok(Some(delivery));
                }
            }
        }
        Ok(None)
    }

    /// Returns the delivery of that id on that shelf.
    pub(crate) fn delivery_on(
        &self,
        on: Shelf,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>, Error> {
        let path = self.layout.delivery(on, id);
        match read::read::<Delivery>(&path)? {
            Some(delivery) if delivery.id != *id => Err(Error::StateUnreadable {
                path,
                problem: format!("it is the file of delivery {}", delivery.id),
            }),
            delivery => Ok(delivery),
        }
    }

    /// Returns when a pending delivery's file was last replaced.
    pub(crate) fn delivery_changed_at(&self, id: &DeliveryId) -> Option<SystemTime> {
        std::fs::metadata(self.layout.delivery(Shelf::Pending, id)).ok()?.modified().ok()
    }

    /// Returns whether the order that a delivery tells of is with the worker: its deliveries would
    /// be made again.
    pub(crate) fn is_active(&self, delivery: &Delivery) -> bool {
        let id = delivery.event.data.order.id.parse();
        id.is_ok_and(|id| self.is_in(Place::Active, id))
    }

    /// Returns how a webhook fares.
    pub(crate) fn health(&self, webhook: &str) -> Result<Health, Error> {
        read::read(&self.layout.health(webhook)).map(Option::unwrap_or_default)
    }

    /// Returns the right to write deliveries as the worker does, whose lock is held.
    pub(crate) fn outbox(&self, _worker: &Lock) -> Result<Outbox, Error> {
        let tmp = self.layout.deliveries_tmp();
        if tmp.is_dir() {
            atomic::clear(&tmp)?;
        }
        Ok(Outbox { store: self.clone() })
    }

    fn has_delivery(&self, id: &DeliveryId) -> Result<bool, Error> {
        // Filed while we look, it is found on the second shelf.
        for shelf in Shelf::ALL {
            if is_there(&self.layout.delivery(shelf, id))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The worker's right to write deliveries; it ends with the worker's lock.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    store: Store,
}

impl Outbox {
    /// Writes new deliveries, durably; those that exist are left alone.
    pub(crate) fn add(&self, deliveries: &[Delivery]) -> Result<(), Error> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let layout = &self.store.layout;
        layout.make_deliveries()?;
        for delivery in deliveries {
            if self.store.has_delivery(&delivery.id)? {
                continue;
            }
            let path = layout.delivery(Shelf::Pending, &delivery.id);
            let text = book::text(delivery)?;
            atomic::prepare(&layout.deliveries_tmp(), &path, &text)?.take_free_place(&path)?;
        }
        atomic::sync_folder(&layout.shelf(Shelf::Pending))
    }

    /// Replaces the file of a pending delivery, durably, and files it where it is pending no more;
    /// returns `false` where somebody removed it meanwhile.
    pub(crate) fn record(&self, delivery: &Delivery) -> Result<bool, Error> {
        let layout = &self.store.layout;
        // Somebody who clears the history up may remove folders with it.
        layout.make_deliveries()?;
        let path = layout.delivery(Shelf::Pending, &delivery.id);
        let new = atomic::prepare(&layout.deliveries_tmp(), &path, &book::text(delivery)?)?;
        let book = self.store.lock("delivery")?;
        if !is_there(&path)? {
            return Ok(false);
        }
        new.take_place(&path)?;
        book.file_delivery(delivery)?;
        drop(book);
        atomic::sync_folder(&layout.shelf(Shelf::Pending))?;
        Ok(true)
    }

    /// Files a delivery that is pending no more; a crash left it where it was.
    pub(crate) fn file(&self, delivery: &Delivery) -> Result<(), Error> {
        self.store.lock("delivery")?.file_delivery(delivery)
    }

    /// Forgets a delivery that is pending no more.
    pub(crate) fn forget(&self, id: &DeliveryId) -> Result<(), Error> {
        atomic::remove(&self.store.layout.delivery(Shelf::Done, id)).map(|_| ())
    }

    /// Writes down how a webhook fares, as `change` leaves it, where it says that it changed that.
    pub(crate) fn change_health(
        &self,
        webhook: &str,
        mut change: impl FnMut(&mut Health) -> bool,
    ) -> Result<(), Error> {
        // Nearly all webhooks fare well, and have no file.
        if !change(&mut self.store.health(webhook)?) {
            return Ok(());
        }
        let mut book = self.store.lock("delivery")?;
        let mut health = self.store.health(webhook)?;
        if change(&mut health) { book.set_health(webhook, &health) } else { Ok(()) }
    }
}

impl Book<'_> {
    /// Writes a new delivery, durably; returns `false` where one of that id exists.
    pub(crate) fn add_delivery(&mut self, delivery: &Delivery) -> Result<bool, Error> {
        self.layout().make_deliveries()?;
        if self.store().has_delivery(&delivery.id)? {
            return Ok(false);
        }
        self.mark_due()?;
        self.replace(&self.layout().delivery(Shelf::Pending, &delivery.id), delivery)?;
        Ok(true)
    }

    /// Replaces the file of a pending delivery, durably, and files it where it is pending no more;
    /// returns `false` where it is not on the shelf of those any more.
    pub(crate) fn replace_delivery(&mut self, delivery: &Delivery) -> Result<bool, Error> {
        let path = self.layout().delivery(Shelf::Pending, &delivery.id);
        if !is_there(&path)? {
            return Ok(false);
        }
        self.replace(&path, delivery)?;
        self.file_delivery(delivery)?;
        Ok(true)
    }

    /// Removes a delivery from either shelf; returns `false` where there was none.
    pub(crate) fn remove_delivery(&mut self, id: &DeliveryId) -> Result<bool, Error> {
        let mut removed = false;
        for shelf in Shelf::ALL {
            removed |= atomic::remove(&self.layout().delivery(shelf, id))?;
        }
        Ok(removed)
    }

    /// Writes down how a webhook fares; one that fares well has no file.
    pub(crate) fn set_health(&mut self, webhook: &str, health: &Health) -> Result<(), Error> {
        let path = self.layout().health(webhook);
        if *health == Health::default() {
            return atomic::remove(&path).map(|_| ());
        }
        self.layout().make_deliveries()?;
        self.replace(&path, health)
    }

    /// Moves a delivery that is pending no more to those.
    pub(crate) fn file_delivery(&self, delivery: &Delivery) -> Result<(), Error> {
        if delivery.state == State::Pending {
            return Ok(());
        }
        let layout = self.layout();
        layout.make_deliveries()?;
        let from = layout.delivery(Shelf::Pending, &delivery.id);
        atomic::relocate(&from, &layout.delivery(Shelf::Done, &delivery.id)).map(|_| ())
    }
}

/// Returns whether there is a file of that name. What cannot be looked at may be there.
fn is_there(path: &Path) -> Result<bool, Error> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        looked => looked.map(|_| true).map_err(|error| Error::state(path, "look at", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_does_not_count_as_gone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(is_there(file.path()).unwrap());
        assert!(!is_there(&file.path().with_extension("gone")).unwrap());
        // The kernel says neither yes nor no: what should be a folder is none.
        assert!(is_there(&file.path().join("delivery")).is_err());
    }
}
