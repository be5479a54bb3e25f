//! Buying a server: the intent before, the outcome after, one request in between.

use std::time::Duration;

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::clock;
use crate::error::Error;
use crate::hoster::http::{Attempt, Outcome, Prepared, Trouble};
use crate::order::{Bought, Order, State};
use crate::secret::Secret;
use crate::store::Place;

impl Drive<'_> {
    /// Sends the request that buys, or learns why it cannot be sent.
    pub(super) fn buy(&mut self, order: &Order) -> Result<Next, Error> {
        if self.is_late(order) {
            let why = order.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            return self.give_up(order, &format!("the hoster did not take the order{why}"));
        }
        let purchase = order.purchase.clone().unwrap_or_default();
        if purchase.unsettled && !self.is_same_account(order) {
            return self.look_for(order, &format!("{} meanwhile", self.hoster.changed()));
        }
        let before = purchase.unsettled.then_some(&purchase.saved);
        match self.scope(order).and_then(|scope| self.hoster.prepare(&scope, before)) {
            Ok(Prepared::Ready(attempt)) => self.send(&attempt),
            Ok(Prepared::Waiting) => self.await_it(order, "waiting for the hoster"),
            Ok(Prepared::Failed(why))
            | Err(Trouble::Refused { why, .. } | Trouble::Definition(why)) => {
                self.fail_unbought(order, &why)
            }
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    fn send(&mut self, attempt: &Attempt) -> Result<Next, Error> {
        // From here on a crash means that a server may have been bought.
        let mut book = self.store.lock("worker")?;
        let Some(mut order) = self.store.read_in(Place::Active, self.id)? else {
            return Ok(Next::Nothing);
        };
        if order.is_called_off() || order.state != State::Accepted {
            return Ok(Next::After(Duration::ZERO));
        }
        let account = self.account(&order);
        order.intend(&self.hoster.base_url, account, attempt.saved.clone(), clock::now());
        book.settle(&order)?;
        drop(book);
        // What came of an earlier one is in the file, or is of no interest any more.
        self.memory.outcome = None;
        self.say("the request that buys is sent");
        let password = order.password.as_ref().map(Secret::expose);
        let outcome = self.hoster.buy(attempt, password);
        // Kept in memory and in the log until it is in the order's file: the disk may be full.
        self.say(&words(&outcome));
        self.memory.outcome = Some(outcome.clone());
        self.record(&order, outcome)
    }

    /// An order is found in the middle of a purchase: its outcome could not be written down, or its
    /// sender is dead, for there is one worker and one thread for each order.
    pub(super) fn recall(&mut self, order: &Order) -> Result<Next, Error> {
        if let Some(outcome) = self.memory.outcome.clone() {
            return self.record(order, outcome);
        }
        let why = "the worker ended before the outcome of the purchase was known";
        self.change(why, |order, now| order.lose_sight(why.to_owned(), now))
    }

    /// Writes down what came of the request that buys.
    fn record(&mut self, order: &Order, outcome: Outcome) -> Result<Next, Error> {
        let line = words(&outcome);
        match outcome {
            Outcome::Bought(bought) => self.own(bought),
            Outcome::Nothing { why, wait } => {
                self.change(&line, |order, now| order.nothing_bought(why, now))?;
                let pause = self.pause(order, wait);
                self.pause_first(order, pause);
                Ok(Next::After(Duration::ZERO))
            }
            Outcome::Rejected(why) => self.fail_unbought(order, &why),
            Outcome::Conflict(why) => self.change(&line, |order, now| order.seek(why, now)),
            Outcome::Unknown(why) => self.change(&line, |order, now| order.lose_sight(why, now)),
        }
    }

    /// Writes down which server is the order's.
    pub(super) fn own(&mut self, bought: Bought) -> Result<Next, Error> {
        let line = format!("server {} is bought", bought.server_id);
        let (step, hoster) = (self.hoster.buying_step(), self.hoster);
        self.change(&line, |order, now| {
            let account = hoster.account(&order.key);
            order.own(step, account, bought, now);
        })
    }

    /// Calls off an order for which no request is under way.
    pub(super) fn call_off(&mut self, order: &Order) -> Result<Next, Error> {
        if order.is_unsettled() {
            let why = order.reason.clone().unwrap_or_default();
            return self.change("cancelled; looking for what was bought", |order, now| {
                order.lose_sight(why, now);
            });
        }
        self.change("cancelled; nothing was bought", |order, now| order.cancel(Uuid::now_v7(), now))
    }
}

/// Says what came of the request that buys.
fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Bought(bought) => format!("the hoster sold server {}", bought.server_id),
        Outcome::Nothing { why, .. } => format!("nothing was bought: {why}"),
        Outcome::Rejected(why) => format!("the hoster refused: {why}"),
        Outcome::Conflict(why) => format!("there is a server of that name or id: {why}"),
        Outcome::Unknown(why) => format!("nobody knows whether a server was bought: {why}"),
    }
}
