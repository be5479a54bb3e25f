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

    /// Ends an order whose last request surely bought nothing.
    pub(super) fn fail_unbought(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        // What an earlier request did is another question.
        if order.purchase.as_ref().is_some_and(|purchase| purchase.unsettled) {
            return self.look_for(order, why);
        }
        self.fail(why.to_owned())
    }

    /// Ends an order that may have bought a server, and says what to look for.
    pub(super) fn look_for(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let hostname = order.hostname.as_deref().unwrap_or_default();
        let title = &self.hoster.definition.title;
        self.fail(format!(
            "{why}; nobody knows whether a server was bought: look for `{hostname}` at {title} and \
             remove it if it is there"
        ))
    }

    /// Ends an order that has bought a server, and names it.
    pub(super) fn fail_bought(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let server = order.server_id.as_deref().unwrap_or_default();
        let hostname = order.hostname.as_deref().unwrap_or_default();
        let id = order.task_id;
        self.fail(format!(
            "{why}; server {server} (`{hostname}`) was bought: `orders release {id}` removes it"
        ))
    }

    fn fail(&mut self, reason: String) -> Result<Next, Error> {
        let line = format!("failed: {reason}");
        self.change(&line, |order, now| order.fail(reason, Uuid::now_v7(), now))
    }
}
