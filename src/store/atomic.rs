//! Changing files so that a reader, a crash or a power cut never meets half a change.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// Whether a change must survive a power cut before it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// It must.
    Durable,
    /// It is a cache, rebuilt when lost.
    Cached,
}

/// Replaces `target` by a new file with `bytes`, made in `tmp` on the same file system.
///
/// # Errors
/// The target is then the old one, or, where only the last fsync failed, the new one: a caller
/// who gets an error must not count on either. A failed fsync is never tried again on the same
/// file, for the kernel may have dropped what it could not write.
pub(super) fn replace(
    tmp: &Path,
    target: &Path,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), Error> {
    let fault = |error: io::Error| Error::state(target, "write", &error);
    let mut file = tempfile::Builder::new()
        .prefix("new-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(tmp)
        .map_err(fault)?;
    file.write_all(bytes).map_err(fault)?;
    if durability == Durability::Durable {
        file.as_file().sync_all().map_err(fault)?;
    }
    file.persist(target).map_err(|error| fault(error.error))?;
    match (durability, target.parent()) {
        (Durability::Durable, Some(folder)) => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Moves a file to another folder of the same file system.
///
/// Atomic, so that the file is in just one of the two at any time; durable only once something
/// syncs. Returns `false` where there was nothing to move.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the door that the lint points to"
)]
pub(super) fn relocate(from: &Path, to: &Path) -> Result<bool, Error> {
    match std::fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::state(from, "move", &error)),
    }
}

/// Removes a file; returns `false` where there was none.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::state(path, "remove", &error)),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|open| open.sync_all())
        .map_err(|error| Error::state(folder, "sync", &error))
}

/// Removes what crashed writers left in `tmp`; only for the holder of the state lock, under which
/// every temporary file is made.
pub(super) fn clear(tmp: &Path) -> Result<(), Error> {
    let entries = std::fs::read_dir(tmp).map_err(|error| Error::state(tmp, "list", &error))?;
    for entry in entries.flatten() {
        remove(&entry.path())?;
    }
    Ok(())
}
