//! The promise for built-in definitions: what `kill_hoster` tries with made-up hosters is tried with
//! definitions that are shipped, at a hoster that speaks the vendor's API. Nothing of a definition
//! is changed but how long things take.
//!
//! `SWEEP=full cargo test --test it kill_dialects -- --nocapture` tries more points, and prints what
//! `docs/reliability.md` has.

use crate::kill_hoster::{
    LOST, RESET, UNDONE, called_off, cancel, case, full, minded_though_listed_late,
};
use crate::support::hoster::fault::{EVERY, Ending, Fault, Point, Reply, Verb};
use crate::support::hoster::mode::{Listed, Mode, Names};
use crate::support::hoster::provider::VENDORS;
use crate::support::hoster_start::Start;
use crate::support::hoster_sweep::{Case, Points, run};
use crate::support::promise::{End, Ended};

/// Returns one point of so many in CI, and of so many where more are to be tried.
fn one_of(in_ci: usize, in_full: usize) -> Points {
    Points::OneOf(if full() { in_full } else { in_ci })
}

/// An order may fail where its server gets no address: then it says which server is left, which
/// [`crate::support::promise::ended`] has looked at.
fn minded_or_failed(ended: &Ended, unwanted: bool) {
    match ended.end {
        End::Failed => assert!(!unwanted || ended.alive.is_empty(), "{ended:#?}"),
        _ if unwanted => ended.as_unwanted(true),
        _ => ended.as_nobody_minds(true),
    }
}

/// Returns what a server is that speaks EC2's language and knows no tokens, as moto does.
fn tokenless() -> Mode {
    Mode { replays_keys: false, ..Mode::of("ec2") }
}

/// Tries every fault of a create.
fn every_fault(definition: &str, mode: &Mode) {
    let start = Start::new(definition);
    let cases: Vec<Case<'_>> = EVERY
        .iter()
        .map(|(name, fault)| Case {
            mode: mode.clone(),
            fault: *fault,
            ..case((*name).to_owned(), &start, definition, one_of(97, 7))
        })
        .collect();
    run(&cases);
}

#[test]
fn amazon_ec2_sells_one_server_at_most() {
    every_fault("ec2", &Mode::of("ec2"));
}

#[test]
fn what_speaks_ec2s_language_and_ignores_tokens_sells_one_server_at_most() {
    every_fault("ec2", &tokenless());
}

#[test]
fn cloudstack_sells_one_server_at_most() {
    every_fault("cloudstack", &Mode::of("cloudstack"));
}

#[test]
fn openstack_sells_one_server_and_one_address_at_most() {
    every_fault("openstack", &Mode::of("openstack"));
}

#[test]
fn whatever_becomes_of_the_request_for_an_address_there_is_one_at_most() {
    let start = Start::new("openstack");
    let cases: Vec<Case<'_>> = EVERY
        .iter()
        .flat_map(|(name, fault)| {
            let base = || Case {
                verb: Verb::Allocate,
                fault: *fault,
                check: minded_or_failed,
                ..case(format!("an address, {name}"), &start, "openstack", one_of(83, 7))
            };
            let called_off = format!("an address, {name}, cancelled");
            [base(), Case { name: called_off, between: cancel, ..base() }]
        })
        .collect();
    run(&cases);
}

#[test]
fn a_vendor_that_is_slow_to_list_what_it_sold_sells_one_server_at_most() {
    let starts = VENDORS.map(|name| (name, Start::new(name)));
    let mut cases = Vec::new();
    for (definition, start) in &starts {
        let mode = || Mode::of(definition);
        let later = Listed::After(std::time::Duration::from_secs(2));
        let slow = [
            ("listed late", Mode { listed: Listed::AfterLists(2), ..mode() }, true),
            ("not found at first", Mode { absent_polls: 3, ..mode() }, true),
            ("listed later than is said", Mode { listed: later, ..mode() }, false),
            ("the same name once", Mode { names: Names::Unique, ..mode() }, true),
        ];
        for (words, mode, in_time) in slow {
            for (told, fault) in [("lost", LOST), ("reset", RESET), ("undone", UNDONE)] {
                let name = format!("{definition}, {words}, {told}");
                let base = case(name, start, definition, one_of(97, 7));
                let check = if in_time { base.check } else { minded_though_listed_late };
                cases.push(Case { mode: mode.clone(), fault, check, ..base });
            }
        }
    }
    run(&cases);
}

#[test]
fn an_order_of_a_vendor_may_be_cancelled_at_every_moment_of_its_life() {
    let starts = VENDORS.map(|name| (name, Start::new(name)));
    let mut cases = Vec::new();
    for (definition, start) in &starts {
        let mode = Mode { building_polls: 2, removing_polls: 2, ..Mode::of(definition) };
        for (told, fault) in [("no fault", Fault::None), ("lost", LOST), ("undone", UNDONE)] {
            let name = format!("{definition}, cancelled, {told}");
            let base = case(name, start, definition, one_of(41, 5));
            cases.push(Case { mode: mode.clone(), fault, between: cancel, ..base });
        }
        let late = Mode { listed: Listed::AfterLists(2), absent_polls: 3, ..mode };
        let name = format!("{definition}, cancelled, listed late and not found at first");
        let base = case(name, start, definition, one_of(41, 5));
        cases.push(Case { mode: late, between: cancel, ..base });
    }
    run(&cases);
}

#[test]
fn whoever_removes_a_server_of_a_vendor_may_be_killed_anywhere() {
    let starts = VENDORS.map(|name| (name, called_off(name)));
    let mut cases = Vec::new();
    for (definition, called_off) in &starts {
        for (moment, start) in called_off {
            let mode = Mode { removing_polls: 2, ..Mode::of(definition) };
            let name = format!("{definition}, called off while {moment}");
            let base = || case(name.clone(), start, definition, one_of(23, 3));
            cases.push(Case { mode: mode.clone(), between: |_| true, ..base() });
            let absent_polls = if *moment == "finished" { 0 } else { 3 };
            let late = Mode { listed: Listed::AfterLists(2), absent_polls, ..mode.clone() };
            let base = case(format!("{name}, listed late"), start, definition, one_of(41, 5));
            cases.push(Case { mode: late, between: |_| true, ..base });
        }
    }
    run(&cases);
}

/// What may become of the requests that remove something.
const REMOVALS: [(&str, Fault); 4] = [
    ("lost", Fault::Done(Reply::Ends(Ending::Reset, Point::BeforeHeader))),
    ("undone", Fault::Undone(Reply::Status(500))),
    ("busy", Fault::Undone(Reply::Status(429))),
    ("refused once", Fault::Undone(Reply::Status(409))),
];

#[test]
fn whatever_becomes_of_the_request_that_removes_a_server_none_is_left() {
    let starts = VENDORS.map(|name| (name, called_off(name)));
    let mut cases = Vec::new();
    for (definition, called_off) in &starts {
        let (moment, start) = &called_off[2];
        for (told, fault) in REMOVALS {
            let mode = Mode { removing_polls: 2, ..Mode::of(definition) };
            let name = format!("{definition}, given back when {moment}, {told}");
            let base = case(name, start, definition, one_of(41, 5));
            cases.push(Case { mode, verb: Verb::Delete, fault, between: |_| true, ..base });
        }
    }
    run(&cases);
}
