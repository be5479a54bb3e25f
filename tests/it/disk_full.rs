//! Little space: new orders are refused in time, open ones still finish, and a clear error says
//! what the matter is.

use std::path::PathBuf;
use std::process::Command;

use nix::sys::statvfs::statvfs;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::book::{assert_whole, orders};
use crate::support::mount::{Mount, has};
use crate::support::plugin::Plugin;
use crate::support::sweep::{Template, hold_worker_lock};
use crate::support::{is_root, skip, wait_until};

const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;

/// A provider on a file system of its own, in which little fits. Dropped in this order.
struct Small {
    plugin: Plugin,
    mount: Mount,
    _template: Template,
}

impl Small {
    /// Root alone can mount one.
    fn with(options: &str) -> Option<Self> {
        if !is_root() {
            skip("only root can mount a file system");
            return None;
        }
        let plugin = Plugin::with_servers(20);
        plugin.write_config(&json!({
            "status": "enabled",
            "definition": "inventory",
            "configurations": [{ "id": "1", "descr": "one" }],
            "worker": { "poll_seconds": 0.05 },
        }));
        let template = Template::of(plugin);
        let mount = Mount::memory(options);
        let root = tempfile::tempdir_in(mount.path()).expect("a folder on the mount");
        Some(Self { plugin: template.copy_into(root), mount, _template: template })
    }

    fn ballast(&self, number: u64) -> PathBuf {
        self.mount.path().join(format!("ballast{number}"))
    }

    /// Leaves just so many bytes free.
    fn fill_up_to(&self, left: u64) {
        std::fs::remove_file(self.ballast(0)).ok();
        let free = fs2::available_space(self.mount.path()).expect("the mount answers");
        let zeros = vec![0; usize::try_from(free - left).expect("it is small")];
        std::fs::write(self.ballast(0), zeros).expect("the ballast fits");
        assert_eq!(fs2::available_space(self.mount.path()).expect("the mount answers"), left);
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast(0)).expect("there is ballast");
    }
}

#[test]
fn an_order_is_refused_while_less_is_free_than_open_orders_may_need() {
    let Some(small) = Small::with("size=4m") else { return };
    let Small { plugin, .. } = &small;
    plugin.sold();
    let held = hold_worker_lock(plugin);
    for open in 0..3 {
        let floor = MIB + open * 256 * KIB;
        small.fill_up_to(floor - 4 * KIB);
        let before = plugin.files();
        for words in [&["order", "1"][..], &["order", "1", "--key", "k"]] {
            let message = plugin.run(words).fails("disk_full", 7);
            assert!(message.contains(&format!("may need {floor}")), "{message}");
        }
        assert_eq!(plugin.files(), before, "something was stored");
        small.fill_up_to(floor + 32 * KIB);
        plugin.order();
    }
    drop(held);
    small.make_room();
    plugin.run(&["work"]).prints();
    plugin.settled();
    assert_eq!(orders(plugin).len(), 4);
    assert_whole(plugin);
}

#[test]
fn open_orders_finish_while_new_ones_are_refused() {
    let Some(small) = Small::with("size=4m") else { return };
    let Small { plugin, .. } = &small;
    let held = hold_worker_lock(plugin);
    let ids = [plugin.order(), plugin.order(), plugin.order()];
    small.fill_up_to(256 * KIB);
    plugin.run(&["order", "1"]).fails("disk_full", 7);
    drop(held);
    for id in &ids {
        plugin.finished(id);
    }
    plugin.settled();
    plugin.run(&["order", "1"]).fails("disk_full", 7);
    small.make_room();
    plugin.sold();
    plugin.settled();
    assert_whole(plugin);
}

#[test]
fn an_order_that_meets_a_full_disk_waits_until_there_is_room() {
    let Some(small) = Small::with("size=4m") else { return };
    let Small { plugin, .. } = &small;
    let held = hold_worker_lock(plugin);
    let ids = [plugin.order(), plugin.order()];
    drop(held);
    small.fill_up_to(0);
    for _ in 0..3 {
        for id in &ids {
            assert_eq!(plugin.status(id)["status"], "in_progress");
        }
        wait_until("a worker tries", || plugin.worker_lives());
    }
    plugin.run(&["order", "1"]).fails("disk_full", 7);
    assert_eq!(orders(plugin).len(), 2);
    small.make_room();
    // Nobody calls: the worker sees for itself.
    plugin.settled();
    for id in &ids {
        assert_eq!(plugin.stored(id)["state"], "finished");
    }
    assert_whole(plugin);
}

#[test]
fn an_order_is_refused_while_few_files_can_be_made() {
    let Some(small) = Small::with("size=8m,nr_inodes=300") else { return };
    let Small { plugin, mount, .. } = &small;
    plugin.sold();
    plugin.settled();
    let free = || statvfs(&mount.path()).expect("the mount answers").files_available();
    let mut number = 0;
    while free() >= 64 {
        number += 1;
        std::fs::write(small.ballast(number), "").unwrap();
    }
    let before = plugin.files();
    let message = plugin.run(&["order", "1"]).fails("disk_full", 7);
    assert!(message.starts_with("the disk is full: 63 files can still be made"), "{message}");
    assert_eq!(plugin.files(), before, "something was stored");
    std::fs::remove_file(small.ballast(number)).unwrap();
    plugin.sold();
    plugin.settled();
    assert_whole(plugin);
}

#[test]
fn a_file_system_that_became_read_only_is_an_error_that_names_the_file() {
    let Some(small) = Small::with("size=4m") else { return };
    let Small { plugin, mount, .. } = &small;
    let (id, server) = plugin.sold();
    plugin.settled();
    let before = plugin.status(&id);
    mount.remount("ro");
    let lock = plugin.state("lock").display().to_string();
    for words in [&["order", "1"][..], &["order", "1", "--key", "k"]] {
        let message = plugin.run(words).fails("state_unreadable", 7);
        assert!(message.starts_with(&lock) && message.contains("Read-only"), "{message}");
    }
    for words in [&["work"][..], &["orders", "release", &id, "--yes"]] {
        let answer = plugin.run(words);
        let complaint = answer.complains(7);
        assert!(complaint.contains("state_unreadable") && complaint.contains(&lock), "{answer:?}");
    }
    // Reading goes on.
    assert_eq!(plugin.status(&id), before);
    let _ = plugin.run(&["help"]).succeeds();
    assert!(plugin.run(&["orders", "list"]).prints().contains(&server));
    mount.remount("rw");
    plugin.sold();
    plugin.settled();
    assert_whole(plugin);
}

/// Orders with a limit on the size of files.
fn order_within(plugin: &Plugin, limit: &str) -> Answer {
    let output = Command::new("prlimit")
        .arg(format!("--fsize={limit}"))
        .arg(plugin.executable())
        .args(["order", "1"])
        .output()
        .expect("prlimit runs");
    Answer::of(vec!["order".to_owned()], &output)
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_sudden_death() {
    if !has("prlimit") {
        return skip("prlimit is not installed");
    }
    let plugin = Plugin::with_servers(30);
    plugin.sold();
    plugin.settled();
    let held = hold_worker_lock(&plugin);
    let (mut refused, mut taken) = (0, 0);
    for limit in [0, 1, 50, 95, 96, 100, 200, 255, 256, 257, 500, 1000, 1300, 4096, 1 << 20] {
        let before = plugin.files();
        let answer = order_within(&plugin, &limit.to_string());
        if answer.status == Some(0) {
            taken += 1;
            let _ = answer.succeeds();
        } else {
            refused += 1;
            let message = answer.fails("state_unreadable", 7);
            assert!(message.contains("File too large"), "{message}");
            assert_eq!(plugin.files(), before, "something is left of limit {limit}");
        }
    }
    assert!(refused > 5 && taken > 1, "{refused} refused, {taken} taken");
    drop(held);
    plugin.sold();
    plugin.settled();
    assert_whole(&plugin);
}

#[test]
fn a_worker_is_not_bound_by_the_limits_of_whoever_started_it() {
    if !has("prlimit") {
        return skip("prlimit is not installed");
    }
    let plugin = Plugin::with_servers(3);
    let held = hold_worker_lock(&plugin);
    let first = plugin.order();
    drop(held);
    // Enough for an order that was accepted, not for one that has ended.
    let path = plugin.state(&format!("active/{first}.json"));
    let size = path.metadata().unwrap().len();
    let _ = order_within(&plugin, &format!("{}:", size + 16)).succeeds();
    plugin.settled();
    assert_eq!(plugin.stored(&first)["state"], "finished");
    assert!(plugin.state(&format!("done/{first}.json")).metadata().unwrap().len() > size + 16);
    assert_whole(&plugin);
}
