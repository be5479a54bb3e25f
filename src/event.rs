//! Immutable facts about an order, as webhooks will send them. Never a password.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;

/// A fact about an order.
///
/// The shape is that of [Standard Webhooks](https://www.standardwebhooks.com): type, timestamp,
/// data; the id of the event is `data.webhook.id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub(crate) kind: EventType,
    /// When it happened, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) timestamp: Timestamp,
    /// The order as it was then.
    pub(crate) data: Data,
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum EventType {
    /// It was taken.
    #[serde(rename = "order.accepted")]
    Accepted,
    /// Its server was handed over.
    #[serde(rename = "order.finished")]
    Finished,
    /// It came to nothing.
    #[serde(rename = "order.failed")]
    Failed,
    /// It was called off before a server was handed over.
    #[serde(rename = "order.cancelled")]
    Cancelled,
    /// Its server was given back.
    #[serde(rename = "order.released")]
    Released,
}

impl EventType {
    /// Every type.
    pub(crate) const ALL: [Self; 5] =
        [Self::Accepted, Self::Finished, Self::Failed, Self::Cancelled, Self::Released];

    /// Returns the event's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "order.accepted",
            Self::Finished => "order.finished",
            Self::Failed => "order.failed",
            Self::Cancelled => "order.cancelled",
            Self::Released => "order.released",
        }
    }

    /// Returns what was being done.
    pub(crate) const fn operation(self) -> Operation {
        match self {
            Self::Accepted | Self::Finished | Self::Failed => Operation::Create,
            Self::Cancelled => Operation::Cancel,
            Self::Released => Operation::Release,
        }
    }

    /// Returns whether it went well.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Failed => Outcome::Error,
            _ => Outcome::Success,
        }
    }
}

/// What an event tells of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Data {
    /// The event in the words of a webhook's receiver.
    pub(crate) webhook: Trigger,
    /// The provider.
    pub(crate) provider: Provider,
    /// What was ordered.
    pub(crate) configuration: OrderedConfiguration,
    /// The order.
    pub(crate) order: OrderId,
    /// The server, as far as it is known.
    pub(crate) server: Server,
    /// Whether it went well.
    pub(crate) status: Outcome,
    /// Why it did not; empty where it did.
    pub(crate) error_log: String,
    /// Who ordered.
    pub(crate) author: EventAuthor,
    /// `account` of the configuration file.
    pub(crate) account: BTreeMap<String, Value>,
}

/// The event in the words of a webhook's receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Trigger {
    /// The event's id, a UUID.
    pub(crate) id: String,
    /// What the event is about.
    pub(crate) event_trigger: Subject,
    /// What was being done.
    pub(crate) event_operation: Operation,
    /// Whether it went well.
    pub(crate) event_operation_status: Outcome,
    /// When, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) event_date: Timestamp,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Subject {
    /// An order.
    Order,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Operation {
    /// A server was ordered.
    Create,
    /// An order was called off.
    Cancel,
    /// A server was given back.
    Release,
}

/// Whether it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Outcome {
    /// It did.
    Success,
    /// It did not.
    Error,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// Its name.
    pub(crate) name: String,
}

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderedConfiguration {
    /// The configuration's id.
    pub(crate) id: String,
    /// The configuration's `descr`.
    pub(crate) name: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderId {
    /// Its `task_id`.
    pub(crate) id: String,
    /// Its own key, a UUID.
    pub(crate) key: String,
}

/// A server, as far as it is known; empty texts where it is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// The hoster's id of it.
    pub(crate) id: String,
    /// Its host name.
    pub(crate) hostname: String,
    /// The address that is handed over.
    pub(crate) address: String,
    /// All its addresses.
    pub(crate) addresses: Vec<String>,
}

/// Who ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct EventAuthor {
    /// The user's name.
    pub(crate) name: String,
    /// The user's address; empty, for the system knows none.
    pub(crate) email: String,
}

/// What [`Event::new`] takes from the order.
pub(crate) struct Facts {
    pub(crate) provider: Provider,
    pub(crate) configuration: OrderedConfiguration,
    pub(crate) order: OrderId,
    pub(crate) server: Server,
    pub(crate) error_log: String,
    pub(crate) author: EventAuthor,
    pub(crate) account: BTreeMap<String, Value>,
}

impl Event {
    /// Makes the event `id` out of the facts.
    pub(crate) fn new(id: Uuid, kind: EventType, timestamp: Timestamp, facts: Facts) -> Self {
        let webhook = Trigger {
            id: id.to_string(),
            event_trigger: Subject::Order,
            event_operation: kind.operation(),
            event_operation_status: kind.outcome(),
            event_date: timestamp,
        };
        let Facts { provider, configuration, order, server, error_log, author, account } = facts;
        let status = kind.outcome();
        let data = Data {
            webhook,
            provider,
            configuration,
            order,
            server,
            status,
            error_log,
            author,
            account,
        };
        Self { kind, timestamp, data }
    }
}
