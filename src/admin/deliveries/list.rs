//! `deliveries list` and `deliveries show`.

use std::fmt::Write as _;

use super::view::{List, Story, View, find, stored, word};
use crate::admin::{printed, webhooks};
use crate::answer;
use crate::cli::{ListDeliveries, ShowDelivery};
use crate::delivery::Delivery;
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;

pub(super) fn list(home: &Home, store: &Store, options: &ListDeliveries) -> Result<u8, Error> {
    if let (Some(since), Some(until)) = (options.since, options.until)
        && until < since
    {
        return Err(Error::usage(format!("--until {until} is before --since {since}")));
    }
    let webhook = options.webhook.as_deref();
    let deliveries = stored(store, |id| webhook.is_none_or(|name| id.webhook() == name))?;
    // One that was deleted may still have deliveries.
    if let Some(name) = webhook.filter(|_| deliveries.is_empty()) {
        webhooks::named(home, name)?;
    }
    let wanted = deliveries.into_iter().filter(|delivery| is_wanted(delivery, options));
    let deliveries: Vec<View> = wanted.map(View::of).collect();
    if options.output.json {
        printed(answer::pretty_json(&List { deliveries }))
    } else {
        printed(answer::text(&text(&deliveries)))
    }
}

fn is_wanted(delivery: &Delivery, options: &ListDeliveries) -> bool {
    options.since.is_none_or(|since| delivery.made_at >= since)
        && options.until.is_none_or(|until| delivery.made_at <= until)
        && options.event.is_none_or(|kind| delivery.event.kind == kind)
        && options.state.is_none_or(|state| delivery.state == state)
}

fn text(deliveries: &[View]) -> String {
    if deliveries.is_empty() {
        return "no deliveries\n".to_owned();
    }
    // An id is longer than half of a table, and has to be copied whole: it gets a line.
    let mut text = String::new();
    for delivery in deliveries {
        let View { id, event, task_id, state, attempts, next_attempt_at, .. } = delivery;
        let _ = write!(
            text,
            "{id}\n  {} order {task_id} {}, attempts: {}",
            event.word(),
            word(*state),
            attempts.len()
        );
        let outcome = delivery.outcome();
        if !outcome.is_empty() {
            let _ = write!(text, ", the last: {outcome}");
        }
        if let Some(next) = next_attempt_at {
            let _ = write!(text, "; next at {next:.0}");
        }
        text.push('\n');
    }
    text
}

pub(super) fn show(store: &Store, options: &ShowDelivery) -> Result<u8, Error> {
    let whole = Story::of(find(store, &options.id)?);
    if options.output.json {
        printed(answer::pretty_json(&whole))
    } else {
        printed(answer::text(&story_text(&whole)))
    }
}

fn story_text(story: &Story) -> String {
    let delivery = &story.delivery;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<15}{value}");
        }
    };
    line("delivery", &delivery.id.to_string());
    line("webhook", &delivery.webhook);
    line("event", &format!("{} {}", delivery.event.word(), delivery.event_id));
    line("order", &delivery.task_id);
    line("state", word(delivery.state));
    line("made", &story.made_at.to_string());
    if let Some(original) = &story.redelivery_of {
        line("repeats", &original.to_string());
    }
    for attempt in &delivery.attempts {
        let status = attempt.http_status.map(|status| status.to_string()).unwrap_or_default();
        let error = attempt.error.as_deref().unwrap_or("delivered");
        let said = format!("{} {} ms {status} {error}", attempt.at, attempt.milliseconds);
        line(&format!("attempt {}", attempt.number), &said);
        line("  response", attempt.response.as_deref().unwrap_or_default().trim_end());
    }
    if let Some(next) = delivery.next_attempt_at {
        line("next attempt", &next.to_string());
    }
    line("body", story.body.as_deref().unwrap_or("made anew at each attempt: it holds a secret"));
    text
}
