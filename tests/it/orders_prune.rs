//! `orders prune`: forgets orders that ended long ago, and only those that nobody needs.

use serde_json::{Value, json};

use crate::support::hand::LONG_AGO;
use crate::support::plugin::{Plugin, inventory};

/// Prunes; returns what was, or would be, forgotten.
#[track_caller]
fn pruned(plugin: &Plugin, words: &[&str]) -> Value {
    let words = [&["orders", "prune", "--json"], words].concat();
    plugin.run(&words).json()
}

/// Leaves an order released and its server clean, which nobody needs any more.
#[track_caller]
fn given_back(plugin: &Plugin) -> String {
    let (id, _) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes", "--clean"]).prints();
    plugin.settled();
    id
}

fn age(plugin: &Plugin, id: &str) {
    plugin.edit(&format!("done/{id}.json"), |order| order["updated_at"] = LONG_AGO.into());
}

#[test]
fn an_old_order_that_nobody_needs_is_forgotten_with_its_key() {
    let plugin = Plugin::with_servers(1);
    plugin.run(&["order", "1", "--key", "k"]).succeeds();
    plugin.finished("1");
    plugin.run(&["orders", "release", "1", "--yes", "--clean"]).prints();
    plugin.settled();
    assert_eq!(pruned(&plugin, &[]), json!({ "pruned": [], "kept": [] }), "it is young");
    age(&plugin, "1");
    assert_eq!(pruned(&plugin, &[]), json!({ "pruned": ["1"], "kept": [] }));
    plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
    for folder in ["done", "claims", "keys"] {
        assert_eq!(plugin.names(folder), [""; 0], "{folder}/");
    }
    // Its number is not given again.
    assert_eq!(plugin.order(), "2");
}

#[test]
fn a_dry_run_only_says_what_would_be_forgotten() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    let before = plugin.files();
    let answer = plugin.run(&["orders", "prune", "--days", "0", "--dry-run"]);
    assert_eq!(answer.prints(), "would forget 1 orders\n");
    let document = pruned(&plugin, &["--days", "0", "--dry-run"]);
    assert_eq!(document, json!({ "pruned": [id], "kept": [] }));
    assert_eq!(plugin.files(), before);
    assert_eq!(plugin.run(&["orders", "prune", "--days", "0"]).prints(), "forgot 1 orders\n");
}

#[test]
fn the_days_are_the_callers_the_configurations_or_ninety() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    age(&plugin, &id);
    let count = |words: &[&str]| {
        let words = [&["--dry-run"], words].concat();
        pruned(&plugin, &words)["pruned"].as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 1);
    plugin.write_config(&json!({ "retention": { "orders_days": 100_000 } }));
    assert_eq!(count(&[]), 0);
    assert_eq!(count(&["--days", "1"]), 1);
    plugin.write_config(&json!({ "bogus": 1 }));
    assert_eq!(count(&["--days", "1"]), 1, "the configuration is not needed");
    let answer = plugin.run(&["orders", "prune"]);
    assert!(answer.complains(4).contains("configuration_invalid"), "{answer:?}");
}

#[test]
fn an_order_that_the_panel_still_lists_is_kept() {
    let plugin = Plugin::with_servers(1);
    let id = given_back(&plugin);
    for verdict in ["complete: 10.0.0.0", "error: no", ""] {
        plugin.write_task(&id, verdict);
        let kept = json!([{ "task_id": id, "reason": "the panel still lists it" }]);
        let document = pruned(&plugin, &["--days", "0"]);
        assert_eq!(document, json!({ "pruned": [], "kept": kept }), "{verdict}");
    }
    assert_eq!(plugin.failed(&id), "the server was given back");
    std::fs::remove_file(plugin.holder().join("tasks").join(&id)).unwrap();
    assert_eq!(pruned(&plugin, &["--days", "0"])["pruned"], json!([id]));
}

#[test]
fn an_order_whose_server_could_be_sold_again_is_kept() {
    let plugin = Plugin::with_servers(2);
    let (finished, server) = plugin.sold();
    let (released, quarantined) = plugin.sold();
    plugin.run(&["orders", "release", &released, "--yes"]).prints();
    plugin.settled();
    let reason = |server: &str| format!("the inventory still lists its server {server}");
    let document = pruned(&plugin, &["--days", "0"]);
    let kept = json!([
        { "task_id": finished, "reason": reason(&server) },
        { "task_id": released, "reason": reason(&quarantined) } ]);
    assert_eq!(document, json!({ "pruned": [], "kept": kept }));
    let answer = plugin.run(&["orders", "prune", "--days", "0"]);
    assert!(answer.prints().contains("kept order 1: "), "{answer:?}");

    // Nor is a server forgotten that a broken file may still list.
    std::fs::write(plugin.etc("inventory.json"), "{").unwrap();
    assert_eq!(pruned(&plugin, &["--days", "0"])["pruned"], json!([]));

    plugin.write_inventory(&inventory(0));
    assert_eq!(pruned(&plugin, &["--days", "0"])["pruned"], json!([finished, released]));
    assert!(plugin.names("claims").is_empty());
}

#[test]
fn an_order_whose_claim_was_lost_is_kept_all_the_same() {
    let plugin = Plugin::with_servers(2);
    let (id, server) = plugin.sold();
    plugin.settled();
    for name in plugin.names("claims") {
        std::fs::remove_file(plugin.state(&format!("claims/{name}"))).unwrap();
    }
    assert_eq!(pruned(&plugin, &["--days", "0"])["pruned"], json!([]));
    assert_eq!(plugin.sold().1, "10.0.0.1");
    assert_eq!(plugin.claimant(&server), id);
}

#[test]
fn open_and_damaged_orders_are_left_alone() {
    let plugin = Plugin::with_servers(3);
    let damaged = given_back(&plugin);
    let _worker = plugin.hold_worker_lock();
    let open = plugin.order();
    plugin.edit(&format!("active/{open}.json"), |order| order["updated_at"] = LONG_AGO.into());
    let unanswered = plugin.order();
    plugin.move_order(&unanswered, "active", "accepted");
    let path = plugin.state(&format!("done/{damaged}.json"));
    std::fs::write(&path, "{").unwrap();
    assert_eq!(pruned(&plugin, &["--days", "0"]), json!({ "pruned": [], "kept": [] }));
    assert_eq!(std::fs::read(path).unwrap(), b"{");
    assert_eq!(plugin.status(&open)["status"], "in_progress");
}
