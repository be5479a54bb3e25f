//! Orders as people and scripts see them: never the password.

use serde::Serialize;

use crate::admin::deliveries::view::View as Delivery;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::order::{Order, State, TaskId, WireStatus};
use crate::store::{Found, LogLine, Place, Store};
use crate::story::Span;

/// What is said of an order whose number reached nobody.
pub(super) const UNANSWERED: &str = "its number has not reached a caller: it is not acted on, and withdrawn \
     after a day unless somebody asks for it";

/// The answer to `orders list --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to orders list --json", deny_unknown_fields))]
pub(crate) struct List {
    /// The orders, newest first.
    pub(super) orders: Vec<View>,
}

/// An order as a script sees it; null where something is unknown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct View {
    /// The order's number.
    pub(super) task_id: TaskId,
    /// The id of what was ordered.
    pub(super) configuration: String,
    /// Where the order is in its life.
    pub(super) state: State,
    /// What `order_status` says.
    pub(super) status: WireStatus,
    /// The server's address.
    pub(super) server: Option<String>,
    /// The hoster's id of the server.
    pub(super) server_id: Option<String>,
    /// The server's host name.
    pub(super) hostname: Option<String>,
    /// Why the order is where it is.
    pub(super) reason: Option<String>,
    /// The panel's own record, `tasks/ID`.
    pub(super) panel: Option<String>,
    /// Who ordered.
    pub(super) author: String,
    /// When the order was accepted, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) created_at: Timestamp,
    /// When it last changed, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(super) updated_at: Timestamp,
}

/// The answer to `orders show --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to orders show --json"))]
pub(crate) struct Story {
    #[serde(flatten)]
    pub(super) order: View,
    /// When its root password was erased because nobody needed it any more, RFC 3339 in UTC; absent
    /// where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(super) password_erased_at: Option<Timestamp>,
    /// What happened to the order.
    pub(super) events: Vec<Event>,
    /// Where its events were sent, or are to be, newest first.
    pub(super) deliveries: Vec<Delivery>,
    /// What the worker did about it.
    pub(super) log: Vec<LogLine>,
    /// All of it in the order of time: stages, what was waited for, how deliveries went.
    pub(super) timeline: Vec<Span>,
}

impl View {
    pub(super) fn of(store: &Store, found: Found) -> (Self, Vec<Event>) {
        let Found { order, place } = found;
        let reason = match place {
            Place::Accepted => Some(UNANSWERED.to_owned()),
            Place::Active | Place::Done => order.reason,
        };
        let Order { task_id, configuration, state, server, server_id, hostname, .. } = order;
        let view = Self {
            task_id,
            configuration: configuration.id,
            state,
            status: state.status(),
            server,
            server_id,
            hostname,
            reason,
            panel: store.panel_record(task_id),
            author: order.author.display_name().to_owned(),
            created_at: order.created_at,
            updated_at: order.updated_at,
        };
        (view, order.events)
    }
}
