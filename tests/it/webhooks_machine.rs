//! The machine's webhooks: written by root alone, for some or all of its providers.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::answer::{Answer, assert_valid};
use crate::support::hand::parsed;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::{is_root, skip};

/// Somebody who is neither root nor the holder's owner at first.
const OWNER: u32 = 65534;

fn file(plugin: &Plugin) -> PathBuf {
    plugin.root().join("etc/provider-webhooks.json")
}

/// Creates a webhook of that scope.
fn create(plugin: &Plugin, name: &str, scope: &str) -> Answer {
    let words = ["webhooks", "create", "--name", name, "--kind", "generic", "--url", "http://h/"];
    plugin.run(&[&words[..], &["--generate-secret", "--scope", scope]].concat())
}

#[track_caller]
fn list(plugin: &Plugin) -> Vec<(Value, Value)> {
    let document = plugin.run(&["webhooks", "list", "--json"]).json();
    assert_valid("webhooks-list", &document);
    let webhooks = document["webhooks"].as_array().unwrap().clone();
    webhooks.iter().map(|one| (one["name"].clone(), one["scope"].clone())).collect()
}

/// Gives the holder away, and calls the provider as its new owner.
fn call_as_owner(plugin: &Plugin, words: &[&str]) -> Answer {
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success());
    };
    run("chmod", &["755", plugin.root().to_str().unwrap()]);
    run("chown", &["-R", &OWNER.to_string(), plugin.holder().to_str().unwrap()]);
    let output = Command::new("setpriv")
        .args([&format!("--reuid={OWNER}"), "--clear-groups", "--"])
        .arg(plugin.executable())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output)
}

#[test]
fn a_webhook_of_the_machine_tells_of_the_providers_in_its_scope() {
    if !is_root() {
        return skip("only root writes the machine's file");
    }
    let plugin = Plugin::installed();
    create(&plugin, "all", "global").prints();
    create(&plugin, "mine", "demo,other").prints();
    create(&plugin, "theirs", "other").prints();
    create(&plugin, "own", "local").prints();
    assert_eq!(
        list(&plugin),
        [
            (json!("own"), json!("local")),
            (json!("all"), json!("global")),
            (json!("mine"), json!(["demo", "other"])),
        ]
    );
    // It can be changed from here, so it can be looked at as well.
    assert!(plugin.run(&["webhooks", "show", "theirs"]).prints().contains("other"));
    let metadata = file(&plugin).metadata().unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o600, 0));
    plugin.run(&["webhooks", "update", "theirs", "--scope", "global"]).prints();
    plugin.run(&["webhooks", "rotate", "all"]).prints();
    plugin.run(&["webhooks", "filter", "add", "mine", "--value", "order.failed"]).prints();
    plugin.run(&["webhooks", "delete", "all", "--yes"]).prints();
    let names: Vec<Value> = list(&plugin).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [json!("own"), json!("mine"), json!("theirs")]);
}

#[test]
fn a_name_is_given_once_for_the_machine_and_its_providers() {
    if !is_root() {
        return skip("only root writes the machine's file");
    }
    let plugin = Plugin::installed();
    create(&plugin, "own", "local").prints();
    create(&plugin, "all", "global").prints();
    for (name, scope) in [("own", "global"), ("all", "local"), ("own", "other")] {
        let answer = create(&plugin, name, scope);
        assert!(answer.complains(2).contains("exists already"), "{answer:?}");
    }
    let other = plugin.root().join("providers/other/etc");
    std::fs::create_dir_all(&other).unwrap();
    let text = json!({ "webhooks": [{ "name": "x", "kind": "generic", "url": "http://h/" }] });
    std::fs::write(other.join("webhooks.json"), text.to_string()).unwrap();
    assert!(create(&plugin, "x", "global").complains(2).contains("a provider of this machine"));
    // And where an editor gave one twice, neither is guessed to be meant.
    let text = std::fs::read_to_string(file(&plugin)).unwrap().replace("\"all\"", "\"own\"");
    std::fs::write(file(&plugin), text).unwrap();
    assert!(plugin.run(&["webhooks", "list"]).complains(4).contains("`own`"));
}

#[test]
fn an_owner_who_may_not_read_the_machines_file_goes_on_without_it_and_is_told() {
    if !is_root() {
        return skip("only root writes the machine's file");
    }
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    receiver.next([Reply::status(410)]);
    plugin.hook("all", "generic", &receiver, &["--scope", "global"]);
    plugin.sold();
    receiver.wait_for(1);
    plugin.settled();
    create(&plugin, "own", "local").prints();
    let answer = call_as_owner(&plugin, &["webhooks", "list", "--json"]);
    assert_eq!(parsed(&answer.stdout)["webhooks"].as_array().unwrap().len(), 1);
    assert!(answer.stderr.contains("permission denied"), "{answer:?}");
    let answer = call_as_owner(&plugin, &["check", "--json"]);
    let findings = parsed(&answer.stdout)["findings"].clone();
    let found = findings.as_array().unwrap().iter().find(|one| one["subject"] == "webhooks");
    assert_eq!(found.unwrap()["level"], "warning");
    // What waits is not to be forgotten for it.
    let waits = "deliveries that wait for `all`, which may be one of the machine's: 1";
    assert!(answer.stdout.contains(waits), "{answer:?}");
    assert!(!answer.stdout.contains("deliveries delete"), "{answer:?}");
    let words = ["webhooks", "create", "--name", "b", "--kind", "generic", "--url", "http://h/"];
    let answer = call_as_owner(&plugin, &[&words[..], &["--scope", "global"]].concat());
    assert!(answer.complains(7).contains("not_owner"), "{answer:?}");
    // Root acts as the owner for all else.
    create(&plugin, "b", "local").prints();
    let owner = plugin.etc("webhooks.json").metadata().unwrap().uid();
    assert_eq!(owner, OWNER);
}

#[test]
fn of_two_webhooks_of_one_name_root_changes_neither() {
    if !is_root() {
        return skip("only root writes the machine's file");
    }
    let plugin = Plugin::installed();
    create(&plugin, "all", "global").prints();
    let words = ["webhooks", "create", "--name", "all", "--kind", "generic", "--url", "http://o/"];
    let answer = call_as_owner(&plugin, &words);
    assert_eq!(answer.status, Some(0), "the owner cannot know: {answer:?}");
    assert!(answer.stderr.contains("the machine may have a webhook"), "{answer:?}");
    let files = [file(&plugin), plugin.etc("webhooks.json")];
    let texts = || files.each_ref().map(|path| std::fs::read_to_string(path).unwrap());
    let before = texts();
    for words in [
        &["delete", "all", "--yes"][..],
        &["update", "all", "--disabled"],
        &["rotate", "all"],
        &["filter", "add", "all", "--value", "order.failed"],
    ] {
        let answer = plugin.run(&[&["webhooks"], words].concat());
        let said = answer.complains(4);
        assert!(files.iter().all(|path| said.contains(path.to_str().unwrap())), "{said}");
    }
    assert_eq!(texts(), before);
    // Its owner can only mean his own.
    let answer = call_as_owner(&plugin, &["webhooks", "delete", "all", "--yes"]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    plugin.run(&["webhooks", "delete", "all", "--yes"]).prints();
}
