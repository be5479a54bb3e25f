//! A delivery in the hands of a thread: one try to send it, written down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::clock::{self, Timestamp};
use crate::delivery::{Attempt, Delivery, DeliveryId, State, Verdict};
use crate::error::Error;
use crate::store::{Outbox, Shelf, Store};
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
    /// Where it was sent and that could not be written down: what is to be written.
    pub(super) sent: Option<Box<Sent>>,
}

/// A delivery that was sent, with its last attempt.
pub(super) struct Sent {
    delivery: Delivery,
    verdict: Verdict,
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
    /// It could not be read, or what came of it could not be written down; then that is here, for it
    /// must not be sent once more.
    Error(Error, Option<Box<Sent>>),
    /// The program has a fault.
    Panic,
}

impl Due {
    /// Sends the delivery and writes down what came of it; in between it says that it
    /// arrived, where it did.
    pub(super) fn send(
        mut self,
        store: &Store,
        outbox: &Outbox,
        arrived: impl Fn(&DeliveryId),
    ) -> Attempted {
        let attempted = catch_unwind(AssertUnwindSafe(|| self.attempt(store, outbox, arrived)));
        Attempted { outcome: attempted.unwrap_or(Outcome::Panic), id: self.id }
    }

    fn attempt(
        &mut self,
        store: &Store,
        outbox: &Outbox,
        arrived: impl Fn(&DeliveryId),
    ) -> Outcome {
        let sent = match self.sent.take() {
            Some(sent) => sent,
            None => match store.delivery_on(Shelf::Pending, &self.id) {
                Ok(Some(delivery)) => Box::new(self.attempted(delivery)),
                Ok(None) => return Outcome::Gone,
                Err(error) => return Outcome::Error(error, None),
            },
        };
        // One that was not taken may have to end the webhook before another is sent to it.
        if sent.verdict.why().is_none() {
            arrived(&self.id);
        }
        match outbox.record(&sent.delivery) {
            Ok(true) => {}
            Ok(false) => return Outcome::Gone,
            Err(error) => return Outcome::Error(error, Some(sent)),
        }
        let Sent { delivery, verdict } = *sent;
        match tell(store, outbox, &delivery, &verdict, clock::now()) {
            Ok(()) => Outcome::Recorded(Box::new(delivery)),
            Err(error) => Outcome::Error(error, None),
        }
    }

    fn attempted(&self, mut delivery: Delivery) -> Sent {
        let at = clock::now();
        let started = Instant::now();
        let (http_status, response, verdict) = self.exchange(&delivery, at);
        let took = started.elapsed();
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let number = delivery.attempts.last().map_or(1, |last| last.number + 1);
        let error = verdict.why().map(str::to_owned);
        let attempt = Attempt { number, at, milliseconds, http_status, error, response };
        let id = self.id.to_string();
        let next = |made| self.plan.wait_after(made, &id);
        // Not what the clock says by now: set ahead meanwhile, it would have the next attempt wait for
        // that time once it is right again.
        let ended = at.checked_add(took).unwrap_or(at);
        delivery.attempted(attempt, &verdict, ended, next);
        Sent { delivery, verdict }
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
        let body = delivery.body_for(target.webhook.kind);
        let message = match kinds::message(target, &delivery.event, body, now) {
            Ok(message) => message,
            Err(why) => return failed(Mask::of(target, &[]).hide(&why)),
        };
        let mask = Mask::of(target, &message.own_headers);
        let (reply, verdict) = match self.sender.send(target, &message, self.plan.timeout()) {
            Ok(reply) => {
                let verdict = mask.judge(&target.webhook, &reply, clock::now());
                (reply, verdict)
            }
            Err(Fault { reply: Some(reply), why }) => {
                (reply, Verdict::Failed { why: mask.hide(&why), after: None })
            }
            Err(Fault { reply: None, why }) => return failed(mask.hide(&why)),
        };
        // Hidden before it is cut: half a secret is not found.
        let body = mask.hide(&String::from_utf8_lossy(&reply.body));
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

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};

    use serde_json::json;

    use super::*;
    use crate::event::EventType;
    use crate::home::Home;
    use crate::http::tests::server::Server;
    use crate::webhook::address::Policy;
    use crate::webhook::kinds::samples;

    #[test]
    fn what_could_not_be_written_down_is_written_later_and_not_sent_once_more() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::find(OsStr::new("x"), Some(OsString::from(root.path())));
        let store = Store::of(&home);
        drop(store.lock("test").unwrap());
        let outbox = store.outbox(&store.try_worker_lock("test").unwrap().unwrap()).unwrap();
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let keys = || json!({ "kind": "generic", "url": server.url("/") });
        let event = samples::event(EventType::Finished);
        let wait = |_: &str| std::time::Duration::ZERO;
        let delivery = Delivery::new("hook", event, 1, None, clock::now(), wait);
        outbox.add(std::slice::from_ref(&delivery)).unwrap();
        let due = |sent| Due {
            id: delivery.id.clone(),
            plan: Plan::of(&samples::webhook(keys())),
            target: Ok(Arc::new(samples::target(keys()))),
            sender: Arc::new(Sender::new(Policy::default())),
            sent,
        };

        // As good as a full disk: no new file can be made there.
        let tmp = home.state.join("deliveries/tmp");
        std::fs::remove_dir(&tmp).unwrap();
        std::os::unix::fs::symlink("/proc", &tmp).unwrap();
        let Outcome::Error(_, Some(sent)) = due(None).send(&store, &outbox, |_| {}).outcome else {
            panic!("it was written down");
        };
        std::fs::remove_file(&tmp).unwrap();
        let Outcome::Recorded(recorded) = due(Some(sent)).send(&store, &outbox, |_| {}).outcome
        else {
            panic!("it was not written down");
        };
        assert_eq!((recorded.state, recorded.attempts.len()), (State::Delivered, 1));
        assert_eq!(store.delivery_on(Shelf::Done, &delivery.id).unwrap(), Some(*recorded));
        assert_eq!(server.requests().len(), 1);
    }
}
