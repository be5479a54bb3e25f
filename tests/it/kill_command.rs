//! The promise for programs: one order, at most one server, and none that nobody knows of, whatever
//! a program answers and wherever it and its worker are killed.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_command -- --nocapture` all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::book::assert_whole;
use crate::support::hoster_start::ask;
use crate::support::plugin::Plugin;
use crate::support::program::{Servers, definition};
use crate::support::promise::{is_no_life, only_order};
use crate::support::sweep::{Template, bare, hold_worker_lock};
use crate::support::tracer;
use crate::support::{one_of, proved};

/// What can go wrong with a create, each before or after it has made a server.
const FAULTS: [&str; 13] = [
    "exit", "silence", "garbage", "half", "list", "twice", "empty", "both", "failing", "signal",
    "hang", "flood", "orphan",
];

/// How long a worker may take to come to its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many points are tried at once: much of the time they wait.
const THREADS: usize = 8;

/// How many runs in a row end before their point when all have been tried.
const MISSES: usize = 2;

/// Returns a provider with an order that no worker has seen.
pub(crate) fn start() -> (Template, Servers) {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &Value::Null);
    plugin.run(&["order", "7"]).fails("unknown_configuration", 3);
    let held = hold_worker_lock(&plugin);
    plugin.order();
    drop(held);
    (Template::of(plugin), servers)
}

/// Returns a copy whose servers are its own.
pub(crate) fn copy(template: &Template, extra: &Value) -> (Plugin, Servers) {
    with_servers(template.copy(), &Servers::none(), extra)
}

/// Gives a copy servers of its own, as many as there were.
pub(crate) fn with_servers(plugin: Plugin, there: &Servers, extra: &Value) -> (Plugin, Servers) {
    let servers = there.copy();
    let mut keys = json!({ "timeout_seconds": 3, "settle_seconds": 3.1 });
    let more = extra.as_object().cloned().unwrap_or_default();
    keys.as_object_mut().unwrap().extend(more);
    plugin.write_private("program.json", &definition(&servers, &keys).to_string());
    (plugin, servers)
}

/// Works until nothing is left to do; returns the worker's exit status, none where it was killed.
pub(crate) fn work(plugin: &Plugin) -> Option<i32> {
    let mut command = bare(plugin, &["work"]);
    let mut worker = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = worker.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() >= deadline {
            worker.kill().unwrap();
            worker.wait().unwrap();
            let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
            let order = only_order(plugin).1;
            panic!("a worker that does not come to its end: {order:#}\n{log}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Checks what must hold of an order that has ended; returns its state, `undecided` where it says
/// what to look for.
#[track_caller]
pub(crate) fn ended(plugin: &Plugin, servers: &Servers, called_off: bool) -> String {
    assert_whole(plugin);
    let (place, order) = only_order(plugin);
    assert_eq!((place.as_str(), &order["wish"]), ("done", &Value::Null), "{order:#}");
    assert_eq!(is_no_life(&order), None, "{order:#}");
    let (made, alive) = (servers.made(), servers.alive());
    assert!(made.len() <= 1, "{made:?}\n{order:#}");
    let hostname = order["hostname"].as_str().unwrap();
    assert!(made.iter().all(|(_, name)| name == hostname), "{made:?}");
    let reason = order["reason"].as_str().unwrap_or_default();
    let undecided = reason.contains(&format!("look for `{hostname}`"));
    match order["state"].as_str().unwrap() {
        "finished" => {
            assert!(!called_off, "{order:#}");
            assert_eq!(alive.len(), 1, "{order:#}");
            assert_eq!(order["server_id"], alive[0].0.to_string(), "{order:#}");
        }
        // What is there is found: the program lists what it has made at once.
        "failed" | "cancelled" | "released" => assert!(alive.is_empty(), "{alive:?}\n{order:#}"),
        state => panic!("{state} is no end: {order:#}"),
    }
    if undecided { "undecided".to_owned() } else { order["state"].as_str().unwrap().to_owned() }
}

#[test]
fn whatever_a_create_comes_to_one_server_is_made_at_most_and_none_is_lost() {
    let (template, _servers) = start();
    let repeatable = json!({ "idempotency": { "kind": "unique_name", "limits": "" } });
    let mut cases = vec![("none".to_owned(), &Value::Null, "finished", 1)];
    cases.push(("rejected-before".to_owned(), &Value::Null, "failed", 0));
    for fault in FAULTS {
        cases.push((format!("{fault}-after"), &Value::Null, "finished", 1));
        // An orphan goes on, and is waited for.
        let (end, count) = if fault == "orphan" { ("finished", 1) } else { ("undecided", 0) };
        cases.push((format!("{fault}-before"), &Value::Null, end, count));
        if fault != "orphan" {
            cases.push((format!("{fault}-before"), &repeatable, "finished", 1));
        }
    }
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some((fault, extra, end, count)) = cases.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let (plugin, servers) = copy(&template, extra);
            servers.fault(fault);
            let killed = work(&plugin).is_none();
            assert_eq!(killed, fault.starts_with("orphan"), "{fault}");
            if killed {
                assert_eq!(work(&plugin), Some(0), "{fault}");
            }
            plugin.settled();
            assert_eq!(ended(&plugin, &servers, false), *end, "{fault} {extra}");
            assert_eq!(servers.made().len(), *count, "{fault} {extra}");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(run);
        }
    });
}

/// A program that never comes to its end, and whose worker was killed, is ended by the next one.
#[test]
fn a_call_that_outlives_its_worker_is_ended_when_its_time_is_up() {
    let (template, _servers) = start();
    let (plugin, servers) = copy(&template, &Value::Null);
    let script = "#!/bin/sh\nread -r request\ncase $request in\n\
        *'\"verb\":\"create\"'*) kill -KILL $PPID; sleep 600 & echo $! >$1/pid; wait ;;\n\
        *) echo '{\"servers\":[]}' ;;\nesac\n";
    plugin.write_program("hoster.sh", script);
    assert_eq!(work(&plugin), None);
    assert_eq!(work(&plugin), Some(0));
    assert_eq!(ended(&plugin, &servers, false), "undecided");
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    assert!(log.contains("an earlier call for this order still runs"), "{log}");
    assert!(log.contains("processes were ended"), "{log}");
    let child = std::fs::read_to_string(servers.folder().join("pid")).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.trim()));
    assert!(status.map_or(true, |text| text.contains("State:\tZ")), "its child still runs");
}

/// The order has no time left, and yet it ends only when nothing can be made any more.
#[test]
fn an_order_is_not_given_up_while_the_program_that_buys_may_still_run() {
    let (template, _servers) = start();
    let (plugin, servers) = copy(&template, &Value::Null);
    let script = std::fs::read_to_string(plugin.etc("hoster.sh")).unwrap();
    plugin.write_program("hoster.sh", &script.replace("sleep 0.5 && buy", "sleep 2 && buy"));
    servers.fault("orphan-before");
    assert_eq!(work(&plugin), None);
    plugin.edit_etc("demo.conf", |config| {
        config["limits"]["order_timeout_seconds"] = 0.2.into();
    });
    assert!(ask(&plugin, "cancel"));
    assert_eq!(work(&plugin), Some(0));
    plugin.settled();
    assert_eq!((ended(&plugin, &servers, true).as_str(), servers.made().len()), ("cancelled", 1));
}

/// A sweep over the life of one order.
struct Case {
    fault: &'static str,
    extra: Value,
    /// Whether the order is called off between the two workers.
    cancel: bool,
    /// One of so many points is tried.
    step: usize,
}

impl Case {
    /// Tries one point; returns whether there is such a point.
    fn point(&self, template: &Template, at: usize) -> bool {
        let (plugin, servers) = copy(template, &self.extra);
        servers.fault(self.fault);
        let run = tracer::kill_at_effect(bare(&plugin, &["work"]), at);
        assert!(run.killed || run.status == Some(0), "{run:?}");
        let called_off = self.cancel && ask(&plugin, "cancel");
        assert_eq!(work(&plugin), Some(0));
        plugin.settled();
        ended(&plugin, &servers, called_off);
        run.killed
    }

    fn run(&self, template: &Template) {
        let name = format!("{} {} cancel={}", self.fault, self.extra, self.cancel);
        kill(&name, self.step, |at| self.point(template, at));
    }
}

/// Tries one of `step` points after the other; `point` returns whether there is such a point.
#[expect(clippy::print_stderr, reason = "a sweep says how far it went, and where it failed")]
pub(crate) fn kill(name: &str, step: usize, point: impl Fn(usize) -> bool + Sync) {
    let (next, state) = (AtomicUsize::new(0), Mutex::new((0, 0, false)));
    let lane = || {
        loop {
            let (misses, broken) = state.lock().map(|all| (all.1, all.2)).unwrap();
            if misses >= MISSES || broken {
                return;
            }
            let at = 1 + next.fetch_add(1, Ordering::Relaxed) * step;
            let outcome = catch_unwind(AssertUnwindSafe(|| point(at)));
            let mut state = state.lock().unwrap();
            match outcome {
                Ok(true) => (state.0, state.1) = (state.0 + 1, 0),
                Ok(false) => state.1 += 1,
                Err(_) => {
                    eprintln!("WRONG {name}: killed at call {at}");
                    state.2 = true;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(lane);
        }
    });
    let (points, _, broken) = state.into_inner().unwrap();
    eprintln!("{name}: {points} points");
    proved(points);
    assert!(!broken && points > 5, "{points} points");
}

#[test]
fn a_worker_and_its_program_may_be_killed_anywhere() {
    let repeatable = json!({ "idempotency": { "kind": "token", "limits": "" } });
    let (template, _servers) = start();
    for case in [
        Case { fault: "none", extra: Value::Null, cancel: false, step: one_of(11) },
        Case { fault: "none", extra: repeatable, cancel: false, step: one_of(23) },
        Case { fault: "garbage-after", extra: Value::Null, cancel: false, step: one_of(31) },
        Case { fault: "none", extra: Value::Null, cancel: true, step: one_of(29) },
    ] {
        case.run(&template);
    }
}
