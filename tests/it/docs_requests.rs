//! The page of the kinds of webhooks: its example requests are what is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::guide;
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::page::at_root;
use crate::support::plugin::Plugin;
use crate::support::service::Service;

/// The kinds of which the page has an example request.
const KINDS: [&str; 5] = ["generic", "cloudstack", "solusvm2", "azure-pipelines", "gitlab-ci"];

/// Headers that are others at each attempt, or at another host.
const VARYING: [&str; 3] = ["host", "webhook-timestamp", "webhook-signature"];

/// A request as the page has it.
#[derive(Debug)]
struct Example {
    /// The webhook's name.
    name: String,
    /// The command that creates it.
    command: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Example {
    /// Reads the example of a kind.
    fn of(page: &str, kind: &str) -> Self {
        let (_, rest) = page.split_once(&format!("\n## {kind}\n")).expect("it has a section");
        let section = rest.split("\n## ").next().unwrap_or_default();
        let command = guide::commands(section).remove(0);
        let (_, name) = command.split_once(" --name ").expect("it has a name");
        let name = name.split(' ').next().unwrap_or_default().to_owned();
        let (_, text) = section.split_once("```http\n").expect("it has a request");
        let (request, after) = text.split_once("\n```").expect("it has an end");
        // What is one line on the wire.
        let request = request.replace("\n  ", "");
        let (head, mut body) = request.split_once("\n\n").unwrap_or((&request, ""));
        if body.is_empty()
            && let Some((_, rest)) = after.split_once("```json\n")
        {
            body = rest.split("\n```").next().unwrap_or_default();
        }
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let path = first.strip_prefix("POST ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        let headers = lines.map(|line| line.split_once(": ").expect("a header has a value"));
        Self {
            name,
            path: path.expect("it is a POST").to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
            command,
        }
    }

    /// Compares it with what was sent.
    fn assert_sent(&self, seen: &Seen) {
        assert_eq!((seen.method.as_str(), &seen.path), ("POST", &self.path));
        let names = |headers: &BTreeMap<String, String>| -> Vec<String> {
            headers.keys().cloned().collect()
        };
        assert_eq!(names(&seen.headers), names(&self.headers), "{}", self.name);
        for (name, value) in &self.headers {
            if !VARYING.contains(&name.as_str()) {
                assert_eq!((name, &seen.headers[name]), (name, value), "{}", self.name);
            }
        }
        let sent = String::from_utf8(seen.body.clone()).unwrap();
        if sent != self.body {
            // One that is laid out for readers.
            let shown: Value = serde_json::from_str(&self.body).unwrap_or_default();
            assert_eq!(sent, shown.to_string(), "{}", self.name);
        }
    }
}

/// Returns the event of which the examples are.
fn event() -> Value {
    let page = std::fs::read_to_string(at_root("docs/webhooks.md")).unwrap();
    let (_, rest) = page.split_once("<!-- schema: event -->\n```json\n").unwrap();
    serde_json::from_str(rest.split("\n```").next().unwrap()).unwrap()
}

/// Puts a delivery of the event before the worker.
fn deliver(plugin: &Plugin, webhook: &str, event: &Value) {
    let id = format!("{}.{webhook}", event["data"]["webhook"]["id"].as_str().unwrap());
    let at = &event["timestamp"];
    let delivery = json!({ "format": 1, "id": id, "webhook": webhook, "state": "pending",
        "position": 1, "event": event, "body": null, "attempts": [], "next_attempt_at": at,
        "made_at": at });
    for folder in ["pending", "done", "tmp"] {
        std::fs::create_dir_all(plugin.state(&format!("deliveries/{folder}"))).unwrap();
    }
    let path = plugin.state(&format!("deliveries/pending/{id}.json"));
    std::fs::write(path, delivery.to_string()).unwrap();
}

#[test]
fn the_example_request_of_each_kind_is_what_is_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let service = Service::start(move |request| {
        kept.lock().unwrap().push(request.clone());
        let status = if request.path.starts_with("/api/v4/") { 201 } else { 200 };
        Some(Response::json(status, &json!({ "id": 1 })))
    });
    let page = std::fs::read_to_string(at_root("docs/webhook-kinds.md")).unwrap();
    let plugin = Plugin::with_servers(1);
    guide::write_files(&plugin, &page);
    let event = event();
    for kind in KINDS {
        let example = Example::of(&page, kind);
        let command = if example.command.contains(" --url ") {
            example.command.replace("https://shop.example", &service.url())
        } else {
            format!("{} --url {}", example.command, service.url())
        };
        guide::run(&plugin, &command).prints();
        deliver(&plugin, &example.name, &event);
        plugin.run(&["work", "--once"]).prints();
        let sent = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(sent.len(), 1, "{kind}");
        example.assert_sent(&sent[0]);
        let listed = plugin.run(&["deliveries", "list", "--webhook", &example.name, "--json"]);
        let listed = listed.json();
        assert_eq!(listed["deliveries"][0]["state"], "delivered", "{kind}: {listed}");
    }
}
