//! `deliveries`: what was sent to webhooks, what is yet to be, and what came of it.

mod again;
mod delete;
mod list;
mod plan;
mod request;
mod test;
pub(super) mod view;

pub(super) use view::{by_event, stored};

use super::become_owner;
use crate::cli::Deliveries;
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::worker;

/// Runs one command; returns the exit status.
///
/// Called before anybody becomes the holder's owner: what flags name is read as whoever called.
pub(super) fn run(home: &Home, command: Deliveries) -> Result<u8, Error> {
    home.require_holder()?;
    let command = match command {
        Deliveries::Test(options) => return test::run(home, *options),
        command => command,
    };
    become_owner(home)?;
    let store = Store::of(home);
    worker::start_if_due(home, &store);
    match command {
        Deliveries::List(options) => list::list(home, &store, &options),
        Deliveries::Show(options) => list::show(&store, &options),
        Deliveries::Redeliver(options) => again::redeliver(home, &store, &options),
        Deliveries::Replay(options) => again::replay(home, &store, &options),
        Deliveries::Delete(options) => delete::run(&store, &options),
        Deliveries::Test(_) => Ok(0),
    }
}
