//! `webhooks`: who is told of what happens to orders, and how.

mod change;
mod draft;
mod editor;
mod filter;
mod input;
mod list;
mod names;
mod sample;
pub(super) mod view;

use crate::cli::Webhooks;
use crate::error::Error;
use crate::home::Home;

pub(super) use draft::Draft;
pub(super) use editor::{checked, policy, unknown};
pub(super) use input::{Input, secret as file_secret, text as file_text};
pub(super) use list::{loaded, named};
pub(super) use names::names_in;
pub(super) use sample::event as sample_event;

/// Runs one command; returns the exit status.
///
/// Called before anybody becomes the holder's owner: what flags name is read as whoever called, and
/// the machine's file is root's.
pub(super) fn run(home: &Home, command: Webhooks) -> Result<u8, Error> {
    home.require_holder()?;
    match command {
        Webhooks::Create(options) => change::create(home, *options),
        Webhooks::List(output) => list::list(home, &output),
        Webhooks::Show(options) => list::show(home, &options),
        Webhooks::Update(options) => change::update(home, *options),
        Webhooks::Delete(options) => change::delete(home, &options),
        Webhooks::Rotate(options) => change::rotate(home, &options),
        Webhooks::Filter(command) => filter::run(home, command),
    }
}
