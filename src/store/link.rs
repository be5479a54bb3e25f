//! Small facts as symbolic links: the name says of what, the target says what.
//!
//! A link is made whole by one system call, has no content that could be torn or need a sync of
//! its own, and `ls -l` shows it. Nothing ever follows one.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::atomic;
use crate::error::Error;

/// Returns the text of a link; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_link(path) {
        Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(Error::StateUnreadable {
            path: path.to_owned(),
            problem: "it is no symbolic link".to_owned(),
        }),
        Err(error) => Err(Error::state(path, "read", &error)),
    }
}

/// Makes or replaces a link. It is durable once its folder is synced.
pub(super) fn put(tmp: &Path, path: &Path, text: &str) -> Result<(), Error> {
    let fault = |error: io::Error| Error::state(path, "write", &error);
    tempfile::Builder::new()
        .prefix("new-")
        .make_in(tmp, |new| symlink(text, new))
        .map_err(fault)?
        .into_temp_path()
        .persist(path)
        .map_err(|error| fault(error.error))
}

/// Makes or replaces a link, durably.
pub(super) fn put_durably(tmp: &Path, path: &Path, text: &str) -> Result<(), Error> {
    put(tmp, path, text)?;
    path.parent().map_or(Ok(()), atomic::sync_folder)
}
