//! Orders that cannot go on because the configuration is broken, or is another hoster's by now.

use std::time::Duration;

use uuid::Uuid;

use super::drive::{PATIENCE, troubled_since};
use super::ending::{left_behind, undecided};
use crate::clock;
use crate::error::Error;
use crate::order::{Order, State, Step, TaskId};
use crate::store::{Place, Store};

/// After how long such an order fails where no configuration says.
const TIMEOUT: Duration = Duration::from_hours(24);

/// Ends the order where it should have been finished by now; else it waits for the configuration to
/// be mended.
///
/// # Errors
/// `error` itself where the order waits.
pub(super) fn end_if_late(
    store: &Store,
    id: TaskId,
    timeout: Option<Duration>,
    error: Error,
) -> Result<(), Error> {
    let mut book = store.lock("worker")?;
    let Some(mut order) = store.read_in(Place::Active, id)? else { return Ok(()) };
    let now = clock::now();
    if order.next() == Step::File {
        return Ok(());
    }
    if order.is_ahead_of(now) {
        order.set_back(now);
        book.settle(&order)?;
        return Err(error);
    }
    // A file that is being edited is no reason to give up what was paid for.
    let Some(since) = troubled_since(&order) else {
        order.troubled(Some(now));
        book.settle(&order)?;
        return Err(error);
    };
    let late = clock::age(order.created_at, now) >= timeout.unwrap_or(TIMEOUT);
    if !late || clock::age(since, now) < PATIENCE.min(timeout.unwrap_or(TIMEOUT)) {
        return Err(error);
    }
    if order.state.has_ended() {
        order.refuse_wish(error.to_string(), now);
        return book.settle(&order);
    }
    let reason = reason(&order, &error.to_string());
    if order.server_id.is_none() && order.state != State::Accepted {
        order.purchase.get_or_insert_default().unsettled = true;
    }
    order.fail(reason.clone(), Uuid::now_v7(), now);
    book.settle(&order)?;
    drop(book);
    store.log(now, Some(id), format!("failed: {reason}"));
    Ok(())
}

fn reason(order: &Order, why: &str) -> String {
    match order.state {
        State::Building | State::Checking => left_behind(order, why),
        State::Accepted if !order.is_unsettled() => why.to_owned(),
        _ => undecided(order, &order.definition, why),
    }
}
