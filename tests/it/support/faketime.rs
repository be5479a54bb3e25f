//! A clock of its own for one process, by libfaketime.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What gives a process another clock, in the places where Debian and Fedora keep it.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A clock that can be set.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    library: &'static str,
    file: PathBuf,
}

impl Clock {
    /// Returns a clock that is right, whose file is that one; none where libfaketime is not installed.
    pub(crate) fn new(file: PathBuf) -> Option<Self> {
        let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists())?;
        let clock = Self { library, file };
        clock.set(0);
        Some(clock)
    }

    /// Sets it to so many seconds ahead of what is right, or back.
    pub(crate) fn set(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n")).expect("it is written");
        std::fs::rename(new, &self.file).expect("it is ours");
    }

    /// Makes it the clock of a process to be.
    pub(crate) fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", self.library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        // Each look at the clock is one at the file; what only goes forward is left alone.
        command.envs([("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
        command.env("NO_FAKE_STAT", "1");
    }
}
