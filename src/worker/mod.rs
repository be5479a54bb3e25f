//! The background process that drives open orders and sends deliveries: one per provider, alive
//! while there is work.

mod attempt;
mod build;
mod buy;
mod deliveries;
mod drive;
mod ending;
mod handover;
mod hooks;
mod orders;
mod pool;
mod removal;
mod seek;
mod shop;
mod start;
mod stranded;
mod sweep;
mod turn;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::clock;
use crate::delivery::DeliveryId;
use crate::error::Error;
use crate::home::Home;
use crate::store::{Lock, Store};
use attempt::Attempted;
use deliveries::Deliveries;
use orders::Orders;
use sweep::Sweep;

pub(crate) use start::{start, start_if_due, start_or_complain};

/// How often a worker that has nothing to do right now looks for new work.
const LOOK: Duration = Duration::from_millis(250);

/// How long it sleeps at least, so that orders are taken several at a time.
const NAP: Duration = Duration::from_millis(5);

/// How long a new worker waits for the lock: others hold it for an instant to see whether a
/// worker lives.
const PATIENCE: Duration = Duration::from_millis(100);

/// Works until nothing is left to do; ends at once where another worker lives.
pub(crate) fn run_in_background(home: &Home, store: &Store) -> Result<(), Error> {
    match store.worker_lock("worker", PATIENCE) {
        Ok(lock) => {
            Worker::new(home, store, lock).and_then(Worker::run).inspect_err(|error| {
                // Nobody reads what a background process prints.
                store.log(clock::now(), None, format!("the worker ends: {error}"));
            })
        }
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
            Ok(lock) => return Worker::new(home, store, lock)?.run(),
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
    let mut worker = Worker::new(home, store, lock)?;
    worker.withdraw()?;
    loop {
        worker.pass()?;
        worker.join()?;
        // Whoever ordered meanwhile found a worker alive, and started none.
        let all_is_done = |worker: &Worker| {
            let sent = !worker.deliveries.is_due() && !worker.sweep.is_due();
            sent && worker.orders.all_were_seen()
        };
        if worker.end_if(all_is_done)? {
            return Ok(());
        }
    }
}

/// A pass over the open orders and the pending deliveries, again and again.
///
/// The threads stand before the lock: they end before it is let go, however the worker ends.
struct Worker<'a> {
    orders: Orders<'a>,
    deliveries: Deliveries<'a>,
    sweep: Sweep<'a>,
    reports: Receiver<Report>,
    lock: Option<Lock>,
    home: &'a Home,
    store: &'a Store,
    /// The executable as it was when the worker began.
    executable: Option<(u64, u64)>,
}

/// What a thread is done with.
enum Report {
    Order(turn::Done),
    Delivery(Attempted),
    /// A delivery has arrived, and that is being written down.
    Arrived(DeliveryId),
}

impl<'a> Worker<'a> {
    fn new(home: &'a Home, store: &'a Store, lock: Lock) -> Result<Self, Error> {
        crate::system::heed_children();
        let (report, reports) = mpsc::channel();
        Ok(Self {
            orders: Orders::new(home, store, report.clone()),
            deliveries: Deliveries::new(home, store, store.outbox(&lock)?, report),
            sweep: Sweep::new(home, store),
            reports,
            lock: Some(lock),
            home,
            store,
            executable: identity(&home.executable),
        })
    }

    fn run(mut self) -> Result<(), Error> {
        self.log_panics();
        self.withdraw()?;
        loop {
            self.pass()?;
            let nothing_left = |worker: &Self| worker.is_idle() && !worker.sweep.is_due();
            if self.end_if(nothing_left)? {
                return Ok(());
            }
            if self.wait()? == Woken::Upgrade {
                // The requests that threads have under way come to their end first.
                drop((self.orders, self.deliveries));
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
    fn withdraw(&self) -> Result<(), Error> {
        self.store.lock("worker")?.sweep(clock::now())
    }

    /// Where a background process breaks is written down where an administrator looks.
    fn log_panics(&self) {
        let store = self.store.clone();
        std::panic::set_hook(Box::new(move |panic| {
            store.log(clock::now(), None, format!("a fault in the program: {panic}"));
        }));
    }

    /// Does what can be done now.
    fn pass(&mut self) -> Result<(), Error> {
        self.orders.pass(&mut self.deliveries)?;
        self.deliveries.pass();
        self.sweep.pass();
        Ok(())
    }

    /// Returns whether no order and no delivery can go on unless somebody does something.
    fn is_idle(&self) -> bool {
        self.orders.all_are_parked() && self.deliveries.are_held()
    }

    /// Waits until threads have nothing under way. What comes meanwhile is begun: one order that
    /// takes its time keeps no other waiting.
    fn join(&mut self) -> Result<(), Error> {
        while self.orders.under_way() + self.deliveries.under_way() > 0 {
            if let Ok(report) = self.reports.recv_timeout(LOOK) {
                self.take_back(report);
            }
            self.orders.pass_over_new(&mut self.deliveries)?;
            self.deliveries.pass();
        }
        Ok(())
    }

    fn take_back(&mut self, report: Report) {
        match report {
            Report::Order(done) => self.orders.take_back(done),
            Report::Delivery(attempted) => self.deliveries.take_back(attempted),
            Report::Arrived(id) => self.deliveries.arrived(&id),
        }
    }

    /// Lets go of the worker's lock where all may stay as it is; returns whether it did.
    ///
    /// Under the state lock, so that what becomes due either is seen here or finds the worker's
    /// lock free.
    fn end_if(&mut self, may_stay: impl Fn(&Self) -> bool) -> Result<bool, Error> {
        if !may_stay(self) {
            return Ok(false);
        }
        let book = self.store.lock("worker")?;
        self.orders.look_again()?;
        self.deliveries.look_again(&book);
        if !may_stay(self) {
            return Ok(false);
        }
        if self.is_idle() {
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
            self.orders.look()?;
            self.deliveries.look();
            let is_due = self.deliveries.is_due() || self.sweep.is_due();
            if !self.orders.all_wait() || is_due || self.is_idle() {
                return Ok(Woken::Work);
            }
            let pauses = self.orders.pause().into_iter().chain(self.deliveries.pause());
            self.doze(pauses.min().map_or(LOOK, |left| left.clamp(NAP, LOOK)));
        }
    }

    /// Takes back what threads are done with, for so long; a delivery makes room for another.
    fn doze(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(report) = self.reports.recv_timeout(left) else { return };
            let makes_room = matches!(report, Report::Delivery(_) | Report::Arrived(_));
            self.take_back(report);
            if makes_room {
                return;
            }
        }
    }
}

/// What ended a sleep: something that can be done, or that nothing ever can; a new executable.
#[derive(Debug, PartialEq, Eq)]
enum Woken {
    Work,
    Upgrade,
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
