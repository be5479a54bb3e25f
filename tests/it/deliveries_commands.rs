//! `deliveries`: listed, shown, tried out, sent again and forgotten.

use serde_json::Value;

use crate::support::answer::assert_valid;
use crate::support::hand::parsed;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};

/// A receiver that repeats the header `X-Key` of a request.
fn echo() -> Receiver {
    Receiver::answering(|seen| {
        let key = seen.headers.get("x-key").cloned().unwrap_or_default();
        Reply::Answer(Response::empty(200).with_body(|_| key.into_bytes()))
    })
}

#[track_caller]
fn list(plugin: &Plugin, words: &[&str]) -> Vec<Value> {
    let answer = plugin.run(&[&["deliveries", "list", "--json"], words].concat());
    let document = parsed(answer.prints());
    assert_valid("deliveries-list", &document);
    document["deliveries"].as_array().unwrap().clone()
}

fn states(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|one| one["state"].as_str().unwrap()).collect()
}

#[test]
fn a_test_is_sent_at_once_and_its_exit_status_says_whether_it_arrived() {
    let (plugin, echo) = (Plugin::installed(), echo());
    plugin.hook("hook", "generic", &echo, &["--disabled", "--header", "X-Key: hookCanary"]);
    let answer = plugin.run(&["deliveries", "test", "hook"]);
    assert!(answer.prints().starts_with("delivered\n"), "{answer:?}");
    assert!(!answer.stdout.contains("hookCanary"), "what it repeats is hidden: {answer:?}");
    echo.next([Reply::status(500)]);
    let url = echo.url();
    let words = ["deliveries", "test", "--kind", "cloudstack", "--url", &url, "--json"];
    let answer = plugin.run(&[&words[..], &["--event", "order.failed"]].concat());
    let outcome = parsed(&answer.stdout);
    assert_eq!((answer.status, &outcome["http_status"]), (Some(1), &500.into()));
    assert_eq!(outcome["event"], "order.failed");
    let answer = plugin.run(&["deliveries", "test", "hook", "--dry-run", "--json"]);
    let request = parsed(answer.prints());
    assert_eq!((&request["method"], &request["url"]), (&"POST".into(), &url.into()));
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    assert_valid("event", &body);
    assert_eq!(request["headers"]["X-Key"], "HIDDEN");
    assert_eq!(echo.requests().len(), 2, "a dry run sends nothing");
    assert!(list(&plugin, &[]).is_empty());
    assert_eq!(plugin.files(), [""; 0], "a test is not stored");
}

#[test]
fn what_is_pending_is_given_up_for_its_redelivery_and_arrives_once() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    receiver.next([Reply::status(500)]);
    plugin.hook("hook", "generic", &receiver, &["--schedule", "0,3600"]);
    plugin.sold();
    let id = plugin.tried("hook", 1)["id"].as_str().unwrap().to_owned();
    plugin.run(&["deliveries", "redeliver", &id]).prints();
    plugin.settled();
    let all = list(&plugin, &[]);
    assert_eq!(states(&all), ["delivered", "dead"]);
    assert_eq!(all[0]["id"], format!("{id}~2"));
    assert_eq!(receiver.requests().len(), 2);
    assert!(plugin.run(&["check"]).prints().contains("ok       webhooks: "), "nothing is amiss");
    let replayed = plugin.run(&["deliveries", "replay", "--failed"]);
    assert_eq!(replayed.prints(), "0 to be sent\n", "it has arrived since");
}

#[test]
fn deliveries_are_found_by_what_they_are_and_forgotten_by_name_only() {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    let events = ["--event", "order.accepted", "--event", "order.finished"];
    plugin.hook("hook", "generic", &receiver, &events);
    let (order, _) = plugin.sold();
    plugin.settled();
    assert_eq!(states(&list(&plugin, &[])), ["delivered", "delivered"]);
    for (words, count) in [
        (&["--event", "order.accepted"][..], 1),
        (&["--state", "dead"], 0),
        (&["--webhook", "hook"], 2),
        (&["--since", "1h"], 2),
        (&["--until", "2026-01-02"], 0),
    ] {
        assert_eq!(list(&plugin, words).len(), count, "{words:?}");
    }
    let story = plugin.run(&["orders", "show", &order, "--json"]).json();
    assert_valid("orders-show", &story);
    assert_eq!(story["deliveries"], Value::from(list(&plugin, &[])));
    let id = list(&plugin, &[])[0]["id"].as_str().unwrap().to_owned();
    let shown = plugin.run(&["deliveries", "show", &id, "--json"]).json();
    assert_valid("deliveries-show", &shown);
    for (words, named) in [
        (&["list", "--since", "1h", "--until", "2h"][..], "is before --since"),
        (&["list", "--since", "tomorrow"], "2026-01-02T03:04:05Z"),
        (&["list", "--webhook", "hoko"], "`hook`"),
        (&["delete"], "IDS"),
        (&["delete", "--webhook", "hook"], "--until"),
        (&["delete", "bogus"], "EVENT.WEBHOOK"),
        (&["show", "00000000-0000-0000-0000-000000000000.hook"], "the nearest is"),
        (&["replay"], "--failed"),
        (&["replay", "--failed", "--webhook", "hoko"], "`hook`"),
        (&["test"], "NAME"),
    ] {
        let answer = plugin.run(&[&["deliveries"], words].concat());
        assert!(answer.complains(2).contains(named), "{words:?}: {answer:?}");
    }
    plugin.run(&["deliveries", "delete", &id]).prints();
    assert_eq!(list(&plugin, &[]).len(), 1);
    plugin.run(&["deliveries", "delete", "--webhook", "hook", "--until", "0s"]).prints();
    assert!(list(&plugin, &[]).is_empty());
}

#[test]
fn what_the_worker_would_make_again_is_not_forgotten() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("hook", "generic", &receiver, &[]);
    let (order, _) = plugin.sold();
    plugin.settled();
    let id = list(&plugin, &[])[0]["id"].as_str().unwrap().to_owned();
    let _worker = plugin.hold_worker_lock();
    plugin.move_order(&order, "done", "active");
    let answer = plugin.run(&["deliveries", "delete", &id]);
    assert!(answer.complains(2).contains("would be made again"), "{answer:?}");
    let answer = plugin.run(&["deliveries", "delete", "--webhook", "hook", "--until", "0s"]);
    assert!(answer.prints().starts_with("deleted: 0\n"), "{answer:?}");
}
