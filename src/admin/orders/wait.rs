//! `orders wait`: until orders have ended, or time is up.

use std::time::{Duration, Instant};

use super::view::{List, View};
use crate::admin::printed;
use crate::cli::Wait;
use crate::error::Error;
use crate::home::Home;
use crate::order::{State, TaskId};
use crate::store::{Found, Store};
use crate::{answer, worker};

/// How often the orders are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The exit statuses of what is no error of the call: `timeout(1)` has the second.
pub(super) const NOT_FINISHED: u8 = 1;
pub(super) const TIME_IS_UP: u8 = 124;

pub(super) fn run(home: &Home, store: &Store, options: &Wait) -> Result<u8, Error> {
    let deadline = options.timeout.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let mut seen: Vec<Option<State>> = vec![None; options.task_ids.len()];
    let status = loop {
        for (id, seen) in options.task_ids.iter().zip(&mut seen) {
            let state = read(store, *id)?.order.state;
            if *seen != Some(state) && !options.output.json {
                printed(answer::text(&format!("order {id}: {}\n", state.word())))?;
            }
            *seen = Some(state);
        }
        let open = seen.iter().flatten().any(|state| !state.has_ended());
        if !open {
            let all = seen.iter().flatten().all(|state| *state == State::Finished);
            break if all { 0 } else { NOT_FINISHED };
        }
        // The worker may have been killed meanwhile.
        worker::start_if_due(home, store);
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break TIME_IS_UP;
        }
        std::thread::sleep(LOOK);
    };
    if options.output.json {
        let orders = options
            .task_ids
            .iter()
            .map(|id| Ok(View::of(store, read(store, *id)?).0))
            .collect::<Result<_, Error>>()?;
        printed(answer::pretty_json(&List { orders }))?;
    }
    Ok(status)
}

/// Returns the order; one that was pruned meanwhile is unknown.
pub(super) fn read(store: &Store, id: TaskId) -> Result<Found, Error> {
    store.read(id)?.ok_or_else(|| Error::UnknownTask { id: id.to_string() })
}
