//! The headers that a webhook adds of its own.

use std::collections::BTreeSet;

use super::super::file::Webhook;
use crate::delivery::Kind;

/// Headers that we set, that say how the message is framed, or that would make replies unreadable.
pub(super) const RESERVED: [&str; 20] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// What the headers of `CloudStack` begin with.
pub(super) const RESERVED_PREFIX: &str = "x-cs-";

/// Says what is wrong with a webhook's own headers.
///
/// # Errors
/// One sentence that names the header and not its value.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (name, value) in &webhook.headers {
        let shown = name.escape_debug();
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_of_a_token) {
            return Err(format!("headers: `{shown}` is no name of a header"));
        }
        if is_reserved(&lower, webhook.kind) {
            return Err(format!("headers: `{shown}` is not a webhook's to set"));
        }
        if !is_value(value.expose()) {
            return Err(format!("headers: {}", malformed(name)));
        }
        if !seen.insert(lower) {
            return Err(format!("headers: `{shown}` is there twice"));
        }
    }
    Ok(())
}

fn is_reserved(lower: &str, kind: Kind) -> bool {
    let by_kind: &[&str] = match kind {
        Kind::AzurePipelines => {
            &["authorization", "x-tfs-fedauthredirect", "x-vss-forcemsapassthrough"]
        }
        // With it GitLab takes the request for one of its own and answers 403.
        Kind::GitlabCi => &["x-gitlab-event"],
        _ => &[],
    };
    RESERVED.contains(&lower) || lower.starts_with(RESERVED_PREFIX) || by_kind.contains(&lower)
}

/// Says that a header's value cannot be sent.
pub(super) fn malformed(name: &str) -> String {
    format!("the value of `{name}` has a line break or another character that a header cannot have")
}

/// Whether a header can have the value. RFC 9110 section 5.5 has more than ASCII, without saying
/// what it means.
pub(super) fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// RFC 9110 section 5.6.2.
fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::samples;
    use super::*;

    fn checked(kind: Kind, name: &str, value: &str) -> Result<(), String> {
        check(&samples::webhook(json!({ "kind": kind, "headers": { name: value } })))
    }

    #[test]
    fn reserved_headers_are_refused_in_any_case_of_letters() {
        for kind in Kind::ALL {
            for name in RESERVED.into_iter().chain(["x-cs-event", "X-CS-Whatever"]) {
                for name in [name.to_owned(), name.to_ascii_uppercase()] {
                    let why = checked(kind, &name, "canary").unwrap_err();
                    assert!(why.contains(&name) && !why.contains("canary"), "{why}");
                }
            }
        }
        checked(Kind::AzurePipelines, "Authorization", "x").unwrap_err();
        checked(Kind::AzurePipelines, "X-TFS-FedAuthRedirect", "x").unwrap_err();
        checked(Kind::GitlabCi, "X-Gitlab-Event", "x").unwrap_err();
        checked(Kind::Generic, "Authorization", "Bearer x").unwrap();
        checked(Kind::GitlabCi, "Private-Token", "x").unwrap();
    }

    #[test]
    fn nothing_can_be_smuggled_in() {
        for value in
            ["canary\r\nX: y", "canary\n", "canary\r", "\0canary", "canary\u{7f}", "cänary"]
        {
            let why = checked(Kind::Generic, "X-Own", value).unwrap_err();
            assert!(why.contains("`X-Own`") && !why.contains("nary"), "{why}");
        }
        for name in ["", "X Own", "X-Own:", "X-Own\r\nY", "X-\u{fc}", "X\0"] {
            let why = checked(Kind::Generic, name, "x").unwrap_err();
            assert!(!why.contains(['\r', '\n', '\0']), "{why}");
        }
        checked(Kind::Generic, "X-Own", "a\tb ~!").unwrap();
    }

    #[test]
    fn a_header_cannot_be_there_twice() {
        let headers = json!({ "X-Own": "1", "x-own": "2" });
        let why = check(&samples::webhook(json!({ "kind": "generic", "headers": headers })));
        assert_eq!(why, Err("headers: `x-own` is there twice".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_line_of_ascii(name in "\\PC{0,9}|[!-~]{1,9}", value in "[\\x00-\\x80]*") {
            if checked(Kind::Template, &name, &value).is_ok() {
                let line = format!("{name}: {value}");
                prop_assert!(line.is_ascii() && !line.contains(['\r', '\n', '\0']));
                prop_assert_eq!(line.find(':'), Some(name.len()));
            }
        }
    }
}
