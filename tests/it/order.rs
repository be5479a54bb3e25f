//! `order`: what is refused before anything is stored, and what is stored of an order.

use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::plugin::Plugin;

/// Expects `order` to be refused and to leave no trace; returns the message.
#[track_caller]
fn refused(plugin: &Plugin, words: &[&str], code: &str, status: i32) -> String {
    let trace = |plugin: &Plugin| {
        let mut files = plugin.files();
        // The locks are made by whoever comes first, and the caches may be built.
        let ours = ["lock", "worker.lock", "sequence", "swept"];
        files.retain(|file| !ours.contains(&file.as_str()));
        files
    };
    let before = trace(plugin);
    let message = plugin.run(words).fails(code, status);
    assert_eq!(trace(plugin), before, "{words:?} left something behind");
    message
}

fn limited(limits: &Value) -> Value {
    json!({ "configurations": [{ "id": "1", "descr": "a server" }], "limits": limits })
}

#[test]
fn an_order_is_answered_with_its_number_and_finished_later() {
    let plugin = Plugin::with_servers(2);
    plugin.run(&["order", "1"]).answers(&json!({ "task_id": "1" }));
    plugin.run(&["order", "1"]).answers(&json!({ "task_id": "2" }));
    assert_ne!(plugin.finished("1"), plugin.finished("2"));
}

#[test]
fn an_order_that_could_not_be_read_again_is_refused_and_named() {
    let plugin = Plugin::with_servers(1);
    let write = |length: usize| {
        plugin.write_config(&json!({
            "configurations": [{ "id": "1", "descr": "a server" }],
            "account": { "note": "x".repeat(length) },
        }));
    };
    write(17 << 10);
    let message = refused(&plugin, &["order", "1"], "configuration_invalid", 4);
    assert!(
        message.contains("`account` and the `descr` and parameters of configuration `1`"),
        "{message}"
    );
    let checked = plugin.run(&["check"]);
    assert_eq!(checked.status, Some(1));
    assert!(checked.stdout.contains("parameters of configuration `1`"), "{checked:?}");
    write(15 << 10);
    let (id, _) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!(plugin.status(&id)["status"], "error");
}

#[test]
fn an_unknown_configuration_is_refused_by_name() {
    let plugin = Plugin::with_servers(1);
    for id in ["2", "", "one", "../1", "1 ", "-x"] {
        let message = refused(&plugin, &["order", id], "unknown_configuration", 3);
        assert!(message.contains(&format!("`{id}`")), "{message}");
    }
}

#[test]
fn a_disabled_provider_sells_nothing() {
    let plugin = Plugin::with_servers(1);
    plugin.write_config(&json!({ "status": "disabled",
        "configurations": [{ "id": "1", "descr": "a server" }] }));
    let message = refused(&plugin, &["order", "1"], "disabled", 3);
    assert!(message.contains("`demo`"), "{message}");
}

#[test]
fn order_itself_says_that_no_server_is_left() {
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    let message = refused(&plugin, &["order", "1"], "out_of_stock", 3);
    assert!(message.contains("`1`") && message.contains("etc/inventory.json"), "{message}");
}

#[test]
fn an_order_takes_only_a_server_that_is_meant_for_its_configuration() {
    let plugin = Plugin::installed();
    plugin.write_config(&json!({ "configurations": [
        { "id": "small", "descr": "" }, { "id": "large", "descr": "" } ] }));
    plugin.write_inventory(&json!({ "servers": [
        { "server": "192.0.2.1", "configurations": ["large"] },
        { "server": "192.0.2.2", "configurations": ["small", "large"] },
        { "server": "192.0.2.3", "configurations": [] } ] }));
    let order = |id: &str| {
        let answer = plugin.run(&["order", id]).succeeds();
        plugin.finished(answer["task_id"].as_str().unwrap())
    };
    assert_eq!(order("small"), "192.0.2.2");
    plugin.settled();
    refused(&plugin, &["order", "small"], "out_of_stock", 3);
    assert_eq!(order("large"), "192.0.2.1");
    plugin.settled();
    refused(&plugin, &["order", "large"], "out_of_stock", 3);
}

#[test]
fn a_limit_of_open_orders_counts_those_that_are_under_way() {
    let plugin = Plugin::with_servers(4);
    plugin.write_config(&limited(&json!({ "open_orders": 2 })));
    let worker = plugin.hold_worker_lock();
    let (first, second) = (plugin.order(), plugin.order());
    let message = refused(&plugin, &["order", "1"], "limit_reached", 3);
    assert!(message.contains("`limits.open_orders` allows 2, and 2"), "{message}");
    drop(worker);
    plugin.finished(&first);
    plugin.finished(&second);
    plugin.settled();
    plugin.order();
}

#[test]
fn a_limit_of_no_open_order_stops_selling_and_hides_nothing() {
    let plugin = Plugin::with_servers(2);
    let (id, server) = plugin.sold();
    plugin.settled();
    plugin.write_config(&limited(&json!({ "open_orders": 0 })));
    let message = refused(&plugin, &["order", "1"], "limit_reached", 3);
    assert!(message.contains("`limits.open_orders` allows 0, and 0"), "{message}");
    assert_eq!(plugin.run(&["help"]).succeeds()["status"], "enabled");
    assert_eq!(plugin.finished(&id), server);
}

#[test]
fn a_limit_of_orders_in_a_day_counts_what_was_accepted_and_nothing_else() {
    let plugin = Plugin::with_servers(2);
    let limit = |allowed: u64| plugin.write_config(&limited(&json!({ "orders_per_day": allowed })));
    limit(0);
    refused(&plugin, &["order", "1"], "limit_reached", 3);
    limit(3);
    plugin.order();
    plugin.settled();
    refused(&plugin, &["order", "2"], "unknown_configuration", 3);
    refused(&plugin, &["order", "1", "--key", ""], "usage", 2);
    plugin.order();
    plugin.settled();
    for _ in 0..3 {
        refused(&plugin, &["order", "1"], "out_of_stock", 3);
    }
    limit(2);
    let message = refused(&plugin, &["order", "1"], "limit_reached", 3);
    assert!(message.contains("`limits.orders_per_day` allows 2, and 2"), "{message}");
    // The count is a cache: without it the orders themselves are counted.
    std::fs::remove_file(plugin.state("sequence")).unwrap();
    assert_eq!(refused(&plugin, &["order", "1"], "limit_reached", 3), message);
}

#[test]
fn an_order_from_another_day_does_not_count_for_today() {
    let plugin = Plugin::with_servers(2);
    plugin.write_config(&limited(&json!({ "orders_per_day": 1 })));
    plugin.sold();
    plugin.settled();
    refused(&plugin, &["order", "1"], "limit_reached", 3);
    plugin.edit("done/1.json", |order| order["created_at"] = "2026-01-02T03:04:05Z".into());
    std::fs::remove_file(plugin.state("sequence")).unwrap();
    plugin.order();
}

#[test]
fn an_order_remembers_what_was_ordered_and_by_whom() {
    let plugin = Plugin::with_servers(1);
    plugin.write_config(&json!({
        "configurations": [{ "id": "1", "descr": "Сервер", "parameters": { "size": 2.5 } }],
        "account": { "userEmail": "admin@example.com" } }));
    let worker = plugin.hold_worker_lock();
    let output = plugin.command(&["order", "1"]).env("SUDO_USER", "operator").output().unwrap();
    Answer::of(vec!["order".to_owned()], &output).answers(&json!({ "task_id": "1" }));
    let order = plugin.stored("1");
    assert_eq!(
        order["configuration"],
        json!({ "id": "1", "descr": "Сервер", "parameters": { "size": 2.5 } })
    );
    assert_eq!(order["account"], json!({ "userEmail": "admin@example.com" }));
    assert_eq!(order["provider"], "demo");
    assert_eq!(order["author"]["uid"], nix::unistd::getuid().as_raw());
    assert_eq!(order["author"]["sudo_user"], "operator");
    assert_eq!(order["events"][0]["type"], "order.accepted");
    assert_eq!(order["events"][0]["data"]["author"]["name"], "operator");
    // What is sold later does not change what was ordered.
    plugin.write_config(&limited(&json!({})));
    drop(worker);
    plugin.finished("1");
    plugin.filed("1");
    assert_eq!(plugin.stored("1")["configuration"]["descr"], "Сервер");
}

#[test]
fn without_sudo_the_author_is_the_account_and_an_odd_sudo_user_is_nobody() {
    let plugin = Plugin::with_servers(3);
    let _worker = plugin.hold_worker_lock();
    for sudo_user in ["", "a b", "$(id)"] {
        let output = plugin.command(&["order", "1"]).env("SUDO_USER", sudo_user).output().unwrap();
        let answer = Answer::of(vec!["order".to_owned()], &output).succeeds();
        let order = plugin.stored(answer["task_id"].as_str().unwrap());
        assert_eq!(order["author"]["sudo_user"], Value::Null);
        assert_eq!(order["events"][0]["data"]["author"]["name"], order["author"]["name"]);
    }
}
