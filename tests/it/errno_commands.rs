//! The worker and the commands that give it work, whose system calls fail: what was asked for is done
//! or is not, and the next worker goes on.

use crate::support::sweep::By;
use crate::{kill_again, kill_retention, kill_webhooks, kill_worker};

#[test]
fn a_worker_may_meet_any_error() {
    kill_worker::a_worker(By::Errno(97));
}

#[test]
fn a_cancel_may_meet_any_error() {
    kill_worker::a_cancel(By::Errno(29));
}

#[test]
fn a_release_may_meet_any_error() {
    kill_worker::a_release(By::Errno(29));
}

#[test]
fn the_end_of_a_quarantine_may_meet_any_error() {
    kill_worker::an_end_of_a_quarantine(By::Errno(29));
}

#[test]
fn a_prune_may_meet_any_error() {
    kill_worker::a_prune(By::Errno(61));
}

#[test]
fn a_first_question_may_meet_any_error() {
    kill_worker::a_first_question(By::Errno(61));
}

#[test]
fn a_redelivery_may_meet_any_error() {
    kill_webhooks::a_redelivery(By::Errno(61));
}

#[test]
fn a_webhook_that_is_created_may_meet_any_error() {
    kill_webhooks::a_webhook_is_created(By::Errno(61));
}

#[test]
fn a_look_at_old_orders_may_meet_any_error() {
    kill_retention::a_look_at_old_orders(By::Errno(61));
}

#[test]
fn a_retry_may_meet_any_error() {
    kill_again::a_retry(By::Errno(61));
}

#[test]
fn a_new_secret_may_meet_any_error() {
    kill_again::a_new_secret(By::Errno(41));
}

#[test]
fn root_that_orders_in_somebody_elses_name_may_meet_any_error() {
    kill_again::root_orders_for_the_owner(By::Errno(41));
}
