//! What a change leaves alone, and what it puts where.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{set, unset};

const FILE: &str = r#"{
    "definition" : "hetzner",

    "credentials": {"token": {"file":"t"}},
    "configurations": [
        { "id": "1", "descr": "one", "parameters": { "image": "alma-9" } },
        { "id": "cx2.1", "descr": "two" }
    ],
    "limits": { "open_orders": 5, "orders_per_day": 20 },
    "ready": null
}
"#;

/// Sets a value in [`FILE`], and expects nothing else to have changed.
#[track_caller]
fn replaces(key: &str, value: &str, old: &str, new: &str) {
    assert_eq!(FILE.matches(old).count(), 1, "{old}");
    assert_eq!(set(FILE, key, value).unwrap(), FILE.replace(old, new));
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    replaces("definition", "\"x\"", "\"hetzner\"", "\"x\"");
    replaces("limits.orders_per_day", " 7 ", "20", "7");
    replaces("configurations.1.parameters.image", "\"b\"", "alma-9", "b");
    replaces("configurations.cx2.1.descr", "\"zwei\"", "two", "zwei");
    replaces("ready.login", "true", "null", "{ \"login\": true }");
}

#[test]
fn what_is_missing_is_added_behind_the_last_and_spaced_as_that() {
    replaces("limits.order_timeout_seconds", "9", "20 }", "20, \"order_timeout_seconds\": 9 }");
    replaces("credentials.b", "{}", "\"t\"}", "\"t\"},\"b\": {}");
    replaces("worker.threads", "2", "null", "null,\n    \"worker\": { \"threads\": 2 }");
    replaces("proxy", "[\n  1\n]", "null", "null,\n    \"proxy\": [\n      1\n    ]");
    let old = "\"two\" }";
    let new = "\"two\" },\n        { \"id\": \"3\", \"descr\": \"three\" }";
    replaces("configurations.3", "{\"descr\": \"three\" }", old, new);
    replaces("configurations.3", "{ \"id\": \"3\", \"descr\": \"three\" }", old, new);
    assert_eq!(set("{}", "a.b", "1").unwrap(), "{\n  \"a\": { \"b\": 1 }\n}");
    assert_eq!(set("{\"a\":1}", "b", "1").unwrap(), "{\"a\":1,\"b\":1}");
    let first = set("{ }", "configurations.1", "{\"descr\":\"x\"}").unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first, json!({ "configurations": [{ "id": "1", "descr": "x" }] }));
    assert_eq!(set(r#"{"a":[1]}"#, "a.1", "2").unwrap(), r#"{"a":[1,2]}"#);
}

#[test]
fn a_value_is_taken_out_with_its_comma() {
    let left = |key: &str| unset(FILE, key).unwrap();
    assert_eq!(left("ready"), FILE.replace(",\n    \"ready\": null", ""));
    assert_eq!(left("limits.open_orders"), FILE.replace("\"open_orders\": 5, ", ""));
    assert_eq!(left("credentials.token.file"), FILE.replace("\"file\":\"t\"", ""));
    assert!(!left("configurations.1").contains("alma-9"));
    assert_eq!(unset(r#"{"a":[1,2,3]}"#, "a.1").unwrap(), r#"{"a":[1,3]}"#);
}

#[test]
fn a_key_that_leads_nowhere_is_named() {
    for (key, words) in [
        ("definition.x", "`definition` holds no further keys"),
        ("limits..x", "`limits..x` is no key"),
        ("", "`` is no key"),
        ("configurations.7.descr", "there is no configuration `7` yet"),
    ] {
        let problem = set(FILE, key, "1").unwrap_err();
        assert!(problem.starts_with(words), "{problem}");
    }
    let problem = set(FILE, "configurations.3", "{\"id\": \"4\"}").unwrap_err();
    assert!(problem.contains("called `3` here"), "{problem}");
    assert!(set(r#"{"a":[1]}"#, "a.2", "1").unwrap_err().contains("`2` is none, nor the next"));
    assert_eq!(unset(FILE, "limits.x").unwrap_err(), "`limits.x` is not there");
    assert!(set("{ // comment\n}", "a", "1").is_err());
}

/// JSON as people write it: any order, any white space, any text.
fn texts() -> impl Strategy<Value = String> {
    let space = "[ \n\t]{0,3}";
    let plain = prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        Just("null".to_owned()),
        Just("[1, {\"a\": \"]}\"} ]".to_owned()),
    ];
    let member =
        ("[a-z\\\\\"é]{1,3}", space, space, plain).prop_map(|(key, before, after, value)| {
            (key.clone(), format!("{}{before}:{after}{value}", Value::from(key)))
        });
    (prop::collection::vec((member, space, space), 0..6), space).prop_map(|(members, end)| {
        let mut seen = std::collections::BTreeSet::new();
        let members = members.into_iter().filter(|((key, _), ..)| seen.insert(key.clone()));
        let members: Vec<String> = members
            .map(|((_, member), before, after)| format!("{before}{member}{after}"))
            .collect();
        format!("{{{}{end}}}\n", members.join(","))
    })
}

proptest! {
    #[test]
    fn what_is_set_is_there_and_all_else_is_as_it_was(
        text in texts(),
        key in "[a-z\\\\\"é]{1,3}",
        value in any::<String>(),
    ) {
        let json = Value::from(value.clone()).to_string();
        let old: Value = serde_json::from_str(&text).unwrap();
        let changed = set(&text, &key, &json).unwrap();
        let mut new: Value = serde_json::from_str(&changed).unwrap();
        prop_assert_eq!(&new[&key], &Value::from(value));
        if let Some(before) = old.get(&key) {
            new[&key] = before.clone();
        } else {
            let back = unset(&changed, &key).unwrap();
            let back: Value = serde_json::from_str(&back).unwrap();
            prop_assert_eq!(&back, &old);
            new.as_object_mut().unwrap().remove(&key);
        }
        prop_assert_eq!(new, old);
    }

    #[test]
    fn set_and_unset_of_a_new_key_leave_every_byte(text in texts(), value in any::<i64>()) {
        let changed = set(&text, "new_key", &value.to_string()).unwrap();
        let back = unset(&changed, "new_key").unwrap();
        if text.contains(':') {
            prop_assert_eq!(back, text);
        }
    }

    #[test]
    fn setting_the_old_value_again_leaves_every_byte(text in texts(), key in "[a-z]") {
        let old: Value = serde_json::from_str(&text).unwrap();
        if let Some(value) = old.get(&key) {
            let other = set(&text, &key, "\"something else\"").unwrap();
            let root = super::spans::of(&text).unwrap();
            let super::Inner::Object(members) = &root.inner else { unreachable!() };
            let member = members.iter().rfind(|member| member.key == key).unwrap();
            let exact = &text[member.value.at.clone()];
            prop_assert_eq!(&serde_json::from_str::<Value>(exact).unwrap(), value);
            prop_assert_eq!(set(&other, &key, exact).unwrap(), text);
        }
    }

    #[test]
    fn any_text_is_changed_or_refused_without_a_panic(text: String, key: String) {
        let _ = set(&text, &key, "1");
        let _ = unset(&text, &key);
    }
}
