//! The clock is set while a worker lives: no order is lost, none buys twice, no event is lost, and
//! nobody waits until the time comes again that there was.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::order_unanswered::caller_killed;
use crate::support::book::assert_whole;
use crate::support::faketime::Clock;
use crate::support::hooks::{SOON, event_id};
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::{Listed, Mode};
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::promise::{doubled, lost, only_order};
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::{bare, hold_worker_lock};
use crate::support::{skip, wait_until};

/// By how many seconds the clock is set ahead or back: within what orders may take, and beyond.
const STEPS: [i64; 4] = [600, -600, 40 * 86_400, -40 * 86_400];

/// How long a worker may take whose clock was set: it has little to do.
const SOON_ENOUGH: Duration = Duration::from_secs(20);

/// Returns whether clocks can be set, and says so where not.
fn there_is_one() -> bool {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let found = Clock::new(scratch.path().join("clock")).is_some();
    if !found {
        skip("libfaketime is not installed");
    }
    found
}

/// Lets a worker drive one order and tell of it, whose clock is set when the hoster has been asked so
/// often; returns how many seconds ahead the worker was when it was done with the order, or none where
/// it was done before its clock was set.
fn step(seconds: i64, after: usize) -> Option<i64> {
    let hoster = Hoster::start(Mode { building_polls: 3, ..Mode::plain() });
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    let receiver = Receiver::start();
    receiver.next([Reply::status(503)]);
    plugin.hook("billing", "generic", &receiver, &SOON);
    let held = hold_worker_lock(&plugin);
    let id = plugin.order();
    drop(held);

    let clock = Clock::new(plugin.root().join("clock")).expect("libfaketime is there");
    let mut work = bare(&plugin, &["work"]);
    clock.give(&mut work);
    let mut worker = work.stdout(Stdio::null()).spawn().expect("the provider runs");
    let begun = Instant::now();
    let mut was_set = false;
    while worker.try_wait().expect("it is ours").is_none() {
        if !was_set && hoster.requests().len() >= after {
            clock.set(seconds);
            was_set = true;
        }
        assert!(begun.elapsed() < SOON_ENOUGH, "{seconds} s after {after} requests: it waits");
        std::thread::sleep(Duration::from_millis(1));
    }

    plugin.settled();
    assert_whole(&plugin);
    assert_eq!((doubled(&hoster), lost(&plugin, &hoster)), (0, 0), "{seconds} s after {after}");
    let (place, order) = only_order(&plugin);
    assert_eq!((place.as_str(), &order["task_id"]), ("done", &id.as_str().into()), "{order}");
    // One that was set ahead by more than an order may take has none left for this one.
    let is_late = seconds > 86_400 && order["state"] == "failed";
    assert!(order["state"] == "finished" || is_late, "{order}");
    let told: Vec<String> = receiver.requests().iter().map(event_id).collect();
    let event = order["events"].as_array().and_then(|events| events.last()).expect("an event");
    assert_eq!(told, vec![event["data"]["webhook"]["id"].as_str().unwrap(); 2], "{order}");
    let updated_at: jiff::Timestamp = order["updated_at"].as_str().unwrap().parse().unwrap();
    was_set.then_some(updated_at.as_second() - jiff::Timestamp::now().as_second())
}

#[test]
fn a_clock_that_is_set_while_a_worker_lives_loses_nothing_and_holds_nothing() {
    if !there_is_one() {
        return;
    }
    std::thread::scope(|scope| {
        for seconds in STEPS {
            scope.spawn(move || {
                let ahead: Vec<i64> = (0..99).map_while(|after| step(seconds, after)).collect();
                // Set before the last look at the hoster, it was another clock all the same.
                let moved = ahead.iter().filter(|ahead| (seconds - **ahead).abs() < 60).count();
                assert!(moved > 3, "{seconds} s: {ahead:?}");
            });
        }
    });
}

#[test]
fn a_clock_that_was_ahead_as_an_attempt_ended_does_not_hold_the_next_one() {
    if !there_is_one() {
        return;
    }
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::start();
    receiver.next([Reply::Held(Response::told(503))]);
    // With tries to spare for what the worker does before it is killed.
    plugin.hook("billing", "generic", &receiver, &["--schedule", "0,0.05", "--tries", "100"]);
    let held = hold_worker_lock(&plugin);
    plugin.order();
    drop(held);

    let clock = Clock::new(plugin.root().join("clock")).expect("libfaketime is there");
    let mut work = bare(&plugin, &["work"]);
    clock.give(&mut work);
    let mut worker = work.stdout(Stdio::null()).spawn().expect("the provider runs");
    receiver.wait_for(1);
    clock.set(40 * 86_400);
    // The next attempts, should there be time for them, come to nothing either.
    receiver.next(std::iter::repeat_with(|| Reply::status(503)).take(20));
    receiver.release();
    plugin.tried("billing", 1);
    worker.kill().expect("it is ours");
    worker.wait().expect("it is ours");
    plugin.run(&["work"]).prints();
    plugin.are("billing", 1, "delivered");
}

#[test]
fn an_order_whose_caller_was_killed_is_not_withdrawn_because_the_clock_is_ahead() {
    if !there_is_one() {
        return;
    }
    for seconds in [2 * 86_400, 400 * 86_400] {
        let plugin = Plugin::with_servers(1);
        let id = caller_killed(&plugin);
        let clock = Clock::new(plugin.root().join("clock")).expect("libfaketime is there");
        clock.set(seconds);
        let mut work = bare(&plugin, &["work", "--once"]);
        clock.give(&mut work);
        assert!(work.status().expect("the provider runs").success());
        // Its caller may have been told, and comes back.
        assert_eq!(plugin.finished(&id), "10.0.0.0", "{seconds} s ahead");
    }
}

#[test]
fn a_server_that_its_hoster_does_not_show_yet_is_not_taken_for_gone_because_the_clock_is_ahead() {
    if !there_is_one() {
        return;
    }
    let (never, hidden) = (usize::MAX / 2, Listed::AfterLists(usize::MAX));
    let mode =
        Mode { building_polls: never, absent_polls: never, listed: hidden, ..Mode::unique() };
    let hoster = Hoster::start(mode);
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.edit_etc("fake-unique.json", |definition| {
        definition["poll"]["grace_seconds"] = 30.into();
    });
    let held = hold_worker_lock(&plugin);
    let id = plugin.order();
    drop(held);
    let clock = Clock::new(plugin.root().join("clock")).expect("libfaketime is there");
    let mut work = bare(&plugin, &["work"]);
    clock.give(&mut work);
    let mut worker = work.stdout(Stdio::null()).spawn().expect("the provider runs");
    plugin.reaches(&id, "building");
    clock.set(3600);
    let told = plugin.run(&["orders", "cancel", &id, "--timeout", "0"]);
    assert_eq!(told.status, Some(124), "{told:?}");
    let before = hoster.requests().len();
    wait_until("the hoster was asked some times", || {
        hoster.requests().len() > before + 8 || !plugin.state("due").exists()
    });
    // Now it shows what it sold.
    hoster.change(|mode| (mode.absent_polls, mode.listed) = (0, Listed::AtOnce));
    plugin.filed(&id);
    worker.wait().expect("it is ours");
    plugin.settled();
    assert_eq!(plugin.stored(&id)["state"], "cancelled");
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0));
}
