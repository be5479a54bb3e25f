//! `order`, whose system calls fail: an order that was answered is stored and finished, one that was
//! not is not acted on.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it errno_ -- --nocapture` tries all,
//! and prints the table of `docs/reliability.md`.

use crate::kill_order;
use crate::support::sweep::By;

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
