//! `keys/HASH`: which order a caller's key was used for.
//!
//! The order itself names its key; a file here that leads to no such order is void.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Found;
use super::book::Book;
use crate::error::Error;
use crate::format::Format;
use crate::order::TaskId;

/// The file of one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: Format,
    task_id: TaskId,
}

/// A key may have any printable character and any length up to 200: more than a file name.
fn file_name(key: &str) -> String {
    Sha256::digest(key).iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

impl Book<'_> {
    /// Returns the order that `key` was used for.
    pub(crate) fn order_of_key(&self, key: &str) -> Result<Option<Found>, Error> {
        let path = self.layout().key(&file_name(key));
        let Some(KeyFile { task_id, .. }) = super::read::read(&path)? else {
            return Ok(None);
        };
        let found = self.store().read(task_id)?;
        Ok(found.filter(|found| found.order.caller_key.as_deref() == Some(key)))
    }

    pub(super) fn put_key(&self, key: &str, task_id: TaskId) -> Result<(), Error> {
        let path = self.layout().key(&file_name(key));
        self.replace(&path, &KeyFile { format: Format, task_id })
    }

    pub(super) fn remove_key(&self, key: &str) -> Result<(), Error> {
        super::atomic::remove(&self.layout().key(&file_name(key))).map(|_| ())
    }
}
