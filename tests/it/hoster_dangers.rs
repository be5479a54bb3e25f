//! Where a second server could be bought, or one that is paid for forgotten: none is.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hand::LONG_AGO;
use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{Fault, Reply, Verb};
use crate::support::hoster::mode::{Listed, Mode};
use crate::support::hoster::request::Seen;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// More than a file of an order has that holds nothing of a large reply, in bytes.
const LARGE: u64 = 16 * 1024;

/// A provider by the changed definition `fake-unique`.
fn changed(hoster: &Hoster, change: impl FnOnce(&mut Value)) -> Plugin {
    let plugin = Plugin::with_hoster(hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", change);
    plugin
}

/// A step that lists all servers.
fn list_step(save: &Value) -> Value {
    let request = json!({ "method": "GET", "path": "/servers" });
    json!({ "name": "list", "request": request, "save": save })
}

#[test]
fn an_attempt_that_is_repeated_keeps_what_the_steps_before_it_chose() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = changed(&hoster, |definition| {
        let choose = list_step(&json!({ "number": "{{ reply.servers | length }}" }));
        definition["create"].as_array_mut().unwrap().insert(0, choose);
        definition["create"][1]["request"]["json"]["number"] = json!("{{ saved.number }}");
        definition["find"]["settle_seconds"] = json!(600);
    });
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    let id = plugin.order();
    plugin.reaches(&id, "unknown");
    // Another look would choose another number.
    hoster.plant("somebody");
    plugin.edit_etc("fake-unique.json", |definition| {
        definition["find"]["settle_seconds"] = json!(0.1);
    });
    plugin.finished(&id);
    let sent: Vec<Value> = hoster.requests_to(Verb::Create).iter().map(Seen::json).collect();
    assert_eq!((sent.len(), &sent[0]["number"]), (2, &json!(0)), "{sent:?}");
    assert_eq!(sent[0], sent[1]);
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn where_a_name_is_taken_and_no_server_found_nothing_is_sent_again_by_anybody() {
    let hoster = Hoster::start(Mode { listed: Listed::AfterLists(usize::MAX), ..Mode::unique() });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    hoster.fault(Verb::Create, Fault::Done(Reply::Conflict), 1);
    let id = plugin.order();
    let reason = plugin.failed(&id);
    let hostname = hoster.purchases()[0].name.clone();
    assert!(reason.contains(&format!("look for `{hostname}`")), "{reason}");
    let told = plugin.run(&["orders", "retry", &id]);
    assert!(told.complains(2).contains(&hostname), "{told:?}");
    assert_eq!(hoster.requests_to(Verb::Create).len(), 1);
}

#[test]
fn single_passes_come_to_an_end_with_an_unknown_outcome() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    drop(held);
    wait_until("a pass decides", || {
        plugin.run(&["work", "--once"]).prints();
        plugin.stored(&id)["state"] == "failed"
    });
    let reason = plugin.stored(&id)["reason"].to_string();
    assert!(reason.contains("look for"), "{reason}");
    assert_eq!(hoster.requests_to(Verb::Create).len(), 1);
}

#[test]
fn an_order_that_is_late_when_a_worker_finds_it_is_looked_at_before_it_fails() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    drop(held);
    hoster.change(|mode| mode.building_polls = usize::MAX / 2);
    plugin.run(&["work", "--once"]).prints();
    assert_eq!(plugin.stored(&id)["state"], "building");
    plugin.edit(&format!("active/{id}.json"), |order| order["created_at"] = json!(LONG_AGO));
    hoster.change(|mode| mode.building_polls = 0);
    hoster.fault(Verb::Get, Fault::Undone(Reply::Status(503)), 2);
    plugin.finished(&id);
    assert_eq!(hoster.alive().len(), 1);
}

#[test]
fn an_outcome_is_not_lost_while_it_cannot_be_written_down() {
    let mode = Mode { delay: Duration::from_secs(1), ..Mode::plain() };
    let hoster = Hoster::start(Mode { listed: Listed::AfterLists(usize::MAX), ..mode });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    plugin.edit_etc("fake-plain.json", |definition| {
        definition["pace"]["timeout_seconds"] = json!(60);
    });
    let id = plugin.order();
    wait_until("the server is bought", || hoster.purchases().len() == 1);
    // Before the reply is there, files can no longer be replaced.
    let (folder, away) = (plugin.state("tmp"), plugin.holder().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    let log = plugin.state("log/provider.log");
    wait_until("the outcome cannot be kept", || {
        std::fs::read_to_string(&log).unwrap().contains("left alone for now")
    });
    hoster.change(|mode| mode.delay = Duration::ZERO);
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    plugin.finished(&id);
    // Nobody had to look for it.
    assert_eq!(hoster.requests_to(Verb::List).len(), 0);
    assert_eq!(hoster.requests_to(Verb::Create).len(), 1);
}

#[test]
fn a_root_password_is_reset_once_however_long_the_rest_of_the_recovery_takes() {
    let hoster = Hoster::start(Mode::login());
    let plugin = Plugin::with_hoster(&hoster, "fake-login");
    let wait_until_it_is = |answer: &str| {
        let answer = answer.to_owned();
        move |definition: &mut Value| {
            let request = json!({ "method": "GET", "path": "/servers/{{ server_id }}" });
            definition["recover"][1] =
                json!({ "name": "wait", "request": request, "wait_until": answer });
        }
    };
    plugin.edit_etc("fake-login.json", |definition| {
        definition["recover"].as_array_mut().unwrap().push(Value::Null);
        wait_until_it_is("{{ false }}")(definition);
    });
    hoster.fault(Verb::Create, Fault::Done(Reply::BrokenJson), 1);
    let id = plugin.order();
    wait_until("it was waited for", || hoster.requests_to(Verb::Get).len() >= 12);
    plugin.edit_etc("fake-login.json", wait_until_it_is("{{ true }}"));
    plugin.finished(&id);
    assert_eq!(hoster.requests_to(Verb::Recover).len(), 1);
    assert_eq!(plugin.stored(&id)["password"], json!(hoster.purchases()[0].password));
}

#[test]
fn what_is_retried_again_and_again_buys_once_and_each_order_names_the_one_before() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(422)), 3);
    let retry = |id: &str| {
        let told = plugin.run(&["orders", "retry", id, "--json"]).json();
        told["task_id"].as_str().expect("a number").to_owned()
    };
    let mut chain = vec![plugin.order()];
    for _ in 0..3 {
        let last = chain.last().expect("one");
        plugin.failed(last);
        let next = retry(last);
        assert_eq!(plugin.stored(&next)["retry_of"], last.as_str());
        chain.push(next);
    }
    plugin.finished(&chain[3]);
    for (old, new) in chain.iter().zip(&chain[1..]) {
        assert_eq!(retry(old), *new, "each has one in its place");
    }
    let told = plugin.run(&["orders", "retry", &chain[3]]);
    assert!(told.complains(2).contains("finished"), "{told:?}");
    assert_eq!((hoster.requests_to(Verb::Create).len(), hoster.purchases().len()), (4, 1));
}

/// Checks that nothing of a large reply is kept.
#[track_caller]
fn assert_small(plugin: &Plugin) {
    for file in plugin.files() {
        let length = std::fs::metadata(plugin.state(&file)).map_or(0, |metadata| metadata.len());
        assert!(length < LARGE, "{file} has {length} bytes");
    }
}

/// A hoster whose list of servers has 2 MB.
fn talkative() -> Hoster {
    let hoster = Hoster::start(Mode::unique());
    hoster.plant(&"x".repeat(2 << 20));
    hoster
}

#[test]
fn an_order_stays_small_however_much_its_hoster_says() {
    let hoster = talkative();
    let plugin = changed(&hoster, |definition| {
        let count = list_step(&json!({ "number": "{{ reply.servers | length }}" }));
        definition["create"].as_array_mut().unwrap().insert(0, count);
    });
    plugin.finished(&plugin.order());
    plugin.settled();
    plugin.edit_etc("fake-unique.json", |definition| {
        definition["create"][0]["fail_when"] = json!("{{ true }}");
        definition["create"][0]["reason"] = json!("{{ reply.servers[0].name }}");
    });
    let reason = plugin.failed(&plugin.order());
    assert!(reason.starts_with("xxx") && reason.len() < 1000, "{}", reason.len());
    assert_small(&plugin);
}

#[test]
fn what_is_too_large_to_be_saved_is_not_saved_and_nothing_is_bought_with_it() {
    let hoster = talkative();
    let plugin = changed(&hoster, |definition| {
        let save = list_step(&json!({ "number": "{{ reply.servers[0].name }}" }));
        definition["create"].as_array_mut().unwrap().insert(0, save);
    });
    let id = plugin.order();
    plugin.logged(&id, "more than 4096 bytes");
    plugin.run(&["orders", "cancel", &id]).prints();
    assert_eq!(hoster.purchases().len(), 0);
    assert_small(&plugin);
}

#[test]
fn what_a_look_at_a_server_shows_may_be_larger_than_what_an_order_keeps() {
    let hoster = Hoster::start(Mode::unique());
    hoster.plant(&"x".repeat(20_000));
    let plugin = changed(&hoster, |definition| {
        let look = list_step(&json!({ "all": "{{ reply.servers }}" }));
        definition["poll"]["steps"].as_array_mut().unwrap().insert(0, look);
    });
    plugin.finished(&plugin.order());
    plugin.settled();
    assert_small(&plugin);
}

#[test]
fn no_id_of_a_server_is_as_large_as_a_reply() {
    let hoster = talkative();
    let plugin = changed(&hoster, |definition| {
        let list = definition["find"]["list"].as_object_mut().unwrap();
        list.insert("request".to_owned(), json!({ "method": "GET", "path": "/servers" }));
        list.remove("paging");
        definition["find"]["match"] = json!("{{ true }}");
        definition["find"]["id"] = json!("{{ item.name }}");
    });
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(500)), 1);
    let id = plugin.order();
    plugin.logged(&id, "/find/id: the reply has more than 4096 bytes there");
    assert_eq!(plugin.stored(&id)["state"], "unknown");
    assert_small(&plugin);
}

#[test]
fn no_root_password_is_as_large_as_a_reply() {
    let hoster = talkative();
    let plugin = changed(&hoster, |definition| {
        definition["password"] = json!("reply");
        let poll = &mut definition["poll"];
        poll["steps"][0]["save"] = json!({ "state": "{{ reply.server.status }}",
            "ip": "{{ reply.server.ip }}" });
        poll["steps"].as_array_mut().unwrap().push(list_step(&json!({})));
        poll["state"] = json!("{{ saved.state }}");
        poll["public"] = json!("{{ saved.ip }}");
        poll["password"] = json!("{{ reply.servers[0].name }}");
        poll.as_object_mut().unwrap().remove("private");
        poll.as_object_mut().unwrap().remove("reason");
        let create = definition["create"][0]["request"]["json"].as_object_mut().unwrap();
        create.remove("password");
    });
    let id = plugin.order();
    plugin.logged(&id, "the hoster has not told the root password yet");
    assert_small(&plugin);
    // Nor does it keep the server from being removed.
    plugin.run(&["orders", "cancel", &id]).prints();
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0));
}
