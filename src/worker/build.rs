//! What a server needs between the purchase and the moment that its hoster calls it ready.

use std::time::Duration;

use super::drive::{Drive, Next};
use crate::clock;
use crate::definition::http::Phase;
use crate::error::Error;
use crate::hoster::http::{Built, Polled, Seen, Trouble, first_ipv4};
use crate::order::Order;
use crate::system;

/// How many addresses of a server are kept.
const ADDRESSES: usize = 32;

impl Drive<'_> {
    /// Takes the next step after the one that buys, or looks how the server is doing.
    pub(super) fn build(&mut self, order: &Order) -> Result<Next, Error> {
        let step = order.purchase.as_ref().and_then(|purchase| purchase.step.as_deref());
        let taken = self
            .scope(order)
            .and_then(|scope| self.hoster.take_next(step.unwrap_or_default(), &scope));
        match taken {
            Ok(Built::Step { name, saved, password }) => {
                let line = format!("step {name} is done");
                self.change(&line, |order, now| order.take_step(&name, saved, password, now))
            }
            Ok(Built::Failed(why)) => self.fail_bought(order, &why),
            Ok(Built::Waiting(step)) => self.await_it(order, &format!("waiting for step {step}")),
            Ok(Built::All) => self.poll(order),
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    fn poll(&mut self, order: &Order) -> Result<Next, Error> {
        match self.scope(order).and_then(|scope| self.hoster.poll(&scope)) {
            Ok(Seen::Server(polled)) => self.look_at(order, polled),
            Ok(Seen::Gone(why)) => self.miss(order, &why),
            Err(trouble) => self.wait(order, &trouble),
        }
    }

    fn look_at(&mut self, order: &Order, polled: Polled) -> Result<Next, Error> {
        let word = polled.word.clone();
        if polled.phase == Phase::Failed {
            let why = polled.reason.unwrap_or_else(|| format!("the hoster calls it `{word}`"));
            return self.fail_bought(order, &why);
        }
        if polled.phase != Phase::Ready {
            return self.await_it(order, &format!("the hoster calls the server `{word}`"));
        }
        let wanted = if self.shop.private { &polled.private } else { &polled.public };
        let Some(server) = first_ipv4(wanted).map(str::to_owned) else {
            return self.await_it(order, "the server has no IPv4 address yet");
        };
        let password = match self.password(order, polled.password) {
            Ok(password) => password,
            Err(why) => return self.await_it(order, &why),
        };
        let line = format!("the hoster calls the server `{word}`, at {server}");
        let addresses = polled.public.into_iter().chain(polled.private);
        let addresses = addresses.filter(|address| address.len() <= 64).take(ADDRESSES).collect();
        self.change(&line, |order, now| {
            if password.is_some() {
                order.password = password;
            }
            order.built(server, addresses, now);
        })
    }

    /// A server that its hoster does not know: not yet, or no more, or not in this account.
    fn miss(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        if self.is_new(order) {
            return self
                .await_it(order, &format!("the hoster does not know the server yet: {why}"));
        }
        if !self.is_same_account(order) {
            let changed = self.hoster.changed();
            let why = format!("{changed}, and their account does not know the server");
            return self.wait(order, &Trouble::Passing { why, wait: None });
        }
        self.fail_bought(order, &format!("the hoster knows it no more: {why}"))
    }

    /// Returns whether the server was bought so recently that its hoster need not know it yet.
    pub(super) fn is_new(&self, order: &Order) -> bool {
        let bought_at = order.purchase.as_ref().and_then(|purchase| purchase.bought_at);
        let Some(bought_at) = bought_at else { return true };
        let now = clock::now();
        let is_short =
            |age: Duration| age.as_secs_f64() < self.hoster.definition.poll.grace_seconds;
        // Not by the clock alone: somebody may have set it ahead since.
        is_short(clock::age(bought_at, now))
            || order.boot.as_ref().zip(system::boot(now)).is_some_and(|(boot, today)| {
                is_short(clock::age(boot.carry(bought_at, &today), now))
            })
    }
}
