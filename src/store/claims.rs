//! `claims/SERVER`: which order holds which server of the inventory.
//!
//! A claim is durable before its order is. One whose order exists nowhere, or no longer holds the
//! server, is void; one in quarantine stays until somebody says that the server is clean.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::book::Book;
use super::ids::Scan;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::format::Format;
use crate::order::TaskId;

/// The file of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    format: Format,
    /// The order that holds, or held, the server.
    pub(crate) task_id: TaskId,
    /// Since when the server waits to be cleaned; null while the order holds it.
    pub(crate) quarantined_at: Option<Timestamp>,
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
        self.put_claim(servers[index], id, None)?;
        // Written down together with the id.
        self.remember(sequence)?;
        Ok(Some(index))
    }

    /// Makes sure that `id`, whose file says that it holds `server`, is the only one.
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
        Ok(self
            .claim(server)?
            .filter(|claim| claim.task_id != id || claim.quarantined_at.is_some())
            .map(|claim| claim.task_id))
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
            _ => self.put_claim(server, id, Some(now))?,
        }
        self.save(sequence)
    }

    /// Returns the claim on a server.
    pub(crate) fn claim(&self, server: &str) -> Result<Option<Claim>, Error> {
        super::read::read(&self.layout().claim(server))
    }

    fn put_claim(
        &self,
        server: &str,
        task_id: TaskId,
        quarantined_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let claim = Claim { format: Format, task_id, quarantined_at };
        self.replace(&self.layout().claim(server), &claim)
    }

    fn first_unclaimed(&self, servers: &[&str]) -> Result<Option<usize>, Error> {
        let claimed = self.claimed()?;
        Ok(servers.iter().position(|server| !claimed.contains(&server.to_ascii_lowercase())))
    }

    fn claimed(&self) -> Result<BTreeSet<String>, Error> {
        let folder = self.layout().claims();
        let fault = |error| Error::state(&folder, "list", &error);
        std::fs::read_dir(&folder)
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
        claim.quarantined_at.is_none()
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
                || claim.quarantined_at.is_some()
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
                self.put_claim(server, *id, None)?;
            }
        }
        Ok(())
    }
}
