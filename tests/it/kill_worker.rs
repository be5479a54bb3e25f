//! The worker, and the commands that give it work, killed at each of their system calls: the next
//! worker goes on, every order ends as it should, and each thing that happened is told of once.

use serde_json::Value;

use crate::support::book::{assert_whole, claim, events, orders};
use crate::support::plugin::{Plugin, inventory};
use crate::support::sweep::{By, Sweep, Template, call, hold_worker_lock, order, outcome, task_id};

/// What `orders cancel` and `orders release` end with where no worker did it in time.
const TIME_IS_UP: i32 = 124;

/// A provider with five servers and everything for a worker to do: order 1 is to be released,
/// 2 and 3 to be finished, 4 to be cancelled.
fn busy() -> Template {
    let plugin = Plugin::with_servers(5);
    plugin.finished(&plugin.order());
    plugin.settled();
    let held = hold_worker_lock(&plugin);
    for _ in 0..3 {
        plugin.order();
    }
    ask(&plugin, "cancel", "4");
    ask(&plugin, "release", "1");
    drop(held);
    Template::of(plugin)
}

/// Writes a wish into an order while no worker can do it.
#[track_caller]
fn ask(plugin: &Plugin, word: &str, id: &str) {
    let mut words = vec!["orders", word, id, "--timeout", "0"];
    if word == "release" {
        words.push("--yes");
    }
    assert_eq!(call(plugin, &words).status, Some(TIME_IS_UP));
}

#[track_caller]
fn stored(plugin: &Plugin, id: &str) -> (String, Value) {
    let found = orders(plugin).into_iter().find(|(_, order)| order["task_id"] == id);
    found.unwrap_or_else(|| panic!("order {id} is gone"))
}

/// Checks how an order ended, and that each event of its life is there once.
#[track_caller]
fn assert_ended(plugin: &Plugin, id: &str, life: &[&str]) {
    let (place, order) = stored(plugin, id);
    let told: Vec<String> = life.iter().map(|state| format!("order.{state}")).collect();
    assert_eq!(events(&order), told, "{order}");
    assert_eq!(order["state"], *life.last().expect("a state"), "{order}");
    assert_eq!((place.as_str(), &order["wish"]), ("done", &Value::Null), "{order}");
}

/// Checks that just so many servers can still be sold.
#[track_caller]
fn sells_just(plugin: &Plugin, free: usize) {
    for _ in 0..free {
        let last = outcome(plugin, &order(plugin, &["order", "1"]));
        assert_eq!(last["status"], "finished", "{last}");
    }
    call(plugin, &["order", "1"]).fails("out_of_stock", 3);
    plugin.settled();
    assert_whole(plugin);
}

fn all_is_done(plugin: &Plugin) {
    call(plugin, &["work"]).prints();
    assert!(!plugin.state("due").exists());
    assert_ended(plugin, "1", &["accepted", "finished", "released"]);
    assert_ended(plugin, "2", &["accepted", "finished"]);
    assert_ended(plugin, "3", &["accepted", "finished"]);
    assert_ended(plugin, "4", &["accepted", "cancelled"]);
    assert_eq!(claim(plugin, "10.0.0.0").as_deref(), Some("1 quarantined"));
    // The fifth, and that of the order that was cancelled.
    sells_just(plugin, 2);
}

#[test]
fn a_worker_may_be_killed_anywhere() {
    a_worker(By::Kill);
}

pub(crate) fn a_worker(by: By) {
    let sweep = Sweep {
        name: "work",
        template: &busy(),
        words: &["work"],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.by(by, |plugin, _| all_is_done(plugin));
}

#[test]
fn a_worker_may_be_killed_anywhere_while_claims_are_made_anew() {
    let sweep = Sweep {
        name: "work, claims changed by hand",
        template: &busy().with_claims_touched(),
        words: &["work", "--once"],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.run(|plugin, _| all_is_done(plugin));
}

/// A provider with an order that no worker has seen, and one server more.
fn open() -> Template {
    let plugin = Plugin::with_servers(2);
    plugin.run(&["order", "7"]).fails("unknown_configuration", 3);
    let held = hold_worker_lock(&plugin);
    plugin.order();
    drop(held);
    Template::of(plugin)
}

/// What holds after `orders cancel 1` was killed: it was cancelled or it was not.
fn cancelled_or_finished(plugin: &Plugin) {
    let last = outcome_of_any_kind(plugin, "1");
    if last["status"] == "finished" {
        assert_ended(plugin, "1", &["accepted", "finished"]);
        sells_just(plugin, 1);
    } else {
        assert_ended(plugin, "1", &["accepted", "cancelled"]);
        sells_just(plugin, 2);
    }
}

#[track_caller]
fn outcome_of_any_kind(plugin: &Plugin, id: &str) -> Value {
    call(plugin, &["order_status", id]).succeeds();
    call(plugin, &["work"]).prints();
    call(plugin, &["order_status", id]).succeeds()
}

#[test]
fn a_cancel_may_be_killed_anywhere() {
    a_cancel(By::Kill);
}

pub(crate) fn a_cancel(by: By) {
    let sweep = Sweep {
        name: "orders cancel",
        template: &open(),
        words: &["orders", "cancel", "1", "--timeout", "0"],
        worker_elsewhere: true,
        status: TIME_IS_UP,
    };
    sweep.by(by, |plugin, run| {
        let wished = stored(plugin, "1").1["wish"] == "cancel";
        assert!(wished || run.stdout.is_empty(), "{run:?}");
        cancelled_or_finished(plugin);
        let (_, order) = stored(plugin, "1");
        assert_eq!(order["state"] == "cancelled", wished, "{order}");
    });
}

#[test]
fn a_cancel_of_an_order_that_nobody_was_told_of_may_be_killed_anywhere() {
    a_cancel_before_an_answer(By::Kill);
}

pub(crate) fn a_cancel_before_an_answer(by: By) {
    let (template, id) = Template::of(Plugin::with_servers(2)).with_unanswered(&["order", "1"]);
    assert_eq!(id, "1");
    let sweep = Sweep {
        name: "orders cancel, not answered yet",
        template: &template,
        words: &["orders", "cancel", "1", "--timeout", "0"],
        worker_elsewhere: true,
        status: TIME_IS_UP,
    };
    sweep.by(by, |plugin, _| {
        let wished = stored(plugin, "1").1["wish"] == "cancel";
        cancelled_or_finished(plugin);
        let (_, order) = stored(plugin, "1");
        assert_eq!(order["state"] == "cancelled", wished, "{order}");
    });
}

/// A provider with a finished order, and one server more.
fn finished() -> Plugin {
    let plugin = Plugin::with_servers(2);
    plugin.finished(&plugin.order());
    plugin.settled();
    plugin
}

#[test]
fn a_release_may_be_killed_anywhere_and_repeated() {
    a_release(By::Kill);
}

pub(crate) fn a_release(by: By) {
    let sweep = Sweep {
        name: "orders release",
        template: &Template::of(finished()),
        words: &["orders", "release", "1", "--yes", "--timeout", "0"],
        worker_elsewhere: true,
        status: TIME_IS_UP,
    };
    sweep.by(by, |plugin, run| {
        let wished = stored(plugin, "1").1["wish"] == "release";
        assert!(wished || run.stdout.is_empty(), "{run:?}");
        call(plugin, &["work"]).prints();
        if !wished {
            assert_ended(plugin, "1", &["accepted", "finished"]);
            call(plugin, &["orders", "release", "1", "--yes"]).prints();
            plugin.settled();
        }
        assert_ended(plugin, "1", &["accepted", "finished", "released"]);
        assert_eq!(claim(plugin, "10.0.0.0").as_deref(), Some("1 quarantined"));
        sells_just(plugin, 1);
    });
}

#[test]
fn the_end_of_a_quarantine_may_be_killed_anywhere_and_repeated() {
    an_end_of_a_quarantine(By::Kill);
}

pub(crate) fn an_end_of_a_quarantine(by: By) {
    let plugin = finished();
    plugin.run(&["orders", "release", "1", "--yes"]).prints();
    plugin.settled();
    let sweep = Sweep {
        name: "orders release --clean",
        template: &Template::of(plugin),
        words: &["orders", "release", "1", "--clean"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        let before = claim(plugin, "10.0.0.0");
        assert!(before.is_none() || run.stdout.is_empty(), "{run:?}");
        call(plugin, &["orders", "release", "1", "--clean"]).prints();
        assert_eq!(claim(plugin, "10.0.0.0"), None);
        sells_just(plugin, 2);
    });
}

/// A provider with four orders that have ended: 1 is finished, 2 finished, 3 released,
/// 4 cancelled, and only the first one's server is still in the inventory.
fn ended() -> Template {
    let plugin = Plugin::with_servers(4);
    for id in ["1", "2", "3"] {
        let told = order(&plugin, &["order", "1", "--key", id]);
        assert_eq!(told, id);
        plugin.finished(id);
    }
    plugin.run(&["orders", "release", "3", "--yes"]).prints();
    plugin.settled();
    let held = hold_worker_lock(&plugin);
    order(&plugin, &["order", "1", "--key", "4"]);
    ask(&plugin, "cancel", "4");
    drop(held);
    plugin.run(&["work"]).prints();
    plugin.write_inventory(&inventory(1));
    Template::of(plugin)
}

#[test]
fn a_prune_may_be_killed_anywhere_and_repeated() {
    a_prune(By::Kill);
}

pub(crate) fn a_prune(by: By) {
    let sweep = Sweep {
        name: "orders prune",
        template: &ended(),
        words: &["orders", "prune", "--days", "0"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, _| {
        call(plugin, &["orders", "prune", "--days", "0"]).prints();
        let left: Vec<Value> =
            orders(plugin).into_iter().map(|(_, order)| order["task_id"].clone()).collect();
        assert_eq!(left, ["1"]);
        assert_eq!(order(plugin, &["order", "1", "--key", "1"]), "1");
        assert_whole(plugin);
        // Nothing of the others is left that would keep their servers or keys from use.
        plugin.write_inventory(&inventory(4));
        let id = order(plugin, &["order", "1", "--key", "2"]);
        assert!(!["1", "2", "3", "4"].contains(&id.as_str()), "{id} was given before");
        assert_eq!(outcome(plugin, &id)["status"], "finished");
        sells_just(plugin, 2);
    });
}

#[test]
fn the_first_question_about_an_order_that_was_not_answered_may_be_killed_anywhere() {
    a_first_question(By::Kill);
}

pub(crate) fn a_first_question(by: By) {
    let (template, id) = Template::of(Plugin::with_servers(2)).with_unanswered(&["order", "1"]);
    let sweep = Sweep {
        name: "order_status, it starts a worker",
        template: &template,
        words: &["order_status", &id],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        if let Some(told) = task_id(run) {
            assert_eq!(told, id);
        }
        assert_eq!(outcome(plugin, &id)["status"], "finished");
        assert_ended(plugin, &id, &["accepted", "finished"]);
        sells_just(plugin, 1);
    });
}
