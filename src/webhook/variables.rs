//! What pipelines are told of an event: flat variables, all of them texts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::file::Webhook;
use crate::delivery::Kind;
use crate::event::Event;

/// The built-in variables, and where in the event each is, as a JSON pointer (RFC 6901).
///
/// The names are those of the systems whose receivers are to go on working. They follow no rule:
/// `status` and `errorLog` bear what they are about, and the lists are not among them.
pub(crate) const TABLE: [(&str, &str); 17] = [
    ("WEBHOOK_ID", "/data/webhook/id"),
    ("WEBHOOK_EVENT_TRIGGER", "/data/webhook/eventTrigger"),
    ("WEBHOOK_EVENT_OPERATION", "/data/webhook/eventOperation"),
    ("WEBHOOK_EVENT_OPERATION_STATUS", "/data/webhook/eventOperationStatus"),
    ("WEBHOOK_EVENT_DATE", "/data/webhook/eventDate"),
    ("PROVIDER_NAME", "/data/provider/name"),
    ("CONFIGURATION_ID", "/data/configuration/id"),
    ("CONFIGURATION_NAME", "/data/configuration/name"),
    ("ORDER_ID", "/data/order/id"),
    ("ORDER_KEY", "/data/order/key"),
    ("SERVER_ID", "/data/server/id"),
    ("SERVER_HOSTNAME", "/data/server/hostname"),
    ("SERVER_ADDRESS", "/data/server/address"),
    ("ORDER_STATUS", "/data/status"),
    ("ERROR_LOG", "/data/errorLog"),
    ("AUTHOR_NAME", "/data/author/name"),
    ("AUTHOR_EMAIL", "/data/author/email"),
];

/// What the names of variables cannot begin with in Azure Pipelines, in any case of letters: such a
/// one never gets to a task
/// (<https://learn.microsoft.com/en-us/azure/devops/pipelines/process/variables>).
const RESERVED_BY_AZURE: [&str; 4] = ["endpoint", "input", "secret", "securefile"];

/// How many characters the name of a variable may have; so says `GitLab` (`HasVariable`).
const LONGEST_NAME: usize = 255;

/// Returns the built-in variables, in the order of the table; what is not known is empty.
pub(crate) fn flattened(event: &Event) -> Vec<(&'static str, String)> {
    let event = serde_json::to_value(event).unwrap_or_default();
    let text = |place| event.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    TABLE.iter().map(|(name, place)| (*name, text(place))).collect()
}

/// Says what is wrong with the names of a webhook's own variables.
///
/// # Errors
/// One sentence that names the variable.
pub(crate) fn check(webhook: &Webhook) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let secret = webhook.secret_variables.keys().map(|name| ("secret_variables", name));
    for (key, name) in webhook.variables.keys().map(|name| ("variables", name)).chain(secret) {
        let problem = |problem: &str| Err(format!("{key}: `{}` {problem}", name.escape_debug()));
        if let Some(why) = malformed(name, webhook.kind) {
            return problem(why);
        }
        let upper = name.to_ascii_uppercase();
        if webhook.kind != Kind::Template && TABLE.iter().any(|(known, _)| *known == upper) {
            return problem("is one of the built-in variables");
        }
        // Azure Pipelines does not tell `a` from `A`.
        let told_apart = if webhook.kind == Kind::Template { name.clone() } else { upper };
        if !seen.insert(told_apart) {
            return problem("is there twice, perhaps with other capitals or as a secret one");
        }
    }
    Ok(())
}

/// Why a name cannot be that of a variable.
fn malformed(name: &str, kind: Kind) -> Option<&'static str> {
    let (others, rule): (&[u8], _) = match kind {
        // https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/concerns/ci/has_variable.rb
        Kind::GitlabCi => (b"_", "is no name: 1 to 255 of A-Z a-z 0-9 _ are"),
        Kind::AzurePipelines => (b"_.", "is no name: 1 to 255 of A-Z a-z 0-9 _ . are"),
        _ => (b"_.-", "is no name: 1 to 255 of A-Z a-z 0-9 _ . - are"),
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(known) {
        return Some(rule);
    }
    let lower = name.to_ascii_lowercase();
    let reserved = RESERVED_BY_AZURE.iter().any(|prefix| lower.starts_with(prefix));
    (kind == Kind::AzurePipelines && reserved)
        .then_some("begins with a word that Azure keeps for itself and would not hand on")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::EventType;
    use crate::webhook::kinds::samples;

    #[test]
    fn the_built_in_variables_are_texts_and_empty_where_nothing_is_known() {
        let finished = flattened(&samples::event(EventType::Finished));
        let wanted = [
            ("WEBHOOK_ID", "0190b2d0-7c00-7000-8000-000000000001"),
            ("WEBHOOK_EVENT_TRIGGER", "ORDER"),
            ("WEBHOOK_EVENT_OPERATION", "CREATE"),
            ("WEBHOOK_EVENT_OPERATION_STATUS", "SUCCESS"),
            ("WEBHOOK_EVENT_DATE", "2026-01-02T03:04:05Z"),
            ("PROVIDER_NAME", "demo"),
            ("CONFIGURATION_ID", "1"),
            ("CONFIGURATION_NAME", "AlmaLinux 9, 2 vCPU"),
            ("ORDER_ID", "7"),
            ("ORDER_KEY", "b302099a-8057-4000-8000-000000000007"),
            ("SERVER_ID", "4711"),
            ("SERVER_HOSTNAME", "webdir-7"),
            ("SERVER_ADDRESS", "192.0.2.1"),
            ("ORDER_STATUS", "SUCCESS"),
            ("ERROR_LOG", ""),
            ("AUTHOR_NAME", "alice"),
            ("AUTHOR_EMAIL", ""),
        ];
        assert_eq!(finished, wanted.map(|(name, value)| (name, value.to_owned())));
        let failed = flattened(&samples::event(EventType::Failed));
        let value = |name| failed.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
        assert_eq!((value("ORDER_STATUS"), value("SERVER_ADDRESS")), ("ERROR", ""));
        assert_eq!(value("ERROR_LOG"), "no such image:\nalma-10");
    }

    #[test]
    fn every_row_of_the_table_is_a_text_of_the_event() {
        let event = serde_json::to_value(samples::event(EventType::Released)).unwrap();
        for (name, place) in TABLE {
            assert!(event.pointer(place).is_some_and(Value::is_string), "{name}: {place}");
        }
    }

    #[test]
    fn the_page_has_the_same_table() {
        let page = include_str!("../../docs/webhook-kinds.md");
        let (_, section) = page.split_once("\n## Variables\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | `"));
        let rows =
            rows.map(|(name, rest)| (name, rest.split('`').next().unwrap().replace('.', "/")));
        let known = TABLE.map(|(name, place)| (name, place[1..].to_owned()));
        assert_eq!(rows.collect::<Vec<_>>(), known);
    }

    #[test]
    fn names_that_clash_or_that_the_pipeline_would_not_take_are_refused() {
        for (kind, refused) in [
            ("gitlab-ci", vec!["ORDER_ID", "order_id", "", "a.b", "a-b", "ü", "a b", "A=B"]),
            ("azure-pipelines", vec!["Error_Log", "a-b", "SECRET_TOKEN", "inputs", "a\n"]),
            ("template", vec!["", "a b", "a/b"]),
        ] {
            for name in refused {
                for key in ["variables", "secret_variables"] {
                    let webhook =
                        samples::webhook(json!({ "kind": kind, key: { name: "canary" } }));
                    let why = check(&webhook).unwrap_err();
                    assert!(why.starts_with(&format!("{key}: `")), "{why}");
                    assert!(!why.contains("canary") && !why.contains('\n'), "{why}");
                }
            }
        }
        for (kind, name) in [
            ("gitlab-ci", "SECRET_TOKEN"),
            ("azure-pipelines", "My.Own_1"),
            ("template", "ORDER_ID"),
        ] {
            check(&samples::webhook(json!({ "kind": kind, "variables": { name: "x" } }))).unwrap();
        }
    }

    #[test]
    fn a_name_cannot_be_there_twice() {
        let both = |kind| {
            let (own, secret) = (json!({ "TOKEN": "x" }), json!({ "token": "x" }));
            check(&samples::webhook(
                json!({ "kind": kind, "variables": own, "secret_variables": secret }),
            ))
        };
        assert!(both("azure-pipelines").unwrap_err().contains("`token` is there twice"));
        both("template").unwrap();
    }
}
