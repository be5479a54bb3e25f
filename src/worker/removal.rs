//! Giving a server back to its hoster: only one that is surely the order's, until it is gone.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::error::Error;
use crate::hoster::http::{Presence, Removed, Trouble};
use crate::order::{Order, Removal, State};

/// After how long a hoster that still has the server is asked once more to remove it.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// For how long a hoster may refuse to remove a server, as while it is busy with it, before that is
/// its last word.
const REFUSALS: Duration = Duration::from_mins(10);

impl Drive<'_> {
    /// Removes the server of an order that nobody wants any more.
    pub(super) fn remove(&mut self, order: &Order) -> Result<Next, Error> {
        let purchase = order.purchase.clone().unwrap_or_default();
        let id = order.server_id.clone().unwrap_or_default();
        let scope = match self.scope(order) {
            Ok(scope) => scope,
            Err(trouble) => return self.wait(order, &trouble),
        };
        let presence = match self.hoster.presence(&id, &scope) {
            Ok(presence) => presence,
            Err(trouble) => return self.wait(order, &trouble),
        };
        let accepted = purchase.removal.as_ref().is_some_and(|removal| removal.accepted);
        let was_there = purchase.built_at.is_some() || accepted;
        match (presence, purchase.removal) {
            (Presence::Gone, _) if !was_there && self.is_new(order) => {
                self.await_it(order, "the hoster does not know the server yet")
            }
            (Presence::Gone, _) if !self.is_same_account(order) => {
                let why = format!(
                    "the credentials were changed, and their account does not know server {id}"
                );
                self.keep(order, &why)
            }
            (Presence::Gone | Presence::Strange, Some(removal)) => {
                // What was removed may have left something behind that the next steps remove.
                self.take_removal(order, &removal, true)
            }
            (Presence::Gone, None) => self.removed(&id),
            (Presence::Strange, None) => {
                let why = format!("server {id} does not bear this order's name");
                self.insist(order, why)
            }
            (Presence::Ours, removal) => {
                if self.memory.removal_asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) {
                    return self.await_it(order, "waiting until the server is gone");
                }
                self.take_removal(order, &removal.unwrap_or_default(), false)
            }
        }
    }

    /// Takes the next step of a removal; after the last one the server is looked for again.
    fn take_removal(
        &mut self,
        order: &Order,
        removal: &Removal,
        is_gone: bool,
    ) -> Result<Next, Error> {
        let id = order.server_id.clone().unwrap_or_default();
        let taken = self.scope(order).and_then(|scope| self.hoster.remove_next(removal, &scope));
        match taken {
            Ok(Removed::Step(removal)) => {
                self.move_on();
                let step = removal.step.clone().unwrap_or_default();
                let line = format!("step {step} of removing server {id} is done");
                self.change(&line, |order, now| order.removing(Some(removal), now))
            }
            Ok(Removed::All) if is_gone => self.removed(&id),
            Ok(Removed::All) => {
                let line = format!("the hoster was asked to remove server {id}");
                let anew = Removal { accepted: removal.accepted, ..Removal::default() };
                self.change(&line, |order, now| order.removing(Some(anew), now))?;
                self.memory.removal_asked = Some(Instant::now());
                Ok(Next::After(self.shop.poll.min(Duration::from_secs(1))))
            }
            Ok(Removed::Waiting) => self.await_it(order, "waiting for the hoster to remove it"),
            Ok(Removed::Never(why)) => {
                self.keep(order, &format!("the hoster does not remove server {id}: {why}"))
            }
            Err(Trouble::Refused { why, .. }) => {
                self.insist(order, format!("the hoster does not remove server {id}: {why}"))
            }
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    /// Asks again for a while where a hoster says no.
    fn insist(&mut self, order: &Order, why: String) -> Result<Next, Error> {
        let since = *self.memory.troubled_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= REFUSALS.min(self.shop.timeout) {
            return self.keep(order, &why);
        }
        self.wait(order, &Trouble::Passing { why, wait: None })
    }

    fn removed(&mut self, id: &str) -> Result<Next, Error> {
        let line = format!("server {id} is gone");
        self.change(&line, |order, now| {
            order.removing(None, now);
            if order.state.has_ended() {
                order.release(Uuid::now_v7(), now);
            } else {
                order.cancel(Uuid::now_v7(), now);
            }
        })
    }

    /// Ends the wish for a removal that cannot be: the server stays, and the order says so.
    fn keep(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        if matches!(order.state, State::Finished | State::Failed) {
            let line = format!("not released: {why}");
            return self.change(&line, |order, now| order.refuse_wish(why.to_owned(), now));
        }
        self.fail_kept(order, &format!("cancelled, but {why}"))
    }
}
