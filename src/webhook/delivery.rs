//! A delivery: one event for one webhook, and how it went; pure, the clock passed in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::file::Kind;
use crate::clock::{self, Timestamp};
use crate::event::Event;
use crate::format::Format;
use crate::name;

/// A delivery's id: `EVENT.WEBHOOK`, the event's id and the webhook's name, so that making it again
/// gives the same; a redelivery's ends in `~2`, `~3`, ….
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct DeliveryId(String);

impl DeliveryId {
    /// Returns the id of the delivery of an event to a webhook.
    pub(crate) fn of(event: &str, webhook: &str) -> Self {
        Self(format!("{event}.{webhook}"))
    }

    /// Returns the id of the `number`th delivery of the same event to the same webhook.
    pub(crate) fn again(&self, number: u32) -> Self {
        let original = self.0.split('~').next().unwrap_or(&self.0);
        Self(format!("{original}~{number}"))
    }

    /// Returns the event's id.
    pub(crate) fn event(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// Returns the webhook's name.
    pub(crate) fn webhook(&self) -> &str {
        let rest = self.0.split_once('.').map_or("", |(_, rest)| rest);
        rest.split('~').next().unwrap_or(rest)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for DeliveryId {
    type Err = ();

    /// Takes what can be a file name, and nothing else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (event, rest) = text.split_once('.').ok_or(())?;
        let (webhook, number) = rest.split_once('~').unwrap_or((rest, "2"));
        let known = uuid::Uuid::try_parse(event).is_ok_and(|id| id.to_string() == event)
            && name::is_safe(webhook)
            && number.parse::<u32>().is_ok_and(|known| known >= 2 && known.to_string() == number);
        known.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("this is no delivery's id"))
    }
}

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

/// How a webhook fares at this provider, as stored in `state/webhooks/NAME.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Health {
    /// The format of this file.
    pub(crate) format: Format,
    /// Since when every attempt failed.
    pub(crate) failing_since: Option<Timestamp>,
    /// When one did last, to the hour; more often it is not worth a file.
    #[serde(default)]
    pub(crate) failed_at: Option<Timestamp>,
    /// Why nothing is sent to it any more.
    pub(crate) disabled: Option<Disabled>,
}

/// Why nothing is sent to a webhook any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Disabled {
    /// Since when, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) at: Timestamp,
    /// Why.
    pub(crate) reason: String,
}

/// How many attempts keep what their receivers said: a file has a largest size beyond which it is not
/// read.
const RESPONSES: usize = 20;

/// After how long of nothing but failures a webhook is disabled (Svix does the same).
pub(crate) const PATIENCE: Duration = Duration::from_hours(5 * 24);

/// After how long without an attempt the failures before it do not count: longer than any wait of a
/// schedule that has a name, and than any that a receiver can ask for.
const QUIET: Duration = Duration::from_hours(36);

/// How old the time of the last failure may become before it is written down anew.
const NOTED: Duration = Duration::from_hours(1);

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
        let next = now.checked_add(first(&id.0)).unwrap_or(now);
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

impl Health {
    /// Writes down how an attempt went; returns whether anything is different now.
    pub(crate) fn heard(&mut self, verdict: &Verdict, now: Timestamp) -> bool {
        let before = self.clone();
        let Some(why) = verdict.why() else {
            (self.failing_since, self.failed_at) = (None, None);
            return *self != before;
        };
        let last = self.failed_at.map(|last| clock::age(last, now));
        if last.is_some_and(|age| age > QUIET) {
            // Nothing was tried since: that it failed long ago says nothing of the time between.
            self.failing_since = None;
        }
        if last.is_none_or(|age| age > NOTED) {
            self.failed_at = Some(now);
        }
        let since = *self.failing_since.get_or_insert(now);
        if matches!(verdict, Verdict::Gone { .. }) {
            self.disabled = Some(Disabled { at: now, reason: why.to_owned() });
        } else if clock::age(since, now) >= PATIENCE {
            let reason = format!("nothing but failures since {since}, the last: {why}");
            self.disabled = Some(Disabled { at: now, reason });
        }
        *self != before
    }
}
