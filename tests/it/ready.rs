//! Ready for the pool: what is handed over joins at the first try, and nothing is before that.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::hand::parsed;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::{config, definition};
use crate::support::panel::{OWNER, is_private_to};
use crate::support::place::{Place, assert_secret};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_server_is_handed_over_when_its_ssh_server_answers_and_joins_at_the_first_try() {
    // As a configuration has it that does not name `ready`.
    let Some(mut place) = Place::new(&json!({})) else { return };
    place.config.as_object_mut().unwrap().remove("ready");
    place.plugin().write_private("demo.conf", &place.config.to_string());
    let (id, password) = place.buy();
    let silent = format!("port 22 of {} does not answer", place.host.address());
    place.waits_for(&id, &silent, &password);
    assert_eq!(place.panel.known_lines(), [""; 0]);

    place.host.set_password(&password);
    place.host.start();
    place.handed_over(&id, &password);
    let mut known = place.panel.known_lines();
    known.sort();
    assert_eq!(known, place.host.key_lines());
    assert!(is_private_to(&place.panel.known_hosts("root"), 0));
    place.joins(&password);
    assert_eq!(lines(&place.host.authorized_keys()), [place.panel.key()]);
}

/// What the tests of this file look for, they must be able to see.
#[test]
fn a_server_whose_keys_are_unknown_or_stale_does_not_join() {
    let Some(mut place) = Place::new(&json!({ "known_hosts": false })) else { return };
    let (id, password) = place.buy();
    place.host.set_password(&password);
    place.host.start();
    place.handed_over(&id, &password);
    assert!(!place.panel.known_hosts("root").exists());
    let (joined, said) = place.panel.joins(&place.host, &password);
    assert!(!joined && said.contains("ssh asks about the key"), "{said}");
    let why = place.panel.logs_in(&place.host).unwrap_err();
    assert!(why.contains("Host key verification failed"), "{why}");

    place.panel.know(&format!("{}\n", place.host.key_lines().join("\n")));
    let (joined, said) = place.panel.joins(&place.host, "wrong");
    assert!(!joined && said.contains("the password is wrong"), "{said}");
    place.host.replace();
    place.host.start();
    let (joined, said) = place.panel.joins(&place.host, &password);
    assert!(!joined && said.contains("IDENTIFICATION HAS CHANGED"), "{said}");
}

#[test]
fn the_next_server_at_an_address_joins_as_the_first_did() {
    let Some(mut place) = Place::new(&json!({})) else { return };
    let old = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8";
    let others = ["# mine".to_owned(), format!("other.example {old}"), format!("192.0.2.1 {old}")];
    place.panel.know(&format!("{}\n{} {old}\n", others.join("\n"), place.host.address()));
    for _ in 0..2 {
        let (id, password) = place.buy();
        place.host.replace();
        place.host.set_password(&password);
        place.host.start();
        place.handed_over(&id, &password);
        let known = place.panel.known_lines();
        let (kept, mut added) = (known[..3].to_vec(), known[3..].to_vec());
        added.sort();
        assert_eq!((kept.as_slice(), added), (others.as_slice(), place.host.key_lines()));
        place.joins(&password);
        place.host.stop();
    }
}

#[test]
fn with_login_the_password_must_be_the_servers_and_must_not_be_expired() {
    let Some(mut place) = Place::new(&json!({ "login": true })) else { return };
    let (id, password) = place.buy();
    place.host.set_password("another");
    place.host.start();
    place.waits_for(&id, "root's password does not log in", &password);
    place.waits_for(&id, "Permission denied", &password);
    place.host.set_expired_password(&password);
    place.waits_for(&id, "Password change required", &password);
    place.host.set_password(&password);
    place.handed_over(&id, &password);
    place.joins(&password);
}

#[test]
fn the_command_is_told_of_the_server_and_has_the_last_word() {
    let Some(mut place) = Place::new(&json!({})) else { return };
    let (told, gate) = (place.panel.path("told"), place.panel.path("gate"));
    let script = format!(
        "env > {0}.new; mv {0}.new {0}; test -e {1} && exit 0; echo $SERVER_PASSWORD is early; \
         exit 3",
        told.display(),
        gate.display()
    );
    place.configure("ready", &json!({ "command": ["sh", "-c", script] }));
    let (id, password) = place.buy();
    place.host.set_password(&password);
    place.host.start();
    place.waits_for(&id, "`ready.command` ended with 3: *** is early", &password);
    let stored = place.plugin().stored(&id);
    let known = lines(&told);
    for (name, value) in [
        ("SERVER", place.host.address()),
        ("SERVER_PASSWORD", password.clone()),
        ("SERVER_ID", stored["server_id"].as_str().unwrap().to_owned()),
        ("HOSTNAME", stored["hostname"].as_str().unwrap().to_owned()),
        ("TASK_ID", id.clone()),
        ("SSH_PORT", "22".to_owned()),
        ("HOME", place.panel.path("root").display().to_string()),
    ] {
        assert!(known.contains(&format!("{name}={value}")), "{name}={value}: {known:?}");
    }
    std::fs::write(gate, "").unwrap();
    place.handed_over(&id, &password);
    let log = std::fs::read_to_string(place.plugin().state("log/provider.log")).unwrap();
    assert_secret(&log, &password);
}

#[test]
fn a_command_that_hangs_is_ended_in_time_and_holds_up_no_other_order() {
    let Some(mut place) = Place::new(&json!({})) else { return };
    let pids = place.panel.path("pids");
    let script =
        format!("test $TASK_ID = 1 || exit 0; sleep 600 & echo $! $$ > {}; wait", pids.display());
    place.configure("worker", &json!({ "poll_seconds": 0.2, "threads": 2 }));
    place.configure("ready", &json!({ "timeout_seconds": 8, "command": ["sh", "-c", script] }));
    place.host.start();
    let (first, password) = place.buy();
    wait_until("the command hangs", || !lines(&pids).is_empty());
    let (second, other) = place.buy();
    place.handed_over(&second, &other);
    let running = || {
        let text = std::fs::read_to_string(&pids).unwrap();
        let exists = |pid: &&str| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            status.is_ok_and(|status| !status.contains(") Z "))
        };
        text.split_whitespace().filter(exists).count()
    };
    assert_eq!(running(), 2);
    let reason = place.plugin().failed(&first);
    wait_until("the command and its children have ended", || running() == 0);
    assert_secret(&reason, &password);
    let purchase = &place.hoster.purchases()[0];
    for told in [
        "not ready for the pool within 8 s",
        "`ready.command` took longer than",
        &format!("server {} (`{}`) was bought", purchase.id, purchase.name),
    ] {
        assert!(reason.contains(told), "{reason}");
    }
}

#[test]
fn a_command_that_hangs_does_not_outlive_the_orders_own_time() {
    let Some(mut place) = Place::new(&json!({ "command": ["sleep", "600"] })) else { return };
    place.configure("limits", &json!({ "order_timeout_seconds": 4 }));
    place.host.start();
    let (id, _) = place.buy();
    let reason = place.plugin().failed(&id);
    assert!(reason.contains("not finished within 4 s: `ready.command` took"), "{reason}");
}

#[test]
fn a_server_that_does_not_become_ready_in_time_fails_the_order_and_is_named() {
    let Some(place) = Place::new(&json!({ "timeout_seconds": 0.5 })) else { return };
    let (id, _) = place.buy();
    let reason = place.plugin().failed(&id);
    let purchase = &place.hoster.purchases()[0];
    for told in [
        "not ready for the pool within 0.5 s".to_owned(),
        format!("port 22 of {} does not answer", place.host.address()),
        format!("server {} (`{}`) was bought", purchase.id, purchase.name),
        format!("`orders release {id}` removes it"),
    ] {
        assert!(reason.contains(&told), "{reason}");
    }
}

#[test]
fn a_server_with_the_pools_key_is_handed_over_without_a_password() {
    // A login has no password to try.
    let Some(mut place) = Place::of("fake-token", &json!({ "login": true })) else { return };
    place.plugin().write_private("pool.pub", &format!("{}\n", place.panel.key()));
    place.configure("access", &json!("key"));
    place.configure("public_key", &json!({ "file": "pool.pub" }));
    let (id, password) = place.buy();
    assert_eq!(password, "", "the hoster was given a password");
    let user_data = place.hoster.purchases()[0].user_data.clone().unwrap();
    let document = parsed(user_data.strip_prefix("#cloud-config\n").unwrap());
    assert_eq!(document["ssh_authorized_keys"], json!([place.panel.key()]), "{user_data}");
    if let Some(unused) = place.plugin().stored(&id)["password"].as_str() {
        assert!(!user_data.contains(unused), "{user_data}");
    }
    place.host.authorize(&place.panel.key());
    place.host.start();
    assert_eq!(place.plugin().finished(&id), place.host.address());
    let status = place.plugin().status(&id);
    assert_eq!(status.get("server_password"), None, "{status}");
    assert_eq!(place.panel.logs_in(&place.host), Ok(()));
}

#[test]
fn the_private_address_is_handed_over_where_it_is_asked_for() {
    let Some(mut place) = Place::new(&json!({})) else { return };
    // The address that the test's server has is the private one.
    let mut swapped = definition("fake-unique");
    let poll = &mut swapped["poll"];
    let (public, private) = (poll["private"].take(), poll["public"].take());
    (poll["public"], poll["private"]) = (public, private);
    swapped["recordings"] = json!([]);
    place.plugin().write_private("fake-unique.json", &swapped.to_string());
    place.configure("address", &json!("private"));
    let (id, password) = place.buy();
    place.host.set_password(&password);
    place.host.start();
    place.handed_over(&id, &password);
    place.joins(&password);
}

#[test]
fn a_server_without_an_ipv4_address_is_not_handed_over() {
    let mode = Mode { address: Some("2001:db8::1".to_owned()), ..Mode::unique() };
    let hoster = Hoster::start(mode);
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let mut limited = config(&hoster, "fake-unique");
    limited["limits"] = json!({ "order_timeout_seconds": 1 });
    plugin.write_private("demo.conf", &limited.to_string());
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("no IPv4 address"), "{reason}");
    assert!(reason.contains(&format!("server {}", hoster.purchases()[0].id)), "{reason}");
}

#[test]
fn nothing_is_looked_at_where_readiness_is_skipped() {
    let Some(place) = Place::new(&Value::Null) else { return };
    let (id, password) = place.buy();
    place.handed_over(&id, &password);
    assert!(!place.panel.known_hosts("root").exists());
}

#[test]
fn the_keys_are_known_to_the_holders_owner_whoever_calls() {
    let Some(mut place) = Place::new(&json!({ "login": true })) else { return };
    place.panel.give_away();
    let (id, password) = place.buy();
    place.host.set_password(&password);
    place.host.start();
    place.handed_over(&id, &password);
    let file = place.panel.known_hosts("owner");
    let mut known = lines(&file);
    known.sort();
    assert_eq!(known, place.host.key_lines());
    assert!(is_private_to(&file, OWNER));
    assert!(!place.panel.known_hosts("root").exists());
}
