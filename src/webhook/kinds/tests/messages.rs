use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::samples::{event, header, message, now, target, webhook};
use super::super::{frozen_body, summary};
use crate::delivery::Delivery;
use crate::delivery::Kind;
use crate::event::EventType;

const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_summary_is_one_line() {
    for (kind, wanted) in [
        (EventType::Accepted, "Order 7 was accepted: AlmaLinux 9, 2 vCPU"),
        (EventType::Finished, "Order 7 finished: 192.0.2.1"),
        (EventType::Failed, "Order 7 failed: no such image: alma-10"),
        (EventType::Cancelled, "Order 7 was cancelled"),
        (EventType::Released, "Order 7 was released: 192.0.2.1"),
    ] {
        assert_eq!(summary(&event(kind)), wanted);
    }
}

#[test]
fn generic_sends_the_event_whole_or_its_data() {
    let url = "https://example.com/hook?a=b";
    let made = message(&target(json!({ "kind": "generic", "url": url })), EventType::Finished);
    assert_eq!((made.url.as_str(), made.redirects), (url, 0));
    assert_eq!(made.headers, [("Content-Type", "application/json".to_owned())]);
    assert_eq!(
        made.body,
        concat!(
            r#"{"type":"order.finished","timestamp":"2026-01-02T03:04:05Z","data":{"#,
            r#""webhook":{"id":"0190b2d0-7c00-7000-8000-000000000001","eventTrigger":"ORDER","#,
            r#""eventOperation":"CREATE","eventOperationStatus":"SUCCESS","#,
            r#""eventDate":"2026-01-02T03:04:05Z"},"provider":{"name":"demo"},"#,
            r#""configuration":{"id":"1","name":"AlmaLinux 9, 2 vCPU"},"#,
            r#""order":{"id":"7","key":"b302099a-8057-4000-8000-000000000007"},"#,
            r#""server":{"id":"4711","hostname":"webdir-7","address":"192.0.2.1","#,
            r#""addresses":["192.0.2.1","2001:db8::1"]},"status":"SUCCESS","errorLog":"","#,
            r#""author":{"name":"alice","email":""},"account":{"billingUserId":42,"#,
            r#""userAllowedIps":["198.51.100.1"],"userEmail":"a b@example.com"}}}"#,
        )
    );
    let plain = target(json!({ "kind": "generic", "url": url, "envelope": "plain" }));
    let plain = message(&plain, EventType::Finished);
    assert_eq!(parsed(&plain.body), parsed(&made.body)["data"]);
}

#[test]
fn what_is_signed_is_the_body_that_was_frozen() {
    let target = target(json!({
        "kind": "generic",
        "secrets": [{ "value": "new secret" }, { "value": KEY, "expires_at": "2026-01-02T03:06:00Z" }],
    }));
    let event = event(EventType::Finished);
    let made = super::super::message(&target, &event, Some("{\"a\":1}"), now()).unwrap();
    assert_eq!(made.body, "{\"a\":1}");
    let id = "0190b2d0-7c00-7000-8000-000000000001";
    assert_eq!(header(&made, "webhook-id"), Some(id));
    assert_eq!(header(&made, "webhook-timestamp"), Some("1767323100"));
    let signatures = header(&made, "webhook-signature").unwrap();
    // The second as the packages standardwebhooks and svix of PyPI make it, the first as Python's
    // `hmac` does: to those packages such a secret is base64.
    let wanted = "v1,4sjwlRfewwDZsy8gzU9+F59bT4OcdmUkwgIaQYNi+6U= \
                  v1,BjL8P8dzlZt2P4YyS8j3P/commOgsYBEGWs8U2eyffQ=";
    assert_eq!(signatures, wanted);
    let late = "2026-01-02T03:06:00Z".parse().unwrap();
    let later = super::super::message(&target, &event, Some("{\"a\":1}"), late).unwrap();
    assert_eq!(header(&later, "webhook-timestamp"), Some("1767323160"));
    assert_eq!(header(&later, "webhook-signature").unwrap().split(' ').count(), 1);
}

#[test]
fn with_every_secret_expired_nothing_is_sent_unsigned() {
    for kind in ["generic", "cloudstack", "solusvm2"] {
        let target = target(json!({
            "kind": kind,
            "secrets": [{ "value": "canary", "expires_at": "2026-01-02T03:05:00Z" }],
        }));
        let why = super::super::message(&target, &event(EventType::Finished), None, now());
        let why = why.unwrap_err();
        assert!(why.contains("expired") && !why.contains("canary"), "{why}");
    }
}

#[test]
fn cloudstack_sends_flat_texts_and_its_headers() {
    let target = target(json!({
        "kind": "cloudstack", "url": "http://127.0.0.1:8080/", "secrets": [{ "value": "topsecret" }],
    }));
    let made = message(&target, EventType::Failed);
    assert_eq!(
        parsed(&made.body),
        json!({
            "event": "ORDER.FAILED", "status": "Failed",
            "description": "Order 7 failed: no such image: alma-10",
            "eventDateTime": "2026-01-02 03:04:05 +0000", "user": "alice", "account": "demo",
            "entity": "Order", "entityuuid": "b302099a-8057-4000-8000-000000000007",
            "Server": "", "Provider": "demo",
        })
    );
    for (name, value) in [
        ("Content-Type", "application/json; charset=UTF-8"),
        ("User-Agent", "CS-Hookshot/demo"),
        ("X-CS-Event-ID", "0190b2d0-7c00-7000-8000-000000000001"),
        ("X-CS-Event", "ORDER.FAILED"),
        ("webhook-id", "0190b2d0-7c00-7000-8000-000000000001"),
    ] {
        assert_eq!(header(&made, name), Some(value), "{name}");
    }
    let event = event(EventType::Finished);
    let body = "{\"event\":\"order.finished\"}";
    let made = super::super::message(&target, &event, Some(body), now()).unwrap();
    let signature = "0e+2ufTnifhdNUE7KzJbmDc8TQrstOZrYf+LjhpPvvA=";
    assert_eq!(header(&made, "X-CS-Signature"), Some(signature));
}

#[test]
fn an_account_with_a_line_break_stays_one_header() {
    let target = target(json!({ "kind": "cloudstack" }));
    let mut event = event(EventType::Finished);
    event.data.account.insert("account".to_owned(), json!("acme\r\nX: y"));
    let made = super::super::message(&target, &event, None, now()).unwrap();
    assert_eq!(header(&made, "User-Agent"), Some("CS-Hookshot/acme%0D%0AX%3A%20y"));
    assert_eq!(parsed(&made.body)["account"], "acme\r\nX: y");
}

#[test]
fn solusvm2_sends_every_parameter_in_the_url_and_no_body() {
    let target = target(json!({
        "kind": "solusvm2", "url": "http://u:p@example.com/hook.php?x=1",
        "params": { "secret": "S &", "n": 5, "tree": { "a": [true, null] } },
    }));
    let made = message(&target, EventType::Finished);
    assert_eq!(
        made.url,
        concat!(
            "http://example.com/hook.php?x=1&crId=&crHostname=&crStatus=&crLicenseType=&serverId=4711",
            "&serverIps=%5B%22192.0.2.1%22%2C%222001%3Adb8%3A%3A1%22%5D&serverHostname=webdir-7",
            "&serverUuid=b302099a-8057-4000-8000-000000000007&serverStatus=started",
            "&userId=&billingUserId=42&userEmail=a%20b%40example.com&userStatus=",
            "&userAllowedIps=%5B%22198.51.100.1%22%5D",
            "&n=5&secret=S%20%26&tree=%7B%22a%22%3A%5Btrue%2Cnull%5D%7D",
        )
    );
    assert_eq!((made.body.as_str(), made.redirects, made.headers.len()), ("", 5, 0));
    let login = ("Authorization".to_owned(), "Basic dTpw".to_owned());
    assert_eq!(made.own_headers, [login]);
    for (kind, status) in [
        (EventType::Accepted, "not%20exists"),
        (EventType::Failed, "unavailable"),
        (EventType::Cancelled, "not%20exists"),
        (EventType::Released, "not%20exists"),
    ] {
        let made = message(&target, kind);
        assert!(made.url.contains(&format!("&serverStatus={status}&")), "{}", made.url);
    }
}

#[test]
fn a_template_makes_json_forms_and_headers() {
    let chat = target(json!({
        "kind": "template",
        "headers": { "X-Order": "{{ event.data.order.id }}/{{ variables.room }}" },
        "variables": { "room": "ops" },
        "body": {
            "chat_id": -5, "text": "{{ summary }}", "to": "#{{ variables.room }}",
            "list": "{{ event.data.server.addresses }}", "none": "{{ none }}",
        },
    }));
    let made = message(&chat, EventType::Finished);
    assert_eq!(
        parsed(&made.body),
        json!({
            "chat_id": -5, "text": "Order 7 finished: 192.0.2.1", "to": "#ops",
            "list": ["192.0.2.1", "2001:db8::1"],
        })
    );
    assert_eq!(made.own_headers, [("X-Order".to_owned(), "7/ops".to_owned())]);
    let form = target(json!({
        "kind": "template", "secret_variables": { "key": "file" },
        "form": { "a b": "{{ summary }}", "ip": "{{ event.data.server.addresses }}",
                  "key": "{{ variables.key }}", "n": "{{ none }}", "ok": "{{ 1 < 2 }}" },
    }));
    let made = message(&form, EventType::Finished);
    assert_eq!(
        made.body,
        "a%20b=Order%207%20finished%3A%20192.0.2.1&ip=192.0.2.1&ip=2001%3Adb8%3A%3A1&key=x&ok=true"
    );
    assert_eq!(header(&made, "Content-Type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn a_template_that_has_no_value_says_so_at_each_attempt() {
    let target = target(json!({
        "kind": "template", "headers": { "X-Own": "canary {{ event.data.account.x }}" },
        "body": { "text": "{{ event.data.account.plan }}" },
    }));
    let event = event(EventType::Finished);
    assert_eq!(frozen_body(&target.webhook, &event), None);
    let why = super::super::message(&target, &event, None, now()).unwrap_err();
    assert!(why.starts_with("/body/text: `{{ event.data.account.plan }}`: "), "{why}");
    let why = super::super::message(&target, &event, Some("{}"), now()).unwrap_err();
    assert_eq!(why, "header `X-Own`: something in it is undefined");
    let mut odd = target;
    odd.webhook.headers = webhook(json!({
        "kind": "template", "headers": { "X-Own": "{{ event.data.errorLog }}" },
    }))
    .headers;
    let failed = super::super::samples::event(EventType::Failed);
    let why = super::super::message(&odd, &failed, Some("{}"), now()).unwrap_err();
    assert!(why.contains("`X-Own`") && why.contains("line break"), "{why}");
}

#[test]
fn a_body_that_was_made_before_a_template_changed_is_sent_as_what_it_is() {
    let (form, tree) = (json!({ "a": "{{ summary }}", "b": "" }), json!({ "a": "{{ summary }}" }));
    let form = target(json!({ "kind": "template", "form": form }));
    let tree = target(json!({ "kind": "template", "body": tree }));
    let event = event(EventType::Finished);
    for (made_by, kind) in
        [(&form, "application/x-www-form-urlencoded"), (&tree, "application/json")]
    {
        let frozen = frozen_body(&made_by.webhook, &event);
        for now_is in [&form, &tree] {
            let made = super::super::message(now_is, &event, frozen.as_deref(), now()).unwrap();
            assert_eq!(header(&made, "Content-Type"), Some(kind));
            assert_eq!(Some(made.body), frozen);
        }
    }
}

#[test]
fn a_body_serves_no_webhook_of_another_kind() {
    let event = event(EventType::Finished);
    let body = frozen_body(&webhook(json!({ "kind": "generic" })), &event);
    let made = Delivery::new("hook", event, 0, body.clone(), now(), |_| Duration::ZERO);
    assert_eq!(made.body_for(Kind::Cloudstack), body.as_deref(), "who wrote it did not say");
    let made = made.of_kind(Kind::Generic);
    assert_eq!(made.body_for(Kind::Generic), body.as_deref());
    assert_eq!(made.body_for(Kind::Cloudstack), None);
}

#[test]
fn no_body_with_a_secret_is_frozen() {
    let event = event(EventType::Finished);
    let keys = |kind: Kind| json!({ "kind": kind, "body": "{{ summary }}" });
    for kind in Kind::ALL {
        let frozen = frozen_body(&webhook(keys(kind)), &event);
        let is_frozen = matches!(kind, Kind::Generic | Kind::Cloudstack | Kind::Template);
        assert_eq!(frozen.is_some(), is_frozen, "{kind:?}");
        if let Some(body) = frozen {
            assert_eq!(message(&target(keys(kind)), EventType::Finished).body, body);
        }
    }
    let mut secret = keys(Kind::Template);
    secret["secret_variables"] = json!({ "key": "file" });
    assert_eq!(frozen_body(&webhook(secret), &event), None);
}

proptest! {
    #[test]
    fn no_parameter_breaks_out_of_its_place(name in "\\PC{1,9}", value in "[\\x00-\\x7fé]{0,20}") {
        let target = target(json!({
            "kind": "solusvm2", "url": "http://a/", "params": { name.as_str(): value.as_str() },
        }));
        let made = message(&target, EventType::Finished);
        let (_, query) = made.url.split_once('?').unwrap();
        prop_assert_eq!(query.split('&').count(), 15);
        let (key, last) = query.rsplit('&').next().unwrap().split_once('=').unwrap();
        let decoded = [key, last].map(crate::expression::percent_decoded);
        prop_assert_eq!(decoded, [name.into_bytes(), value.into_bytes()]);
        prop_assert!(made.url.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
