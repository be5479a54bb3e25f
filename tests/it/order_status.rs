//! `order_status`: how an order is doing, from `state/` alone.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::plugin::Plugin;
use crate::support::skip;

#[test]
fn an_unknown_number_is_refused_whatever_it_looks_like() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    let (digits, word) = ("1".repeat(10_000), "x".repeat(100_000));
    for id in [
        "9",
        "0",
        "007",
        "01",
        "-1",
        "+1",
        "1 ",
        " 1",
        "",
        "abc",
        "../1",
        "../done/1",
        "1.json",
        "1/",
        "./1",
        "1e0",
        "１",
        "١",
        "18446744073709551615",
        "18446744073709551616",
        &digits,
        &word,
    ] {
        let message = plugin.run(&["order_status", id]).fails("unknown_task", 3);
        assert!(message.contains(&format!("`{id}`")), "{message}");
    }
}

#[test]
fn before_the_first_order_every_number_is_unknown_and_nothing_is_made() {
    let plugin = Plugin::installed();
    std::fs::remove_dir(plugin.state("")).unwrap();
    plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
    assert!(!plugin.state("").exists());
}

#[test]
fn an_open_order_is_in_progress() {
    let plugin = Plugin::with_servers(1);
    let _worker = plugin.hold_worker_lock();
    let id = plugin.order();
    for _ in 0..2 {
        plugin
            .run(&["order_status", &id])
            .answers(&json!({ "task_id": id, "status": "in_progress" }));
    }
}

#[test]
fn a_finished_order_hands_over_server_and_password() {
    let plugin = Plugin::with_servers(1);
    let id = plugin.order();
    plugin.finished(&id);
    plugin.run(&["order_status", &id]).answers(&json!({ "task_id": id, "status": "finished",
        "server": "10.0.0.0", "server_password": "canaryPassword0" }));
}

#[test]
fn a_server_without_a_password_is_handed_over_without_that_key() {
    let plugin = Plugin::installed();
    plugin.write_inventory(&json!({ "servers": [
        { "server": "node-1.example", "configurations": ["1"] },
        { "server": "node-2.example", "server_password": null, "configurations": ["1"] } ] }));
    for server in ["node-1.example", "node-2.example"] {
        let id = plugin.order();
        plugin.finished(&id);
        plugin
            .run(&["order_status", &id])
            .answers(&json!({ "task_id": id, "status": "finished", "server": server }));
    }
}

/// Expects the answer of an order that came to nothing: no failed call.
#[track_caller]
fn came_to_nothing(plugin: &Plugin, id: &str, reason: &str) {
    plugin.run(&["order_status", id]).answers(&json!({ "task_id": id, "status": "error",
        "message": reason, "error_message": reason }));
}

#[test]
fn an_order_that_came_to_nothing_is_no_failed_call() {
    let plugin = Plugin::with_servers(4);
    let (released, _) = plugin.sold();
    plugin.run(&["orders", "release", &released, "--yes"]).prints();
    came_to_nothing(&plugin, &released, "the server was given back");

    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let (cancelled, failed) = (plugin.order(), plugin.order());
    let answer = plugin.run(&["orders", "cancel", &cancelled, "--timeout", "0"]);
    assert_eq!(answer.status, Some(124), "{answer:?}");
    plugin.edit(&format!("active/{failed}.json"), |order| order["server"] = Value::Null);
    drop(worker);
    assert_eq!(plugin.failed(&cancelled), "the order was cancelled");
    came_to_nothing(&plugin, &cancelled, "the order was cancelled");
    assert_eq!(plugin.failed(&failed), "the order's file names no server");
    came_to_nothing(&plugin, &failed, "the order's file names no server");

    // A hand left no reason.
    plugin.settled();
    plugin.edit(&format!("done/{failed}.json"), |order| order["reason"] = Value::Null);
    came_to_nothing(&plugin, &failed, "failed");
}

#[test]
fn a_status_is_told_whatever_became_of_the_configuration() {
    let plugin = Plugin::with_servers(3);
    let (id, _) = plugin.sold();
    let expected = plugin.status(&id);
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let open = plugin.order();
    let conf = plugin.etc("demo.conf");
    let changes: [(&str, &dyn Fn()); 5] = [
        ("disabled", &|| plugin.write_config(&json!({ "status": "disabled" }))),
        ("broken", &|| std::fs::write(&conf, "{").unwrap()),
        ("missing", &|| std::fs::remove_file(&conf).unwrap()),
        ("without its inventory", &|| {
            std::fs::remove_file(plugin.etc("inventory.json")).unwrap();
        }),
        ("without etc/", &|| std::fs::remove_dir_all(plugin.etc("")).unwrap()),
    ];
    for (change, make) in changes {
        make();
        plugin.run(&["order_status", &id]).answers(&expected);
        assert_eq!(plugin.status(&open)["status"], "in_progress", "{change}");
        plugin.run(&["order_status", "77"]).fails("unknown_task", 3);
    }
    // What was sold is finished even then.
    drop(worker);
    assert_eq!(plugin.finished(&open), "10.0.0.1");
}

#[test]
fn an_order_whose_caller_was_killed_moves_on_when_it_is_asked_for() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    plugin.move_order(&id, "active", "accepted");
    std::fs::remove_file(plugin.state("due")).unwrap();
    assert_eq!(plugin.status(&id)["status"], "in_progress");
    assert_eq!(plugin.names("active"), ["1.json"]);
    assert!(plugin.names("accepted").is_empty());
    drop(worker);
    assert_eq!(plugin.finished(&id), "10.0.0.0");
}

#[test]
fn a_question_starts_the_worker_that_an_order_lacks() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    drop(worker);
    assert_eq!(plugin.status(&id)["status"], "in_progress");
    plugin.filed(&id);
}

#[test]
fn a_question_about_a_finished_order_opens_that_orders_file_and_lists_nothing() {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skip("strace is not installed or cannot trace here");
    }
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    plugin.settled();
    let trace = plugin.root().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=open,openat,getdents64,getdents,unlink,rename,flock"])
        .arg("-o")
        .arg(&trace)
        .arg(plugin.executable())
        .args(["order_status", &id])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "finished");
    let trace = std::fs::read_to_string(trace).unwrap();
    let holder = plugin.holder();
    let holder = holder.to_str().unwrap();
    let ours: Vec<&str> = trace.lines().filter(|line| line.contains(holder)).collect();
    let [line] = ours[..] else { panic!("{ours:#?}") };
    assert!(line.contains("open") && line.contains("/state/done/1.json"), "{line}");
}
