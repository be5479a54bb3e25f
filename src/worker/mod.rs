//! The background process that drives open orders: one per provider, alive while there is work.

mod build;
mod buy;
mod drive;
mod ending;
mod handover;
mod pool;
mod removal;
mod seek;
mod shop;
mod start;
mod stranded;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory;
use crate::order::{INVENTORY, Step, TaskId};
use crate::store::{Lock, Place, Store};
use drive::{Memory, Next};
use pool::{Done, Job, Outcome, Pool};
use shop::Shops;

pub(crate) use start::{start, start_if_due, start_or_complain};

/// How often a worker that has nothing to do right now looks for new orders.
const LOOK: Duration = Duration::from_millis(250);

/// How long it sleeps at least, so that orders are taken several at a time.
const NAP: Duration = Duration::from_millis(5);

/// How long a new worker waits for the lock: others hold it for an instant to see whether a
/// worker lives.
const PATIENCE: Duration = Duration::from_millis(100);

/// Works until nothing is left to do; ends at once where another worker lives.
pub(crate) fn run_in_background(home: &Home, store: &Store) -> Result<(), Error> {
    match store.worker_lock("worker", PATIENCE) {
        Ok(lock) => Worker::new(home, store, lock).run().inspect_err(|error| {
            // Nobody reads what a background process prints.
            store.log(clock::now(), None, format!("the worker ends: {error}"));
        }),
        Err(Error::StateBusy { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Waits for a living worker to end, then works until nothing is left to do.
pub(crate) fn run_in_foreground(home: &Home, store: &Store) -> Result<(), Error> {
    // The lock's folder is made by whoever takes the state lock first.
    drop(store.lock("work")?);
    loop {
        match store.worker_lock("work", Duration::from_hours(1)) {
            Ok(lock) => return Worker::new(home, store, lock).run(),
            Err(Error::StateBusy { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes one pass over what is due, unless a worker lives.
pub(crate) fn run_once(home: &Home, store: &Store) -> Result<(), Error> {
    drop(store.lock("work --once")?);
    let Some(lock) = store.try_worker_lock("work --once")? else {
        return Ok(());
    };
    let mut worker = Worker::new(home, store, lock);
    worker.sweep()?;
    loop {
        worker.pass()?;
        worker.join();
        // Whoever ordered meanwhile found a worker alive, and started none.
        if worker.end_if(|worker, id| worker.waiting.contains_key(&id))? {
            return Ok(());
        }
    }
}

/// A pass over the open orders, again and again.
///
/// The threads stand before the lock: they end before it is let go, however the worker ends.
struct Worker<'a> {
    pool: Pool,
    lock: Option<Lock>,
    home: &'a Home,
    store: &'a Store,
    /// The executable as it was when the worker began.
    executable: Option<(u64, u64)>,
    shops: Shops<'a>,
    poll: Duration,
    /// The open orders, as they were listed last.
    open: Vec<TaskId>,
    looked_at: Option<Instant>,
    /// Orders that are left alone for now, and why.
    waiting: BTreeMap<TaskId, Waiting>,
    /// What is remembered of the orders of a hoster.
    memories: BTreeMap<TaskId, Memory>,
}

/// Why an order is left alone for now.
enum Waiting {
    /// Its next step comes then, or when its file is changed.
    Until(Instant, Option<SystemTime>),
    /// Its file cannot be read, or the program has a fault: until the file is changed.
    Parked(Option<SystemTime>),
    /// A thread drives it; its file was of that time before.
    UnderWay(Option<SystemTime>),
}

impl<'a> Worker<'a> {
    fn new(home: &'a Home, store: &'a Store, lock: Lock) -> Self {
        let mut shops = Shops::new(home);
        Self {
            pool: Pool::new(),
            lock: Some(lock),
            home,
            store,
            executable: identity(&home.executable),
            poll: shops.poll(),
            shops,
            open: Vec::new(),
            looked_at: None,
            waiting: BTreeMap::new(),
            memories: BTreeMap::new(),
        }
    }

    fn run(mut self) -> Result<(), Error> {
        self.log_panics();
        self.sweep()?;
        loop {
            self.pass()?;
            if self.end_if(Self::is_parked)? {
                return Ok(());
            }
            if self.wait()? == Woken::Upgrade {
                // The request that a thread has under way comes to its end first.
                drop(self.pool);
                drop(self.lock.take());
                // Replaced: the new program goes on. Removed: the provider is being uninstalled.
                return if self.home.executable.exists() {
                    start(self.home, self.store)
                } else {
                    Ok(())
                };
            }
        }
    }

    /// Withdraws the orders whose numbers reached nobody.
    fn sweep(&self) -> Result<(), Error> {
        self.store.lock("worker")?.sweep(clock::now())
    }

    /// Where a background process breaks is written down where an administrator looks.
    fn log_panics(&self) {
        let store = self.store.clone();
        std::panic::set_hook(Box::new(move |panic| {
            store.log(clock::now(), None, format!("a fault in the program: {panic}"));
        }));
    }

    /// Lists the open orders, and notices those that somebody changed while they wait.
    ///
    /// With orders of a hoster under way there is something to do all the time, and it is enough to
    /// list at times.
    fn look(&mut self) -> Result<(), Error> {
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
    fn pass(&mut self) -> Result<(), Error> {
        self.look()?;
        for id in self.open.clone() {
            if self.is_waiting(id) {
                continue;
            }
            self.waiting.remove(&id);
            let changed_at = self.store.changed_at(id);
            match catch_unwind(AssertUnwindSafe(|| self.step(id, changed_at))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => self.leave(id, &error),
                Err(_) => self.park(id, changed_at, "a fault in the program"),
            }
        }
        Ok(())
    }

    /// Leaves an order alone that cannot be driven: for a while, or until its file is mended.
    fn leave(&mut self, id: TaskId, error: &Error) {
        let changed_at = self.store.changed_at(id);
        let broken = matches!(error, Error::StateUnreadable { .. } | Error::StateNewer { .. });
        if broken && self.store.read_in(Place::Active, id).is_err() {
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
        self.store.log(clock::now(), Some(id), format!("left alone for now: {problem}"));
        self.waiting.insert(id, Waiting::Parked(changed_at));
    }

    fn is_waiting(&self, id: TaskId) -> bool {
        match self.waiting.get(&id) {
            Some(Waiting::Until(then, _)) => Instant::now() < *then,
            Some(Waiting::Parked(_) | Waiting::UnderWay(_)) => true,
            None => false,
        }
    }

    /// Does what one order needs next; one of a hoster is handed to a thread.
    fn step(&mut self, id: TaskId, changed_at: Option<SystemTime>) -> Result<(), Error> {
        let mut book = self.store.lock("worker")?;
        if book.drop_stale_copy(Place::Active, id)? {
            self.forget(id);
            return Ok(());
        }
        let Some(mut order) = self.store.read_in(Place::Active, id)? else {
            self.forget(id);
            return Ok(());
        };
        if order.definition != INVENTORY {
            drop(book);
            return self.hand_on(id, changed_at);
        }
        let filed = order.next() == Step::File;
        let done = inventory::step(&mut book, &mut order, Uuid::now_v7(), clock::now())?;
        drop(book);
        self.forget(id);
        if !filed {
            self.store.log(clock::now(), Some(id), done);
        }
        Ok(())
    }

    fn hand_on(&mut self, id: TaskId, changed_at: Option<SystemTime>) -> Result<(), Error> {
        let shop = match self.shops.current() {
            Ok(shop) => shop,
            Err(error) => {
                let timeout = self.shops.last_timeout();
                stranded::end_if_late(self.store, id, timeout, error)?;
                self.forget(id);
                return Ok(());
            }
        };
        self.poll = shop.poll;
        self.pool.grow(self.home, self.store, shop.threads.min(self.under_way() + 1))?;
        let memory = self.memories.remove(&id).unwrap_or_default();
        self.waiting.insert(id, Waiting::UnderWay(changed_at));
        self.pool.drive(Job { id, memory, shop });
        Ok(())
    }

    /// Takes an order that has ended off the list.
    fn forget(&mut self, id: TaskId) {
        self.open.retain(|open| *open != id);
    }

    fn under_way(&self) -> usize {
        let under_way = |waiting: &&Waiting| matches!(waiting, Waiting::UnderWay(_));
        self.waiting.values().filter(under_way).count()
    }

    /// Takes an order back from its thread.
    fn take_back(&mut self, done: Done) {
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
            Outcome::Next(Next::Nothing, _) => {
                self.memories.remove(&id);
                self.forget(id);
            }
            Outcome::Error(error) => self.leave(id, &error),
            Outcome::Panic => self.park(id, changed_at, "a fault in the program"),
        }
    }

    /// Waits until no order is under way.
    fn join(&mut self) {
        while self.under_way() > 0 {
            if let Some(done) = self.pool.done(LOOK) {
                self.take_back(done);
            }
        }
    }

    /// Nobody can do anything about an order that is parked: it is for a person to look at.
    fn is_parked(&self, id: TaskId) -> bool {
        match self.waiting.get(&id) {
            Some(Waiting::Parked(seen)) => self.store.changed_at(id) == *seen,
            _ => false,
        }
    }

    /// Lets go of the worker's lock where each open order may stay as it is; returns whether it did.
    ///
    /// Under the state lock, so that an order that becomes active either is seen here or finds the
    /// worker's lock free.
    fn end_if(&mut self, may_stay: impl Fn(&Self, TaskId) -> bool) -> Result<bool, Error> {
        if !self.open.iter().all(|id| may_stay(self, *id)) {
            return Ok(false);
        }
        let book = self.store.lock("worker")?;
        let open = self.store.ids(Place::Active)?;
        if !open.iter().all(|id| may_stay(self, *id)) {
            return Ok(false);
        }
        if open.iter().all(|id| self.is_parked(*id)) {
            book.clear_due()?;
        }
        drop(self.lock.take());
        Ok(true)
    }

    /// Sleeps until there is something to do.
    ///
    /// The orders are listed each time: the change time of their folder is too coarse on many file
    /// systems to tell of an order that came right after the last look.
    fn wait(&mut self) -> Result<Woken, Error> {
        loop {
            if identity(&self.home.executable) != self.executable {
                return Ok(Woken::Upgrade);
            }
            self.look()?;
            let all = |is: fn(&Self, TaskId) -> bool| self.open.iter().all(|id| is(self, *id));
            if !all(Self::is_waiting) || all(Self::is_parked) {
                return Ok(Woken::Order);
            }
            let next = self.waiting.values().filter_map(|waiting| match waiting {
                Waiting::Until(then, _) => Some(then.saturating_duration_since(Instant::now())),
                Waiting::Parked(_) | Waiting::UnderWay(_) => None,
            });
            self.doze(next.min().map_or(LOOK, |left| left.clamp(NAP, LOOK)));
        }
    }

    /// Takes orders back from threads, for so long.
    fn doze(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.pool.done(left) {
                Some(done) => self.take_back(done),
                None => return,
            }
        }
    }
}

/// What ended a sleep: an order that can move on, or none that ever could; a new executable.
#[derive(Debug, PartialEq, Eq)]
enum Woken {
    Order,
    Upgrade,
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
