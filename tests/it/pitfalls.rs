//! Small things that plugins fall over and that have no better place; `docs/reliability.md` lists all.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::book::assert_whole;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::plugin::Plugin;
use crate::support::sweep::bare;
use crate::support::wait_until;

#[test]
fn descriptors_that_a_caller_closed_do_not_become_files_of_the_state() {
    let plugin = Plugin::with_servers(4);
    plugin.sold();
    plugin.settled();
    let state = plugin.state("").canonicalize().unwrap();
    for (number, closed) in ["<&-", "2>&-", "<&- 2>&-"].into_iter().enumerate() {
        let held = File::open(state.join("lock")).unwrap();
        fs2::FileExt::lock_exclusive(&held).unwrap();
        let caller = Command::new("/bin/sh")
            .args(["-c", &format!("exec \"$0\" order 1 {closed}")])
            .arg(plugin.executable())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let file = |number: usize| {
            std::fs::read_link(format!("/proc/{}/fd/{number}", caller.id())).unwrap_or_default()
        };
        wait_until("it waits for the lock", || (0..20).any(|at| file(at) == state.join("lock")));
        assert!((0..3).all(|number| !file(number).starts_with(&state)), "{closed}");
        drop(held);
        let output = caller.wait_with_output().unwrap();
        let id = (number + 2).to_string();
        let answer = format!("{{\"task_id\":\"{id}\"}}\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), answer, "{closed}: {output:?}");
        plugin.finished(&id);
    }
    plugin.settled();
    assert_whole(&plugin);
}

#[test]
fn a_proxy_that_the_environment_names_is_not_asked() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let names =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let asked = hoster.requests().len();
    let mut command = bare(&plugin, &["catalog"]);
    let output = command.envs(names.map(|name| (name, &url))).output().unwrap();
    let told = proxy.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(told, Err(ErrorKind::WouldBlock), "{output:?}");
    assert!(output.status.success() && hoster.requests().len() > asked, "{output:?}");
}

#[test]
fn a_process_that_has_a_dead_workers_number_is_not_taken_for_a_worker() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    wait_until("the worker has ended", || !plugin.worker_lives());
    // Somebody else has its number by now, and lives.
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    let text = format!("process {} (worker) since 2026-01-02T03:04:05Z", other.id());
    std::fs::write(plugin.state("worker.lock"), format!("{text:<95}\n")).unwrap();
    let id = plugin.order();
    plugin.finished(&id);
    let lives = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(lives, "whoever has the number is left alone");
}

#[test]
fn a_holder_of_the_lock_that_was_stopped_is_waited_for_and_named_and_the_lock_is_not_broken() {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    wait_until("the worker has ended", || !plugin.worker_lives());
    let mut holder = Command::new("flock")
        .arg(plugin.state("lock"))
        .args(["sh", "-c", "echo held; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("it is locked", || {
        let file = File::open(plugin.state("lock")).unwrap();
        fs2::FileExt::try_lock_shared(&file).is_err()
    });
    let number = Pid::from_raw(holder.id().cast_signed());
    kill(number, Signal::SIGSTOP).unwrap();
    let begun = Instant::now();
    let message = plugin.run(&["order", "1"]).fails("state_busy", 7);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(message.contains("locked by"), "{message}");
    // flock(1) has handed its descriptor on: the lock is held until both are gone.
    let children = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
    kill(number, Signal::SIGKILL).unwrap();
    for child in children.unwrap_or_default().split_whitespace() {
        kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGKILL).unwrap();
    }
    holder.wait().unwrap();
    plugin.sold();
}

#[test]
fn a_worker_that_has_driven_many_orders_has_no_more_open_than_before() {
    let plugin = Plugin::with_servers(60);
    plugin.write_config(&json!({
        "status": "enabled",
        "definition": "inventory",
        "configurations": [{ "id": "1", "descr": "one" }],
        "worker": { "poll_seconds": 60.0 },
    }));
    let held = plugin.hold_worker_lock();
    plugin.order();
    plugin.relink("claims/10.0.0.0", "nobody knows");
    drop(held);
    let first = plugin.order();
    plugin.filed(&first);
    let text = std::fs::read_to_string(plugin.state("worker.lock")).unwrap();
    let number = text.split(' ').nth(1).unwrap().to_owned();
    let count = || std::fs::read_dir(format!("/proc/{number}/fd")).unwrap().count();
    wait_until("it rests", || count() == 4);
    for _ in 0..40 {
        let id = plugin.order();
        plugin.filed(&id);
    }
    wait_until("it has closed what it opened", || count() == 4);
}

#[test]
fn a_link_in_the_place_of_a_new_file_is_never_written_through() {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.settled();
    let outside = plugin.root().join("outside");
    File::create(&outside).unwrap().write_all(b"mine\n").unwrap();
    for place in ["accepted/2.json", "active/2.json", "sequence", "due"] {
        let path = plugin.state(place);
        std::fs::remove_file(&path).ok();
        std::os::unix::fs::symlink(&outside, &path).unwrap();
    }
    // It may be refused, or the link be replaced; what it leads to is somebody else's.
    let _ = plugin.run(&["order", "1"]);
    let _ = plugin.run(&["work", "--once"]);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine\n");
}
