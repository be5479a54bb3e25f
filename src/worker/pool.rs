//! Threads that drive orders of a hoster, many at once, each order by one thread at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::drive::{Drive, Memory, Next};
use super::shop::Shop;
use super::stranded;
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::{Place, Store};

/// An order to be driven.
pub(super) struct Job {
    pub(super) id: TaskId,
    pub(super) memory: Memory,
    pub(super) shop: Arc<Shop>,
}

/// What became of it.
pub(super) struct Done {
    pub(super) id: TaskId,
    pub(super) memory: Memory,
    pub(super) outcome: Outcome,
}

/// What became of an order that a thread drove.
pub(super) enum Outcome {
    /// It went as far as it could for now; its file was of that time when it was read last.
    Next(Next, Option<SystemTime>),
    /// Its file, its configuration or its definition cannot be used for now.
    Error(Error),
    /// The program has a fault.
    Panic,
}

/// The threads; they end when this is dropped, after the request that each has under way.
pub(super) struct Pool {
    jobs: Option<Sender<Job>>,
    queue: Arc<Mutex<Receiver<Job>>>,
    done: Receiver<Done>,
    report: Sender<Done>,
    threads: Vec<JoinHandle<()>>,
    /// Set when nothing more is to be begun.
    stop: Arc<AtomicBool>,
}

impl Pool {
    pub(super) fn new() -> Self {
        let (jobs, queue) = mpsc::channel();
        let (report, done) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        Self { jobs: Some(jobs), queue, done, report, threads: Vec::new(), stop: Arc::default() }
    }

    /// Starts one more thread while there are fewer than that.
    pub(super) fn grow(&mut self, home: &Home, store: &Store, at_most: usize) -> Result<(), Error> {
        if self.threads.len() < at_most {
            let (home, store) = (home.clone(), store.clone());
            let (queue, report) = (Arc::clone(&self.queue), self.report.clone());
            let stop = Arc::clone(&self.stop);
            let thread = std::thread::Builder::new()
                .spawn(move || work(&home, &store, &queue, &report, &stop))
                .map_err(|error| Error::Internal { problem: error.to_string() })?;
            self.threads.push(thread);
        }
        Ok(())
    }

    /// Hands an order to a thread.
    pub(super) fn drive(&self, job: Job) {
        // The threads hold the other end as long as this exists.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }

    /// Waits for an order that a thread is done with, for at most so long.
    pub(super) fn done(&self, at_most: Duration) -> Option<Done> {
        self.done.recv_timeout(at_most).ok()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // What waits in the queue is for the next worker.
        self.stop.store(true, Ordering::Relaxed);
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(
    home: &Home,
    store: &Store,
    queue: &Mutex<Receiver<Job>>,
    report: &Sender<Done>,
    ending: &AtomicBool,
) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { id, mut memory, shop }) = job else { return };
        let driven =
            catch_unwind(AssertUnwindSafe(|| drive(home, store, &shop, id, &mut memory, ending)));
        let outcome = match driven {
            Ok(Ok((next, seen))) => Outcome::Next(next, seen),
            Ok(Err(error)) => Outcome::Error(error),
            Err(_) => Outcome::Panic,
        };
        if report.send(Done { id, memory, outcome }).is_err() {
            return;
        }
    }
}

/// Drives an order until it has to wait for something.
fn drive(
    home: &Home,
    store: &Store,
    shop: &Shop,
    id: TaskId,
    memory: &mut Memory,
    ending: &AtomicBool,
) -> Result<(Next, Option<SystemTime>), Error> {
    loop {
        // What changes the file from here on brings the order back at once.
        let seen = store.changed_at(id);
        if ending.load(Ordering::Relaxed) {
            return Ok((Next::After(shop.poll), seen));
        }
        let Some(order) = store.read_in(Place::Active, id)? else {
            return Ok((Next::Nothing, seen));
        };
        let hoster = match shop.serves(home, &order) {
            Ok(hoster) => hoster,
            Err(error) => {
                stranded::end_if_late(store, id, Some(shop.timeout), error)?;
                return Ok((Next::Nothing, seen));
            }
        };
        let next = Drive { store, shop, hoster, id, memory }.step()?;
        if next != Next::After(Duration::ZERO) {
            return Ok((next, seen));
        }
    }
}
