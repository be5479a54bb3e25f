//! Disks whose power fails: a file system in a file of its own, shut down with its journal written out
//! or not, and mounted again.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Command;

use nix::libc;
use tempfile::TempDir;

use super::mount::{self, has};
use super::{is_root, skip};

/// `_IOR('X', 125, __u32)`: `EXT4_IOC_SHUTDOWN` of Linux's `fs/ext4/ext4.h`, `XFS_IOC_GOINGDOWN` of XFS.
const SHUTDOWN: libc::c_ulong = 0x8004_587d;

/// What a disk has of that which nobody asked it to write out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing.
    All,
    /// The names and sizes that were in the journal, and nothing of what new files hold.
    Data,
}

impl Cut {
    /// Both.
    pub(crate) const EACH: [Self; 2] = [Self::All, Self::Data];

    /// Returns what `SHUTDOWN` is told: `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`, `FS_SHUTDOWN_FLAGS_LOGFLUSH`.
    const fn flag(self) -> u32 {
        match self {
            Self::All => 2,
            Self::Data => 1,
        }
    }
}

/// A kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext4,
    Xfs,
}

impl Kind {
    /// Those that `state/` is tried on.
    pub(crate) const ALL: [Self; 2] = [Self::Ext4, Self::Xfs];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "XFS",
        }
    }

    /// Returns what makes one, and how large it is at least, in MiB.
    const fn maker(self) -> (&'static str, &'static [&'static str], u64) {
        match self {
            Self::Ext4 => ("mkfs.ext4", &["-qF"], 96),
            Self::Xfs => ("mkfs.xfs", &["-qf"], 320),
        }
    }

    /// Returns whether one can be had here; says why not.
    pub(crate) fn can_be_had(self) -> bool {
        if !is_root() {
            skip("only root can mount a file system");
        } else if !std::path::Path::new("/dev/loop-control").exists() {
            skip("there are no loop devices");
        } else if !has(self.maker().0) {
            skip(&format!("{} is not installed", self.maker().0));
        } else if let Err(why) = Disk::try_new(self) {
            skip(&format!("no {} can be mounted: {why}", self.name()));
        } else {
            return true;
        }
        false
    }
}

/// A mounted file system; unmounted when dropped.
pub(crate) struct Disk {
    /// Outlives the mount.
    folder: TempDir,
}

impl Disk {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::try_new(kind).expect("it was made before")
    }

    fn try_new(kind: Kind) -> Result<Self, String> {
        keep_mounts_to_this_thread()?;
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let this = Self { folder: folder.map_err(|error| error.to_string())? };
        std::fs::create_dir(this.path()).map_err(|error| error.to_string())?;
        let (program, flags, size) = kind.maker();
        let file = File::create(this.image()).map_err(|error| error.to_string())?;
        file.set_len(size << 20).map_err(|error| error.to_string())?;
        mount::try_run(Command::new(program).args(flags).arg(this.image()))?;
        this.mount()?;
        Ok(this)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> Result<(), String> {
        mount::try_run(
            Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path()),
        )
    }

    /// Returns a new folder on it.
    pub(crate) fn root(&self) -> TempDir {
        tempfile::tempdir_in(self.path()).expect("a folder on the mount")
    }

    /// Writes all out that is there.
    pub(crate) fn sync(&self) {
        let folder = File::open(self.path()).expect("the mount opens");
        nix::unistd::syncfs(&folder).expect("it is written out");
    }

    /// Cuts the power, by which that is lost, and comes up again.
    #[expect(unsafe_code, reason = "nobody has a safe door to this request")]
    pub(crate) fn cut_power(&self, lost: Cut) {
        let folder = File::open(self.path()).expect("the mount opens");
        let flag = lost.flag();
        // Sound: the request reads four bytes, which outlive it.
        let done = unsafe { libc::ioctl(folder.as_raw_fd(), SHUTDOWN, &raw const flag) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
        drop(folder);
        let mut left = mount::try_run(Command::new("umount").arg(self.path()));
        // Another test that forks just now has its files open for a moment.
        for _ in 0..200 {
            if left.is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
            left = mount::try_run(Command::new("umount").arg(self.path()));
        }
        left.expect("nobody uses it");
        // Else the next mount would show the file system that was shut down.
        super::wait_until("the disk is let go of", || !self.is_attached());
        self.mount().expect("it is mounted again");
    }

    /// Returns whether a loop device stands for the image.
    fn is_attached(&self) -> bool {
        let image = self.image();
        let devices = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
        let files = devices.map(|device| device.path().join("loop/backing_file"));
        let mut files = files.filter_map(|file| std::fs::read_to_string(file).ok());
        files.any(|file| file.trim() == image.to_string_lossy())
    }
}

/// Whoever makes a mount namespace meanwhile, as tests of the panel do, would keep a copy of each
/// mount, and a disk that was shut down alive.
#[expect(unsafe_code, reason = "nobody here has a safe door to this request")]
pub(crate) fn keep_mounts_to_this_thread() -> Result<(), String> {
    // Sound: it has no memory to do with; other threads keep their mounts.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(std::io::Error::last_os_error().to_string());
    }
    mount::try_run(Command::new("mount").args(["--make-rprivate", "/"]))
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = mount::try_run(Command::new("umount").arg("-l").arg(self.path()));
    }
}
