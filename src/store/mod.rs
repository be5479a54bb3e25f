//! The order book: a narrow door behind which are files, so that a shared book may come later.
//!
//! Readers take no lock: a rename makes what they read whole. Whoever changes anything does it
//! through a [`Book`], which is the state lock held.

mod atomic;
mod book;
mod calls;
mod claims;
mod deliveries;
mod edit;
mod ids;
mod keys;
mod layout;
mod link;
mod lock;
mod log;
mod read;
mod sequence;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::time::SystemTime;

pub(crate) use atomic::{make_folder, publish, publish_privately, renew};
pub(crate) use book::Book;
pub(crate) use calls::{Begun, Call};
pub(crate) use deliveries::{Outbox, Shelf};
pub(crate) use edit::{Edit, only_ours};
pub(crate) use layout::Place;
pub(crate) use lock::{Lock, lock_open};
pub(crate) use log::Line as LogLine;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::home::Home;
use crate::json;
use crate::order::{Order, TaskId};
use crate::system::{self, Free};
use layout::Layout;

/// Returns what a claim that was read is written as; none where it is no claim.
#[cfg(any(test, fuzzing))]
pub(crate) fn claim_read_and_written(text: &str) -> Option<String> {
    claims::Claim::parse(text).map(claims::Claim::text)
}

/// Returns what a `sequence` that was read is written as.
///
/// # Errors
/// What is wrong with it.
#[cfg(any(test, fuzzing))]
pub(crate) fn sequence_read_and_written(bytes: &[u8]) -> Result<String, String> {
    let read = json::parse::<sequence::Sequence>(bytes)?;
    serde_json::to_string(&read.today(Timestamp::UNIX_EPOCH)).map_err(|error| error.to_string())
}

/// The order book of one provider.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    layout: Layout,
}

/// An order and where it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) order: Order,
    pub(crate) place: Place,
}

impl Store {
    /// Names the book; touches nothing.
    pub(crate) fn of(home: &Home) -> Self {
        Self { layout: Layout::new(&home.state, &home.tasks) }
    }

    /// Adds the panel's `tasks/`, opened by somebody who may look into it.
    pub(crate) fn with_tasks(self, opened: Option<File>) -> Self {
        Self { layout: self.layout.with_tasks(opened) }
    }

    /// Takes the state lock, for `why`, and with it the right to change things.
    ///
    /// # Errors
    /// `state_busy` when somebody else keeps it, `state_unreadable` on a network file system.
    pub(crate) fn lock(&self, why: &str) -> Result<Book<'_>, Error> {
        self.refuse_network()?;
        // The folders are made by the first who finds that one is missing. What they said is
        // restored from the orders where the cache is gone.
        if !self.layout.is_complete() {
            atomic::remove(&self.layout.sequence())?;
            self.layout.make()?;
        }
        let lock = lock::take(&self.layout.lock(), why, lock::PATIENCE)?;
        Ok(Book::open(&self.layout, lock))
    }

    /// Refuses to begin where what was promised cannot be kept.
    ///
    /// # Errors
    /// `state_unreadable`, naming the mount.
    pub(crate) fn refuse_network(&self) -> Result<(), Error> {
        let state = self.layout.state();
        // Before the first order there is none, and it will be where its folder is. What cannot be
        // asked fails by itself, and says how.
        let found = system::network_file_system(state)
            .or_else(|_| system::network_file_system(state.parent().unwrap_or(state)));
        match found {
            Ok(Some(problem)) => Err(Error::StateUnreadable { path: state.to_owned(), problem }),
            _ => Ok(()),
        }
    }

    /// Takes the lock that a worker holds while it lives, if nobody does.
    pub(crate) fn try_worker_lock(&self, why: &str) -> Result<Option<Lock>, Error> {
        lock::try_take(&self.layout.worker_lock(), why)
    }

    /// Returns whether a worker lives, without making the lock's file.
    pub(crate) fn worker_lives(&self) -> bool {
        lock::is_held(&self.layout.worker_lock())
    }

    /// Returns the number of the process that has signed the worker's lock last.
    pub(crate) fn worker_process(&self) -> Option<u32> {
        lock::signer(&self.layout.worker_lock())
    }

    /// Waits for the lock that a worker holds while it lives.
    pub(crate) fn worker_lock(
        &self,
        why: &str,
        patience: std::time::Duration,
    ) -> Result<Lock, Error> {
        lock::take(&self.layout.worker_lock(), why, patience)
    }

    /// Returns whether anything was ever stored here.
    pub(crate) fn exists(&self) -> bool {
        self.layout.state().is_dir()
    }

    /// Returns the order of that id.
    pub(crate) fn read(&self, id: TaskId) -> Result<Option<Found>, Error> {
        // Those that ended are asked for most. An order that moves on while it is looked for can
        // be missed once in every folder, so we look again.
        for _ in 0..3 {
            for place in [Place::Done, Place::Active, Place::Accepted] {
                if let Some(order) = self.read_in(place, id)? {
                    return Ok(Some(Found { order, place }));
                }
            }
        }
        Ok(None)
    }

    /// Returns the order of that id in that place.
    pub(crate) fn read_in(&self, place: Place, id: TaskId) -> Result<Option<Order>, Error> {
        let path = self.layout.order(place, id);
        let order: Option<Order> = read::read(&path)?;
        match order {
            Some(order) if order.task_id != id => Err(Error::StateUnreadable {
                path,
                problem: format!("it is the file of order {}", order.task_id),
            }),
            order => Ok(order),
        }
    }

    /// Returns whether the order of that id is in that place.
    pub(crate) fn is_in(&self, place: Place, id: TaskId) -> bool {
        std::fs::symlink_metadata(self.layout.order(place, id)).is_ok()
    }

    /// Returns the ids of a place, rising.
    pub(crate) fn ids(&self, place: Place) -> Result<Vec<TaskId>, Error> {
        ids::listed(&self.layout.folder(place))
    }

    /// Returns when an active order's file was last replaced.
    pub(crate) fn changed_at(&self, id: TaskId) -> Option<SystemTime> {
        std::fs::metadata(self.layout.order(Place::Active, id)).ok()?.modified().ok()
    }

    /// Returns whether somebody has a claim on a server, void or not.
    pub(crate) fn is_claimed(&self, server: &str) -> bool {
        std::fs::symlink_metadata(self.layout.claim(server)).is_ok()
    }

    /// Returns whether there is work for a worker; one look, for every command.
    pub(crate) fn is_due(&self) -> bool {
        std::fs::symlink_metadata(self.layout.due()).is_ok()
    }

    /// Returns the day (UTC) on which stored orders were last looked through; none where nobody
    /// knows.
    pub(crate) fn swept_day(&self) -> Option<String> {
        let path = self.layout.swept();
        let (bytes, _) = json::read_file(&path, system::OPEN_PLAINLY, json::LARGEST).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// Writes that day down, in a cache.
    pub(crate) fn note_swept(&self, day: &str) -> Result<(), Error> {
        atomic::overwrite_cache(&self.layout.swept(), day)
    }

    /// Returns the panel's record of an order, if it has one.
    pub(crate) fn panel_record(&self, id: TaskId) -> Option<String> {
        let path = self.layout.task(id);
        let (bytes, _) = json::read_file(&path, system::OPEN_PLAINLY, json::LARGEST).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// Returns whether the panel has a record of an order; absent where that cannot be told.
    pub(crate) fn panel_lists(&self, id: TaskId) -> Option<bool> {
        match std::fs::symlink_metadata(self.layout.task(id)) {
            Ok(_) => Some(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
            Err(_) => None,
        }
    }

    /// Returns what the file system has left.
    pub(crate) fn free(&self) -> Result<Free, Error> {
        system::free(self.layout.state())
            .map_err(|error| Error::state(self.layout.state(), "measure", &error))
    }

    /// Returns whether the file system lets nobody change anything.
    pub(crate) fn is_read_only(&self) -> bool {
        system::mounted(self.layout.state()).is_ok_and(|mounted| mounted.read_only)
    }

    /// Returns the log's lines about an order, oldest first.
    pub(crate) fn log_of(&self, id: TaskId) -> Vec<LogLine> {
        log::read(&self.layout.log(), |one| one == id)
    }

    /// Returns the log's lines about each of these orders, oldest first; the log is read once.
    pub(crate) fn logs_of(&self, ids: &[TaskId]) -> BTreeMap<TaskId, Vec<LogLine>> {
        let mut logs: BTreeMap<TaskId, Vec<LogLine>> = BTreeMap::new();
        for line in log::read(&self.layout.log(), |id| ids.contains(&id)) {
            if let Some(id) = line.task_id {
                logs.entry(id).or_default().push(line);
            }
        }
        logs
    }

    /// Returns what changes whenever the log does; none where there is no log.
    pub(crate) fn log_changed_at(&self) -> Option<(SystemTime, u64)> {
        let metadata = std::fs::metadata(self.layout.log()).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// Adds a line to the log, under no lock; a log that cannot be written stops nothing.
    pub(crate) fn log(&self, at: Timestamp, id: Option<TaskId>, message: String) {
        let folder = self.layout.log();
        let line = LogLine { at, task_id: id, message };
        let written = log::append(&folder, &line).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let folder = folder.parent().unwrap_or(&folder);
                atomic::make_folder(folder).map_err(io::Error::other)?;
                log::append(&self.layout.log(), &line)
            }
            _ => Err(error),
        });
        if let Err(error) = written {
            crate::answer::complain(&format!("cannot write the log: {error}: {}", line.message));
        }
    }
}
