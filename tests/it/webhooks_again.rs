//! What was not delivered, or was and is wanted once more: redelivery, replay, webhooks that are
//! disabled, and how much of the past is kept.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::hooks::{SECRET, attempts, event_id};
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::plugin::{Plugin, inventory};
use crate::support::receiver::{Receiver, Reply};
use crate::support::wait_until;

#[test]
fn a_redelivery_is_a_new_delivery_of_the_same_event() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    let secret = plugin.private("hook.secret", SECRET);
    plugin.hook("shop", "generic", &receiver, &["--secret-file", &secret]);
    plugin.sold();
    let first = plugin.are("shop", 1, "delivered").remove(0);
    let id = first["id"].as_str().unwrap();
    for number in [2, 3] {
        plugin.run(&["deliveries", "redeliver", id]).prints();
        let seen = receiver.wait_for(number);
        let last = seen.last().unwrap();
        assert_eq!(last.body, seen[0].body);
        assert_eq!(last.headers["webhook-id"], seen[0].headers["webhook-id"]);
        let all = plugin.are("shop", number, "delivered");
        let ids: Vec<&Value> = all.iter().map(|one| &one["id"]).collect();
        assert!(ids.contains(&&json!(format!("{id}~{number}"))), "{ids:?}");
        assert!(all.iter().all(|one| one["event_id"] == first["event_id"]), "{all:#?}");
    }
    let shown = plugin.run(&["deliveries", "show", &format!("{id}~2"), "--json"]).json();
    assert_eq!(shown["id"], format!("{id}~2"));
}

#[test]
fn what_is_dead_can_be_replayed() {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--tries", "1"]);
    receiver.next([500, 500].map(Reply::status));
    plugin.sold();
    plugin.sold();
    plugin.settled();
    plugin.are("shop", 2, "dead");
    let words = ["deliveries", "replay", "--webhook", "shop", "--failed"];
    plugin.run(&words).prints();
    let seen = receiver.wait_for(4);
    plugin.settled();
    let ids = |part: &[Seen]| part.iter().map(event_id).collect::<BTreeSet<_>>();
    assert_eq!(ids(&seen[..2]), ids(&seen[2..]));
    // They have arrived: there is nothing to replay any more.
    plugin.run(&words).prints();
    plugin.settled();
    assert_eq!((receiver.requests().len(), plugin.deliveries().len()), (4, 4));
}

#[test]
fn what_happened_to_an_order_is_replayed_in_its_order_whatever_the_clock_said_then() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    let (order, _) = plugin.sold();
    plugin.run(&["orders", "release", &order, "--yes"]).prints();
    plugin.filed(&order);
    let delivered = plugin.are("shop", 2, "delivered");
    plugin.settled();
    let released = delivered.iter().find(|one| one["event"] == "order.released").unwrap();
    // As a clock leaves it that was set back by hours after the first event.
    let file = format!("deliveries/done/{}.json", released["id"].as_str().unwrap());
    plugin.edit(&file, |delivery| delivery["event"]["timestamp"] = json!("2026-01-02T03:04:05Z"));
    plugin.run(&["deliveries", "replay", "--since", "2000-01-01"]).prints();
    plugin.are("shop", 4, "delivered");
    let seen = receiver.requests();
    let told: Vec<Value> = seen.iter().map(|seen| seen.json()["type"].clone()).collect();
    assert_eq!(told, ["order.finished", "order.released", "order.finished", "order.released"]);
    plugin.settled();
}

#[test]
fn what_arrived_at_its_redelivery_is_not_dead_although_the_clock_was_set_back_since() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--tries", "1"]);
    receiver.next([Reply::status(500)]);
    plugin.sold();
    let dead = plugin.are("shop", 1, "dead").remove(0);
    plugin.settled();
    let file = format!("deliveries/done/{}.json", dead["id"].as_str().unwrap());
    plugin.edit(&file, |delivery| delivery["made_at"] = json!("2099-01-02T03:04:05Z"));
    plugin.run(&["deliveries", "replay", "--failed"]).prints();
    receiver.wait_for(2);
    plugin.settled();
    assert_eq!(plugin.run(&["deliveries", "replay", "--failed"]).prints(), "0 to be sent\n");
    assert!(plugin.run(&["check"]).prints().contains("ok       webhooks: "), "nothing is amiss");
}

#[test]
fn an_event_whose_delivery_is_damaged_is_replayed_under_the_next_number() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    plugin.sold();
    let first = plugin.are("shop", 1, "delivered").remove(0);
    plugin.settled();
    let id = first["id"].as_str().unwrap();
    let replay = || {
        let answer = plugin.run(&["deliveries", "replay", "--since", "1h"]);
        assert_eq!(answer.status, Some(0), "{answer:?}");
        assert!(answer.stdout.starts_with("1 to be sent\n"), "{answer:?}");
        assert!(answer.stderr.contains(id), "{answer:?}");
        plugin.settled();
    };
    for number in [1, 2] {
        // At last it is the redelivery that is damaged as well.
        let name = if number == 1 { id.to_owned() } else { format!("{id}~{number}") };
        std::fs::write(plugin.state(&format!("deliveries/done/{name}.json")), "{").unwrap();
        replay();
        let file = format!("deliveries/done/{id}~{}.json", number + 1);
        assert!(plugin.state(&file).exists(), "{file}");
    }
    let told: BTreeSet<String> = receiver.wait_for(3).iter().map(event_id).collect();
    assert_eq!((told.len(), receiver.requests().len()), (1, 3));
}

#[test]
fn a_webhook_that_came_late_or_was_disabled_can_be_told_what_it_missed() {
    let (plugin, receiver) = (Plugin::with_servers(3), Receiver::start());
    plugin.sold();
    plugin.hook("shop", "generic", &receiver, &["--disabled"]);
    plugin.sold();
    plugin.settled();
    assert_eq!(plugin.deliveries(), Vec::<Value>::new(), "none are made meanwhile");
    plugin.run(&["webhooks", "update", "shop", "--enabled"]).prints();
    plugin.sold();
    let about = |seen: &Seen| seen.json()["data"]["order"]["id"].clone();
    assert_eq!(about(&receiver.only()), "3");
    plugin.settled();
    plugin.run(&["deliveries", "replay", "--webhook", "shop", "--since", "1h"]).prints();
    plugin.settled();
    let orders: BTreeSet<String> =
        receiver.requests().iter().map(|seen| about(seen).to_string()).collect();
    let expected = ["\"1\"", "\"2\"", "\"3\""].map(str::to_owned);
    assert_eq!(orders, expected.into());
    let deliveries = plugin.deliveries();
    assert!(deliveries.iter().all(|one| one["state"] == "delivered"), "{deliveries:#?}");
}

#[test]
fn what_is_pending_for_a_disabled_webhook_is_held_until_it_is_enabled() {
    let (plugin, held, other) = (Plugin::with_servers(2), Receiver::start(), Receiver::start());
    // More than a second, within which a worker sees that it is disabled.
    plugin.hook("held", "generic", &held, &["--schedule", "0,2", "--timeout-seconds", "20"]);
    plugin.hook("other", "generic", &other, &[]);
    held.next([Reply::Held(Response::empty(500))]);
    plugin.sold();
    held.wait_for(1);
    plugin.run(&["webhooks", "update", "held", "--disabled"]).prints();
    held.release();
    wait_until("the time of the next attempt has come", || {
        let next = plugin.tried("held", 1)["next_attempt_at"].as_str().map(str::to_owned);
        let next = next.expect("it is pending").parse::<jiff::Timestamp>().unwrap();
        next < jiff::Timestamp::now()
    });
    // The worker works, and leaves that one alone.
    plugin.sold();
    other.wait_for(2);
    plugin.are("other", 2, "delivered");
    assert_eq!((held.requests().len(), &plugin.tried("held", 1)["state"]), (1, &json!("pending")));
    plugin.run(&["webhooks", "update", "held", "--enabled"]).prints();
    held.wait_for(2);
    plugin.settled();
    assert_eq!(attempts(&plugin.are("held", 1, "delivered")[0]).len(), 2);
}

#[test]
fn a_410_disables_a_webhook_with_its_reason_and_enabling_it_goes_on() {
    let (plugin, gone, other) = (Plugin::with_servers(2), Receiver::start(), Receiver::start());
    plugin.hook("gone", "generic", &gone, &["--schedule", "0,0.1"]);
    plugin.hook("other", "generic", &other, &[]);
    gone.next([Reply::status(410)]);
    plugin.sold();
    gone.wait_for(1);
    let shown = || plugin.run(&["webhooks", "show", "gone", "--json"]).json().to_string();
    wait_until("it is disabled", || shown().contains("410"));
    plugin.sold();
    other.wait_for(2);
    let pending = plugin.are("gone", 2, "pending");
    assert_eq!(gone.requests().len(), 1, "{pending:#?}");
    plugin.run(&["webhooks", "update", "gone", "--enabled"]).prints();
    plugin.are("gone", 2, "delivered");
    let ids: BTreeSet<String> = gone.requests().iter().map(event_id).collect();
    assert_eq!((gone.requests().len(), ids.len()), (3, 2));
    assert!(!shown().contains("410"), "{}", shown());
    plugin.settled();
}

#[test]
fn a_damaged_delivery_holds_no_other_when_its_webhook_is_enabled_and_can_be_forgotten() {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    receiver.next([Reply::status(410)]);
    plugin.sold();
    receiver.wait_for(1);
    let shown = || plugin.run(&["webhooks", "show", "shop", "--json"]).json().to_string();
    wait_until("it is disabled", || shown().contains("410"));
    plugin.sold();
    plugin.are("shop", 2, "pending");
    plugin.settled();
    let files = plugin.names("deliveries/pending");
    let [damaged, other] = [0, 1].map(|place: usize| files[place].trim_end_matches(".json"));
    std::fs::write(plugin.state(&format!("deliveries/pending/{damaged}.json")), "{").unwrap();
    let answer = plugin.run(&["webhooks", "update", "shop", "--enabled"]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(answer.stderr.contains(damaged), "{answer:?}");
    assert!(other.starts_with(&event_id(receiver.wait_for(2).last().unwrap())), "{other}");
    plugin.settled();
    let answer = plugin.run(&["deliveries", "delete", damaged]);
    assert_eq!((answer.status, answer.stdout.as_str()), (Some(0), "deleted: 1\n"), "{answer:?}");
    assert!(answer.stderr.contains("is removed unread"), "{answer:?}");
    assert!(plugin.names("deliveries/pending").is_empty());
    plugin.are("shop", 1, "delivered");
}

#[test]
fn of_each_webhook_the_newest_that_arrived_are_kept_and_whatever_did_not() {
    let (plugin, shop, other) = (Plugin::installed(), Receiver::start(), Receiver::start());
    plugin.write_inventory(&inventory(6));
    plugin.write_config(&json!({
        "status": "enabled",
        "definition": "inventory",
        "configurations": [{ "id": "1", "descr": "one" }],
        "retention": { "deliveries_per_webhook": 2 },
    }));
    plugin.hook("shop", "generic", &shop, &["--tries", "1"]);
    plugin.hook("other", "generic", &other, &["--tries", "1"]);
    // The first is dead for one, the second for the other.
    shop.next([Reply::status(500)]);
    other.next([Reply::status(200), Reply::status(500)]);
    for number in 1..=6 {
        if number == 3 {
            plugin.run(&["webhooks", "update", "other", "--disabled"]).prints();
        }
        plugin.sold();
        plugin.settled();
    }
    let kept = |webhook: &str| {
        let mut kept: Vec<String> = plugin
            .deliveries_to(webhook)
            .iter()
            .map(|one| ["task_id", "state"].map(|key| one[key].as_str().unwrap()).join(" "))
            .collect();
        kept.sort();
        kept
    };
    assert_eq!(kept("shop"), ["1 dead", "5 delivered", "6 delivered"]);
    assert_eq!(kept("other"), ["1 delivered", "2 dead"]);
}

#[test]
fn while_the_webhooks_cannot_be_read_orders_end_and_nothing_is_lost() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    let right = std::fs::read_to_string(plugin.etc("webhooks.json")).unwrap();
    plugin.write_private("webhooks.json", "{ \"webhooks\": [");
    let id = plugin.order();
    plugin.finished(&id);
    assert!(plugin.state(&format!("active/{id}.json")).exists());
    assert_eq!(receiver.requests().len(), 0);
    plugin.write_private("webhooks.json", &right);
    receiver.wait_for(1);
    plugin.filed(&id);
    plugin.settled();
    assert_eq!(event_id(&receiver.only()), plugin.deliveries()[0]["event_id"]);
}
