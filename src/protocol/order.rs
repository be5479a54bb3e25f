//! `order`: take an order, tell its number, and only then act on it.

use serde::Serialize;

use super::{Answered, say};
use crate::accept::{self, Request};
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::store::Store;
use crate::system::{self, Caller};
use crate::{answer, worker};

/// The answer to `order`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to order", deny_unknown_fields))]
pub(crate) struct Answer {
    /// The order's number, for `order_status`; a file name and a shell word.
    task_id: TaskId,
}

pub(super) fn run(
    home: &Home,
    store: &Store,
    configuration: String,
    key: Option<String>,
    caller: Caller,
) -> Result<Answered, Error> {
    let request = Request { configuration, key, caller, retry_of: None };
    let task_id = accept::accept(home, store, request)?;
    let answered = match say(&Answer { task_id }) {
        Ok(answered) => answered,
        Err(error) => {
            if let Err(kept) = accept::unanswered(store, task_id) {
                answer::complain(&format!("order {task_id} stays, and is not acted on: {kept}"));
            }
            return Err(error);
        }
    };
    system::hang_up();
    // The caller has the number: whatever fails from here on, the order stands, and the next
    // command goes on with it.
    if let Err(error) = accept::answered(store, task_id) {
        answer::complain(&format!("order {task_id} is stored but not yet under way: {error}"));
    }
    worker::start_or_complain(home, store);
    Ok(answered)
}
