//! `orders show`: an order's story.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::timeline;
use super::view::{Story, View};
use crate::admin::deliveries::view::{View as Seen, stored, word};
use crate::admin::{printed, terminal};
use crate::answer;
use crate::cli::Show;
use crate::clock;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::order::Order;
use crate::store::Store;
use crate::story;

pub(super) fn run(store: &Store, options: &Show) -> Result<u8, Error> {
    let id = options.task_id;
    let found = store.read(id)?.ok_or_else(|| Error::UnknownTask { id: id.to_string() })?;
    let password_erased_at = found.order.password_erased_at;
    let log = store.log_of(id);
    let deliveries = deliveries_of(store, &found.order)?;
    let timeline = story::tell(&found.order, &log, &deliveries);
    let (order, events) = View::of(store, found);
    let deliveries = deliveries.into_iter().map(Seen::of).collect();
    let whole = Story { order, password_erased_at, events, deliveries, log, timeline };
    if options.output.json {
        printed(answer::pretty_json(&whole))
    } else {
        printed(answer::text(&text(&whole, terminal::columns())))
    }
}

/// Returns the deliveries of an order's events, newest first.
fn deliveries_of(store: &Store, order: &Order) -> Result<Vec<Delivery>, Error> {
    let ids: BTreeSet<&str> = order.events.iter().map(|event| &*event.data.webhook.id).collect();
    stored(store, |id| ids.contains(id.event()))
}

fn text(story: &Story, columns: Option<u16>) -> String {
    let order = &story.order;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<15}{value}");
        }
    };
    line("order", &order.task_id.to_string());
    line("configuration", &order.configuration);
    line("state", order.state.word());
    line("status", order.status.word());
    line("server", order.server.as_deref().unwrap_or_default());
    line("server id", order.server_id.as_deref().unwrap_or_default());
    line("host name", order.hostname.as_deref().unwrap_or_default());
    line("reason", order.reason.as_deref().unwrap_or_default());
    line("panel", order.panel.as_deref().unwrap_or_default());
    line("author", &order.author);
    line("created", &order.created_at.to_string());
    line("updated", &order.updated_at.to_string());
    if let Some(at) = story.password_erased_at {
        line("password", &format!("erased at {at}"));
    }
    // What `deliveries show` and `deliveries redeliver` take.
    for delivery in &story.deliveries {
        let (id, state) = (&delivery.id, word(delivery.state));
        line("delivery", format!("{id} {state}").trim_end());
    }
    text + &timeline::text(&story.timeline, order.created_at, clock::now(), columns)
}
