//! `claims/SERVER`, a link: which order holds which server of the inventory.
//!
//! Its text is the order's number, with a word behind it while the server waits to be cleaned. A
//! claim whose order exists nowhere, or no longer holds the server, is void; one in quarantine
//! stays until somebody says that the server is clean.

use std::collections::HashSet;

use super::book::Book;
use super::ids::Scan;
use super::{atomic, link};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::order::TaskId;

/// What a claim says of a server that waits to be cleaned.
const QUARANTINED: &str = "quarantined";

/// Who holds a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The order that holds, or held, the server.
    pub(crate) task_id: TaskId,
    /// Whether the server waits to be cleaned.
    quarantined: bool,
}

impl Claim {
    /// Reads the text of a claim.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, quarantined) = match text.split_once(' ') {
            Some((id, QUARANTINED)) => (id, true),
            Some(_) => return None,
            None => (text, false),
        };
        Some(Self { task_id: id.parse().ok()?, quarantined })
    }

    /// Returns the text of a claim.
    pub(super) fn text(self) -> String {
        let Self { task_id, quarantined } = self;
        if quarantined { format!("{task_id} {QUARANTINED}") } else { task_id.to_string() }
    }
}

impl Book<'_> {
    /// Claims the first of `servers` that nobody holds, for `id`.
    ///
    /// Returns its index; `None` where all are held. [`Book::count`] is to follow.
    pub(crate) fn claim_one_of(
        &mut self,
        servers: &[&str],
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<usize>, Error> {
        // Reading the sequence first notices that claims were removed by hand, and restores them.
        let mut sequence = self.sequence(now)?;
        let mut free = self.first_unclaimed(servers)?;
        if free.is_none() && self.any_is_void(servers) {
            // A crash or a hand left a claim that nobody has. Only all orders together can tell.
            sequence = self.rebuild(now)?;
            free = self.first_unclaimed(servers)?;
        }
        let Some(index) = free else { return Ok(None) };
        let claim = Claim { task_id: id, quarantined: false };
        // Durable together with the order, written down together with its id.
        link::put(&self.cleared_tmp()?, &self.layout().claim(servers[index]), &claim.text())?;
        self.remember(sequence)?;
        Ok(Some(index))
    }

    /// Makes sure, durably, that `id`, whose file says that it holds `server`, is the only one.
    ///
    /// Returns the order that holds it instead, or that held it before and left it uncleaned.
    pub(crate) fn confirm_claim(
        &mut self,
        server: &str,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<TaskId>, Error> {
        self.sequence(now)?;
        if self.claim(server)?.is_none_or(|claim| self.is_void(server, &claim)) {
            self.rebuild(now)?;
        }
        let other = self
            .claim(server)?
            .filter(|claim| claim.task_id != id || claim.quarantined)
            .map(|claim| claim.task_id);
        if other.is_none() {
            atomic::sync_folder(&self.layout().claims())?;
        }
        Ok(other)
    }

    /// Ends the claim of `id` on a server that nobody else may find uncleaned; returns whether it
    /// had one.
    pub(crate) fn unclaim(
        &mut self,
        server: &str,
        id: TaskId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let sequence = self.sequence(now)?;
        let own = self.claim(server)?.is_some_and(|claim| claim.task_id == id);
        let removed = own && atomic::remove(&self.layout().claim(server))?;
        if removed {
            self.save(sequence)?;
        }
        Ok(removed)
    }

    /// Lets a server that `id` gave back be ordered again, durably; returns whether it waited for that.
    pub(crate) fn free(&mut self, server: &str, id: TaskId, now: Timestamp) -> Result<bool, Error> {
        let freed = self.unclaim(server, id, now)?;
        if freed {
            atomic::sync_folder(&self.layout().claims())?;
        }
        Ok(freed)
    }

    /// Keeps a server that `id` gives back from everybody, until it is clean.
    pub(crate) fn quarantine(
        &mut self,
        server: &str,
        id: TaskId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sequence = self.sequence(now)?;
        match self.claim(server)? {
            Some(claim) if claim.task_id != id => return Ok(()),
            _ => self.put_claim(server, id, true)?,
        }
        self.save(sequence)
    }

    /// Returns the claim on a server.
    pub(crate) fn claim(&self, server: &str) -> Result<Option<Claim>, Error> {
        let path = self.layout().claim(server);
        let Some(text) = link::read(&path)? else { return Ok(None) };
        match Claim::parse(&text) {
            Some(claim) => Ok(Some(claim)),
            None => Err(Error::StateUnreadable {
                path,
                problem: format!("`{text}` is no order's number"),
            }),
        }
    }

    fn put_claim(&self, server: &str, task_id: TaskId, quarantined: bool) -> Result<(), Error> {
        let text = Claim { task_id, quarantined }.text();
        link::put_durably(&self.cleared_tmp()?, &self.layout().claim(server), &text)
    }

    fn first_unclaimed(&self, servers: &[&str]) -> Result<Option<usize>, Error> {
        let claimed = self.claimed()?;
        Ok(servers.iter().position(|server| !claimed.contains(&server.to_ascii_lowercase())))
    }

    fn claimed(&self) -> Result<HashSet<String>, Error> {
        let folder = self.layout().claims();
        let fault = |error| Error::state(&folder, "list", &error);
        atomic::entries(&folder)
            .map_err(fault)?
            .map(|entry| Ok(entry.map_err(fault)?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn any_is_void(&self, servers: &[&str]) -> bool {
        servers.iter().any(|server| {
            // A claim that cannot be read is held: by whom is for a person to find out.
            self.claim(server).ok().flatten().is_some_and(|claim| self.is_void(server, &claim))
        })
    }

    fn is_void(&self, server: &str, claim: &Claim) -> bool {
        !claim.quarantined
            && match self.store().read(claim.task_id) {
                Ok(Some(found)) => {
                    !found.order.held_server().is_some_and(|held| held.eq_ignore_ascii_case(server))
                }
                Ok(None) => true,
                Err(_) => false,
            }
    }

    /// Makes `claims/` say what the orders say.
    pub(super) fn restore_claims(&mut self, scan: &Scan) -> Result<(), Error> {
        let claimed = self.claimed()?;
        for server in &claimed {
            let Ok(Some(claim)) = self.claim(server) else {
                continue;
            };
            let known = scan.unreadable.contains(&claim.task_id)
                || claim.quarantined
                || scan.holders.contains_key(server);
            if !known {
                atomic::remove(&self.layout().claim(server))?;
            }
        }
        for (server, id) in &scan.holders {
            let right = match self.claim(server) {
                Ok(Some(claim)) => claim.task_id == *id || scan.unreadable.contains(&claim.task_id),
                Ok(None) => false,
                Err(_) => true,
            };
            if !right {
                self.put_claim(server, *id, false)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Claim;
    use proptest::prelude::*;

    #[test]
    fn a_claim_is_a_number_and_perhaps_a_word() {
        for text in ["17", "17 quarantined"] {
            assert_eq!(Claim::parse(text).unwrap().text(), text);
        }
        for text in ["", "x", "017", "17 ", "17 gone", "17  quarantined", "../17"] {
            assert_eq!(Claim::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(text in ".{0,20}") {
            if let Some(claim) = Claim::parse(&text) {
                prop_assert_eq!(claim.text(), text);
            }
        }
    }
}
