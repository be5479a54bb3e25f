//! Workers of orders of a hoster and of a program, and deliveries, whose system calls fail: one
//! order, at most one server, and every event arrives.

use nix::errno::Errno;

use crate::kill_called_off::{CalledOff, Faults};
use crate::kill_delivery;
use crate::kill_hoster::{LOST, case, removal, to_be_removed};
use crate::support::errno::Errnos;
use crate::support::hoster_start::Start;
use crate::support::hoster_sweep::{Case, Points};
use crate::support::inject::{Injection, KINDS, What};

/// A system that is full of processes says so.
#[test]
fn a_worker_that_can_start_no_thread_is_no_fault_of_the_program() {
    let start = Start::new("fake-unique");
    let case = case("no thread".to_owned(), &start, "fake-unique", Points::Every);
    let errnos = Errnos { name: "no thread", stride: 1, threads: 1, works: true };
    let kind = KINDS.iter().position(|kind| *kind == "start").unwrap();
    let what = What::Fails(Errno::EAGAIN);
    for (nth, for_ever) in [(1, true), (2, true), (3, true), (1, false), (2, false)] {
        let run = case.fail_so(&errnos, &Injection { kind, nth, for_ever, what });
        assert!(run.wrong > 0, "{nth}");
    }
}

#[test]
fn a_worker_of_orders_of_a_hoster_may_meet_any_error() {
    let start = Start::new("fake-unique");
    let name = "work, an order of a hoster".to_owned();
    case(name, &start, "fake-unique", Points::Every).fail(101);
}

#[test]
fn a_worker_that_does_not_hear_of_its_purchase_may_meet_any_error() {
    let start = Start::new("fake-plain");
    let name = "work, an order whose reply is lost".to_owned();
    let base = case(name, &start, "fake-plain", Points::Every);
    Case { fault: LOST, ..base }.fail(151);
}

#[test]
fn a_worker_of_orders_of_a_program_may_meet_any_error() {
    Faults::of(None).fail("work, an order of a program", 151);
}

#[test]
fn a_worker_that_removes_what_a_hoster_sold_may_meet_any_error() {
    let [cancelled, given_back] = to_be_removed();
    removal("work, a hoster's order is cancelled", &cancelled).fail(797);
    removal("work, a hoster's server is given back", &given_back).fail(797);
}

#[test]
fn a_worker_that_removes_what_a_program_made_may_meet_any_error() {
    let name = "work, a program's order is cancelled";
    Faults::of(Some(CalledOff::Cancelled)).fail(name, 797);
    let name = "work, a program's server is given back";
    Faults::of(Some(CalledOff::GivenBack)).fail(name, 797);
}

#[test]
fn a_worker_that_tells_webhooks_may_meet_any_error() {
    kill_delivery::fail(797);
}
