//! The promise: one order, at most one server, and none that nobody wants or that nobody knows of,
//! whatever the hoster answers and wherever the worker is killed.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_hoster -- --nocapture` tries
//! all, and prints the table of `docs/reliability.md`.

use std::time::Duration;

use serde_json::Value;

use crate::support::hoster::fault::{EVERY, Ending, Fault, Point, Reply, Verb};
use crate::support::hoster::mode::{Listed, Mode, Names};
use crate::support::hoster_start::{Start, ask};
use crate::support::hoster_sweep::{Case, Left, Points, run};
use crate::support::promise::Ended;

/// Faults that CI tries at each system call: one of each kind of outcome.
const THOROUGH: [&str; 4] =
    ["none", "broken JSON after buying", "500 without buying", "409 for a name that is free"];

/// Bought, and the reply says nothing that can be used.
pub(crate) const LOST: Fault = Fault::Done(Reply::BrokenJson);

/// Bought, and no reply at all.
pub(crate) const RESET: Fault = Fault::Done(Reply::Ends(Ending::Reset, Point::BeforeHeader));

/// Not bought, and the reply does not say so.
pub(crate) const UNDONE: Fault = Fault::Undone(Reply::Status(500));

/// Returns whether all points are to be tried.
pub(crate) fn full() -> bool {
    std::env::var("SWEEP").is_ok_and(|value| value == "full")
}

/// Returns every point where all are to be tried, and otherwise one of so many.
pub(crate) fn one_of(step: usize) -> Points {
    if full() { Points::Every } else { Points::OneOf(step) }
}

/// Returns a few points for hosters that differ in one thing from those that are tried at more.
pub(crate) fn thinly() -> Points {
    Points::OneOf(if full() { 7 } else { 61 })
}

fn nothing(_: &Left<'_>) -> bool {
    false
}

pub(crate) fn cancel(left: &Left<'_>) -> bool {
    ask(left.plugin, "cancel")
}

/// A server that is gone makes room for one of somebody else's with the same id.
fn reuse_its_id(left: &Left<'_>) -> bool {
    if left.hoster.alive().is_empty() {
        left.hoster.plant("somebody-else-4");
    }
    true
}

pub(crate) fn minded(ended: &Ended, unwanted: bool) {
    if unwanted { ended.as_unwanted(true) } else { ended.as_nobody_minds(true) }
}

pub(crate) fn minded_though_listed_late(ended: &Ended, unwanted: bool) {
    if unwanted { ended.as_unwanted(false) } else { ended.as_nobody_minds(false) }
}

/// Returns a sweep over the life of an order that nothing happens to.
pub(crate) fn case<'a>(
    name: String,
    start: &'a Start,
    definition: &str,
    points: Points,
) -> Case<'a> {
    Case {
        name,
        start,
        mode: Mode::of(definition),
        verb: Verb::Create,
        fault: Fault::None,
        reuses_ids: false,
        points,
        between: nothing,
        check: minded,
    }
}

/// Tries every fault of a create, the named ones at each system call.
fn every_fault(definition: &str, thorough: &[&str], others: Points) {
    let start = Start::new(definition);
    let cases: Vec<Case<'_>> = EVERY
        .iter()
        .map(|(name, fault)| {
            let points = if thorough.contains(name) { Points::Every } else { others };
            Case { fault: *fault, ..case((*name).to_owned(), &start, definition, points) }
        })
        .collect();
    run(&cases);
}

#[test]
fn a_hoster_with_unique_names_sells_one_server_at_most() {
    every_fault("fake-unique", &THOROUGH, one_of(23));
}

#[test]
fn a_hoster_with_nothing_against_a_second_server_sells_one_at_most() {
    every_fault("fake-plain", &THOROUGH, one_of(23));
}

#[test]
fn a_hoster_that_knows_repeated_keys_sells_one_server_at_most() {
    every_fault("fake-token", &[], thinly());
}

#[test]
fn a_hoster_that_wants_a_login_sells_one_server_at_most() {
    every_fault("fake-login", &[], thinly());
}

#[test]
fn a_hoster_whose_servers_come_in_three_steps_sells_one_at_most() {
    every_fault("fake-three-steps", &[], thinly());
}

/// A hoster that is slow to say what it has sold.
struct Slow {
    words: &'static str,
    mode: Mode,
    check: fn(&Ended, bool),
}

/// Returns hosters that differ from one in when they tell of a new server.
fn slow(mode: &Mode) -> [Slow; 4] {
    let mode = || mode.clone();
    let later = Listed::After(Duration::from_secs(2));
    let slow = |words, mode, check| Slow { words, mode, check };
    [
        slow("listed late", Mode { listed: Listed::AfterLists(2), ..mode() }, minded),
        slow("not found at first", Mode { absent_polls: 3, ..mode() }, minded),
        slow(
            "listed later than the definition says",
            Mode { listed: later, ..mode() },
            minded_though_listed_late,
        ),
        slow("the same name twice", Mode { names: Names::Any, ..mode() }, minded),
    ]
}

#[test]
fn a_hoster_that_is_slow_to_list_what_it_sold_sells_one_server_at_most() {
    let starts = ["fake-unique", "fake-plain"].map(|name| (name, Start::new(name)));
    let mut cases = Vec::new();
    for (definition, start) in &starts {
        for Slow { words, mode, check } in slow(&Mode::of(definition)) {
            for (told, fault) in [("lost", LOST), ("reset", RESET), ("undone", UNDONE)] {
                let name = format!("{definition}, {words}, {told}");
                let base = case(name, start, definition, one_of(17));
                cases.push(Case { mode: mode.clone(), fault, check, ..base });
            }
        }
    }
    run(&cases);
}

#[test]
fn an_order_may_be_cancelled_at_every_moment_of_its_life() {
    let names = ["fake-unique", "fake-plain", "fake-token", "fake-login", "fake-three-steps"];
    let starts = names.map(|name| (name, Start::new(name)));
    let mut cases = Vec::new();
    for (index, (definition, start)) in starts.iter().enumerate() {
        let mode = Mode { building_polls: 2, removing_polls: 2, ..Mode::of(definition) };
        for (told, fault) in [("no fault", Fault::None), ("lost", LOST), ("undone", UNDONE)] {
            let all = index < 2 && fault == Fault::None;
            let points = if all { Points::Every } else { one_of(29) };
            let base = case(format!("{definition}, cancelled, {told}"), start, definition, points);
            cases.push(Case { mode: mode.clone(), fault, between: cancel, ..base });
        }
        let late = Mode { listed: Listed::AfterLists(2), absent_polls: 3, ..mode };
        let name = format!("{definition}, cancelled, listed late and not found at first");
        let base = case(name, start, definition, one_of(11));
        cases.push(Case { mode: late, between: cancel, ..base });
    }
    run(&cases);
}

/// Returns starts whose order is called off at some moment, with what that is called.
pub(crate) fn called_off(definition: &str) -> [(&'static str, Start); 3] {
    let mode = Mode::of(definition);
    let silent = Fault::Done(Reply::Ends(Ending::Stall, Point::BeforeHeader));
    let endless = Mode { building_polls: usize::MAX, ..mode.clone() };
    let at = |mode, fault, state: &'static str, wish| {
        Start::at(definition, mode, fault, move |order: &Value| order["state"] == state, wish)
    };
    [
        ("buying", at(mode.clone(), silent, "buying", "cancel")),
        ("building", at(endless, Fault::None, "building", "cancel")),
        ("finished", at(mode, Fault::None, "finished", "release")),
    ]
}

/// Returns an order that is cancelled while it is bought, and one that is given back.
pub(crate) fn to_be_removed() -> [Start; 2] {
    let [(_, buying), _, (_, finished)] = called_off("fake-unique");
    [buying, finished]
}

/// Returns a sweep over the removal of what such an order has bought.
pub(crate) fn removal<'a>(name: &str, start: &'a Start) -> Case<'a> {
    let base = case(name.to_owned(), start, "fake-unique", Points::Every);
    let mode = Mode { removing_polls: 2, ..Mode::of("fake-unique") };
    Case { mode, between: |_| true, ..base }
}

#[test]
fn whoever_removes_a_server_may_be_killed_anywhere() {
    let names = ["fake-unique", "fake-plain"];
    let starts = names.map(|name| (name, called_off(name)));
    let mut cases = Vec::new();
    for (definition, called_off) in &starts {
        for (moment, start) in called_off {
            let removed = |_: &Left<'_>| true;
            let mode = Mode { removing_polls: 2, ..Mode::of(definition) };
            let name = format!("{definition}, called off while {moment}");
            let base = case(name.clone(), start, definition, Points::Every);
            cases.push(Case { mode: mode.clone(), between: removed, ..base });
            // What was seen running is found from then on.
            let absent_polls = if *moment == "finished" { 0 } else { 3 };
            let late = Mode { listed: Listed::AfterLists(2), absent_polls, ..mode.clone() };
            let base = case(format!("{name}, listed late"), start, definition, one_of(5));
            cases.push(Case { mode: late, between: removed, ..base });
            // Gone at once, and gone after one more look.
            for looks in [0, 1] {
                let reuses = Mode { reuses_ids: true, removing_polls: looks, ..mode.clone() };
                let name = format!("{name}, ids given again after {looks}");
                cases.push(Case {
                    mode: reuses,
                    reuses_ids: true,
                    between: reuse_its_id,
                    check: nothing_of_it_is_left,
                    ..case(name, start, definition, one_of(3))
                });
            }
        }
    }
    run(&cases);
}

/// An order whose server's id is somebody else's by now cannot say that it was removed.
fn nothing_of_it_is_left(ended: &Ended, _: bool) {
    assert_eq!(ended.alive.len(), 0, "{ended:#?}");
}

#[test]
fn the_documentation_has_a_row_for_each_fault() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let text = std::fs::read_to_string(path).unwrap();
    let known: Vec<&str> = EVERY.iter().map(|(name, _)| *name).collect();
    let is_of_faults = |part: &&str| part.contains("\n| fault |");
    let tables: Vec<&str> = text.split("\n### ").skip(1).filter(is_of_faults).collect();
    assert_eq!(tables.len(), 3, "of two made-up hosters, and of the definitions that are shipped");
    for part in tables {
        let rows = part.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let named: Vec<&str> = rows.filter(|name| !["|", "fault", "all"].contains(name)).collect();
        assert_eq!(named, known, "{}", part.lines().next().unwrap());
    }
}
