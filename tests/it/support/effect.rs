//! Which system calls can change anything outside of the process that makes them.
//!
//! To be killed before a call that changes nothing is to be killed before the next one that does:
//! sweeps need to try only the latter. What is not known here counts as one that does.

use nix::unistd::Pid;

/// Returns whether the system call that `pid` is about to begin can be noticed by anybody else, or
/// waits for somebody else.
#[cfg(target_arch = "x86_64")]
pub(super) fn has(pid: Pid) -> bool {
    let registers = nix::sys::ptrace::getregs(pid).expect("registers of a stopped process");
    let number = i64::try_from(registers.orig_rax).expect("the number of a system call");
    let argument = |register: u64| i32::try_from(register & 0xffff_ffff).unwrap_or(-1);
    list::has(number, argument(registers.rsi), argument(registers.rdx))
}

/// Where nobody has written down how to read the registers, each call counts.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const fn has(_: Pid) -> bool {
    true
}

#[cfg(target_arch = "x86_64")]
mod list {
    use nix::libc;

    /// Calls that read, or that are about nothing but the process's own memory, threads, signals
    /// and descriptors.
    const WITHOUT: &[i64] = &[
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_readv,
        libc::SYS_lseek,
        libc::SYS_stat,
        libc::SYS_fstat,
        libc::SYS_lstat,
        libc::SYS_statx,
        libc::SYS_newfstatat,
        libc::SYS_access,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlink,
        libc::SYS_readlinkat,
        libc::SYS_getdents64,
        libc::SYS_getcwd,
        libc::SYS_statfs,
        libc::SYS_fstatfs,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_set_tid_address,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_prlimit64,
        libc::SYS_arch_prctl,
        libc::SYS_prctl,
        libc::SYS_uname,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getppid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_getresuid,
        libc::SYS_getresgid,
        libc::SYS_getgroups,
        libc::SYS_umask,
        libc::SYS_close,
        libc::SYS_dup,
        libc::SYS_pipe2,
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_setsockopt,
        libc::SYS_getsockopt,
        libc::SYS_getsockname,
        libc::SYS_getpeername,
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_restart_syscall,
    ];

    /// Returns whether a call with that number has an effect; it has those second and third
    /// arguments.
    pub(super) fn has(number: i64, second: i32, third: i32) -> bool {
        let opened = [(libc::SYS_open, second), (libc::SYS_openat, third)];
        if let Some((_, flags)) = opened.into_iter().find(|(open, _)| *open == number) {
            return flags & (libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY | libc::O_RDWR) != 0;
        }
        // Locks of a part of a file go by the same call as flags of a descriptor.
        let locks = [libc::F_SETLK, libc::F_SETLKW, libc::F_OFD_SETLK, libc::F_OFD_SETLKW]
            .contains(&second);
        !WITHOUT.contains(&number) && (number != libc::SYS_fcntl || locks)
    }
}
