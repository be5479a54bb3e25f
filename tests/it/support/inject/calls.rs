//! Which system calls can fail, by their kind, and which cannot.

use nix::libc::{self, c_long};

use super::KINDS;

/// The calls of each of [`KINDS`].
pub(super) const CALLS: [&[c_long]; KINDS.len()] = [
    &[libc::SYS_open, libc::SYS_openat, libc::SYS_openat2, libc::SYS_creat],
    &[libc::SYS_read, libc::SYS_pread64, libc::SYS_readv],
    &[libc::SYS_write, libc::SYS_pwrite64, libc::SYS_writev],
    &[libc::SYS_fsync, libc::SYS_fdatasync],
    &[libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2],
    &[libc::SYS_mkdir, libc::SYS_mkdirat],
    &[libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_rmdir],
    &[
        libc::SYS_link,
        libc::SYS_linkat,
        libc::SYS_symlink,
        libc::SYS_symlinkat,
        libc::SYS_readlink,
        libc::SYS_readlinkat,
    ],
    &[libc::SYS_flock],
    &[
        libc::SYS_chmod,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_chown,
        libc::SYS_fchown,
        libc::SYS_ftruncate,
        libc::SYS_utimensat,
    ],
    &[libc::SYS_getdents64],
    &[
        libc::SYS_stat,
        libc::SYS_fstat,
        libc::SYS_lstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_statfs,
        libc::SYS_fstatfs,
        libc::SYS_access,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
    ],
    &[
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_getsockname,
        libc::SYS_getpeername,
        libc::SYS_bind,
        libc::SYS_shutdown,
        libc::SYS_ioctl,
        libc::SYS_dup,
        libc::SYS_dup2,
        libc::SYS_dup3,
        libc::SYS_setsockopt,
        libc::SYS_getsockopt,
        libc::SYS_pipe2,
        libc::SYS_fcntl,
    ],
    &[libc::SYS_connect],
    &[libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg],
    &[libc::SYS_recvfrom, libc::SYS_recvmsg],
    &[
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_execve,
        libc::SYS_setsid,
        libc::SYS_setpgid,
    ],
    &[libc::SYS_close],
    &[
        libc::SYS_setgroups,
        libc::SYS_setgid,
        libc::SYS_setresgid,
        libc::SYS_setuid,
        libc::SYS_setresuid,
    ],
    &[libc::SYS_chdir, libc::SYS_prlimit64],
];

/// Calls that nothing is to be seen of if they fail, or that do not: why, stands before each.
pub(super) const WITHOUT: [&[c_long]; 6] = [
    // Memory: whoever gets none is killed, which other sweeps do at every call.
    &[
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_madvise,
    ],
    // Threads and signals of the process itself: they know no error but of a wrong argument.
    &[
        libc::SYS_futex,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_set_robust_list,
        libc::SYS_set_tid_address,
        libc::SYS_rseq,
        libc::SYS_arch_prctl,
        libc::SYS_prctl,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ],
    // Waits, which a signal may cut short: whoever waits goes on with it. The standard library aborts
    // where `poll` says anything else, which it does not.
    &[
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_poll,
        libc::SYS_wait4,
        libc::SYS_waitid,
    ],
    // Questions that are always answered.
    &[
        libc::SYS_clock_gettime,
        libc::SYS_getpid,
        libc::SYS_getppid,
        libc::SYS_gettid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_umask,
        libc::SYS_uname,
        // Of a file that is open, to a place before its end.
        libc::SYS_lseek,
    ],
    // No kernel in use answers it with an error once there is any randomness.
    &[libc::SYS_getrandom],
    // To processes that the worker has started itself: they may be gone, which is no matter.
    &[libc::SYS_kill],
];
