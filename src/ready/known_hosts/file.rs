//! Reading and changing a file that others read and change too.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use crate::json;
use crate::store::lock_open;
use crate::system::OPEN_AT_ONCE;

/// The largest `known_hosts` that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Returns what a file holds; none where there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match json::read_file(path, OPEN_AT_ONCE, LARGEST) {
        Ok((bytes, _)) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds lines to a file that held `old`, in one write, made durable; makes the file and its folder,
/// for the owner alone, where they are missing.
pub(super) fn append(path: &Path, old: &[u8], lines: &str) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let folder = folder(path);
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OPEN_AT_ONCE)
        .open(path)?;
    file.write_all(&on_a_new_line(old, lines))?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Locks the folder of a file until the answer is dropped; `None` where there is no such folder, or
/// its file system knows no locks.
pub(super) fn lock_folder(path: &Path) -> Option<File> {
    let folder = File::open(folder(path)).ok()?;
    lock_open(&folder).ok().map(|()| folder)
}

/// Replaces a file that held `old` by `kept` and the new lines, with its mode and owner, made
/// durable; returns `false`, with nothing done, where it holds something else by now.
pub(super) fn replace(path: &Path, old: &[u8], kept: &[u8], lines: &str) -> io::Result<bool> {
    // A link stays one.
    let path = fs::canonicalize(path)?;
    let before = fs::metadata(&path)?;
    let folder = folder(&path);
    let mut new = tempfile::Builder::new()
        .prefix(".known_hosts-")
        .permissions(fs::Permissions::from_mode(before.mode() & 0o7777))
        .tempfile_in(folder)?;
    new.write_all(kept)?;
    new.write_all(&on_a_new_line(kept, lines))?;
    keep_owner(new.as_file(), &before)?;
    new.as_file().sync_all()?;
    if read(&path)?.as_deref() != Some(old) {
        return Ok(false);
    }
    new.persist(&path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    Ok(true)
}

fn keep_owner(file: &File, before: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        fchown(file, Some(before.uid()), Some(before.gid()))?;
    }
    // A umask, and a change of owner, take bits away.
    file.set_permissions(fs::Permissions::from_mode(before.mode() & 0o7777))
}

/// A last line without an end must not swallow the first new one.
fn on_a_new_line(old: &[u8], lines: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() + 1);
    if !lines.is_empty() && old.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(lines.as_bytes());
    bytes
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
