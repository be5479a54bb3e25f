//! Damaged, foreign, huge and newer files: a clear error for that order only.

use std::fs::Metadata;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::plugin::Plugin;
use crate::support::{is_root, skip, wait_until};

/// A way to break a file, and the words that the error must have.
type Fault = (&'static str, &'static str, &'static str, fn(&Path));

const UNREADABLE: &str = "state_unreadable";

fn faults() -> Vec<Fault> {
    let mut faults: Vec<Fault> = vec![
        ("damaged", UNREADABLE, "line 1", |path| write(path, b"{\"format\": 1, bogus")),
        ("truncated", UNREADABLE, "EOF", |path| {
            let bytes = std::fs::read(path).unwrap();
            write(path, &bytes[..bytes.len() / 2]);
        }),
        ("empty", UNREADABLE, "it is empty", |path| write(path, b"")),
        ("of zeros", UNREADABLE, "line 1", |path| write(path, &[0; 4096])),
        ("huge", UNREADABLE, "2097152 bytes", |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes.resize(2 << 20, b' ');
            write(path, &bytes);
        }),
        ("a link", UNREADABLE, "symbolic link", |path| {
            let aside = path.with_extension("aside");
            std::fs::rename(path, &aside).unwrap();
            symlink(aside, path).unwrap();
        }),
        ("a FIFO", UNREADABLE, "not a regular file", |path| {
            std::fs::remove_file(path).unwrap();
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("a folder", UNREADABLE, "not a regular file", |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
        ("another order's", UNREADABLE, "order 77", |path| change(path, "\"1\"", "\"77\"")),
        ("with an unknown key", UNREADABLE, "`bogus`", |path| {
            change(path, "\"format\": 1,", "\"format\": 1, \"bogus\": 1,");
        }),
        ("newer", "state_newer", "format 2", |path| {
            change(path, "\"format\": 1,", "\"format\": 2, \"bogus\": 1,");
        }),
    ];
    if is_root() {
        faults.push(("foreign", UNREADABLE, "belongs to user 12345", |path| {
            chown(path, Some(12345), None).unwrap();
        }));
    } else {
        skip("only root can give a file away");
    }
    faults
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    write(path, text.replace(from, to).as_bytes());
}

/// Returns what shows that a file was touched.
fn look(path: &Path) -> (Option<Vec<u8>>, [i64; 7]) {
    let metadata: Metadata = path.symlink_metadata().unwrap();
    let bytes = metadata.is_file().then(|| std::fs::read(path).unwrap());
    let (size, inode) = (metadata.size().cast_signed(), metadata.ino().cast_signed());
    let (uid, mode) = (metadata.uid().into(), metadata.mode().into());
    let (mtime, nanos, ctime) = (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec());
    (bytes, [size, inode, uid, mode, mtime, nanos, ctime])
}

/// Expects the order's own error, and that everything else goes on.
#[track_caller]
fn is_the_only_one_hit(plugin: &Plugin, place: &str, fault: &Fault) {
    let (name, code, words, _) = *fault;
    let path = plugin.state(&format!("{place}/1.json"));
    let before = look(&path);
    let file = format!("{place}/1.json");
    let message = plugin.run(&["order_status", "1"]).fails(code, 7);
    assert!(message.contains(&file) && message.contains(words), "{name}: {message}");

    let (id, _) = plugin.sold();
    let answer = plugin.run(&["orders", "list", "--json"]);
    assert_eq!(answer.status, Some(0), "{name}: {answer:?}");
    assert!(answer.stderr.contains("order 1: ") && answer.stderr.contains(&file), "{answer:?}");
    let document = crate::support::hand::parsed(&answer.stdout);
    let listed: Vec<&str> = document["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["task_id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [id.as_str(), "2"], "{name}");

    let answer = plugin.run(&["check"]);
    assert_eq!(answer.status, Some(1), "{name}: {answer:?}");
    assert!(answer.stdout.contains(&format!("{file}: ")), "{name}: {answer:?}");
    let answer = plugin.run(&["orders", "show", "1"]);
    assert!(answer.complains(7).contains(code), "{name}: {answer:?}");
    wait_until("no worker lives", || !plugin.worker_lives());
    assert_eq!(look(&path), before, "{name}: the file was touched");
}

#[test]
fn a_broken_order_that_is_done_has_an_error_of_its_own_and_stops_nothing_else() {
    for fault in faults() {
        let plugin = Plugin::with_servers(3);
        plugin.sold();
        plugin.sold();
        plugin.settled();
        fault.3(&plugin.state("done/1.json"));
        is_the_only_one_hit(&plugin, "done", &fault);
    }
}

#[test]
fn a_broken_order_that_is_active_keeps_no_worker_alive_and_stops_nothing_else() {
    for fault in faults() {
        let plugin = Plugin::with_servers(3);
        let worker = plugin.hold_worker_lock();
        plugin.order();
        plugin.order();
        fault.3(&plugin.state("active/1.json"));
        drop(worker);
        assert_eq!(plugin.finished("2"), "10.0.0.1", "{}", fault.0);
        is_the_only_one_hit(&plugin, "active", &fault);
    }
}

#[test]
fn a_broken_order_that_is_accepted_has_an_error_of_its_own_and_stops_nothing_else() {
    for fault in faults() {
        let plugin = Plugin::with_servers(3);
        let worker = plugin.hold_worker_lock();
        plugin.order();
        plugin.move_order("1", "active", "accepted");
        plugin.order();
        fault.3(&plugin.state("accepted/1.json"));
        drop(worker);
        assert_eq!(plugin.finished("2"), "10.0.0.1", "{}", fault.0);
        is_the_only_one_hit(&plugin, "accepted", &fault);
    }
}

#[test]
fn a_broken_order_goes_on_once_its_file_is_mended() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    let path = plugin.state("active/1.json");
    let good = std::fs::read(&path).unwrap();
    write(&path, b"{");
    drop(worker);
    plugin.run(&["work"]).prints();
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    assert!(
        log.contains("left alone until its file is changed: ") && log.contains("active/1.json"),
        "{log}"
    );
    write(&path, &good);
    assert_eq!(plugin.finished(&id), "10.0.0.0");
}

#[test]
fn what_does_not_look_like_an_order_is_not_taken_for_one() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    for name in ["1.json~", ".1.json.swp", "01.json", "x.json", "README"] {
        for place in ["accepted", "active", "done"] {
            write(&plugin.state(&format!("{place}/{name}")), b"{");
        }
    }
    plugin.sold();
    plugin.settled();
    let list = plugin.run(&["orders", "list", "--json"]).json();
    assert_eq!(list["orders"].as_array().unwrap().len(), 2);
    assert_eq!(plugin.run(&["check"]).status, Some(0));
}

#[test]
fn a_lock_that_somebody_keeps_is_an_error_that_names_the_holder() {
    let plugin = Plugin::with_servers(2);
    let (id, _) = plugin.sold();
    plugin.settled();
    let mut lock = std::fs::File::options().write(true).open(plugin.state("lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    // A process that was stopped while it held the lock.
    lock.write_all(format!("{:<95}\n", "process 4711 (order) since 2026-01-02").as_bytes())
        .unwrap();
    let begun = Instant::now();
    let children: Vec<_> = [&["order", "1"][..], &["orders", "release", "1", "--yes"]]
        .into_iter()
        .map(|words| {
            let mut command = plugin.command(words);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            (words, command.spawn().unwrap())
        })
        .collect();
    // Readers need no lock.
    plugin.run(&["help"]).succeeds();
    plugin.run(&["configs"]).succeeds();
    assert_eq!(plugin.status(&id)["status"], "finished");
    for (words, child) in children {
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(output.status.code(), Some(7), "{words:?}: {text}");
        for part in ["state_busy", "process 4711 (order)"] {
            assert!(text.contains(part), "{words:?}: {text}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(lock);
    plugin.sold();
}

#[test]
fn a_lock_file_that_is_a_link_is_refused_and_not_followed() {
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    std::fs::remove_file(plugin.state("lock")).unwrap();
    let elsewhere = plugin.root().join("elsewhere");
    symlink(&elsewhere, plugin.state("lock")).unwrap();
    let message = plugin.run(&["order", "1"]).fails("state_unreadable", 7);
    assert!(message.contains("state/lock") && message.contains("symbolic link"), "{message}");
    assert!(!elsewhere.exists());
}
