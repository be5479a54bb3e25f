//! Providers with webhooks.

use serde_json::Value;

use super::hoster::Hoster;
use super::hoster::mode::Mode;
use super::hoster::request::Seen;
use super::plugin::Plugin;
use super::receiver::{Receiver, Reply};
use super::wait_until;

/// Flags of a webhook that is done with a receiver soon.
pub(crate) const SOON: [&str; 4] = ["--schedule", "0,0.05", "--timeout-seconds", "0.5"];

/// A secret that deliveries of the tests are signed with.
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

impl Plugin {
    /// Creates a webhook.
    #[track_caller]
    pub(crate) fn hook(&self, name: &str, kind: &str, to: &Receiver, more: &[&str]) {
        let url = to.url();
        let words = ["webhooks", "create", "--name", name, "--kind", kind, "--url", &url];
        self.run(&[&words[..], more].concat()).prints();
    }

    /// Writes a file that nobody else may read; returns its path.
    pub(crate) fn private(&self, name: &str, text: &str) -> String {
        self.write_private(name, text);
        self.etc(name).display().to_string()
    }

    /// Returns all deliveries, the newest first.
    #[track_caller]
    pub(crate) fn deliveries(&self) -> Vec<Value> {
        let document = self.run(&["deliveries", "list", "--json"]).json();
        document["deliveries"].as_array().expect("a list").clone()
    }

    /// Returns the deliveries to a webhook, the newest first.
    #[track_caller]
    pub(crate) fn deliveries_to(&self, webhook: &str) -> Vec<Value> {
        self.deliveries().into_iter().filter(|delivery| delivery["webhook"] == webhook).collect()
    }

    /// Waits until there are so many deliveries to a webhook, and all of them in that state;
    /// returns them, the newest first.
    #[track_caller]
    pub(crate) fn are(&self, webhook: &str, number: usize, state: &str) -> Vec<Value> {
        let mut found = Vec::new();
        wait_until(&format!("{number} {state} to {webhook}"), || {
            found = self.deliveries_to(webhook);
            found.len() == number && found.iter().all(|delivery| delivery["state"] == state)
        });
        found
    }

    /// Waits until the one delivery to a webhook has been tried so often; returns it.
    #[track_caller]
    pub(crate) fn tried(&self, webhook: &str, times: usize) -> Value {
        let mut last = Value::Null;
        wait_until(&format!("{times} attempts for {webhook}"), || {
            let mut found = self.deliveries_to(webhook);
            assert!(found.len() <= 1, "{found:?}");
            last = found.pop().unwrap_or_default();
            attempts(&last).len() >= times
        });
        last
    }
}

/// Returns a delivery's attempts.
pub(crate) fn attempts(delivery: &Value) -> &[Value] {
    delivery["attempts"].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the id of the event that a request of the kind `generic` is about.
pub(crate) fn event_id(seen: &Seen) -> String {
    seen.json()["data"]["webhook"]["id"].as_str().expect("an id").to_owned()
}

/// Returns how long an attempt took.
pub(crate) fn milliseconds(attempt: &Value) -> u64 {
    attempt["milliseconds"].as_u64().expect("a number")
}

/// Sends an event to a receiver that does so with every request; returns what became of it.
#[track_caller]
pub(crate) fn sent_to(kind: &str, more: &[&str], reply: &Reply) -> (Receiver, Value) {
    let plugin = Plugin::with_servers(1);
    let always = reply.clone();
    let receiver = Receiver::answering(move |_| always.clone());
    plugin.hook("hook", kind, &receiver, &[&SOON[..], more].concat());
    plugin.order();
    let mut last = Value::Null;
    wait_until("the delivery has ended", || {
        last = plugin.deliveries_to("hook").pop().unwrap_or_default();
        last["state"] == "delivered" || last["state"] == "dead"
    });
    plugin.settled();
    (receiver, last)
}

/// Returns a provider with a finished order of a hoster, and that order's number: webhook `billing`
/// was told of it at the second attempt.
pub(crate) fn told_at_the_second_attempt() -> (Plugin, String) {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let receiver = Receiver::start();
    receiver.next([Reply::status(503)]);
    plugin.hook("billing", "generic", &receiver, &SOON);
    let id = plugin.order();
    plugin.finished(&id);
    plugin.are("billing", 1, "delivered");
    plugin.settled();
    (plugin, id)
}
