//! Giving a server back to its hoster: only one that is surely the order's, until it is gone.

use std::time::Duration;

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::clock;
use crate::error::Error;
use crate::hoster::http::{Presence, Removed, Trouble};
use crate::order::{Order, Removal, State};

/// After how long a hoster that still has the server is asked once more to remove it.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// For how long a hoster may take to remove a server, from the first step on.
const LONGEST: Duration = Duration::from_hours(1);

impl Drive<'_> {
    /// Removes the server of an order that nobody wants any more.
    pub(super) fn remove(&mut self, order: &Order) -> Result<Next, Error> {
        let id = order.server_id.clone().unwrap_or_default();
        let agreed = removal(order).accepted;
        let presence =
            self.scope(order).and_then(|scope| self.hoster.presence(&id, agreed, &scope));
        match presence {
            Ok(Presence::Ours) => self.remove_ours(order, &id),
            Ok(Presence::Gone) => self.clear_up(order, &id),
            Ok(Presence::Strange) => self.leave_alone(order, &id),
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    fn remove_ours(&mut self, order: &Order, id: &str) -> Result<Next, Error> {
        if !self.is_same_account(order) {
            // It has just shown that it knows the server.
            let account = self.account(order);
            let line = format!("{}, and know the server", self.hoster.changed());
            return self.change(&line, |order, _| {
                order.purchase.get_or_insert_default().account = Some(account);
            });
        }
        let removal = removal(order);
        if removal.begun_at.is_none() {
            // What an earlier wish has come to removed nothing: the hoster is asked anew.
            return self.take_removal(order, &Removal { step: None, asked_at: None, ..removal });
        }
        let was_asked = removal.accepted || removal.asked_at.is_some();
        if was_asked && self.takes_too_long(&removal) {
            let did = if removal.accepted { "agreed" } else { "was asked" };
            let why = format!("the hoster {did} to remove server {id}, and it is still there");
            return self.keep(order, &why);
        }
        match removal.asked_at.map(|at| clock::age(at, clock::now())) {
            Some(age) if age < ASK_AGAIN => {
                self.await_it(order, "waiting until the server is gone")
            }
            Some(_) => self.take_removal(order, &Removal { step: None, asked_at: None, ..removal }),
            None => self.take_removal(order, &removal),
        }
    }

    /// The server is gone. What it left behind, as an address that costs money, goes too.
    fn clear_up(&mut self, order: &Order, id: &str) -> Result<Next, Error> {
        let removal = removal(order);
        let built = order.purchase.as_ref().is_some_and(|purchase| purchase.built_at.is_some());
        if !removal.accepted && !built && self.is_new(order) {
            return self.await_it(order, "the hoster does not know the server yet");
        }
        if !removal.accepted && !self.is_same_account(order) {
            let changed = self.hoster.changed();
            let why = format!("{changed}, and their account does not know server {id}");
            return self.keep(order, &why);
        }
        if removal.asked_at.is_some() {
            return self.removed(id);
        }
        let begun_at = removal.begun_at;
        let begun = removal.step.is_some().then_some(removal);
        match begun.or_else(|| Some(Removal { begun_at, ..self.hoster.left_behind()? })) {
            Some(removal) => self.take_removal(order, &removal),
            None => self.removed(id),
        }
    }

    /// The server of that id is not, or no more, the order's: no step is taken that names it.
    fn leave_alone(&mut self, order: &Order, id: &str) -> Result<Next, Error> {
        let removal = removal(order);
        if removal.accepted && removal.asked_at.is_some() {
            return self.removed(id);
        }
        self.insist(order, format!("server {id} does not bear this order's name"))
    }

    /// Takes the next step of a removal.
    fn take_removal(&mut self, order: &Order, removal: &Removal) -> Result<Next, Error> {
        let id = order.server_id.clone().unwrap_or_default();
        let taken = self.scope(order).and_then(|scope| self.hoster.remove_next(removal, &scope));
        match taken {
            Ok(Removed::Step(next)) => {
                let step = next.step.clone().unwrap_or_default();
                let line = format!("step {step} of removing server {id} is done");
                self.change(&line, |order, now| order.removing(next, now))
            }
            Ok(Removed::All) => {
                let line = format!("the hoster was asked to remove server {id}");
                let next = removal.clone();
                self.change(&line, |order, now| {
                    order.removing(Removal { asked_at: Some(now), ..next }, now);
                })?;
                Ok(Next::After(self.shop.poll.min(Duration::from_secs(1))))
            }
            Ok(Removed::Waiting) => self.await_removal(order, removal),
            Ok(Removed::Never(why)) => {
                self.keep(order, &format!("the hoster does not remove server {id}: {why}"))
            }
            Err(Trouble::Refused { why, .. }) => {
                self.insist(order, format!("the hoster does not remove server {id}: {why}"))
            }
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    /// Waits for what a step of a removal waits for, but not for ever.
    fn await_removal(&mut self, order: &Order, removal: &Removal) -> Result<Next, Error> {
        let why = "waiting for the hoster to remove it";
        if removal.begun_at.is_none() {
            let begun = removal.clone();
            return self.change(why, |order, now| order.removing(begun, now));
        }
        if self.takes_too_long(removal) {
            let id = order.server_id.as_deref().unwrap_or_default();
            let why = format!("the hoster does not come to the end of removing server {id}");
            return self.keep(order, &why);
        }
        self.await_it(order, why)
    }

    fn takes_too_long(&self, removal: &Removal) -> bool {
        let longest = LONGEST.min(self.shop.timeout);
        removal.begun_at.is_some_and(|at| clock::age(at, clock::now()) >= longest)
    }

    /// Asks again for a while where a hoster says no: it may be busy with the server.
    fn insist(&mut self, order: &Order, why: String) -> Result<Next, Error> {
        self.wait(order, &Trouble::Passing { why, wait: None })
    }

    fn removed(&mut self, id: &str) -> Result<Next, Error> {
        let line = format!("server {id} is gone");
        self.change(&line, |order, now| {
            if order.state.has_ended() {
                order.release(Uuid::now_v7(), now);
            } else {
                order.cancel(Uuid::now_v7(), now);
            }
        })
    }

    /// Ends the wish for a removal that cannot be: the server stays, and the order says so.
    pub(super) fn keep(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        if matches!(order.state, State::Finished | State::Failed) {
            let line = format!("not released: {why}");
            return self.change(&line, |order, now| order.refuse_wish(why.to_owned(), now));
        }
        self.fail_kept(order, &format!("cancelled, but {why}"))
    }
}

fn removal(order: &Order) -> Removal {
    order.purchase.as_ref().and_then(|purchase| purchase.removal.clone()).unwrap_or_default()
}
