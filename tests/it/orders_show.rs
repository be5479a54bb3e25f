//! `orders show`: an order's story.

use serde_json::{Value, json};

use crate::support::answer::assert_valid;
use crate::support::mount::has;
use crate::support::plugin::Plugin;
use crate::support::screen::draw;
use crate::support::{hooks::told_at_the_second_attempt, skip};

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
    for more in ["events", "log", "timeline"] {
        assert!(object.remove(more).is_some(), "{more}");
    }
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
    let timeline: Vec<&str> = text.lines().skip_while(|line| *line != "timeline").collect();
    assert!(timeline[1].starts_with("    +0ms") && timeline[1].ends_with("█  accepted"), "{text}");
    assert!(timeline[2].ends_with("◆  finished"), "{text}");
    assert!(timeline[3].ends_with(&format!("server {server} handed over")), "{text}");
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

#[test]
fn the_timeline_has_stages_what_was_waited_for_and_every_attempt_of_a_delivery() {
    let (plugin, id) = told_at_the_second_attempt();
    let story = story(&plugin, &id);
    let timeline = story["timeline"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        timeline.iter().filter(|span| span["kind"] == kind).collect()
    };
    let words: Vec<&str> = of("stage").iter().map(|span| span["words"].as_str().unwrap()).collect();
    assert_eq!(words, ["buying", "building", "checking"]);
    for pair in of("stage").windows(2) {
        assert_eq!(pair[0]["end"], pair[1]["begin"], "one follows the other");
    }
    assert_eq!(of("stage")[0]["begin"], story["created_at"]);
    assert_eq!(of("stage")[2]["end"], story["events"][1]["timestamp"]);
    assert_eq!(of("step").len(), story["log"].as_array().unwrap().len());
    let failed: Vec<bool> =
        of("attempt").iter().map(|span| span["failed"].as_bool().unwrap()).collect();
    assert_eq!(failed, [true, false], "{timeline:#?}");

    let text = plugin.run(&["orders", "show", &id]).prints().to_owned();
    assert!(text.contains("billing: order.finished: 503"), "{text}");
    assert!(text.contains("billing: order.finished, attempt 2: 2"), "{text}");
}

#[test]
fn on_a_terminal_a_timeline_keeps_to_its_width_and_no_word_is_lost() {
    if !has("script") {
        return skip("there is no script");
    }
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    plugin.settled();
    let said = "Сервер ещё не готов: hypervisor says no ".repeat(9);
    let line = json!({ "at": "2026-01-02T03:04:05Z", "task_id": id, "message": said });
    let log = plugin.state("log/provider.log");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, format!("{line}\n{text}")).unwrap();
    for columns in [60, 80, 132] {
        let drawn = draw(&plugin, columns, &["orders", "show", &id]);
        assert_eq!(drawn.status, Some(0));
        assert!(drawn.rows.iter().all(|row| row.chars().count() <= columns), "{drawn:#?}");
        let words = drawn.written.split_whitespace().filter(|word| *word == "hypervisor").count();
        assert_eq!(words, 9, "{drawn:#?}");
    }
    let piped = plugin.run(&["orders", "show", &id]).prints().to_owned();
    assert!(piped.contains(said.trim()), "what another program reads is not broken: {piped}");
}
