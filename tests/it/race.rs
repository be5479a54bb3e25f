//! Many callers at once, and callers against the worker: nothing is lost, nothing is sold twice,
//! nobody is turned away.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::book::{assert_whole, events, orders};
use crate::support::mount::{Mount, has};
use crate::support::plugin::Plugin;
use crate::support::sweep::{Template, bare, call, hold_worker_lock};
use crate::support::{is_root, one_of, proved, skip};

/// How long an order is waited for: one that is forgotten lies for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Orders; any error at all fails the test.
#[track_caller]
fn order(plugin: &Plugin, words: &[&str]) -> String {
    let output = bare(plugin, words).output().expect("the provider runs");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(output.status.success() && output.stderr.is_empty(), "{answer} {output:?}");
    answer["task_id"].as_str().expect("a task id").to_owned()
}

/// Lets so many threads call at once; returns all that they were told.
fn at_once<T: Send>(callers: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let call = &call;
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..callers).map(|one| scope.spawn(move || call(one))).collect();
        started.into_iter().map(|one| one.join().expect("no caller fails")).collect()
    })
}

/// Waits until orders have ended, without a call that would start a worker; returns how long.
#[track_caller]
fn end_by_themselves(plugin: &Plugin, ids: &[String]) -> Duration {
    let begun = Instant::now();
    for id in ids {
        while !plugin.state(&format!("done/{id}.json")).exists() {
            assert!(begun.elapsed() < PATIENCE, "nobody works on order {id}: {:?}", plugin.files());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    begun.elapsed()
}

#[test]
fn thirty_two_callers_of_two_hundred_orders_get_as_many_numbers_and_servers() {
    const CALLERS: usize = 32;
    const ORDERS: usize = 200;
    let plugin = Plugin::with_servers(CALLERS * ORDERS);
    let begun = Instant::now();
    let told = at_once(CALLERS, |_| {
        (0..ORDERS).map(|_| order(&plugin, &["order", "1"])).collect::<Vec<_>>()
    });
    let answered = begun.elapsed();
    call(&plugin, &["work"]).prints();
    eprintln!("{CALLERS}x{ORDERS} orders: answered in {answered:?}, done in {:?}", begun.elapsed());
    plugin.settled();

    let told: BTreeSet<String> = told.into_iter().flatten().collect();
    assert_eq!(told.len(), CALLERS * ORDERS);
    let stored = orders(&plugin);
    assert_eq!(stored.len(), CALLERS * ORDERS);
    for (place, order) in &stored {
        assert!(told.contains(order["task_id"].as_str().expect("an id")), "{order}");
        assert_eq!((place.as_str(), &order["state"]), ("done", &"finished".into()), "{order}");
    }
    // Among other things: no server twice, no temporary file.
    assert_whole(&plugin);
}

#[test]
fn callers_with_one_key_get_one_order() {
    let plugin = Plugin::with_servers(40);
    for round in 0..20 {
        let key = format!("round {round}");
        let told = at_once(8, |_| order(&plugin, &["order", "1", "--key", &key]));
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 1, "{told:?}");
        end_by_themselves(&plugin, &told[..1]);
    }
    plugin.settled();
    assert_eq!(orders(&plugin).len(), 20);
    assert_whole(&plugin);
}

#[test]
fn an_order_that_meets_the_worker_as_it_ends_is_not_forgotten() {
    const ROUNDS: usize = 10_000;
    /// How many servers a provider has: each order reads about all of them.
    const SERVERS: usize = 200;
    let rounds = ROUNDS / one_of(ROUNDS / SERVERS);
    let mut longest = Duration::ZERO;
    for first in (0..rounds).step_by(SERVERS) {
        let plugin = Plugin::with_servers(SERVERS);
        for round in first..rounds.min(first + SERVERS) {
            let id = order(&plugin, &["order", "1"]);
            longest = longest.max(end_by_themselves(&plugin, &[id]));
            // The next one comes at another moment of the worker's end each time, within 10 ms.
            std::thread::sleep(Duration::from_micros((round * 7919 % 10_000) as u64));
        }
        plugin.settled();
        assert_whole(&plugin);
    }
    eprintln!("{rounds} orders that meet a worker's end: done after {longest:?} at most");
    proved(rounds);
}

#[test]
fn an_order_that_meets_a_single_pass_is_not_forgotten() {
    const ROUNDS: usize = 40;
    let plugin = Plugin::with_servers(4 * ROUNDS);
    for _ in 0..ROUNDS {
        // Something for the pass to do while the order comes.
        let held = hold_worker_lock(&plugin);
        let mut ids: Vec<String> = (0..3).map(|_| order(&plugin, &["order", "1"])).collect();
        drop(held);
        let mut pass = bare(&plugin, &["work", "--once"]).spawn().expect("the provider runs");
        ids.push(order(&plugin, &["order", "1"]));
        assert!(pass.wait().expect("it ends").success());
        end_by_themselves(&plugin, &ids);
    }
    plugin.settled();
    assert_whole(&plugin);
}

/// Older file systems keep times by the second: an order may come without a visible change.
#[test]
fn an_order_is_not_forgotten_where_times_are_kept_by_the_second() {
    const ROUNDS: usize = 20;
    const CALLERS: usize = 4;
    if !is_root() || !has("mkfs.ext4") {
        return skip("a file system of its own needs root and mkfs.ext4");
    }
    let mount = Mount::ext4(&["-I", "128"]);
    let template = Template::of(Plugin::with_servers(ROUNDS * CALLERS));
    let plugin = template.copy_into(tempfile::tempdir_in(mount.path()).unwrap());
    for _ in 0..ROUNDS {
        let ids = at_once(CALLERS, |_| order(&plugin, &["order", "1"]));
        end_by_themselves(&plugin, &ids);
    }
    plugin.settled();
    assert_whole(&plugin);
}

#[test]
fn a_cancel_that_meets_the_worker_leaves_the_order_cancelled_or_finished_and_never_both() {
    const ROUNDS: usize = 60;
    let plugin = Plugin::with_servers(ROUNDS + 1);
    let (mut cancelled, mut finished) = (0, 0);
    for round in 0..ROUNDS {
        let held = hold_worker_lock(&plugin);
        let id = order(&plugin, &["order", "1"]);
        // It waits for the lock.
        let mut worker = bare(&plugin, &["work"]).spawn().expect("the provider runs");
        let cancel = std::thread::scope(|scope| {
            let cancel = scope.spawn(|| call(&plugin, &["orders", "cancel", &id]));
            // Later and later in the short life of the other.
            std::thread::sleep(Duration::from_micros(200) * u32::try_from(round).unwrap());
            drop(held);
            cancel.join().expect("the provider runs")
        });
        assert!(worker.wait().expect("it ends").success());
        end_by_themselves(&plugin, std::slice::from_ref(&id));
        let stored = plugin.stored(&id);
        let claimed = plugin.state("claims").join(stored["server"].as_str().unwrap());
        if cancel.status == Some(0) {
            cancelled += 1;
            assert_eq!(events(&stored), ["order.accepted", "order.cancelled"], "{stored}");
            assert!(!claimed.is_symlink(), "the server is not free: {stored}");
        } else {
            finished += 1;
            assert!(cancel.complains(2).contains("is finished"), "{cancel:?}");
            assert_eq!(events(&stored), ["order.accepted", "order.finished"], "{stored}");
            assert!(claimed.is_symlink(), "nobody holds the server: {stored}");
        }
    }
    // Both happen, or this was no race.
    assert!(cancelled > 0 && finished > 0, "{cancelled} cancelled, {finished} finished");
    plugin.settled();
    assert_whole(&plugin);
}
