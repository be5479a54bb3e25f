//! `order_status`: how an order is doing. Reads `state/` alone, takes no lock for an order that is
//! with the worker.

use serde::Serialize;

use super::{Answered, say};
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, State, TaskId, WireStatus};
use crate::secret::Secret;
use crate::store::{Place, Store};
use crate::{accept, answer, system, worker};

/// The answer to `order_status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to order_status", deny_unknown_fields))]
#[serde(untagged)]
pub(crate) enum Answer {
    /// Ask again later.
    InProgress {
        /// The order's number.
        task_id: TaskId,
        /// The status.
        #[cfg_attr(test, schemars(extend("const" = "in_progress")))]
        status: WireStatus,
    },
    /// The server is ready.
    Finished {
        /// The order's number.
        task_id: TaskId,
        /// The status.
        #[cfg_attr(test, schemars(extend("const" = "finished")))]
        status: WireStatus,
        /// The server's address.
        server: String,
        /// Its root password; absent where the pool's key is on the server.
        #[serde(skip_serializing_if = "Option::is_none")]
        server_password: Option<Secret>,
    },
    /// There is no server. This is no failed call: the key `error` is absent.
    Error {
        /// The order's number.
        task_id: TaskId,
        /// The status.
        #[cfg_attr(test, schemars(extend("const" = "error")))]
        status: WireStatus,
        /// Why; the panel's list shows this one.
        message: String,
        /// Why, once more, for those who look for it here.
        error_message: String,
    },
}

impl Answer {
    fn of(order: Order) -> Self {
        let (task_id, status) = (order.task_id, order.state.status());
        match order.state {
            State::Accepted
            | State::Buying
            | State::Unknown
            | State::Building
            | State::Checking => Self::InProgress { task_id, status },
            State::Finished => {
                let server_password = order.handed_password().cloned();
                let server = order.server.unwrap_or_default();
                Self::Finished { task_id, status, server, server_password }
            }
            State::Failed | State::Cancelled | State::Released => {
                let reason = order.reason.unwrap_or_else(|| order.state.word().to_owned());
                Self::Error { task_id, status, message: reason.clone(), error_message: reason }
            }
        }
    }
}

pub(super) fn run(home: &Home, task_id: &str) -> Result<Answered, Error> {
    let store = Store::of(home);
    let unknown = || Error::UnknownTask { id: task_id.to_owned() };
    let id: TaskId = task_id.parse().map_err(|()| unknown())?;
    let mut found = store.read(id)?.ok_or_else(unknown)?;
    if found.place == Place::Accepted {
        // Somebody knows the number, so it did reach its caller, who was then killed or cut off.
        match accept::answered(&store, id) {
            Ok(()) => found = store.read(id)?.ok_or_else(unknown)?,
            // The order stands; the next call goes on with it.
            Err(error) => answer::complain(&format!("order {id} is not yet under way: {error}")),
        }
    }
    let open = !found.order.state.has_ended();
    let answered = say(&Answer::of(found.order))?;
    if open || store.is_due() {
        system::hang_up();
        worker::start_or_complain(home, &store);
    }
    Ok(answered)
}
