//! The pages on webhooks show what is sent: their examples are of one event, signed by one secret.

use serde_json::{Value, json};

use super::super::samples::{self, target};
use super::super::{cloudstack, headers, message, solusvm2};
use crate::clock::Timestamp;
use crate::event::{Event, EventType};
use crate::secret::Secret;
use crate::webhook::message::Target;

const KINDS: &str = include_str!("../../../../docs/webhook-kinds.md");

const WEBHOOKS: &str = include_str!("../../../../docs/webhooks.md");

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

/// Returns a section of a page.
fn section(page: &str, heading: &str) -> String {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// Returns the first block of JSON in a text.
fn block(text: &str) -> Value {
    let (_, rest) = text.split_once("```json\n").unwrap();
    serde_json::from_str(rest.split("\n```").next().unwrap()).unwrap()
}

/// Returns what the first columns of the rows that begin so hold, without their backquotes.
fn rows(text: &str, begin: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.split_once(" | "));
    let plain = |cell: &str| cell.replace('`', "");
    cells
        .filter(|(first, _)| first.starts_with(&format!("`{begin}")))
        .map(|(first, second)| (plain(first), plain(second)))
        .collect()
}

/// Returns the webhooks that the page's commands make, in its order.
fn targets() -> Vec<(&'static str, Target)> {
    let secrets = json!([{ "value": SECRET }]);
    let own = json!({ "X-Team": "web" });
    let mut targets = [
        (
            "generic",
            json!({ "url": "https://shop.example/hook", "headers": own, "secrets": secrets }),
        ),
        ("cloudstack", json!({ "url": "https://shop.example/cloudstack", "secrets": secrets })),
        (
            "solusvm2",
            json!({ "url": "https://shop.example/hook.php", "params": { "secret": "sampleSecret" } }),
        ),
        (
            "azure-pipelines",
            json!({ "organization": "example", "project": "shop servers", "pipeline_id": "12",
                    "ref": "main", "skip_stage": ["deploy"], "token_file": "azure.token",
                    "variables": { "TEAM": "web" },
                    "secret_variables": { "DEPLOY_KEY": "deploy.token" } }),
        ),
        (
            "gitlab-ci",
            json!({ "project_id": "web/servers", "ref": "main", "token_file": "gitlab.token",
                    "variables": { "TEAM": "web" } }),
        ),
    ];
    let made = targets.iter_mut().map(|(kind, keys)| {
        keys["kind"] = json!(kind);
        let token = || Secret::from("sampleToken".to_owned());
        let mut target = target(keys.take());
        target.token = target.token.map(|_| token());
        target.variables.values_mut().for_each(|value| *value = token());
        (*kind, target)
    });
    made.collect()
}

#[test]
fn the_examples_are_the_requests_with_their_signatures() {
    let event: Event = serde_json::from_value(block(&section(WEBHOOKS, "Events"))).unwrap();
    for (kind, target) in targets() {
        let section = section(KINDS, kind);
        // What is one line on the wire.
        let shown = section.replace("\n  ", "");
        let now: Timestamp = "2026-01-02T03:05:31Z".parse().unwrap();
        let made = message(&target, &event, None, now).unwrap();
        let path = made.url.splitn(4, '/').nth(3).unwrap();
        assert!(shown.contains(&format!("\nPOST /{path} HTTP/1.1\n")), "{path}");
        let ours = made.headers.iter().map(|(name, value)| ((*name).to_owned(), value));
        for (name, value) in
            ours.chain(made.own_headers.iter().map(|(name, value)| (name.clone(), value)))
        {
            let line = format!("\n{}: {value}\n", name.to_ascii_lowercase());
            assert!(shown.contains(&line), "{kind}: {line}");
        }
        let length = format!("\ncontent-length: {}\n", made.body.len());
        assert!(shown.contains(&length), "{kind}: {length}");
        if kind == "azure-pipelines" {
            assert_eq!(block(&section).to_string(), made.body);
        } else {
            assert!(shown.contains(&made.body), "{kind}: {}", made.body);
        }
    }
}

#[test]
fn the_tables_of_cloudstack_and_of_solusvm2_are_those_of_the_program() {
    let section_of = |kind| section(KINDS, kind);
    let body: Value =
        serde_json::from_str(&cloudstack::body(&samples::event(EventType::Failed))).unwrap();
    let mut keys: Vec<String> =
        rows(&section_of("cloudstack"), "").into_iter().map(|(key, _)| key).collect();
    keys.sort();
    assert_eq!(keys, body.as_object().unwrap().keys().cloned().collect::<Vec<_>>());

    let page = section_of("solusvm2");
    let mut told: Vec<String> = ["server", "cr", "user"]
        .into_iter()
        .flat_map(|begin| rows(&page, begin))
        .flat_map(|(names, _)| names.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    let mut known = solusvm2::BUILT_IN.map(ToOwned::to_owned);
    told.sort();
    known.sort();
    assert_eq!(told, known);
    let statuses = rows(&page, "order.");
    assert_eq!(statuses.len(), EventType::ALL.len());
    for (kind, (word, status)) in EventType::ALL.into_iter().zip(statuses) {
        assert_eq!(kind.word(), word);
        let target = target(json!({ "kind": "solusvm2", "url": "https://example.com/" }));
        let sent = samples::message(&target, kind).url;
        let wanted = format!("&serverStatus={}&", status.replace(' ', "%20"));
        assert!(sent.contains(&wanted), "{word}: {status}");
    }
}

#[test]
fn the_page_names_every_reserved_header() {
    let page = section(WEBHOOKS, "Where it may go");
    for name in headers::RESERVED.into_iter().chain([headers::RESERVED_PREFIX]) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
