//! Removing a server, only while it is surely the order's own.

use super::poll::Seen;
use super::steps::Taken;
use super::{Hoster, Trouble};
use crate::expression::Scope;
use crate::http::Method;
use crate::order::Removal;

/// Whether the server of an order is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is, and it is the order's.
    Ours,
    /// The hoster knows it no more, or not yet.
    Gone,
    /// There is one of that id, and nothing says that it is the order's.
    Strange,
}

/// What became of the next request that removes a server.
#[derive(Debug, PartialEq)]
pub(crate) enum Removed {
    /// It was taken; this is how far the removal is now.
    Step(Removal),
    /// There was none left.
    All,
    /// What it waits for has not come.
    Waiting,
    /// It can never be taken, and why.
    Never(String),
}

impl Hoster {
    /// Looks whether the server `id` is there, and whose it is.
    ///
    /// An id that is never given twice says enough. Where ids are, the server is the order's only as
    /// long as it bears what the order sent. That it is gone must be said twice, for one 404 may be
    /// the word of some machine in between.
    ///
    /// A program that has agreed to remove it, which `agreed` says, need not answer for it any more:
    /// its list, which must name every server of an order, says enough.
    pub(crate) fn presence(
        &self,
        id: &str,
        agreed: bool,
        scope: &Scope,
    ) -> Result<Presence, Trouble> {
        let listed = || -> Result<bool, Trouble> {
            Ok(self.find_all(scope)?.iter().any(|found| found.server_id == id))
        };
        if self.definition.reuses_ids && listed()? {
            return Ok(Presence::Ours);
        }
        if agreed && self.definition.program.is_some() {
            return Ok(if listed()? { Presence::Ours } else { Presence::Gone });
        }
        match self.poll(scope)? {
            Seen::Server(_) if self.definition.reuses_ids => Ok(Presence::Strange),
            Seen::Gone(_) if self.definition.reuses_ids || !listed()? => Ok(Presence::Gone),
            // One that is listed although nobody knows it is there until both say the same.
            Seen::Server(_) | Seen::Gone(_) => Ok(Presence::Ours),
        }
    }

    /// Returns where a removal begins of a server that somebody else has removed: before the steps
    /// for what it left behind; none where nothing is.
    pub(crate) fn left_behind(&self) -> Option<Removal> {
        let steps = &self.definition.cancel;
        let first = steps.iter().position(|step| step.clears_up)?;
        let before = first.checked_sub(1).and_then(|index| steps.get(index));
        Some(Removal { step: before.map(|step| step.name.clone()), ..Removal::default() })
    }

    /// Takes the next of the steps that remove a server.
    ///
    /// # Errors
    /// [`Trouble::Refused`] where the hoster says no for now: it may be busy with that server.
    pub(crate) fn remove_next(&self, removal: &Removal, scope: &Scope) -> Result<Removed, Trouble> {
        let steps = &self.definition.cancel;
        let last = |name: &String| steps.iter().position(|step| step.name == *name);
        let next = removal.step.as_ref().and_then(last).map_or(0, |index| index + 1);
        let Some(step) = steps.get(next) else { return Ok(Removed::All) };
        let mut scope = scope.clone();
        scope.merge("saved", &removal.saved);
        let Removal { mut saved, mut accepted, .. } = removal.clone();
        match self.take(step, &format!("/cancel/{next}"), &mut scope) {
            Ok(Taken::Done(more)) => {
                saved.extend(more);
                accepted |= step.request.method != Method::Get;
            }
            Ok(Taken::Waiting) => return Ok(Removed::Waiting),
            Ok(Taken::Failed(why)) => return Ok(Removed::Never(why)),
            // What is to be removed is not there any more, or not yet.
            Ok(Taken::Skipped) | Err(Trouble::Refused { status: 404, .. }) => {}
            Err(trouble) => return Err(trouble),
        }
        Ok(Removed::Step(Removal {
            step: Some(step.name.clone()),
            saved,
            accepted,
            ..removal.clone()
        }))
    }
}
