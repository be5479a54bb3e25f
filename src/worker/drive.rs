//! Drives one order of a hoster one step on: ask without a lock, write down under it.
//!
//! Whatever is sent that cannot be taken back is written down before; whatever is learned is
//! written down before it is acted on. A crash anywhere leads to a state whose first act is safe.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::shop::Shop;
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::expression::Scope;
use crate::hoster::http::{self, Hoster, Outcome, Trouble};
use crate::order::{Order, State, Step, TaskId, Wish};
use crate::pace::Backoff;
use crate::store::{Place, Store};

/// The longest pause between two tries while a hoster does not answer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// For how long a hoster may fail before that counts against an order: a machine that has just
/// started, or a network that is away, is no reason to give up what was paid for.
pub(super) const PATIENCE: Duration = Duration::from_mins(10);

/// What the log says of an order that was driven while the clock was ahead.
const SET_BACK: &str = "the clock was set back: what began in a time to come begins now";

/// What comes after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next step, after so long.
    After(Duration),
    /// Nothing of the hoster's: the order has ended, or is gone.
    Nothing,
}

/// What is remembered of an order from step to step; nothing that the promise rests on.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How long to wait after the next try that comes to nothing.
    backoff: Option<Backoff>,
    /// How long to wait before the next step, as long as nobody wishes for anything else than then.
    pause: Option<(Option<Wish>, Duration)>,
    /// What came of the request that buys, where it could not be written down yet.
    pub(super) outcome: Option<Outcome>,
    /// How far the recovery of a root password is.
    pub(super) recovery: (usize, BTreeMap<String, Value>),
    /// Whether this worker has looked if the server is ready for the pool.
    pub(super) inspected: bool,
    /// What the log said last.
    pub(super) said: String,
}

/// One order under way.
pub(super) struct Drive<'a> {
    pub(super) store: &'a Store,
    pub(super) shop: &'a Shop,
    pub(super) hoster: &'a Hoster,
    pub(super) id: TaskId,
    pub(super) memory: &'a mut Memory,
}

impl Drive<'_> {
    /// Takes one step.
    pub(super) fn step(&mut self) -> Result<Next, Error> {
        let Some(order) = self.store.read_in(Place::Active, self.id)? else {
            return Ok(Next::Nothing);
        };
        // A wish that came since is in the file that was just read, and would wake nobody.
        if let Some((wish, pause)) = self.memory.pause.take()
            && order.wish == wish
        {
            return Ok(Next::After(pause));
        }
        // What came of a request that buys is not forgotten for that.
        let can_wait = order.next() != Step::File && order.state != State::Buying;
        if can_wait && order.is_ahead_of(clock::now()) {
            return self.change(SET_BACK, Order::set_back);
        }
        match (order.next(), order.state) {
            // Its events become deliveries before it is filed, which is not done here.
            (Step::File, _) => Ok(Next::Nothing),
            (_, State::Buying) => self.recall(&order),
            (_, State::Unknown) => self.seek(&order),
            (Step::Cancel, State::Accepted) => self.call_off(&order),
            (Step::Cancel | Step::Release, _) => self.remove(&order),
            (Step::GoOn, State::Accepted) => self.buy(&order),
            (Step::GoOn, State::Building) => self.build(&order),
            (Step::GoOn, _) => self.check(&order),
        }
    }

    pub(super) fn scope(&self, order: &Order) -> Result<Scope, Trouble> {
        http::scope_of(self.hoster, order).map_err(Trouble::Definition)
    }

    /// Returns which account the credentials are of that the worker has now.
    pub(super) fn account(&self, order: &Order) -> String {
        self.hoster.account(&order.key)
    }

    /// Returns whether the account that is asked now is the one that the order was placed with.
    pub(super) fn is_same_account(&self, order: &Order) -> bool {
        let purchase = order.purchase.as_ref();
        let known = purchase.and_then(|purchase| purchase.account.as_ref());
        known.is_none_or(|known| *known == self.account(order))
    }

    /// Changes the order under the lock, as it is by then, and says what was done.
    pub(super) fn change(
        &mut self,
        line: &str,
        change: impl FnOnce(&mut Order, Timestamp),
    ) -> Result<Next, Error> {
        self.change_if(line, |_| true, change)
    }

    /// As [`Drive::change`], unless the order has become one that must not be changed so.
    pub(super) fn change_if(
        &mut self,
        line: &str,
        may: impl FnOnce(&Order) -> bool,
        change: impl FnOnce(&mut Order, Timestamp),
    ) -> Result<Next, Error> {
        let mut book = self.store.lock("worker")?;
        let Some(mut order) = self.store.read_in(Place::Active, self.id)? else {
            return Ok(Next::Nothing);
        };
        if !may(&order) {
            return Ok(Next::After(Duration::ZERO));
        }
        change(&mut order, clock::now());
        book.settle(&order)?;
        drop(book);
        // An order that goes back to where it was before has not moved on.
        let Memory { backoff, said, inspected, .. } = std::mem::take(self.memory);
        *self.memory = Memory { backoff, inspected, said, ..Memory::default() };
        self.say(line);
        let ended = order.state.has_ended() && order.wish.is_none();
        Ok(if ended { Next::Nothing } else { Next::After(Duration::ZERO) })
    }

    /// Waits for something that takes its time, of which the hoster has just told.
    pub(super) fn await_it(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        self.memory.backoff = None;
        if troubled_since(order).is_some() {
            // What is waited for is told again at the next look.
            return self.change(why, |order, _| order.troubled(None));
        }
        if order.wish.is_none() && self.is_late(order) {
            return self.give_up(order, why);
        }
        self.say(why);
        Ok(Next::After(self.shop.poll))
    }

    /// Waits, longer each time, for a hoster that does not do as asked.
    pub(super) fn wait(&mut self, order: &Order, trouble: &Trouble) -> Result<Next, Error> {
        let Some(since) = troubled_since(order) else {
            self.change(trouble.why(), |order, now| order.troubled(Some(now)))?;
            let pause = self.pause(order, trouble.wait());
            self.pause_first(order, pause);
            return Ok(Next::After(Duration::ZERO));
        };
        if clock::age(since, clock::now()) >= PATIENCE.min(self.shop.timeout) {
            let is_late = self.is_late(order) && !self.may_still_show(order);
            let is_unknown = matches!(order.state, State::Buying | State::Unknown);
            // What may have been bought is looked for as long as the order has time.
            if order.wish.is_some() && (is_late || !is_unknown) {
                return self.give_up_wish(order, trouble.why());
            }
            if order.wish.is_none() && is_late {
                return self.give_up(order, trouble.why());
            }
        }
        self.say(trouble.why());
        Ok(Next::After(self.pause(order, trouble.wait())))
    }

    /// Has the next step wait.
    pub(super) const fn pause_first(&mut self, order: &Order, pause: Duration) {
        self.memory.pause = Some((order.wish, pause));
    }

    /// Returns how long to leave a hoster alone that did not do as asked.
    pub(super) fn pause(&mut self, order: &Order, wait: Option<Duration>) -> Duration {
        let poll = self.shop.poll;
        // So that orders that failed together do not ask together again.
        let mix = |seed: u64, byte: u8| seed.wrapping_mul(31).wrapping_add(byte.into());
        let seed = order.key.bytes().fold(0, mix);
        let longest = LONGEST_PAUSE.max(poll);
        let backoff = &mut self.memory.backoff;
        let pause = backoff.get_or_insert_with(|| Backoff::new(poll, longest, seed)).wait();
        let pause = wait.unwrap_or_default().max(pause);
        if order.wish.is_some() { pause } else { pause.min(self.time_left(order)) }
    }

    /// Writes a line into the log, unless it said the same last.
    pub(super) fn say(&mut self, line: &str) {
        if self.memory.said != line {
            line.clone_into(&mut self.memory.said);
            self.store.log(clock::now(), Some(self.id), line.to_owned());
        }
    }
}

/// Returns since when nothing but trouble came from the hoster.
pub(super) fn troubled_since(order: &Order) -> Option<Timestamp> {
    order.purchase.as_ref().and_then(|purchase| purchase.troubled_since)
}
