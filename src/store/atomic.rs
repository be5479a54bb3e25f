//! Changing files so that a reader, a crash or a power cut never meets half a change.

use std::fs::{DirBuilder, File, Permissions, ReadDir};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::system::OPEN_PLAINLY;

/// The size of a cache file, in bytes: room for what is in it, and one write whatever it is.
const CACHE: usize = 256;

/// Replaces `target` by a new file with `bytes`, made in `tmp` on the same file system.
///
/// What returned `Ok` survives a power cut.
///
/// # Errors
/// The target is then the old one, or, where only the last fsync failed, the new one: a caller
/// who gets an error must not count on either. A failed fsync is never tried again on the same
/// file, for the kernel may have dropped what it could not write.
pub(super) fn replace(tmp: &Path, target: &Path, bytes: &[u8]) -> Result<(), Error> {
    prepare(tmp, target, bytes)?.take_place(target)?;
    target.parent().map_or(Ok(()), sync_folder)
}

/// Puts a file that anybody may read in the place of `target`, in one piece, made beside it.
///
/// Not synced: whoever reads it wants the next one as soon as there is one.
///
/// # Errors
/// `state_unreadable` or `disk_full`, naming the target, which is then as it was.
pub(crate) fn publish(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    put(target, bytes, 0o644, |_| Ok(()))
}

/// As [`publish`], for a file that its owner alone may read.
pub(crate) fn publish_privately(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    put(target, bytes, 0o600, |_| Ok(()))
}

/// Puts a copy with that mode in the place of `target`, durably: whoever has the old file open changes
/// nothing by it any more.
///
/// # Errors
/// `state_unreadable` or `disk_full`, naming the target.
pub(crate) fn renew(target: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    put(target, bytes, mode, File::sync_all)?;
    target.parent().map_or(Ok(()), sync_folder)
}

fn put(
    target: &Path,
    bytes: &[u8],
    mode: u32,
    sync: fn(&File) -> io::Result<()>,
) -> Result<(), Error> {
    let fault = |error: io::Error| Error::state(target, "write", &error);
    let folder = target.parent().unwrap_or(target);
    let file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(fault)?;
    write_whole(file.as_file(), bytes).map_err(fault)?;
    // Only once it is whole, and whatever the umask.
    file.as_file().set_permissions(Permissions::from_mode(mode)).map_err(fault)?;
    sync(file.as_file()).map_err(fault)?;
    file.persist(target).map(|_| ()).map_err(|error| fault(error.error))
}

/// Writes all of `bytes` to a new file, and looks whether they are all there.
///
/// A file system that says it wrote more than it did would leave half an order behind an answer. To
/// ask for the length takes a thousandth of what the sync takes that follows.
fn write_whole(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    let length = file.metadata()?.len();
    if length == bytes.len() as u64 {
        return Ok(());
    }
    let problem = format!("{length} of its {} bytes were written", bytes.len());
    Err(io::Error::new(io::ErrorKind::WriteZero, problem))
}

/// A new file whose bytes are written out, on its way to its place.
pub(super) struct Prepared(NamedTempFile);

/// Writes `bytes` out to a new file in `tmp` that is to become `target`.
pub(super) fn prepare(tmp: &Path, target: &Path, bytes: &[u8]) -> Result<Prepared, Error> {
    let fault = |error: io::Error| Error::state(target, "write", &error);
    let file = tempfile::Builder::new()
        .prefix("new-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(tmp)
        .map_err(fault)?;
    write_whole(file.as_file(), bytes).map_err(fault)?;
    file.as_file().sync_all().map_err(fault)?;
    Ok(Prepared(file))
}

impl Prepared {
    /// Puts the file in its place, whatever is there; durable once its folder is synced.
    pub(super) fn take_place(self, target: &Path) -> Result<(), Error> {
        let taken = self.0.persist(target);
        taken.map(|_| ()).map_err(|error| Error::state(target, "write", &error.error))
    }

    /// The same where nothing is there; what is there stays.
    pub(super) fn take_free_place(self, target: &Path) -> Result<(), Error> {
        match self.0.persist_noclobber(target) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::state(target, "write", &error.error))
            }
            _ => Ok(()),
        }
    }
}

/// Overwrites a file of [`CACHE`] bytes in place, with no promise but that a kill leaves the old
/// bytes or the new: for a cache that is built anew when it is lost or damaged.
///
/// A rename over an existing file would make the file system write out the new one at once.
pub(super) fn overwrite_cache(path: &Path, text: &str) -> Result<(), Error> {
    let fault = |error: io::Error| Error::state(path, "write", &error);
    let file = open_or_make(path)?;
    file.write_all_at(format!("{text:<CACHE$}").as_bytes(), 0).map_err(fault)?;
    file.set_len(CACHE as u64).map_err(fault)
}

/// Makes an empty file; one that exists is left alone.
pub(super) fn make_empty(path: &Path) -> Result<(), Error> {
    open_or_make(path).map(|_| ())
}

fn open_or_make(path: &Path) -> Result<File, Error> {
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OPEN_PLAINLY)
        .open(path)
        .map_err(|error| Error::state(path, "open", &error))
}

/// Makes a folder that is missing, for its owner alone; somebody else may make it just now.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::state(path, "make", &error))
        }
        _ => Ok(()),
    }
}

/// Moves a file to another folder of the same file system.
///
/// Atomic, so that the file is in just one of the two at any time; durable only once something
/// syncs. Returns `false` where there was nothing to move.
#[expect(clippy::disallowed_methods, reason = "this is the door that the lint points to")]
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

/// Lists a folder, again where a signal came.
pub(super) fn entries(folder: &Path) -> io::Result<ReadDir> {
    loop {
        match std::fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            listed => return listed,
        }
    }
}

/// Removes what crashed writers left in `tmp`; only for the holder of the state lock, under which
/// every temporary file is made.
pub(super) fn clear(tmp: &Path) -> Result<(), Error> {
    let entries = entries(tmp).map_err(|error| Error::state(tmp, "list", &error))?;
    for entry in entries.flatten() {
        // A folder is none of ours, and in nobody's way.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
