//! Power that fails while a command or a worker runs, on ext4 and on XFS: no answered order is lost,
//! no server is bought twice, and every event arrives.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it power_cut -- --nocapture` tries all,
//! and prints the table of `docs/reliability.md`. Only root can mount the disks that it takes.

use crate::kill_called_off::{CalledOff, Faults};
use crate::kill_hoster::{LOST, case, removal, to_be_removed};
use crate::support::hoster_start::Start;
use crate::support::hoster_sweep::{Case, Points};
use crate::support::power::{Cut, Disk, Kind};
use crate::support::sweep::By;
use crate::{kill_again, kill_delivery, kill_order, kill_retention, kill_webhooks, kill_worker};

/// Else the sweeps would prove nothing.
#[test]
fn power_that_fails_takes_along_what_was_not_synced() {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.can_be_had());
    for (kind, cut) in kinds.flat_map(|kind| Cut::EACH.map(|cut| (kind, cut))) {
        let disk = Disk::new(kind);
        let root = disk.root();
        let (kept, lost) = (root.path().join("kept"), root.path().join("lost"));
        disk.sync();
        std::fs::write(&kept, "kept").unwrap();
        for name in [&kept, &root.path().to_owned()] {
            std::fs::File::open(name).unwrap().sync_all().unwrap();
        }
        std::fs::write(&lost, "lost").unwrap();
        disk.cut_power(cut);
        assert_eq!(std::fs::read(&kept).unwrap(), b"kept", "{}", kind.name());
        let lost = std::fs::read(&lost).ok();
        let is_lost = match cut {
            Cut::All => lost.is_none(),
            // The name is there, and what it names is not.
            Cut::Data => lost.is_some_and(|text| text != b"lost"),
        };
        assert!(is_lost, "{} {cut:?}", kind.name());
    }
}

#[test]
fn power_may_fail_during_the_very_first_order() {
    kill_order::the_first_order(By::Outage(9));
}

#[test]
fn power_may_fail_during_an_order() {
    kill_order::an_order(By::Outage(5));
}

#[test]
fn power_may_fail_during_an_order_with_a_key() {
    kill_order::an_order_with_a_key(By::Outage(7));
}

#[test]
fn power_may_fail_during_an_order_and_the_worker_that_it_starts() {
    kill_order::an_order_and_its_worker(By::Outage(19));
}

#[test]
fn power_may_fail_during_a_worker() {
    kill_worker::a_worker(By::Outage(17));
}

#[test]
fn power_may_fail_during_a_cancel() {
    kill_worker::a_cancel(By::Outage(11));
}

#[test]
fn power_may_fail_during_a_release() {
    kill_worker::a_release(By::Outage(11));
}

#[test]
fn power_may_fail_during_a_prune() {
    kill_worker::a_prune(By::Outage(17));
}

#[test]
fn power_may_fail_during_the_end_of_a_quarantine() {
    kill_worker::an_end_of_a_quarantine(By::Outage(7));
}

#[test]
fn power_may_fail_during_a_first_question() {
    kill_worker::a_first_question(By::Outage(23));
}

#[test]
fn power_may_fail_during_a_retry() {
    kill_again::a_retry(By::Outage(13));
}

#[test]
fn power_may_fail_during_a_look_at_old_orders() {
    kill_retention::a_look_at_old_orders(By::Outage(13));
}

#[test]
fn power_may_fail_while_a_webhook_is_created() {
    kill_webhooks::a_webhook_is_created(By::Outage(7));
}

#[test]
fn power_may_fail_while_a_webhook_gets_a_new_secret() {
    kill_again::a_new_secret(By::Outage(7));
}

#[test]
fn power_may_fail_during_a_redelivery() {
    kill_webhooks::a_redelivery(By::Outage(9));
}

#[test]
fn power_may_fail_while_a_hoster_sells() {
    let start = Start::new("fake-unique");
    let name = "work, an order of a hoster".to_owned();
    case(name, &start, "fake-unique", Points::Every).cut(29);
}

#[test]
fn power_may_fail_while_a_hoster_sells_whose_reply_is_lost() {
    let start = Start::new("fake-plain");
    let name = "work, an order whose reply is lost".to_owned();
    let base = case(name, &start, "fake-plain", Points::Every);
    Case { fault: LOST, ..base }.cut(31);
}

#[test]
fn power_may_fail_while_a_program_makes_servers() {
    Faults::of(None).cut("work, an order of a program", 67);
}

#[test]
fn power_may_fail_while_what_a_hoster_sold_is_removed() {
    let [cancelled, given_back] = to_be_removed();
    removal("work, a hoster's order is cancelled", &cancelled).cut(37);
    removal("work, a hoster's server is given back", &given_back).cut(31);
}

#[test]
fn power_may_fail_while_what_a_program_made_is_removed() {
    let name = "work, a program's order is cancelled";
    Faults::of(Some(CalledOff::Cancelled)).cut(name, 131);
    let name = "work, a program's server is given back";
    Faults::of(Some(CalledOff::GivenBack)).cut(name, 131);
}

#[test]
fn power_may_fail_while_webhooks_are_told() {
    kill_delivery::cut(193);
}
