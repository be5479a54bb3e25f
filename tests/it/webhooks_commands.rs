//! `webhooks`: made, listed, changed and removed without a single order; secrets are never shown.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::answer::{Answer, assert_valid};
use crate::support::hand::parsed;
use crate::support::plugin::Plugin;

/// What stands for every secret of these tests: no output may hold it.
const SECRET: &str = "hookCanary";

/// Calls the provider; nothing that it says may hold a secret.
#[track_caller]
fn call(plugin: &Plugin, words: &[&str]) -> Answer {
    let answer = plugin.run(words);
    let said = answer.stdout.contains(SECRET) || answer.stderr.contains(SECRET);
    assert!(!said, "a secret got out: {answer:?}");
    answer
}

/// Calls with `--json`; returns the one webhook of the answer.
#[track_caller]
fn told(plugin: &Plugin, words: &[&str]) -> Value {
    let document = call(plugin, &[words, &["--json"]].concat()).json();
    assert_valid("webhooks-show", &document);
    document["webhooks"][0].clone()
}

#[track_caller]
fn list(plugin: &Plugin) -> Vec<Value> {
    let document = call(plugin, &["webhooks", "list", "--json"]).json();
    assert_valid("webhooks-list", &document);
    document["webhooks"].as_array().unwrap().clone()
}

/// Creates a webhook of kind `generic`.
#[track_caller]
fn create(plugin: &Plugin, name: &str, words: &[&str]) -> Value {
    let begin = ["webhooks", "create", "--name", name, "--kind", "generic", "--url", "http://h/"];
    told(plugin, &[&begin, words].concat())
}

/// Expects a malformed call; returns its complaint.
#[track_caller]
fn refused(plugin: &Plugin, words: &[&str]) -> String {
    call(plugin, words).complains(2).to_owned()
}

fn stored(plugin: &Plugin) -> Value {
    let bytes = std::fs::read(plugin.etc("webhooks.json")).unwrap();
    let stored = serde_json::from_slice(&bytes).unwrap();
    assert_valid("webhooks", &stored);
    stored
}

/// Writes a file whose text is a secret; returns its path.
fn secret_file(plugin: &Plugin, name: &str, text: &str) -> String {
    let path = plugin.root().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_webhook_of_every_kind_is_created_and_keeps_its_secrets_to_itself() {
    let plugin = Plugin::installed();
    let url = format!("http://user:{SECRET}@h.example/hook?key={SECRET}");
    let header = format!("X-Key: {SECRET}");
    let param = format!("secret={SECRET}");
    let text = secret_file(&plugin, "text", &format!("{SECRET}text\n"));
    let hidden_url = secret_file(&plugin, "url", &format!("https://h.example/{SECRET}\n"));
    let variable = format!("KEY={text}");
    let body = secret_file(&plugin, "body", r#"{"text": "{{ summary }}"}"#);
    let all: [(&str, &[&str]); 6] = [
        ("generic", &["--url", &url, "--header", &header, "--secret-file", &text]),
        ("cloudstack", &["--url", &url, "--secret-file", &text, "--strict-200"]),
        ("solusvm2", &["--url", "http://h.example/?a=b", "--param", &param]),
        (
            "azure-pipelines",
            &[
                "--organization",
                "o",
                "--project",
                "p",
                "--pipeline-id",
                "7",
                "--token-file",
                &text,
                "--secret-variable",
                &variable,
                "--skip-stage",
                "s",
            ],
        ),
        ("gitlab-ci", &["--project-id", "g/p", "--ref", "main", "--token-file", &text]),
        ("template", &["--url-file", &hidden_url, "--body-file", &body]),
    ];
    for (kind, words) in all {
        let webhook = told(
            &plugin,
            &[&["webhooks", "create", "--name", kind, "--kind", kind], words].concat(),
        );
        assert_eq!((&webhook["name"], &webhook["scope"]), (&json!(kind), &json!("local")));
        call(&plugin, &["webhooks", "show", kind]).prints();
        let shown = call(&plugin, &["deliveries", "test", kind, "--dry-run"]);
        assert!(shown.prints().starts_with("POST http"), "{shown:?}");
    }
    let names: Vec<Value> = list(&plugin).iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(names, all.map(|(kind, _)| json!(kind)));
    call(&plugin, &["webhooks", "list"]).prints();
    call(&plugin, &["check"]).prints();
    assert_eq!(stored(&plugin)["webhooks"][3]["token_file"], "webhooks/azure-pipelines.token");
    for file in ["webhooks.json", "webhooks/gitlab-ci.token", "webhooks/template.url"] {
        assert_eq!(plugin.etc(file).metadata().unwrap().mode() & 0o7777, 0o600, "{file}");
    }
    for (kind, _) in all {
        call(&plugin, &["webhooks", "delete", kind, "--yes"]).prints();
    }
    assert!(list(&plugin).is_empty());
    let left = std::fs::read_dir(plugin.etc("webhooks")).unwrap().count();
    assert_eq!(left, 0, "what was copied goes with its webhook");
    assert_eq!(plugin.files(), [""; 0], "no order, no state");
}

#[test]
fn what_is_malformed_is_named_and_not_stored() {
    let plugin = Plugin::installed();
    create(&plugin, "known", &[]);
    let before = stored(&plugin);
    for (words, named) in [
        (&["create", "--name", "known", "--kind", "generic", "--url", "http://h/"][..], "exists"),
        (&["create", "--name", "a/b", "--kind", "generic", "--url", "http://h/"], "`a/b`"),
        (&["create", "--name", "a", "--kind", "generic"], "`url`"),
        (&["create", "--name", "a", "--kind", "bogus", "--url", "http://h/"], "bogus"),
        (&["create", "--name", "a", "--kind", "generic", "--url", "ftp://h/"], "url: "),
        (
            &["create", "--name", "a", "--kind", "generic", "--url", "http://169.254.1.1/"],
            "169.254",
        ),
        (&["create", "--name", "a", "--kind", "gitlab-ci", "--project-id", "1"], "`ref`"),
        (&["update", "known", "--param", "a=b"], "`params`"),
        (&["update", "known", "--tries", "0"], "tries: 0"),
        (&["update", "known", "--header", "Host: x"], "Host"),
        (&["update", "known", "--header", "a: b", "--header", "a: c"], "`a` is given twice"),
        (&["update", "known", "--ca-file", "/nonexistent/ca"], "/nonexistent/ca"),
        (&["update", "known", "--secret-file", "/nonexistent/s"], "--secret-file /nonexistent/s"),
        (&["update", "known", "--enabled", "--disabled"], "--disabled"),
        (&["update", "known", "--scope", "global"], "stays in the file"),
        (&["update", "known", "--secret-file", "-", "--header-file", "-"], "more than one `-`"),
        (&["update", "knwon", "--disabled"], "the nearest is `known`"),
        (&["delete", "known"], "--yes"),
        (&["show", "bogus"], "`bogus`"),
        (&["filter", "add", "known", "--value", "order.finishd"], "`order.finished`"),
        (&["filter", "delete", "known", "1"], "no filter 1"),
    ] {
        let complaint = refused(&plugin, &[&["webhooks"], words].concat());
        assert!(complaint.contains(named), "{words:?}: {complaint}");
    }
    assert_eq!(stored(&plugin), before);
}

#[test]
fn a_secret_that_was_made_up_is_shown_once_and_the_old_one_stays_valid_for_a_day() {
    let plugin = Plugin::installed();
    let words = ["webhooks", "create", "--name", "a", "--kind", "generic", "--url", "http://h/"];
    let answer = plugin.run(&[&words[..], &["--generate-secret"]].concat());
    let first = answer.prints().lines().find(|line| line.starts_with("whsec_")).unwrap();
    let shown = call(&plugin, &["webhooks", "show", "a", "--json"]);
    assert!(!shown.prints().contains(first));

    let rotated = plugin.run(&["webhooks", "rotate", "a", "--json"]).json();
    assert_valid("webhooks-show", &rotated);
    let second = rotated["secret"].as_str().unwrap().to_owned();
    let secrets = stored(&plugin)["webhooks"][0]["secrets"].clone();
    assert_eq!((&secrets[0]["value"], &secrets[1]["value"]), (&json!(second), &json!(first)));
    assert_eq!(
        (&secrets[0]["expires_at"], secrets[1]["expires_at"].is_string()),
        (&Value::Null, true)
    );

    let text = secret_file(&plugin, "secret", SECRET);
    let words = ["webhooks", "rotate", "a", "--keep-hours", "0", "--secret-file", &text];
    call(&plugin, &words).prints();
    let secrets = stored(&plugin)["webhooks"][0]["secrets"].clone();
    assert_eq!(secrets, json!([{ "value": SECRET, "expires_at": null }]));

    let malformed = secret_file(&plugin, "malformed", &format!("whsec_{SECRET}"));
    refused(&plugin, &["webhooks", "rotate", "a", "--secret-file", &malformed]);
    assert_eq!(stored(&plugin)["webhooks"][0]["secrets"], secrets);
}

#[test]
fn an_update_replaces_what_is_given_and_clears_what_is_named() {
    let plugin = Plugin::installed();
    create(&plugin, "a", &["--event", "order.failed", "--header", "A: 1", "--tries", "2"]);
    let words = ["webhooks", "update", "a", "--event", "order.released", "--event", "order.failed"];
    let webhook = told(&plugin, &[&words[..], &["--header", "B: 2", "--disabled"]].concat());
    assert_eq!(webhook["events"], json!(["order.released", "order.failed"]));
    assert_eq!(webhook["headers"], json!({ "B": "HIDDEN" }));
    assert_eq!((&webhook["enabled"], &webhook["tries"]), (&json!(false), &json!(2)));
    let words = ["webhooks", "update", "a", "--clear", "tries", "--clear", "events", "--enabled"];
    let webhook = told(&plugin, &words);
    assert_eq!((webhook.get("tries"), &webhook["enabled"]), (None, &json!(true)));
    assert_eq!(webhook["events"].as_array().unwrap().len(), 4);
    assert_eq!(webhook["headers"], json!({ "B": "HIDDEN" }), "what was not named stays");
}

#[test]
fn filters_are_added_listed_and_deleted() {
    let plugin = Plugin::installed();
    create(&plugin, "a", &[]);
    let add = ["webhooks", "filter", "add", "a", "--value", "order.f", "--match", "prefix"];
    call(&plugin, &add).prints();
    assert!(refused(&plugin, &add).contains("filters[1]"), "a duplicate is refused");
    refused(&plugin, &[&add[..], &["--mode", "exclude"]].concat());
    let words = ["webhooks", "filter", "add", "a", "--value", "order.failed", "--mode", "exclude"];
    let webhook = told(&plugin, &words);
    let expected = json!([
        { "mode": "include", "match": "prefix", "value": "order.f" },
        { "mode": "exclude", "match": "exact", "value": "order.failed" },
    ]);
    assert_eq!(webhook["filters"], expected);
    let listed = call(&plugin, &["webhooks", "filter", "list", "a", "--json"]).json();
    assert_eq!(listed["filters"][1]["number"], 2);
    call(&plugin, &["webhooks", "filter", "delete", "a", "2"]).prints();
    call(&plugin, &["webhooks", "filter", "delete", "a", "--value", "order.f"]).prints();
    assert_eq!(stored(&plugin)["webhooks"][0].get("filters"), None);
    assert_eq!(call(&plugin, &["webhooks", "filter", "list", "a"]).prints(), "no filters\n");
}

#[test]
fn a_test_takes_the_flags_of_create() {
    let plugin = Plugin::installed();
    let words = ["deliveries", "test", "--name", "a", "--kind", "generic", "--url", "http://h/"];
    let words = [&words[..], &["--generate-secret", "--disabled", "--scope", "global"]].concat();
    let shown = call(&plugin, &[&words[..], &["--dry-run"]].concat());
    assert!(shown.prints().contains("webhook-signature: v1,"), "{shown:?}");
    refused(&plugin, &["deliveries", "test", "--name", "../a", "--kind", "generic"]);
    create(&plugin, "a", &[]);
    call(&plugin, &["deliveries", "test", "--name", "a", "--dry-run"]).prints();
    assert!(refused(&plugin, &["deliveries", "test", "--name", "b"]).contains("`b`"));
}

#[test]
fn a_file_without_certificates_is_refused_at_once_and_found_by_check() {
    let plugin = Plugin::installed();
    let path = secret_file(&plugin, "ca.pem", "no certificate");
    let begin = ["webhooks", "create", "--name", "a", "--kind", "generic", "--url", "https://h/"];
    let said = refused(&plugin, &[&begin[..], &["--ca-file", &path]].concat());
    assert!(said.contains("ca_file: it holds no certificate"), "{said}");
    create(&plugin, "a", &[]);
    let mut document = stored(&plugin);
    document["webhooks"][0]["ca_file"] = json!(path);
    std::fs::write(plugin.etc("webhooks.json"), document.to_string()).unwrap();
    let answer = call(&plugin, &["check"]);
    assert!(answer.stdout.contains("nothing can be sent to `a`: ca_file"), "{answer:?}");
}

#[test]
fn a_webhook_that_takes_any_certificate_is_named_by_check() {
    let plugin = Plugin::installed();
    let named = |plugin: &Plugin| {
        let said = call(plugin, &["check", "--json"]).json()["findings"].to_string();
        said.contains("the certificate of `a` is not checked")
    };
    create(&plugin, "a", &["--tls-verify", "false"]);
    assert!(!named(&plugin), "without TLS there is none");
    call(&plugin, &["webhooks", "update", "a", "--url", "https://h/"]).prints();
    assert!(named(&plugin));
    call(&plugin, &["webhooks", "update", "a", "--tls-verify", "true"]).prints();
    assert!(!named(&plugin));
}

#[test]
fn a_secret_comes_by_standard_input() {
    let plugin = Plugin::installed();
    let words = ["webhooks", "create", "--name", "a", "--kind", "gitlab-ci", "--project-id", "1"];
    let mut child = plugin
        .command(&[&words[..], &["--ref", "main", "--token-file", "-"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{SECRET}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let text = std::fs::read_to_string(plugin.etc("webhooks/a.token")).unwrap();
    assert_eq!(text, format!("{SECRET}\n"));
}

#[test]
fn a_file_that_is_damaged_is_named_by_every_command_and_by_check() {
    let plugin = Plugin::installed();
    std::fs::write(plugin.etc("webhooks.json"), r#"{"webhooks":[{"nam":"a"}]}"#).unwrap();
    for words in [&["webhooks", "list"][..], &["webhooks", "show", "a"]] {
        let answer = call(&plugin, words);
        assert!(answer.complains(4).contains("did you mean `name`"), "{answer:?}");
    }
    let answer = call(&plugin, &["check", "--json"]);
    let findings = parsed(&answer.stdout)["findings"].clone();
    let found = findings.as_array().unwrap().iter().find(|one| one["subject"] == "webhooks");
    assert_eq!(found.unwrap()["level"], "error");
    assert_eq!(call(&plugin, &["help"]).succeeds()["status"], "enabled", "the panel goes on");
}
