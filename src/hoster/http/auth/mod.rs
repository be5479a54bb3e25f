//! Who sends a request: headers with a credential or with a token that is asked for first, or a
//! signature of the request.

mod aws_sigv4;
mod cloudstack;
mod jwt;
mod keys;
mod login;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::call::{Reply, pointer};
use super::{Hoster, Trouble};
use crate::clock;
use crate::definition::http::{Auth, Template};
use crate::expression::{Scope, percent_encoded};
use crate::http::{self, Failure};

#[cfg(any(test, fuzzing))]
pub(crate) use keys::fault_of_key;
pub(super) use login::Session;
pub(crate) use login::check_keys;

/// Why there is no reply.
pub(super) enum NoReply {
    /// Surely nothing of the request was sent.
    NotSent(Trouble),
    /// It may have been acted on.
    Unknown(String),
}

impl Hoster {
    /// Sends a request, whose turn it is, in our name; a token that is not accepted is renewed once.
    pub(super) fn send_as_us(
        &self,
        request: &http::Request,
        scope: &Scope,
    ) -> Result<Reply, NoReply> {
        for renewed in [false, true] {
            self.log_in().map_err(NoReply::NotSent)?;
            // One look at both: another thread may renew the token meanwhile.
            let session = self.session().clone();
            let number = session.number();
            let signed = self.signed_with(request, session, scope).map_err(NoReply::NotSent)?;
            let reply = self.send(&signed).map_err(|failure| match failure {
                Failure::NotSent(why) => NoReply::NotSent(Trouble::passing(why)),
                Failure::Unknown(why) => NoReply::Unknown(why),
            })?;
            let refused = reply.status == 401 && self.definition.auth.has_session();
            if renewed || !refused {
                return Ok(self.readable(reply, scope));
            }
            self.session().forget(number);
            self.wait_for_turn().map_err(NoReply::NotSent)?;
        }
        Err(NoReply::NotSent(Trouble::passing("no token")))
    }

    /// Adds to a request what says who sends it.
    pub(super) fn signed(
        &self,
        request: &http::Request,
        scope: &Scope,
    ) -> Result<http::Request, Trouble> {
        let session = self.session().clone();
        self.signed_with(request, session, scope)
    }

    fn signed_with(
        &self,
        request: &http::Request,
        session: Session,
        scope: &Scope,
    ) -> Result<http::Request, Trouble> {
        let mut signed = request.clone();
        match &self.definition.auth {
            Auth::Header { headers } => {
                self.add_headers(&mut signed, headers, &scope.with("saved", json!({})))?;
            }
            Auth::Login { headers, .. } | Auth::Jwt { headers, .. } => {
                let saved = session.into_saved();
                let scope = scope.with("saved", &saved).with("session", saved);
                self.add_headers(&mut signed, headers, &scope)?;
            }
            Auth::Cloudstack { api_key, secret_key, expires_seconds } => {
                let secret_key = self.key(secret_key, "/auth/secret_key", scope)?;
                let api_key = self.key(api_key, "/auth/api_key", scope)?;
                let keys = cloudstack::Keys {
                    api_key: &api_key,
                    secret_key: &secret_key,
                    expires: *expires_seconds,
                };
                self.learn(cloudstack::sign(&mut signed, &keys, clock::now()))?;
            }
            Auth::AwsSigv4 { access_key, secret_key, session_token, service, region } => {
                let secret_key = self.key(secret_key, "/auth/secret_key", scope)?;
                let access_key = self.key(access_key, "/auth/access_key", scope)?;
                let session_token = match session_token {
                    Some(token) => self.expressions.maybe(token, "/auth/session_token", scope)?,
                    None => None,
                };
                let keys = aws_sigv4::Keys {
                    access_key: &access_key,
                    secret_key: &secret_key,
                    session_token: session_token.as_ref().and_then(|token| token.as_str()),
                    service: &self.expressions.text(service, "/auth/service", scope)?,
                    region: &self.expressions.text(region, "/auth/region", scope)?,
                };
                self.learn(aws_sigv4::sign(&mut signed, &keys, clock::now()))?;
            }
        }
        Ok(signed)
    }

    fn add_headers(
        &self,
        request: &mut http::Request,
        headers: &BTreeMap<String, Template>,
        scope: &Scope,
    ) -> Result<(), Trouble> {
        for (name, template) in headers {
            // A request may have a token of its own, for a service that wants another one.
            if request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
                continue;
            }
            let place = pointer("/auth/headers", name);
            // A header that is none is left out, for what a definition need not have.
            if let Some(value) = self.expressions.maybe(template, &place, scope)? {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                request.headers.push((name.to_ascii_lowercase(), text));
            }
        }
        Ok(())
    }

    /// Returns a key, which no message shows from then on.
    fn key(&self, template: &Template, place: &str, scope: &Scope) -> Result<String, Trouble> {
        let key = self.expressions.text(template, place, scope)?;
        self.redactor.learn(&key);
        Ok(key)
    }

    /// Keeps a signature out of messages, as it is and as it stands in a query.
    fn learn(&self, signature: Result<String, String>) -> Result<(), Trouble> {
        let signature = signature.map_err(|why| Trouble::Definition(format!("/auth: {why}")))?;
        self.redactor.learn(&percent_encoded(&signature));
        self.redactor.learn(&signature);
        Ok(())
    }

    /// Says, in words, that the account is another than it was.
    pub(crate) fn changed(&self) -> &'static str {
        match self.definition.program {
            Some(_) => "`command` or the credentials were changed",
            None => "the credentials were changed",
        }
    }

    /// Returns which account this is, salted: equal for the same salt and the same credentials.
    pub(crate) fn account(&self, salt: &str) -> String {
        let text = match &self.definition.program {
            // Its arguments may name the machine that it sells servers of.
            Some(program) => json!([salt, self.credentials, program.words]),
            None => json!([salt, self.credentials]),
        }
        .to_string();
        Sha256::digest(text).iter().take(16).fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        })
    }
}
