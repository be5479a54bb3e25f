//! A token that is asked for first: got once for all orders, and again when it has run out.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Hoster, Purpose, Trouble};
use super::jwt::{self, Statement};
use super::keys::SigningKey;
use crate::clock::{self, Timestamp};
use crate::definition::http::{Auth, Http};
use crate::expression::{Expressions, Scope};

/// The longest time before its end when a token is renewed: an order must not meet that end.
const BEFORE_END: Duration = Duration::from_mins(5);

/// The names under which the steps save for how long the token is good.
const EXPIRES_IN: &str = "expires_in";
const EXPIRES_AT: &str = "expires_at";

/// What the login saved last; a new login has the next number.
#[derive(Default, Clone)]
pub(in super::super) struct Session {
    number: u64,
    saved: Option<BTreeMap<String, Value>>,
    /// When to get a new token; none where nothing says for how long it is good.
    renew_at: Option<Timestamp>,
}

impl Session {
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn into_saved(self) -> BTreeMap<String, Value> {
        self.saved.unwrap_or_default()
    }

    /// Forgets the token with that number; a later one stays.
    pub(super) fn forget(&mut self, number: u64) {
        if self.number == number {
            self.saved = None;
        }
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.saved.is_some() && self.renew_at.is_none_or(|end| now < end)
    }
}

impl Hoster {
    /// Makes sure that there is a token, where one is needed.
    pub(in super::super) fn log_in(&self) -> Result<(), Trouble> {
        let auth = &self.definition.auth;
        if !auth.has_session() {
            return Ok(());
        }
        let mut session = self.session();
        let now = clock::now();
        if !session.is_good(now) {
            // The others wait meanwhile: they would need the same token.
            let scope = self.login_scope(now)?;
            let taken = self.take_steps_plainly(auth.steps(), "/auth/steps", &scope);
            let taken = taken.map_err(|trouble| match trouble {
                // What is not there is the login, and says nothing of what was to be asked.
                Trouble::Refused { status: 404, why } => {
                    Trouble::passing(format!("the login is not found: {why}"))
                }
                trouble => trouble,
            })?;
            let end = renew_at(&taken, now).map_err(Trouble::Definition)?;
            // Recorded times are long past.
            let renew_at = end.filter(|_| self.purpose == Purpose::Real);
            self.keep_secret(&taken);
            let number = session.number + 1;
            *session = Session { number, saved: Some(taken), renew_at };
        }
        Ok(())
    }

    /// Returns what the steps of a login can read: nothing of an order, for all orders share the
    /// token.
    fn login_scope(&self, now: Timestamp) -> Result<Scope, Trouble> {
        let scope = self.account_scope();
        let Auth::Jwt { algorithm, private_key, header, claims, lifetime_seconds, .. } =
            &self.definition.auth
        else {
            return Ok(scope);
        };
        let private_key = self.key(private_key, "/auth/private_key", &scope)?;
        let statement = Statement {
            algorithm: *algorithm,
            header: self.members(header, "/auth/header", &scope)?,
            claims: self.members(claims, "/auth/claims", &scope)?,
            lifetime: *lifetime_seconds,
        };
        let assertion = match self.purpose {
            Purpose::Real => SigningKey::read(&private_key)
                .and_then(|key| jwt::assertion(statement, &key, now))
                .map_err(|why| Trouble::Refused {
                    status: 401,
                    why: format!("the login: {why}"),
                })?,
            // There is no key, and nobody looks.
            Purpose::Recorded | Purpose::Shown => jwt::unsigned(statement, now) + ".SIGNATURE",
        };
        self.redactor.learn(&assertion);
        Ok(scope.with("assertion", assertion))
    }

    fn members(
        &self,
        members: &BTreeMap<String, Value>,
        place: &str,
        scope: &Scope,
    ) -> Result<Map<String, Value>, Trouble> {
        let tree = Value::Object(members.clone().into_iter().collect());
        match self.expressions.tree(&tree, place, scope)? {
            Value::Object(members) => Ok(members),
            _ => Ok(Map::new()),
        }
    }

    /// Keeps what was saved out of messages, but for addresses and times.
    fn keep_secret(&self, saved: &BTreeMap<String, Value>) {
        for (name, value) in saved {
            let Some(text) = value.as_str() else { continue };
            if name != EXPIRES_AT && name != EXPIRES_IN && !text.starts_with("http") {
                self.redactor.learn(text);
            }
        }
    }

    /// Forgets the token.
    pub(in super::super) fn log_out(&self) {
        self.session().saved = None;
    }

    /// Takes what a login would have saved for known.
    pub(in super::super) fn remember(&self, saved: BTreeMap<String, Value>) {
        *self.session() = Session { number: 1, saved: Some(saved), renew_at: None };
    }

    /// Returns what the login saved.
    pub(in super::super) fn session_saved(&self) -> BTreeMap<String, Value> {
        self.session().clone().into_saved()
    }

    pub(super) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks, without asking anybody, that the credentials of an account can log in.
///
/// # Errors
/// A sentence that names the credential and the fault.
pub(crate) fn check_keys(
    definition: &Http,
    credentials: &BTreeMap<String, String>,
) -> Result<(), String> {
    let Auth::Jwt { private_key, .. } = &definition.auth else { return Ok(()) };
    let scope = Scope::new().with("credentials", credentials);
    let key = Expressions::new().text(private_key, "/auth/private_key", &scope);
    let fault = match key {
        Ok(key) => SigningKey::read(&key).err(),
        Err(fault) => Some(fault.to_string()),
    };
    match fault {
        Some(fault) => Err(format!("credentials: `{private_key}`: {fault}")),
        None => Ok(()),
    }
}

/// Returns when to get a new token: a tenth of its time before its end, five minutes at most.
///
/// # Errors
/// That what was saved is no time.
fn renew_at(saved: &BTreeMap<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let end = match (saved.get(EXPIRES_IN), saved.get(EXPIRES_AT)) {
        (Some(seconds), _) => {
            let seconds = number(seconds).filter(|seconds| *seconds >= 0);
            let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
            seconds.and_then(|seconds| now.checked_add(Duration::from_secs(seconds)).ok())
        }
        (None, Some(Value::String(text))) if number(&Value::from(text.as_str())).is_none() => {
            text.parse().ok()
        }
        (None, Some(seconds)) => number(seconds).and_then(|at| Timestamp::from_second(at).ok()),
        (None, None) => return Ok(None),
    };
    let end = end.ok_or("/auth/steps: what is saved as `expires_in` or `expires_at` is no time")?;
    let margin = (clock::age(now, end) / 10).min(BEFORE_END);
    Ok(Some(end.checked_sub(margin).unwrap_or(now)))
}

/// Returns a whole number, also where a text says it.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-01-02T03:00:00Z".parse().unwrap()
    }

    fn renewed(name: &str, value: Value) -> Result<Option<String>, String> {
        let saved = BTreeMap::from([(name.to_owned(), value)]);
        renew_at(&saved, now()).map(|at| at.map(|at| at.to_string()))
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let at = |time: &str| Ok(Some(format!("2026-01-02T{time}Z")));
        assert_eq!(renewed("expires_in", json!(3600)), at("03:55:00"));
        assert_eq!(renewed("expires_in", json!("100")), at("03:01:30"));
        assert_eq!(renewed("expires_in", json!(0)), at("03:00:00"));
        assert_eq!(renewed("expires_at", json!("2026-01-02T04:00:00.000000Z")), at("03:55:00"));
        assert_eq!(renewed("expires_at", json!("2026-01-02T06:00:00+02:00")), at("03:55:00"));
        assert_eq!(renewed("expires_at", json!(1_767_326_400)), at("03:55:00"));
        assert_eq!(renewed("token", json!("x")), Ok(None));
        // One that has run out at once is asked for each time.
        assert_eq!(
            renewed("expires_at", json!("2026-01-01T00:00:00Z")).unwrap().unwrap(),
            "2026-01-01T00:00:00Z"
        );
        for value in [json!("soon"), json!(null), json!([]), json!(-1), json!(1e300)] {
            assert!(renewed("expires_in", value).is_err());
        }
        assert!(renewed("expires_at", json!("tomorrow")).is_err());
    }
}
