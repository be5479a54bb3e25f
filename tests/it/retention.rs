//! Retention: the worker forgets what nobody needs any more, by the configuration, and erases
//! passwords that were used.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::book::assert_whole;
use crate::support::hand::LONG_AGO;
use crate::support::plugin::{CANARY, Plugin, inventory};

fn with(plugin: &Plugin, retention: &Value) {
    plugin.write_config(&json!({
        "configurations": [{ "id": "1", "descr": "one" }], "retention": retention,
        "worker": { "poll_seconds": 0.05 } }));
}

/// Has a worker look through the stored orders, as on a new day.
#[track_caller]
fn next_day(plugin: &Plugin) {
    let _ = std::fs::remove_file(swept(plugin));
    plugin.run(&["work", "--once"]).prints();
}

fn swept(plugin: &Plugin) -> PathBuf {
    plugin.state("swept")
}

fn age(plugin: &Plugin, id: &str) {
    plugin.edit(&format!("done/{id}.json"), |order| order["updated_at"] = LONG_AGO.into());
}

fn has_password(plugin: &Plugin, id: &str) -> bool {
    let order = plugin.stored(id);
    let password = order["password"].as_str().is_some_and(|text| text.starts_with(CANARY));
    assert_ne!(password, order["password_erased_at"].is_string(), "{order}");
    password
}

/// Leaves an order released and its server clean, which nobody needs any more.
#[track_caller]
fn given_back(plugin: &Plugin) -> String {
    let (id, _) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes", "--clean"]).prints();
    plugin.settled();
    age(plugin, &id);
    id
}

#[test]
fn a_worker_forgets_old_orders_only_where_the_configuration_says_so() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    next_day(&plugin);
    plugin.status(&id);
    with(&plugin, &json!({ "orders_days": 100_000 }));
    next_day(&plugin);
    plugin.status(&id);
    with(&plugin, &json!({ "orders_days": 30 }));
    next_day(&plugin);
    plugin.run(&["order_status", &id]).fails("unknown_task", 3);
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    assert!(log.contains("\"forgotten: it ended at 2026-01-02T03:04:05Z\""), "{log}");
    assert_eq!(plugin.order(), "2", "its number is not given again");
    plugin.settled();
    assert_whole(&plugin);
}

#[test]
fn a_worker_keeps_what_orders_prune_keeps() {
    let plugin = Plugin::with_servers(3);
    with(&plugin, &json!({ "orders_days": 0 }));
    let (in_use, _) = plugin.sold();
    plugin.settled();
    let listed = given_back(&plugin);
    plugin.write_task(&listed, "error: no");
    let damaged = given_back(&plugin);
    std::fs::write(plugin.state(&format!("done/{damaged}.json")), "{").unwrap();
    next_day(&plugin);
    assert_eq!(plugin.names("done"), [in_use, listed, damaged].map(|id| format!("{id}.json")));
}

#[test]
fn it_is_looked_once_a_day_also_where_nothing_is_open() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    plugin.run(&["work", "--once"]).prints();
    let day = std::fs::read_to_string(swept(&plugin)).unwrap();
    assert_eq!(day.trim().len(), "2026-01-02".len(), "{day}");
    with(&plugin, &json!({ "orders_days": 1 }));
    // That day it was looked already.
    plugin.run(&["work", "--once"]).prints();
    plugin.status(&id);
    std::fs::write(swept(&plugin), "2026-01-02\n").unwrap();
    plugin.run(&["work"]).prints();
    plugin.run(&["order_status", &id]).fails("unknown_task", 3);
    assert_eq!(std::fs::read_to_string(swept(&plugin)).unwrap(), day);
}

#[test]
fn a_broken_configuration_forgets_nothing_and_ends_no_worker() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    plugin.write_config(&json!({ "retention": { "orders_days": "all" } }));
    next_day(&plugin);
    plugin.run(&["work"]).prints();
    plugin.status(&id);
    assert!(!swept(&plugin).exists(), "it is tried again once the file is mended");
    with(&plugin, &json!({ "orders_days": 1 }));
    plugin.run(&["work", "--once"]).prints();
    plugin.run(&["order_status", &id]).fails("unknown_task", 3);
}

#[test]
fn a_password_is_erased_once_the_panel_has_used_it_and_never_before() {
    let plugin = Plugin::with_servers(4);
    let ids = [(); 4].map(|()| plugin.sold().0);
    plugin.settled();
    let [complete, failed, empty, unlisted] = &ids;
    plugin.write_task(complete, "complete: 10.0.0.0");
    plugin.write_task(failed, "error: no route");
    plugin.write_task(empty, "");
    for id in [failed, empty] {
        age(&plugin, id);
    }
    next_day(&plugin);
    let kept = ids.clone().map(|id| has_password(&plugin, &id));
    assert_eq!(kept, [false, true, true, true]);
    // The panel asks no more; whoever does is told the server all the same.
    let status = plugin.status(complete);
    assert_eq!(status["status"], "finished");
    assert_eq!((status["server"].is_string(), status.get("server_password")), (true, None));
    for id in [failed, empty, unlisted] {
        assert!(plugin.status(id)["server_password"].is_string());
    }
    let text = plugin.run(&["orders", "show", complete]).prints().to_owned();
    assert!(text.contains("password       erased at 2"), "{text}");
    let told = plugin.run(&["orders", "show", complete, "--json"]).json();
    assert!(told["password_erased_at"].is_string(), "{told}");
    let told = plugin.run(&["orders", "show", unlisted, "--json"]).json();
    assert!(told["password_erased_at"].is_null(), "{told}");
    assert_whole(&plugin);
}

#[test]
fn without_a_record_of_the_panel_a_password_is_erased_after_its_days() {
    let plugin = Plugin::with_servers(2);
    let (old, _) = plugin.sold();
    let (young, _) = plugin.sold();
    plugin.settled();
    age(&plugin, &old);
    with(&plugin, &json!({ "password_days": 100_000 }));
    next_day(&plugin);
    assert!(has_password(&plugin, &old) && has_password(&plugin, &young));
    with(&plugin, &json!({}));
    next_day(&plugin);
    assert!(!has_password(&plugin, &old), "thirty days are over");
    assert!(has_password(&plugin, &young));
    // A folder that cannot be looked into says nothing.
    with(&plugin, &json!({ "password_days": 0 }));
    std::fs::write(plugin.holder().join("tasks"), "").unwrap();
    next_day(&plugin);
    assert!(has_password(&plugin, &young));
    std::fs::remove_file(plugin.holder().join("tasks")).unwrap();
    next_day(&plugin);
    assert!(!has_password(&plugin, &young));
}

#[test]
fn an_order_whose_password_is_erased_can_be_released_and_forgotten() {
    let plugin = Plugin::with_servers(1);
    with(&plugin, &json!({ "password_days": 0, "orders_days": 1 }));
    let (id, _) = plugin.sold();
    plugin.settled();
    next_day(&plugin);
    assert!(!has_password(&plugin, &id));
    plugin.run(&["orders", "release", &id, "--yes", "--clean"]).prints();
    plugin.settled();
    assert_eq!(plugin.stored(&id)["state"], "released");
    age(&plugin, &id);
    plugin.write_inventory(&inventory(0));
    next_day(&plugin);
    plugin.run(&["order_status", &id]).fails("unknown_task", 3);
    assert_whole(&plugin);
}

#[test]
fn whoever_orders_while_many_are_looked_through_does_not_wait_for_all() {
    let plugin = Plugin::with_servers(2);
    let (id, _) = plugin.sold();
    plugin.settled();
    let order = plugin.stored(&id);
    for number in 10..1500 {
        let mut copy = order.clone();
        copy["task_id"] = number.to_string().into();
        copy["server"] = format!("10.9.{}.{}", number >> 8, number & 255).into();
        let path = plugin.state(&format!("done/{number}.json"));
        std::fs::write(&path, copy.to_string()).unwrap();
    }
    let _ = std::fs::remove_file(swept(&plugin));
    with(&plugin, &json!({ "password_days": 0 }));
    let next = plugin.order();
    plugin.finished(&next);
    plugin.settled();
    assert!(!has_password(&plugin, "10") && !has_password(&plugin, "1499"));
    assert!(swept(&plugin).exists());
}
