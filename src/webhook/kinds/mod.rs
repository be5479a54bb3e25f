//! The kinds of webhooks: what each is sent, and what it takes for success.
//!
//! All here is pure. What holds for several kinds stands here and in `headers`, `keys`, `reply` and
//! `url`; each other module is a kind.

mod azure_pipelines;
mod cloudstack;
mod generic;
mod gitlab_ci;
mod headers;
mod keys;
mod reply;
#[cfg(test)]
pub(crate) mod samples;
mod solusvm2;
mod template;
#[cfg(test)]
mod tests;
mod url;

use std::collections::BTreeMap;

use super::file::Webhook;
use super::message::{Message, Target};
use super::{sign, variables};
use crate::clock::Timestamp;
use crate::delivery::Kind;
use crate::delivery::Verdict;
use crate::event::{Event, EventType};
use crate::line::one_line;
use crate::secret::Secret;

/// How many characters of an order's reason a summary repeats.
const LONGEST_REASON: usize = 300;

/// What a kind says of its request.
struct Draft {
    /// Where it goes, without the login that the webhook's URL may hold.
    url: String,
    /// Its headers but for those that sign.
    headers: Vec<(&'static str, String)>,
    /// Its body.
    body: String,
}

/// Returns where a kind is sent when nothing is said; none where that has to be said.
pub(crate) const fn default_url(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::AzurePipelines => Some("https://dev.azure.com"),
        Kind::GitlabCi => Some("https://gitlab.com"),
        _ => None,
    }
}

/// Returns the body that is stored with a delivery, the same at every attempt.
///
/// None where it holds secrets, which are never stored there, and where an expression of a template
/// has no value: then it is made at each attempt, which tells what is wrong.
pub(crate) fn frozen_body(webhook: &Webhook, event: &Event) -> Option<String> {
    match webhook.kind {
        Kind::Generic => Some(generic::body(webhook, event)),
        Kind::Cloudstack => Some(cloudstack::body(event)),
        Kind::Template if webhook.secret_variables.is_empty() => {
            template::body(webhook, &template::scope(webhook, &BTreeMap::new(), event)).ok()
        }
        Kind::Template | Kind::Solusvm2 | Kind::AzurePipelines | Kind::GitlabCi => None,
    }
}

/// Makes the whole request for an event, signed for `now`.
///
/// `frozen` is what [`frozen_body`] returned when the delivery was made.
///
/// # Errors
/// One sentence without secrets: a token is missing, an expression has no value, or no secret is
/// left to sign with.
pub(crate) fn message(
    target: &Target,
    event: &Event,
    frozen: Option<&str>,
    now: Timestamp,
) -> Result<Message, String> {
    let webhook = &target.webhook;
    let address = url::parse(target.url.expose())?;
    let url = address.without_login();
    let scope = template::scope(webhook, &target.variables, event);
    let mut draft = match webhook.kind {
        Kind::Generic => generic::draft(webhook, url, event, frozen),
        Kind::Cloudstack => cloudstack::draft(url, event, frozen),
        Kind::Solusvm2 => solusvm2::draft(webhook, &url, event),
        Kind::AzurePipelines => azure_pipelines::draft(target, &url, event)?,
        Kind::GitlabCi => gitlab_ci::draft(target, &url, event)?,
        Kind::Template => template::draft(webhook, url, &scope, frozen)?,
    };
    sign_draft(target, event, &mut draft, now)?;
    let mut own_headers = match webhook.kind {
        Kind::Template => template::headers(webhook, &scope)?,
        _ => webhook
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect(),
    };
    own_headers.extend(address.login().map(|login| ("Authorization".to_owned(), login)));
    let redirects = if webhook.kind == Kind::Solusvm2 { solusvm2::REDIRECTS } else { 0 };
    let Draft { url, headers, body } = draft;
    Ok(Message { url, headers, own_headers, body, redirects })
}

/// Adds what shows that a request is ours, for the kinds whose receivers are no services of others.
fn sign_draft(
    target: &Target,
    event: &Event,
    draft: &mut Draft,
    now: Timestamp,
) -> Result<(), String> {
    let kind = target.webhook.kind;
    if target.secrets.is_empty() || matches!(kind, Kind::AzurePipelines | Kind::GitlabCi) {
        return Ok(());
    }
    let valid = |expires_at: Option<Timestamp>| expires_at.is_none_or(|end| now < end);
    let secrets: Vec<&Secret> =
        target.secrets.iter().filter(|(_, end)| valid(*end)).map(|(secret, _)| secret).collect();
    // Without a signature it would not be what was asked for.
    let newest = secrets.first().ok_or("every secret of it has expired: nothing can be signed")?;
    if kind == Kind::Cloudstack {
        draft.headers.push(("X-CS-Signature", sign::cloudstack(newest, &draft.body)));
    }
    let id = event.data.webhook.id.clone();
    let signature = sign::standard(&secrets, &id, now, &draft.body)?;
    draft.headers.push(("webhook-id", id));
    draft.headers.push(("webhook-timestamp", now.as_second().to_string()));
    draft.headers.push(("webhook-signature", signature));
    Ok(())
}

/// Says what a reply means: after the redirects that were followed, its header names in small
/// letters, its body whole.
///
/// The body must not be cut to what the history keeps: Azure repeats all variables in it.
pub(crate) fn judge(
    webhook: &Webhook,
    status: u16,
    headers: &BTreeMap<String, String>,
    body: &[u8],
    now: Timestamp,
) -> Verdict {
    let verdict = match webhook.kind {
        Kind::Generic | Kind::Template => reply::judge(status),
        Kind::Cloudstack => cloudstack::judge(webhook, status),
        Kind::Solusvm2 => solusvm2::judge(status, headers),
        Kind::AzurePipelines => azure_pipelines::judge(status, body),
        Kind::GitlabCi => gitlab_ci::judge(status, body),
    };
    match verdict {
        Verdict::Failed { why, .. } => {
            Verdict::Failed { why, after: reply::retry_after(headers, now) }
        }
        other => other,
    }
}

/// Says what is wrong with a webhook for its kind.
///
/// Not looked at is what means the same for every kind: the name, what selects events, the numbers
/// of the schedule, and what only its files hold, see [`check_url`] and [`sign::check`].
///
/// # Errors
/// One sentence that names the key, without secrets.
pub(crate) fn check(webhook: &Webhook) -> Result<(), String> {
    keys::check(webhook)?;
    if let Some(url) = &webhook.url {
        check_url(webhook, url.expose())?;
    }
    headers::check(webhook)?;
    for (number, secret) in webhook.secrets.iter().enumerate() {
        let place = |why: &str| format!("secrets[{number}]: {why}");
        match (&secret.value, &secret.file) {
            (Some(value), None) => sign::check(value).map_err(|why| place(&why))?,
            (None, Some(_)) => {}
            _ => return Err(place("it has either `value` or `file`")),
        }
    }
    variables::check(webhook)?;
    match webhook.kind {
        Kind::Solusvm2 => solusvm2::check(webhook),
        Kind::AzurePipelines => azure_pipelines::check(webhook),
        Kind::GitlabCi => gitlab_ci::check(webhook),
        Kind::Template => template::check(webhook),
        Kind::Generic | Kind::Cloudstack => Ok(()),
    }
}

/// Says what is wrong with a webhook's URL, which may come from a file.
///
/// # Errors
/// One sentence that repeats nothing of it but the names of its query's parameters.
pub(crate) fn check_url(webhook: &Webhook, text: &str) -> Result<(), String> {
    let address = url::parse(text)?;
    let own_login = webhook.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
    if address.login().is_some() && own_login {
        return Err("url: there is a login in it, and `headers` has `Authorization` too".to_owned());
    }
    match webhook.kind {
        Kind::AzurePipelines | Kind::GitlabCi if address.has_query() => {
            Err("url: it is where the service is, without a query".to_owned())
        }
        Kind::AzurePipelines if address.login().is_some() => {
            Err("url: a login is of no use there, the token is in `token_file`".to_owned())
        }
        Kind::Solusvm2 => solusvm2::check_query(webhook, &address),
        _ => Ok(()),
    }
}

/// Returns an event as one line of English: `Order 7 finished: 192.0.2.1`.
pub(crate) fn summary(event: &Event) -> String {
    let order = &event.data.order.id;
    let (what, about) = match event.kind {
        EventType::Accepted => ("was accepted", event.data.configuration.name.as_str()),
        EventType::Finished => ("finished", event.data.server.address.as_str()),
        EventType::Failed => ("failed", event.data.error_log.as_str()),
        EventType::Cancelled => ("was cancelled", ""),
        EventType::Released => ("was released", event.data.server.address.as_str()),
    };
    match one_line(about, LONGEST_REASON).as_str() {
        "" => format!("Order {order} {what}"),
        about => format!("Order {order} {what}: {about}"),
    }
}
