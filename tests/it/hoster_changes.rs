//! What changes under orders of a hoster that are open: configuration, credentials, definition,
//! program.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{ALWAYS, Fault, Reply, Verb};
use crate::support::hoster::mode::{Listed, Mode};
use crate::support::hoster::provider::config;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// A provider whose account is told by a project as well, and whose hoster takes its token for any.
fn with_project(hoster: &Hoster) -> Plugin {
    let plugin = Plugin::with_hoster(hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", |definition| {
        definition["credentials"]["project"] = json!({ "description": "Which of the projects." });
        definition["headers"]["X-Project"] = json!("{{ credentials.project }}");
    });
    plugin.edit_etc("demo.conf", |config| config["credentials"]["project"] = json!("project-1"));
    plugin
}

/// Makes the provider ask in another account from now on.
fn change_project(plugin: &Plugin) {
    plugin.edit_etc("demo.conf", |config| config["credentials"]["project"] = json!("project-2"));
}

/// Returns in which accounts somebody tried to buy.
fn buyers(hoster: &Hoster) -> Vec<String> {
    let creates = hoster.requests_to(Verb::Create);
    creates.iter().map(|seen| seen.headers["x-project"].clone()).collect()
}

#[test]
fn nothing_is_sent_again_where_the_credentials_changed_before_the_outcome_was_known() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = with_project(&hoster);
    let settle = |seconds: f64| {
        plugin.edit_etc("fake-unique.json", |definition| {
            definition["find"]["settle_seconds"] = json!(seconds);
        });
    };
    settle(600.0);
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    let id = plugin.order();
    plugin.reaches(&id, "unknown");
    change_project(&plugin);
    settle(0.1);
    let reason = plugin.failed(&id);
    let hostname = plugin.stored(&id)["hostname"].as_str().unwrap().to_owned();
    assert!(reason.contains(&format!("look for `{hostname}`")), "{reason}");
    assert_eq!(buyers(&hoster), ["project-1"]);
}

#[test]
fn nothing_is_sent_again_where_the_credentials_changed_before_it_could_be() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = with_project(&hoster);
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(429)), ALWAYS);
    let id = plugin.order();
    wait_until("it is sent again", || hoster.requests_to(Verb::Create).len() >= 2);
    change_project(&plugin);
    let reason = plugin.failed(&id);
    let hostname = plugin.stored(&id)["hostname"].as_str().unwrap().to_owned();
    assert!(reason.contains(&format!("look for `{hostname}`")), "{reason}");
    assert!(reason.contains("credentials"), "{reason}");
    assert!(buyers(&hoster).iter().all(|buyer| buyer == "project-1"), "{:?}", buyers(&hoster));
}

#[test]
fn a_server_that_another_account_does_not_know_is_not_taken_for_gone() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = with_project(&hoster);
    let id = plugin.order();
    plugin.finished(&id);
    plugin.settled();
    change_project(&plugin);
    hoster.fault(Verb::Get, Fault::Undone(Reply::Status(404)), ALWAYS);
    hoster.change(|mode| mode.listed = Listed::AfterLists(usize::MAX));
    let told = plugin.run(&["orders", "release", &id, "--yes"]);
    assert!(told.stdout.contains("credentials were changed"), "{told:?}");
    assert_eq!(told.status, Some(1), "{told:?}");
    plugin.settled();
    let stored = plugin.stored(&id);
    assert_eq!((&stored["state"], &stored["wish"]), (&json!("finished"), &Value::Null));
    assert!(stored["reason"].to_string().contains("server 1001"), "{stored}");
    assert_eq!((hoster.requests_to(Verb::Delete).len(), hoster.alive().len()), (0, 1));
    // With the right ones it can be given back.
    hoster.behave();
    hoster.change(|mode| mode.listed = Listed::AtOnce);
    plugin.edit_etc("demo.conf", |config| config["credentials"]["project"] = json!("project-1"));
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!((hoster.requests_to(Verb::Delete).len(), hoster.alive().len()), (1, 0));
}

#[test]
fn nothing_is_bought_with_a_configuration_that_is_invalid_by_now() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = with_project(&hoster);
    hoster.shut();
    // Two: where the configuration was read for one, it is at hand for the other.
    let ids = [plugin.order(), plugin.order()];
    let project = |value: Value| {
        plugin.edit_etc("demo.conf", |config| config["credentials"]["project"] = value);
    };
    let logged = |words: &str| {
        for id in &ids {
            plugin.logged(id, words);
        }
    };
    logged("nothing was bought");
    project(json!({ "file": "gone-0" }));
    logged("gone-0");
    hoster.open();
    // Each of these is in the log after one more try.
    for name in ["gone-1", "gone-2", "gone-3"] {
        project(json!({ "file": name }));
        logged(name);
    }
    assert_eq!(hoster.requests().len(), 0);
    project(json!("project-2"));
    for id in &ids {
        plugin.finished(id);
    }
    assert_eq!(buyers(&hoster), ["project-2", "project-2"]);
}

#[test]
fn a_step_that_buys_is_not_taken_because_a_definition_has_it_elsewhere_by_now() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX / 2, ..Mode::plain() });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    let id = plugin.order();
    plugin.reaches(&id, "building");
    plugin.edit_etc("fake-plain.json", |definition| {
        let mut buy = definition["create"][0].clone();
        let request = json!({ "method": "GET", "path": "/plans" });
        let first = json!({ "name": buy["name"], "request": request });
        buy["name"] = json!("order the server");
        definition["create"] = json!([first, buy]);
    });
    plugin.logged(&id, "now stands before it");
    assert_eq!(hoster.requests_to(Verb::Create).len(), 1);
}

#[test]
fn an_order_ends_in_time_where_the_configuration_is_of_another_hoster_by_now() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX / 2, ..Mode::plain() });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    let id = plugin.order();
    plugin.reaches(&id, "building");
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 1 });
        config["base_url"] = json!(format!("{}/v2", hoster.url()));
    });
    let reason = plugin.failed(&id);
    assert!(reason.contains("base_url") && reason.contains("server 1001"), "{reason}");
}

#[test]
fn a_proxy_and_times_that_cannot_be_used_are_refused_when_the_configuration_is_read() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let cases = [
        ("proxy", json!("socks5://canary:1")),
        ("proxy", json!("http://canary@proxy name:1")),
        ("worker.poll_seconds", json!(1e19)),
        ("worker.poll_seconds", json!(-1)),
        ("limits.order_timeout_seconds", json!(1e19)),
        ("ready.timeout_seconds", json!(-0.5)),
    ];
    for (key, value) in cases {
        let mut wrong = config(&hoster, "fake-unique");
        match key.split_once('.') {
            Some((section, name)) => wrong[section] = json!({ name: value }),
            None => wrong[key] = value,
        }
        plugin.write_config(&wrong);
        for words in [&["configs"][..], &["order", "1"]] {
            let message = plugin.run(words).fails("configuration_invalid", 4);
            assert!(message.contains(key) && !message.contains("canary"), "{message}");
        }
    }
    assert_eq!(hoster.requests().len(), 0);
}

#[test]
fn what_is_wrong_with_a_secret_is_told_without_it() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let cases = [
        ("/credentials", json!("4711canary")),
        ("/credentials/token", json!(4711)),
        ("/credentials/token", json!(["4711"])),
        ("/credentials/token", json!({ "file": 4711, "x": "4711" })),
        ("/credentials/token", json!({ "4711": "file" })),
        ("/configurations/0/user_data", json!({ "4711": 1 })),
    ];
    for (place, value) in cases {
        let mut wrong = config(&hoster, "fake-unique");
        let (parent, name) = place.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[name] = value;
        plugin.write_config(&wrong);
        for words in [&["configs"][..], &["order", "1"]] {
            let message = plugin.run(words).fails("configuration_invalid", 4);
            assert!(message.contains(place.rsplit('/').next().unwrap()), "{message}");
            assert!(!message.contains("4711"), "{message}");
        }
    }
}

#[test]
fn a_preview_is_the_same_whatever_the_user_data_says() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-three-steps");
    // It may be encoded there.
    let preview = |secret: &str| {
        plugin.edit_etc("demo.conf", |config| {
            let script = format!("#!/bin/sh\necho {secret}\n");
            config["configurations"][0]["user_data"] = json!(script);
        });
        plugin.run(&["orders", "preview", "1", "--json"]).prints().to_owned()
    };
    let shown = preview("canary-1");
    assert!(shown.contains("/user_data"), "{shown}");
    assert_eq!(shown, preview("canary-2"));
}

#[test]
fn an_upgrade_in_the_middle_of_a_queue_buys_each_order_once() {
    let hoster = Hoster::start(Mode { delay: Duration::from_millis(400), ..Mode::plain() });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    plugin.edit_etc("demo.conf", |config| config["worker"]["threads"] = json!(2));
    plugin.edit_etc("fake-plain.json", |definition| {
        definition["pace"]["timeout_seconds"] = json!(60);
    });
    let new = plugin.executable().with_extension("new");
    std::fs::copy(plugin.executable(), &new).unwrap();
    let held = plugin.hold_worker_lock();
    let ids: Vec<String> = (0..12).map(|_| plugin.order()).collect();
    drop(held);
    plugin.run(&["orders", "list"]).prints();
    wait_until("some are bought", || hoster.purchases().len() >= 2);
    let worker = || std::fs::read_to_string(plugin.state("worker.lock")).unwrap();
    let old = worker();
    std::fs::rename(&new, plugin.executable()).unwrap();
    wait_until("the new program works", || worker().contains("(worker)") && worker() != old);
    assert!(hoster.purchases().len() < ids.len(), "it was too slow to tell");
    hoster.change(|mode| mode.delay = Duration::ZERO);
    for id in &ids {
        plugin.finished(id);
    }
    let names: BTreeSet<String> = hoster.purchases().into_iter().map(|one| one.name).collect();
    assert_eq!((names.len(), hoster.purchases().len()), (ids.len(), ids.len()));
}

#[test]
fn what_waits_in_a_queue_is_not_bought_after_the_program_was_removed() {
    let hoster = Hoster::start(Mode { delay: Duration::from_millis(500), ..Mode::plain() });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    plugin.edit_etc("demo.conf", |config| config["worker"]["threads"] = json!(1));
    let held = plugin.hold_worker_lock();
    let ids: Vec<String> = (0..15).map(|_| plugin.order()).collect();
    drop(held);
    let mut worker = plugin.command(&["work"]).stdout(Stdio::null()).spawn().unwrap();
    wait_until("one is bought", || !hoster.purchases().is_empty());
    std::fs::remove_file(plugin.executable()).unwrap();
    assert!(worker.wait().unwrap().success());
    let bought = hoster.purchases().len();
    assert!(bought < ids.len() / 2, "{bought} were bought");
    let waiting = ids.iter().filter(|id| plugin.stored(id)["state"] == "accepted").count();
    assert_eq!(waiting, ids.len() - bought);
}

#[test]
fn orders_of_the_inventory_and_of_a_hoster_live_side_by_side_after_a_change_of_definition() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_servers(2);
    let inventory = read(&plugin.etc("demo.conf"));
    let (first, server) = plugin.sold();
    plugin.connect(&hoster, "fake-unique");
    let (second, _) = plugin.sold();
    plugin.run(&["orders", "release", &first, "--yes"]).prints();
    assert_eq!(plugin.stored(&first)["state"], "released");
    assert_eq!(plugin.claimant(&server), first, "in quarantine");

    plugin.write_config(&inventory);
    let (third, other) = plugin.sold();
    assert_ne!(server, other);
    // The hoster cannot be asked for now, and the wish is kept.
    let told = plugin.run(&["orders", "release", &second, "--yes", "--timeout", "0"]);
    assert_eq!(told.status, Some(124), "{told:?}");
    plugin.logged(&second, "the order was placed with");
    assert_eq!((&plugin.stored(&second)["wish"], hoster.alive().len()), (&json!("release"), 1));
    plugin.connect(&hoster, "fake-unique");
    plugin.reaches(&second, "released");
    assert_eq!(hoster.alive().len(), 0);
    plugin.run(&["orders", "release", &third, "--yes"]).prints();
    plugin.settled();
}
