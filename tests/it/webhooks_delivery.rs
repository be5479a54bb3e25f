//! What happens to an order reaches the webhooks that select it, in its order, and whatever becomes
//! of it is no matter of the order's.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::answer::assert_valid;
use crate::support::hand::read;
use crate::support::hooks::{SECRET, attempts, event_id};
use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{Fault, Reply as Fail, Verb};
use crate::support::hoster::mode::Mode;
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::{Template, bare, hold_worker_lock};
use crate::support::tracer;

/// Returns the types of the events that requests are about.
fn types(requests: &[Seen]) -> Vec<String> {
    let kind = |seen: &Seen| seen.json()["type"].as_str().expect("a type").to_owned();
    requests.iter().map(kind).collect()
}

/// Releases an order's server.
#[track_caller]
fn release(plugin: &Plugin, id: &str) {
    plugin.run(&["orders", "release", id, "--yes"]).prints();
}

/// Cancels a new order before any worker sees it.
#[track_caller]
fn cancelled(plugin: &Plugin) -> String {
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    let words = ["orders", "cancel", &id, "--timeout", "0"];
    assert_eq!(plugin.run(&words).status, Some(124));
    drop(held);
    plugin.run(&["orders", "list"]).prints();
    plugin.filed(&id);
    id
}

#[test]
fn each_way_in_which_an_order_can_end_is_told() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    cancelled(&plugin);
    let (id, _) = plugin.sold();
    release(&plugin, &id);
    let seen = receiver.wait_for(3);
    assert_eq!(types(&seen), ["order.cancelled", "order.finished", "order.released"]);
    let words = |index: usize| seen[index].json()["data"]["webhook"]["eventOperation"].clone();
    assert_eq!([words(0), words(1), words(2)], ["CANCEL", "CREATE", "RELEASE"]);

    let hoster = Hoster::start(Mode::plain());
    let (plugin, receiver) = (Plugin::with_hoster(&hoster, "fake-plain"), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    hoster.fault(Verb::Create, Fault::Undone(Fail::Status(422)), 1);
    let id = plugin.order();
    let why = plugin.failed(&id);
    let body = receiver.only().json();
    assert_valid("event", &body);
    assert_eq!((&body["type"], &body["data"]["status"]), (&json!("order.failed"), &json!("ERROR")));
    assert_eq!(body["data"]["webhook"]["eventOperationStatus"], "ERROR");
    let told = body["data"]["errorLog"].as_str().unwrap();
    assert!(!told.is_empty() && why.contains(told), "{told} | {why}");
}

#[test]
fn a_webhook_is_told_of_what_it_selects_and_of_nothing_else() {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    let flags: [(&str, &[&str]); 7] = [
        ("all", &[]),
        ("accepted", &["--event", "order.accepted", "--event", "order.finished"]),
        ("elsewhere", &["--configuration", "2"]),
        ("here", &["--configuration", "2", "--configuration", "1"]),
        ("errors", &["--status", "ERROR"]),
        ("releases", &["--operation", "RELEASE"]),
        ("filtered", &[]),
    ];
    for (name, more) in flags {
        plugin.hook(name, "generic", &receiver, more);
    }
    let filter = ["webhooks", "filter", "add", "filtered", "--mode", "exclude"];
    let filter = [&filter[..], &["--match", "suffix", "--value", ".finished"]].concat();
    plugin.run(&filter).prints();
    let (id, _) = plugin.sold();
    release(&plugin, &id);
    plugin.settled();
    let told: BTreeSet<(String, String)> = plugin
        .deliveries()
        .iter()
        .map(|one| ["webhook", "event"].map(|key| one[key].as_str().unwrap().to_owned()).into())
        .collect();
    let expected = [
        ("accepted", "order.accepted"),
        ("accepted", "order.finished"),
        ("all", "order.finished"),
        ("all", "order.released"),
        ("filtered", "order.released"),
        ("here", "order.finished"),
        ("here", "order.released"),
        ("releases", "order.released"),
    ];
    let expected: BTreeSet<(String, String)> =
        expected.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
    assert_eq!(told, expected);
    assert_eq!(receiver.requests().len(), expected.len());
}

#[test]
fn what_a_webhook_is_told_of_an_order_comes_one_after_the_other() {
    let (plugin, slow, fast) = (Plugin::with_servers(2), Receiver::start(), Receiver::start());
    slow.next([Reply::Held(Response::empty(200))]);
    plugin.hook("slow", "generic", &slow, &["--timeout-seconds", "20"]);
    plugin.hook("fast", "generic", &fast, &[]);
    let (id, _) = plugin.sold();
    slow.wait_for(1);
    release(&plugin, &id);
    fast.wait_for(2);
    // Another order does not wait.
    let other = plugin.order();
    slow.wait_for(2);
    fast.wait_for(3);
    let about = |seen: &Seen| seen.json()["data"]["order"]["id"].clone();
    let seen = slow.requests();
    assert_eq!([about(&seen[0]), about(&seen[1])], [json!(id), json!(other)]);
    assert_eq!(seen.len(), 2, "the release waits for the end of the first attempt");
    slow.release();
    let seen = slow.wait_for(3);
    assert_eq!(types(&seen), ["order.finished", "order.finished", "order.released"]);
    plugin.settled();
}

#[test]
fn a_later_event_waits_for_the_tries_of_an_earlier_one_and_not_for_a_dead_one() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--schedule", "0,0.3,0.3"]);
    receiver.next([500, 500, 500].map(Reply::status));
    let (id, _) = plugin.sold();
    release(&plugin, &id);
    let seen = receiver.wait_for(4);
    let [finished, released] = ["order.finished", "order.released"];
    assert_eq!(types(&seen), [finished, finished, finished, released]);
    plugin.settled();
    let mut told = plugin.deliveries_to("shop");
    told.sort_by_key(|one| one["event"].to_string());
    assert_eq!([&told[0]["state"], &told[1]["state"]], ["dead", "delivered"]);
    assert_eq!(attempts(&told[0]).len(), 3);
    let last = &attempts(&told[0])[2];
    assert_eq!((&last["number"], &last["http_status"]), (&json!(3), &json!(500)));
    assert!(last["error"].is_string(), "{last:#}");
}

#[test]
fn every_attempt_has_the_same_id_and_body_and_a_signature_of_its_own() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    let secret = plugin.private("hook.secret", SECRET);
    // More than a second, for the timestamp counts seconds.
    let flags = ["--secret-file", &secret, "--schedule", "0,1.5", "--timeout-seconds", "20"];
    plugin.hook("shop", "generic", &receiver, &flags);
    receiver.next([Reply::Held(Response::empty(500))]);
    let id = plugin.order();
    receiver.wait_for(1);
    // What is sent was laid down when the delivery was made.
    plugin.run(&["webhooks", "update", "shop", "--envelope", "plain"]).prints();
    receiver.release();
    let seen = receiver.wait_for(2);
    assert_eq!(seen[0].body, seen[1].body);
    let header = |name: &str| [0, 1].map(|index: usize| seen[index].headers[name].clone());
    let (ids, times) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!((ids[0].as_str(), &ids[0]), (event_id(&seen[0]).as_str(), &ids[1]));
    let times = times.map(|text| text.parse::<i64>().unwrap());
    assert!(times[1] > times[0], "{times:?}");
    let signatures = header("webhook-signature");
    assert_ne!(signatures[0], signatures[1]);
    plugin.settled();
    assert_eq!(attempts(&plugin.tried("shop", 2)).len(), 2, "order {id}");
}

#[test]
fn whatever_becomes_of_deliveries_the_order_stays_as_it_is() {
    let plugin = Plugin::with_servers(1);
    let receivers = [500, 410, 404].map(|status| {
        let receiver = Receiver::answering(move |_| Reply::status(status));
        let flags = ["--schedule", "0,0.1"];
        plugin.hook(&format!("of-{status}"), "generic", &receiver, &flags);
        receiver
    });
    let (id, server) = plugin.sold();
    let path = plugin.state(&format!("done/{id}.json"));
    let before = std::fs::read(&path).unwrap();
    plugin.are("of-500", 1, "dead");
    plugin.are("of-404", 1, "dead");
    receivers[1].wait_for(1);
    assert_eq!(plugin.status(&id)["server"], server.as_str());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let story = plugin.run(&["orders", "show", &id, "--json"]).json();
    assert_valid("orders-show", &story);
    assert_eq!(story["state"], "finished");
    let mut of_story = story["deliveries"].as_array().unwrap().clone();
    let mut listed = plugin.deliveries();
    for list in [&mut of_story, &mut listed] {
        list.sort_by_key(|one| one["id"].to_string());
    }
    assert_eq!((of_story.len(), of_story), (3, listed));
}

/// Returns how many system calls a command makes while a worker lives elsewhere.
fn cost(plugin: &Plugin, words: &[&str]) -> usize {
    let held = hold_worker_lock(plugin);
    let run = tracer::kill_at(bare(plugin, words), 0);
    drop(held);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.calls
}

#[test]
fn a_thousand_pending_deliveries_cost_an_order_and_a_question_about_it_nothing() {
    let (plugin, receiver) = (Plugin::with_servers(3), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    plugin.sold();
    plugin.settled();
    // Something is due in any case.
    let held = plugin.hold_worker_lock();
    plugin.order();
    drop(held);
    let template = Template::of(plugin);
    let (few, many) = (template.copy(), template.copy());
    let file = many.names("deliveries/done").remove(0);
    let delivery = read(&many.state(&format!("deliveries/done/{file}")));
    assert_valid("delivery", &delivery);
    for number in 0..1000 {
        let mut delivery = delivery.clone();
        let event = uuid::Uuid::from_u128(number).to_string();
        let id = format!("{event}.shop");
        (delivery["id"], delivery["state"]) = (json!(id), json!("pending"));
        delivery["event"]["data"]["webhook"]["id"] = json!(event);
        delivery["next_attempt_at"] = json!("2999-01-01T00:00:00Z");
        let path = many.state(&format!("deliveries/pending/{id}.json"));
        std::fs::write(path, delivery.to_string()).unwrap();
    }
    for words in [&["order_status", "1"][..], &["order_status", "2"], &["order", "1"]] {
        let costs = (cost(&few, words), cost(&many, words));
        // A look into the folder takes six at least; memory may take one more or less.
        assert!(costs.0.abs_diff(costs.1) <= 3, "{words:?}: {costs:?}");
    }
}
