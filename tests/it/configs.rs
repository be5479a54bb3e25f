//! `configs`: what can be ordered, and every fault of the configuration named.

use serde_json::{Value, json};

use crate::support::plugin::Plugin;

/// Writes a configuration of which `configs` and `order` must say the same; returns what.
#[track_caller]
fn refused(plugin: &Plugin, config: &Value, code: &str) -> String {
    plugin.write_config(config);
    refused_as_it_is(plugin, code)
}

#[track_caller]
fn refused_as_it_is(plugin: &Plugin, code: &str) -> String {
    let message = plugin.run(&["configs"]).fails(code, 4);
    assert_eq!(plugin.run(&["order", "1"]).fails(code, 4), message);
    message
}

fn one(id: &str) -> Value {
    json!({ "configurations": [{ "id": id, "descr": "a server" }] })
}

#[test]
fn configs_lists_ids_and_descriptions_as_they_were_written() {
    let plugin = Plugin::installed();
    let descr = "Сервер «тест» — 2 vCPU,\t4 GB \"SSD\" \\ 日本語 😀";
    plugin.write_config(&json!({ "$schema": "configuration.json", "definition": "inventory",
        "configurations": [
            { "id": "1", "descr": descr },
            { "id": "A.b_c-9", "descr": "", "parameters": { "size": 2 } },
            { "id": "_", "descr": "x", "user_data": "#cloud-config" } ] }));
    plugin.run(&["configs"]).answers(&json!({ "status": "enabled", "configurations": [
        { "id": "1", "descr": descr },
        { "id": "A.b_c-9", "descr": "" },
        { "id": "_", "descr": "x" } ] }));
}

#[test]
fn a_provider_that_sells_nothing_has_an_empty_list() {
    let plugin = Plugin::installed();
    plugin.write_config(&json!({}));
    plugin.run(&["configs"]).answers(&json!({ "status": "enabled", "configurations": [] }));
}

#[test]
fn a_disabled_provider_still_lists_what_it_would_sell() {
    let plugin = Plugin::installed();
    plugin.write_config(&json!({ "status": "disabled",
        "configurations": [{ "id": "1", "descr": "a server" }] }));
    plugin.run(&["configs"]).answers(&json!({ "status": "disabled",
        "configurations": [{ "id": "1", "descr": "a server" }] }));
    plugin.run(&["order", "1"]).fails("disabled", 3);
}

#[test]
fn an_id_that_would_not_survive_a_shell_or_a_file_name_is_refused_by_name() {
    let plugin = Plugin::installed();
    let long = "a".repeat(65);
    for id in [
        "", ".", "..", "-1", ".hidden", "a b", "a/b", "../1", "a;b", "a&b", "a|b", "$a", "`a`",
        "a'b", "a\"b", "a\\b", "a*", "a?", "~", "a\n", "\t", "a\u{0}", "ä", "１", "a:b", "#1",
        "(1)", "{1}", "<1>", "a!", "a%", "a,b", "a=b", "a@b", "a+b", &long,
    ] {
        let message = refused(&plugin, &one(id), "configuration_invalid");
        assert!(message.contains(&format!("`{id}`")), "{id:?}: {message}");
        assert!(message.contains("configurations[0].id"), "{id:?}: {message}");
    }
    let longest = "a".repeat(64);
    for id in ["1", "0", "_x", "A", "a.b", "a-b", "1..2", &longest] {
        plugin.write_config(&one(id));
        assert_eq!(plugin.run(&["configs"]).succeeds()["configurations"][0]["id"], id);
    }
}

#[test]
fn an_id_that_stands_twice_is_refused_by_name_and_place() {
    let plugin = Plugin::installed();
    let config = json!({ "configurations": [
        { "id": "a", "descr": "" }, { "id": "b", "descr": "" }, { "id": "a", "descr": "" } ] });
    let message = refused(&plugin, &config, "configuration_invalid");
    assert!(message.contains("configurations[2].id: `a`"), "{message}");
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    let plugin = Plugin::installed();
    for (config, place, unknown, nearest) in [
        (json!({ "statuss": "enabled" }), "statuss", "statuss", "status"),
        (
            json!({ "limits": { "open_order": 1 } }),
            "limits.open_order",
            "open_order",
            "open_orders",
        ),
        (
            json!({ "configurations": [{ "id": "1", "descr": "", "parameter": {} }] }),
            "configurations[0].parameter",
            "parameter",
            "parameters",
        ),
        (json!({ "retention": { "days": 1 } }), "retention.days", "days", "orders_days"),
    ] {
        let message = refused(&plugin, &config, "configuration_invalid");
        for part in [
            "etc/demo.conf".to_owned(),
            format!("{place}: "),
            format!("unknown key `{unknown}`"),
            format!("`{nearest}`"),
        ] {
            assert!(message.contains(&part), "{part} is not in: {message}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_or_parsed_is_named() {
    let plugin = Plugin::installed();
    let path = plugin.etc("demo.conf");
    let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    let faults: [(&str, &dyn Fn()); 7] = [
        ("empty", &|| write(b"")),
        ("cut off", &|| write(b"{\"status\":")),
        ("not UTF-8", &|| write(b"{\"status\":\"\xff\"}")),
        ("a list", &|| write(b"[]")),
        ("two documents", &|| write(b"{}{}")),
        ("huge", &|| write(&vec![b' '; 2 << 20])),
        ("missing", &|| std::fs::remove_file(&path).unwrap()),
    ];
    for (fault, make) in faults {
        make();
        let message = refused_as_it_is(&plugin, "configuration_invalid");
        assert!(message.contains("etc/demo.conf: "), "{fault}: {message}");
        assert!(!message.contains('?'), "what broke off has no key: {message}");
    }
    std::fs::create_dir(&path).unwrap();
    let message = refused_as_it_is(&plugin, "configuration_invalid");
    assert!(message.contains("not a regular file"), "{message}");
}

#[test]
fn an_unknown_definition_is_named_with_those_that_there_are() {
    let plugin = Plugin::installed();
    let config = json!({ "definition": "bogus", "configurations": [] });
    let message = refused(&plugin, &config, "definition_invalid");
    assert!(message.contains("`bogus`") && message.contains("inventory"), "{message}");
}

#[test]
fn a_definition_may_be_a_file_beside_the_configuration() {
    let plugin = Plugin::with_servers(1);
    let mine = json!({ "kind": "inventory", "title": "The servers in the cellar" });
    std::fs::write(plugin.etc("mine.json"), mine.to_string()).unwrap();
    let config = json!({ "definition": "./mine.json",
        "configurations": [{ "id": "1", "descr": "from the cellar" }] });
    plugin.write_config(&config);
    assert_eq!(
        plugin.run(&["configs"]).succeeds()["configurations"][0]["descr"],
        "from the cellar"
    );
    assert_eq!(plugin.sold(), ("1".to_owned(), "10.0.0.0".to_owned()));
}

#[test]
fn a_definition_file_with_a_fault_is_named() {
    let plugin = Plugin::installed();
    let config = json!({ "definition": "./mine.json", "configurations": [] });
    plugin.write_config(&config);
    let path = plugin.etc("mine.json");
    for text in ["", "{}", r#"{"kind":"bogus"}"#, r#"{"kind":"inventory","title":"t","bogus":1}"#] {
        std::fs::write(&path, text).unwrap();
        let message = refused_as_it_is(&plugin, "definition_invalid");
        assert!(message.contains("`./mine.json`"), "{text}: {message}");
    }
    std::fs::remove_file(&path).unwrap();
    let message = refused_as_it_is(&plugin, "definition_invalid");
    assert!(message.contains("`./mine.json`"), "{message}");
}
