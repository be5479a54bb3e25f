//! Changing the files in `etc/` that commands write, or the machine's of webhooks, which no state lock
//! protects.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::atomic;
use super::lock::{self, Lock};
use crate::error::Error;
use crate::system;

/// What the names of new files on their way to their place begin with, and no other of ours does:
/// those have a dot, too.
const NEW: &str = "new-";

/// The right to change such files in a folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Edit {
    folder: PathBuf,
    /// Where the files are that the first names, and where new ones are made.
    copies: PathBuf,
    _lock: Lock,
}

impl Edit {
    /// Takes the lock `COPIES.lock` in the folder, and makes the folder `COPIES` in it where new
    /// files are made.
    ///
    /// # Errors
    /// `state_busy` when somebody else keeps the lock.
    pub(crate) fn of(folder: &Path, copies: &str, why: &str) -> Result<Self, Error> {
        let lock = lock::take(&folder.join(format!("{copies}.lock")), why, lock::PATIENCE)?;
        let copies = folder.join(copies);
        atomic::make_folder(&copies)?;
        clear(&copies)?;
        Ok(Self { folder: folder.to_owned(), copies, _lock: lock })
    }

    /// Replaces a file, durably; its path is relative to the folder.
    pub(crate) fn replace(&self, file: &str, bytes: &[u8]) -> Result<(), Error> {
        atomic::replace(&self.copies, &self.folder.join(file), bytes)
    }

    /// Removes a file; returns `false` where there was none.
    pub(crate) fn remove(&self, file: &str) -> Result<bool, Error> {
        atomic::remove(&self.folder.join(file))
    }
}

/// Refuses a folder that others may change: there root would write where they want.
///
/// # Errors
/// `state_unreadable`, saying who may.
pub(crate) fn only_ours(folder: &Path) -> Result<(), Error> {
    let unsafe_one = |problem: String| Error::StateUnreadable { path: folder.to_owned(), problem };
    let metadata = std::fs::symlink_metadata(folder)
        .map_err(|error| Error::state(folder, "look at", &error))?;
    let (owner, own) = (metadata.uid(), system::effective_uid());
    if !metadata.is_dir() {
        return Err(unsafe_one("it is no folder".to_owned()));
    }
    if owner != own {
        return Err(unsafe_one(format!("it belongs to user {owner}, not to {own}")));
    }
    if metadata.mode() & 0o022 != 0 {
        let mode = metadata.mode() & 0o7777;
        return Err(unsafe_one(format!("others may change it: its mode is {mode:04o}")));
    }
    Ok(())
}

/// Removes what crashed writers left.
fn clear(copies: &Path) -> Result<(), Error> {
    let entries = atomic::entries(copies).map_err(|error| Error::state(copies, "list", &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(NEW) && !name.contains('.') {
            atomic::remove(&entry.path())?;
        }
    }
    Ok(())
}
