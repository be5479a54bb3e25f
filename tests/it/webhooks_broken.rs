//! What is wrong with webhooks, with their files or with the folders of deliveries keeps no order
//! waiting, and costs no event.

use std::process::Command;

use serde_json::json;

use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::OWNER;
use crate::support::{is_root, skip};

#[test]
fn an_order_of_a_hoster_goes_on_while_the_webhooks_cannot_be_read() {
    let (hoster, receiver) = (Hoster::start(Mode::unique()), Receiver::start());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.hook("shop", "generic", &receiver, &[]);
    let right = std::fs::read_to_string(plugin.etc("webhooks.json")).unwrap();
    plugin.write_private("webhooks.json", "{ \"webhooks\": [");
    let id = plugin.order();
    plugin.finished(&id);
    assert!(plugin.state(&format!("active/{id}.json")).exists());
    plugin.write_private("webhooks.json", &right);
    assert_eq!(receiver.only().json()["type"], "order.finished");
    plugin.settled();
}

#[test]
fn a_damaged_file_that_says_how_a_webhook_fares_stops_no_order_and_no_other_webhook() {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    plugin.hook("broken", "generic", &receiver, &[]);
    plugin.hook("shop", "generic", &receiver, &[]);
    let first = plugin.order();
    plugin.finished(&first);
    plugin.settled();
    assert_eq!(receiver.requests().len(), 2);
    std::fs::write(plugin.state("webhooks/broken.json"), "{").unwrap();
    let second = plugin.order();
    plugin.finished(&second);
    plugin.settled();
    assert_eq!(receiver.requests().len(), 3);
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    assert!(log.contains("nothing is sent to webhook broken for now"), "{log}");
    assert!(!log.contains("the worker ends"), "{log}");
    plugin.run(&["webhooks", "update", "broken", "--enabled"]).prints();
    receiver.wait_for(4);
    plugin.settled();
}

#[test]
fn folders_removed_with_the_history_are_made_again() {
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::start();
    receiver.next([Reply::Held(Response::empty(200))]);
    plugin.hook("shop", "generic", &receiver, &[]);
    let id = plugin.order();
    receiver.wait_for(1);
    for folder in ["done", "tmp"] {
        std::fs::remove_dir(plugin.state(&format!("deliveries/{folder}"))).unwrap();
    }
    receiver.release();
    plugin.filed(&id);
    plugin.settled();
    assert_eq!(plugin.are("shop", 1, "delivered").len(), 1);
    receiver.only();
}

#[test]
fn a_webhook_is_told_of_what_happens_right_after_it_was_made() {
    let (plugin, slow, receiver) = (Plugin::with_servers(2), Receiver::start(), Receiver::start());
    slow.next([Reply::Held(Response::empty(200))]);
    plugin.hook("slow", "generic", &slow, &[]);
    plugin.order();
    // From here on the worker lives, and has just read the webhooks.
    slow.wait_for(1);
    plugin.hook("new", "generic", &receiver, &[]);
    let id = plugin.order();
    plugin.filed(&id);
    assert_eq!(receiver.only().json()["data"]["order"]["id"], json!(id));
    slow.release();
    plugin.settled();
}

#[test]
fn a_living_worker_sends_what_was_held_when_the_file_is_edited() {
    let (plugin, slow, receiver) = (Plugin::with_servers(1), Receiver::start(), Receiver::start());
    slow.next([Reply::Held(Response::empty(200))]);
    receiver.next([Reply::Held(Response::empty(500))]);
    plugin.hook("slow", "generic", &slow, &[]);
    plugin.hook("held", "generic", &receiver, &["--schedule", "0,0.05"]);
    plugin.order();
    slow.wait_for(1);
    receiver.wait_for(1);
    let enabled = std::fs::read_to_string(plugin.etc("webhooks.json")).unwrap();
    plugin.run(&["webhooks", "update", "held", "--disabled"]).prints();
    receiver.release();
    plugin.tried("held", 1);
    plugin.write_private("webhooks.json", &enabled);
    receiver.wait_for(2);
    slow.release();
    plugin.settled();
    plugin.are("held", 1, "delivered");
}

#[test]
fn a_pass_ends_although_a_delivery_cannot_be_read() {
    if !is_root() {
        return skip("only root gives files away");
    }
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    receiver.next([Reply::status(503)]);
    plugin.hook("shop", "generic", &receiver, &["--schedule", "0,3600"]);
    plugin.order();
    plugin.tried("shop", 1);
    plugin.run(&["webhooks", "update", "shop", "--disabled"]).prints();
    plugin.settled();
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program}");
    };
    let pending = format!("deliveries/pending/{}", plugin.names("deliveries/pending")[0]);
    run("chmod", &["755", plugin.root().to_str().unwrap()]);
    run("chown", &["-R", &OWNER.to_string(), plugin.holder().to_str().unwrap()]);
    // As whoever lays a backup back by hand leaves it.
    run("chown", &["root", plugin.state(&pending).to_str().unwrap()]);
    run("timeout", &["20", plugin.executable().to_str().unwrap(), "work", "--once"]);
    run("chown", &[&OWNER.to_string(), plugin.state(&pending).to_str().unwrap()]);
    plugin.run(&["webhooks", "update", "shop", "--enabled"]).prints();
    receiver.wait_for(2);
    plugin.settled();
}

#[test]
fn a_pass_ends_although_what_has_arrived_cannot_be_filed() {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &[]);
    plugin.sold();
    plugin.settled();
    let file = plugin.names("deliveries/done").remove(0);
    let [pending, done] =
        ["pending", "done"].map(|shelf| plugin.state(&format!("deliveries/{shelf}/{file}")));
    std::fs::rename(&done, &pending).unwrap();
    std::fs::create_dir(&done).unwrap();
    let mut pass = Command::new("timeout");
    pass.arg("20").arg(plugin.executable()).args(["work", "--once"]);
    assert!(pass.status().unwrap().success());
    std::fs::remove_dir(&done).unwrap();
    plugin.run(&["work", "--once"]).prints();
    assert!(done.is_file() && !pending.exists());
    assert_eq!(receiver.requests().len(), 1);
}
