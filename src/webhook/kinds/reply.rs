//! What a reply means for most kinds, and what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::delivery::Verdict;
use crate::line::one_line;
use crate::pace;

/// The longest wait that a receiver may ask for. Some mean a day by it, and events are not urgent.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How many characters of what a service says are repeated.
const LONGEST_MESSAGE: usize = 300;

/// Judges by the status as Standard Webhooks does: any 2xx is success, 410 means never again.
pub(super) fn judge(status: u16) -> Verdict {
    match status {
        200..300 => Verdict::Delivered,
        410 => gone(),
        300..400 => failed(status, "a redirect, and none is followed"),
        _ => failed(status, ""),
    }
}

/// What 410 means (RFC 9110 section 15.5.11).
pub(super) fn gone() -> Verdict {
    Verdict::Gone { why: answered(410, "the receiver wants no more") }
}

/// A failure that another try may mend.
pub(super) fn failed(status: u16, why: &str) -> Verdict {
    Verdict::Failed { why: answered(status, why), after: None }
}

/// A failure that no other try of the same mends.
pub(super) fn refused(status: u16, why: &str) -> Verdict {
    Verdict::Refused { why: answered(status, why) }
}

fn answered(status: u16, why: &str) -> String {
    if why.is_empty() {
        return format!("answered with status {status}");
    }
    format!("answered with status {status}: {why}")
}

/// How long a reply asks us to wait.
pub(super) fn retry_after(headers: &BTreeMap<String, String>, now: Timestamp) -> Option<Duration> {
    pace::retry_after(headers.get("retry-after")?, now, LONGEST_WAIT)
}

/// What a service says is wrong, in one short line: its `message`, which is a text, or texts by what
/// they are about, else its `error`; empty where it says nothing that is understood.
pub(super) fn said(body: &[u8]) -> String {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = ["message", "error"].into_iter().filter_map(|key| reply.get(key)).map(flat);
    let first = said.into_iter().find(|text| !text.is_empty());
    one_line(&first.unwrap_or_default(), LONGEST_MESSAGE)
}

fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) => list.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| match key.as_str() {
                // So Rails calls what is about nothing in particular.
                "base" => flat(value),
                key => format!("{key}: {}", flat(value)),
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_service_says_is_found_in_each_of_its_forms() {
        for (body, wanted) in [
            (r#"{"error":"ref is missing"}"#, "ref is missing"),
            (r#"{"message":"404 Not Found"}"#, "404 Not Found"),
            (r#"{"message":{"base":["Reference not found"]}}"#, "Reference not found"),
            (r#"{"message":{"ref":["is bad","is old"],"sha":"x"}}"#, "ref: is bad, is old; sha: x"),
            (r#"{"$id":"1","message":"You can't\n set","errorCode":0}"#, "You can't set"),
            (r#"{"message":null,"error":"x"}"#, "x"),
            ("<html>", ""),
            ("", ""),
            ("[1]", ""),
        ] {
            assert_eq!(said(body.as_bytes()), wanted, "{body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_service_says_becomes_one_short_line(text in "\\PC*", more in "[\\s\\x00-\\x7f]*") {
            let body = serde_json::json!({ "message": { "a": [text, more] } }).to_string();
            let said = said(body.as_bytes());
            prop_assert!(said.chars().count() <= LONGEST_MESSAGE + 1);
            prop_assert!(!said.contains(|character: char| character.is_control()));
        }
    }
}
