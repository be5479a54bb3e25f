use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::samples::{now, webhook};
use crate::delivery::Kind;
use crate::delivery::Verdict;

fn judge(kind: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
    let headers: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let webhook = webhook(json!({ "kind": kind }));
    super::super::judge(&webhook, status, &headers, body.as_bytes(), now())
}

/// One letter and the words of a verdict.
fn words(kind: &str, status: u16, body: &str) -> (char, String) {
    match judge(kind, status, &[], body) {
        Verdict::Delivered => ('D', String::new()),
        Verdict::Failed { why, .. } => ('F', why),
        Verdict::Refused { why } => ('R', why),
        Verdict::Gone { why } => ('G', why),
    }
}

#[test]
fn any_2xx_is_success_for_those_that_follow_standard_webhooks() {
    for kind in ["generic", "cloudstack", "template"] {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(words(kind, status, "").0, 'D', "{kind} {status}");
        }
        for status in [100, 301, 302, 304, 308, 400, 404, 429, 500, 999] {
            let (letter, why) = words(kind, status, "");
            assert_eq!(letter, 'F', "{kind} {status}");
            assert!(why.starts_with(&format!("answered with status {status}")), "{why}");
        }
        assert_eq!(words(kind, 410, "").0, 'G');
    }
    assert_eq!(words("generic", 500, "").1, "answered with status 500");
    assert!(words("generic", 302, "").1.ends_with(": a redirect, and none is followed"));
}

#[test]
fn cloudstack_can_take_200_alone() {
    let strict = webhook(json!({ "kind": "cloudstack", "strict_200": true }));
    let judge = |status| super::super::judge(&strict, status, &BTreeMap::new(), b"", now());
    assert_eq!(judge(200), Verdict::Delivered);
    assert!(matches!(judge(204), Verdict::Failed { why, .. } if why.contains("204")));
    assert!(matches!(judge(410), Verdict::Gone { .. }));
}

#[test]
fn solusvm2_takes_whatever_is_no_error_for_success() {
    for status in [200, 204, 299, 304, 302] {
        assert_eq!(words("solusvm2", status, "").0, 'D', "{status}");
    }
    for status in [301, 302, 303, 307, 308] {
        let one_too_many = judge("solusvm2", status, &[("location", "/x")], "");
        assert!(matches!(one_too_many, Verdict::Failed { .. }), "{status}");
    }
    assert_eq!(words("solusvm2", 400, "").0, 'F');
    assert_eq!(words("solusvm2", 500, "").0, 'F');
    assert_eq!(words("solusvm2", 410, "").0, 'G');
}

#[test]
fn azure_has_begun_a_run_only_where_it_names_one() {
    let run = r#"{"_links":{},"pipeline":{},"state":"inProgress","id":11,"name":"20260101.1"}"#;
    assert_eq!(words("azure-pipelines", 200, run).0, 'D');
    for body in ["", "<html>", "[]", r#"{"id":null}"#, r#"{"name":"x"}"#, &run[..50]] {
        assert_eq!(words("azure-pipelines", 200, body).0, 'F', "{body}");
    }
    for status in [201, 202, 203, 204, 302, 401, 403, 404, 409, 410, 429, 500, 503] {
        let (letter, why) = words("azure-pipelines", status, run);
        assert_eq!(letter, 'F', "{status}");
        assert!(why.contains(&status.to_string()), "{why}");
    }
    for status in [203, 302] {
        let (_, why) = words("azure-pipelines", status, "<html>Sign in</html>");
        assert!(why.contains("the page where people sign in") && why.contains("token"), "{why}");
    }
    let refusal = r#"{"$id":"1","innerException":null,"message":"See https://aka.ms/x - You can't set the following variables (A,B).","typeName":"t","errorCode":0,"eventId":3000}"#;
    let (letter, why) = words("azure-pipelines", 400, refusal);
    assert_eq!(letter, 'R');
    assert!(
        why.ends_with(
            "status 400: See https://aka.ms/x - You can't set the following variables (A,B)."
        ),
        "{why}"
    );
    let (_, why) = words("azure-pipelines", 404, r#"{"message":"TF200016: no project"}"#);
    assert!(why.ends_with("that the token may see: TF200016: no project"), "{why}");
}

#[test]
fn gitlab_has_made_a_pipeline_with_201_and_says_what_is_wrong() {
    assert_eq!(words("gitlab-ci", 201, r#"{"id":5}"#).0, 'D');
    for (body, said) in [
        (r#"{"error":"ref is missing"}"#, "ref is missing"),
        (r#"{"message":{"base":["Reference not found"]}}"#, "Reference not found"),
        (
            r#"{"message":"variables needs to be a map of key-valued strings"}"#,
            "variables needs to be a map of key-valued strings",
        ),
    ] {
        let wanted = format!("answered with status 400: {said}");
        assert_eq!(words("gitlab-ci", 400, body), ('R', wanted));
    }
    let (letter, why) = words("gitlab-ci", 404, r#"{"message":"404 Not Found"}"#);
    assert!(letter == 'F' && why.contains("no such project, or the token is wrong"), "{why}");
    for status in [200, 203, 302, 401, 403, 410, 429, 500] {
        assert_eq!(words("gitlab-ci", status, "{}").0, 'F', "{status}");
    }
}

#[test]
fn a_failure_tells_when_to_come_again_a_day_ahead_at_most() {
    let after = |status, value| match judge("generic", status, &[("retry-after", value)], "") {
        Verdict::Failed { after, .. } => after.map(|after| after.as_secs()),
        other => panic!("{other:?}"),
    };
    assert_eq!(after(429, "120"), Some(120));
    assert_eq!(after(503, "Fri, 02 Jan 2026 03:07:00 GMT"), Some(120));
    assert_eq!(after(500, "7200"), Some(7200));
    assert_eq!(after(429, "999999999"), Some(86_400));
    assert_eq!(after(429, "Fri, 02 Jan 2099 03:07:00 GMT"), Some(86_400));
    assert_eq!(after(429, "soon"), None);
    let azure = judge("azure-pipelines", 429, &[("retry-after", "5")], "");
    assert!(
        matches!(azure, Verdict::Failed { after: Some(wait), .. } if wait == Duration::from_secs(5))
    );
}

proptest! {
    #[test]
    fn every_reply_has_a_verdict_whose_words_are_one_short_line(
        status in 100u16..1000, body in "[\\x00-\\x7fé]{0,60}|\\{\"message\":\"[a-z ]{0,900}\"\\}",
    ) {
        for kind in Kind::ALL {
            let (letter, why) = words(kind.word(), status, &body);
            prop_assert!(letter == 'D' || why.contains(&status.to_string()), "{}", why);
            prop_assert!(why.chars().count() < 500 && !why.contains(char::is_control));
            prop_assert!(letter != 'D' || status < 400);
        }
    }
}
