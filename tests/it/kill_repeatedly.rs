//! A worker is killed, and so are those that take over from it, before one comes to the end: one
//! order, at most one server.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_repeatedly -- --nocapture` tries
//! every fifth first one, with eight ways to choose those that follow.

use crate::kill_hoster::{LOST, RESET, UNDONE, cancel, case, full};
use crate::support::hoster::fault::Fault;
use crate::support::hoster::mode::{Listed, Mode};
use crate::support::hoster_start::Start;
use crate::support::hoster_sweep::{Between, Case, Left, Points, run};
use crate::support::sweep::bare;
use crate::support::tracer;

/// More than the system calls with an effect that it takes to take an order over, so that some of
/// those that follow come to the end.
const CALLS: usize = 89;

/// Kills so many more workers, each at a call that follows from the one before.
fn kill_more<const WORKERS: usize, const STEP: usize>(left: &Left<'_>) -> bool {
    let mut at = left.at;
    for _ in 0..WORKERS {
        at = 1 + at * STEP % CALLS;
        kill_one(left, at);
    }
    false
}

/// Kills a worker before it has looked for what the one before it may have bought.
fn kill_early(left: &Left<'_>) -> bool {
    kill_one(left, 1 + left.at % 12);
    false
}

fn kill_one(left: &Left<'_>, at: usize) {
    let run = tracer::kill_at_effect(bare(left.plugin, &["work"]), at);
    assert!(run.killed || run.status == Some(0), "{run:?}");
}

fn kill_more_and_cancel(left: &Left<'_>) -> bool {
    kill_more::<1, 41>(left);
    let asked = cancel(left);
    kill_more::<1, 23>(left);
    asked
}

/// What happens between the first kill and the worker that comes to the end.
const BETWEEN: [(&str, Between); 8] = [
    ("two kills", kill_more::<1, 3>),
    ("two kills, others", kill_more::<1, 13>),
    ("two kills, others again", kill_more::<1, 31>),
    ("two kills, the second an early one", kill_early),
    ("three kills", kill_more::<2, 7>),
    ("three kills, others", kill_more::<2, 29>),
    ("six kills", kill_more::<5, 11>),
    ("three kills, cancelled in between", kill_more_and_cancel),
];

/// Kills workers of a hoster one after the other, whatever becomes of the request that buys.
fn kill(definition: &str) {
    let start = Start::new(definition);
    let points = Points::OneOf(if full() { 5 } else { 97 });
    let mut cases = Vec::new();
    for (words, between) in BETWEEN {
        for (told, fault) in
            [("no fault", Fault::None), ("lost", LOST), ("reset", RESET), ("undone", UNDONE)]
        {
            let name = format!("{definition}, {words}, {told}");
            cases.push(Case { fault, between, ..case(name, &start, definition, points) });
        }
        let late = Mode { listed: Listed::AfterLists(2), absent_polls: 3, ..Mode::of(definition) };
        let name = format!("{definition}, {words}, listed late and not found at first");
        cases.push(Case { mode: late, between, ..case(name, &start, definition, points) });
    }
    run(&cases);
}

#[test]
fn workers_may_be_killed_one_after_the_other_where_a_name_can_be_taken_once() {
    kill("fake-unique");
}

#[test]
fn workers_may_be_killed_one_after_the_other_where_a_name_can_be_taken_twice() {
    kill("fake-plain");
}

#[test]
fn workers_may_be_killed_one_after_the_other_where_servers_come_in_three_steps() {
    kill("fake-three-steps");
}
