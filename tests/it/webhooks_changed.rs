//! Webhooks that change while there are deliveries for them.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::hand::parsed;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Returns where nobody listens.
fn nowhere() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/")
}

fn deliveries(plugin: &Plugin) -> Vec<Value> {
    let document = plugin.run(&["deliveries", "list", "--json"]).json();
    document["deliveries"].as_array().unwrap().clone()
}

/// Sells a server; returns the id of the one delivery, when it is dead.
#[track_caller]
fn dead(plugin: &Plugin) -> String {
    plugin.finished(&plugin.order());
    wait_until("the delivery is dead", || {
        deliveries(plugin).first().is_some_and(|one| one["state"] == "dead")
    });
    deliveries(plugin)[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_sent_again_is_made_by_the_webhook_as_it_is_now() {
    let plugin = Plugin::with_servers(1);
    let url = nowhere();
    let create = |words: &[&str]| {
        let begin = ["webhooks", "create", "--name", "a", "--url", &url, "--tries", "1"];
        plugin.run(&[&begin, words].concat()).prints();
    };
    let body = |id: &str| {
        let shown = plugin.run(&["deliveries", "show", id, "--json"]).json();
        shown["body"].as_str().unwrap().to_owned()
    };
    create(&["--kind", "template", "--form", "text=wrong"]);
    let id = dead(&plugin);
    assert_eq!(body(&id), "text=wrong");
    plugin.run(&["webhooks", "update", "a", "--form", "text=right"]).prints();
    plugin.run(&["deliveries", "redeliver", &id]).prints();
    assert_eq!(body(&format!("{id}~2")), "text=right");
    assert_eq!(body(&id), "text=wrong", "what was sent stays on record");
    // The same name may belong to one of another kind by now.
    plugin.run(&["webhooks", "delete", "a", "--yes"]).prints();
    create(&["--kind", "cloudstack"]);
    plugin.run(&["deliveries", "replay", "--since", "1h"]).prints();
    assert_eq!(parsed(&body(&format!("{id}~3")))["event"], "ORDER.FINISHED");
}

#[test]
fn what_is_made_for_a_webhook_that_was_given_up_is_said_to_be_held() {
    let plugin = Plugin::with_servers(1);
    let url = nowhere();
    let words = ["webhooks", "create", "--name", "a", "--kind", "generic", "--url", &url];
    plugin.run(&[&words[..], &["--tries", "1"]].concat()).prints();
    let id = dead(&plugin);
    plugin.settled();
    plugin.edit("webhooks/a.json", |health| {
        health["disabled"] = json!({ "at": "2026-01-02T03:04:05Z", "reason": "five days" });
    });
    let answer = plugin.run(&["deliveries", "redeliver", &id]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(answer.stderr.contains("`webhooks update a --enabled` sends it"), "{answer:?}");
    assert_eq!(deliveries(&plugin)[0]["state"], "pending");
}
