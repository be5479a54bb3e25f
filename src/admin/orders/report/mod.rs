//! `orders report`: one page about orders that needs nothing but itself.

mod html;
mod page;
mod sections;
mod stories;
mod tally;

use std::path::Path;

use crate::admin::deliveries::view::stored;
use crate::admin::printed;
use crate::answer;
use crate::cli::{Report, Which};
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, TaskId};
use crate::store::{self, Place, Shelf, Store};
use crate::story::{self, Span};
use tally::Tally;

/// How many stories are told, the newest orders' first.
const STORIES: usize = 100;

/// What the page tells.
#[derive(Debug)]
struct Told<'a> {
    provider: &'a str,
    which: &'a Which,
    now: Timestamp,
    tally: Tally,
    /// The newest orders, newest first.
    stories: Vec<Story>,
    /// How many orders there are in all.
    orders: usize,
    /// Files that cannot be read.
    unreadable: usize,
}

/// An order's story.
#[derive(Debug)]
struct Story {
    order: Order,
    panel: Option<String>,
    timeline: Vec<Span>,
}

pub(super) fn run(home: &Home, store: &Store, options: &Report) -> Result<u8, Error> {
    let told = read(home, store, &options.which)?;
    let page = page::write(&told);
    if options.html == Path::new("-") {
        return printed(answer::text(&page));
    }
    let unusable =
        |problem: &str| Error::usage(format!("--html {}: {problem}", options.html.display()));
    let target =
        std::path::absolute(&options.html).map_err(|error| unusable(&error.to_string()))?;
    match std::fs::symlink_metadata(&target) {
        // A device in whose place a file was put would be gone for everybody.
        Ok(known) if !known.is_file() => return Err(unusable("it is no plain file")),
        _ if target.file_name().is_none() => return Err(unusable("it is no file")),
        _ => {}
    }
    if let Some(folder) = target.parent().filter(|one| matches!(one.try_exists(), Ok(false))) {
        return Err(unusable(&format!("there is no folder {}", folder.display())));
    }
    store::publish_privately(&target, page.as_bytes())?;
    Ok(0)
}

fn read<'a>(home: &'a Home, store: &Store, which: &'a Which) -> Result<Told<'a>, Error> {
    let mut told = Told {
        provider: &home.name,
        which,
        now: clock::now(),
        tally: Tally::default(),
        stories: Vec::new(),
        orders: 0,
        unreadable: 0,
    };
    let mut ids: Vec<TaskId> = Vec::new();
    for place in Place::ALL {
        ids.extend(store.ids(place)?);
    }
    ids.sort_unstable();
    // One that moved on while we listed may stand in two lists.
    ids.dedup();
    for id in ids {
        match store.read(id) {
            // What its caller was not told of is withdrawn before long.
            Ok(Some(found)) if found.place != Place::Accepted => told.take(found.order),
            Ok(_) => {}
            Err(_) => told.unreadable += 1,
        }
    }
    told.stories.reverse();
    told.stories.truncate(STORIES);
    told.add_deliveries(store)?;
    told.tell(store)?;
    Ok(told)
}

impl Told<'_> {
    fn take(&mut self, order: Order) {
        if !self.which.wants(order.created_at, &order.configuration.id) {
            return;
        }
        self.orders += 1;
        self.tally.order(&order);
        if self.stories.len() >= STORIES * 2 {
            self.stories.drain(..STORIES);
        }
        self.stories.push(Story { order, panel: None, timeline: Vec::new() });
    }

    /// Counts the deliveries of the orders that are told of, one at a time.
    fn add_deliveries(&mut self, store: &Store) -> Result<(), Error> {
        for shelf in Shelf::ALL {
            for id in store.deliveries(shelf)? {
                match store.delivery_on(shelf, &id) {
                    Ok(Some(delivery)) => {
                        let (at, event) = (delivery.event.timestamp, &delivery.event.data);
                        if self.which.wants(at, &event.configuration.id) {
                            self.tally.delivery(&delivery);
                        }
                    }
                    Ok(None) => {}
                    Err(_) => self.unreadable += 1,
                }
            }
        }
        Ok(())
    }

    /// Tells the stories of the newest orders.
    fn tell(&mut self, store: &Store) -> Result<(), Error> {
        let ids: Vec<TaskId> = self.stories.iter().map(|story| story.order.task_id).collect();
        let logs = store.logs_of(&ids);
        let events = self.stories.iter().flat_map(|story| &story.order.events);
        let events: std::collections::BTreeSet<&str> =
            events.map(|event| &*event.data.webhook.id).collect();
        let deliveries = stored(store, |id| events.contains(id.event()))?;
        for story in &mut self.stories {
            let id = story.order.task_id;
            let number = id.to_string();
            let own: Vec<_> = deliveries
                .iter()
                .filter(|delivery| delivery.event.data.order.id == number)
                .cloned()
                .collect();
            let log = logs.get(&id).map_or(&[][..], Vec::as_slice);
            story.timeline = story::tell(&story.order, log, &own);
            story.panel = store.panel_record(id);
        }
        Ok(())
    }
}
