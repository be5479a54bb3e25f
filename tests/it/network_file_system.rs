//! State on a file system where neither locks nor what was written out can be relied on: refused in
//! words, before anything is promised.

use crate::support::book::orders;
use crate::support::mount::{Mount, has};
use crate::support::plugin::Plugin;
use crate::support::sweep::Template;
use crate::support::{is_root, skip};

#[test]
fn state_on_a_network_file_system_is_refused_by_the_name_of_the_mount() {
    if !is_root() || !has("bindfs") {
        return skip("only root can mount a file system, and bindfs has to be there");
    }
    // FUSE stands for all of them: it is the one that can be mounted without a server.
    let shown = tempfile::tempdir().unwrap();
    let mount = match Mount::fuse(shown.path()) {
        Ok(mount) => mount,
        Err(why) => return skip(&format!("a FUSE file system cannot be mounted: {why}")),
    };
    let template = Template::of(Plugin::with_servers(2));
    let plugin = template.copy_into(tempfile::tempdir_in(mount.path()).unwrap());
    let point = mount.path().canonicalize().unwrap();

    let message = plugin.run(&["order", "1"]).fails("state_unreadable", 7);
    for part in ["network file system", "FUSE", point.to_str().unwrap()] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(orders(&plugin), []);
    assert!(plugin.files().is_empty(), "{:?}", plugin.files());
    assert!(plugin.run(&["work", "--once"]).complains(7).contains("network file system"));

    // What promises nothing goes on: the panel is told what is wrong by the order alone.
    plugin.run(&["help"]).succeeds();
    plugin.run(&["configs"]).succeeds();
    plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
    let found = plugin.run(&["check"]);
    assert_eq!(found.status, Some(1), "{found:?}");
    assert!(found.stdout.contains("move the provider to a disk of this machine"), "{found:?}");
}
