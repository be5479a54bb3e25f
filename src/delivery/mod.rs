//! A delivery: one event for one webhook, and how it went; pure, the clock passed in.

mod health;
mod id;
mod kind;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::Event;
use crate::format::Format;
#[cfg(test)]
pub(crate) use health::PATIENCE;
pub(crate) use health::{Disabled, Health};
pub(crate) use id::DeliveryId;
pub(crate) use kind::Kind;

/// One event for one webhook, as stored in `state/deliveries/*/ID.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Delivery file, state/deliveries/{pending,done}/ID.json"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    /// The format of this file.
    pub(crate) format: Format,
    /// The delivery's id.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) id: DeliveryId,
    /// The webhook's name.
    pub(crate) webhook: String,
    /// Whether it has arrived.
    pub(crate) state: State,
    /// The delivery that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) redelivery_of: Option<DeliveryId>,
    /// Which of its order's events it is, from 0.
    pub(crate) position: u32,
    /// The event.
    pub(crate) event: Event,
    /// The body as it was made of the event, the same at every attempt; null where it holds a
    /// secret, which is never stored here, and is made of the event anew.
    pub(crate) body: Option<String>,
    /// The kind of webhook that the body was made for; absent: whatever kind it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    /// How it went so far.
    pub(crate) attempts: Vec<Attempt>,
    /// When it is tried next, RFC 3339 in UTC; null where it is not.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) next_attempt_at: Option<Timestamp>,
    /// When it was made, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) made_at: Timestamp,
}

/// Whether a delivery has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Not yet.
    Pending,
    /// It has.
    Delivered,
    /// It has not, and is not tried any more.
    Dead,
}

/// One try to send a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    /// The attempt's number, from 1.
    pub(crate) number: u32,
    /// When it began, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) milliseconds: u64,
    /// The status of the reply; null where there was none.
    pub(crate) http_status: Option<u16>,
    /// Why it failed; null where it did not.
    pub(crate) error: Option<String>,
    /// The first 4 KiB of the reply; null where there was none.
    pub(crate) response: Option<String>,
}

/// What a reply, or that there is none, means for a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has arrived.
    Delivered,
    /// It has not; another try may help, not before so long.
    Failed { why: String, after: Option<Duration> },
    /// It has not, and no other try of the same can help.
    Refused { why: String },
    /// Its receiver wants no more of any.
    Gone { why: String },
}

impl Verdict {
    /// Returns the same with its reason put into other words.
    pub(crate) fn in_words(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Delivered => Self::Delivered,
            Self::Failed { why, after } => Self::Failed { why: words(why), after },
            Self::Refused { why } => Self::Refused { why: words(why) },
            Self::Gone { why } => Self::Gone { why: words(why) },
        }
    }

    /// Returns why the delivery has not arrived.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Failed { why, .. } | Self::Refused { why } | Self::Gone { why } => Some(why),
        }
    }
}

/// How many attempts keep what their receivers said: a file has a largest size beyond which it is not
/// read.
const RESPONSES: usize = 20;

impl Delivery {
    /// Makes the delivery of an order's event to a webhook.
    ///
    /// `first` says how long to wait before the first attempt, by the delivery's id.
    pub(crate) fn new(
        webhook: &str,
        event: Event,
        position: u32,
        body: Option<String>,
        now: Timestamp,
        first: impl FnOnce(&str) -> Duration,
    ) -> Self {
        let id = DeliveryId::of(&event.data.webhook.id, webhook);
        let next = now.checked_add(first(id.as_str())).unwrap_or(now);
        Self {
            format: Format,
            id,
            webhook: webhook.to_owned(),
            state: State::Pending,
            redelivery_of: None,
            position,
            event,
            body,
            kind: None,
            attempts: Vec::new(),
            next_attempt_at: Some(next),
            made_at: now,
        }
    }

    /// Writes down for which kind of webhook the body was made.
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Returns the body as it was made, unless its webhook has become one of another kind: its
    /// receiver would not understand it.
    pub(crate) fn body_for(&self, kind: Kind) -> Option<&str> {
        self.body.as_deref().filter(|_| self.kind.is_none_or(|made_for| made_for == kind))
    }

    /// Makes the `number`th delivery of the same event to the same webhook.
    pub(crate) fn again(&self, number: u32, now: Timestamp) -> Self {
        Self {
            id: self.id.again(number),
            state: State::Pending,
            redelivery_of: Some(self.id.clone()),
            attempts: Vec::new(),
            next_attempt_at: Some(now),
            made_at: now,
            ..self.clone()
        }
    }

    /// Writes an attempt and what it means into the delivery.
    ///
    /// `next` returns how long to wait after the attempt of that number; none after the last one.
    pub(crate) fn attempted(
        &mut self,
        attempt: Attempt,
        verdict: &Verdict,
        now: Timestamp,
        next: impl FnOnce(u32) -> Option<Duration>,
    ) {
        let made = attempt.number;
        self.attempts.push(attempt);
        for old in self.attempts.iter_mut().rev().skip(RESPONSES) {
            old.response = None;
        }
        let (state, wait) = match verdict {
            Verdict::Delivered => (State::Delivered, None),
            Verdict::Refused { .. } => (State::Dead, None),
            // Held, until somebody enables the webhook again.
            Verdict::Gone { .. } => (State::Pending, Some(Duration::ZERO)),
            Verdict::Failed { after, .. } => match next(made) {
                Some(wait) => (State::Pending, Some(wait.max(after.unwrap_or_default()))),
                None => (State::Dead, None),
            },
        };
        self.state = state;
        self.next_attempt_at = wait.map(|wait| now.checked_add(wait).unwrap_or(now));
    }
}
