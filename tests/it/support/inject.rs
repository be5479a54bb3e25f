//! Faults of system calls: an error that the kernel did not have, and a write that lies about how
//! much it wrote.

use std::ops::Range;

use nix::errno::Errno;

#[cfg(target_arch = "x86_64")]
mod calls;

/// What can be made to fail, by a name for it.
pub(crate) const KINDS: [&str; 20] = [
    "open",
    "read",
    "write",
    "sync",
    "rename",
    "make a folder",
    "unlink",
    "link",
    "lock",
    "mode",
    "list",
    "look",
    "socket",
    "connect",
    "send",
    "receive",
    "start",
    "close",
    "identity",
    "surroundings",
];

/// The errors that each call is made to fail with.
pub(crate) const ERRNOS: [Errno; 7] = [
    Errno::EIO,
    Errno::ENOSPC,
    Errno::EDQUOT,
    Errno::EROFS,
    Errno::EMFILE,
    Errno::EINTR,
    Errno::EACCES,
];

/// How often a signal may come in a row: one that comes for ever lets nobody do anything.
const SIGNALS: usize = 5;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It does nothing and returns this; one that closes does close.
    Fails(Errno),
    /// Half of the bytes are written, as it says.
    Half,
    /// It says that it wrote half of the bytes, and wrote none.
    HalfOfNothing,
    /// It says that it wrote half of the bytes, and wrote a quarter.
    HalfOfQuarter,
    /// It says that it wrote all bytes, and wrote half.
    AllOfHalf,
}

impl What {
    /// Every way in which a write can be short.
    pub(crate) const SHORT: [Self; 4] =
        [Self::Half, Self::HalfOfNothing, Self::HalfOfQuarter, Self::AllOfHalf];
}

/// What was done to a call.
pub(crate) struct Fault {
    /// What it is to say at its end, where that is not what it says by itself.
    pub(crate) said: Option<i64>,
}

/// Which call goes wrong, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Injection {
    /// Its place in [`KINDS`].
    pub(crate) kind: usize,
    /// The first one of its kind that goes wrong, counted from 1; 0 for none.
    pub(crate) nth: usize,
    /// Whether all that follow go wrong as well.
    pub(crate) for_ever: bool,
    pub(crate) what: What,
}

impl Injection {
    /// Nothing goes wrong.
    pub(crate) const NONE: Self =
        Self { kind: 0, nth: 0, for_ever: false, what: What::Fails(Errno::EIO) };

    /// Returns which calls of the kind go wrong.
    pub(super) const fn calls(&self) -> Range<usize> {
        let times = match self.what {
            _ if self.nth == 0 => 0,
            What::Fails(Errno::EINTR) if self.for_ever => SIGNALS,
            _ if self.for_ever => usize::MAX / 2,
            _ => 1,
        };
        self.nth..self.nth + times
    }

    /// Returns whether every call of the kind goes wrong from some moment on.
    pub(crate) fn has_no_end(&self) -> bool {
        self.calls().len() > SIGNALS
    }

    /// Returns whether it is a signal that came during a call that one can come during: the call
    /// is to be made again, and nobody notices.
    pub(crate) fn is_to_be_repeated(&self) -> bool {
        let repeated = ["open", "read", "write", "sync", "lock"].contains(&KINDS[self.kind]);
        self.what == What::Half || self.what == What::Fails(Errno::EINTR) && repeated
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{begin, end, is_first_of_program, kind, unlisted};

/// Where nobody has written down how to change the registers, nothing is made to fail.
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use nix::unistd::Pid;

    use super::{Fault, Injection};

    pub(in super::super) const fn kind(_: Pid) -> Option<usize> {
        None
    }

    pub(in super::super) const fn unlisted(_: Pid) -> Option<i64> {
        None
    }

    pub(in super::super) const fn is_first_of_program(_: Pid) -> bool {
        false
    }

    pub(in super::super) const fn begin(_: &Injection, _: Pid) -> Option<Fault> {
        None
    }

    pub(in super::super) const fn end(_: Pid, _: i64) {}
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{begin, end, is_first_of_program, kind, unlisted};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use nix::libc::{self, user_regs_struct};
    use nix::sys::ptrace;
    use nix::unistd::Pid;

    use super::calls::{CALLS, WITHOUT};
    use super::{Fault, Injection, What};

    /// Returns nothing of a process that was killed meanwhile.
    fn registers(pid: Pid) -> Option<user_regs_struct> {
        ptrace::getregs(pid).ok()
    }

    /// Returns the kind of the call that a process is about to begin.
    pub(in super::super) fn kind(pid: Pid) -> Option<usize> {
        let registers = registers(pid)?;
        let number = registers.orig_rax.cast_signed();
        let kind = CALLS.iter().position(|calls| calls.contains(&number))?;
        // No file system has anything to say about a folder that is closed.
        let link = format!("/proc/{pid}/fd/{}", registers.rdi);
        let is_folder = number == libc::SYS_close && std::path::Path::new(&link).is_dir();
        (!is_folder).then_some(kind)
    }

    /// Returns the number of the call that a process is about to begin, where nobody has said whether
    /// it can fail.
    pub(in super::super) fn unlisted(pid: Pid) -> Option<i64> {
        let number = registers(pid)?.orig_rax.cast_signed();
        let lists = CALLS.iter().chain(&WITHOUT);
        (!lists.into_iter().any(|calls| calls.contains(&number))).then_some(number)
    }

    /// Returns whether a program's own code begins with the call that it is about to make: what
    /// loads it is none of ours.
    pub(in super::super) fn is_first_of_program(pid: Pid) -> bool {
        let first = [libc::SYS_poll, libc::SYS_rt_sigaction];
        registers(pid).is_some_and(|registers| first.contains(&registers.orig_rax.cast_signed()))
    }

    /// Makes the call that a process is about to begin go wrong; returns nothing where it cannot go
    /// wrong so.
    pub(in super::super) fn begin(injection: &Injection, pid: Pid) -> Option<Fault> {
        let mut registers = registers(pid)?;
        let closes = registers.orig_rax.cast_signed() == libc::SYS_close;
        let length = registers.rdx;
        let (written, said) = match injection.what {
            What::Fails(errno) => {
                // The kernel closes whatever it says of it.
                if !closes {
                    registers.orig_rax = u64::MAX;
                    ptrace::setregs(pid, registers).ok()?;
                }
                return Some(Fault { said: Some(-i64::from(errno as i32)) });
            }
            _ if !is_of_a_file(&registers, pid) || length < 4 => return None,
            What::Half => (Some(length / 2), None),
            What::HalfOfNothing => (None, Some(length / 2)),
            What::HalfOfQuarter => (Some(length / 4), Some(length / 2)),
            What::AllOfHalf => (Some(length / 2), Some(length)),
        };
        match written {
            Some(written) => registers.rdx = written,
            None => registers.orig_rax = u64::MAX,
        }
        ptrace::setregs(pid, registers).ok()?;
        Some(Fault { said: said.map(u64::cast_signed) })
    }

    /// Returns whether bytes are written to a file: a pipe or a socket does not lie.
    fn is_of_a_file(registers: &user_regs_struct, pid: Pid) -> bool {
        let writes = [libc::SYS_write, libc::SYS_pwrite64];
        let link = format!("/proc/{pid}/fd/{}", registers.rdi);
        writes.contains(&registers.orig_rax.cast_signed())
            && std::fs::metadata(link).is_ok_and(|metadata| metadata.is_file())
    }

    /// Makes the call that a process has ended say so.
    pub(in super::super) fn end(pid: Pid, said: i64) {
        if let Some(mut registers) = registers(pid) {
            registers.rax = said.cast_unsigned();
            // Nobody cares what is said to a process that was killed meanwhile.
            let _ = ptrace::setregs(pid, registers);
        }
    }
}
