//! `orders prune`: forget orders that ended long ago, and only those that nobody needs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::admin::printed;
use crate::answer;
use crate::cli::Prune;
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory;
use crate::order::{Order, State, TaskId};
use crate::store::{Book, Place, Store};

/// For how many days orders are kept where the configuration does not say.
const DAYS: u32 = 90;

/// The answer to `orders prune --json`.
#[derive(Debug, Serialize)]
struct Pruned {
    /// The orders that were, or would be, forgotten.
    pruned: Vec<TaskId>,
    /// Those that are old enough and are kept, and why.
    kept: Vec<Kept>,
}

#[derive(Debug, Serialize)]
struct Kept {
    task_id: TaskId,
    reason: String,
}

pub(super) fn run(home: &Home, store: &Store, options: &Prune) -> Result<u8, Error> {
    home.require_holder()?;
    let days = match options.days {
        Some(days) => days,
        None => Config::load(home)?.retention.orders_days.unwrap_or(DAYS),
    };
    let now = clock::now();
    let mut outcome = Pruned { pruned: Vec::new(), kept: Vec::new() };
    for id in store.ids(Place::Done)? {
        // One lock for each, so that callers are not kept waiting by a long list.
        let mut book = store.lock("prune")?;
        // A damaged file is for a person to look at.
        let Ok(Some(order)) = store.read_in(Place::Done, id) else {
            continue;
        };
        if clock::seconds_between(order.updated_at, now) < u64::from(days) * 86_400 {
            continue;
        }
        if let Some(reason) = reason_to_keep(home, store, &book, &order) {
            outcome.kept.push(Kept { task_id: id, reason });
            continue;
        }
        if !options.dry_run {
            book.prune(&order, now)?;
        }
        outcome.pruned.push(id);
    }
    if options.output.json {
        return printed(answer::pretty_json(&outcome));
    }
    printed(answer::text(&text(&outcome, options.dry_run)))
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

fn text(outcome: &Pruned, dry_run: bool) -> String {
    let word = if dry_run { "would forget" } else { "forgot" };
    let mut text = format!("{word} {} orders\n", outcome.pruned.len());
    for Kept { task_id, reason } in &outcome.kept {
        let _ = writeln!(text, "kept order {task_id}: {reason}");
    }
    text
}
