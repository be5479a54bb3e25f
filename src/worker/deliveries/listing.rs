//! Which deliveries are pending, as their folder says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use super::super::LOOK;
use super::{Deliveries, MENDED, Pending};
use crate::clock;
use crate::delivery::{DeliveryId, State};
use crate::error::Error;
use crate::store::{Book, Shelf};

/// How often the folder is listed although its change time says that nothing came.
const SURELY: Duration = Duration::from_secs(5);

impl Deliveries<'_> {
    /// Lists the pending deliveries, and notices those that somebody changed.
    pub(in super::super) fn look(&mut self) {
        // What was held for a webhook may be sent now.
        self.stale |= !self.pending.is_empty() && self.hooks.have_changed();
        let changed_at = self.store.shelf_changed_at(Shelf::Pending);
        if let Some((listed, seen)) = self.listed {
            let usual = if self.unlisted { MENDED } else { SURELY };
            let still = seen == changed_at && listed.elapsed() < usual;
            if still || listed.elapsed() < LOOK {
                return;
            }
        }
        self.list_at(changed_at, None);
    }

    /// Lists the pending deliveries, whenever that was done last, under the state lock.
    pub(in super::super) fn look_again(&mut self, book: &Book<'_>) {
        self.stale |= !self.pending.is_empty() && self.hooks.have_changed();
        self.list_at(self.store.shelf_changed_at(Shelf::Pending), Some(book));
    }

    fn list_at(&mut self, changed_at: Option<SystemTime>, book: Option<&Book<'_>>) {
        self.listed = Some((Instant::now(), changed_at));
        let listed = self.list(book);
        self.unlisted = listed.is_err();
        if let Err(error) = listed {
            self.say("listing", format!("the pending deliveries are left alone for now: {error}"));
        }
    }

    fn list(&mut self, book: Option<&Book<'_>>) -> Result<(), Error> {
        let listed: BTreeSet<DeliveryId> =
            self.store.deliveries(Shelf::Pending)?.into_iter().collect();
        let unread = self.unread.len();
        self.unread.retain(|id, _| listed.contains(id));
        // Those that are gone hold others back no longer.
        self.stale |= self.unread.len() != unread;
        let mut fault = Ok(());
        let before = self.pending.len();
        let under_way = &self.under_way;
        self.pending.retain(|id, _| listed.contains(id) || under_way.contains_key(id));
        self.stale |= self.pending.len() != before;
        for id in listed {
            if self.under_way.contains_key(&id) {
                continue;
            }
            let seen = self.store.delivery_changed_at(&id);
            if self.pending.get(&id).is_none_or(|known| known.seen != seen)
                && let Err(error) = self.read(id, seen, book)
            {
                fault = Err(error);
            }
        }
        fault
    }

    fn read(
        &mut self,
        id: DeliveryId,
        seen: Option<SystemTime>,
        book: Option<&Book<'_>>,
    ) -> Result<(), Error> {
        let read = self.store.delivery_on(Shelf::Pending, &id);
        if let Err(error) = read.as_ref()
            && !error.is_lasting()
        {
            // What still cannot be read changes nothing.
            self.stale |= !self.unread.contains_key(&id);
            self.unread.entry(id).or_insert_with(Instant::now);
            return read.map(drop);
        }
        // A crash left it here.
        if let Ok(Some(delivery)) = read.as_ref()
            && delivery.state != State::Pending
        {
            // Whoever holds the lock would wait for itself.
            match book {
                Some(book) => book.file_delivery(delivery)?,
                None => self.outbox.file(delivery)?,
            }
        }
        self.stale = true;
        self.unread.remove(&id);
        match read {
            Ok(Some(delivery)) if delivery.state == State::Pending => {
                self.pending.insert(id, Pending::of(&delivery, seen));
            }
            Ok(_) => {}
            Err(error) => {
                // For a person to look at; it stops no other.
                self.store.log(clock::now(), None, format!("left alone for now: {error}"));
                let pending = Pending::unreadable(&id, seen);
                self.pending.insert(id, pending);
            }
        }
        Ok(())
    }
}
