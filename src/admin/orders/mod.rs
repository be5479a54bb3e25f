//! `orders`: look at them, call them off, give their servers back.

mod change;
mod list;
pub(super) mod preview;
mod progress;
mod prune;
mod report;
mod retry;
mod show;
mod timeline;
pub(super) mod view;
mod wait;

use crate::cli::Orders;
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::system::Caller;
use crate::worker;

/// Runs one command; returns the exit status.
pub(super) fn run(
    home: &Home,
    store: &Store,
    command: Orders,
    caller: Caller,
) -> Result<u8, Error> {
    worker::start_if_due(home, store);
    match command {
        Orders::List(options) => list::run(store, &options),
        Orders::Report(options) => report::run(home, store, &options),
        Orders::Show(options) => show::run(store, &options),
        Orders::Wait(options) => wait::run(home, store, &options),
        Orders::Cancel(options) => change::cancel(home, store, &options),
        Orders::Release(options) => change::release(home, store, &options),
        Orders::Preview(options) => preview::run(home, &options),
        Orders::Retry(options) => retry::run(home, store, &options, caller),
        Orders::Prune(options) => prune::run(home, store, &options),
    }
}
