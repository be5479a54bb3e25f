//! `orders show`: an order's story.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::view::{Story, View};
use crate::admin::deliveries::view::{View as Delivery, stored, word};
use crate::admin::printed;
use crate::answer;
use crate::cli::Show;
use crate::error::Error;
use crate::event::Event;
use crate::store::Store;

pub(super) fn run(store: &Store, options: &Show) -> Result<u8, Error> {
    let id = options.task_id;
    let found = store.read(id)?.ok_or_else(|| Error::UnknownTask { id: id.to_string() })?;
    let password_erased_at = found.order.password_erased_at;
    let (order, events) = View::of(store, found);
    let deliveries = deliveries_of(store, &events)?;
    let whole = Story { order, password_erased_at, events, deliveries, log: store.log_of(id) };
    if options.output.json {
        printed(answer::pretty_json(&whole))
    } else {
        printed(answer::text(&text(&whole)))
    }
}

/// Returns the deliveries of an order's events, newest first.
fn deliveries_of(store: &Store, events: &[Event]) -> Result<Vec<Delivery>, Error> {
    let ids: BTreeSet<&str> = events.iter().map(|event| &*event.data.webhook.id).collect();
    let found = stored(store, |id| ids.contains(id.event()))?;
    Ok(found.into_iter().map(Delivery::of).collect())
}

fn text(story: &Story) -> String {
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
    for event in &story.events {
        line("event", &format!("{} {}", event.timestamp, event.kind.word()));
    }
    for delivery in &story.deliveries {
        let (id, state) = (&delivery.id, word(delivery.state));
        line("delivery", format!("{id} {state} {}", delivery.outcome()).trim_end());
    }
    for entry in &story.log {
        line("log", &format!("{} {}", entry.at, entry.message));
    }
    text
}
