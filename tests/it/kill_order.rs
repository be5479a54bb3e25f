//! `order`, killed at each of its system calls: an order that was answered is stored and finished,
//! one that was not is not acted on, and the next call repairs what is left.

use crate::support::book::{age, assert_whole, claim, number, orders};
use crate::support::plugin::Plugin;
use crate::support::sweep::{By, Sweep, Template, call, order, outcome, task_id};
use crate::support::tracer::Run;

const KEY: &str = "invoice 7";

/// A provider with one finished order and two servers left.
pub(crate) fn in_use() -> Template {
    let plugin = Plugin::with_servers(3);
    plugin.finished(&plugin.order());
    plugin.settled();
    Template::of(plugin)
}

/// Checks an order that was answered: it is stored once and comes to a server.
#[track_caller]
pub(crate) fn is_carried_out(plugin: &Plugin, id: &str) {
    let last = outcome(plugin, id);
    assert_eq!(last["status"], "finished", "{last}");
    let files = plugin.files();
    let files = files.iter().filter(|file| file.ends_with(&format!("/{id}.json")));
    assert_eq!(files.collect::<Vec<_>>(), [&format!("done/{id}.json")]);
}

/// Checks that nothing was done about an order whose number reached nobody; returns that order.
#[track_caller]
fn is_left_alone(plugin: &Plugin, before: u64) -> Option<String> {
    call(plugin, &["work"]).prints();
    let (mut waiting, mut id) = (0, None);
    for (place, order) in orders(plugin) {
        if number(&order) > before {
            assert_eq!(place, "accepted", "it was acted on: {order}");
            assert_eq!(order["state"], "accepted", "{order}");
            waiting += 1;
            id = order["task_id"].as_str().map(str::to_owned);
        }
    }
    assert!(waiting < 2, "{waiting} orders for one call");
    id
}

/// Orders once more, with `free` servers left: each is sold once, and then there are no more.
#[track_caller]
fn sells_just(plugin: &Plugin, free: usize, told: &mut Vec<String>) {
    for _ in 0..free {
        let id = order(plugin, &["order", "1"]);
        assert!(!told.contains(&id), "{id} was given before: {told:?}");
        is_carried_out(plugin, &id);
        told.push(id);
    }
    call(plugin, &["order", "1"]).fails("out_of_stock", 3);
}

/// What must hold after `order 1` was killed, where `before` orders were finished earlier and
/// there were three servers in all.
pub(crate) fn check_without_key(plugin: &Plugin, run: &Run, before: u64) {
    let mut told: Vec<String> = (1..=before).map(|id| id.to_string()).collect();
    let mut free = 3 - told.len();
    let unanswered = match task_id(run) {
        Some(id) => {
            assert!(!told.contains(&id));
            is_carried_out(plugin, &id);
            told.push(id);
            free -= 1;
            None
        }
        None => is_left_alone(plugin, before),
    };
    free -= usize::from(unanswered.is_some());
    sells_just(plugin, free, &mut told);
    if let Some(id) = unanswered {
        // It kept its server until now, and comes to nothing at last.
        let found = orders(plugin).into_iter().find(|(_, order)| order["task_id"] == id);
        let (place, order) = found.expect("it is stored");
        assert_eq!((place.as_str(), &order["state"]), ("accepted", &"accepted".into()));
        let server = order["server"].as_str().expect("a server");
        assert_eq!(claim(plugin, server).as_deref(), Some(id.as_str()));
        age(plugin, &id);
        call(plugin, &["work", "--once"]).prints();
        assert_eq!(claim(plugin, server), None, "order {id} still keeps its server");
        call(plugin, &["order_status", &id]).fails("unknown_task", 3);
        told.push(id);
        sells_just(plugin, 1, &mut told);
    }
    plugin.settled();
    assert_whole(plugin);
}

/// What must hold after `order 1 --key KEY` was killed on a provider with one finished order.
fn check_with_key(plugin: &Plugin, run: &Run) {
    let told = task_id(run);
    if let Some(id) = &told {
        is_carried_out(plugin, id);
    }
    let unanswered = if told.is_none() { is_left_alone(plugin, 1) } else { None };
    let words = ["order", "1", "--key", KEY];
    let id = order(plugin, &words);
    assert_ne!(id, "1");
    if let Some(first) = told.or(unanswered) {
        assert_eq!(id, first, "the same key, another order");
    }
    is_carried_out(plugin, &id);
    assert_eq!(order(plugin, &words), id);
    sells_just(plugin, 1, &mut vec!["1".to_owned(), id]);
    plugin.settled();
    assert_whole(plugin);
}

#[test]
fn the_very_first_order_may_be_killed_anywhere() {
    the_first_order(By::Kill);
}

pub(crate) fn the_first_order(by: By) {
    let template = Template::of(Plugin::with_servers(3));
    let sweep = Sweep {
        name: "order, the first ever",
        template: &template,
        words: &["order", "1"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| check_without_key(plugin, run, 0));
}

#[test]
fn an_order_may_be_killed_anywhere_while_a_worker_lives() {
    an_order(By::Kill);
}

pub(crate) fn an_order(by: By) {
    let sweep = Sweep {
        name: "order, a worker lives",
        template: &in_use(),
        words: &["order", "1"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| check_without_key(plugin, run, 1));
}

#[test]
fn an_order_may_be_killed_anywhere_while_claims_are_made_anew() {
    an_order_with_claims_changed(By::Kill);
}

pub(crate) fn an_order_with_claims_changed(by: By) {
    let sweep = Sweep {
        name: "order, claims changed by hand",
        template: &in_use().with_claims_touched(),
        words: &["order", "1"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| check_without_key(plugin, run, 1));
}

#[test]
fn an_order_may_be_killed_anywhere_together_with_the_worker_that_it_starts() {
    an_order_and_its_worker(By::Kill);
}

pub(crate) fn an_order_and_its_worker(by: By) {
    let sweep = Sweep {
        name: "order, it starts a worker",
        template: &in_use(),
        words: &["order", "1"],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.by(by, |plugin, run| check_without_key(plugin, run, 1));
}

#[test]
fn an_order_with_a_key_may_be_killed_anywhere_and_repeated() {
    an_order_with_a_key(By::Kill);
}

pub(crate) fn an_order_with_a_key(by: By) {
    let sweep = Sweep {
        name: "order --key, a worker lives",
        template: &in_use(),
        words: &["order", "1", "--key", KEY],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, check_with_key);
}

#[test]
fn an_order_with_a_key_may_be_killed_anywhere_together_with_its_worker_and_repeated() {
    an_order_with_a_key_and_its_worker(By::Kill);
}

pub(crate) fn an_order_with_a_key_and_its_worker(by: By) {
    let sweep = Sweep {
        name: "order --key, it starts a worker",
        template: &in_use(),
        words: &["order", "1", "--key", KEY],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.by(by, check_with_key);
}

/// A repeated call of a key finds the first call's order while nobody was told of it yet.
#[test]
fn a_repeated_key_may_be_killed_anywhere_too() {
    a_repeated_key(By::Kill);
}

pub(crate) fn a_repeated_key(by: By) {
    let (template, id) = in_use().with_unanswered(&["order", "1", "--key", KEY]);
    let sweep = Sweep {
        name: "order --key, repeated before an answer",
        template: &template,
        words: &["order", "1", "--key", KEY],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        assert!(task_id(run).is_none_or(|told| told == id));
        check_with_key(plugin, run);
    });
}
