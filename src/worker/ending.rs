//! How orders of a hoster end that do not end well, and in which words.

use std::time::Duration;

use uuid::Uuid;

use super::drive::{Drive, Next};
use crate::clock;
use crate::error::Error;
use crate::order::{Order, State};

impl Drive<'_> {
    /// Returns whether the order should have been finished by now.
    pub(super) fn is_late(&self, order: &Order) -> bool {
        clock::age(order.created_at, clock::now()) >= self.shop.timeout
    }

    /// Returns for how long to leave an order alone at most, so that it ends in time.
    pub(super) fn time_left(&self, order: &Order) -> Duration {
        let age = clock::age(order.created_at, clock::now());
        let left = self.shop.timeout.saturating_sub(age);
        left.max(self.shop.poll)
    }

    /// Ends an order that is late.
    pub(super) fn give_up(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let limit = self.shop.timeout.as_secs_f64();
        let why = format!("not finished within {limit} s: {why}");
        match order.state {
            State::Accepted => self.fail_unbought(order, &why),
            State::Buying | State::Unknown => self.look_for(order, &why),
            _ => self.fail_bought(order, &why),
        }
    }

    /// Ends a wish that the hoster does not let come true.
    pub(super) fn give_up_wish(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        match order.state {
            State::Buying | State::Unknown => self.look_for(order, why),
            _ => self.keep(order, why),
        }
    }

    /// Ends an order whose last request surely bought nothing.
    pub(super) fn fail_unbought(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        // What an earlier request did is another question.
        if order.is_unsettled() {
            return self.look_for(order, why);
        }
        let reason = why.to_owned();
        self.change(&format!("nothing was bought: {why}"), |order, now| {
            // Whoever called it off meanwhile has what was asked for.
            if order.is_called_off() {
                order.cancel(Uuid::now_v7(), now);
            } else {
                order.fail(reason, Uuid::now_v7(), now);
            }
        })
    }

    /// Ends an order that may have bought a server, and says what to look for.
    pub(super) fn look_for(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let reason = undecided(order, &self.hoster.definition.title, why);
        // Who calls it off meanwhile changes nothing of that.
        let unsettle = |order: &mut Order| {
            order.purchase.get_or_insert_default().unsettled = true;
        };
        self.fail(reason, |_| true, unsettle)
    }

    /// Ends an order that has bought a server, and names it; one that was called off meanwhile has
    /// it removed instead.
    pub(super) fn fail_bought(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        self.fail(left_behind(order, why), |order| !order.is_called_off(), |_| {})
    }

    /// Ends an order whose server cannot be removed.
    pub(super) fn fail_kept(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        self.fail(left_behind(order, why), |_| true, |_| {})
    }

    fn fail(
        &mut self,
        reason: String,
        may: impl FnOnce(&Order) -> bool,
        besides: impl FnOnce(&mut Order),
    ) -> Result<Next, Error> {
        let line = format!("failed: {reason}");
        self.change_if(&line, may, |order, now| {
            besides(order);
            order.fail(reason, Uuid::now_v7(), now);
        })
    }
}

/// Says what to look for where nobody knows whether a server was bought.
pub(super) fn undecided(order: &Order, hoster: &str, why: &str) -> String {
    let hostname = order.hostname.as_deref().unwrap_or_default();
    format!(
        "{why}; nobody knows whether a server was bought: look for `{hostname}` at {hoster} and \
         remove it if it is there"
    )
}

/// Names a server that was bought and is not handed over.
pub(super) fn left_behind(order: &Order, why: &str) -> String {
    let server = order.server_id.as_deref().unwrap_or_default();
    let hostname = order.hostname.as_deref().unwrap_or_default();
    let id = order.task_id;
    format!("{why}; server {server} (`{hostname}`) was bought: `orders release {id}` removes it")
}
