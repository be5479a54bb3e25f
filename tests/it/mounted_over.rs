//! Another file system over a part of the state: what is refused names the file or the folder, and all
//! comes to its end once the mount is gone.

use std::process::Command;

use crate::support::book::assert_whole;
use crate::support::mount::try_run;
use crate::support::plugin::Plugin;
use crate::support::power::keep_mounts_to_this_thread;
use crate::support::{is_root, skip, wait_until};

#[test]
fn a_mount_over_orders_that_are_done_is_an_error_that_names_it_and_sells_nothing_twice() {
    if !is_root() {
        return skip("only root can mount a file system");
    }
    if let Err(why) = keep_mounts_to_this_thread() {
        return skip(&format!("there are no mounts of one's own: {why}"));
    }
    let plugin = Plugin::with_servers(3);
    let (_, first) = plugin.sold();
    plugin.settled();
    let done = plugin.state("done");
    let tmpfs = ["-t", "tmpfs", "-o", "mode=700", "tmpfs"];
    if let Err(why) = try_run(Command::new("mount").args(tmpfs).arg(&done)) {
        return skip(&format!("nothing can be mounted: {why}"));
    }

    // Each is answered and gets a server; where it belongs it cannot go.
    let ids = [plugin.order(), plugin.order()];
    for id in &ids {
        let file = plugin.state(&format!("active/{id}.json"));
        let told = format!("{}: cannot move it: ", file.display());
        wait_until("the log names the file", || {
            let log = std::fs::read_to_string(plugin.state("log/provider.log"));
            log.unwrap_or_default().contains(&told)
        });
    }
    // The first one's server looks free, for its order is hidden.
    let message = plugin.run(&["order", "1"]).fails("state_unreadable", 7);
    assert!(message.contains(done.to_str().unwrap()), "{message}");
    assert!(message.contains("mounted over"), "{message}");

    try_run(Command::new("umount").arg("-l").arg(&done)).unwrap();
    let servers = ids.each_ref().map(|id| plugin.finished(id));
    plugin.settled();
    assert!(!servers.contains(&first) && servers[0] != servers[1], "{first} {servers:?}");
    let _ = plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    assert_whole(&plugin);
}
