//! What the definition of a hoster sends is what the hoster describes: `DigitalOcean`.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::plugin::Plugin;
use crate::support::prism::Prism;

/// A Droplet of the description's examples, and its public address.
const DROPLET: &str = "3164444";
const ADDRESS: &str = "192.241.165.154";

/// What `../shared/openapi/digitalocean.json` leaves out.
const LEFT_OUT: [&str; 2] = ["/v2/tags/", "/v2/customers/"];

#[test]
fn an_order_is_accepted_as_the_vendor_describes_it() {
    let Some(prism) = Prism::serve("digitalocean.json") else { return };
    let plugin = provider(&prism);
    let id = plugin.order();
    assert_eq!(plugin.finished(&id), ADDRESS);
    assert_eq!(plugin.stored(&id)["server_id"], DROPLET);
}

#[test]
fn every_other_request_is_one_that_the_vendor_describes() {
    let Some(prism) = Prism::serve("digitalocean.json") else { return };
    let mut requests = Vec::new();
    gather(&definition(), &mut requests);
    assert!(requests.len() >= 8, "{requests:?}");
    for request in requests {
        let status = ask(&prism, &request);
        assert!((200..300).contains(&status), "{request}: {status}");
    }
}

fn definition() -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/digitalocean.json"))
}

/// Installs a provider that buys the definition's own example.
fn provider(prism: &Prism) -> Plugin {
    let definition = definition();
    let plugin = Plugin::installed();
    plugin.write_private("digitalocean.json", &definition.to_string());
    plugin.write_private("token", "sample-token");
    let config = json!({
        "definition": "./digitalocean.json",
        "base_url": prism.url(),
        "credentials": { "token": { "file": "token" } },
        "configurations": [{
            "id": "1", "descr": "one", "parameters": definition["example"]["parameters"],
        }],
        "ready": null,
        "worker": { "poll_seconds": 0.1 },
    });
    plugin.write_private("demo.conf", &config.to_string());
    plugin
}

/// Gathers the requests without a body, each as `METHOD /path?query`.
fn gather(tree: &Value, into: &mut Vec<String>) {
    if let (Some(method), Some(path)) = (tree["method"].as_str(), tree["path"].as_str()) {
        if tree["json"].is_null() && !LEFT_OUT.iter().any(|part| path.starts_with(part)) {
            let query: Vec<String> = tree["query"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={}", sample(name, value)))
                .collect();
            let path = path.split("{{").next().unwrap_or_default();
            let id = if path.ends_with('/') { DROPLET } else { "" };
            into.push(format!("{method} {path}{id}?{}", query.join("&")));
        }
        return;
    }
    match tree {
        Value::Array(elements) => elements.iter().for_each(|one| gather(one, into)),
        Value::Object(members) => members.values().for_each(|one| gather(one, into)),
        _ => {}
    }
}

/// What stands for an expression.
fn sample(name: &str, value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.contains("{{") => if name == "page" { "1" } else { "sample" }.to_owned(),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// Sends a request and returns the status of its reply.
fn ask(prism: &Prism, request: &str) -> u16 {
    let mut stream = prism.connect().unwrap();
    let head = format!(
        "{request} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer sample-token\r\n\
         accept: application/json\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let line = String::from_utf8_lossy(&reply);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}
