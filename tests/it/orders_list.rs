//! `orders list`: every order, or those that are asked for, newest first, never a password.

use serde_json::{Value, json};

use crate::support::answer::assert_valid;
use crate::support::plugin::Plugin;

/// Returns the list, valid by its schema.
#[track_caller]
fn list(plugin: &Plugin) -> Vec<Value> {
    let document = plugin.run(&["orders", "list", "--json"]).json();
    assert_valid("orders-list", &document);
    document["orders"].as_array().unwrap().clone()
}

#[test]
fn without_orders_the_list_is_empty_and_says_so() {
    let plugin = Plugin::installed();
    assert_eq!(plugin.run(&["orders", "list"]).prints(), "no orders\n");
    assert_eq!(plugin.run(&["orders", "list", "--json"]).json(), json!({ "orders": [] }));
    std::fs::remove_dir_all(plugin.state("")).unwrap();
    assert!(list(&plugin).is_empty());
}

#[test]
fn an_order_is_listed_with_all_that_is_known_of_it() {
    let plugin = Plugin::with_servers(1);
    let (id, server) = plugin.sold();
    let stored = plugin.stored(&id);
    plugin.write_task(&id, "complete: 10.0.0.0\n");
    assert_eq!(
        list(&plugin),
        [json!({
            "task_id": id,
            "configuration": "1",
            "state": "finished",
            "status": "finished",
            "server": server,
            "server_id": null,
            "hostname": null,
            "reason": null,
            "panel": "complete: 10.0.0.0",
            "author": stored["author"]["name"],
            "created_at": stored["created_at"],
            "updated_at": stored["updated_at"],
        })]
    );
    for time in ["created_at", "updated_at"] {
        let text = stored[time].as_str().unwrap();
        assert!(text.ends_with('Z') && text.as_bytes()[10] == b'T', "{text}");
    }
}

#[test]
fn orders_from_every_place_are_listed_newest_first_by_number() {
    let plugin = Plugin::with_servers(11);
    for _ in 0..9 {
        plugin.order();
    }
    plugin.settled();
    let _worker = plugin.hold_worker_lock();
    plugin.order();
    plugin.order();
    plugin.move_order("11", "active", "accepted");
    let orders = list(&plugin);
    let of = |key: &str| -> Vec<&str> {
        orders.iter().map(|order| order[key].as_str().unwrap()).collect()
    };
    assert_eq!(of("task_id"), ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1"]);
    assert_eq!(of("state")[..3], ["accepted", "accepted", "finished"]);
    assert_eq!(of("status")[..3], ["in_progress", "in_progress", "finished"]);
    let reasons: Vec<bool> = orders.iter().map(|order| order["reason"].is_null()).collect();
    assert_eq!(reasons[..3], [false, true, true], "only the unanswered one has a reason");
}

#[test]
fn the_panels_verdict_is_null_empty_or_its_text() {
    let plugin = Plugin::with_servers(4);
    for _ in 0..4 {
        plugin.order();
    }
    plugin.write_task("1", "");
    plugin.write_task("2", "error: Ошибка\n\n");
    std::fs::create_dir(plugin.holder().join("tasks/3")).unwrap();
    let verdicts: Vec<Value> = list(&plugin).iter().map(|order| order["panel"].clone()).collect();
    assert_eq!(verdicts, [Value::Null, Value::Null, "error: Ошибка".into(), "".into()]);
}

#[test]
fn a_list_can_be_narrowed_by_status_time_configuration_and_what_the_panel_does_not_have() {
    let plugin = Plugin::with_servers(2);
    let (first, _) = plugin.sold();
    plugin.sold();
    plugin.settled();
    plugin.edit("done/1.json", |order| order["created_at"] = "2026-01-02T03:04:05Z".into());
    plugin.write_task(&first, "");
    let narrowed = |flags: &[&str]| -> Vec<String> {
        let document = plugin.run(&[&["orders", "list", "--json"], flags].concat()).json();
        assert_valid("orders-list", &document);
        let orders = document["orders"].as_array().unwrap();
        orders.iter().map(|order| order["task_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(narrowed(&["--status", "finished"]), ["2", "1"]);
    assert!(narrowed(&["--status", "error"]).is_empty());
    assert_eq!(narrowed(&["--since", "1d"]), ["2"]);
    assert_eq!(narrowed(&["--since", "2026-01-02", "--status", "finished"]), ["2", "1"]);
    assert_eq!(narrowed(&["--configuration", "1"]), ["2", "1"]);
    assert!(narrowed(&["--configuration", "another"]).is_empty());
    assert_eq!(narrowed(&["--unclaimed"]), ["2"]);
    let none = plugin.run(&["orders", "list", "--unclaimed", "--status", "error"]);
    assert_eq!(none.prints(), "no such orders\n");
    let refused = plugin.run(&["orders", "list", "--since", "yesterday"]);
    assert!(refused.complains(2).contains("A TIME is RFC 3339"), "{refused:?}");
}

#[test]
fn an_author_is_the_person_that_sudo_names() {
    let plugin = Plugin::with_servers(1);
    let output = plugin.command(&["order", "1"]).env("SUDO_USER", "operator").output().unwrap();
    assert!(output.status.success());
    assert_eq!(list(&plugin)[0]["author"], "operator");
}

#[test]
fn people_see_a_table_with_headings() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.write_task("1", "complete: 10.0.0.0");
    plugin.settled();
    let answer = plugin.run(&["orders", "list"]);
    let lines: Vec<&str> = answer.prints().lines().collect();
    let headings: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(headings[..4], ["ORDER", "CONFIG", "STATE", "SERVER"]);
    let cells: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(cells[..5], ["1", "1", "finished", "10.0.0.0", "complete:"]);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
}

#[test]
fn looking_at_orders_starts_the_worker_that_they_lack() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    plugin.order();
    drop(worker);
    assert_eq!(list(&plugin).len(), 1);
    plugin.settled();
    assert_eq!(list(&plugin)[0]["state"], "finished");
}
