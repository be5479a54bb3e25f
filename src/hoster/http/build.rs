//! What a server needs after it was bought: the steps that follow, and a password that was lost.

use std::collections::BTreeMap;

use serde_json::Value;

use super::create::password_of;
use super::steps::Taken;
use super::{Hoster, Trouble};
use crate::expression::Scope;
use crate::secret::Secret;

/// What became of the steps after the one that buys.
#[derive(Debug)]
pub(crate) enum Built {
    /// This one was taken, and saved this.
    Step { name: String, saved: BTreeMap<String, Value>, password: Option<Secret> },
    /// What one waits for has not come.
    Waiting(String),
    /// One can never be taken, and why.
    Failed(String),
    /// None is left.
    All,
}

impl Hoster {
    /// Takes the step after the one of that name.
    pub(crate) fn take_next(&self, last: &str, scope: &Scope) -> Result<Built, Trouble> {
        let create = &self.definition.create;
        let known = create.iter().position(|step| step.name == last).ok_or_else(|| {
            Trouble::Definition(format!("/create: no step is called `{last}` any more"))
        })?;
        let Some(step) = create.get(known + 1) else { return Ok(Built::All) };
        if step.buys {
            // The definition was changed since: nothing is ever bought but with an intent.
            return Err(Trouble::Definition(format!(
                "/create: step `{last}` now stands before it"
            )));
        }
        let mut scope = scope.clone();
        Ok(match self.take(step, &format!("/create/{}", known + 1), &mut scope)? {
            Taken::Done(mut saved) => {
                let password = password_of(&mut saved);
                Built::Step { name: step.name.clone(), saved, password }
            }
            Taken::Skipped => {
                Built::Step { name: step.name.clone(), saved: BTreeMap::new(), password: None }
            }
            Taken::Waiting => Built::Waiting(step.name.clone()),
            Taken::Failed(why) => Built::Failed(why),
        })
    }

    /// Gets a root password for a server whose own was lost; none as long as it takes its time.
    ///
    /// `progress` keeps what was done from being done again: how many steps were taken, and what
    /// they saved.
    pub(crate) fn recover(
        &self,
        progress: &mut (usize, BTreeMap<String, Value>),
        scope: &Scope,
    ) -> Result<Option<Secret>, Trouble> {
        let mut scope = scope.clone();
        scope.merge("saved", &progress.1);
        while let Some(step) = self.definition.recover.get(progress.0) {
            match self.take(step, &format!("/recover/{}", progress.0), &mut scope)? {
                Taken::Done(saved) => progress.1.extend(saved),
                Taken::Skipped => {}
                Taken::Waiting => return Ok(None),
                Taken::Failed(why) => {
                    *progress = <_>::default();
                    return Err(Trouble::passing(why));
                }
            }
            progress.0 += 1;
            scope.merge("saved", &progress.1);
        }
        let mut all = std::mem::take(progress).1;
        Ok(password_of(&mut all))
    }
}
