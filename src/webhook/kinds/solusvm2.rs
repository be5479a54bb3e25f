//! Kind `solusvm2`: what event handlers of `SolusVM` 2 send: parameters in the URL, no body
//! (<https://docs.solusvm.com/v2/administrator-guide/Using+Event+Handlers.html>).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::file::Webhook;
use super::{Draft, reply, url};
use crate::delivery::Verdict;
use crate::event::{Event, EventType};

/// How many redirects are followed.
pub(super) const REDIRECTS: u8 = 5;

/// The built-in parameters, in the order of their description; all are sent with every event.
pub(crate) const BUILT_IN: [&str; 14] = [
    "crId",
    "crHostname",
    "crStatus",
    "crLicenseType",
    "serverId",
    "serverIps",
    "serverHostname",
    "serverUuid",
    "serverStatus",
    "userId",
    "billingUserId",
    "userEmail",
    "userStatus",
    "userAllowedIps",
];

/// Says which parameter of a webhook's own is a built-in one.
///
/// # Errors
/// One sentence that names the parameter.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    for name in webhook.params.0.keys() {
        if name.is_empty() {
            return Err("params: one has no name".to_owned());
        }
        if is_built_in(name) {
            return Err(format!("params: `{}` is a built-in parameter", name.escape_debug()));
        }
    }
    Ok(())
}

/// Says which parameter in the URL is a built-in one, or is there twice.
///
/// # Errors
/// One sentence that names the parameter.
pub(super) fn check_query(webhook: &Webhook, address: &url::Address<'_>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in address.query_names() {
        let shown = name.escape_debug();
        if is_built_in(&name) {
            return Err(format!("url: `{shown}` is a built-in parameter"));
        }
        // Lists are sent as `x[]=1&x[]=2`.
        let is_list = name.ends_with("[]");
        if webhook.params.0.contains_key(&name) || !is_list && !seen.insert(name.clone()) {
            return Err(format!("url: `{shown}` is there twice, perhaps in `params`"));
        }
    }
    Ok(())
}

/// Whether a receiver would take it for one of ours; PHP takes `x[0]` for an `x`.
fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name.split('[').next().unwrap_or(name))
}

pub(super) fn draft(webhook: &Webhook, url: &str, event: &Event) -> Draft {
    let built_in = BUILT_IN.map(|name| (name, value(name, event)));
    let own: BTreeMap<&str, String> =
        webhook.params.0.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let built_in = built_in.iter().map(|(name, value)| (*name, value.as_str()));
    let all = built_in.chain(own.iter().map(|(name, value)| (*name, value.as_str())));
    let url = url::with_query(url, &url::pairs(all));
    Draft { url, headers: Vec::new(), body: String::new() }
}

/// The value of a built-in parameter, empty where it is not known.
fn value(name: &str, event: &Event) -> String {
    let server = &event.data.server;
    match name {
        "serverId" => server.id.clone(),
        // One parameter that holds JSON text.
        "serverIps" => json!(server.addresses).to_string(),
        "serverHostname" => server.hostname.clone(),
        "serverUuid" => event.data.order.key.clone(),
        "serverStatus" => status(event.kind).to_owned(),
        // All else is about the account.
        _ => event.data.account.get(name).map_or_else(String::new, text),
    }
}

/// What state the event leaves the server in, in the words of `SolusVM`.
const fn status(kind: EventType) -> &'static str {
    match kind {
        EventType::Finished => "started",
        EventType::Failed => "unavailable",
        EventType::Accepted | EventType::Cancelled | EventType::Released => "not exists",
    }
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Only 4xx and 5xx are failures, and a redirect that is one too many.
pub(super) fn judge(status: u16, headers: &BTreeMap<String, String>) -> Verdict {
    match status {
        301..=303 | 307 | 308 if headers.contains_key("location") => {
            reply::failed(status, &format!("still a redirect after {REDIRECTS}"))
        }
        0..400 => Verdict::Delivered,
        410 => reply::gone(),
        _ => reply::failed(status, ""),
    }
}
