//! Who sends a request: headers with a credential, or with a token that is asked for first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::call::{Reply, pointer, readable};
use super::{Hoster, Trouble};
use crate::definition::http::{Auth, Template};
use crate::expression::Scope;
use crate::http::{self, Failure};

/// What the login saved last; a new login has the next number.
#[derive(Debug, Default, Clone)]
pub(super) struct Session {
    number: u64,
    saved: Option<BTreeMap<String, Value>>,
}

/// Why there is no reply.
pub(super) enum NoReply {
    /// Surely nothing of the request was sent.
    NotSent(Trouble),
    /// It may have been acted on.
    Unknown(String),
}

impl Hoster {
    /// Makes sure that there is a token, where one is needed.
    pub(super) fn log_in(&self) -> Result<(), Trouble> {
        let Auth::Login { steps, .. } = &self.definition.auth else { return Ok(()) };
        let mut session = self.session();
        if session.saved.is_none() {
            // The others wait meanwhile: they would need the same token.
            let taken = self.take_steps_plainly(steps, "/auth/steps", &self.scope());
            let taken = taken.map_err(|trouble| match trouble {
                // What is not there is the login, and says nothing of what was to be asked.
                Trouble::Refused { status: 404, why } => {
                    Trouble::passing(format!("the login is not found: {why}"))
                }
                trouble => trouble,
            })?;
            taken.values().filter_map(Value::as_str).for_each(|token| self.redactor.learn(token));
            let number = session.number + 1;
            *session = Session { number, saved: Some(taken) };
        }
        Ok(())
    }

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
            let number = session.number;
            let signed = self.signed_with(request, session).map_err(NoReply::NotSent)?;
            let reply = self.send(&signed).map_err(|failure| match failure {
                Failure::NotSent(why) => NoReply::NotSent(Trouble::passing(why)),
                Failure::Unknown(why) => NoReply::Unknown(why),
            })?;
            let refused = reply.status == 401 && matches!(self.definition.auth, Auth::Login { .. });
            if renewed || !refused {
                return Ok(readable(reply, scope));
            }
            let mut session = self.session();
            if session.number == number {
                session.saved = None;
            }
            drop(session);
            self.wait_for_turn().map_err(NoReply::NotSent)?;
        }
        Err(NoReply::NotSent(Trouble::passing("no token")))
    }

    /// Forgets the token.
    pub(super) fn log_out(&self) {
        self.session().saved = None;
    }

    /// Takes what a login would have saved for known.
    pub(super) fn remember(&self, saved: BTreeMap<String, Value>) {
        self.session().saved = Some(saved);
    }

    /// Returns what the login saved.
    pub(super) fn session_saved(&self) -> BTreeMap<String, Value> {
        self.session().saved.clone().unwrap_or_default()
    }

    /// Adds the headers that say who sends a request.
    pub(super) fn signed(&self, request: &http::Request) -> Result<http::Request, Trouble> {
        let session = self.session().clone();
        self.signed_with(request, session)
    }

    fn signed_with(
        &self,
        request: &http::Request,
        session: Session,
    ) -> Result<http::Request, Trouble> {
        let (headers, place, scope): (&BTreeMap<String, Template>, _, _) =
            match &self.definition.auth {
                Auth::Header { headers } => (headers, "/auth/headers", self.scope()),
                Auth::Login { headers, .. } => {
                    let saved = session.saved.unwrap_or_default();
                    (headers, "/auth/headers", self.scope().with("saved", saved))
                }
            };
        let mut signed = request.clone();
        for (name, template) in headers {
            let place = pointer(place, name);
            // A header that is none is left out, for what a definition need not have.
            if let Some(value) = self.expressions.maybe(template, &place, &scope)? {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                signed.headers.push((name.to_ascii_lowercase(), text));
            }
        }
        Ok(signed)
    }

    /// Returns which account this is, salted: equal for the same salt and the same credentials.
    pub(crate) fn account(&self, salt: &str) -> String {
        let text = serde_json::json!([salt, self.credentials]).to_string();
        Sha256::digest(text).iter().take(16).fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
