//! The open orders: which can move on, which wait for what, and what each needs next.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use super::deliveries::Deliveries;
use super::drive::{Memory, Next};
use super::pool::Pool;
use super::shop::Shops;
use super::stranded;
use super::turn::{Done, Outcome, Turn};
use super::{LOOK, Report};
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory;
use crate::order::{INVENTORY, Order, Step, TaskId};
use crate::store::{Book, Place, Store};

/// The open orders.
pub(super) struct Orders<'a> {
    pool: Pool<Turn>,
    store: &'a Store,
    shops: Shops<'a>,
    poll: Duration,
    /// The open orders, as they were listed last.
    open: Vec<TaskId>,
    looked_at: Option<Instant>,
    /// Orders that are left alone, and why.
    waiting: BTreeMap<TaskId, Waiting>,
    /// What is remembered of the orders of a hoster.
    memories: BTreeMap<TaskId, Memory>,
}

/// Why an order is left alone.
enum Waiting {
    /// Its next step comes then, or when its file is changed.
    Until(Instant, Option<SystemTime>),
    /// Its file cannot be read, or the program has a fault: until the file is changed.
    Parked(Option<SystemTime>),
    /// A thread drives it; its file was of that time before.
    UnderWay(Option<SystemTime>),
}

impl<'a> Orders<'a> {
    /// Begins with none; threads report to `report`.
    pub(super) fn new(home: &'a Home, store: &'a Store, report: Sender<Report>) -> Self {
        let mut shops = Shops::new(home);
        let (for_threads, book) = (home.clone(), store.clone());
        Self {
            pool: Pool::new(move |turn: Turn, ending| {
                // Where nobody listens any more, the next worker finds the order as it is.
                let _ = report.send(Report::Order(turn.take(&for_threads, &book, ending)));
            }),
            store,
            poll: shops.poll(),
            shops,
            open: Vec::new(),
            looked_at: None,
            waiting: BTreeMap::new(),
            memories: BTreeMap::new(),
        }
    }

    /// Lists the open orders, and notices those that somebody changed while they wait.
    ///
    /// With orders of a hoster under way there is something to do all the time, and it is enough to
    /// list at times.
    pub(super) fn look(&mut self) -> Result<(), Error> {
        let recent = self.looked_at.is_some_and(|looked| looked.elapsed() < LOOK);
        if recent && (self.under_way() > 0 || !self.memories.is_empty()) {
            return Ok(());
        }
        self.open = self.store.ids(Place::Active)?;
        self.looked_at = Some(Instant::now());
        let Self { open, waiting, memories, store, .. } = self;
        waiting.retain(|id, waiting| match waiting {
            // It is heard of when its thread is done with it.
            Waiting::UnderWay(_) => true,
            Waiting::Until(_, seen) | Waiting::Parked(seen) => {
                open.binary_search(id).is_ok() && store.changed_at(*id) == *seen
            }
        });
        memories.retain(|id, _| open.binary_search(id).is_ok());
        Ok(())
    }

    /// Moves on every order that can move on.
    pub(super) fn pass(&mut self, deliveries: &mut Deliveries<'_>) -> Result<(), Error> {
        self.move_on(deliveries, |orders, id| !orders.is_waiting(id))
    }

    /// Moves on the orders that nobody has looked at as they are now.
    pub(super) fn pass_over_new(&mut self, deliveries: &mut Deliveries<'_>) -> Result<(), Error> {
        self.move_on(deliveries, |orders, id| !orders.waiting.contains_key(&id))
    }

    fn move_on(
        &mut self,
        deliveries: &mut Deliveries<'_>,
        which: impl Fn(&Self, TaskId) -> bool,
    ) -> Result<(), Error> {
        self.look()?;
        for id in self.open.clone() {
            if !which(self, id) {
                continue;
            }
            self.waiting.remove(&id);
            let changed_at = self.store.changed_at(id);
            match catch_unwind(AssertUnwindSafe(|| self.step(id, changed_at, deliveries))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.leave(id, &error),
                Err(_) => self.park(id, changed_at, "a fault in the program"),
            }
        }
        Ok(())
    }

    /// Does what one order needs next; one of a hoster is handed to a thread.
    fn step(
        &mut self,
        id: TaskId,
        changed_at: Option<SystemTime>,
        deliveries: &mut Deliveries<'_>,
    ) -> Result<(), Error> {
        let mut book = self.store.lock("worker")?;
        if book.drop_stale_copy(Place::Active, id)? {
            self.forget(id);
            return Ok(());
        }
        let Some(mut order) = self.store.read_in(Place::Active, id)? else {
            self.forget(id);
            return Ok(());
        };
        let ended = order.next() == Step::File;
        if !ended && order.definition != INVENTORY {
            drop(book);
            deliveries.announce_early(&order);
            return self.hand_on(id, changed_at);
        }
        if !ended {
            let done = inventory::step(&mut book, &mut order, Uuid::now_v7(), clock::now())?;
            self.store.log(clock::now(), Some(id), done);
        }
        self.file(book, &order, deliveries)
    }

    /// Moves an order that has ended out of sight, once its events are deliveries.
    fn file(
        &mut self,
        mut book: Book<'a>,
        order: &Order,
        deliveries: &mut Deliveries<'_>,
    ) -> Result<(), Error> {
        let id = order.task_id;
        if deliveries.are_due_of(order)? {
            // What is written out here keeps no caller waiting.
            drop(book);
            deliveries.announce(order)?;
            book = self.store.lock("worker")?;
            let now = self.store.read_in(Place::Active, id)?;
            if now.is_some_and(|now| now.next() != Step::File) {
                // It was asked for something meanwhile.
                return Ok(());
            }
        }
        book.file(id)?;
        deliveries.filed(id);
        self.forget(id);
        Ok(())
    }

    /// Leaves an order alone that cannot be driven: for a while, or until its file is mended.
    fn leave(&mut self, id: TaskId, error: &Error) {
        let changed_at = self.store.changed_at(id);
        let broken =
            || self.store.read_in(Place::Active, id).is_err_and(|error| error.is_lasting());
        if error.is_lasting() && broken() {
            return self.park(id, changed_at, &error.to_string());
        }
        let line = format!("left alone for now: {error}");
        let memory = self.memories.entry(id).or_default();
        if memory.said != line {
            memory.said.clone_from(&line);
            self.store.log(clock::now(), Some(id), line);
        }
        self.waiting.insert(id, Waiting::Until(Instant::now() + self.poll, changed_at));
    }

    fn park(&mut self, id: TaskId, changed_at: Option<SystemTime>, problem: &str) {
        self.store.log(
            clock::now(),
            Some(id),
            format!("left alone until its file is changed: {problem}"),
        );
        self.waiting.insert(id, Waiting::Parked(changed_at));
    }

    fn hand_on(&mut self, id: TaskId, changed_at: Option<SystemTime>) -> Result<(), Error> {
        let shop = match self.shops.current() {
            Ok(shop) => shop,
            // It may have been failed for it, and then is filed next.
            Err(error) => {
                let timeout = self.shops.last_timeout();
                return stranded::end_if_late(self.store, id, timeout, error);
            }
        };
        self.poll = shop.poll;
        self.pool.grow(shop.threads.min(self.under_way() + 1))?;
        let memory = self.memories.remove(&id).unwrap_or_default();
        self.waiting.insert(id, Waiting::UnderWay(changed_at));
        self.pool.hand(Turn { id, memory, shop });
        Ok(())
    }

    /// Takes an order back from its thread.
    pub(super) fn take_back(&mut self, done: Done) {
        let Done { id, memory, outcome } = done;
        self.memories.insert(id, memory);
        let changed_at = match self.waiting.remove(&id) {
            Some(Waiting::UnderWay(changed_at)) => changed_at,
            _ => None,
        };
        match outcome {
            Outcome::Next(Next::After(pause), seen) => {
                self.waiting.insert(id, Waiting::Until(Instant::now() + pause, seen));
            }
            // What is left is to file it.
            Outcome::Next(Next::Nothing, _) => {
                self.memories.remove(&id);
            }
            Outcome::Error(error) => self.leave(id, &error),
            Outcome::Panic => self.park(id, changed_at, "a fault in the program"),
        }
    }

    /// Takes an order that has ended off the list.
    fn forget(&mut self, id: TaskId) {
        self.open.retain(|open| *open != id);
        self.memories.remove(&id);
    }

    /// Returns how many orders threads are driving.
    pub(super) fn under_way(&self) -> usize {
        let under_way = |waiting: &&Waiting| matches!(waiting, Waiting::UnderWay(_));
        self.waiting.values().filter(under_way).count()
    }

    fn is_waiting(&self, id: TaskId) -> bool {
        match self.waiting.get(&id) {
            Some(Waiting::Until(then, _)) => Instant::now() < *then,
            Some(Waiting::Parked(_) | Waiting::UnderWay(_)) => true,
            None => false,
        }
    }

    /// Returns whether every open order waits for something.
    pub(super) fn all_wait(&self) -> bool {
        self.open.iter().all(|id| self.is_waiting(*id))
    }

    /// Returns whether every open order was looked at.
    pub(super) fn all_were_seen(&self) -> bool {
        self.open.iter().all(|id| self.waiting.contains_key(id))
    }

    /// Returns whether every open order is parked: nobody can do anything about such a one, it is
    /// for a person to look at.
    pub(super) fn all_are_parked(&self) -> bool {
        self.open.iter().all(|id| match self.waiting.get(id) {
            Some(Waiting::Parked(seen)) => self.store.changed_at(*id) == *seen,
            _ => false,
        })
    }

    /// Lists the open orders, whenever that was done last.
    pub(super) fn look_again(&mut self) -> Result<(), Error> {
        self.looked_at = None;
        self.look()
    }

    /// Returns how long it takes until the next order can move on.
    pub(super) fn pause(&self) -> Option<Duration> {
        let pauses = self.waiting.values().filter_map(|waiting| match waiting {
            Waiting::Until(then, _) => Some(then.saturating_duration_since(Instant::now())),
            Waiting::Parked(_) | Waiting::UnderWay(_) => None,
        });
        pauses.min()
    }
}
