//! Giving a server back to its hoster: only one that is surely the order's, until it is gone.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::error::Error;
use crate::hoster::http::{Presence, Removal};
use crate::order::{Order, State};

/// After how long a hoster that still has the server is asked once more to remove it.
const ASK_AGAIN: Duration = Duration::from_mins(1);

impl Drive<'_> {
    /// Removes the server of an order that nobody wants any more.
    pub(super) fn remove(&mut self, order: &Order) -> Result<Next, Error> {
        let id = order.server_id.clone().unwrap_or_default();
        let scope = match self.scope(order) {
            Ok(scope) => scope,
            Err(why) => return self.wait(order, &why, None),
        };
        match self.hoster.presence(&id, &scope) {
            Ok(Presence::Ours) => {}
            Ok(Presence::Gone) => return self.removed(&id),
            Ok(Presence::Strange) => {
                let why = format!("server {id} does not bear this order's name any more");
                return self.keep(order, &why);
            }
            Err(trouble) => return self.wait(order, trouble.why(), trouble.wait()),
        }
        if self.memory.removal_asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) {
            return self.await_it(order, "waiting until the server is gone");
        }
        match self.hoster.remove(&mut self.memory.removal, &scope) {
            Ok(Removal::Asked) => {
                self.memory.removal_asked = Some(Instant::now());
                self.memory.backoff = None;
                self.say(&format!("the hoster was asked to remove server {id}"));
                Ok(Next::After(self.shop.poll.min(Duration::from_secs(1))))
            }
            Ok(Removal::Waiting) => self.await_it(order, "waiting for the hoster to remove it"),
            Ok(Removal::Refused(why)) => {
                self.keep(order, &format!("the hoster does not remove server {id}: {why}"))
            }
            Err(trouble) => self.wait(order, trouble.why(), trouble.wait()),
        }
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
    fn keep(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        if matches!(order.state, State::Finished | State::Failed) {
            let line = format!("not released: {why}");
            return self.change(&line, |order, now| order.refuse_wish(why.to_owned(), now));
        }
        self.fail_bought(order, &format!("cancelled, but {why}"))
    }
}
