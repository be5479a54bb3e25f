//! How a server is doing that was bought.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::steps::{LARGEST_OF_LOOK, Taken, plain, small};
use super::{Hoster, Trouble};
use crate::definition::http::{Phase, Step, Template};
use crate::expression::Scope;
use crate::secret::Secret;

/// What a look at a server has shown.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It is there.
    Server(Polled),
    /// The hoster knows no server of that id.
    Gone(String),
}

/// A server as its hoster sees it.
#[derive(Debug)]
pub(crate) struct Polled {
    pub(crate) phase: Phase,
    /// The hoster's word for it.
    pub(crate) word: String,
    pub(crate) reason: Option<String>,
    pub(crate) public: Vec<String>,
    pub(crate) private: Vec<String>,
    pub(crate) password: Option<Secret>,
}

impl Hoster {
    /// Looks once how a server is doing.
    pub(crate) fn poll(&self, scope: &Scope) -> Result<Seen, Trouble> {
        let poll = &self.definition.poll;
        let (scope, failed) = match self.look_at(&poll.steps, scope) {
            Ok(looked) => looked,
            Err(Trouble::Refused { status: 404, why }) => return Ok(Seen::Gone(why)),
            Err(trouble) => return Err(trouble),
        };
        let state = self.expressions.maybe(&poll.state, "/poll/state", &scope)?;
        let state = state.map(plain).unwrap_or_default();
        let phase = match &failed {
            Some(_) => Phase::Failed,
            None => poll.states.get(&state).copied().unwrap_or(Phase::Building),
        };
        let word = self.redacted(&state, scope.text("order", "password"));
        let reason = match failed {
            Some(reason) => Some(reason),
            None => self.words(poll.reason.as_ref(), "/poll/reason", &scope)?,
        };
        if phase == Phase::Gone {
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            return Ok(Seen::Gone(format!("the hoster calls it `{word}`{why}")));
        }
        let password = match &poll.password {
            Some(template) => self.expressions.maybe(template, "/poll/password", &scope)?,
            None => None,
        };
        // One that is too large for an order is none; whoever removes the server does not need it.
        let password = password.filter(|password| small(password, "/poll/password").is_ok());
        Ok(Seen::Server(Polled {
            phase,
            word,
            reason,
            public: self.addresses(Some(&poll.public), "/poll/public", &scope)?,
            private: self.addresses(poll.private.as_ref(), "/poll/private", &scope)?,
            password: match password {
                Some(Value::String(text)) if !text.is_empty() => Some(Secret::from(text)),
                _ => None,
            },
        }))
    }

    /// Takes the steps of `poll`; a 404 counts of the first only.
    fn look_at(&self, steps: &[Step], scope: &Scope) -> Result<(Scope, Option<String>), Trouble> {
        let mut scope = scope.clone();
        let mut all = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            let place = format!("/poll/steps/{index}");
            match self.take_within(step, &place, &mut scope, LARGEST_OF_LOOK) {
                Ok(Taken::Done(saved)) => all.extend(saved),
                Ok(Taken::Waiting | Taken::Skipped) => {}
                Ok(Taken::Failed(why)) => return Ok((scope, Some(why))),
                Err(Trouble::Refused { status: 404, why }) if index > 0 => {
                    return Err(Trouble::passing(why));
                }
                Err(trouble) => return Err(trouble),
            }
            if !step.save.is_empty() {
                scope.merge("saved", &all);
            }
        }
        Ok((scope, None))
    }

    fn addresses(
        &self,
        template: Option<&Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<Vec<String>, Trouble> {
        let Some(template) = template else { return Ok(Vec::new()) };
        Ok(match self.expressions.maybe(template, place, scope)? {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => {
                many.into_iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect())
    }
}

/// Returns the first IPv4 address that a server can have.
pub(crate) fn first_ipv4(addresses: &[String]) -> Option<&str> {
    let can_be = |address: &&String| {
        address.parse::<Ipv4Addr>().is_ok_and(|address| !address.is_unspecified())
    };
    addresses.iter().find(can_be).map(String::as_str)
}
