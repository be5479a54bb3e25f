//! Root over a provider of another owner: what may be killed, may meet errors and may lose its power
//! is carried out as it is for the owner, and all files stay the owner's.

use crate::support::sweep::By;
use crate::support::{is_root, skip};
use crate::{kill_again, kill_delivery, kill_order, kill_webhooks, kill_worker};

/// Does it to each command of root's.
fn to_commands(by: &'static By) {
    if !is_root() {
        return skip("only root can give a holder away");
    }
    let by = By::AsRoot(by);
    kill_order::an_order_and_its_worker(by);
    kill_worker::a_cancel(by);
    kill_worker::a_release(by);
    kill_worker::a_prune(by);
    kill_again::a_retry(by);
    kill_again::a_new_secret(by);
    kill_webhooks::a_redelivery(by);
}

fn to_deliveries(by: &By) {
    if !is_root() {
        return skip("only root can give a holder away");
    }
    kill_delivery::as_root(by);
}

#[test]
fn a_command_of_root_may_be_killed_anywhere() {
    to_commands(&By::KillSome(97));
}

#[test]
fn a_command_of_root_may_meet_any_error() {
    to_commands(&By::Errno(397));
}

#[test]
fn power_may_fail_during_a_command_of_root() {
    to_commands(&By::Outage(11));
}

#[test]
fn a_worker_of_root_that_tells_webhooks_may_be_killed_anywhere() {
    to_deliveries(&By::KillSome(41));
}

#[test]
fn a_worker_of_root_that_tells_webhooks_may_meet_any_error() {
    to_deliveries(&By::Errno(1999));
}

#[test]
fn power_may_fail_while_a_worker_of_root_tells_webhooks() {
    to_deliveries(&By::Outage(397));
}
