//! Locks: the lock files, two of them in `state/` and those of calls, and what else is open. Alone
//! names fs2.
//!
//! A lock is `flock(2)` on a file that is never removed: it ends with its holder, however that
//! ends, and needs no clean-up. It does not hold across machines. The file's text says who holds
//! it and why; it is for messages only and stays behind when the lock is let go.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::clock;
use crate::error::Error;
use crate::system::{MET_A_LINK, OPEN_PLAINLY};

/// How long anybody waits for the state lock, which is held for milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How many bytes the text has; of one length, so that one write replaces it whole.
const TEXT: usize = 96;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Returns the locked file: a process that inherits it holds the lock as well.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Lets the lock go for everyone who has inherited it, too.
    pub(super) fn release(&self) {
        let _ = fs2::FileExt::unlock(&self.file);
    }
}

/// Takes the lock if nobody holds it.
pub(super) fn try_take(path: &Path, why: &str) -> Result<Option<Lock>, Error> {
    loop {
        let file = open(path)?;
        match uninterrupted(|| fs2::FileExt::try_lock_exclusive(&file)) {
            Ok(()) => {
                if let Some(lock) = confirm(file, path, why)? {
                    return Ok(Some(lock));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(Error::state(path, "lock", &error)),
        }
    }
}

/// Returns whether somebody holds the lock; a file that is not there or cannot be opened is held by
/// nobody.
///
/// To know it, the lock is taken for an instant. Who wants to start a worker just then starts none;
/// the work stays due, and the next call does.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(file) = File::options().read(true).custom_flags(OPEN_PLAINLY).open(path) else {
        return false;
    };
    let looked = uninterrupted(|| fs2::FileExt::try_lock_shared(&file));
    looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Takes the lock, waiting for at most `patience`.
///
/// # Errors
/// `state_busy`, naming the holder.
pub(super) fn take(path: &Path, why: &str, patience: Duration) -> Result<Lock, Error> {
    loop {
        if let Some(lock) = try_take(path, why)? {
            return Ok(lock);
        }
        let file = wait(path, patience)?;
        if let Some(lock) = confirm(file, path, why)? {
            return Ok(lock);
        }
    }
}

/// Locks an open file or folder until it is closed, for however long others hold it.
pub(crate) fn lock_open(file: &File) -> io::Result<()> {
    uninterrupted(|| fs2::FileExt::lock_exclusive(file))
}

/// Asks for a lock, again where a signal came.
fn uninterrupted(ask: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match ask() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// Stands in the kernel's queue on a thread of its own, which is left behind when time is up.
///
/// Asking again and again would be simpler, but under contention it is a lottery that some callers
/// lose for seconds.
fn wait(path: &Path, patience: Duration) -> Result<File, Error> {
    let file = open(path)?;
    let (sender, receiver) = mpsc::channel();
    let queue = move || {
        let locked = uninterrupted(|| fs2::FileExt::lock_exclusive(&file)).map(|()| file);
        // Where nobody waits any more, the file is dropped here, and the lock with it.
        let _ = sender.send(locked);
    };
    std::thread::Builder::new()
        .spawn(queue)
        .map_err(|error| Error::state(path, "wait for", &error))?;
    match receiver.recv_timeout(patience) {
        Ok(locked) => locked.map_err(|error| Error::state(path, "lock", &error)),
        Err(_) => Err(Error::StateBusy { holder: holder(path), seconds: patience.as_secs() }),
    }
}

/// Checks that the locked file is still the one of that name, and signs it.
///
/// A lock file removed by hand makes a second one, and two holders.
fn confirm(file: File, path: &Path, why: &str) -> Result<Option<Lock>, Error> {
    let fault = |error: io::Error| Error::state(path, "look at", &error);
    let locked = file.metadata().map_err(fault)?;
    match std::fs::symlink_metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (locked.dev(), locked.ino()) => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    }
    let mut text = format!("process {} ({why}) since {}", std::process::id(), clock::now());
    text.truncate(TEXT - 1);
    // The text is a courtesy: a full disk must not keep anybody from freeing space.
    let _ = file.write_all_at(format!("{text:<width$}\n", width = TEXT - 1).as_bytes(), 0);
    Ok(Some(Lock { file }))
}

fn open(path: &Path) -> Result<File, Error> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OPEN_PLAINLY)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(MET_A_LINK) => Error::StateUnreadable {
                path: path.to_owned(),
                problem: "it is a symbolic link".to_owned(),
            },
            _ => Error::state(path, "open", &error),
        })
}

/// Returns the number of the process that has signed the lock last, where the text says it.
pub(super) fn signer(path: &Path) -> Option<u32> {
    let text = holder(path);
    text.strip_prefix("process ")?.split(' ').next()?.parse().ok()
}

/// Returns who holds the lock, in words.
fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path)
        .and_then(|file| file.take(TEXT as u64).read_to_string(&mut text).map(|_| ()));
    match text.trim() {
        signed if read.is_ok() && !signed.is_empty() => signed.to_owned(),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn many_threads_add_under_the_lock_without_losing_a_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (shown, hidden) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lock = take(&path, "test", PATIENCE).unwrap();
                        // Not atomic on purpose: only the lock makes this addition whole.
                        let seen = hidden.load(Ordering::Relaxed);
                        std::thread::yield_now();
                        hidden.store(seen + 1, Ordering::Relaxed);
                        shown.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(hidden.into_inner(), shown.into_inner());
    }

    #[test]
    fn waiting_ends_at_the_limit_with_the_holders_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = take(&path, "holding it", PATIENCE).unwrap();
        let error = take(&path, "late", Duration::from_millis(20)).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("(holding it) since 2"), "{message}");
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        drop(held);
        take(&path, "late", PATIENCE).unwrap();
    }

    #[test]
    fn a_lock_file_removed_by_hand_does_not_make_two_holders() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let old = open(&path).unwrap();
        fs2::FileExt::lock_exclusive(&old).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(confirm(old, &path, "test").unwrap().is_none());
        assert!(try_take(&path, "test").unwrap().is_some());
    }
}
