//! `orders cancel` and `orders release`: write the wish into the order, let the worker do it, say
//! what happened.

use std::time::{Duration, Instant};

use super::view::View;
use super::wait::read;
use crate::admin::{confirm, printed};
use crate::cli::{Cancel, Outcome, Release};
use crate::error::Error;
use crate::home::Home;
use crate::order::{State, TaskId, Wish};
use crate::store::Store;
use crate::{answer, clock, worker};

const LOOK: Duration = Duration::from_millis(20);

pub(super) fn cancel(home: &Home, store: &Store, options: &Cancel) -> Result<u8, Error> {
    ask_for(home, store, options.task_id, Wish::Cancel)?;
    tell(home, store, options.task_id, State::Cancelled, &options.outcome)
}

pub(super) fn release(home: &Home, store: &Store, options: &Release) -> Result<u8, Error> {
    let id = options.task_id;
    let order = read(store, id)?.order;
    let clean_only = options.clean && order.state == State::Released;
    if !clean_only {
        let server = order.server.unwrap_or_default();
        confirm(options.yes, &format!("Give server {server} of order {id} back?"))?;
        ask_for(home, store, id, Wish::Release)?;
    }
    let json = options.outcome.output.json;
    let status = if clean_only && !json {
        0
    } else {
        tell(home, store, id, State::Released, &options.outcome)?
    };
    if options.clean && status == 0 {
        let done = clean(store, id)?;
        if !json {
            printed(answer::text(&done))?;
        }
    }
    Ok(status)
}

fn ask_for(home: &Home, store: &Store, id: TaskId, wish: Wish) -> Result<(), Error> {
    home.require_holder()?;
    store.lock("orders")?.amend(id, |order| order.ask(wish, clock::now()).map_err(Error::usage))
}

/// Waits until the worker has done what was asked for, and says what came of it.
fn tell(
    home: &Home,
    store: &Store,
    id: TaskId,
    wanted: State,
    options: &Outcome,
) -> Result<u8, Error> {
    let deadline = Instant::now() + Duration::from_secs_f64(options.timeout);
    loop {
        worker::start_if_due(home, store);
        let found = read(store, id)?;
        let done = found.order.wish.is_none();
        if done || Instant::now() >= deadline {
            let (view, _) = View::of(store, found);
            let word = view.state.word();
            if options.output.json {
                printed(answer::pretty_json(&view))?;
            } else if done {
                let reason = view.reason.as_deref().unwrap_or_default();
                printed(answer::text(&format!("order {id} is {word}: {reason}\n")))?;
            } else {
                let last = store.log_of(id).pop().map(|line| line.message);
                let why = last.map(|why| format!(" ({why})")).unwrap_or_default();
                printed(answer::text(&format!(
                    "order {id} is still {word}{why}; the worker goes on with it\n"
                )))?;
            }
            return Ok(match (done, view.state == wanted) {
                (true, true) => 0,
                (true, false) => super::wait::NOT_FINISHED,
                (false, _) => super::wait::TIME_IS_UP,
            });
        }
        std::thread::sleep(LOOK);
    }
}

/// Lets the server of a released order be ordered again; returns what came of it, in words.
fn clean(store: &Store, id: TaskId) -> Result<String, Error> {
    let Some(server) = read(store, id)?.order.server else {
        return Ok(String::new());
    };
    let freed = store.lock("orders")?.free(&server, id, clock::now())?;
    Ok(if freed {
        format!("server {server} can be ordered again\n")
    } else {
        format!("server {server} was not in quarantine for order {id}\n")
    })
}
