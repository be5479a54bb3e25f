//! `orders list`.

use super::view::{List, View};
use crate::admin::{printed, table};
use crate::answer;
use crate::cli::ListOrders;
use crate::error::Error;
use crate::order::TaskId;
use crate::store::{Place, Store};

pub(super) fn run(store: &Store, options: &ListOrders) -> Result<u8, Error> {
    let mut ids = Vec::new();
    for place in Place::ALL {
        ids.extend(store.ids(place)?);
    }
    ids.sort_unstable();
    // One that moved on while we listed may stand in two lists.
    ids.dedup();
    let there_are_some = !ids.is_empty();
    let readable = ids.into_iter().rev().filter_map(|id| readable(store, id));
    let orders: Vec<View> = readable.filter(|order| is_wanted(store, order, options)).collect();
    if options.output.json {
        printed(answer::pretty_json(&List { orders }))
    } else {
        printed(answer::text(&match orders.as_slice() {
            [] if there_are_some => "no such orders\n".to_owned(),
            [] => "no orders\n".to_owned(),
            orders => text(orders),
        }))
    }
}

fn is_wanted(store: &Store, order: &View, options: &ListOrders) -> bool {
    let ListOrders { status, which, unclaimed, .. } = options;
    status.is_none_or(|status| order.status == status)
        && which.wants(order.created_at, &order.configuration)
        && (!unclaimed || store.panel_lists(order.task_id) == Some(false))
}

/// A damaged file is told of and hides no other order.
fn readable(store: &Store, id: TaskId) -> Option<View> {
    match store.read(id) {
        Ok(found) => found.map(|found| View::of(store, found).0),
        Err(error) => {
            answer::complain(&format!("order {id}: {error}"));
            None
        }
    }
}

fn text(orders: &[View]) -> String {
    let rows = orders.iter().map(|order| {
        vec![
            order.task_id.to_string(),
            order.configuration.clone(),
            order.state.word().to_owned(),
            order.server.clone().unwrap_or_default(),
            order.panel.clone().unwrap_or_default(),
            order.created_at.strftime("%F %T").to_string(),
            order.reason.clone().unwrap_or_default(),
        ]
    });
    table::render(&["ORDER", "CONFIG", "STATE", "SERVER", "PANEL", "CREATED (UTC)", "REASON"], rows)
}
