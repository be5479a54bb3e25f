//! Users, sessions, descriptors and free space: alone names nix and signal-hook, and alone reads the
//! environment.

mod boot;
mod network;
mod session;
mod terminal;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc::{makedev, mode_t};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::stat::{Mode, SFlag, fstat, umask};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{self, Gid, Pid, Uid, User};

use crate::error::Error;

pub(crate) use boot::boot;
pub(crate) use network::network_file_system;
pub(crate) use session::detach;
pub(crate) use terminal::read_hidden;

/// Flags of an open that hangs on no FIFO.
pub(crate) const OPEN_AT_ONCE: i32 = OFlag::O_NONBLOCK.bits();
/// Flags of an open that follows no link either.
pub(crate) const OPEN_PLAINLY: i32 = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).bits();
/// The error number of such an open that met a link.
pub(crate) const MET_A_LINK: i32 = Errno::ELOOP as i32;

/// Who started the process, before it became the holder's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The real user id.
    pub(crate) uid: u32,
    /// Whom sudo acts for, as sudo says.
    pub(crate) sudo_user: Option<String>,
}

/// What a file system has left for us.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Free {
    /// Bytes that this user may still write.
    pub(crate) bytes: u64,
    /// Files that this user may still make; absent where the file system has no fixed number.
    pub(crate) files: Option<u64>,
}

/// Makes every file and directory private to its owner, whatever umask was inherited.
pub(crate) fn private_umask() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Turns the signal of an exceeded file size limit into a failed write.
///
/// Blocked rather than ignored: the signal stays pending and the write returns `EFBIG`.
pub(crate) fn hold_file_size_signal() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    let _ = signals.thread_block();
}

/// Sees to it that it can be asked how a program of ours has ended; to be called before threads begin.
///
/// A caller that ignores its children hands that on to us, and the kernel then forgets how each of
/// ours ended. The signal itself is of no use, and blocked so that it interrupts nothing.
pub(crate) fn heed_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        let _ = signals.thread_block();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCHLD, Arc::default());
    });
}

/// Opens a folder to list it, and follows no link.
pub(crate) fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY.bits() | OPEN_PLAINLY;
    File::options().read(true).custom_flags(flags).open(path)
}

/// Returns the names in a folder that was opened, by whoever that was.
pub(crate) fn names_in(folder: &File) -> io::Result<Vec<String>> {
    let mut listed = Dir::from_fd(folder.try_clone()?.into())?;
    let names = listed.iter().map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Returns who started the process.
pub(crate) fn caller() -> Caller {
    #[expect(clippy::disallowed_methods, reason = "the door that the lint points to")]
    let sudo_user = std::env::var("SUDO_USER").ok().filter(|name| crate::name::is_safe(name));
    Caller { uid: unistd::getuid().as_raw(), sudo_user }
}

/// Returns whether the terminal obeys no commands, as its user says.
pub(crate) fn terminal_is_dumb() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the door that the lint points to")]
    let kind = std::env::var_os("TERM");
    kind.is_none_or(|kind| kind.is_empty() || kind == "dumb")
}

/// Returns the effective user id.
pub(crate) fn effective_uid() -> u32 {
    unistd::geteuid().as_raw()
}

/// Returns the name of a user, where the system knows one.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

/// Returns the home directory of the effective user, where the system knows one.
pub(crate) fn home_dir() -> Option<PathBuf> {
    User::from_uid(unistd::geteuid()).ok().flatten().map(|user| user.dir)
}

/// Ends every process of a group at once, where there still is one.
pub(crate) fn kill_group(leader: u32) {
    if let Ok(group) = i32::try_from(leader) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// Says whether programs that are started from now on inherit an open file.
pub(crate) fn set_inherited(file: &File, inherited: bool) -> io::Result<()> {
    let flags = if inherited { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    fcntl(file, FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// Returns whether a child of ours has ended. It is not reaped: until it is, its number and that of
/// its group are given to nobody else.
pub(crate) fn has_ended(child: u32) -> bool {
    let id = Id::Pid(Pid::from_raw(child.cast_signed()));
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(id, flags), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
}

/// Ends every other process of ours that holds the lock on the file `path`, with its group: what it
/// started need not have that file. Returns how many held it.
///
/// Whoever has the file open without its lock, to read it or to copy it away, is left alone.
pub(crate) fn end_holders_of(path: &Path) -> usize {
    let Ok(locked) = std::fs::metadata(path) else { return 0 };
    // A holder that was reached by a link has another path than the one that the kernel shows.
    let is_it = |file: &Path| {
        let same =
            |open: std::fs::Metadata| (open.dev(), open.ino()) == (locked.dev(), locked.ino());
        std::fs::metadata(file).is_ok_and(same)
    };
    let own = (std::process::id().cast_signed(), unistd::getpgrp());
    let holders = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let mut open = std::fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        let holds = open.any(|file| {
            let info = entry.path().join("fdinfo").join(file.file_name());
            is_it(&file.path())
                && std::fs::read_to_string(info).is_ok_and(|info| info.contains("FLOCK"))
        });
        (holds && id != own.0).then(|| Pid::from_raw(id))
    });
    let end = |id: &Pid| {
        let group = unistd::getpgid(Some(*id));
        if let Ok(group) = group
            && group != own.1
        {
            let _ = killpg(group, Signal::SIGKILL);
        }
        // With its group, it may have ended already.
        kill(*id, Signal::SIGKILL).is_ok() || group.is_ok()
    };
    holders.collect::<Vec<_>>().iter().filter(|id| end(id)).count()
}

/// Becomes the owner of `holder`, so that no file of ours ever belongs to anyone else.
///
/// # Errors
/// `not_owner` for anyone but the owner and root; `state_unreadable` where the holder cannot be
/// looked at.
pub(crate) fn become_owner_of(holder: &Path) -> Result<(), Error> {
    let metadata = match std::fs::metadata(holder) {
        Ok(metadata) => metadata,
        // What is not there belongs to nobody; whoever needs it says that it is missing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::state(holder, "find", &error)),
    };
    let (owner, own) = (metadata.uid(), effective_uid());
    if owner == own {
        return Ok(());
    }
    if own != 0 {
        return Err(Error::NotOwner { path: holder.to_owned(), owner, caller: own });
    }
    become_user(owner, metadata.gid()).map_err(|error| Error::Internal {
        problem: format!("cannot become user {owner}: {error}"),
    })
}

/// Returns whether [`become_owner_of`] changes the user.
pub(crate) fn is_to_become_owner_of(holder: &Path) -> bool {
    let own = effective_uid();
    own == 0 && std::fs::metadata(holder).is_ok_and(|metadata| metadata.uid() != own)
}

/// Groups first, user last: after the user changed, groups no longer can.
fn become_user(uid: u32, holder_gid: u32) -> io::Result<()> {
    let gid = match User::from_uid(Uid::from_raw(uid)).ok().flatten() {
        Some(user) => user.gid,
        None => Gid::from_raw(holder_gid),
    };
    unistd::setgroups(&[gid])?;
    unistd::setresgid(gid, gid, gid)?;
    let uid = Uid::from_raw(uid);
    // As an `io::Error`: the words that nix has for each errno are two tables of pointers more, and
    // each start pays for relocating them.
    Ok(unistd::setresuid(uid, uid, uid)?)
}

/// Returns whether nobody can read what is written to standard output.
///
/// The standard library puts `/dev/null` where a caller closed the descriptor, so the two look
/// alike, and mean the same here: the answer reaches nobody.
pub(crate) fn stdout_leads_nowhere() -> bool {
    let Ok(stat) = fstat(io::stdout().as_fd()) else {
        return true;
    };
    let kind: mode_t = stat.st_mode & SFlag::S_IFMT.bits();
    kind == SFlag::S_IFCHR.bits() && stat.st_rdev == makedev(1, 3)
}

/// Writes to standard output; for `answer` alone.
///
/// The standard library takes a descriptor that cannot be written to for success: an order would be
/// bought for somebody who never learns its number.
pub(crate) fn write_to_stdout(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match unistd::write(io::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Lets go of standard output, so that a caller who reads to its end has the whole answer.
pub(crate) fn hang_up() {
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        let _ = unistd::dup2_stdout(&null);
    }
}

/// Returns what the file system of `path` has left.
pub(crate) fn free(path: &Path) -> io::Result<Free> {
    let stat = statvfs(path)?;
    let files = (stat.files() > 0).then(|| stat.files_available());
    Ok(Free { bytes: stat.blocks_available().saturating_mul(stat.fragment_size()), files })
}

/// How a file system is mounted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mounted {
    /// Nothing on it can be run.
    pub(crate) no_exec: bool,
    /// Nothing on it can be changed.
    pub(crate) read_only: bool,
}

/// Returns how the file system of `path` is mounted.
pub(crate) fn mounted(path: &Path) -> io::Result<Mounted> {
    let flags = statvfs(path)?.flags();
    Ok(Mounted {
        no_exec: flags.contains(FsFlags::ST_NOEXEC),
        read_only: flags.contains(FsFlags::ST_RDONLY),
    })
}
