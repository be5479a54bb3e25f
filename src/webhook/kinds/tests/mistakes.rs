use serde_json::{Value, json};

use super::super::samples::webhook;
use super::super::{check, check_url};
use crate::delivery::Kind;

/// The least that a kind needs.
fn least(kind: Kind) -> Value {
    let word = kind.word();
    match kind {
        Kind::Generic | Kind::Cloudstack | Kind::Solusvm2 => {
            json!({ "kind": word, "url": "https://example.com/" })
        }
        Kind::AzurePipelines => json!({
            "kind": word, "organization": "o", "project": "p", "pipeline_id": "7", "token_file": "t",
        }),
        Kind::GitlabCi => {
            json!({ "kind": word, "project_id": "g/p", "ref": "main", "token_file": "t" })
        }
        Kind::Template => {
            json!({ "kind": word, "url_file": "u", "body": { "a": "{{ summary }}" } })
        }
    }
}

fn with(kind: Kind, key: &str, value: Value) -> Result<(), String> {
    let mut keys = least(kind);
    keys[key] = value;
    check(&webhook(keys))
}

fn why(kind: Kind, key: &str, value: Value) -> String {
    with(kind, key, value).unwrap_err()
}

#[test]
fn the_least_that_a_kind_needs_is_enough_and_each_of_it_is_needed() {
    for kind in Kind::ALL {
        check(&webhook(least(kind))).unwrap();
        for key in least(kind).as_object().unwrap().keys().filter(|key| *key != "kind") {
            let mut keys = least(kind);
            keys.as_object_mut().unwrap().remove(key);
            let why = check(&webhook(keys.clone())).unwrap_err();
            assert!(why.contains(&format!("`{key}`")) && why.contains("missing"), "{why}");
            if !matches!(key.as_str(), "url" | "url_file" | "body") {
                keys[key] = json!("");
                assert_eq!(check(&webhook(keys)).unwrap_err(), why);
            }
        }
    }
}

#[test]
fn a_key_of_another_kind_is_named_with_its_kind() {
    for (key, value, kinds) in [
        ("params", json!({ "a": 1 }), "`solusvm2`"),
        ("variables", json!({ "A": "x" }), "`azure-pipelines`, `gitlab-ci` and `template`"),
        ("secret_variables", json!({ "A": "f" }), "`azure-pipelines`, `gitlab-ci` and `template`"),
        (
            "secrets",
            json!([{ "value": "x" }]),
            "`generic`, `cloudstack`, `solusvm2` and `template`",
        ),
        ("envelope", json!("plain"), "`generic`"),
        ("strict_200", json!(true), "`cloudstack`"),
        ("organization", json!("o"), "`azure-pipelines`"),
        ("project", json!("p"), "`azure-pipelines`"),
        ("pipeline_id", json!(1), "`azure-pipelines`"),
        ("skip_stage", json!(["s"]), "`azure-pipelines`"),
        ("as_template_parameters", json!(true), "`azure-pipelines`"),
        ("project_id", json!(1), "`gitlab-ci`"),
        ("ref", json!("main"), "`azure-pipelines` and `gitlab-ci`"),
        ("token_file", json!("t"), "`azure-pipelines` and `gitlab-ci`"),
        ("body", json!({}), "`template`"),
        ("form", json!({}), "`template`"),
    ] {
        for kind in Kind::ALL {
            let word = format!("`{}`", kind.word());
            let result = with(kind, key, value.clone());
            if kinds.contains(&word) {
                // `form` beside `body` is another mistake.
                assert!(key == "form" || result.is_ok(), "{key} {word}: {result:?}");
            } else {
                let wanted = format!("`{key}` is a key of {kinds}, not of {word}");
                assert_eq!(result, Err(wanted));
            }
        }
    }
}

#[test]
fn one_of_two_keys_is_enough() {
    let both = why(Kind::Generic, "url_file", json!("u"));
    assert_eq!(both, "`url` and `url_file` are both there: one is enough");
    let both = why(Kind::Template, "form", json!({}));
    assert_eq!(both, "`body` and `form` are both there: one is enough");
    let both = why(Kind::Generic, "secrets", json!([{ "value": "canary", "file": "f" }]));
    assert_eq!(both, "secrets[0]: it has either `value` or `file`");
    why(Kind::Generic, "secrets", json!([{}]));
}

#[test]
fn a_malformed_secret_is_named_by_its_place() {
    let secrets = json!([{ "value": "fine" }, { "file": "f" }, { "value": "whsec_canary" }]);
    let why = why(Kind::Generic, "secrets", secrets);
    assert!(why.starts_with("secrets[2]: ") && !why.contains("canary"), "{why}");
}

#[test]
fn a_parameter_of_ones_own_cannot_stand_for_a_built_in_one() {
    for name in ["serverIps", "crId", "userStatus[]", "serverId[0]", ""] {
        let why = why(Kind::Solusvm2, "params", json!({ name: "canary" }));
        assert!(why.starts_with("params: ") && !why.contains("canary"), "{why}");
    }
    with(Kind::Solusvm2, "params", json!({ "secret": "x", "serverid": 1 })).unwrap();
    for query in ["serverId=1", "a=1&%73erverId", "serverIps[]=1", "a=1&a=2", "secret"] {
        let keys = json!({ "kind": "solusvm2", "params": { "secret": "x" } });
        let why = check_url(&webhook(keys), &format!("http://canary/?{query}")).unwrap_err();
        assert!(why.starts_with("url: `") && !why.contains("canary"), "{why}");
    }
    let keys = json!({ "kind": "solusvm2" });
    check_url(&webhook(keys), "http://example.com/?a=1&b[]=1&b[]=2&").unwrap();
    check_url(&webhook(json!({ "kind": "generic" })), "http://example.com/?serverId=1").unwrap();
}

#[test]
fn a_login_and_a_query_are_refused_where_they_are_of_no_use() {
    for kind in Kind::ALL {
        let is_service = matches!(kind, Kind::AzurePipelines | Kind::GitlabCi);
        let hook = webhook(json!({ "kind": kind }));
        check_url(&hook, "https://example.com:8443/a/b").unwrap();
        assert_eq!(check_url(&hook, "https://example.com/?x=1").is_err(), is_service);
        let login = check_url(&hook, "https://u:canary@example.com/");
        assert_eq!(login.is_err(), kind == Kind::AzurePipelines, "{login:?}");
    }
    let both = json!({ "kind": "generic", "headers": { "authorization": "x" } });
    let why = check_url(&webhook(both), "https://u:canary@example.com/").unwrap_err();
    assert!(why.contains("`Authorization`") && !why.contains("canary"), "{why}");
    // Where there is no TLS there is nothing to verify; that is no mistake.
    check(&webhook(json!({ "kind": "cloudstack", "url": "http://a/", "tls_verify": true })))
        .unwrap();
}

#[test]
fn what_names_a_pipeline_is_checked() {
    for (key, value) in [
        ("organization", json!("..")),
        ("organization", json!("a/b")),
        ("project", json!("a\nb")),
        ("pipeline_id", json!("-1")),
        ("pipeline_id", json!("7?x")),
        ("ref", json!("a b")),
        ("skip_stage", json!([""])),
    ] {
        assert!(why(Kind::AzurePipelines, key, value).starts_with(key));
    }
    for (key, value) in [
        ("project_id", json!("group%2Fproject")),
        ("project_id", json!("/project")),
        ("project_id", json!("a/../b")),
        ("project_id", json!("a b")),
        ("ref", json!("main\n")),
    ] {
        assert!(why(Kind::GitlabCi, key, value).starts_with(key));
    }
    with(Kind::AzurePipelines, "project", json!("Mein Projekt")).unwrap();
    with(Kind::GitlabCi, "project_id", json!(278_964)).unwrap();
}

#[test]
fn expressions_are_parsed_and_read_only_what_there_is() {
    for (template, found) in [
        ("{{ summary", "`{{` without its `}}`"),
        ("{{ 1 + }}", "is no expression"),
        ("{{ summary | nosuch }}", "nosuch"),
        ("{{ evnt.data }}", "there is no `evnt.data`"),
        ("{{ event.date }}", "there is no `event.date`"),
        ("{{ event.data.order.id.x }}", "there is no `event.data.order.id.x`"),
        ("{{ summary.x }}", "there is no `summary.x`"),
        ("{{ variables.missing }}", "there is no `variables.missing`"),
        ("{{ credentials.token }}", "there is no `credentials.token`"),
    ] {
        let why = why(Kind::Template, "body", json!({ "a": [{ "b/c": template }] }));
        assert!(why.starts_with("/body/a/0/b~1c: ") && why.contains(found), "{why}");
        let mut form = least(Kind::Template);
        form.as_object_mut().unwrap().remove("body");
        form["form"] = json!({ "f": template });
        let why = check(&webhook(form)).unwrap_err();
        assert!(why.starts_with("/form/f: ") && why.contains(found), "{why}");
        let headers = json!({ "X-Own": format!("canary {template}") });
        let why = self::why(Kind::Template, "headers", headers.clone());
        assert!(why.contains("`X-Own`") && !why.contains("canary"), "{why}");
        // Elsewhere a header is what it is.
        with(Kind::Generic, "headers", headers).unwrap();
    }
    let body = json!({
        "a": "{{ event.type }} {{ event.data.account.plan.name | default('') }}",
        "b": "{{ event.data.server.addresses[0] | default(none) }}",
        "c": "{{ event }}", "d": "{{ variables['A.b'] }}{{ variables.c }}", "e": "{{ variables }}",
    });
    let mut keys = least(Kind::Template);
    keys["body"] = body;
    keys["variables"] = json!({ "A.b": "x" });
    keys["secret_variables"] = json!({ "c": "f" });
    check(&webhook(keys)).unwrap();
}
