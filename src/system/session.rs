//! What a worker leaves behind of who started it.

use std::io;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd;

/// Leaves the caller's session, working directory, descriptors and limits behind.
///
/// A panel that ends its process group, a file system to be unmounted, a pipe that someone reads
/// to its end: none is held up by a worker. To be called before anything is opened.
pub(crate) fn detach() -> io::Result<()> {
    unistd::setsid()?;
    unistd::chdir("/")?;
    lift_limits();
    // What a worker knows belongs in no file; programs that it starts may raise the limit again.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, most);
    }
    let inherited: Vec<i32> = match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|descriptor| *descriptor > 2)
            .collect(),
        // Without /proc: the few that a shell may have left.
        Err(_) => (3..256).collect(),
    };
    for descriptor in inherited {
        // The listing's own descriptor is among them, closed by now.
        let _ = unistd::close(descriptor);
    }
    Ok(())
}

/// Raises the limits that would keep a worker from the orders of others as far as we may.
fn lift_limits() {
    for limit in [Resource::RLIMIT_CPU, Resource::RLIMIT_FSIZE] {
        // Root may raise any limit, others just their own to what is the most for them.
        if setrlimit(limit, RLIM_INFINITY, RLIM_INFINITY).is_err()
            && let Ok((_, most)) = getrlimit(limit)
        {
            let _ = setrlimit(limit, most, most);
        }
    }
    // Of these a worker needs what others may have: many orders, descriptors and threads.
    for limit in [
        Resource::RLIMIT_NOFILE,
        Resource::RLIMIT_NPROC,
        Resource::RLIMIT_AS,
        Resource::RLIMIT_DATA,
    ] {
        if let Ok((_, most)) = getrlimit(limit) {
            let _ = setrlimit(limit, most, most);
        }
    }
}
