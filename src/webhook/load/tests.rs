use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A provider `demo` whose machine is a folder of the test.
struct Machine {
    root: TempDir,
    home: Home,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let holder = root.path().join("providers/demo");
        std::fs::create_dir_all(holder.join("etc")).unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let home = Home::find(OsStr::new("x"), Some(OsString::from(holder)));
        Self { root, home }
    }

    #[expect(clippy::disallowed_methods, reason = "a test lays files where people would")]
    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.root.path().join(file), text).unwrap();
    }

    fn write_all(&self, own: &Value, machine: &Value) {
        self.write("providers/demo/etc/webhooks.json", &json!({ "webhooks": own }).to_string());
        self.write("etc/provider-webhooks.json", &json!({ "webhooks": machine }).to_string());
    }

    fn names(&self) -> Vec<String> {
        let loaded = load(&self.home).unwrap();
        loaded.webhooks.into_iter().map(|webhook| webhook.name).collect()
    }

    #[track_caller]
    fn refused(&self, own: &Value, machine: &Value, part: &str) {
        self.write_all(own, machine);
        let message = load(&self.home).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

fn generic(name: &str, more: &Value) -> Value {
    let mut webhook = json!({ "name": name, "kind": "generic", "url": "http://h/" });
    webhook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    webhook
}

fn none() -> Value {
    json!({})
}

#[test]
fn without_files_there_are_no_webhooks() {
    let machine = Machine::new();
    assert!(machine.names().is_empty());
    let outside = Home::find(OsStr::new("/usr/bin/x"), None);
    assert!(load(&outside).unwrap().webhooks.is_empty());
}

#[test]
fn of_the_machine_s_those_are_loaded_whose_scope_covers_the_provider() {
    let machine = Machine::new();
    let scopes = [json!("global"), json!(["other"]), json!(["other", "demo"])];
    let all: Vec<Value> = scopes
        .iter()
        .enumerate()
        .map(|(index, scope)| generic(&format!("m{index}"), &json!({ "scope": scope })))
        .collect();
    machine.write_all(&json!([generic("own", &none())]), &json!(all));
    assert_eq!(machine.names(), ["own", "m0", "m2"]);
}

#[test]
fn what_is_wrong_is_named_with_its_file_and_place() {
    let machine = Machine::new();
    let (global, empty) = (json!({ "scope": "global" }), json!([]));
    let own = |webhook: Value| json!([webhook]);
    for (local, machines, part) in [
        (own(generic("a/b", &none())), &empty, "webhooks.json: webhooks[0], `a/b`: name: "),
        (own(generic("a", &global)), &empty, "scope: only a webhook of the machine"),
        (
            json!([generic("a", &none()), generic("a", &none())]),
            &empty,
            "webhooks[1], `a`: the name",
        ),
        (own(generic("a", &json!({ "tries": 0 }))), &empty, "tries: 0"),
        (own(generic("a", &json!({ "events": [] }))), &empty, "webhooks[0], `a`: "),
        (own(generic("a", &json!({ "param": {} }))), &empty, "did you mean `params`?"),
        (empty.clone(), &own(generic("a", &none())), "scope: `global` or a list"),
        (empty.clone(), &own(generic("a", &json!({ "scope": [] }))), "scope: it names no provider"),
        (empty.clone(), &own(generic("a", &json!({ "scope": ["../x"] }))), "`../x` is no provider"),
        (own(generic("a", &none())), &own(generic("a", &global)), "webhook `a` stands in"),
    ] {
        machine.refused(&local, machines, part);
    }
}

#[test]
fn a_file_of_a_stranger_is_not_trusted() {
    let machine = Machine::new();
    if system::effective_uid() != 0 {
        return;
    }
    let file = machine.root.path().join("etc/provider-webhooks.json");
    machine.write_all(&json!([]), &json!([]));
    std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
    let message = load(&machine.home).unwrap_err().to_string();
    assert!(message.ends_with("it belongs to user 12345, not to root"), "{message}");
}

#[test]
fn every_file_that_is_named_is_watched_and_read_by_its_folder() {
    let machine = Machine::new();
    let more = json!({ "url": null, "url_file": "webhooks/a.url", "ca_file": "/nonexistent/ca" });
    let global = json!({ "scope": "global", "secrets": [{ "file": "s" }] });
    machine.write_all(&json!([generic("a", &more)]), &json!([generic("m", &global)]));
    let root = machine.root.path();
    let expected = [
        root.join("providers/demo/etc/webhooks.json"),
        root.join("providers/demo/etc/webhooks/a.url"),
        PathBuf::from("/nonexistent/ca"),
        root.join("etc/provider-webhooks.json"),
        root.join("etc/s"),
    ];
    assert_eq!(files(&machine.home), expected);

    let webhooks = load(&machine.home).unwrap().webhooks;
    let missing = target(&machine.home, &webhooks[0]).err().unwrap().why;
    assert!(
        missing.starts_with("url_file: ") && missing.contains("a.url: cannot read"),
        "{missing}"
    );
    machine.write("etc/s", "canary-secret\r\n");
    let target = target(&machine.home, &webhooks[1]).ok().unwrap();
    assert_eq!(target.secrets[0].0.expose(), "canary-secret");
    machine.write("etc/s", "\n");
    let empty = super::target(&machine.home, &webhooks[1]).err().unwrap().why;
    assert_eq!(empty, "secrets: s: it is empty");
}

#[test]
fn a_file_that_this_user_may_not_read_is_left_out_and_told_of() {
    let machine = Machine::new();
    machine.write_all(&json!([generic("own", &none())]), &json!([]));
    let file = machine.root.path().join("etc/provider-webhooks.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    let loaded = load(&machine.home).unwrap();
    // Root may read anything.
    assert_eq!(loaded.unreadable.is_some(), system::effective_uid() != 0);
    assert_eq!(loaded.webhooks.len(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_webhooks_or_refused_without_a_panic(bytes: Vec<u8>) {
        if let Ok(document) = json::parse::<Webhooks>(&bytes) {
            let _ = check_all(&document.webhooks, Side::Local);
        }
    }
}
