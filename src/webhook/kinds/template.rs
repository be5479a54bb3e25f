//! Kind `template`: a body of one's own, JSON or a form, made by the expressions of the definitions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::file::Webhook;
use super::{Draft, headers, summary, url};
use crate::clock::Timestamp;
use crate::event::{
    Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration, Provider, Server,
};
use crate::expression::{Expressions, Fault, Scope, pointer_token};
use crate::secret::Secret;

/// The key of an event below which anything may stand.
const OPEN: &str = "account";

/// Returns what expressions read: `event`, `variables` and `summary`.
pub(super) fn scope(webhook: &Webhook, secret: &BTreeMap<String, Secret>, event: &Event) -> Scope {
    let secret = secret.iter().map(|(name, value)| (name.clone(), value.expose().into()));
    let own = webhook.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    let variables: Map<String, Value> = own.chain(secret).collect();
    Scope::new().with("event", event).with("variables", variables).with("summary", summary(event))
}

/// Makes the body.
///
/// # Errors
/// One sentence that names the place and shows the expression that has no value.
pub(super) fn body(webhook: &Webhook, scope: &Scope) -> Result<String, String> {
    let expressions = Expressions::new();
    if let Some(form) = &webhook.form {
        let made = expressions.tree(&json!(form), "/form", scope).map_err(words)?;
        return form_body(&made);
    }
    let body = webhook.body.as_ref().ok_or("`body` or `form` is missing")?;
    Ok(expressions.tree(body, "/body", scope).map_err(words)?.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
fn words(fault: Fault) -> String {
    fault.to_string()
}

/// Writes fields as a form; of a list each element is sent, as in definitions.
fn form_body(fields: &Value) -> Result<String, String> {
    let mut pairs = Vec::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Null => String::new(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(format!(
                        "/form/{}: a list or an object is no text, `json` makes one of it",
                        pointer_token(name)
                    ));
                }
            };
            pairs.push((name.as_str(), text));
        }
    }
    Ok(url::pairs(pairs.iter().map(|(name, text)| (*name, text.as_str()))))
}

pub(super) fn draft(
    webhook: &Webhook,
    url: String,
    scope: &Scope,
    frozen: Option<&str>,
) -> Result<Draft, String> {
    let body = frozen.map_or_else(|| body(webhook, scope), |body| Ok(body.to_owned()))?;
    // The webhook may have become a form, or ceased to be one, since the body was made. No form is
    // JSON: each of its fields has a `=`, and quotation marks are encoded.
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
    let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
    Ok(Draft { url, headers: vec![("Content-Type", kind.to_owned())], body })
}

/// Makes the webhook's own headers.
///
/// # Errors
/// One sentence that names the header and shows nothing of its template, which may hold a secret.
pub(super) fn headers(webhook: &Webhook, scope: &Scope) -> Result<Vec<(String, String)>, String> {
    let expressions = Expressions::new();
    let made = webhook.headers.iter().map(|(name, template)| {
        let value = expressions
            .text(template.expose(), "", scope)
            .map_err(|fault| header_words(name, &fault))?;
        if !headers::is_value(&value) {
            return Err(headers::malformed(name));
        }
        Ok((name.clone(), value))
    });
    made.collect()
}

fn header_words(name: &str, fault: &Fault) -> String {
    let problem = match fault {
        Fault::Undefined { .. } => "something in it is undefined",
        Fault::Invalid { problem, .. } => problem,
    };
    format!("header `{name}`: {problem}")
}

/// Says what is wrong with the expressions.
///
/// # Errors
/// One sentence that names the place, and shows the expression but where it is a header's.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    let event = serde_json::to_value(empty_event()).unwrap_or_default();
    for (name, template) in &webhook.headers {
        let names = Expressions::names(template.expose(), "")
            .map_err(|fault| header_words(name, &fault))?;
        if let Some(unknown) = names.iter().find(|path| !is_known(path, webhook, &event)) {
            return Err(unknown_words(&format!("header `{name}`"), unknown));
        }
    }
    if let Some(body) = &webhook.body {
        check_tree(body, "/body", webhook, &event)?;
    }
    webhook.form.as_ref().map_or(Ok(()), |form| check_tree(&json!(form), "/form", webhook, &event))
}

fn check_tree(tree: &Value, place: &str, webhook: &Webhook, event: &Value) -> Result<(), String> {
    match tree {
        Value::String(template) => {
            let names = Expressions::names(template, place).map_err(words)?;
            match names.iter().find(|path| !is_known(path, webhook, event)) {
                Some(unknown) => Err(unknown_words(place, unknown)),
                None => Ok(()),
            }
        }
        Value::Array(list) => list.iter().enumerate().try_for_each(|(index, one)| {
            check_tree(one, &format!("{place}/{index}"), webhook, event)
        }),
        Value::Object(object) => object.iter().try_for_each(|(key, one)| {
            check_tree(one, &format!("{place}/{}", pointer_token(key)), webhook, event)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn unknown_words(place: &str, unknown: &str) -> String {
    format!(
        "{place}: there is no `{unknown}`: expressions read `summary`, `variables.NAME`, and `event` \
         as its schema has it"
    )
}

/// Whether something can stand at the path.
fn is_known(path: &str, webhook: &Webhook, event: &Value) -> bool {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (first, rest) {
        ("summary" | "variables", None) => true,
        ("variables", Some(name)) => {
            webhook.variables.contains_key(name) || webhook.secret_variables.contains_key(name)
        }
        ("event", rest) => is_in_event(rest, event),
        _ => false,
    }
}

fn is_in_event(path: Option<&str>, event: &Value) -> bool {
    let mut place = event;
    for key in path.into_iter().flat_map(|path| path.split('.')) {
        match place.get(key) {
            Some(_) if key == OPEN => return true,
            Some(inner) => place = inner,
            // An index.
            None => return place.is_array(),
        }
    }
    true
}

/// An event that has all the keys that there are.
fn empty_event() -> Event {
    let facts = Facts {
        provider: Provider { name: String::new() },
        configuration: OrderedConfiguration { id: String::new(), name: String::new() },
        order: OrderId { id: String::new(), key: String::new() },
        server: Server::default(),
        error_log: String::new(),
        author: EventAuthor { name: String::new(), email: String::new() },
        account: BTreeMap::new(),
    };
    Event::new(uuid::Uuid::nil(), EventType::Finished, Timestamp::UNIX_EPOCH, facts)
}
