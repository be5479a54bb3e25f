//! `keys/HASH`, a link: which order a caller's key was used for.
//!
//! The order itself names its key; a link that leads to no such order is void.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::book::Book;
use super::ids::Scan;
use super::{Found, atomic, link};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::order::TaskId;

/// A key may have any printable character and any length up to 200: more than a file name.
fn file_name(key: &str) -> String {
    Sha256::digest(key).iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

impl Book<'_> {
    /// Returns the order that `key` was used for.
    pub(crate) fn order_of_key(
        &mut self,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        // Where a folder of the book was lost, this restores what it said.
        self.sequence(now)?;
        let path = self.layout().key(&file_name(key));
        let Some(text) = link::read(&path)? else { return Ok(None) };
        let id = text.parse().map_err(|()| Error::StateUnreadable {
            path,
            problem: format!("`{text}` is no order's number"),
        })?;
        let found = self.store().read(id)?;
        Ok(found.filter(|found| found.order.caller_key.as_deref() == Some(key)))
    }

    /// Writes down what a key was used for; durable together with the order.
    pub(super) fn put_key(&self, key: &str, task_id: TaskId) -> Result<(), Error> {
        let path = self.layout().key(&file_name(key));
        link::put(&self.cleared_tmp()?, &path, &task_id.to_string())
    }

    /// Makes `keys/` say what the orders say.
    pub(super) fn restore_keys(&self, scan: &Scan) -> Result<(), Error> {
        for (key, id) in &scan.keys {
            if link::read(&self.layout().key(&file_name(key)))?.is_none() {
                self.put_key(key, *id)?;
            }
        }
        if scan.keys.is_empty() { Ok(()) } else { atomic::sync_folder(&self.layout().keys()) }
    }

    /// Forgets what a key was used for, unless it was used for another order since.
    pub(super) fn remove_key(&self, key: &str, task_id: TaskId) -> Result<(), Error> {
        let path = self.layout().key(&file_name(key));
        match link::read(&path) {
            Ok(Some(text)) if text != task_id.to_string() => Ok(()),
            _ => atomic::remove(&path).map(|_| ()),
        }
    }
}
