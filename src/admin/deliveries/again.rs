//! `deliveries redeliver` and `deliveries replay`: new deliveries of events that were there before.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::plan::{Groups, once_more};
use super::view::{List, View, find, first, ids, number};
use crate::admin::{printed, webhooks};
use crate::cli::{Redeliver, Replay};
use crate::clock;
use crate::delivery::{Delivery, State};
use crate::error::Error;
use crate::home::Home;
use crate::store::{Book, Store};
use crate::webhook::file::Webhook;
use crate::{answer, worker};

/// The answer to `deliveries replay --json`.
#[derive(Debug, Serialize)]
struct Replayed {
    /// The deliveries that were, or would be, made anew.
    deliveries: Vec<View>,
}

pub(super) fn redeliver(home: &Home, store: &Store, options: &Redeliver) -> Result<u8, Error> {
    let old = find(store, &options.id)?;
    let webhook = enabled(home, &old.webhook)?;
    let new = in_place_of(store, &old, &webhook)?;
    tell_held(store, [&new])?;
    worker::start_if_due(home, store);
    if options.output.json {
        return printed(answer::pretty_json(&List { deliveries: vec![View::of(new)] }));
    }
    printed(answer::text(&format!("{} is to be sent\n", new.id)))
}

pub(super) fn replay(home: &Home, store: &Store, options: &Replay) -> Result<u8, Error> {
    let webhooks = chosen(home, options.webhook.as_deref())?;
    let groups = Groups::of(store, &webhooks, clock::now())?;
    let mut made = match options.since {
        Some(since) => groups.since(store, since)?,
        None => groups.failed(),
    };
    if !options.dry_run {
        for new in &mut made {
            // One lock for each, so that callers are not kept waiting by a long list.
            add(&mut store.lock("deliveries")?, new)?;
        }
        tell_held(store, &made)?;
        worker::start_if_due(home, store);
    }
    let word = if options.dry_run { "would be sent" } else { "to be sent" };
    if options.output.json {
        let deliveries = made.into_iter().map(View::of).collect();
        return printed(answer::pretty_json(&Replayed { deliveries }));
    }
    let mut text = format!("{} {word}\n", made.len());
    for one in made {
        let event = one.event;
        let (webhook, word, order) = (one.webhook, event.kind.word(), event.data.order.id);
        let _ = writeln!(text, "{webhook} {word} order {order} of {}", event.timestamp);
    }
    printed(answer::text(&text))
}

/// Adds a delivery that takes the place of another: one that is pending is given up, for it would
/// keep the new one waiting, and the event would be told twice.
fn in_place_of(store: &Store, old: &Delivery, webhook: &Webhook) -> Result<Delivery, Error> {
    let (event, name) = (old.id.event(), old.id.webhook());
    let known = ids(store, |id| id.event() == event && id.webhook() == name)?;
    let last = known.iter().map(number).max().unwrap_or(1);
    let mut new = once_more(old, webhook, last, clock::now());
    let mut book = store.lock("deliveries")?;
    add(&mut book, &mut new)?;
    // Read again under the lock; a crash before this tells twice rather than never.
    if let Some(mut old) = store.delivery(&old.id)?
        && old.state == State::Pending
    {
        (old.state, old.next_attempt_at) = (State::Dead, None);
        book.replace_delivery(&old)?;
    }
    Ok(new)
}

/// Adds a delivery, under a later number where its own is taken.
fn add(book: &mut Book<'_>, new: &mut Delivery) -> Result<(), Error> {
    if new.redelivery_of.is_none() {
        // The worker may have made it meanwhile.
        return book.add_delivery(new).map(|_| ());
    }
    for next in number(&new.id)..=u32::MAX {
        new.id = new.id.again(next);
        if book.add_delivery(new)? {
            return Ok(());
        }
    }
    Err(Error::Internal { problem: format!("no number is left for `{}`", first(&new.id)) })
}

/// Says on standard error which webhooks were given up: what is made for them waits.
fn tell_held<'made>(
    store: &Store,
    made: impl IntoIterator<Item = &'made Delivery>,
) -> Result<(), Error> {
    let names: BTreeSet<&str> = made.into_iter().map(|one| one.webhook.as_str()).collect();
    for name in names {
        if store.health(name)?.disabled.is_some() {
            answer::complain(&format!(
                "webhook `{name}` was given up, so this is held: `webhooks update {name} --enabled` \
                 sends it"
            ));
        }
    }
    Ok(())
}

/// Returns the webhooks that things are to be sent to again: the one that is named, or all.
fn chosen(home: &Home, name: Option<&str>) -> Result<Vec<Webhook>, Error> {
    if let Some(name) = name {
        return Ok(vec![enabled(home, name)?]);
    }
    let mut webhooks = webhooks::loaded(home)?;
    webhooks.retain(|webhook| webhook.enabled);
    Ok(webhooks)
}

/// Returns a webhook that something can be sent to.
fn enabled(home: &Home, name: &str) -> Result<Webhook, Error> {
    let webhooks = webhooks::loaded(home)?;
    let Some(webhook) = webhooks.iter().find(|webhook| webhook.name == name).cloned() else {
        return Err(webhooks::unknown(name, &webhooks));
    };
    if webhook.enabled {
        return Ok(webhook);
    }
    Err(Error::usage(format!("webhook `{name}` is disabled: `webhooks update {name} --enabled`")))
}
