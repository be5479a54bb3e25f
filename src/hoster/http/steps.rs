//! Requests that look, or that may be repeated: taken one after the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::auth::NoReply;
use super::call::pointer;
use super::judge::Verdict;
use super::{Hoster, Trouble};
use crate::definition::http::{Request, Step, Template};
use crate::expression::Scope;

/// How long a value that an order keeps may be, in bytes of JSON.
const LARGEST_SAVED: usize = 4096;

/// How long a value may be that is saved and becomes no part of an order, in bytes of JSON: what a look
/// at a server shows, and what a login answers, as a catalogue of every service in every region.
pub(super) const LARGEST_OF_LOOK: usize = 64 * 1024;

/// What became of a step.
#[derive(Debug)]
pub(super) enum Taken {
    /// It was taken, and saved this.
    Done(BTreeMap<String, Value>),
    /// It was not to be taken, or can be done without.
    Skipped,
    /// What it waits for has not come.
    Waiting,
    /// It can never be taken, and why.
    Failed(String),
}

impl Hoster {
    /// Sends a request that may be repeated, and returns what can be read of its reply.
    pub(super) fn ask(
        &self,
        request: &Request,
        ok_when: Option<&Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<Scope, Trouble> {
        // What a request is made of may be what a login has saved.
        self.log_in()?;
        let built = self.build(request, &format!("{place}/request"), scope)?;
        self.wait_for_turn()?;
        let reply = self.send_as_us(&built, scope).map_err(|none| match none {
            NoReply::NotSent(trouble) => trouble,
            NoReply::Unknown(why) => Trouble::passing(why),
        })?;
        let status = if reply.is_page { 0 } else { reply.status };
        self.understand(self.judge(reply, ok_when, place)?, status, scope)
    }

    fn understand(&self, verdict: Verdict, status: u16, scope: &Scope) -> Result<Scope, Trouble> {
        let clean = |why: String| self.redacted(&why, scope.text("order", "password"));
        match verdict {
            Verdict::Ok(scope) => Ok(scope),
            Verdict::Refused(status, why) => Err(Trouble::Refused { status, why: clean(why) }),
            // A name that is taken, or a status without a reason, ends nothing by itself; but who
            // asks for something that is not there has the answer.
            Verdict::Conflict(why) | Verdict::Unknown(why, _) if status == 404 => {
                Err(Trouble::Refused { status, why: clean(why) })
            }
            Verdict::Conflict(why) => Err(Trouble::passing(clean(why))),
            Verdict::Busy(why, wait) | Verdict::Unknown(why, wait) => {
                Err(Trouble::Passing { why: clean(why), wait })
            }
        }
    }

    /// Takes one step; its reply is what expressions read from then on.
    pub(super) fn take(
        &self,
        step: &Step,
        place: &str,
        scope: &mut Scope,
    ) -> Result<Taken, Trouble> {
        self.take_within(step, place, scope, LARGEST_SAVED)
    }

    /// The same, where what the step saves has `largest` bytes at most.
    pub(super) fn take_within(
        &self,
        step: &Step,
        place: &str,
        scope: &mut Scope,
        largest: usize,
    ) -> Result<Taken, Trouble> {
        if !self.wanted(step, place, scope)? {
            return Ok(Taken::Skipped);
        }
        match self.ask(&step.request, step.ok_when.as_ref(), place, scope) {
            Ok(replied) => *scope = replied,
            Err(Trouble::Refused { .. } | Trouble::Passing { .. }) if step.optional => {
                return Ok(Taken::Skipped);
            }
            Err(trouble) => return Err(trouble),
        }
        self.conclude(step, place, scope, largest)
    }

    /// Says what became of a step whose reply is at hand; what it saves has `largest` bytes at most.
    fn conclude(
        &self,
        step: &Step,
        place: &str,
        scope: &Scope,
        largest: usize,
    ) -> Result<Taken, Trouble> {
        if self.says(step.fail_when.as_ref(), &format!("{place}/fail_when"), scope)? {
            let reason = self.words(step.reason.as_ref(), &format!("{place}/reason"), scope)?;
            return Ok(Taken::Failed(reason.unwrap_or_else(|| format!("{} failed", step.name))));
        }
        if let Some(until) = &step.wait_until
            && !self.expressions.truth(until, &format!("{place}/wait_until"), scope)?
        {
            return Ok(Taken::Waiting);
        }
        // A reply without what is to be saved may be another machine's; the next one may have it.
        match self.saved_within(&step.save, &format!("{place}/save"), scope, largest) {
            Ok(saved) => Ok(Taken::Done(saved)),
            Err(trouble) => Err(Trouble::passing(trouble.why())),
        }
    }

    /// Returns whether a step is to be taken.
    pub(super) fn wanted(&self, step: &Step, place: &str, scope: &Scope) -> Result<bool, Trouble> {
        match &step.when {
            Some(when) => Ok(self.expressions.truth(when, &format!("{place}/when"), scope)?),
            None => Ok(true),
        }
    }

    /// Evaluates what a step saves.
    pub(super) fn saved(
        &self,
        save: &BTreeMap<String, Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<BTreeMap<String, Value>, Trouble> {
        self.saved_within(save, place, scope, LARGEST_SAVED)
    }

    fn saved_within(
        &self,
        save: &BTreeMap<String, Template>,
        place: &str,
        scope: &Scope,
        largest: usize,
    ) -> Result<BTreeMap<String, Value>, Trouble> {
        save.iter()
            .map(|(name, template)| {
                let place = pointer(place, name);
                let value = self.expressions.value(template, &place, scope)?;
                within(&value, &place, largest)?;
                Ok((name.clone(), value))
            })
            .collect()
    }

    /// Takes the steps of a login: without a token, waiting for nothing.
    pub(super) fn take_steps_plainly(
        &self,
        steps: &[Step],
        place: &str,
        scope: &Scope,
    ) -> Result<BTreeMap<String, Value>, Trouble> {
        let mut scope = scope.clone();
        let mut all = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            let place = format!("{place}/{index}");
            if !self.wanted(step, &place, &scope)? {
                continue;
            }
            let request =
                self.build_before_login(&step.request, &format!("{place}/request"), &scope)?;
            self.wait_for_turn()?;
            let reply =
                self.send(&request).map_err(|failure| Trouble::passing(failure.to_string()))?;
            let reply = self.readable(reply, &scope);
            let status = reply.status;
            let verdict = self.judge(reply, step.ok_when.as_ref(), &place)?;
            scope = self.understand(verdict, status, &scope)?;
            match self.conclude(step, &place, &scope, LARGEST_OF_LOOK)? {
                Taken::Done(saved) => all.extend(saved),
                Taken::Skipped => {}
                Taken::Waiting => return Err(Trouble::passing("the login takes its time")),
                Taken::Failed(why) => return Err(Trouble::Refused { status, why }),
            }
            scope.set("saved", &all);
        }
        Ok(all)
    }

    pub(super) fn says(
        &self,
        template: Option<&Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<bool, Trouble> {
        match template {
            Some(template) => Ok(self.expressions.truth(template, place, scope)?),
            None => Ok(false),
        }
    }

    /// Returns a text of the hoster's without secrets, if it says one.
    pub(super) fn words(
        &self,
        template: Option<&Template>,
        place: &str,
        scope: &Scope,
    ) -> Result<Option<String>, Trouble> {
        let Some(template) = template else { return Ok(None) };
        let value = self.expressions.maybe(template, place, scope)?;
        Ok(value.map(|value| self.redacted(&plain(value), scope.text("order", "password"))))
    }
}

/// Returns a value as text: one that is a text without its quotes.
pub(super) fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Checks that a value may become part of an order's file, which has to stay small.
///
/// # Errors
/// [`Trouble::Passing`], naming the place: the next reply may have less there.
pub(super) fn small(value: &Value, place: &str) -> Result<(), Trouble> {
    within(value, place, LARGEST_SAVED)
}

fn within(value: &Value, place: &str, largest: usize) -> Result<(), Trouble> {
    if value.to_string().len() > largest {
        let why = format!("{place}: the reply has more than {largest} bytes there");
        return Err(Trouble::passing(why));
    }
    Ok(())
}
