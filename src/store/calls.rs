//! `state/commands/KEY`: locked while a program that sells servers works on the order of that key.
//!
//! The program inherits the lock, so it outlives a worker that is killed as long as the program does:
//! nobody looks for a server while an earlier call may still make one. The file is there only
//! meanwhile, and after a worker that was killed until the next call for the order.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::Store;
use super::atomic;
use super::lock::{self, Lock};
use crate::error::Error;

/// A call that is under way. When this is dropped, it is over for whoever has inherited the lock.
#[derive(Debug)]
pub(crate) struct Call {
    lock: Lock,
    path: PathBuf,
}

/// Whether a call may begin.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It may.
    Call(Call),
    /// An earlier one is still under way; since when, and in which file that stands.
    Earlier(Duration, PathBuf),
}

impl Call {
    /// Returns the file that the program is to inherit.
    pub(crate) fn file(&self) -> &File {
        self.lock.file()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Removed while it is locked: whoever waits for it sees that it is gone, and makes a new one.
        let _ = std::fs::remove_file(&self.path);
        self.lock.release();
    }
}

impl Store {
    /// Begins a call of a program for the order of that key, unless an earlier one is under way.
    ///
    /// # Errors
    /// `state_unreadable`, naming the file.
    pub(crate) fn begin_call(&self, key: Uuid) -> Result<Begun, Error> {
        let folder = self.layout.calls();
        atomic::make_folder(&folder)?;
        let path = folder.join(key.to_string());
        if let Some(lock) = lock::try_take(&path, "a command")? {
            return Ok(Begun::Call(Call { lock, path }));
        }
        let begun = path.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = begun.and_then(|begun| begun.elapsed().ok()).unwrap_or_default();
        Ok(Begun::Earlier(age, path))
    }

    /// Removes what workers that were killed have left of calls that are over.
    pub(crate) fn clear_calls(&self) {
        let files = std::fs::read_dir(self.layout.calls()).into_iter().flatten().flatten();
        let keys = files.filter_map(|file| file.file_name().to_str()?.parse().ok());
        // A call that has begun and is dropped is over.
        keys.for_each(|key| drop(self.begin_call(key)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{self, Bounds};
    use crate::system;

    #[test]
    fn what_holds_a_call_is_ended_with_its_group_and_who_only_reads_its_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        // The kernel shows where a file is, and not by which link it was reached.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        let store = Store { layout: crate::store::Layout::new(&link, &link) };
        let key = Uuid::from_u128(1);
        let Begun::Call(call) = store.begin_call(key).unwrap() else { panic!("it is free") };
        let path = link.join("commands").join(key.to_string());
        let run = |script: &str, inherits: Option<&File>| {
            let descriptor = inherits.map_or(0, std::os::fd::AsRawFd::as_raw_fd).to_string();
            let mut command = process::command("bash");
            command.args(["-c", script, "bash", &descriptor]).arg(dir.path()).arg(&path);
            let timeout = Duration::from_mins(1);
            let bounds = Bounds { input: None, inherits, timeout, stdout: process::KEPT };
            process::run_within(&mut command, bounds).unwrap()
        };
        let wait_until = |what: &dyn Fn() -> bool| {
            let began = std::time::Instant::now();
            while !what() {
                assert!(began.elapsed() < Duration::from_secs(30));
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        std::thread::scope(|scope| {
            let holds = "eval \"sleep 600 $1>&- &\"; echo $!; >$2/holds; wait";
            let holder = scope.spawn(|| run(holds, Some(call.file())));
            let reads = "exec <$3; >$2/reads; until [ -e $2/on ]; do sleep 0.05; done";
            let reader = scope.spawn(|| run(reads, None));
            for name in ["holds", "reads"] {
                wait_until(&|| dir.path().join(name).exists());
            }
            assert_eq!(system::end_holders_of(&path), 1);
            File::create_new(dir.path().join("on")).unwrap();
            assert!(reader.join().unwrap().is_success());
            let ended = holder.join().unwrap();
            assert!(ended.how(Duration::ZERO).contains("signal 9"), "{ended:?}");
            let child = String::from_utf8(ended.stdout).unwrap();
            let status = format!("/proc/{}/status", child.trim());
            wait_until(&|| {
                let status = std::fs::read_to_string(&status);
                status.map_or(true, |text| text.contains("State:\tZ"))
            });
        });
    }

    #[test]
    fn one_call_at_a_time_for_each_order_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let layout = crate::store::Layout::new(dir.path(), dir.path());
        let store = Store { layout };
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = store.begin_call(one).unwrap();
        assert!(matches!(first, Begun::Call(_)));
        assert!(matches!(store.begin_call(one).unwrap(), Begun::Earlier(..)));
        assert!(matches!(store.begin_call(other).unwrap(), Begun::Call(_)));
        drop(first);
        assert!(matches!(store.begin_call(one).unwrap(), Begun::Call(_)));
        let left = || std::fs::read_dir(dir.path().join("commands")).unwrap().count();
        assert_eq!(left(), 0);
        File::create_new(dir.path().join("commands").join(one.to_string())).unwrap();
        let held = store.begin_call(other).unwrap();
        store.clear_calls();
        assert_eq!(left(), 1, "the other is still under way");
        drop(held);
    }
}
