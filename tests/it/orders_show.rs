//! `orders show`: an order's story.

use serde_json::{Value, json};

use crate::support::answer::assert_valid;
use crate::support::plugin::Plugin;

/// Returns an order's story, valid by its schema.
#[track_caller]
fn story(plugin: &Plugin, id: &str) -> Value {
    let document = plugin.run(&["orders", "show", id, "--json"]).json();
    assert_valid("orders-show", &document);
    document
}

fn types(story: &Value) -> Vec<&str> {
    let events = story["events"].as_array().unwrap();
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_story_is_the_list_entry_with_events_deliveries_and_log() {
    let plugin = Plugin::with_servers(1);
    let (id, server) = plugin.sold();
    plugin.write_task(&id, "complete: 10.0.0.0\n");
    plugin.settled();
    let mut story = story(&plugin, &id);
    assert_eq!(types(&story), ["order.accepted", "order.finished"]);
    let messages: Vec<&str> = story["log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages, [format!("server {server} handed over")]);
    let object = story.as_object_mut().unwrap();
    assert_eq!(object.remove("deliveries").unwrap(), json!([]));
    assert!(object.remove("events").is_some() && object.remove("log").is_some());
    let list = plugin.run(&["orders", "list", "--json"]).json();
    assert_eq!(story, list["orders"][0]);
}

#[test]
fn every_turn_of_an_orders_life_is_an_event_with_the_server_it_was_about() {
    let plugin = Plugin::with_servers(1);
    let (id, server) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    let story = story(&plugin, &id);
    assert_eq!(types(&story), ["order.accepted", "order.finished", "order.released"]);
    let data = |index: usize| &story["events"][index]["data"];
    assert_eq!(data(0)["server"]["address"], "", "none is handed over yet");
    assert_eq!(data(1)["server"]["address"], server.as_str());
    assert_eq!(data(2)["webhook"]["eventOperation"], "RELEASE");
    let ids: std::collections::BTreeSet<&str> =
        (0..3).map(|index| data(index)["webhook"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "an event is known by its id");
    assert!((0..3).all(|index| data(index)["order"]["id"] == id.as_str()));
}

#[test]
fn people_see_a_line_for_each_fact() {
    let plugin = Plugin::with_servers(1);
    let (id, server) = plugin.sold();
    plugin.write_task(&id, "complete: 10.0.0.0\n");
    plugin.settled();
    let answer = plugin.run(&["orders", "show", &id]);
    let text = answer.prints();
    for (name, value) in [
        ("order", "1"),
        ("state", "finished"),
        ("server", server.as_str()),
        ("panel", "complete: 10.0.0.0"),
    ] {
        assert!(text.contains(&format!("{name:<15}{value}\n")), "{name}: {text}");
    }
    assert!(text.contains("order.accepted\n") && text.contains("handed over\n"), "{text}");
    assert!(!text.contains("reason"), "what is unknown has no line: {text}");
}

#[test]
fn an_unknown_order_is_an_error() {
    let plugin = Plugin::with_servers(1);
    for words in [&["orders", "show", "1"][..], &["orders", "show", "1", "--json"]] {
        let answer = plugin.run(words);
        assert!(answer.complains(3).contains("unknown_task"), "{answer:?}");
    }
}
