//! Good texts of each family, so that what is changed in them reaches what is behind the door.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::TARGETS;
use crate::delivery::{Attempt, Delivery, Disabled, Health, Kind, Verdict};
use crate::event::EventType;
use crate::format::Format;
use crate::json;
use crate::webhook::file::Webhooks;
use crate::webhook::kinds::samples as event_samples;
use crate::webhook::load::{self, Side};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of the files below a folder.
fn below(folder: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() { folders.push(path) } else { all.extend(fs::read_to_string(&path)) }
        }
    }
    assert!(!all.is_empty(), "{folder} is empty");
    all
}

/// Returns those of a family.
pub(super) fn samples(family: &str) -> Vec<String> {
    match family {
        "arguments" => vec![
            "order\n1\n--key\nk".to_owned(),
            "order_status\n7".to_owned(),
            "--home\n/a\norders\nlist\n--status\nfailed\n--since\n2d\n--json".to_owned(),
            "webhooks\ncreate\nci\n--kind\ngitlab-ci\n--variable\nA=1\n--schedule\n0,5,30"
                .to_owned(),
            "config\nset\nlimits.open_orders\n7".to_owned(),
        ],
        "configuration" => ["valid", "invalid"]
            .map(|are| below(&format!("tests/samples/{are}/configuration")))
            .concat(),
        "definition" => [below("tests/samples/definitions"), below("providers")].concat(),
        "webhooks" => vec![webhooks().to_string()],
        "inventory" => ["valid", "invalid"]
            .map(|are| below(&format!("tests/samples/{are}/inventory")))
            .concat(),
        "state" => [
            below("tests/samples/valid/order"),
            other_state(),
            below("tests/samples/invalid/order"),
        ]
        .concat(),
        "lines" => vec![
            "17 quarantined".to_owned(),
            "2026-01-02T03:04:05Z".to_owned(),
            "Fri, 02 Jan 2026 03:07:00 GMT".to_owned(),
            "120".to_owned(),
            "10.0.0.0/8".to_owned(),
            "192.0.2.1 ssh-rsa AAAA\n\n# Host 192.0.2.1 found: line 1\n192.0.2.1 ssh-rsa AAAA"
                .to_owned(),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3sb2Z1k1cJpTdZ9XoVx1f3nZ8o0yJ0mSx9rR1Xy0aB a"
                .to_owned(),
        ],
        "expression" => vec![
            "reply.servers | where('id', 1) | first".to_owned(),
            "reply.name | match('(c.*)y') ~ '/' ~ status".to_owned(),
            "(reply.price | default(1)) if reply.on else none".to_owned(),
        ],
        "user_data" => vec![
            "#cloud-config\npackages: [htop]\n".to_owned(),
            "MIME-Version: 1.0\nContent-Type: text/plain\n\n#!/bin/sh\ntrue\n".to_owned(),
        ],
        "program" => vec![
            r#"create {"server_id":"vm-1"}"#.to_owned(),
            r#"find {"servers":[{"server_id":"1"},{"server_id":2}]}"#.to_owned(),
            r#"poll {"status":"building"}"#.to_owned(),
            r#"balance {"amount":3.5,"currency":"EUR"}"#.to_owned(),
        ],
        "keys" => below("tests/samples/keys"),
        "hoster" => recorded(),
        "receiver" => vec![
            "400\nretry-after: 120\nlocation: /x?y=canary\n\n{\"message\":{\"base\":[\"no\"]}}"
                .to_owned(),
            "200\n\n{\"state\":\"inProgress\",\"id\":11}".to_owned(),
        ],
        other => panic!("{other} has no samples"),
    }
}

/// The replies that are recorded in the definitions, as the target of hosters reads them.
fn recorded() -> Vec<String> {
    let mut all = Vec::new();
    for (name, text) in crate::definition::BUILT_IN {
        let definition: Value = serde_json::from_str(text).unwrap();
        let recordings = definition["recordings"].as_array();
        for (number, recording) in recordings.into_iter().flatten().enumerate() {
            for (at, reply) in recording["replies"].as_array().unwrap().iter().enumerate() {
                let status = reply["status"].as_u64().unwrap_or(200);
                let (kind, body) = match reply["xml"].as_str() {
                    Some(xml) => ("text/xml", xml.to_owned()),
                    None => ("application/json", reply["json"].to_string()),
                };
                all.push(format!("{name} {number} {at} {status}\ncontent-type: {kind}\n\n{body}"));
            }
        }
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// A webhook of each kind, with the keys that are its own.
pub(super) fn webhooks() -> Value {
    let known = json!("whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5");
    json!({ "webhooks": [
        { "name": "a", "kind": "generic", "url": "https://canary@a.example/canary",
          "headers": { "X-Key": "canary" }, "events": ["order.finished"],
          "secrets": [{ "value": known }, { "file": "x", "expires_at": "2026-01-02T03:04:05Z" }] },
        { "name": "b", "kind": "template", "url": "https://b.example/", "variables": { "A": "1" },
          "body": { "text": "{{ summary }}", "list": ["{{ event.type }}", 7] } },
        { "name": "c", "kind": "cloudstack", "url": "http://c.example:8080/x", "strict_200": true,
          "secrets": [{ "value": known }], "tries": 3, "schedule": [0, 1.5] },
        { "name": "d", "kind": "solusvm2", "url": "https://d.example/x?a=b",
          "params": { "token": "x", "list": [1, 2] }, "schedule": "svix" },
        { "name": "e", "kind": "azure-pipelines", "organization": "o", "project": "p q",
          "pipeline_id": 7, "ref": "main", "token_file": "e.token", "skip_stage": ["deploy"],
          "as_template_parameters": true, "variables": { "A": "1" } },
        { "name": "f", "kind": "gitlab-ci", "project_id": "group/project", "ref": "main",
          "token_file": "f.token", "variables": { "A": "1" }, "secret_variables": { "B": "f.b" },
          "filters": [{ "mode": "exclude", "match": "prefix", "value": "order.r" }],
          "operations": ["CREATE"], "statuses": ["ERROR"], "configurations": ["1"] },
    ] })
}

/// What is in `state/` besides orders, and what the panel has on record.
fn other_state() -> Vec<String> {
    let (now, wait) = (event_samples::now(), |_: &str| Duration::from_secs(5));
    let event = event_samples::event(EventType::Finished);
    let body = Some("{\"a\":1}".to_owned());
    let mut delivery = Delivery::new("hook", event, 1, body, now, wait).of_kind(Kind::Generic);
    let attempt = Attempt {
        number: 1,
        at: now,
        milliseconds: 120,
        http_status: Some(503),
        error: Some("answered with status 503".to_owned()),
        response: Some("come again".to_owned()),
    };
    let why = "answered with status 503".to_owned();
    let verdict = Verdict::Failed { why, after: Some(Duration::from_secs(1)) };
    delivery.attempted(attempt, &verdict, now, |_| Some(Duration::from_secs(30)));
    let disabled = Some(Disabled { at: now, reason: "gone".to_owned() });
    let health =
        Health { failing_since: Some(now), failed_at: Some(now), disabled, format: Format };
    vec![
        serde_json::to_string(&delivery).unwrap(),
        serde_json::to_string(&delivery.again(2, now)).unwrap(),
        serde_json::to_string(&health).unwrap(),
        json!({ "format": 1, "last_id": "17", "day": "2026-01-02", "orders_today": 3,
            "claims_changed_at": "1767323045000000000" })
        .to_string(),
        "complete: 192.0.2.1".to_owned(),
    ]
}

#[test]
fn every_sample_of_state_is_one_and_every_webhook_is_in_order() {
    for sample in other_state().iter().filter(|sample| sample.starts_with('{')) {
        let kinds = [
            json::parse::<Delivery>(sample.as_bytes()).is_ok(),
            json::parse::<Health>(sample.as_bytes()).is_ok(),
            crate::store::sequence_read_and_written(sample.as_bytes()).is_ok(),
        ];
        assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "{sample}");
    }
    let all: Webhooks = json::parse(webhooks().to_string().as_bytes()).unwrap();
    let kinds: Vec<&str> = all.webhooks.iter().map(|webhook| webhook.kind.word()).collect();
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(&kind.word())), "{kinds:?}");
    for webhook in &all.webhooks {
        assert_eq!(load::check(webhook, Side::Local), Ok(()), "{}", webhook.name);
    }
}

/// `FUZZ_CORPUS=FOLDER cargo test --lib fuzz_corpus` lays each sample into a folder of its target,
/// for `bin/fuzz` to begin with.
#[test]
#[expect(clippy::disallowed_methods, reason = "no part of the program; nothing of it is state")]
fn fuzz_corpus_has_every_sample_of_every_target() {
    let Some(corpus) = std::env::var_os("FUZZ_CORPUS").map(PathBuf::from) else { return };
    for (target, _) in TARGETS {
        let folder = root().join(&corpus).join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, sample) in samples(target).iter().enumerate() {
            fs::write(folder.join(format!("sample-{number}")), sample).unwrap();
        }
    }
}
