//! A delivery in the hands of a thread: one try to send it, written down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::http::Reply;
use crate::store::{Outbox, Shelf, Store};
use crate::webhook::delivery::{Attempt, Delivery, DeliveryId, State, Verdict};
use crate::webhook::kinds;
use crate::webhook::mask::Mask;
use crate::webhook::message::Target;
use crate::webhook::schedule::Plan;
use crate::webhook::send::{self, Fault, Sender};

/// A delivery to be sent.
pub(super) struct Due {
    pub(super) id: DeliveryId,
    pub(super) target: Result<Arc<Target>, String>,
    pub(super) plan: Plan,
    pub(super) sender: Arc<Sender>,
}

/// What became of it.
pub(super) struct Attempted {
    pub(super) id: DeliveryId,
    pub(super) outcome: Outcome,
}

/// What became of a delivery that a thread sent.
pub(super) enum Outcome {
    /// It is as it stands here, and so it is on disk.
    Recorded(Box<Delivery>),
    /// Somebody removed it.
    Gone,
    /// It was perhaps sent, and what came of it is not on disk.
    Error(Error),
    /// The program has a fault.
    Panic,
}

impl Due {
    /// Sends the delivery and writes down what came of it.
    pub(super) fn send(self, store: &Store, outbox: &Outbox) -> Attempted {
        let sent = catch_unwind(AssertUnwindSafe(|| self.attempt(store, outbox)));
        let outcome = match sent {
            Ok(Ok(Some(delivery))) => Outcome::Recorded(Box::new(delivery)),
            Ok(Ok(None)) => Outcome::Gone,
            Ok(Err(error)) => Outcome::Error(error),
            Err(_) => Outcome::Panic,
        };
        Attempted { id: self.id, outcome }
    }

    fn attempt(&self, store: &Store, outbox: &Outbox) -> Result<Option<Delivery>, Error> {
        let Some(mut delivery) = store.delivery_on(Shelf::Pending, &self.id)? else {
            return Ok(None);
        };
        let at = clock::now();
        let started = Instant::now();
        let (http_status, response, verdict) = self.exchange(&delivery, at);
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let number = delivery.attempts.last().map_or(1, |last| last.number + 1);
        let error = verdict.why().map(str::to_owned);
        let attempt = Attempt { number, at, milliseconds, http_status, error, response };
        let now = clock::now();
        let id = self.id.to_string();
        delivery.attempted(attempt, &verdict, now, |made| self.plan.wait_after(made, &id));
        if !outbox.record(&delivery)? {
            return Ok(None);
        }
        tell(store, outbox, &delivery, &verdict, now)?;
        Ok(Some(delivery))
    }

    /// Sends the request; returns the status and the beginning of the reply, and what they mean, in
    /// words without the secrets that a receiver may repeat.
    fn exchange(
        &self,
        delivery: &Delivery,
        now: Timestamp,
    ) -> (Option<u16>, Option<String>, Verdict) {
        let failed = |why: String| (None, None, Verdict::Failed { why, after: None });
        let target = match &self.target {
            Ok(target) => target,
            Err(why) => return failed(why.clone()),
        };
        let mask = Mask::of(target);
        let failed = |why: String| failed(mask.hide(&why));
        let message = match kinds::message(target, &delivery.event, delivery.body.as_deref(), now) {
            Ok(message) => message,
            Err(why) => return failed(why),
        };
        let (reply, verdict) = match self.sender.send(target, &message, self.plan.timeout()) {
            Ok(reply) => {
                let Reply { status, headers, body, .. } = &reply;
                let verdict = kinds::judge(&target.webhook, *status, headers, body, clock::now());
                (reply, verdict)
            }
            Err(Fault { reply: Some(reply), why }) => (reply, Verdict::Failed { why, after: None }),
            Err(Fault { reply: None, why }) => return failed(why),
        };
        // Hidden before it is cut: half a secret is not found.
        let body = mask.hide(&String::from_utf8_lossy(&reply.body));
        let verdict = verdict.in_words(|why| mask.hide(&why));
        (Some(reply.status), Some(send::shown(body.as_bytes())), verdict)
    }
}

/// Writes down how the webhook fares, and tells the log what an administrator should know.
fn tell(
    store: &Store,
    outbox: &Outbox,
    delivery: &Delivery,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<(), Error> {
    let webhook = &delivery.webhook;
    let mut disabled = None;
    outbox.change_health(webhook, |health| {
        let changed = health.heard(verdict, now);
        disabled = health.disabled.clone().filter(|_| changed);
        changed
    })?;
    let order = delivery.event.data.order.id.parse().ok();
    let event = delivery.event.kind.word();
    if let Some(why) = verdict.why().filter(|_| delivery.state == State::Dead) {
        let line = format!("webhook {webhook} could not be told of {event}: {why}");
        store.log(now, order, line);
    }
    if let Some(disabled) = disabled {
        let reason = disabled.reason;
        store.log(now, None, format!("webhook {webhook} is disabled: {reason}"));
    }
    Ok(())
}
