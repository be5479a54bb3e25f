//! File systems of the tests' own, which are gone with the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub(crate) struct Mount {
    /// Outlives the mount.
    folder: TempDir,
}

impl Mount {
    /// Mounts a file system in memory; needs root.
    pub(crate) fn memory(options: &str) -> Self {
        Self::made_by(|at| {
            run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at));
        })
    }

    /// Makes and mounts a file system of 16 MiB in a file; needs root and `mkfs.ext4`.
    pub(crate) fn ext4(options: &[&str]) -> Self {
        Self::made_by(|at| {
            let image = at.with_extension("image");
            let file = std::fs::File::create(&image).expect("the image is made");
            file.set_len(16 << 20).expect("the image is grown");
            run(Command::new("mkfs.ext4").arg("-qF").args(options).arg(&image));
            run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(at));
        })
    }

    /// Shows a folder by a program of user space (FUSE); needs root and `bindfs`.
    pub(crate) fn fuse(shown: &Path) -> Result<Self, String> {
        let mut made = Ok(());
        let this = Self::made_by(|at| made = try_run(Command::new("bindfs").arg(shown).arg(at)));
        made.map(|()| this)
    }

    fn made_by(mount: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let this = Self { folder };
        std::fs::create_dir(this.path()).expect("a folder is made");
        mount(&this.path());
        this
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Changes the mount's options.
    pub(crate) fn remount(&self, options: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A worker may still be there for a moment; the kernel waits for it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).stderr(Stdio::null()).status();
    }
}

/// Returns whether a program can be run.
pub(crate) fn has(program: &str) -> bool {
    Command::new("which").arg(program).stdout(Stdio::null()).status().is_ok_and(|it| it.success())
}

#[track_caller]
fn run(command: &mut Command) {
    try_run(command).expect("the command succeeds");
}

/// Runs a command of the system's.
pub(crate) fn try_run(command: &mut Command) -> Result<(), String> {
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    }
}
