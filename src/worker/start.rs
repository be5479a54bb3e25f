//! Starting a worker that outlives its starter.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::{answer, cli};

/// Starts a worker unless one lives.
pub(crate) fn start(home: &Home, store: &Store) -> Result<(), Error> {
    let Some(lock) = store.try_worker_lock("start")? else {
        return Ok(());
    };
    drop(lock);
    let Some(holder) = &home.holder else {
        return Ok(());
    };
    // After an upgrade the new program is to do the work; where the named one cannot be run, the
    // one that runs now can.
    spawn(&home.executable, holder).or_else(|_| spawn(Path::new("/proc/self/exe"), holder)).map_err(
        |error| Error::Internal {
            problem: format!("cannot start {}: {error}", home.executable.display()),
        },
    )
}

/// Starts a worker unless one lives, where a failure is no failure of the call: the work stays
/// due, and the next command tries again.
pub(crate) fn start_or_complain(home: &Home, store: &Store) {
    if let Err(error) = start(home, store) {
        answer::complain(&format!("the worker is not started: {error}"));
    }
}

/// Starts a worker where there is work and none lives.
pub(crate) fn start_if_due(home: &Home, store: &Store) {
    if store.is_due() {
        start_or_complain(home, store);
    }
}

/// The child leaves our session itself, so that nothing here has to run between fork and exec.
fn spawn(program: &Path, holder: &Path) -> std::io::Result<()> {
    Command::new(program)
        .arg("--home")
        .arg(holder)
        .args(["work", cli::DETACHED])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(|_| ())
}
