//! `order --key`: however often it is said, one order.

use std::io::Read;

use serde_json::{Value, json};

use super::order_unanswered::{full_pipe, spawn};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Orders with a key; returns the order's number.
#[track_caller]
fn order(plugin: &Plugin, key: &str) -> String {
    let document = plugin.run(&["order", "1", "--key", key]).succeeds();
    document["task_id"].as_str().unwrap().to_owned()
}

/// Says the same order again where nobody can read the answer.
#[track_caller]
fn order_into_a_full_disk(plugin: &Plugin, key: &str) {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = spawn(plugin, &["order", "1", "--key", key], full).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(70), "{output:?}");
}

#[test]
fn the_same_key_is_the_same_order_wherever_the_order_is() {
    let plugin = Plugin::with_servers(3);
    let worker = plugin.hold_worker_lock();
    let id = order(&plugin, "k");
    assert_eq!(order(&plugin, "k"), id, "while it is active");
    plugin.move_order(&id, "active", "accepted");
    assert_eq!(order(&plugin, "k"), id, "while it is accepted");
    assert_eq!(plugin.names("active"), ["1.json"], "the second caller was answered");
    drop(worker);
    let server = plugin.finished(&id);
    plugin.settled();
    assert_eq!(order(&plugin, "k"), id, "when it is done");
    assert_eq!(plugin.names("claims"), [server]);
    assert_ne!(order(&plugin, "K"), id, "another key");
    assert_ne!(plugin.order(), id, "no key");
}

#[test]
fn the_same_key_is_the_same_order_when_nothing_more_could_be_ordered() {
    let plugin = Plugin::with_servers(1);
    let configuration = json!([{ "id": "1", "descr": "" }]);
    let limited = |limits: Value| {
        plugin.write_config(&json!({ "configurations": configuration, "limits": limits }));
    };
    let id = order(&plugin, "k");
    plugin.finished(&id);
    assert_eq!(order(&plugin, "k"), id, "out of stock");
    limited(json!({ "orders_per_day": 1 }));
    assert_eq!(order(&plugin, "k"), id, "as many orders as a day may have");
    limited(json!({ "open_orders": 0 }));
    assert_eq!(order(&plugin, "k"), id, "selling has stopped");
}

#[test]
fn a_key_that_was_used_for_another_configuration_is_a_conflict() {
    let plugin = Plugin::with_servers(2);
    plugin.write_config(&json!({ "configurations": [
        { "id": "1", "descr": "" }, { "id": "2", "descr": "" } ] }));
    let id = order(&plugin, "k");
    let message = plugin.run(&["order", "2", "--key", "k"]).fails("key_conflict", 3);
    for part in ["`k`", "`1`", &format!("order {id}")] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(plugin.names("claims").len(), 1);
}

#[test]
fn a_key_has_one_to_two_hundred_printable_characters() {
    let plugin = Plugin::with_servers(20);
    let _worker = plugin.hold_worker_lock();
    let cyrillic = "ключ".repeat(50);
    let emoji = "😀".repeat(200);
    let latin = "k".repeat(200);
    for key in ["k", " ", "../../lock", "--key", "a/b", "ä", &latin, &cyrillic, &emoji] {
        let id = order(&plugin, key);
        assert_eq!(order(&plugin, key), id, "{key}");
        assert_eq!(plugin.stored(&id)["caller_key"], key);
    }
    let before = plugin.names("claims").len();
    let (long, long_cyrillic) = ("k".repeat(201), "ж".repeat(201));
    for key in ["", "a\nb", "\t", "\u{7f}", "\u{85}", "\u{1b}[0m", &long, &long_cyrillic] {
        let message = plugin.run(&["order", "1", "--key", key]).fails("usage", 2);
        assert!(message.contains("--key"), "{key:?}: {message}");
    }
    assert_eq!(plugin.names("claims").len(), before);
}

#[test]
fn a_key_that_leads_nowhere_does_no_harm() {
    let plugin = Plugin::with_servers(4);
    let id = order(&plugin, "k");
    plugin.finished(&id);
    plugin.settled();
    let [file] = plugin.names("keys").try_into().unwrap();
    let path = format!("keys/{file}");

    // To an order that is not there.
    plugin.relink(&path, "77");
    let second = order(&plugin, "k");
    assert_ne!(second, id);
    assert_eq!(order(&plugin, "k"), second);
    // To an order without a key.
    let keyless = plugin.order();
    plugin.relink(&path, &keyless);
    let third = order(&plugin, "k");
    assert!(third != second && third != keyless);
    assert_eq!(order(&plugin, "k"), third);
}

#[test]
fn a_damaged_key_hits_that_key_only() {
    let plugin = Plugin::with_servers(3);
    let id = order(&plugin, "k");
    plugin.finished(&id);
    let [file] = plugin.names("keys").try_into().unwrap();
    let path = plugin.state(&format!("keys/{file}"));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let message = plugin.run(&["order", "1", "--key", "k"]).fails("state_unreadable", 7);
    assert!(message.contains(&file), "{message}");
    order(&plugin, "another");
    plugin.order();
}

#[test]
fn a_key_is_free_again_when_its_order_reached_nobody() {
    let plugin = Plugin::with_servers(1);
    order_into_a_full_disk(&plugin, "k");
    assert!(plugin.names("keys").is_empty());
    assert_eq!(order(&plugin, "k"), "2");
}

#[test]
fn a_pruned_order_takes_only_its_own_key_along() {
    let plugin = Plugin::with_servers(2);
    let first = order(&plugin, "k");
    plugin.finished(&first);
    plugin.settled();
    // The key was lost, so the same key made another order.
    let [file] = plugin.names("keys").try_into().unwrap();
    std::fs::remove_file(plugin.state(&format!("keys/{file}"))).unwrap();
    let second = order(&plugin, "k");
    plugin.finished(&second);
    plugin.settled();
    plugin.run(&["orders", "release", &first, "--yes", "--clean"]).prints();
    plugin.settled();
    let pruned = plugin.run(&["orders", "prune", "--days", "0", "--json"]).json();
    assert_eq!(pruned["pruned"], json!([first]));
    assert_eq!(order(&plugin, "k"), second);
}

#[test]
fn an_order_stands_for_the_second_caller_when_the_first_one_goes_away_later() {
    let plugin = Plugin::with_servers(2);
    let (reader, writer, _) = full_pipe();
    let first = spawn(&plugin, &["order", "1", "--key", "k"], writer);
    wait_until("the order is stored", || plugin.state("accepted/1.json").exists());
    assert_eq!(order(&plugin, "k"), "1");
    drop(reader);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(70));
    assert_eq!(plugin.finished("1"), "10.0.0.0");
    assert_eq!(order(&plugin, "k"), "1");
}

#[test]
fn an_order_stands_for_the_second_caller_when_the_first_one_goes_away_before() {
    let plugin = Plugin::with_servers(2);
    let words = ["order", "1", "--key", "k"];
    let (first_reader, writer, _) = full_pipe();
    let first = spawn(&plugin, &words, writer);
    wait_until("the order is stored", || plugin.state("accepted/1.json").exists());
    let (mut second_reader, writer, size) = full_pipe();
    let second = spawn(&plugin, &words, writer);
    wait_until("the second caller is counted", || plugin.stored("1")["callers"] == 2);
    drop(first_reader);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(70));
    assert_eq!(plugin.stored("1")["callers"], 1);
    assert_eq!(plugin.names("accepted"), ["1.json"], "it is still being told to the second");

    let mut bytes = Vec::new();
    second_reader.read_to_end(&mut bytes).unwrap();
    let answer: Value = serde_json::from_slice(&bytes[size..]).unwrap();
    assert_eq!(answer, json!({ "task_id": "1" }));
    assert!(second.wait_with_output().unwrap().status.success());
    assert_eq!(plugin.finished("1"), "10.0.0.0");
}

#[test]
fn an_order_is_taken_back_when_all_its_callers_went_away() {
    let plugin = Plugin::with_servers(1);
    let (reader, writer, _) = full_pipe();
    let first = spawn(&plugin, &["order", "1", "--key", "k"], writer);
    wait_until("the order is stored", || plugin.state("accepted/1.json").exists());
    for _ in 0..2 {
        order_into_a_full_disk(&plugin, "k");
        assert_eq!(plugin.stored("1")["callers"], 1);
    }
    drop(reader);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(70));
    for folder in ["accepted", "active", "done", "claims", "keys"] {
        assert_eq!(plugin.names(folder), [""; 0], "{folder}/");
    }
}

#[test]
fn a_key_that_was_used_leads_to_its_order_whatever_became_of_the_configuration() {
    let plugin = Plugin::with_servers(2);
    let ask = || plugin.run(&["order", "1", "--key", "k"]).succeeds()["task_id"].clone();
    let first = ask();
    for config in [json!({ "status": "disabled" }), json!({}), json!({ "bogus": 1 })] {
        plugin.write_config(&config);
        assert_eq!(ask(), first, "{config}");
    }
}
