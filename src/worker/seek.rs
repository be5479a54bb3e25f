//! Looking for the server of an order whose outcome is not known, and deciding where there is none.

use std::time::Duration;

use super::drive::{Drive, Next};
use crate::clock;
use crate::definition::http::IdempotencyKind;
use crate::error::Error;
use crate::hoster::http::Look;
use crate::order::Order;

/// How often a lost server is looked for at least, before nobody looks any more.
const LOOKS: u32 = 3;

impl Drive<'_> {
    /// Looks once.
    pub(super) fn seek(&mut self, order: &Order) -> Result<Next, Error> {
        match self.scope(order).and_then(|scope| self.hoster.find(&scope)) {
            Ok(Look::One(bought)) => self.own(bought),
            Ok(Look::Many(found)) => {
                self.look_for(order, &format!("this order's name is that of {found}"))
            }
            Ok(Look::None) => self.look_again(order),
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    fn look_again(&mut self, order: &Order) -> Result<Next, Error> {
        let settle = self.settle();
        let looks = order.purchase.as_ref().map_or(0, |purchase| purchase.looks);
        // One more than are in the file: this one.
        if looks + 1 >= LOOKS && !self.may_still_show(order) {
            return self.decide(order);
        }
        let next = self.change("no such server is listed; looking again", Order::looked)?;
        self.pause_first(order, (settle / (LOOKS + 1)).min(self.shop.poll));
        Ok(next)
    }

    /// Returns how long a server that was bought may take to show up in lists.
    fn settle(&self) -> Duration {
        Duration::from_secs_f64(self.hoster.definition.find.settle_seconds)
    }

    /// Returns whether a server that was bought may still show up: the program that buys may be running.
    pub(super) fn may_still_show(&self, order: &Order) -> bool {
        let since = order.purchase.as_ref().and_then(|purchase| purchase.unknown_since);
        since.is_some_and(|since| clock::age(since, clock::now()) < self.settle())
    }

    /// Decides what follows where no server was found for long enough.
    fn decide(&mut self, order: &Order) -> Result<Next, Error> {
        let why = order.reason.clone().unwrap_or_default();
        let unsettled = order.is_unsettled();
        let idempotency = &self.hoster.definition.idempotency;
        if order.is_called_off() || self.is_late(order) || !self.is_same_account(order) {
            return self.look_for(order, &why);
        }
        if !unsettled && idempotency.restart_on_conflict {
            let line = "somebody else has that server; beginning anew";
            return self.change(line, Order::begin_anew);
        }
        match idempotency.kind {
            IdempotencyKind::Token | IdempotencyKind::UniqueName if unsettled => {
                let line = "no server was found, and a second one cannot come about: sending again";
                self.change(line, |order, now| order.nothing_bought(why, now))
            }
            _ => self.look_for(order, &why),
        }
    }
}
