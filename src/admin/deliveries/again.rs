//! `deliveries redeliver` and `deliveries replay`: new deliveries of events that were there before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::view::{List, View, find, stored};
use crate::admin::{printed, webhooks};
use crate::cli::{Redeliver, Replay};
use crate::clock::{self, Timestamp};
use crate::delivery::{Delivery, DeliveryId, State};
use crate::error::Error;
use crate::home::Home;
use crate::store::{Book, Place, Store};
use crate::webhook::file::Webhook;
use crate::webhook::{kinds, select};
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
    let mut groups = Groups::of(store, &webhooks)?;
    let now = clock::now();
    let plan = match options.since {
        Some(since) => {
            groups.add_missing(store, &webhooks, since, now)?;
            groups.since(since)
        }
        None => groups.failed(),
    };
    let mut made = Vec::with_capacity(plan.len());
    for step in plan {
        made.push(match step {
            Step::New(new) if options.dry_run => *new,
            Step::Again(old) if options.dry_run => old.again(2, now),
            Step::New(new) => {
                // The worker may have made it meanwhile.
                store.lock("deliveries")?.add_delivery(&new)?;
                *new
            }
            Step::Again(old) => {
                let webhook = webhooks.iter().find(|one| one.name == old.webhook);
                let Some(webhook) = webhook else { continue };
                add_again(store, &mut store.lock("deliveries")?, &old, webhook)?
            }
        });
    }
    if !options.dry_run {
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

/// What is to be made.
enum Step {
    /// The first delivery of an event to a webhook.
    New(Box<Delivery>),
    /// Another one.
    Again(Box<Delivery>),
}

/// All deliveries of each event to each webhook, the newest first.
struct Groups(BTreeMap<DeliveryId, Group>);

enum Group {
    Missing(Box<Delivery>),
    Stored(Vec<Delivery>),
}

impl Groups {
    fn of(store: &Store, webhooks: &[Webhook]) -> Result<Self, Error> {
        let mut groups: BTreeMap<DeliveryId, Vec<Delivery>> = BTreeMap::new();
        let wanted = |id: &DeliveryId| webhooks.iter().any(|one| one.name == id.webhook());
        for delivery in stored(store, wanted)? {
            let first = DeliveryId::of(delivery.id.event(), delivery.id.webhook());
            groups.entry(first).or_default().push(delivery);
        }
        let groups = groups.into_iter().map(|(id, all)| (id, Group::Stored(all)));
        Ok(Self(groups.collect()))
    }

    /// Adds the events of stored orders that a webhook is to be told and that no delivery was made
    /// of.
    fn add_missing(
        &mut self,
        store: &Store,
        webhooks: &[Webhook],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        // The number of an order that is only accepted has reached nobody.
        for place in [Place::Active, Place::Done] {
            for id in store.ids(place)? {
                let order = match store.read_in(place, id) {
                    Ok(Some(order)) => order,
                    Ok(None) => continue,
                    Err(error) => {
                        answer::complain(&format!("order {id}: {error}"));
                        continue;
                    }
                };
                for (position, event) in (0..).zip(order.events) {
                    if event.timestamp < since {
                        continue;
                    }
                    for webhook in webhooks.iter().filter(|one| select::wants(one, &event)) {
                        let id = DeliveryId::of(&event.data.webhook.id, &webhook.name);
                        self.0.entry(id).or_insert_with(|| {
                            let body = kinds::frozen_body(webhook, &event);
                            let event = event.clone();
                            let new =
                                Delivery::new(&webhook.name, event, position, body, now, |_| {
                                    Duration::ZERO
                                })
                                .of_kind(webhook.kind);
                            Group::Missing(Box::new(new))
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns what happened since a time and is not on its way.
    fn since(self, since: Timestamp) -> Vec<Step> {
        let steps = self.0.into_values().filter_map(|group| match group {
            Group::Missing(new) => Some(Step::New(new)),
            Group::Stored(all) => {
                let on_its_way = all.iter().any(|one| one.state == State::Pending);
                let newest = all.into_iter().next()?;
                let wanted = !on_its_way && newest.event.timestamp >= since;
                wanted.then(|| Step::Again(Box::new(newest)))
            }
        });
        in_order(steps.collect())
    }

    /// Returns what is dead, has not arrived since and is not on its way.
    fn failed(self) -> Vec<Step> {
        let steps = self.0.into_values().filter_map(|group| match group {
            Group::Missing(_) => None,
            Group::Stored(all) => {
                let on_its_way = all.iter().any(|one| one.state == State::Pending);
                let newest = all.into_iter().next()?;
                let wanted = !on_its_way && newest.state == State::Dead;
                wanted.then(|| Step::Again(Box::new(newest)))
            }
        });
        in_order(steps.collect())
    }
}

/// What happened first is made first.
fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by_key(|step| match step {
        Step::New(one) | Step::Again(one) => (one.event.timestamp, one.id.to_string()),
    });
    steps
}

/// Adds a delivery that takes the place of another: one that is pending is given up, for it would
/// keep the new one waiting, and the event would be told twice.
fn in_place_of(store: &Store, old: &Delivery, webhook: &Webhook) -> Result<Delivery, Error> {
    let mut book = store.lock("deliveries")?;
    let new = add_again(store, &mut book, old, webhook)?;
    // Read again under the lock; a crash before this tells twice rather than never.
    if let Some(mut old) = store.delivery(&old.id)?
        && old.state == State::Pending
    {
        (old.state, old.next_attempt_at) = (State::Dead, None);
        book.replace_delivery(&old)?;
    }
    Ok(new)
}

/// Adds a delivery of the same event to the same webhook, under the next free number.
///
/// Its body is made as the webhook is now: what was wrong with it may have been the body.
fn add_again(
    store: &Store,
    book: &mut Book<'_>,
    old: &Delivery,
    webhook: &Webhook,
) -> Result<Delivery, Error> {
    let first = DeliveryId::of(old.id.event(), old.id.webhook());
    for number in 2..=u32::MAX {
        if store.delivery(&first.again(number))?.is_some() {
            continue;
        }
        let body = kinds::frozen_body(webhook, &old.event);
        let new = Delivery { body, ..old.again(number, clock::now()).of_kind(webhook.kind) };
        if book.add_delivery(&new)? {
            return Ok(new);
        }
    }
    Err(Error::Internal { problem: format!("no number is left for `{first}`") })
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
