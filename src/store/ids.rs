//! Ids that rise and are never given twice, and today's count.
//!
//! `sequence` is a cache. It is rebuilt by one scan of all orders when it is lost, or when
//! `claims/` was changed by anyone but us, which it notices by the folder's change time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use super::atomic;
use super::book::Book;
use super::layout::Place;
use super::sequence::Sequence;
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::format::Format;
use crate::order::TaskId;

/// What a scan of all orders found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The largest id in use.
    last_id: Option<TaskId>,
    orders_today: u64,
    /// Which order holds which server of the inventory, by the server's lower-case name.
    pub(super) holders: BTreeMap<String, TaskId>,
    /// Which order was made with which key.
    pub(super) keys: BTreeMap<String, TaskId>,
    /// The orders whose files cannot be read: what they hold is not known.
    pub(super) unreadable: BTreeSet<TaskId>,
}

impl Book<'_> {
    /// Returns the id of the next order; it is given once [`Book::count`] has written it down.
    pub(crate) fn next_id(&mut self, now: Timestamp) -> Result<TaskId, Error> {
        let sequence = self.sequence(now)?;
        let id = self.after(sequence.last_id)?;
        if !self.is_used(id) {
            return Ok(id);
        }
        // The cache is older than the orders: a backup was laid back, or power was cut.
        let sequence = self.rebuild(now)?;
        self.after(sequence.last_id)
    }

    /// Gives the id away and counts an order for today.
    pub(crate) fn count(&mut self, id: TaskId, now: Timestamp) -> Result<(), Error> {
        let mut sequence = self.sequence(now)?;
        sequence.last_id = Some(id);
        sequence.orders_today += 1;
        self.save(sequence)
    }

    /// Takes an order that was withdrawn out of today's count; its id stays given.
    pub(super) fn uncount(&mut self, created_at: Timestamp, now: Timestamp) -> Result<(), Error> {
        let mut sequence = self.sequence(now)?;
        if sequence.day == clock::day(created_at) {
            sequence.orders_today = sequence.orders_today.saturating_sub(1);
        }
        self.save(sequence)
    }

    /// Returns how many orders were accepted today.
    pub(crate) fn orders_today(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(self.sequence(now)?.orders_today)
    }

    /// Returns the cache, rebuilt if it must be, rolled over to today.
    pub(super) fn sequence(&mut self, now: Timestamp) -> Result<Sequence, Error> {
        let sequence = match self.known_sequence()? {
            Some(known) if self.is_good(&known, now)? => known,
            _ => self.rebuild(now)?,
        };
        Ok(self.sequence.insert(sequence.today(now)).clone())
    }

    /// Returns whether the cache tells of `claims/` as it is now, and of no day that is yet to come:
    /// the clock was ahead then, and what was ordered today before that is not in its count.
    fn is_good(&self, known: &Sequence, now: Timestamp) -> Result<bool, Error> {
        let is_past = known.day <= clock::day(now);
        Ok(is_past && known.claims_changed_at == self.claims_changed_at()?)
    }

    /// Writes the cache, with `claims/` as it is now.
    pub(super) fn save(&mut self, sequence: Sequence) -> Result<(), Error> {
        let sequence = self.remember(sequence)?;
        let text = serde_json::to_string(sequence)
            .map_err(|error| Error::Internal { problem: error.to_string() })?;
        atomic::overwrite_cache(&self.layout().sequence(), &text)
    }

    /// Takes `claims/` as it is now for known, as long as the lock is held.
    pub(super) fn remember(&mut self, mut sequence: Sequence) -> Result<&Sequence, Error> {
        sequence.claims_changed_at = self.claims_changed_at()?;
        Ok(self.sequence.insert(sequence))
    }

    /// Builds the cache and `claims/` anew out of all orders.
    pub(super) fn rebuild(&mut self, now: Timestamp) -> Result<Sequence, Error> {
        let scan = self.scan(now)?;
        self.restore_claims(&scan)?;
        self.restore_keys(&scan)?;
        let mut sequence = Sequence {
            format: Format,
            last_id: scan.last_id,
            day: clock::day(now),
            orders_today: scan.orders_today,
            claims_changed_at: String::new(),
        };
        if let Some(known) = self.known_sequence()? {
            // An id may have been given to an order whose file does not exist yet.
            sequence.last_id = sequence.last_id.max(known.last_id);
            if known.day == sequence.day {
                sequence.orders_today = sequence.orders_today.max(known.orders_today);
            }
        }
        self.save(sequence.clone())?;
        Ok(sequence)
    }

    /// Any fault of a cache is cured by building it anew, but for one that a later release wrote.
    fn known_sequence(&self) -> Result<Option<Sequence>, Error> {
        if self.sequence.is_some() {
            return Ok(self.sequence.clone());
        }
        match super::read::read(&self.layout().sequence()) {
            Err(newer @ Error::StateNewer { .. }) => Err(newer),
            read => Ok(read.ok().flatten()),
        }
    }

    /// Refuses to take orders for gone that are hidden: their servers would be sold once more.
    fn refuse_mounts(&self) -> Result<(), Error> {
        let state = device(self.layout().state())?;
        for folder in Place::ALL.map(|place| self.layout().folder(place)) {
            let found = device(&folder)?;
            if found.is_some() && found != state {
                return Err(Error::StateRefused {
                    path: folder,
                    problem: "another file system is mounted over it, so that orders are hidden"
                        .to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Reads every order there is.
    pub(super) fn scan(&self, now: Timestamp) -> Result<Scan, Error> {
        self.refuse_mounts()?;
        let today = clock::day(now);
        let mut scan = Scan { last_id: self.panel_ids().max(), ..Scan::default() };
        // Of two that hold the same server, the one that was handed it has it.
        for place in [Place::Done, Place::Active, Place::Accepted] {
            for id in listed(&self.layout().folder(place))? {
                scan.last_id = scan.last_id.max(Some(id));
                match self.store().read_in(place, id) {
                    Ok(Some(order)) => {
                        scan.orders_today += u64::from(clock::day(order.created_at) == today);
                        if let Some(key) = &order.caller_key {
                            scan.keys.insert(key.clone(), id);
                        }
                        if let Some(server) = order.held_server() {
                            scan.holders.entry(server.to_ascii_lowercase()).or_insert(id);
                        }
                    }
                    Ok(None) => {}
                    Err(_) => {
                        scan.unreadable.insert(id);
                    }
                }
            }
        }
        Ok(scan)
    }

    fn after(&self, last: Option<TaskId>) -> Result<TaskId, Error> {
        last.unwrap_or(TaskId::NONE).next().ok_or_else(|| Error::StateUnreadable {
            path: self.layout().state().to_owned(),
            problem: "a file there has the largest id that can be, so no order can follow".into(),
        })
    }

    fn is_used(&self, id: TaskId) -> bool {
        let look = |path: &Path| std::fs::symlink_metadata(path).map(|_| ());
        let is_stored =
            || Place::ALL.iter().any(|place| look(&self.layout().order(*place, id)).is_ok());
        match look(&self.layout().task(id)) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                is_stored() || self.panel_ids().any(|known| known == id)
            }
            Err(_) => is_stored(),
        }
    }

    /// Returns the ids that are names in the panel's `tasks/`, as far as this process may look.
    fn panel_ids(&self) -> impl Iterator<Item = TaskId> {
        self.layout().task_names().into_iter().filter_map(|name| name.parse().ok())
    }

    fn claims_changed_at(&self) -> Result<String, Error> {
        let path = self.layout().claims();
        let metadata =
            std::fs::metadata(&path).map_err(|error| Error::state(&path, "look at", &error))?;
        Ok(format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec()))
    }
}

/// Returns which file system a folder is on; one that is not there is on none.
fn device(folder: &Path) -> Result<Option<u64>, Error> {
    match std::fs::metadata(folder) {
        Ok(metadata) => Ok(Some(metadata.dev())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::state(folder, "look at", &error)),
    }
}

/// Returns the ids of the order files in a folder, rising; a folder that is not there has none.
pub(super) fn listed<Id: FromStr + Ord>(folder: &Path) -> Result<Vec<Id>, Error> {
    let entries = match atomic::entries(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Error::state(folder, "list", &error))?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::state(folder, "list", &error))?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        ids.extend(id.and_then(|id| id.parse().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}
