//! What hosters and receivers answer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::told;
use crate::clock::Timestamp;
use crate::definition::http::RecordedReply;
use crate::definition::{BUILT_IN, Definition};
use crate::delivery::Kind;
use crate::event::{
    Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration, Provider, Server,
};
use crate::hoster::http::run_recording_with;
use crate::http::redirect;
use crate::secret::Secret;
use crate::webhook::file::Webhook;
use crate::webhook::kinds;
use crate::webhook::message::Target;

/// Where a message was sent.
const HERE: &str = "https://user:canary@example.com/a?b=canary";

/// A reply in place of one of the recorded ones: `DEFINITION RECORDING REPLY STATUS`, its headers,
/// an empty line, its body.
pub fn hoster(bytes: &[u8]) -> String {
    let Answer { first, headers, body } = Answer::of(bytes);
    let mut words = first.split(' ');
    let name = words.next().unwrap_or_default();
    let mut number = || words.next().and_then(|word| word.parse::<u16>().ok());
    let (recording, at) = (number().unwrap_or_default(), number().unwrap_or_default());
    let status = number().unwrap_or(200);
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap_or(&BUILT_IN[2]);
    let Ok(Definition::Http(definition)) = Definition::parse(text.as_bytes()) else {
        return String::new();
    };
    let mut headers = headers;
    headers.entry("content-type".to_owned()).or_insert_with(|| "application/json".to_owned());
    // The name of the field is no matter: it is the body as it came.
    let reply = RecordedReply { status, headers, json: Value::Null, xml: Some(body) };
    run_recording_with(&definition, usize::from(recording), usize::from(at), reply)
}

/// A reply to a delivery, to each kind of webhook: its status, its headers, an empty line, its body.
pub fn receiver(bytes: &[u8]) -> String {
    let Answer { first, headers, body } = Answer::of(bytes);
    let status = first.trim().parse().unwrap_or(200);
    let now = Timestamp::UNIX_EPOCH;
    let mut all = String::new();
    for kind in ["generic", "cloudstack", "template", "solusvm2", "azure-pipelines", "gitlab-ci"] {
        let webhook = serde_json::json!({ "name": "hook", "kind": kind });
        let webhook: Webhook = serde_json::from_value(webhook).expect("a webhook");
        let verdict = kinds::judge(&webhook, status, &headers, body.as_bytes(), now);
        let why = verdict.why().unwrap_or_default();
        assert!(why.chars().count() < 500 && !why.contains(char::is_control), "{why}");
        all += why;
    }
    if let Some(location) = headers.get("location") {
        match redirect(HERE, location) {
            Ok(to) => assert!(to.same_origin || !to.url.contains("canary")),
            Err(why) => all += why,
        }
    }
    all
}

/// Makes the message of each event for a webhook.
pub(super) fn deliver(webhook: &Webhook) {
    let secret = |text: &str| Secret::from(text.to_owned());
    let target = Target {
        url: webhook.url.clone().unwrap_or_else(|| secret("https://example.com/")),
        token: Some(secret("TOKEN")),
        variables: webhook.secret_variables.keys().map(|key| (key.clone(), secret("x"))).collect(),
        secrets: webhook
            .secrets
            .iter()
            .filter_map(|known| Some((known.value.clone()?, known.expires_at)))
            .collect(),
        ca: None,
        webhook: webhook.clone(),
    };
    let event = event();
    let frozen = kinds::frozen_body(webhook, &event);
    let message = kinds::message(&target, &event, frozen.as_deref(), Timestamp::UNIX_EPOCH);
    if webhook.kind == Kind::Generic && webhook.secrets.is_empty() {
        assert!(message.is_ok(), "{}", told(message));
    }
}

fn event() -> Event {
    let facts = Facts {
        provider: Provider { name: "demo".to_owned() },
        configuration: OrderedConfiguration { id: "1".to_owned(), name: "one".to_owned() },
        order: OrderId { id: "7".to_owned(), key: "k".to_owned() },
        server: Server::default(),
        error_log: "no \"such\" image:\n".to_owned(),
        author: EventAuthor { name: "alice".to_owned(), email: String::new() },
        account: BTreeMap::new(),
    };
    Event::new(uuid::Uuid::nil(), EventType::Failed, Timestamp::UNIX_EPOCH, facts)
}

/// A reply in a text: a first line, headers, an empty line, the body.
struct Answer {
    first: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
        let headers = rest
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { first: first.to_owned(), headers, body: body.to_owned() }
    }
}
