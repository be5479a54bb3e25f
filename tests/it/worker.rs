//! The background process: it leaves its starter behind, there is one, and it is there while there
//! is work.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::plugin::{NAME, Plugin};
use crate::support::wait_until;

/// A provider with a worker that lives on: the claim of order 1 cannot be read, so that order
/// waits, and is tried again every `poll` seconds. Order 2 is finished.
fn with_worker(poll: f64) -> Plugin {
    let plugin = Plugin::with_servers(30);
    plugin.write_config(&json!({
        "status": "enabled",
        "definition": "inventory",
        "configurations": [{ "id": "1", "descr": "one" }],
        "worker": { "poll_seconds": poll },
    }));
    with_stuck_order(&plugin);
    assert_eq!(plugin.order(), "2");
    plugin.filed("2");
    assert!(plugin.worker_lives());
    plugin
}

fn with_stuck_order(plugin: &Plugin) {
    let held = plugin.hold_worker_lock();
    assert_eq!(plugin.order(), "1");
    plugin.relink("claims/10.0.0.0", "nobody knows");
    drop(held);
}

/// Returns the worker's process id, as its lock says.
fn pid(plugin: &Plugin) -> Pid {
    let mut found = None;
    wait_until("a worker signs its lock", || {
        let text = std::fs::read_to_string(plugin.state("worker.lock")).unwrap_or_default();
        let number = text.strip_prefix("process ").and_then(|rest| rest.split(' ').next());
        found = number.and_then(|number| number.parse().ok()).map(Pid::from_raw);
        plugin.worker_lives() && text.contains("(worker)")
    });
    found.expect("a process id")
}

fn proc(pid: Pid, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// Returns the workers of a provider, by their command lines.
fn workers(plugin: &Plugin) -> Vec<Pid> {
    let wanted = format!("--home\0{}\0work\0", plugin.holder().display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|pid| {
            let line = std::fs::read(proc(*pid, "cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&wanted)
        })
        .collect()
}

fn end(pid: Pid) {
    kill(pid, Signal::SIGKILL).unwrap();
}

#[test]
fn a_caller_sees_the_end_of_the_output_while_the_worker_that_it_started_lives() {
    let plugin = Plugin::with_servers(2);
    with_stuck_order(&plugin);
    // The caller leaks its pipe into us by further names.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" order 1 7>&1 8>&2 9>&1"])
        .arg(plugin.executable())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, receiver) = mpsc::channel();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let (mut answer, mut complaint) = (String::new(), String::new());
        stdout.read_to_string(&mut answer).unwrap();
        stderr.read_to_string(&mut complaint).unwrap();
        sender.send((answer, complaint)).unwrap();
    });
    let heard = receiver.recv_timeout(Duration::from_secs(20)).expect("the output ends");
    assert_eq!(heard, ("{\"task_id\":\"2\"}\n".to_owned(), String::new()));
    assert!(child.wait().unwrap().success());
    assert_ne!(pid(&plugin).as_raw(), i32::try_from(child.id()).unwrap());
    assert!(plugin.worker_lives());
}

#[test]
fn a_worker_leaves_session_folder_environment_and_descriptors_of_its_starter_behind() {
    let plugin = Plugin::with_servers(2);
    with_stuck_order(&plugin);
    let script = "ulimit -c unlimited; ulimit -S -n 16; cd /tmp; exec \"$0\" order 1 5</etc/passwd 7>/dev/null 9>&2";
    let output = Command::new("/bin/sh")
        .args(["-c", script])
        .arg(plugin.executable())
        .envs([("SECRET", "token"), ("LD_PRELOAD", "")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let worker = pid(&plugin);
    let stat = std::fs::read_to_string(proc(worker, "stat")).unwrap();
    let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let (group, session, terminal) = (after_name[2], after_name[3], after_name[4]);
    assert_eq!((group, session), (&*worker.to_string(), &*worker.to_string()), "{stat}");
    assert_eq!(terminal, "0", "{stat}");
    assert_eq!(std::fs::read_link(proc(worker, "cwd")).unwrap(), Path::new("/"));
    assert_eq!(std::fs::read(proc(worker, "environ")).unwrap(), b"");
    let limits = std::fs::read_to_string(proc(worker, "limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "what it knows is dumped into no file");

    let open = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let open: Vec<&str> = open.split_whitespace().collect();
    assert_eq!(open[3], open[4], "it may have as many orders open as there are");

    // It opens something else for a moment now and then.
    let null = PathBuf::from("/dev/null");
    let expected = [null.clone(), null.clone(), null, plugin.state("worker.lock")];
    let mut open = Vec::new();
    wait_until("the worker has just what it needs open", || {
        let entries = std::fs::read_dir(proc(worker, "fd")).unwrap().flatten();
        let mut names: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        names.sort();
        open = names.iter().filter_map(|name| std::fs::read_link(name).ok()).collect();
        open == expected
    });
}

#[test]
fn there_is_one_worker_whoever_asks_for_one() {
    let plugin = with_worker(60.0);
    let first = pid(&plugin);
    for _ in 0..5 {
        plugin.order();
        plugin.status("1");
        plugin.run(&["orders", "list"]).prints();
    }
    assert_eq!(workers(&plugin), [first]);
    end(first);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| plugin.status("1"));
        }
    });
    wait_until("all but one have left", || workers(&plugin) == [pid(&plugin)]);
}

#[test]
fn a_worker_that_was_killed_is_replaced_by_the_next_command() {
    let plugin = with_worker(60.0);
    for words in [&["order_status", "1"][..], &["orders", "list"], &["order_status", "2"]] {
        let worker = pid(&plugin);
        end(worker);
        wait_until("the worker is dead", || !plugin.worker_lives());
        assert_eq!(plugin.run(words).status, Some(0), "{words:?}");
        wait_until("another works", || plugin.worker_lives());
        assert_ne!(pid(&plugin), worker, "{words:?}");
    }
}

#[test]
fn work_ends_at_once_where_nothing_is_open() {
    let plugin = Plugin::with_servers(1);
    for words in [&["work"][..], &["work", "--once"]] {
        assert_eq!(plugin.run(words).prints(), "");
    }
    plugin.sold();
    for words in [&["work"][..], &["work", "--once"]] {
        assert_eq!(plugin.run(words).prints(), "");
    }
}

#[test]
fn a_single_pass_ends_at_once_where_a_worker_lives() {
    let plugin = with_worker(60.0);
    let worker = pid(&plugin);
    assert_eq!(plugin.run(&["work", "--once"]).prints(), "");
    assert_eq!(pid(&plugin), worker);
    // And where none does, it leaves what cannot be done to the next.
    end(worker);
    wait_until("the worker is dead", || !plugin.worker_lives());
    assert_eq!(plugin.run(&["work", "--once"]).prints(), "");
    assert!(plugin.state("due").exists());
    assert!(plugin.state("active/1.json").exists());
}

#[test]
fn a_worker_that_sleeps_for_a_minute_notices_a_new_order_by_itself() {
    let plugin = with_worker(60.0);
    let worker = pid(&plugin);
    let mut delays: Vec<Duration> = (0..7)
        .map(|_| {
            let id = plugin.order();
            let told = Instant::now();
            plugin.filed(&id);
            told.elapsed()
        })
        .collect();
    delays.sort();
    eprintln!("orders that wake a worker: done after {delays:?}");
    assert_eq!(pid(&plugin), worker);
}

#[test]
fn an_order_that_had_to_wait_goes_on_once_its_trouble_is_over_and_then_the_worker_ends() {
    let plugin = with_worker(0.05);
    assert!(plugin.state("active/1.json").exists());
    plugin.relink("claims/10.0.0.0", "1");
    // Nobody calls: the worker sees for itself.
    wait_until("the worker has ended", || !plugin.worker_lives());
    plugin.settled();
    assert_eq!(plugin.stored("1")["state"], "finished");
    assert_eq!(workers(&plugin), []);
}

#[test]
fn a_worker_ends_when_its_last_order_is_taken_away_by_hand() {
    let plugin = with_worker(60.0);
    std::fs::remove_file(plugin.state("active/1.json")).unwrap();
    plugin.settled();
    assert_eq!(workers(&plugin), []);
}

#[test]
fn a_worker_gives_way_to_a_new_executable() {
    let plugin = with_worker(60.0);
    let old = pid(&plugin);
    let new = plugin.executable().with_extension("new");
    std::fs::copy(plugin.executable(), &new).unwrap();
    std::fs::rename(&new, plugin.executable()).unwrap();
    wait_until("the new program works", || plugin.worker_lives() && pid(&plugin) != old);
    let running = std::fs::read_link(proc(pid(&plugin), "exe")).unwrap();
    assert_eq!(running, plugin.executable().canonicalize().unwrap());
    wait_until("the old one is gone", || workers(&plugin) == [pid(&plugin)]);
}

#[test]
fn a_worker_ends_for_good_when_the_executable_is_removed() {
    let plugin = with_worker(60.0);
    let kept = plugin.holder().join("kept");
    std::fs::rename(plugin.executable(), &kept).unwrap();
    wait_until("the worker has ended", || !plugin.worker_lives() && workers(&plugin).is_empty());
    // What it left undone is there for whoever puts a program back.
    assert!(plugin.state("due").exists());
    std::fs::rename(&kept, plugin.holder().join("bin").join(NAME)).unwrap();
    plugin.status("1");
    wait_until("another works", || plugin.worker_lives());
}
