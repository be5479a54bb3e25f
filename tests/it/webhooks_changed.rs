//! Webhooks that change while there are deliveries for them.

use serde_json::json;

use crate::support::hand::parsed;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};

/// Sells a server; returns the id of the one delivery, when it is dead.
#[track_caller]
fn dead(plugin: &Plugin) -> String {
    plugin.sold();
    plugin.are("a", 1, "dead")[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_sent_again_is_made_by_the_webhook_as_it_is_now() {
    let plugin = Plugin::with_servers(1);
    let broken = Receiver::answering(|_| Reply::status(500));
    let body = |id: &str| {
        let shown = plugin.run(&["deliveries", "show", id, "--json"]).json();
        shown["body"].as_str().unwrap().to_owned()
    };
    plugin.hook("a", "template", &broken, &["--tries", "1", "--form", "text=wrong"]);
    let id = dead(&plugin);
    assert_eq!(body(&id), "text=wrong");
    plugin.run(&["webhooks", "update", "a", "--form", "text=right"]).prints();
    plugin.run(&["deliveries", "redeliver", &id]).prints();
    assert_eq!(body(&format!("{id}~2")), "text=right");
    assert_eq!(body(&id), "text=wrong", "what was sent stays on record");
    // The same name may belong to one of another kind by now.
    plugin.run(&["webhooks", "delete", "a", "--yes"]).prints();
    plugin.hook("a", "cloudstack", &broken, &["--tries", "1"]);
    plugin.run(&["deliveries", "replay", "--since", "1h"]).prints();
    assert_eq!(parsed(&body(&format!("{id}~3")))["event"], "ORDER.FINISHED");
}

#[test]
fn what_is_made_for_a_webhook_that_was_given_up_is_said_to_be_held() {
    let plugin = Plugin::with_servers(1);
    let broken = Receiver::answering(|_| Reply::status(500));
    plugin.hook("a", "generic", &broken, &["--tries", "1"]);
    let id = dead(&plugin);
    plugin.settled();
    plugin.edit("webhooks/a.json", |health| {
        health["disabled"] = json!({ "at": "2026-01-02T03:04:05Z", "reason": "five days" });
    });
    let answer = plugin.run(&["deliveries", "redeliver", &id]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(answer.stderr.contains("`webhooks update a --enabled` sends it"), "{answer:?}");
    assert_eq!(plugin.deliveries()[0]["state"], "pending");
}
