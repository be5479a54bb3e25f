//! For how long orders and their passwords are kept: the same rules for `orders prune` and the
//! worker.

use crate::clock::Timestamp;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory;
use crate::order::{Order, State, TaskId, Verdict};
use crate::store::{Book, Place, Store};

/// For how many days a password is kept of which the panel has no record, where the configuration
/// does not say.
pub(crate) const PASSWORD_DAYS: u32 = 30;

/// What became of an order that is old enough to be forgotten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pruned {
    /// It was, or would be, forgotten.
    Forgotten,
    /// It is kept, and why.
    Kept(String),
    /// It is not old enough, or nobody knows.
    Left,
}

/// Forgets an order of `done/` that ended so many days ago and that nobody needs.
///
/// Under one lock for each, so that callers are not kept waiting by a long list.
pub(crate) fn prune(
    home: &Home,
    store: &Store,
    id: TaskId,
    days: u32,
    now: Timestamp,
    dry_run: bool,
) -> Result<Pruned, Error> {
    let mut book = store.lock("prune")?;
    // A damaged file is for a person to look at.
    let Ok(Some(order)) = store.read_in(Place::Done, id) else { return Ok(Pruned::Left) };
    if !order.ended_days_ago(days, now) {
        return Ok(Pruned::Left);
    }
    if let Some(reason) = reason_to_keep(home, store, &book, &order) {
        return Ok(Pruned::Kept(reason));
    }
    if !dry_run {
        book.prune(&order, now)?;
    }
    Ok(Pruned::Forgotten)
}

/// Erases the password of an order of `done/` where nobody needs it any more; returns whether it did.
pub(crate) fn erase_password(
    store: &Store,
    id: TaskId,
    days: u32,
    now: Timestamp,
) -> Result<bool, Error> {
    let mut book = store.lock("retention")?;
    let Ok(Some(mut order)) = store.read_in(Place::Done, id) else { return Ok(false) };
    if !order.has_password_to_erase(verdict(store, id), days, now) {
        return Ok(false);
    }
    order.erase_password(now);
    book.replace_filed(&order)?;
    Ok(true)
}

/// Returns what the panel has on record of an order.
pub(crate) fn verdict(store: &Store, id: TaskId) -> Verdict {
    match (store.panel_lists(id), store.panel_record(id)) {
        (Some(false), _) => Verdict::None,
        (_, Some(text)) => Verdict::of(&text),
        (_, None) => Verdict::Open,
    }
}

/// A server in use must not be sold again because its order was forgotten, and the panel turns an
/// order that we forgot into an error of its own.
fn reason_to_keep(home: &Home, store: &Store, book: &Book<'_>, order: &Order) -> Option<String> {
    if store.panel_lists(order.task_id) != Some(false) {
        return Some("the panel still lists it".to_owned());
    }
    if let Some(server) = order.left_server() {
        return Some(format!("its server {server} was bought and is not removed"));
    }
    if order.is_unsettled() {
        let hostname = order.hostname.as_deref().unwrap_or_default();
        return Some(format!("nobody knows whether it has bought a server `{hostname}`"));
    }
    if order.purchase.is_some() {
        let server = order.server_id.as_deref().filter(|_| order.state == State::Finished)?;
        return Some(format!("its server {server} is in use: `orders release` gives it back"));
    }
    let server = order.server.as_deref()?;
    // One that was handed over is in use even if its claim was lost.
    let in_use = order.held_server().is_some();
    match book.claim(server) {
        Ok(claim) if in_use || claim.is_some_and(|claim| claim.task_id == order.task_id) => {}
        Ok(_) => return None,
        Err(error) => return Some(error.to_string()),
    }
    let listed =
        inventory::read(home).and_then(|bytes| Ok(inventory::parse(home, &bytes)?.lists(server)));
    match listed {
        Ok(false) => None,
        Ok(true) => Some(format!("the inventory still lists its server {server}")),
        Err(error) => Some(error.to_string()),
    }
}
