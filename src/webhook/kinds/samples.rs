//! Events and webhooks for unit tests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::event::{
    Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration, Provider, Server,
};
use crate::secret::Secret;
use crate::webhook::file::Webhook;
use crate::webhook::message::{Message, Target};

/// A time at which requests are made.
pub(crate) fn now() -> Timestamp {
    "2026-01-02T03:05:00Z".parse().unwrap()
}

/// An event of order 7.
pub(crate) fn event(kind: EventType) -> Event {
    let failed = kind == EventType::Failed;
    let server = Server {
        id: "4711".to_owned(),
        hostname: "webdir-7".to_owned(),
        address: "192.0.2.1".to_owned(),
        addresses: vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned()],
    };
    let known = matches!(kind, EventType::Finished | EventType::Released);
    let facts = Facts {
        provider: Provider { name: "demo".to_owned() },
        configuration: OrderedConfiguration {
            id: "1".to_owned(),
            name: "AlmaLinux 9, 2 vCPU".to_owned(),
        },
        order: OrderId {
            id: "7".to_owned(),
            key: "b302099a-8057-4000-8000-000000000007".to_owned(),
        },
        server: if known { server } else { Server::default() },
        error_log: if failed { "no such image:\nalma-10".to_owned() } else { String::new() },
        author: EventAuthor { name: "alice".to_owned(), email: String::new() },
        account: BTreeMap::from([
            ("userEmail".to_owned(), json!("a b@example.com")),
            ("userAllowedIps".to_owned(), json!(["198.51.100.1"])),
            ("billingUserId".to_owned(), json!(42)),
        ]),
    };
    let id = "0190b2d0-7c00-7000-8000-000000000001".parse().unwrap();
    Event::new(id, kind, "2026-01-02T03:04:05Z".parse().unwrap(), facts)
}

/// A webhook with these keys and a name.
pub(crate) fn webhook(mut keys: Value) -> Webhook {
    keys["name"] = json!("hook");
    serde_json::from_value(keys).unwrap()
}

/// The same with what its files would hold: `TOKEN`, and `x` for each secret variable.
pub(crate) fn target(keys: Value) -> Target {
    let webhook = webhook(keys);
    let secret = |text: &str| Secret::from(text.to_owned());
    let default = super::default_url(webhook.kind).map(secret);
    Target {
        url: webhook.url.clone().or(default).unwrap_or_else(|| secret("https://example.com/")),
        token: webhook.token_file.as_ref().map(|_| secret("TOKEN")),
        variables: webhook.secret_variables.keys().map(|key| (key.clone(), secret("x"))).collect(),
        secrets: webhook
            .secrets
            .iter()
            .map(|known| (known.value.clone().unwrap(), known.expires_at))
            .collect(),
        ca: None,
        webhook,
    }
}

/// The request for an event, its body made anew.
pub(crate) fn message(target: &Target, kind: EventType) -> Message {
    super::message(target, &event(kind), None, now()).unwrap()
}

/// The value of a header.
pub(crate) fn header<'message>(message: &'message Message, name: &str) -> Option<&'message str> {
    message.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}
