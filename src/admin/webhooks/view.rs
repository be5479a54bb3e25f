//! Webhooks as people and scripts see them: never a secret.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryId, Disabled, State};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::{Shelf, Store};
use crate::webhook::file::{Params, Scope, Webhook};

/// What stands where a secret would.
pub(crate) const HIDDEN: &str = "HIDDEN";

/// The answer to `webhooks list --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to webhooks list --json", deny_unknown_fields))]
pub(crate) struct List {
    /// The webhooks, the provider's own first, each in the order of its file.
    pub(super) webhooks: Vec<View>,
}

/// The answer to `webhooks show`, `create`, `update`, `rotate` and `filter` with `--json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to webhooks show --json", deny_unknown_fields))]
pub(crate) struct One {
    /// The one webhook.
    pub(super) webhooks: [View; 1],
    /// The secret that was made up just now; it is shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) secret: Option<Secret>,
}

/// A webhook as a script sees it: its entry in the file, `HIDDEN` where a secret stands, and how it
/// fares.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct View {
    #[serde(flatten)]
    pub(super) webhook: Webhook,
    /// Whose events are sent: `local`, this provider's; `global`, every provider's of the machine,
    /// or the names of the providers.
    pub(super) scope: ScopeView,
    /// Since when every attempt of this provider failed, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) failing_since: Option<Timestamp>,
    /// Why this provider sends nothing to it any more.
    pub(super) disabled: Option<Disabled>,
    /// How many deliveries of this provider are still to be sent.
    pub(super) pending: usize,
    /// How many of them came to nothing.
    pub(super) dead: usize,
}

/// Whose events are sent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum ScopeView {
    /// This provider's.
    Local(Local),
    /// Those of the machine's providers, or of some of them.
    Machine(Scope),
}

/// The word for this provider alone.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Local {
    /// This provider's.
    Local,
}

/// What deliveries there are, for many webhooks.
pub(super) struct Counts {
    pending: Vec<DeliveryId>,
    dead: Vec<DeliveryId>,
}

impl Counts {
    /// Counts; a damaged file is neither pending nor dead.
    pub(super) fn of(store: &Store) -> Result<Self, Error> {
        let done = store.deliveries(Shelf::Done)?;
        let is_dead = |id: &DeliveryId| {
            store.delivery(id).ok().flatten().is_some_and(|one| one.state == State::Dead)
        };
        let dead = done.into_iter().filter(is_dead).collect();
        Ok(Self { pending: store.deliveries(Shelf::Pending)?, dead })
    }
}

impl View {
    pub(super) fn of(store: &Store, counts: &Counts, webhook: Webhook) -> Result<Self, Error> {
        let health = store.health(&webhook.name)?;
        let count =
            |all: &[DeliveryId]| all.iter().filter(|id| id.webhook() == webhook.name).count();
        let (pending, dead) = (count(&counts.pending), count(&counts.dead));
        let scope =
            webhook.scope.clone().map_or(ScopeView::Local(Local::Local), ScopeView::Machine);
        let webhook = hidden(webhook);
        let (failing_since, disabled) = (health.failing_since, health.disabled);
        Ok(Self { webhook, scope, failing_since, disabled, pending, dead })
    }

    /// Returns how it is, in a word or two.
    fn condition(&self) -> &'static str {
        match (self.webhook.enabled, &self.disabled, self.failing_since) {
            (false, _, _) => "disabled",
            (true, Some(_), _) => "given up",
            (true, None, Some(_)) => "failing",
            (true, None, None) => "enabled",
        }
    }

    fn scope_words(&self) -> String {
        match &self.scope {
            ScopeView::Local(Local::Local) => "local".to_owned(),
            ScopeView::Machine(Scope::Word(_)) => "global".to_owned(),
            ScopeView::Machine(Scope::Providers(names)) => names.join(","),
        }
    }

    pub(super) fn row(&self) -> Vec<String> {
        vec![
            self.webhook.name.clone(),
            self.webhook.kind.word().to_owned(),
            self.scope_words(),
            self.condition().to_owned(),
            self.pending.to_string(),
            self.dead.to_string(),
            self.webhook.url.as_ref().map_or("", |url| url.expose()).to_owned(),
        ]
    }

    /// Says everything, a line for each fact.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<23}{value}");
        };
        line("name", &self.webhook.name);
        line("kind", self.webhook.kind.word());
        line("scope", &self.scope_words());
        line("state", self.condition());
        if let Some(Disabled { at, reason }) = &self.disabled {
            line("given up", &format!("{at} {reason}"));
        }
        if let Some(since) = self.failing_since {
            line("failing since", &since.to_string());
        }
        line("pending", &self.pending.to_string());
        line("dead", &self.dead.to_string());
        let tree = serde_json::to_value(&self.webhook).unwrap_or_default();
        for (key, value) in tree.as_object().into_iter().flatten() {
            if !["name", "kind", "enabled"].contains(&key.as_str()) {
                line(&key.replace('_', " "), &words(value));
            }
        }
        text
    }
}

/// Returns a list of texts as words, all else as JSON.
fn words(value: &Value) -> String {
    let texts = |list: &Vec<Value>| {
        let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        texts.map(|texts| texts.join(" "))
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => texts(list).unwrap_or_else(|| value.to_string()),
        other => other.to_string(),
    }
}

pub(super) const HEADINGS: [&str; 7] = ["NAME", "KIND", "SCOPE", "STATE", "PENDING", "DEAD", "URL"];

/// Puts `HIDDEN` wherever a secret may stand; their names stay.
pub(crate) fn hidden(webhook: Webhook) -> Webhook {
    let secret = || Secret::from(HIDDEN.to_owned());
    let url = match (&webhook.url, &webhook.url_file) {
        (_, Some(_)) => Some(secret()),
        (url, None) => url.as_ref().map(|url| Secret::from(hidden_url(url.expose()))),
    };
    let headers = webhook.headers.keys().map(|name| (name.clone(), secret())).collect();
    let params = webhook.params.0.keys().map(|name| (name.clone(), HIDDEN.into())).collect();
    let mut secrets = webhook.secrets.clone();
    for value in secrets.iter_mut().filter_map(|one| one.value.as_mut()) {
        *value = secret();
    }
    Webhook { url, headers, params: Params(params), secrets, scope: None, ..webhook }
}

/// Hides the user and the password of a URL, and the values of its query.
pub(crate) fn hidden_url(url: &str) -> String {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let (scheme, behind) = before.split_once("://").unwrap_or(("", before));
    let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let login = if host == authority { "" } else { "HIDDEN@" };
    let mut shown = format!("{scheme}://{login}{host}{path}");
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        });
        shown.push('?');
        shown.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_shown_without_its_login_and_the_values_of_its_query() {
        for (url, shown) in [
            ("https://h.example/a/b", "https://h.example/a/b"),
            ("https://u:p@h.example:8443/a", "https://HIDDEN@h.example:8443/a"),
            ("http://h?a=b&c=d=e&f", "http://h?a=HIDDEN&c=HIDDEN&HIDDEN"),
            ("http://h/?", "http://h/?HIDDEN"),
            ("http://a@b?c@d/e", "http://HIDDEN@b?HIDDEN"),
        ] {
            assert_eq!(hidden_url(url), shown);
        }
    }

    proptest! {
        #[test]
        fn no_login_and_no_value_of_a_query_is_ever_shown(
            path in "[a-z/]{0,8}", query in prop::collection::vec("[a-z]{1,4}=canary[?=@/]{0,3}", 0..3),
        ) {
            let url = format!("https://canary:canary@h{path}?{}", query.join("&"));
            prop_assert!(!hidden_url(&url).contains("canary"));
        }
    }
}
