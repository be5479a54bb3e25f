//! Drives one order of a hoster one step on: ask without a lock, write down under it.
//!
//! Whatever is sent that cannot be taken back is written down before; whatever is learned is
//! written down before it is acted on. A crash anywhere leads to a state whose first act is safe.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::shop::Shop;
use crate::clock;
use crate::error::Error;
use crate::expression::Scope;
use crate::hoster::http::{self, Attempt, Built, Hoster, Look, Outcome, Polled, Prepared, Seen};
use crate::order::{Bought, Order, State, Step, TaskId};
use crate::pace::Backoff;
use crate::secret::Secret;
use crate::store::{Place, Store};

/// How often a lost server is looked for at least, before nobody looks any more.
const LOOKS: u32 = 3;

/// The longest pause between two tries while a hoster does not answer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What comes after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next step, after so long.
    After(Duration),
    /// Nothing: the order has ended, or is gone.
    Nothing,
}

/// What is remembered of an order from step to step; a new worker does without.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How long to wait after the next try that comes to nothing.
    pub(super) backoff: Option<Backoff>,
    /// How often a lost server was looked for, and since when.
    looks: u32,
    looking_since: Option<Instant>,
    /// How long to wait before the next step.
    pause: Option<Duration>,
    /// How far the removal of its server is.
    pub(super) removal: http::Progress,
    /// When the hoster was asked to remove the server last.
    pub(super) removal_asked: Option<Instant>,
    /// Whether this worker looked at whether its server is ready.
    pub(super) inspected: bool,
    /// What the log said last.
    said: String,
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
        if let Some(pause) = self.memory.pause.take().filter(|_| order.wish.is_none()) {
            return Ok(Next::After(pause));
        }
        match (order.next(), order.state) {
            (Step::File, _) => {
                self.store.lock("worker")?.file(self.id)?;
                Ok(Next::Nothing)
            }
            // Found so, its sender is dead: there is one worker, and one thread for each order.
            (_, State::Buying) => {
                let why = "the worker ended before the outcome of the purchase was known";
                self.change(why, |order, now| order.lose_sight(why.to_owned(), now))
            }
            (_, State::Unknown) => self.seek(&order),
            (Step::Cancel, State::Accepted) => self.call_off(&order),
            (Step::Cancel | Step::Release, _) => self.remove(&order),
            (Step::GoOn, State::Accepted) => self.buy(&order),
            (Step::GoOn, State::Building) => self.build(&order),
            (Step::GoOn, _) => self.check(&order),
        }
    }

    /// Sends the request that buys, or learns why it cannot be sent.
    fn buy(&mut self, order: &Order) -> Result<Next, Error> {
        if self.is_late(order) {
            return self.give_up(order, "the hoster did not take the order");
        }
        let prepared = match self.scope(order) {
            Ok(scope) => self.hoster.prepare(&scope),
            Err(why) => Err(http::Trouble::Definition(why)),
        };
        match prepared {
            Ok(Prepared::Ready(attempt)) => self.send(&attempt),
            Ok(Prepared::Waiting) => self.wait(order, "waiting for the hoster", None),
            Ok(Prepared::Failed(why))
            | Err(http::Trouble::Refused { why, .. } | http::Trouble::Definition(why)) => {
                self.fail_unbought(order, &why)
            }
            Err(trouble) => self.wait(order, trouble.why(), trouble.wait()),
        }
    }

    fn send(&mut self, attempt: &Attempt) -> Result<Next, Error> {
        // From here on a crash means that a server may have been bought.
        let mut book = self.store.lock("worker")?;
        let Some(mut order) = self.store.read_in(Place::Active, self.id)? else {
            return Ok(Next::Nothing);
        };
        if order.wish.is_some() || order.state != State::Accepted {
            return Ok(Next::After(Duration::ZERO));
        }
        order.intend(&self.hoster.base_url, attempt.saved.clone(), clock::now());
        book.settle(&order)?;
        drop(book);
        self.say("the request that buys is sent");
        let password = order.password.as_ref().map(Secret::expose);
        let outcome = self.hoster.buy(attempt, password);
        self.record(&order, outcome)
    }

    /// Writes down what came of the request that buys.
    fn record(&mut self, order: &Order, outcome: Outcome) -> Result<Next, Error> {
        match outcome {
            Outcome::Bought(bought) => self.own(bought),
            Outcome::Nothing { why, wait } => {
                let line = format!("nothing was bought: {why}");
                self.change(&line, |order, now| order.nothing_bought(why.clone(), now))?;
                self.memory.pause = Some(self.pause(order, wait));
                Ok(Next::After(Duration::ZERO))
            }
            Outcome::Rejected(why) => self.fail_unbought(order, &why),
            Outcome::Conflict(why) => {
                let line = format!("there is a server of that name or id: {why}");
                self.change(&line, |order, now| order.seek(why, now))
            }
            Outcome::Unknown(why) => {
                let line = format!("nobody knows whether a server was bought: {why}");
                self.change(&line, |order, now| order.lose_sight(why, now))
            }
        }
    }

    fn own(&mut self, bought: Bought) -> Result<Next, Error> {
        let line = format!("server {} was bought", bought.server_id);
        let step = self.hoster.buying_step();
        self.memory.backoff = None;
        self.change(&line, |order, now| order.own(step, bought, now))
    }

    /// Looks for the server of an order whose outcome is not known.
    fn seek(&mut self, order: &Order) -> Result<Next, Error> {
        let since = *self.memory.looking_since.get_or_insert_with(Instant::now);
        let looked = match self.scope(order) {
            Ok(scope) => self.hoster.find(&scope),
            Err(why) => Err(http::Trouble::Definition(why)),
        };
        match looked {
            Ok(Look::One(bought)) => self.own(bought),
            Ok(Look::Many(ids)) => {
                let why =
                    format!("{} servers bear this order's name: {}", ids.len(), ids.join(", "));
                self.look_for(order, &why)
            }
            Ok(Look::None) => {
                self.memory.looks += 1;
                self.memory.backoff = None;
                let settle = Duration::from_secs_f64(self.hoster.definition.find.settle_seconds);
                if self.memory.looks >= LOOKS && since.elapsed() >= settle {
                    return self.decide(order);
                }
                self.say("no such server is listed; looking again");
                Ok(Next::After((settle / (LOOKS + 1)).min(self.shop.poll)))
            }
            Err(trouble) => self.wait(order, trouble.why(), trouble.wait()),
        }
    }

    /// Decides what follows where no server was found for long enough.
    fn decide(&mut self, order: &Order) -> Result<Next, Error> {
        use crate::definition::http::IdempotencyKind;
        self.memory.looks = 0;
        self.memory.looking_since = None;
        let why = order.reason.clone().unwrap_or_default();
        let unsettled = order.purchase.as_ref().is_some_and(|purchase| purchase.unsettled);
        let idempotency = &self.hoster.definition.idempotency;
        if order.wish.is_some() || self.is_late(order) {
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

    /// Does what a server needs until its hoster calls it ready.
    fn build(&mut self, order: &Order) -> Result<Next, Error> {
        let built = self.scope(order).map_err(http::Trouble::Definition).and_then(|scope| {
            let step = order.purchase.as_ref().and_then(|purchase| purchase.step.as_deref());
            match self.hoster.take_next(step.unwrap_or_default(), &scope)? {
                Built::All => Ok(Err(self.hoster.poll(&scope)?)),
                built => Ok(Ok(built)),
            }
        });
        match built {
            Ok(Ok(Built::Step { name, saved, password })) => {
                let line = format!("step {name} is done");
                self.change(&line, |order, now| order.take_step(&name, saved, password, now))
            }
            Ok(Ok(Built::Failed(why))) => self.fail_bought(order, &why),
            Ok(Ok(Built::Waiting(step))) => {
                self.memory.backoff = None;
                self.await_it(order, &format!("waiting for step {step}"))
            }
            Ok(Ok(Built::All)) => Ok(Next::After(Duration::ZERO)),
            Ok(Err(Seen::Server(polled))) => self.look_at(order, polled),
            Ok(Err(Seen::Gone(why))) => self.miss(order, &why),
            Err(trouble) => self.wait(order, trouble.why(), trouble.wait()),
        }
    }

    fn look_at(&mut self, order: &Order, polled: Polled) -> Result<Next, Error> {
        use crate::definition::http::Phase;
        self.memory.backoff = None;
        let word = polled.word.clone();
        if polled.phase == Phase::Failed {
            let why = polled.reason.unwrap_or_else(|| format!("the hoster calls it `{word}`"));
            return self.fail_bought(order, &why);
        }
        if polled.phase != Phase::Ready {
            return self.await_it(order, &format!("the hoster calls the server `{word}`"));
        }
        let wanted = if self.shop.private { &polled.private } else { &polled.public };
        let Some(server) = http::first_ipv4(wanted).map(str::to_owned) else {
            return self.await_it(order, "the server has no IPv4 address yet");
        };
        let password = match self.password(order, polled.password) {
            Ok(password) => password,
            Err(why) => return self.await_it(order, &why),
        };
        let line = format!("the hoster calls the server `{word}`, at {server}");
        let addresses = polled.public.into_iter().chain(polled.private).collect();
        self.change(&line, |order, now| {
            if password.is_some() {
                order.password = password;
            }
            order.built(server, addresses, now);
        })
    }

    /// A server that its hoster does not know: not yet, or no more.
    fn miss(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        let bought_at = order.purchase.as_ref().and_then(|purchase| purchase.bought_at);
        let age = bought_at.map_or(0.0, |at| clock::age(at, clock::now()).as_secs_f64());
        if age < self.hoster.definition.poll.grace_seconds {
            return self
                .await_it(order, &format!("the hoster does not know the server yet: {why}"));
        }
        self.fail_bought(order, &format!("the hoster knows it no more: {why}"))
    }

    /// Calls off an order for which no request is under way.
    fn call_off(&mut self, order: &Order) -> Result<Next, Error> {
        if order.purchase.as_ref().is_some_and(|purchase| purchase.unsettled) {
            let why = order.reason.clone().unwrap_or_default();
            return self.change("cancelled; looking for what was bought", |order, now| {
                order.lose_sight(why, now);
            });
        }
        self.change("cancelled; nothing was bought", |order, now| order.cancel(Uuid::now_v7(), now))
    }

    pub(super) fn scope(&self, order: &Order) -> Result<Scope, String> {
        http::scope_of(self.hoster, order)
    }

    /// Changes the order under the lock, as it is by then, and says what was done.
    pub(super) fn change(
        &mut self,
        line: &str,
        change: impl FnOnce(&mut Order, clock::Timestamp),
    ) -> Result<Next, Error> {
        let mut book = self.store.lock("worker")?;
        let Some(mut order) = self.store.read_in(Place::Active, self.id)? else {
            return Ok(Next::Nothing);
        };
        change(&mut order, clock::now());
        book.settle(&order)?;
        drop(book);
        // An order that goes back to where it was before has not moved on.
        let Memory { backoff, said, .. } = std::mem::take(self.memory);
        *self.memory = Memory { backoff, said, ..Memory::default() };
        self.say(line);
        let ended = order.state.has_ended() && order.wish.is_none();
        Ok(if ended { Next::Nothing } else { Next::After(Duration::ZERO) })
    }

    /// Waits for something that takes its time.
    pub(super) fn await_it(&mut self, order: &Order, why: &str) -> Result<Next, Error> {
        if order.wish.is_none() && self.is_late(order) {
            return self.give_up(order, why);
        }
        self.say(why);
        Ok(Next::After(self.shop.poll))
    }

    /// Waits, longer each time, for a hoster that does not do as asked.
    pub(super) fn wait(
        &mut self,
        order: &Order,
        why: &str,
        wait: Option<Duration>,
    ) -> Result<Next, Error> {
        if order.wish.is_none() && self.is_late(order) {
            return self.give_up(order, why);
        }
        self.say(why);
        Ok(Next::After(self.pause(order, wait)))
    }

    /// Returns how long to leave a hoster alone that did not do as asked.
    fn pause(&mut self, order: &Order, wait: Option<Duration>) -> Duration {
        let poll = self.shop.poll;
        // So that orders that failed together do not ask together again.
        let seed = order
            .key
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let backoff = self
            .memory
            .backoff
            .get_or_insert_with(|| Backoff::new(poll, LONGEST_PAUSE.max(poll), seed));
        let pause = backoff.wait();
        wait.unwrap_or_default().max(pause).min(self.time_left(order))
    }

    /// Writes a line into the log, unless it said the same last.
    pub(super) fn say(&mut self, line: &str) {
        if self.memory.said != line {
            line.clone_into(&mut self.memory.said);
            self.store.log(clock::now(), Some(self.id), line.to_owned());
        }
    }
}
