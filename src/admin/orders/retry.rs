//! `orders retry`: a new order in the place of one that came to nothing, only where that cannot buy
//! a second server.

use crate::accept::{self, Request};
use crate::admin::printed;
use crate::answer;
use crate::cli::Retry;
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, State};
use crate::store::Store;
use crate::system::Caller;
use crate::worker;

use super::view::View;
use super::wait::read;

pub(super) fn run(
    home: &Home,
    store: &Store,
    options: &Retry,
    caller: Caller,
) -> Result<u8, Error> {
    let id = options.task_id;
    let order = read(store, id)?.order;
    check(&order).map_err(Error::usage)?;
    let request = Request {
        configuration: order.configuration.id,
        // Whoever asks twice gets the same order.
        key: Some(format!("retry of order {id}")),
        caller,
        retry_of: Some(id),
    };
    let new = accept::accept(home, store, request)?;
    let written = if options.output.json {
        let (view, _) = View::of(store, read(store, new)?);
        answer::pretty_json(&view)
    } else {
        answer::text(&format!("order {new} takes the place of order {id}\n"))
    };
    if let Err(error) = written {
        accept::unanswered(store, new)?;
        return printed(Err(error));
    }
    accept::answered(store, new)?;
    worker::start_or_complain(home, store);
    Ok(0)
}

/// Says why an order must not be retried.
fn check(order: &Order) -> Result<(), String> {
    let id = order.task_id;
    match order.state {
        State::Failed | State::Cancelled | State::Released => {}
        State::Finished => return Err(format!("order {id} is finished: order once more instead")),
        _ => return Err(format!("order {id} is still open: it is {}", order.state.word())),
    }
    if let Some(server) = order.left_server() {
        return Err(format!(
            "order {id} has bought server {server}: `orders release {id}` removes it first"
        ));
    }
    if order.is_unsettled() {
        let hostname = order.hostname.as_deref().unwrap_or_default();
        return Err(format!(
            "nobody knows whether order {id} has bought a server: look for `{hostname}`; where there \
             is none, place a new order"
        ));
    }
    Ok(())
}
