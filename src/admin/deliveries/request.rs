//! A webhook's request with its secrets hidden.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::admin::webhooks::view::{HIDDEN, hidden_url};
use crate::clock::Timestamp;
use crate::event::Event;
use crate::secret::Secret;
use crate::webhook::file::{Params, Webhook};
use crate::webhook::kinds;
use crate::webhook::message::{Message, Target};

/// Where it would go, where all of that is the secret. The name is for what never exists (RFC 6761).
const NOWHERE: &str = "https://hidden.invalid/HIDDEN";

/// A request that would be sent.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    /// The method.
    method: &'static str,
    /// The URL.
    url: String,
    /// The headers.
    headers: BTreeMap<String, String>,
    /// The body, byte for byte.
    body: String,
}

/// Returns the request for an event, `HIDDEN` wherever a secret would stand: it is made without
/// them. Only signatures are made with them, where the body holds none.
///
/// # Errors
/// Why it cannot be made.
pub(super) fn shown(target: &Target, event: &Event, now: Timestamp) -> Result<Shown, String> {
    let message = kinds::message(&without_secrets(target), event, None, now)?;
    let Message { url, headers, own_headers, body, .. } = message;
    let ours = headers.into_iter().map(|(name, value)| {
        let is_secret = name.eq_ignore_ascii_case("authorization");
        (name.to_owned(), if is_secret { HIDDEN.to_owned() } else { value })
    });
    let own = own_headers.into_iter().map(|(name, _)| (name, HIDDEN.to_owned()));
    Ok(Shown { method: "POST", url, headers: ours.chain(own).collect(), body })
}

fn without_secrets(target: &Target) -> Target {
    let hidden = || Secret::from(HIDDEN.to_owned());
    let webhook = &target.webhook;
    let params = webhook.params.0.keys().map(|name| (name.clone(), HIDDEN.into())).collect();
    let is_secret = webhook.url_file.is_some();
    let url = if is_secret { NOWHERE.to_owned() } else { hidden_url(target.url.expose()) };
    Target {
        webhook: Webhook {
            headers: webhook.headers.keys().map(|name| (name.clone(), hidden())).collect(),
            params: Params(params),
            ..webhook.clone()
        },
        url: Secret::from(url),
        token: target.token.as_ref().map(|_| hidden()),
        variables: target.variables.keys().map(|name| (name.clone(), hidden())).collect(),
        secrets: target.secrets.clone(),
        ca: None,
    }
}

impl Shown {
    /// The request as it goes over the wire, more or less.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            let _ = writeln!(text, "{name}: {value}");
        }
        if !self.body.is_empty() {
            let _ = writeln!(text, "\n{}", self.body);
        }
        text
    }
}
