//! Removing a server, only while it is surely the order's own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::poll::Seen;
use super::steps::Taken;
use super::{Hoster, Trouble};
use crate::expression::Scope;

/// Whether the server of an order is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is, and it is the order's.
    Ours,
    /// The hoster knows it no more.
    Gone,
    /// There is one of that id, and nothing says that it is the order's.
    Strange,
}

/// How far a removal is; only in memory, for its steps may be taken again from the first.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    next: usize,
    saved: BTreeMap<String, Value>,
}

/// What became of the requests that remove a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// All were accepted.
    Asked,
    /// What one waits for has not come.
    Waiting,
    /// The hoster does not remove it, and why.
    Refused(String),
}

impl Hoster {
    /// Looks whether the server `id` is there, and whose it is.
    ///
    /// It is the order's where it bears the order's name. Where it does not, an id that is never
    /// given twice says enough.
    pub(crate) fn presence(&self, id: &str, scope: &Scope) -> Result<Presence, Trouble> {
        if self.find_all(scope)?.iter().any(|found| found.server_id == id) {
            return Ok(Presence::Ours);
        }
        Ok(match self.poll(scope)? {
            Seen::Gone(_) => Presence::Gone,
            Seen::Server(_) if self.definition.reuses_ids => Presence::Strange,
            Seen::Server(_) => Presence::Ours,
        })
    }

    /// Goes on with the requests that remove a server.
    pub(crate) fn remove(
        &self,
        progress: &mut Progress,
        scope: &Scope,
    ) -> Result<Removal, Trouble> {
        let mut scope = scope.clone();
        scope.merge("saved", &progress.saved);
        while let Some(step) = self.definition.cancel.get(progress.next) {
            match self.take(step, &format!("/cancel/{}", progress.next), &mut scope) {
                Ok(Taken::Done(saved)) => progress.saved.extend(saved),
                Ok(Taken::Waiting) => return Ok(Removal::Waiting),
                Err(Trouble::Refused { status: 404, .. }) => break,
                // Locked by something that goes on: it will pass.
                Err(Trouble::Refused { status: 423, why }) => return Err(Trouble::passing(why)),
                Ok(Taken::Failed(why)) | Err(Trouble::Refused { why, .. }) => {
                    return Ok(Removal::Refused(why));
                }
                Err(trouble) => return Err(trouble),
            }
            scope.merge("saved", &progress.saved);
            progress.next += 1;
        }
        *progress = Progress::default();
        Ok(Removal::Asked)
    }
}
