//! A kernel as old as Enterprise Linux 7's, 3.10, has not got what came later.
//!
//! What each release of Linux brought: <https://man7.org/linux/man-pages/man2/syscalls.2.html>

use std::process::Command;

use crate::support::plugin::Plugin;
use crate::support::skip;

/// System calls that came after 3.10 and that a program or its libraries may try.
const LATER: [&str; 18] = [
    "clone3",
    "close_range",
    "copy_file_range",
    "epoll_pwait2",
    "execveat",
    "faccessat2",
    "futex_waitv",
    "getrandom",
    "io_uring_setup",
    "membarrier",
    "memfd_create",
    "openat2",
    "pidfd_open",
    "preadv2",
    "pwritev2",
    "renameat2",
    "rseq",
    "statx",
];

#[test]
fn an_order_is_taken_and_finished_where_newer_system_calls_are_missing() {
    let missing = format!("--inject={}:error=ENOSYS", LATER.join(","));
    let before = ["strace", "-f", "-qq", "-o", "/dev/null", &missing];
    let probe = Command::new(before[0]).args(&before[1..]).arg("true").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip("strace is not installed or cannot trace here");
    }
    let plugin = Plugin::with_servers(1);
    let plugin = plugin.called_through(before.map(ToOwned::to_owned).to_vec());
    // The tracer follows the worker, so that the call ends when the order has.
    let id = plugin.order();
    assert_eq!(plugin.status(&id)["status"], "finished");
    plugin.run(&["work"]).prints();
    assert!(plugin.run(&["orders", "show", &id]).prints().contains("finished"));
}
