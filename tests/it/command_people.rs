//! A program as a hoster, for people: what it sells, whether it can be trusted, what it would be given;
//! and what `catalog` and `orders preview` make of parameters and credentials.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::plugin::Plugin;
use crate::support::program::{Servers, config, with_script};

const MINIMAL: Value = Value::Null;

#[test]
fn a_program_tells_what_it_sells_and_what_is_left() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &json!({ "balance": true, "title": "The shed" }));
    let told = plugin.run(&["catalog", "--json", "--set", "disks=2"]).json();
    let expected = json!({ "configurations": [{
        "id": "small", "descr": "1 CPU", "parameters": { "plan": "small", "disks": 2 },
        "price": { "amount": "3", "currency": "EUR", "per": "month" },
    }], "parameters": {} });
    assert_eq!(told, expected);
    let table = plugin.run(&["catalog"]);
    assert!(table.prints().contains("3 EUR/month"), "{table:?}");
    let found = plugin.run(&["check"]);
    assert!(found.stdout.contains("balance: 12.50 EUR"), "{found:?}");
    assert!(found.stdout.contains("The shed answers"), "{found:?}");
    assert_eq!(found.status, Some(0), "{found:?}");
    let without = Plugin::with_program(&servers, &json!({ "catalog": false }));
    without.run(&["catalog"]).complains(2);
    assert!(servers.made().is_empty(), "nothing was asked for but what is harmless");
}

#[test]
fn what_is_chosen_reaches_the_request_for_the_catalogue() {
    let servers = Servers::none();
    let script = "cat >$1/request; echo '{\"configurations\":[]}'";
    let plugin = with_script(&servers, script, &MINIMAL);
    plugin.run(&["catalog", "--set", "zone=ams1"]).prints();
    let request = std::fs::read_to_string(servers.folder().join("request")).unwrap();
    let request: Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["parameters"], json!({ "plan": "small", "zone": "ams1" }));
    assert_eq!((&request["verb"], &request["order"]), (&json!("catalog"), &Value::Null));
}

#[test]
fn check_minds_who_can_change_the_program() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let open = |mode: u32| {
        std::fs::set_permissions(plugin.etc("hoster.sh"), Permissions::from_mode(mode)).unwrap();
        plugin.run(&["check"])
    };
    assert_eq!(open(0o700).status, Some(0));
    let found = open(0o722);
    assert!(found.stdout.contains("others can change it"), "{found:?}");
    let mended = plugin.run(&["check", "--fix"]);
    assert!(mended.stdout.contains("files and folders mended"), "{mended:?}");
    let mode = plugin.etc("hoster.sh").metadata().unwrap().permissions().mode();
    assert_eq!(format!("{:o}", mode & 0o777), "700", "it can still be run");
    plugin.write_program("hoster.sh", "#!/bin/sh\necho oh no >&2\nexit 7\n");
    let found = plugin.run(&["check"]);
    assert!(found.stdout.contains("ended with 7: oh no"), "{found:?}");
}

#[test]
fn a_preview_shows_what_is_run_and_what_it_reads_without_secrets() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let shown = plugin.run(&["orders", "preview", "1", "--json"]).json();
    let request = &shown["requests"][0];
    assert_eq!(request["method"], "RUN");
    let line = format!("./hoster.sh {}", servers.folder().display());
    assert_eq!(request["url"], line);
    assert_eq!(request["body"]["credentials"], json!({ "token": "HIDDEN" }));
    assert_eq!(request["body"]["parameters"], json!({ "plan": "small" }));
    assert!(servers.made().is_empty());
}

#[test]
fn a_command_takes_no_address_and_says_so() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let mut config = config();
    config["base_url"] = json!("https://api.example");
    plugin.write_private("demo.conf", &config.to_string());
    let found = plugin.run(&["check"]);
    assert!(found.stdout.contains("without effect for a command: base_url"), "{found:?}");
}

#[test]
fn what_is_chosen_reaches_the_catalogue_of_an_api() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    plugin.edit_etc("fake-plain.json", |definition| {
        let request = &mut definition["catalog"]["parameters"]["plan"]["list"]["request"];
        request["query"] = json!({ "image": "{{ parameters.image }}" });
    });
    let asked = || {
        let mut all = hoster.requests().into_iter().map(|request| request.path);
        all.rfind(|path| path.starts_with("/plans")).unwrap()
    };
    plugin.run(&["catalog"]).prints();
    assert!(!asked().contains("another"), "{}", asked());
    plugin.run(&["catalog", "--set", "image=another"]).prints();
    assert_eq!(asked(), "/plans?image=another");
}

#[test]
fn a_credential_that_is_not_given_is_in_no_preview() {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    plugin.edit_etc("fake-plain.json", |definition| {
        definition["credentials"]["project"] =
            json!({ "description": "which project", "optional": true });
        definition["auth"]["headers"]["X-Project"] = json!("{{ credentials.project }}");
    });
    let project = || {
        let shown = plugin.run(&["orders", "preview", "1", "--json"]).json();
        shown["requests"][0]["headers"]["x-project"].clone()
    };
    assert_eq!(project(), Value::Null);
    plugin.edit_etc("demo.conf", |config| config["credentials"]["project"] = json!("p-4711"));
    assert_eq!(project(), "HIDDEN");
}
