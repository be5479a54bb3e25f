//! `order`, whose system calls fail: an order that was answered is stored and finished, one that was
//! not is not acted on.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it errno_ -- --nocapture` tries all,
//! and prints the table of `docs/reliability.md`.

use std::time::Duration;

use nix::errno::Errno;

use crate::kill_order;
use crate::support::inject::{Injection, KINDS, What};
use crate::support::sweep::{By, bare, call, hold_worker_lock, task_id};
use crate::support::tracer::{Limits, Run, inject};

/// How long an order may take.
const PATIENT: Limits = Limits::of_each(Duration::from_secs(15));

/// Orders once for each call of the kind, which goes wrong so; hands on what came of it.
fn each(kind: &str, what: What, check: impl Fn(&crate::support::plugin::Plugin, &Run)) {
    let template = kill_order::in_use();
    let kind = KINDS.iter().position(|known| *known == kind).unwrap();
    for nth in 1.. {
        let plugin = template.copy();
        let held = hold_worker_lock(&plugin);
        let injection = Injection { kind, nth, for_ever: false, what };
        let run = inject(bare(&plugin, &["order", "1"]), injection, PATIENT);
        if run.wrong == 0 {
            return;
        }
        check(&plugin, &run);
        drop(held);
    }
}

#[test]
fn a_disk_that_says_it_wrote_more_than_it_did_is_an_error_and_no_half_of_an_order() {
    for what in [What::HalfOfNothing, What::HalfOfQuarter, What::AllOfHalf] {
        let refused = std::cell::Cell::new(0);
        each("write", what, |plugin, run| {
            if let Some(id) = task_id(run) {
                let answer = call(plugin, &["order_status", &id]).succeeds();
                assert_eq!(answer["status"], "in_progress", "{answer}");
            } else {
                assert!(run.stdout.contains(" bytes were written"), "{run:?}");
                refused.set(refused.get() + 1);
            }
        });
        assert_eq!(refused.get(), 1, "{what:?}: the order's file alone is not written anew");
    }
}

#[test]
fn a_signal_during_a_call_that_waits_is_no_error() {
    for kind in ["open", "read", "write", "sync", "lock"] {
        each(kind, What::Fails(Errno::EINTR), |_, run| {
            assert!(task_id(run).is_some(), "{kind}: {run:?}");
        });
    }
}

#[test]
fn the_very_first_order_may_meet_any_error() {
    kill_order::the_first_order(By::Errno(23));
}

#[test]
fn an_order_may_meet_any_error() {
    kill_order::an_order(By::Errno(13));
}

#[test]
fn an_order_may_meet_any_error_together_with_the_worker_that_it_starts() {
    kill_order::an_order_and_its_worker(By::Errno(83));
}

#[test]
fn an_order_with_a_key_may_meet_any_error() {
    kill_order::an_order_with_a_key(By::Errno(13));
}

#[test]
fn a_repeated_key_may_meet_any_error() {
    kill_order::a_repeated_key(By::Errno(29));
}
