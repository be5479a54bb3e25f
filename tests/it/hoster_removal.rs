//! Giving servers of a hoster back: a wish is not lost, and what was bought is removed whatever else
//! goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{ALWAYS, Fault, Reply, RetryAfter, Verb};
use crate::support::hoster::mode::{Listed, Mode, Outcome};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// A hoster that builds for as long as nobody changes that, and an order that has bought.
fn building(mode: Mode, change: impl FnOnce(&mut Value)) -> (Hoster, Plugin, String) {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX / 2, ..mode });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", change);
    let id = plugin.order();
    plugin.reaches(&id, "building");
    (hoster, plugin, id)
}

/// Calls an order off and expects its server to be gone.
#[track_caller]
fn cancel(hoster: &Hoster, plugin: &Plugin, id: &str) {
    plugin.run(&["orders", "cancel", id]).prints();
    plugin.filed(id);
    assert_eq!(plugin.stored(id)["state"], "cancelled");
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0));
}

#[test]
fn a_server_that_its_hoster_does_not_show_yet_is_not_taken_for_gone() {
    let mode = Mode { absent_polls: 40, ..Mode::unique() };
    let (hoster, plugin, id) = building(mode, |definition| {
        definition["poll"]["grace_seconds"] = json!(600);
    });
    cancel(&hoster, &plugin, &id);
}

#[test]
fn a_wish_that_is_written_while_the_hoster_is_asked_is_heeded_whatever_the_answer() {
    for outcome in [Outcome::Fails, Outcome::Runs] {
        let (hoster, plugin, id) = building(Mode::unique(), |definition| {
            definition["pace"]["timeout_seconds"] = json!(60);
        });
        hoster.change(|mode| {
            *mode =
                Mode { building_polls: 0, outcome, delay: Duration::from_secs(3), ..mode.clone() };
        });
        let before = hoster.requests_to(Verb::Get).len();
        wait_until("a look is under way", || hoster.requests_to(Verb::Get).len() > before);
        let told = plugin.run(&["orders", "cancel", &id, "--timeout", "0"]);
        assert_eq!(told.status, Some(124), "{outcome:?}: {told:?}");
        hoster.change(|mode| mode.delay = Duration::ZERO);
        plugin.failed(&id);
        assert_eq!(plugin.stored(&id)["state"], "cancelled", "{outcome:?}");
        assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0), "{outcome:?}");
    }
}

#[test]
fn a_hoster_that_refuses_to_remove_a_server_is_asked_again() {
    let (hoster, plugin, id) = building(Mode::unique(), |_| ());
    hoster.fault(Verb::Delete, Fault::Undone(Reply::Status(422)), 2);
    cancel(&hoster, &plugin, &id);
    assert_eq!(hoster.requests_to(Verb::Delete).len(), 3);
}

#[test]
fn where_ids_are_used_again_a_server_is_removed_once_it_is_listed() {
    let mode = Mode { listed: Listed::AfterLists(5), reuses_ids: true, ..Mode::unique() };
    let (hoster, plugin, id) = building(mode, |definition| definition["reuses_ids"] = json!(true));
    cancel(&hoster, &plugin, &id);
    assert!(hoster.requests_to(Verb::List).len() > 5);
}

#[test]
fn where_ids_are_used_again_the_server_of_somebody_else_is_left_alone() {
    let mode = Mode { reuses_ids: true, ..Mode::unique() };
    let (hoster, plugin, id) = building(mode, |definition| definition["reuses_ids"] = json!(true));
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 1 });
    });
    plugin.failed(&id);
    // Its hoster lost ours, and gave its id away.
    hoster.change(|mode| mode.listed = Listed::AfterLists(usize::MAX));
    let told = plugin.run(&["orders", "release", &id, "--yes"]);
    assert!(told.stdout.contains("does not bear this order's name"), "{told:?}");
    assert_eq!(told.status, Some(1), "{told:?}");
    assert_eq!(plugin.stored(&id)["state"], "failed");
    assert_eq!(hoster.requests_to(Verb::Delete).len(), 0);
}

#[test]
fn what_is_left_to_do_after_a_server_is_gone_is_done() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", |definition| {
        let behind =
            json!({ "name": "behind", "request": { "method": "GET", "path": "/balance" } });
        definition["cancel"].as_array_mut().unwrap().push(behind);
    });
    let id = plugin.order();
    plugin.finished(&id);
    hoster.fault(Verb::Balance, Fault::Undone(Reply::Status(503)), 2);
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!(plugin.stored(&id)["state"], "released");
    assert_eq!(hoster.requests_to(Verb::Balance).len(), 3);
    assert_eq!((hoster.requests_to(Verb::Delete).len(), hoster.alive().len()), (1, 0));
}

#[test]
fn an_order_that_waits_for_an_hour_as_its_hoster_wants_can_be_cancelled_at_once() {
    for status in [429, 503] {
        let hoster = Hoster::start(Mode::unique());
        let plugin = Plugin::with_hoster(&hoster, "fake-unique");
        let busy = Reply::Busy(status, RetryAfter::Seconds(3600));
        hoster.fault(Verb::Create, Fault::Undone(busy), ALWAYS);
        let id = plugin.order();
        plugin.logged(&id, "nothing was bought");
        let told = plugin.run(&["orders", "cancel", &id]);
        assert!(told.prints().contains("is cancelled"), "{told:?}");
        assert_eq!((hoster.requests().len(), hoster.purchases().len()), (1, 0), "{status}");
    }
}

#[test]
fn a_wish_for_which_no_state_has_a_use_does_not_keep_a_worker_busy() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    plugin.edit(&format!("active/{id}.json"), |order| {
        order["state"] = json!("checking");
        order["wish"] = json!("release");
        order["server"] = json!("127.0.0.1");
        order["server_id"] = json!("1001");
    });
    drop(held);
    assert_eq!(plugin.finished(&id), "127.0.0.1");
    plugin.settled();
    assert_eq!(plugin.stored(&id)["wish"], Value::Null);
}

#[test]
fn an_order_whose_server_may_still_be_there_is_not_forgotten() {
    let hoster = Hoster::start(Mode { outcome: Outcome::Fails, ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let left = plugin.order();
    plugin.failed(&left);
    hoster.fault(Verb::Create, Fault::Done(Reply::Conflict), 1);
    hoster.change(|mode| mode.listed = Listed::AfterLists(usize::MAX));
    let unknown = plugin.order();
    plugin.failed(&unknown);
    let told = plugin.run(&["orders", "prune", "--days", "0", "--json"]).json();
    assert_eq!(told["pruned"], json!([]), "{told}");
    plugin.run(&["orders", "release", &left, "--yes"]).prints();
    plugin.settled();
    let told = plugin.run(&["orders", "prune", "--days", "0", "--json"]).json();
    assert_eq!(told["pruned"], json!([left]), "{told}");
    assert!(told["kept"].to_string().contains("nobody knows"), "{told}");
}

/// An order that has bought and failed, whose server its hoster agrees to remove and keeps.
fn kept(change: impl FnOnce(&mut Value)) -> (Hoster, Plugin, String) {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX / 2, ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", change);
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 1 });
    });
    let id = plugin.order();
    plugin.failed(&id);
    hoster.fault(Verb::Delete, Fault::Undone(Reply::Status(204)), 1);
    (hoster, plugin, id)
}

/// Releases a server in vain, then once more.
#[track_caller]
fn release_twice(hoster: &Hoster, plugin: &Plugin, id: &str, refusal: &str) {
    let release = ["orders", "release", id, "--yes"];
    let told = plugin.run(&release);
    assert!(told.stdout.contains(refusal), "{told:?}");
    assert_eq!((told.status, hoster.alive().len()), (Some(1), 1), "{told:?}");
    plugin.run(&release).prints();
    assert_eq!(plugin.stored(id)["state"], "released");
    assert_eq!((hoster.requests_to(Verb::Delete).len(), hoster.alive().len()), (2, 0));
}

#[test]
fn a_release_after_one_whose_action_failed_asks_the_hoster_again() {
    let (hoster, plugin, id) = kept(|definition| {
        let action = json!({
            "name": "action",
            "request": { "method": "GET", "path": "/servers/{{ server_id }}" },
            "fail_when": "{{ true }}",
            "reason": "the action ended with an error",
        });
        definition["cancel"].as_array_mut().unwrap().push(action);
    });
    release_twice(&hoster, &plugin, &id, "the action ended with an error");
}

#[test]
fn a_release_after_one_that_took_too_long_asks_the_hoster_again() {
    let (hoster, plugin, id) = kept(|_| ());
    release_twice(&hoster, &plugin, &id, "agreed to remove server");
}

/// Releases a server that its hoster does not remove, ever.
#[track_caller]
fn release_in_vain(plugin: &Plugin, id: &str, refusal: &str) {
    let told = plugin.run(&["orders", "release", id, "--yes"]);
    assert!(told.stdout.contains(refusal), "{told:?}");
    assert_eq!(told.status, Some(1), "{told:?}");
    plugin.settled();
    let order = plugin.stored(id);
    assert_eq!((&order["state"], &order["wish"]), (&json!("failed"), &Value::Null), "{order}");
    let server = order["server_id"].as_str().expect("an id");
    assert!(order["reason"].as_str().expect("a reason").contains(server), "{order}");
}

#[test]
fn a_removal_before_which_the_hoster_never_comes_to_rest_is_given_up() {
    let (hoster, plugin, id) = kept(|definition| {
        let rest = json!({
            "name": "rest",
            "request": { "method": "GET", "path": "/servers/{{ server_id }}" },
            "wait_until": "{{ reply.server.status == 'resting' }}",
        });
        definition["cancel"].as_array_mut().unwrap().insert(0, rest);
    });
    release_in_vain(&plugin, &id, "does not come to the end of removing server");
    assert_eq!((hoster.requests_to(Verb::Delete).len(), hoster.alive().len()), (0, 1));
}

#[test]
fn a_server_that_the_request_to_remove_it_does_not_find_and_that_is_there_is_kept() {
    let (hoster, plugin, id) = kept(|_| ());
    hoster.behave();
    hoster.fault(Verb::Delete, Fault::Undone(Reply::Status(404)), ALWAYS);
    release_in_vain(&plugin, &id, "was asked to remove server");
    assert_eq!(hoster.alive().len(), 1);
    hoster.behave();
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!((plugin.stored(&id)["state"].clone(), hoster.alive().len()), (json!("released"), 0));
}

#[test]
fn a_removal_whose_last_step_never_ends_is_given_up_though_the_server_is_gone() {
    let (hoster, plugin, id) = kept(|definition| {
        let task = json!({
            "name": "task",
            "request": { "method": "GET", "path": "/balance" },
            "wait_until": "{{ false }}",
        });
        definition["cancel"].as_array_mut().unwrap().push(task);
    });
    hoster.behave();
    release_in_vain(&plugin, &id, "does not come to the end of removing server");
    assert_eq!(hoster.alive().len(), 0);
}

#[test]
fn trouble_of_before_does_not_end_a_later_wish() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX / 2, ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 2 });
    });
    let id = plugin.order();
    plugin.reaches(&id, "building");
    hoster.fault(Verb::Get, Fault::Undone(Reply::Status(503)), ALWAYS);
    plugin.failed(&id);
    plugin.filed(&id);
    assert!(plugin.stored(&id)["purchase"]["troubled_since"].is_string());
    hoster.behave();
    hoster.fault(Verb::Get, Fault::Undone(Reply::Status(503)), 1);
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!(plugin.stored(&id)["state"], "released");
}
