//! The state lock, held: every change to the order book is made through it.

use std::cell::{Cell, OnceCell};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::atomic;
use super::layout::{Layout, Place};
use super::lock::Lock;
use super::sequence::Sequence;
use super::{Found, Store};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::order::{Order, TaskId};
use crate::system;

/// The right to change the order book, until it is dropped.
pub(crate) struct Book<'a> {
    layout: &'a Layout,
    pub(super) sequence: Option<Sequence>,
    /// Whether what crashed writers left was removed; before the first write is soon enough.
    cleared: Cell<bool>,
    _lock: Lock,
}

impl<'a> Book<'a> {
    pub(super) fn open(layout: &'a Layout, lock: Lock) -> Self {
        Self { layout, sequence: None, cleared: Cell::new(false), _lock: lock }
    }

    pub(super) fn layout(&self) -> &'a Layout {
        self.layout
    }

    pub(super) fn store(&self) -> Store {
        Store { layout: self.layout.clone() }
    }

    /// Replaces a file, durably.
    pub(super) fn replace(&self, path: &Path, value: &impl Serialize) -> Result<(), Error> {
        atomic::replace(&self.cleared_tmp()?, path, &text(value)?)
    }

    /// Returns the folder where new files are made, without what crashed writers left there.
    pub(super) fn cleared_tmp(&self) -> Result<PathBuf, Error> {
        let tmp = self.layout.tmp();
        if !self.cleared.replace(true) {
            atomic::clear(&tmp)?;
        }
        Ok(tmp)
    }

    /// Writes a new order, durably; on any failure nothing of it stays.
    pub(crate) fn insert(&mut self, order: &Order, now: Timestamp) -> Result<(), Error> {
        let written = self.write(order, now);
        if written.is_err() {
            self.withdraw(order, now)?;
        }
        written
    }

    fn write(&mut self, order: &Order, now: Timestamp) -> Result<(), Error> {
        self.count(order.task_id, now)?;
        if let Some(key) = &order.caller_key {
            self.put_key(key, order.task_id)?;
        }
        self.put(Place::Accepted, order)?;
        if order.caller_key.is_some() {
            atomic::sync_folder(&self.layout.keys())?;
        }
        // The claim need not be durable yet: the worker makes it so before it hands the server
        // over, and journals write names out in the order in which they were made.
        Ok(())
    }

    /// Takes back an order whose number reached nobody.
    ///
    /// The order's file goes first: without it, its claim and its key are void.
    pub(crate) fn withdraw(&mut self, order: &Order, now: Timestamp) -> Result<(), Error> {
        if self.drop_stale_copy(Place::Accepted, order.task_id)? {
            return Ok(());
        }
        atomic::remove(&self.layout.order(Place::Accepted, order.task_id))?;
        if let Some(key) = &order.caller_key {
            self.remove_key(key, order.task_id)?;
        }
        if let Some(server) = order.held_server() {
            self.unclaim(server, order.task_id, now)?;
        }
        self.uncount(order.created_at, now)
    }

    /// Removes the file of an order that has moved on from that place since; returns whether it did.
    ///
    /// An order is in one place only, but for a backup that was made or laid back while it moved.
    pub(crate) fn drop_stale_copy(&self, place: Place, id: TaskId) -> Result<bool, Error> {
        let store = self.store();
        let moved_on = store.is_in(Place::Done, id)
            || (place == Place::Accepted && store.is_in(Place::Active, id));
        if moved_on {
            atomic::remove(&self.layout.order(place, id))?;
        }
        Ok(moved_on)
    }

    /// Counts one more caller who is being told the number of an order that nobody was told yet.
    ///
    /// Were the first caller's answer to fail, the order must not be withdrawn under the second.
    /// The day in which it must reach one of them begins anew.
    pub(crate) fn add_caller(&mut self, mut order: Order, now: Timestamp) -> Result<(), Error> {
        order.callers = order.callers.saturating_add(1);
        order.updated_at = now;
        order.repeated_in = system::boot(now);
        self.put(Place::Accepted, &order)
    }

    /// Counts one caller less; withdraws the order where none is left.
    pub(crate) fn abandon(&mut self, id: TaskId, now: Timestamp) -> Result<(), Error> {
        match self.store().read_in(Place::Accepted, id)? {
            Some(mut order) => match NonZeroU32::new(order.callers.get() - 1) {
                Some(left) => {
                    order.callers = left;
                    self.put(Place::Accepted, &order)
                }
                None => self.withdraw(&order, now),
            },
            // Another caller of the same key was told: it is bought for that one.
            None => Ok(()),
        }
    }

    /// Hands an order whose number reached its caller to the worker.
    ///
    /// Not synced: after a power cut the order is back where it was, and the next `order_status`
    /// moves it on again.
    pub(crate) fn activate(&mut self, id: TaskId) -> Result<(), Error> {
        if self.drop_stale_copy(Place::Accepted, id)? {
            return Ok(());
        }
        self.mark_due()?;
        let from = self.layout.order(Place::Accepted, id);
        atomic::relocate(&from, &self.layout.order(Place::Active, id)).map(|_| ())
    }

    /// Replaces the file of an active order.
    pub(crate) fn settle(&mut self, order: &Order) -> Result<(), Error> {
        self.put(Place::Active, order)
    }

    /// Replaces the file of an order that has ended and is out of the worker's sight.
    pub(crate) fn replace_filed(&mut self, order: &Order) -> Result<(), Error> {
        self.put(Place::Done, order)
    }

    /// Moves an order that has ended, and whose events are deliveries, out of the worker's sight.
    pub(crate) fn file(&mut self, id: TaskId) -> Result<(), Error> {
        let from = self.layout.order(Place::Active, id);
        atomic::relocate(&from, &self.layout.order(Place::Done, id)).map(|_| ())
    }

    /// Changes an order wherever it is, and brings it before the worker.
    pub(crate) fn amend(
        &mut self,
        id: TaskId,
        change: impl FnOnce(&mut Order) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(Found { mut order, place }) = self.store().read(id)? else {
            return Err(Error::UnknownTask { id: id.to_string() });
        };
        let before = order.clone();
        change(&mut order)?;
        self.mark_due()?;
        if place == Place::Done {
            self.note_deliveries(before)?;
            order.events_are_deliveries();
            // First the move: a crash in between leaves an order that the worker files again.
            let from = self.layout.order(Place::Done, id);
            atomic::relocate(&from, &self.layout.order(Place::Active, id))?;
            return self.put(Place::Active, &order);
        }
        // First the change: an order that nobody was told of must not become active without it.
        self.put(place, &order)?;
        if place == Place::Accepted { self.activate(id) } else { Ok(()) }
    }

    /// Notes in a filed order that deliveries were made of its events.
    ///
    /// Before it moves: a crash right after that must not have it told again to those who have
    /// forgotten it, nor to those who came since.
    fn note_deliveries(&mut self, mut order: Order) -> Result<(), Error> {
        let noted = order.announced;
        order.events_are_deliveries();
        if order.announced == noted { Ok(()) } else { self.put(Place::Done, &order) }
    }

    /// Forgets an order that has ended, with its key and its claim.
    pub(crate) fn prune(&mut self, order: &Order, now: Timestamp) -> Result<(), Error> {
        let unclaim = |book: &mut Self| match &order.server {
            Some(server) => book.unclaim(server, order.task_id, now).map(|_| ()),
            None => Ok(()),
        };
        // A claim is void once its order is gone, but nothing ends a quarantine: that one goes
        // first, for a crash in between.
        if order.held_server().is_none() {
            unclaim(self)?;
        }
        atomic::remove(&self.layout.order(Place::Done, order.task_id))?;
        if let Some(key) = &order.caller_key {
            self.remove_key(key, order.task_id)?;
        }
        unclaim(self)
    }

    /// Withdraws the orders whose numbers reached nobody within a day.
    ///
    /// One that the panel has a record of did reach it: it moves on instead.
    pub(crate) fn sweep(&mut self, now: Timestamp) -> Result<(), Error> {
        let today = OnceCell::new();
        for id in self.store().ids(Place::Accepted)? {
            // A damaged file is for a person to look at.
            let Ok(Some(order)) = self.store().read_in(Place::Accepted, id) else {
                continue;
            };
            let today = today.get_or_init(|| system::boot(now));
            if !order.is_unanswered_for_a_day(today.as_ref(), now) {
                continue;
            }
            match self.store().panel_lists(id) {
                Some(true) => self.activate(id)?,
                Some(false) => self.withdraw(&order, now)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Says that there is work, so that any command can tell by one look.
    pub(crate) fn mark_due(&self) -> Result<(), Error> {
        atomic::make_empty(&self.layout.due())
    }

    /// Says that there is none.
    pub(crate) fn clear_due(&self) -> Result<(), Error> {
        atomic::remove(&self.layout.due()).map(|_| ())
    }

    fn put(&self, place: Place, order: &Order) -> Result<(), Error> {
        self.replace(&self.layout.order(place, order.task_id), order)
    }
}

/// Returns the text of a file of `state/`.
pub(super) fn text(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::Internal { problem: error.to_string() })?;
    text.push(b'\n');
    Ok(text)
}
