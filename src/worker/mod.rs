//! The background process that drives open orders: one per provider, alive while there is work.

mod start;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory;
use crate::order::{Step, TaskId};
use crate::store::{Lock, Place, Store};

pub(crate) use start::{start, start_if_due, start_or_complain};

/// How often a worker that has nothing to do right now looks for new orders.
const LOOK: Duration = Duration::from_millis(250);

/// How many seconds lie between two tries of an order where the configuration does not say.
const POLL_SECONDS: f64 = 5.0;

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
        // Whoever ordered meanwhile found a worker alive, and started none.
        if worker.end_if(|worker, id| worker.waiting.contains_key(&id))? {
            return Ok(());
        }
    }
}

/// A pass over the open orders, again and again.
struct Worker<'a> {
    home: &'a Home,
    store: &'a Store,
    lock: Option<Lock>,
    /// The executable as it was when the worker began.
    executable: Option<(u64, u64)>,
    poll: Duration,
    /// Orders that failed to move on, and why they are left alone for now.
    waiting: BTreeMap<TaskId, Waiting>,
}

/// Why an order is left alone for now.
enum Waiting {
    /// Something that may pass, as a full disk: until then.
    Until(Instant),
    /// Its file cannot be read, or the program has a fault: until the file is changed.
    Parked(Option<SystemTime>),
}

impl<'a> Worker<'a> {
    fn new(home: &'a Home, store: &'a Store, lock: Lock) -> Self {
        // A broken configuration must not keep accepted orders from being finished.
        let poll = Config::load(home).ok().and_then(|config| config.worker.poll_seconds);
        let poll = Duration::try_from_secs_f64(poll.unwrap_or(POLL_SECONDS));
        Self {
            home,
            store,
            lock: Some(lock),
            executable: identity(&home.executable),
            poll: poll.unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(10)),
            waiting: BTreeMap::new(),
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

    /// Moves on every order that can move on.
    fn pass(&mut self) -> Result<(), Error> {
        let ids = self.store.ids(Place::Active)?;
        self.waiting.retain(|id, _| ids.binary_search(id).is_ok());
        for id in ids {
            if self.is_waiting(id) {
                continue;
            }
            self.waiting.remove(&id);
            let changed_at = self.store.changed_at(id);
            let stepped = catch_unwind(AssertUnwindSafe(|| self.step(id)));
            let (waiting, problem) = match stepped {
                Ok(Ok(())) => continue,
                Ok(Err(error @ (Error::StateUnreadable { .. } | Error::StateNewer { .. })))
                    if self.store.read_in(Place::Active, id).is_err() =>
                {
                    (Waiting::Parked(changed_at), error.to_string())
                }
                Ok(Err(error)) => (Waiting::Until(Instant::now() + self.poll), error.to_string()),
                Err(_) => (Waiting::Parked(changed_at), "a fault in the program".to_owned()),
            };
            self.store.log(clock::now(), Some(id), format!("left alone for now: {problem}"));
            self.waiting.insert(id, waiting);
        }
        Ok(())
    }

    fn is_waiting(&self, id: TaskId) -> bool {
        match self.waiting.get(&id) {
            Some(Waiting::Until(then)) => Instant::now() < *then,
            Some(Waiting::Parked(seen)) => self.store.changed_at(id) == *seen,
            None => false,
        }
    }

    /// Does what one order needs next: lock, read again, decide, replace.
    fn step(&self, id: TaskId) -> Result<(), Error> {
        let mut book = self.store.lock("worker")?;
        if book.drop_stale_copy(Place::Active, id)? {
            return Ok(());
        }
        let Some(mut order) = self.store.read_in(Place::Active, id)? else {
            return Ok(());
        };
        let filed = order.next() == Step::File;
        let done = inventory::step(&mut book, &mut order, Uuid::now_v7(), clock::now())?;
        drop(book);
        if !filed {
            self.store.log(clock::now(), Some(id), done);
        }
        Ok(())
    }

    /// Nobody can do anything about an order that is parked: it is for a person to look at.
    fn is_parked(&self, id: TaskId) -> bool {
        matches!(self.waiting.get(&id), Some(Waiting::Parked(_))) && self.is_waiting(id)
    }

    /// Lets go of the worker's lock where each open order may stay as it is; returns whether it did.
    ///
    /// Under the state lock, so that an order that becomes active either is seen here or finds the
    /// worker's lock free.
    fn end_if(&mut self, may_stay: impl Fn(&Self, TaskId) -> bool) -> Result<bool, Error> {
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
    fn wait(&self) -> Result<Woken, Error> {
        loop {
            if identity(&self.home.executable) != self.executable {
                return Ok(Woken::Upgrade);
            }
            let open = self.store.ids(Place::Active)?;
            let all = |is: fn(&Self, TaskId) -> bool| open.iter().all(|id| is(self, *id));
            if !all(Self::is_waiting) || all(Self::is_parked) {
                return Ok(Woken::Order);
            }
            let next = self.waiting.values().filter_map(|waiting| match waiting {
                Waiting::Until(then) => Some(then.saturating_duration_since(Instant::now())),
                Waiting::Parked(_) => None,
            });
            std::thread::sleep(next.min().map_or(LOOK, |left| left.min(LOOK)));
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
