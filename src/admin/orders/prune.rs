//! `orders prune`: forget orders that ended long ago, and only those that nobody needs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::admin::printed;
use crate::answer;
use crate::cli::Prune;
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::home::Home;
use crate::order::TaskId;
use crate::retention::{self, Pruned as Outcome};
use crate::store::{Place, Store};

/// For how many days orders are kept where the configuration does not say.
const DAYS: u32 = 90;

/// The answer to `orders prune --json`.
#[derive(Debug, Serialize)]
struct Pruned {
    /// The orders that were, or would be, forgotten.
    pruned: Vec<TaskId>,
    /// Those that are old enough and are kept, and why.
    kept: Vec<Kept>,
}

#[derive(Debug, Serialize)]
struct Kept {
    task_id: TaskId,
    reason: String,
}

pub(super) fn run(home: &Home, store: &Store, options: &Prune) -> Result<u8, Error> {
    home.require_holder()?;
    let days = match options.days {
        Some(days) => days,
        None => Config::load(home)?.retention.orders_days.unwrap_or(DAYS),
    };
    let now = clock::now();
    let mut outcome = Pruned { pruned: Vec::new(), kept: Vec::new() };
    for task_id in store.ids(Place::Done)? {
        match retention::prune(home, store, task_id, days, now, options.dry_run)? {
            Outcome::Forgotten => outcome.pruned.push(task_id),
            Outcome::Kept(reason) => outcome.kept.push(Kept { task_id, reason }),
            Outcome::Left => {}
        }
    }
    if options.output.json {
        return printed(answer::pretty_json(&outcome));
    }
    printed(answer::text(&text(&outcome, options.dry_run)))
}

fn text(outcome: &Pruned, dry_run: bool) -> String {
    let word = if dry_run { "would forget" } else { "forgot" };
    let mut text = format!("{word} {} orders\n", outcome.pruned.len());
    for Kept { task_id, reason } in &outcome.kept {
        let _ = writeln!(text, "kept order {task_id}: {reason}");
    }
    text
}
