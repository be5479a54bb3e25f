//! The executable: everything is in the library.

use std::process::ExitCode;

use dlmalloc::GlobalDlmalloc;

#[cfg(all(target_os = "linux", target_env = "musl"))]
mod start;

/// The allocator of musl asks the kernel for every few small pieces, which is a tenth of the time
/// that a short call takes (`cargo bench`).
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

fn main() -> ExitCode {
    webdir_provider::run()
}
