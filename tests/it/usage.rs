//! Malformed calls: each is answered with one JSON document that names the fault.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::answer::Answer;
use crate::support::hand::parsed;
use crate::support::plugin::{BINARY, Plugin};

/// Calls the executable where it lies in no provider's `bin/`.
fn elsewhere(home: &Plugin, words: &[&str]) -> Answer {
    let output = Command::new(BINARY)
        .args(words)
        .env_clear()
        .env("HOME", home.root())
        .output()
        .expect("the executable runs");
    let command = words.iter().position(|word| !word.starts_with('-') && !word.contains('/'));
    let words = words[command.unwrap_or(0)..].iter().map(|word| (*word).to_owned());
    Answer::of(words.collect(), &output)
}

#[test]
fn a_malformed_call_is_answered_with_what_is_wrong_and_the_words_that_there_are() {
    let plugin = Plugin::installed();
    for (words, named) in [
        (&[][..], "order_status TASK_ID"),
        (&[""], "order_status TASK_ID"),
        (&["bogus"], "`bogus`"),
        (&["init"], "`init`"),
        (&["HELP"], "`HELP`"),
        (&["--bogus"], "`--bogus`"),
        (&["help", "me"], "`me`"),
        (&["configs", "1"], "`1`"),
        (&["order"], "CONFIG_ID"),
        (&["order", "1", "2"], "`2`"),
        (&["order", "1", "--key"], "`--key`"),
        (&["order", "--key", "k"], "CONFIG_ID"),
        (&["order", "1", "--key", "a", "--key", "b"], "`b`"),
        (&["order", "1", "--bogus"], "`--bogus`"),
        (&["order_status"], "TASK_ID"),
        (&["order_status", "1", "2"], "`2`"),
        (&["--home"], "`--home`"),
        (&["--home", ""], "`--home`"),
        (&["--home="], "`--home`"),
        (&["--home=", "help"], "`--home`"),
        (&["help", "--home", "/"], "`/`"),
    ] {
        let message = plugin.run(words).fails("usage", 2);
        assert!(message.contains(named), "{words:?}: {message}");
    }
    assert_eq!(plugin.files(), [""; 0], "a malformed call left something behind");
}

#[test]
fn a_word_after_home_may_be_missing_too() {
    let plugin = Plugin::installed();
    let home = plugin.holder();
    let home = home.to_str().unwrap();
    for words in [&["--home", home][..], &["--home", home, "bogus"], &["--home", home, "--home"]] {
        plugin.run(words).fails("usage", 2);
    }
}

#[test]
fn an_argument_that_is_not_utf_8_is_a_malformed_call_wherever_it_stands() {
    let plugin = Plugin::with_servers(1);
    for before in [&[][..], &["help"], &["order"], &["order", "1", "--key"], &["order_status"]] {
        let output = plugin.command(before).arg(OsStr::from_bytes(b"\xff1")).output().unwrap();
        let words = before.iter().map(|word| (*word).to_owned()).collect();
        let message = Answer::of(words, &output).fails("usage", 2);
        assert!(message.contains("UTF-8"), "{before:?}: {message}");
    }
}

#[test]
fn a_malformed_call_for_people_is_told_on_standard_error() {
    let plugin = Plugin::installed();
    for words in [
        &["orders"][..],
        &["orders", "bogus"],
        &["orders", "show", "abc"],
        &["orders", "show", "007"],
        &["orders", "wait"],
        &["orders", "wait", "1", "--timeout", "-1"],
        &["check", "--bogus"],
        &["schema", "bogus"],
        &["work", "twice"],
    ] {
        let answer = plugin.run(words);
        assert!(!answer.complains(2).is_empty(), "{words:?}");
    }
}

#[test]
fn help_and_version_for_people_are_printed() {
    let plugin = Plugin::installed();
    let text = plugin.run(&["--help"]);
    for word in ["orders", "check", "schema", "order_status", "--home"] {
        assert!(text.prints().contains(word), "{word}: {text:?}");
    }
    assert_eq!(plugin.run(&["-h"]).prints(), text.prints());
    let version = format!("webdir-provider {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(plugin.run(&["--version"]).prints(), version);
}

#[test]
fn outside_a_provider_a_home_is_asked_for_where_it_matters() {
    let plugin = Plugin::installed();
    let message = elsewhere(&plugin, &["order", "1"]).fails("usage", 2);
    assert!(message.contains("--home"), "{message}");
    elsewhere(&plugin, &["configs"]).fails("configuration_invalid", 4);
    elsewhere(&plugin, &["order_status", "1"]).fails("unknown_task", 3);
    assert_eq!(elsewhere(&plugin, &["help"]).succeeds()["status"], "enabled");
    for words in [&["check"][..], &["work", "--once"], &["orders", "prune"]] {
        let answer = elsewhere(&plugin, words);
        assert!(answer.complains(2).contains("--home"), "{answer:?}");
    }
}

#[test]
fn home_before_the_command_serves_both_doors() {
    let plugin = Plugin::with_servers(1);
    let home = plugin.holder();
    let home = home.to_str().unwrap();
    let joined = format!("--home={home}");
    for before in [&["--home", home][..], &[joined.as_str()]] {
        let run = |words: &[&str]| elsewhere(&plugin, &[before, words].concat());
        assert_eq!(run(&["help"]).succeeds()["name"], "demo");
        let configurations = &run(&["configs"]).succeeds()["configurations"];
        assert_eq!(configurations[0]["id"], "1");
        let id = run(&["order", "1", "--key", "k"]).succeeds()["task_id"].clone();
        assert_eq!(id, "1");
        assert_eq!(run(&["orders", "wait", "1"]).status, Some(0));
        assert_eq!(run(&["order_status", "1"]).succeeds()["server"], "10.0.0.0");
        let list = run(&["orders", "list", "--json"]);
        assert_eq!(parsed(list.prints())["orders"][0]["task_id"], "1");
    }
}

#[test]
fn a_home_that_does_not_exist_has_no_configuration_and_people_are_told_so() {
    let plugin = Plugin::installed();
    let home = plugin.root().join("providers/nobody");
    let home = home.to_str().unwrap();
    let run = |words: &[&str]| elsewhere(&plugin, &[&["--home", home], words].concat());
    assert_eq!(run(&["help"]).succeeds()["name"], "nobody");
    run(&["configs"]).fails("configuration_invalid", 4);
    run(&["order", "1"]).fails("configuration_invalid", 4);
    run(&["order_status", "1"]).fails("unknown_task", 3);
    for words in [&["orders", "list", "--json"][..], &["webhooks", "list"], &["metrics"]] {
        let answer = run(words);
        assert_eq!((answer.status, answer.stdout.as_str()), (Some(2), ""), "{answer:?}");
        assert!(answer.stderr.contains(&format!("there is no folder {home}")), "{answer:?}");
    }
    assert!(!plugin.root().join("providers/nobody").exists());
}

#[test]
fn the_same_executable_is_found_through_a_link_to_its_holder() {
    let plugin = Plugin::with_servers(1);
    let link = plugin.root().join("providers/other");
    std::os::unix::fs::symlink(plugin.holder(), &link).unwrap();
    let output = Command::new(plugin.executable())
        .args([OsStr::new("--home"), link.as_os_str(), OsStr::new("help")])
        .env_clear()
        .output()
        .unwrap();
    let answer = Answer::of(vec!["help".to_owned()], &output);
    assert_eq!(answer.succeeds()["name"], "other");
}
