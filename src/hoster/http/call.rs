//! One request: built from data, sent at the hoster's pace, its reply made readable.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::pairs::{named, plain};
use super::{Hoster, Purpose, Trouble, xml};
use crate::clock;
use crate::definition::http::{ReplyFormat, Request, Template};
use crate::expression::{Scope, percent_encoded, pointer_token};
use crate::http::{self, Failure};
use crate::pace;

/// What a preview shows for a base URL that a login yields.
const KNOWN_LATER: &str = "https://KNOWN-AFTER-LOGIN";

/// What a hoster answered.
pub(super) struct Reply {
    pub(super) status: u16,
    /// How long the hoster wants not to be asked.
    pub(super) wait: Option<Duration>,
    /// Whether it is a page for people: some machine in between says so, not the hoster.
    pub(super) is_page: bool,
    /// What expressions can read: of the order, and of this reply.
    pub(super) scope: Scope,
}

impl Hoster {
    /// Builds a request out of its description, for whoever has logged in where that is needed.
    pub(super) fn build(
        &self,
        request: &Request,
        place: &str,
        scope: &Scope,
    ) -> Result<http::Request, Trouble> {
        if !self.definition.auth.has_session() {
            return self.build_before_login(request, place, scope);
        }
        let scope = scope.with("session", self.session_saved());
        let base_url = self.definition.auth.base_url();
        let base_url = self.base_url_of(base_url, "/auth/base_url", &scope)?;
        self.build_at(&base_url, request, place, &scope)
    }

    /// Builds a request that needs no login.
    pub(super) fn build_before_login(
        &self,
        request: &Request,
        place: &str,
        scope: &Scope,
    ) -> Result<http::Request, Trouble> {
        let base_url = self.base_url_of(None, "/base_url", scope)?;
        self.build_at(&base_url, request, place, scope)
    }

    /// Returns what stands before the paths: what `other` says, else the account's.
    fn base_url_of(
        &self,
        other: Option<&Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<String, Trouble> {
        let base_url = if self.base_url.contains("{{") {
            let text = self.expressions.text(&self.base_url, "/base_url", scope)?;
            self.checked_base_url(&text, "/base_url")?
        } else {
            self.base_url.clone()
        };
        self.another_base_url(other, base_url, place, scope)
    }

    fn another_base_url(
        &self,
        other: Option<&Template>,
        base_url: String,
        place: &str,
        scope: &Scope,
    ) -> Result<String, Trouble> {
        let Some(other) = other else { return Ok(base_url) };
        let scope = scope.with("base_url", base_url);
        let text = self.expressions.text(other, place, &scope).map_err(Trouble::from);
        match text.and_then(|text| self.checked_base_url(&text, place)) {
            Err(_) if self.purpose == Purpose::Shown => Ok(KNOWN_LATER.to_owned()),
            known => known,
        }
    }

    /// Hands a base URL back where requests may go there: some are made of what a hoster said.
    fn checked_base_url(&self, text: &str, place: &str) -> Result<String, Trouble> {
        let in_the_clear = !text.starts_with("https://") && self.base_url.starts_with("https://");
        if in_the_clear || !is_base_url(text) {
            let what =
                if in_the_clear { "`https://HOST/…`" } else { "`https://HOST/…` or `http:`" };
            return Err(Trouble::passing(format!("{place}: {what} was expected")));
        }
        Ok(text.trim_end_matches('/').to_owned())
    }

    fn build_at(
        &self,
        base_url: &str,
        request: &Request,
        place: &str,
        scope: &Scope,
    ) -> Result<http::Request, Trouble> {
        let own = format!("{place}/base_url");
        let base_url =
            self.another_base_url(request.base_url.as_ref(), base_url.to_owned(), &own, scope)?;
        let path = self.expressions.path(&request.path, &format!("{place}/path"), scope)?;
        let mut url = format!("{base_url}{path}");
        let query = self.query(request, place, scope)?;
        if !query.is_empty() {
            let _ = write!(url, "?{query}");
        }
        let mut headers = BTreeMap::new();
        for (all, place) in [
            (&self.definition.headers, "/headers".to_owned()),
            (&request.headers, format!("{place}/headers")),
        ] {
            for (name, template) in all {
                let place = pointer(&place, name);
                headers.insert(
                    name.to_ascii_lowercase(),
                    self.expressions.text(template, &place, scope)?,
                );
            }
        }
        let body = self.body(request, place, scope)?;
        if let Some((kind, _)) = &body {
            headers.entry("content-type".to_owned()).or_insert_with(|| (*kind).to_owned());
        }
        let accepted = match self.definition.reply {
            Some(ReplyFormat::Xml) => "application/xml, text/xml",
            Some(ReplyFormat::Json) | None => "application/json",
        };
        headers.entry("accept".to_owned()).or_insert_with(|| accepted.to_owned());
        Ok(http::Request {
            method: request.method,
            url,
            headers: headers.into_iter().collect(),
            body: body.map(|(_, bytes)| bytes),
            fresh: false,
            timeout: self.timeout,
            cut: None,
        })
    }

    fn query(&self, request: &Request, place: &str, scope: &Scope) -> Result<String, Trouble> {
        let mut query = match &request.raw_query {
            Some(raw) => self.expressions.path(raw, &format!("{place}/raw_query"), scope)?,
            None => String::new(),
        };
        let pairs = self.pairs(&request.query, &format!("{place}/query"), scope)?;
        if !pairs.is_empty() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&pairs);
        }
        Ok(query)
    }

    /// Returns `a=1&b=2`, each name and value percent-encoded.
    fn pairs(
        &self,
        pairs: &BTreeMap<String, Value>,
        place: &str,
        scope: &Scope,
    ) -> Result<String, Trouble> {
        let mut parts = Vec::new();
        for (name, value) in pairs {
            let place = pointer(place, name);
            // Only a member of an object can be left out.
            let tree = Value::Object([(name.clone(), value.clone())].into_iter().collect());
            let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
            let tree = self.expressions.tree(&tree, parent, scope)?;
            let Some(value) = tree.get(name) else { continue };
            for (name, value) in named(name, value) {
                let text = plain(value).ok_or_else(|| {
                    Trouble::Definition(format!("{place}: a list or an object is no text"))
                })?;
                parts.push(format!("{}={}", percent_encoded(&name), percent_encoded(&text)));
            }
        }
        Ok(parts.join("&"))
    }

    fn body(
        &self,
        request: &Request,
        place: &str,
        scope: &Scope,
    ) -> Result<Option<(&'static str, Vec<u8>)>, Trouble> {
        if let Some(tree) = &request.json {
            let tree = self.expressions.tree(tree, &format!("{place}/json"), scope)?;
            return Ok(Some(("application/json", tree.to_string().into_bytes())));
        }
        if let Some(form) = &request.form {
            let form = self.pairs(form, &format!("{place}/form"), scope)?;
            return Ok(Some(("application/x-www-form-urlencoded", form.into_bytes())));
        }
        if let Some(text) = &request.text {
            let text = self.expressions.text(text, &format!("{place}/text"), scope)?;
            return Ok(Some(("text/plain; charset=utf-8", text.into_bytes())));
        }
        Ok(None)
    }

    /// Waits until the hoster may be asked once more.
    pub(super) fn wait_for_turn(&self) -> Result<(), Trouble> {
        let now = Instant::now();
        let turn = self.pacer.slot(now).map_err(|left| Trouble::Passing {
            why: "the hoster asked for a pause".to_owned(),
            wait: Some(left),
        })?;
        std::thread::sleep(turn.saturating_duration_since(now));
        Ok(())
    }

    /// Sends a request whose turn it is.
    pub(super) fn send(&self, request: &http::Request) -> Result<http::Reply, Failure> {
        let reply = self.transport.send(request)?;
        if let Some(wait) = wait_of(&reply) {
            self.pacer.pause_until(Instant::now() + wait);
        }
        Ok(reply)
    }

    /// Makes a reply readable for expressions.
    pub(super) fn readable(&self, reply: http::Reply, scope: &Scope) -> Reply {
        let wait = wait_of(&reply);
        let kind = reply.headers.get("content-type");
        let kind = kind.map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        let is_page = kind.starts_with("text/html");
        let http::Reply { status, headers, cookies, body } = reply;
        let tree = match self.definition.reply.unwrap_or_else(|| xml::format_of(&kind)) {
            // Nested as deep as serde_json goes, 128; deeper is no JSON of ours.
            ReplyFormat::Json => serde_json::from_slice(&body).unwrap_or(Value::Null),
            ReplyFormat::Xml => xml::tree(&body).unwrap_or(Value::Null),
        };
        let scope = scope
            .with("reply", tree)
            .with("status", status)
            .with("headers", headers)
            .with("cookies", cookies);
        Reply { status, wait, is_page, scope }
    }
}

/// Returns whether a text can stand before paths: `https://HOST/…` or `http://HOST/…`, without a
/// user, a query, a fragment and white space.
pub(crate) fn is_base_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let strange =
        |c: char| matches!(c, '?' | '#' | '@' | '\\') || c.is_whitespace() || c.is_control();
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(strange))
}

/// How long a reply asks not to be asked again; only of one that is no success.
fn wait_of(reply: &http::Reply) -> Option<Duration> {
    let value = reply.headers.get("retry-after").filter(|_| matches!(reply.status, 429 | 503))?;
    pace::retry_after(value, clock::now(), pace::LONGEST_WAIT)
}

/// Returns a place one step deeper, as a JSON pointer (RFC 6901).
pub(super) fn pointer(place: &str, name: &str) -> String {
    format!("{place}/{}", pointer_token(name))
}
