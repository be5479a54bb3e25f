//! `check`: finds whatever is wrong, says how to mend it, and mends what it can.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::answer::{Answer, assert_valid};
use crate::support::hand::parsed;
use crate::support::plugin::{BINARY, Plugin, inventory};
use crate::support::{is_root, skip};

/// Checks; returns exit status and findings, each with a cure where it is no good news.
#[track_caller]
fn check(plugin: &Plugin, words: &[&str]) -> (i32, Vec<Value>) {
    let words = [&["check", "--json"], words].concat();
    let answer = plugin.run(&words);
    assert_eq!(answer.stderr, "", "{answer:?}");
    let document = parsed(&answer.stdout);
    assert_valid("check", &document);
    let findings = document["findings"].as_array().unwrap().clone();
    assert!(!findings.is_empty());
    for finding in &findings {
        assert_eq!(finding["cure"].is_null(), finding["level"] == "ok", "{finding}");
    }
    (answer.status.unwrap(), findings)
}

/// Expects a finding of that subject and level whose message holds `part`.
#[track_caller]
fn finds(plugin: &Plugin, subject: &str, level: &str, part: &str) {
    let (status, findings) = check(plugin, &[]);
    assert!(
        findings.iter().any(|finding| finding["subject"] == subject
            && finding["level"] == level
            && finding["message"].as_str().unwrap().contains(part)),
        "no {level} of {subject} with `{part}`: {findings:#?}"
    );
    let errors = findings.iter().any(|finding| finding["level"] == "error");
    assert_eq!(status, i32::from(errors), "only an error changes the exit status");
}

/// Expects that nothing but good is found.
#[track_caller]
fn is_well(plugin: &Plugin) {
    let (status, findings) = check(plugin, &[]);
    let bad: Vec<&Value> = findings.iter().filter(|finding| finding["level"] != "ok").collect();
    assert_eq!((status, bad), (0, vec![]));
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_provider_that_is_well_has_no_findings_before_and_after_its_first_order() {
    let plugin = Plugin::with_servers(2);
    chmod(&plugin.etc("inventory.json"), 0o600);
    is_well(&plugin);
    plugin.sold();
    plugin.settled();
    plugin.write_task("1", "complete: 10.0.0.0");
    is_well(&plugin);
    let answer = plugin.run(&["check"]);
    assert!(answer.prints().lines().all(|line| line.starts_with("ok ")), "{answer:?}");
}

#[test]
fn loose_permissions_are_found_refuse_nothing_and_are_mended() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    let loose = [
        (plugin.etc("demo.conf"), 0o644, 0o600),
        (plugin.etc("inventory.json"), 0o666, 0o600),
        (plugin.etc(""), 0o755, 0o700),
        (plugin.state("done/1.json"), 0o640, 0o600),
        (plugin.state("claims"), 0o777, 0o700),
        (plugin.executable(), 0o775, 0o755),
        (plugin.holder(), 0o777, 0o755),
    ];
    for (path, mode, _) in &loose {
        chmod(path, *mode);
    }
    for (path, mode, _) in &loose {
        let path = path.to_str().unwrap().trim_end_matches('/');
        finds(&plugin, "permissions", "warning", &format!("{path} has mode {mode:04o}"));
    }
    plugin.sold();
    plugin.settled();
    let (status, _) = check(&plugin, &["--fix"]);
    assert_eq!(status, 0);
    for (path, _, expected) in &loose {
        assert_eq!(mode(path), *expected, "{}", path.display());
    }
    let (_, findings) = check(&plugin, &["--fix"]);
    assert_eq!(findings[0]["message"], "0 files and folders mended");
}

#[test]
fn mending_follows_no_link_and_leaves_the_panels_tasks_alone() {
    let plugin = Plugin::with_servers(1);
    plugin.write_task("1", "");
    let task = plugin.holder().join("tasks/1");
    chmod(&task, 0o770);
    let outside = plugin.root().join("outside");
    std::fs::write(&outside, "").unwrap();
    chmod(&outside, 0o644);
    symlink(&outside, plugin.etc("soft")).unwrap();
    std::fs::hard_link(&outside, plugin.etc("hard")).unwrap();
    let (_, findings) = check(&plugin, &["--fix"]);
    for name in ["soft", "hard"] {
        let message = format!("etc/{name} is a link and was left alone");
        assert!(
            findings.iter().any(|finding| finding["message"].as_str().unwrap().contains(&message)),
            "{findings:#?}"
        );
    }
    assert_eq!((mode(&outside), mode(&task)), (0o644, 0o770));
}

#[test]
fn a_holder_of_another_user_is_reported_to_root_and_mended() {
    if !is_root() {
        return skip("only root can give files away");
    }
    let plugin = Plugin::with_servers(2);
    chmod(plugin.root(), 0o755);
    let given = Command::new("chown").args(["-R", "12345:12345"]).arg(plugin.holder()).status();
    assert!(given.unwrap().success());
    finds(&plugin, "owner", "warning", "belongs to 12345");
    plugin.sold();
    plugin.settled();
    let owner = |path: PathBuf| path.symlink_metadata().unwrap().uid();
    assert_eq!(owner(plugin.state("done/1.json")), 12345);

    // Whoever was the owner may have kept these open.
    let (conf, bin) = (plugin.etc("demo.conf"), plugin.executable());
    let mut kept = File::options().append(true).open(&conf).unwrap();
    let inode = |path: &Path| path.metadata().unwrap().ino();
    let before = (std::fs::read(&conf).unwrap(), inode(&bin));
    let (status, findings) = check(&plugin, &["--fix"]);
    kept.write_all(b"\n").unwrap();
    assert_eq!(std::fs::read(&conf).unwrap(), before.0);
    assert_ne!(inode(&bin), before.1);
    assert_eq!(status, 0, "{findings:#?}");
    for path in ["", "bin/demo", "etc/demo.conf", "state", "state/done/1.json", "state/lock"] {
        assert_eq!(owner(plugin.holder().join(path)), 0, "{path}");
    }
    finds(&plugin, "owner", "ok", "belongs to root");
    assert_eq!(plugin.status("1")["status"], "finished");
    plugin.sold();
}

#[test]
fn an_executable_without_its_bit_is_an_error_and_mended() {
    let plugin = Plugin::with_servers(1);
    let path = plugin.executable();
    chmod(&path, 0o600);
    let call = |words: &[&str]| {
        let mut command = Command::new(BINARY);
        let output = command.arg("--home").arg(plugin.holder()).args(words).env_clear().output();
        Answer::of(vec!["check".to_owned()], &output.unwrap())
    };
    let answer = call(&["check"]);
    assert_eq!(answer.status, Some(1), "{answer:?}");
    assert!(answer.stdout.contains("bin/demo is not executable"), "{answer:?}");
    assert!(call(&["check", "--fix"]).prints().contains("1 files and folders mended"));
    assert_eq!(mode(&path), 0o755);

    std::fs::remove_file(&path).unwrap();
    let answer = call(&["check"]);
    assert_eq!(answer.status, Some(1), "{answer:?}");
    assert!(answer.stdout.contains("ERROR    executable: "), "{answer:?}");
}

#[test]
fn faults_of_the_configuration_are_found() {
    let plugin = Plugin::with_servers(1);
    for (config, subject, level, part) in [
        (json!({}), "configuration", "warning", "nothing can be ordered"),
        (json!({ "status": "disabled" }), "configuration", "warning", "disabled"),
        (json!({ "bogus": 1 }), "configuration", "error", "`bogus`"),
        (json!({ "definition": "bogus" }), "definition", "error", "`bogus`"),
        (json!({ "definition": "./no.json" }), "definition", "error", "no.json"),
    ] {
        plugin.write_config(&config);
        finds(&plugin, subject, level, part);
    }
    std::fs::remove_file(plugin.etc("demo.conf")).unwrap();
    finds(&plugin, "configuration", "error", "etc/demo.conf");
}

#[test]
fn every_key_without_effect_is_named() {
    let plugin = Plugin::with_servers(1);
    plugin.write_config(&json!({
        "base_url": "https://api.example", "credentials": { "token": "x" },
        "configurations": [
            { "id": "1", "descr": "", "parameters": { "a": 1 }, "user_data": "x" } ],
        "limits": { "open_orders": 5, "order_timeout_seconds": 1 }, "ready": {}, "access": "key",
        "public_key": "k", "address": "private", "worker": { "threads": 2, "poll_seconds": 1 },
        "tls": {}, "proxy": "http://proxy.example", "webhooks": {},
        "retention": { "password_days": 1, "deliveries_per_webhook": 1, "orders_days": 1 } }));
    let (status, findings) = check(&plugin, &[]);
    let message = findings
        .iter()
        .filter_map(|finding| finding["message"].as_str())
        .find(|message| message.starts_with("without effect"))
        .unwrap();
    for key in [
        "base_url",
        "credentials",
        "parameters",
        "user_data",
        "limits.order_timeout_seconds",
        "ready",
        "access",
        "public_key",
        "address",
        "worker.threads",
        "tls",
        "proxy",
    ] {
        assert!(message.contains(key), "{key} is not in: {message}");
    }
    for key in ["open_orders", "poll_seconds", "retention", "webhooks"] {
        assert!(!message.contains(key), "{key} has an effect: {message}");
    }
    assert_eq!(status, 0);
}

#[test]
fn faults_of_the_inventory_are_found() {
    let plugin = Plugin::with_servers(1);
    let of = |server: &str, id: &str| {
        json!({ "servers": [
        { "server": server, "configurations": [id] } ] })
    };
    let with = |password: &str| {
        json!({ "servers": [
        { "server": "192.0.2.1", "server_password": password, "configurations": ["1"] } ] })
    };
    for (inventory, level, part) in [
        (of("10.0.0.1", "bogus"), "warning", "is for `bogus`"),
        (of("127.0.0.1", "1"), "warning", "refuses 127.0.0.1"),
        (of("127.9.9.9", "1"), "warning", "refuses 127.9.9.9"),
        (of("LocalHost", "1"), "warning", "refuses LocalHost"),
        (of("::1", "1"), "warning", "refuses ::1"),
        (of("a/b", "1"), "error", "`a/b`"),
        (of("192.0.2.312", "1"), "warning", "192.0.2.312 is no IPv4 address"),
        (of("192.0.2", "1"), "warning", "192.0.2 is no IPv4 address"),
        (with("exclaims!"), "warning", "the password of 192.0.2.1 is not of letters and digits"),
        (with(""), "warning", "the password of 192.0.2.1 is not of letters and digits"),
        (with("ReplaceThisPassword"), "warning", "192.0.2.1 is the example's, and would be sold"),
        (inventory(0), "warning", "0 of 0 servers"),
        (inventory(1), "ok", "1 of 1 servers"),
    ] {
        plugin.write_inventory(&inventory);
        finds(&plugin, "inventory", level, part);
    }
    plugin.sold();
    finds(&plugin, "inventory", "warning", "0 of 1 servers can be ordered");
    std::fs::remove_file(plugin.etc("inventory.json")).unwrap();
    finds(&plugin, "inventory", "error", "etc/inventory.json");
}

#[test]
fn faults_of_the_orders_are_found() {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.sold();
    plugin.settled();
    finds(&plugin, "orders", "ok", "2 stored");
    let worker = plugin.hold_worker_lock();
    plugin.order();
    plugin.move_order("3", "active", "accepted");
    finds(&plugin, "orders", "warning", "order 3 has not reached a caller");
    drop(worker);
    plugin.edit("done/2.json", |order| order["server"] = "10.0.0.0".into());
    finds(&plugin, "orders", "error", "orders 1 and 2 both hold server 10.0.0.0");
    std::fs::write(plugin.state("done/2.json"), "{").unwrap();
    finds(&plugin, "orders", "error", "done/2.json");
}

#[test]
fn a_holder_that_is_not_there_is_an_error() {
    let plugin = Plugin::installed();
    let home = plugin.root().join("providers/nobody");
    let mut command = Command::new(BINARY);
    let output = command.arg("--home").arg(&home).arg("check").env_clear().output().unwrap();
    let answer = Answer::of(vec!["check".to_owned()], &output);
    assert_eq!(answer.status, Some(1), "{answer:?}");
    assert!(answer.stdout.contains("ERROR    holder: "), "{answer:?}");
}
