//! Buying a server: prepare, send once, say what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::auth::NoReply;
use super::judge::Verdict;
use super::steps::Taken;
use super::{Hoster, Trouble};
use crate::definition::http::Step;
use crate::expression::Scope;
use crate::http;
use crate::order::Bought;
use crate::secret::Secret;

/// How long a hoster's id of a server may be, in bytes.
const LONGEST_ID: usize = 256;

/// What comes before a request that buys.
pub(crate) enum Prepared {
    /// It can be sent: it is its turn, and who sends it is known.
    Ready(Box<Attempt>),
    /// What a step waits for has not come.
    Waiting,
    /// It can never be sent, and why.
    Failed(String),
}

/// A request that buys, ready to be sent.
pub(crate) struct Attempt {
    request: http::Request,
    index: usize,
    scope: Scope,
    /// What the steps before it have saved.
    pub(crate) saved: BTreeMap<String, Value>,
}

/// What came of a request that buys.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// This server was bought.
    Bought(Bought),
    /// Surely nothing was bought; it may be sent again, not before that time has passed.
    Nothing { why: String, wait: Option<Duration> },
    /// Nothing was bought, and nothing ever will be.
    Rejected(String),
    /// The hoster says that there is a server of that name or id.
    Conflict(String),
    /// A server may have been bought or not.
    Unknown(String),
}

impl Hoster {
    /// Takes the steps before the one that buys, and makes that one's request.
    ///
    /// `before` is what they saved for an attempt whose outcome is not known: the same request is to
    /// be sent again, so they are not taken again, for they might choose another name or id.
    pub(crate) fn prepare(
        &self,
        scope: &Scope,
        before: Option<&BTreeMap<String, Value>>,
    ) -> Result<Prepared, Trouble> {
        let mut scope = scope.clone();
        let mut saved = before.cloned().unwrap_or_default();
        for (index, step) in self.definition.create.iter().enumerate() {
            let place = format!("/create/{index}");
            if step.buys {
                self.log_in()?;
                let mut request = self.build(&step.request, &format!("{place}/request"), &scope)?;
                // What is sent on a new connection surely was not sent where none came about.
                request.fresh = true;
                self.wait_for_turn()?;
                let attempt = Attempt { request, index, scope, saved };
                return Ok(Prepared::Ready(Box::new(attempt)));
            }
            if before.is_some() {
                continue;
            }
            match self.take(step, &place, &mut scope)? {
                Taken::Done(more) => saved.extend(more),
                Taken::Skipped => {}
                Taken::Waiting => return Ok(Prepared::Waiting),
                Taken::Failed(why) => return Ok(Prepared::Failed(why)),
            }
            scope.set("saved", &saved);
        }
        Err(Trouble::Definition("/create: no step buys".to_owned()))
    }

    /// Sends the request that buys, once.
    pub(crate) fn buy(&self, attempt: &Attempt, password: Option<&str>) -> Outcome {
        let step = &self.definition.create[attempt.index];
        let place = format!("/create/{}", attempt.index);
        let clean = |why: String| self.redacted(&why, password);
        let reply = match self.send_as_us(&attempt.request, &attempt.scope) {
            Ok(reply) => reply,
            Err(NoReply::NotSent(Trouble::Refused { why, .. })) => {
                return Outcome::Rejected(clean(why));
            }
            Err(NoReply::NotSent(trouble)) => {
                return Outcome::Nothing {
                    why: clean(trouble.why().to_owned()),
                    wait: trouble.wait(),
                };
            }
            Err(NoReply::Unknown(why)) => return Outcome::Unknown(clean(why)),
        };
        // Whatever the definition cannot make of a reply, the server may have been bought.
        match self.judge(reply, step.ok_when.as_ref(), &place) {
            Ok(Verdict::Ok(scope)) => match self.bought(step, &place, &scope) {
                Ok(bought) => Outcome::Bought(bought),
                Err(trouble) => Outcome::Unknown(clean(trouble.why().to_owned())),
            },
            Ok(Verdict::Conflict(why)) => Outcome::Conflict(clean(why)),
            Ok(Verdict::Busy(why, wait)) => Outcome::Nothing { why: clean(why), wait },
            Ok(Verdict::Refused(_, why)) => Outcome::Rejected(clean(why)),
            Ok(Verdict::Unknown(why, _)) => Outcome::Unknown(clean(why)),
            Err(trouble) => Outcome::Unknown(clean(trouble.why().to_owned())),
        }
    }

    fn bought(&self, step: &Step, place: &str, scope: &Scope) -> Result<Bought, Trouble> {
        let saved = self.saved(&step.save, &format!("{place}/save"), scope)?;
        bought(saved).ok_or_else(|| {
            Trouble::Definition(format!("{place}/save/server_id: the reply has no id of a server"))
        })
    }

    /// Returns the name of the step that buys.
    pub(crate) fn buying_step(&self) -> &str {
        let step = self.definition.create.iter().find(|step| step.buys);
        step.map_or("", |step| &step.name)
    }
}

/// Takes what has a place of its own in an order out of what was saved.
pub(super) fn bought(mut saved: BTreeMap<String, Value>) -> Option<Bought> {
    let server_id = match saved.remove("server_id")? {
        Value::String(text) if (1..=LONGEST_ID).contains(&text.len()) => text,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let password = password_of(&mut saved);
    Some(Bought { server_id, password, saved })
}

/// Takes the root password out of what was saved.
pub(super) fn password_of(saved: &mut BTreeMap<String, Value>) -> Option<Secret> {
    match saved.remove("password") {
        Some(Value::String(text)) if !text.is_empty() => Some(Secret::from(text)),
        _ => None,
    }
}
