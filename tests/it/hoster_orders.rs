//! Orders of a hoster: from the request that buys to the server that is handed over.

use std::process::Command;

use serde_json::json;

use crate::support::hoster::fault::{Fault, Reply, Verb};
use crate::support::hoster::mode::{Listed, Mode, Outcome};
use crate::support::hoster::provider::{DEFINITIONS, config};
use crate::support::hoster::{Hoster, TOKEN};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

#[test]
fn an_order_buys_one_server_and_hands_it_over_with_every_kind_of_definition() {
    for definition in DEFINITIONS {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let id = plugin.order();
        assert_eq!(plugin.finished(&id), "127.0.0.1", "{definition}");
        let purchases = hoster.purchases();
        assert_eq!(purchases.len(), 1, "{definition}: {purchases:?}");
        let stored = plugin.stored(&id);
        assert_eq!(stored["hostname"], purchases[0].name.as_str(), "{definition}");
        assert_eq!(stored["server_id"], purchases[0].id.to_string(), "{definition}");
        let answered = plugin.status(&id)["server_password"].clone();
        assert_eq!(answered, stored["password"], "{definition}");
        let password = answered.as_str().expect("a password");
        let set = purchases[0].password.as_deref() == Some(password)
            || purchases[0].user_data.as_ref().is_some_and(|text| text.contains(password));
        assert!(set, "{definition}: the server has another password: {purchases:?}");
    }
}

#[test]
fn a_rejected_order_fails_with_the_hosters_reason() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(422)), 1);
    let reason = plugin.failed(&plugin.order());
    assert!(!reason.contains("look for"), "{reason}");
    assert_eq!(hoster.purchases().len(), 0);
}

#[test]
fn a_server_that_its_hoster_cannot_build_fails_the_order_and_is_named() {
    let hoster = Hoster::start(Mode { outcome: Outcome::Fails, ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let id = plugin.order();
    let reason = plugin.failed(&id);
    let purchase = &hoster.purchases()[0];
    assert!(reason.contains(&format!("server {}", purchase.id)), "{reason}");
    assert!(reason.contains(&purchase.name), "{reason}");
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!(hoster.alive().len(), 0);
}

#[test]
fn a_busy_hoster_is_asked_again_and_sells_one_server() {
    for status in [429, 503] {
        use crate::support::hoster::fault::RetryAfter;
        let hoster = Hoster::start(Mode::plain());
        let plugin = Plugin::with_hoster(&hoster, "fake-plain");
        hoster.fault(Verb::Create, Fault::Undone(Reply::Busy(status, RetryAfter::Seconds(1))), 2);
        plugin.finished(&plugin.order());
        assert_eq!(hoster.purchases().len(), 1);
    }
}

#[test]
fn a_hoster_that_cannot_be_reached_is_waited_for() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    hoster.shut();
    let id = plugin.order();
    wait_until("the worker has tried", || {
        let told = plugin.run(&["orders", "show", &id, "--json"]).json();
        !told["log"].as_array().unwrap().is_empty()
    });
    hoster.open();
    plugin.finished(&id);
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn a_lost_reply_is_looked_for_and_the_server_adopted() {
    for definition in ["fake-unique", "fake-plain"] {
        let hoster = Hoster::start(Mode { listed: Listed::AfterLists(2), ..Mode::of(definition) });
        let plugin = Plugin::with_hoster(&hoster, definition);
        hoster.fault(Verb::Create, Fault::Done(Reply::BrokenJson), 1);
        plugin.finished(&plugin.order());
        assert_eq!(hoster.purchases().len(), 1, "{definition}");
    }
}

#[test]
fn where_nothing_can_be_decided_the_order_says_what_to_look_for() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    let id = plugin.order();
    let reason = plugin.failed(&id);
    let hostname = plugin.stored(&id)["hostname"].as_str().expect("a name").to_owned();
    assert!(reason.contains(&format!("look for `{hostname}`")), "{reason}");
    assert_eq!(hoster.purchases().len(), 0);
    let refused = plugin.run(&["orders", "retry", &id]);
    assert!(refused.complains(2).contains(&hostname), "{refused:?}");
}

#[test]
fn where_a_name_is_unique_an_unknown_attempt_is_repeated() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 2);
    plugin.finished(&plugin.order());
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn several_servers_of_one_name_stop_the_order() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    hoster.fault(Verb::Create, Fault::Done(Reply::Status(500)), 1);
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    let hostname = plugin.stored(&id)["hostname"].as_str().expect("a name").to_owned();
    hoster.plant(&hostname);
    drop(held);
    let reason = plugin.failed(&id);
    assert!(reason.contains("2 servers"), "{reason}");
}

#[test]
fn a_deadline_that_passes_ends_the_order_and_names_the_server() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let mut limited = config(&hoster, "fake-unique");
    limited["limits"] = json!({ "order_timeout_seconds": 1 });
    plugin.write_config(&limited);
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("not finished within 1 s"), "{reason}");
    assert!(reason.contains(&format!("server {}", hoster.purchases()[0].id)), "{reason}");
}

#[test]
fn an_order_is_not_taken_elsewhere_when_the_configuration_changes() {
    let (first, second) = (Hoster::start(Mode::plain()), Hoster::start(Mode::plain()));
    let plugin = Plugin::with_hoster(&first, "fake-plain");
    first.change(|mode| mode.building_polls = usize::MAX);
    let id = plugin.order();
    wait_until("the server is bought", || first.purchases().len() == 1);
    plugin.connect(&second, "fake-plain");
    wait_until("the change is noticed", || {
        plugin.run(&["orders", "show", &id]).prints().contains("the order was placed with")
    });
    assert_eq!(second.requests().len(), 0);
    plugin.connect(&first, "fake-plain");
    first.change(|mode| mode.building_polls = 0);
    plugin.finished(&id);
    assert_eq!((first.purchases().len(), second.purchases().len()), (1, 0));
}

#[test]
fn a_retry_is_a_new_order_that_names_the_old_one() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(422)), 1);
    let old = plugin.order();
    plugin.failed(&old);
    // Nobody would learn the new number: nothing is ordered.
    let closed = Command::new("/bin/sh")
        .args(["-c", "exec \"$0\" orders retry \"$1\" >&-"])
        .args([plugin.executable().as_os_str(), old.as_ref()])
        .output()
        .unwrap();
    assert_eq!(closed.status.code(), Some(2), "{closed:?}");
    let told = plugin.run(&["orders", "retry", &old, "--json"]);
    let new = told.json()["task_id"].as_str().expect("a number").to_owned();
    assert_ne!(old, new);
    plugin.finished(&new);
    assert_eq!(plugin.stored(&new)["retry_of"], old.as_str());
    let again = plugin.run(&["orders", "retry", &old, "--json"]).json();
    assert_eq!(again["task_id"], new.as_str());
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn a_word_of_the_hoster_is_understood_although_it_is_a_secret_too() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.write_private("other.token", "running");
    plugin.edit_etc("fake-unique.json", |definition| {
        definition["credentials"]["other"] = json!({ "description": "Another one." });
    });
    plugin.edit_etc("demo.conf", |config| {
        config["credentials"]["other"] = json!({ "file": "other.token" });
    });
    plugin.finished(&plugin.order());
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_before_anything_is_ordered() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let right = config(&hoster, "fake-unique");
    let cases = [
        ("/configurations/0/parameters/plam", json!("x"), "did you mean `plan`"),
        ("/configurations/0/parameters/plan", json!(5), "5 is no text"),
        ("/credentials/tokem", json!("canary"), "did you mean `token`"),
        ("/credentials/token", json!({"file": "gone"}), "gone"),
        ("/base_url", json!("ftp://canary"), "base_url"),
        ("/access", json!("key"), "ansible.cfg"),
    ];
    for (place, value, told) in cases {
        let mut wrong = right.clone();
        let (parent, name) = place.rsplit_once('/').expect("a place");
        wrong.pointer_mut(parent).expect("it is there")[name] = value;
        plugin.write_config(&wrong);
        for words in [&["configs"][..], &["order", "1"]] {
            let message = plugin.run(words).fails("configuration_invalid", 4);
            assert!(message.contains(told), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }
    assert_eq!(hoster.requests().len(), 0);
}

#[test]
fn a_preview_shows_the_requests_and_sends_none() {
    for definition in DEFINITIONS {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let shown = plugin.run(&["orders", "preview", "1", "--json"]);
        let text = shown.json().to_string();
        assert!(text.contains(&hoster.url()) && text.contains("HIDDEN"), "{text}");
        assert!(!text.contains(TOKEN), "{text}");
        plugin.run(&["orders", "preview", "1"]).prints();
        assert_eq!(hoster.requests().len(), 0, "{definition}");
    }
}

#[test]
fn the_catalogue_is_a_list_of_configurations() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let offer = plugin.run(&["catalog", "--json", "--set", "image=debian-13"]).json();
    let configurations = offer["configurations"].as_array().expect("a list");
    assert!(!configurations.is_empty(), "{offer}");
    let mut sold = config(&hoster, "fake-unique");
    sold["configurations"] = configurations
        .iter()
        .map(|one| json!({ "id": one["id"], "descr": one["descr"], "parameters": one["parameters"] }))
        .collect();
    plugin.write_config(&sold);
    plugin.run(&["configs"]).succeeds();
    assert_eq!(configurations[0]["parameters"]["image"], "debian-13");
    assert!(plugin.run(&["catalog"]).prints().contains("PLAN"));
}

#[test]
fn check_tries_the_account() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let told = plugin.run(&["check"]).stdout;
    assert!(told.contains("takes the credentials"), "{told}");
    assert!(told.contains("balance"), "{told}");
    plugin.write_private("hoster.token", "wrong");
    let told = plugin.run(&["check"]);
    assert!(told.stdout.contains("refused") && told.status == Some(1), "{told:?}");
    hoster.shut();
    let told = plugin.run(&["check"]);
    assert!(told.stdout.contains("cannot be asked") && told.status == Some(1), "{told:?}");
}
