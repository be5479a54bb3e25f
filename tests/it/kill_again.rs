//! Orders in the place of others, new secrets, callers beside each other, and root over an owner's
//! holder, killed at each of their system calls.

use serde_json::Value;

use crate::kill_order::{check_without_key, in_use, is_carried_out};
use crate::support::answer::Answer;
use crate::support::book::{assert_private, assert_whole, number, orders};
use crate::support::hand::read;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::plugin::Plugin;
use crate::support::promise::doubled;
use crate::support::receiver::Receiver;
use crate::support::sweep::{By, OWNER, Sweep, Template, call, hold_worker_lock, order, task_id};
use crate::support::tracer::Run;
use crate::support::{is_root, one_of, skip, wait_until};

/// Its rows of the table of `docs/reliability.md`.
pub(crate) const SCENARIOS: [&str; 5] = [
    "orders retry",
    "webhooks rotate",
    "order, another caller beside it",
    "order, a worker of a hoster beside it",
    "order, root over an owner's holder",
];

/// A provider with an order that was cancelled, and two servers.
fn cancelled() -> Template {
    let plugin = Plugin::with_servers(2);
    plugin.run(&["order", "7"]).fails("unknown_configuration", 3);
    let held = hold_worker_lock(&plugin);
    plugin.order();
    let asked = call(&plugin, &["orders", "cancel", "1", "--timeout", "0"]);
    assert_eq!(asked.status, Some(124), "{asked:?}");
    drop(held);
    call(&plugin, &["work"]).prints();
    Template::of(plugin)
}

#[test]
fn a_retry_may_be_killed_anywhere_and_repeated() {
    a_retry(By::KillSome(5));
}

pub(crate) fn a_retry(by: By) {
    let words = ["orders", "retry", "1"];
    let sweep = Sweep {
        name: "orders retry",
        template: &cancelled(),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        let told = run.stdout.contains("order 2 takes the place of order 1\n");
        call(plugin, &["work"]).prints();
        let new = orders(plugin).into_iter().find(|(_, order)| number(order) == 2);
        if told {
            // As the panel asks for what it was told.
            is_carried_out(plugin, "2");
        } else if let Some((place, order)) = new {
            assert_eq!(place, "accepted", "nobody was told, and it was acted on: {order}");
        }
        assert!(call(plugin, &words).prints().starts_with("order "), "it is repeated");
        // An order that moves while they are listed would be seen twice.
        plugin.settled();
        let all = orders(plugin);
        let last = number(&all.last().expect("an order").1).to_string();
        is_carried_out(plugin, &last);
        let made = all.iter().filter(|(_, order)| order["retry_of"] == "1");
        assert_eq!(made.count(), 1, "one takes its place");
        plugin.settled();
        assert_whole(plugin);
    });
}

#[test]
fn a_new_secret_may_be_killed_anywhere_and_made_again() {
    a_new_secret(By::KillSome(3));
}

pub(crate) fn a_new_secret(by: By) {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("shop", "generic", &receiver, &["--generate-secret"]);
    let first = secrets(&plugin);
    let words = ["webhooks", "rotate", "shop", "--json"];
    let sweep = Sweep {
        name: "webhooks rotate",
        template: &Template::of(plugin),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        assert_private(plugin);
        let now = secrets(plugin);
        assert_eq!(now.last(), first.last(), "the old one stays for a day");
        assert!(now.len() <= 2, "{now:?}");
        if let Ok(told) = serde_json::from_str::<Value>(&run.stdout) {
            assert_eq!(now[0], told["secret"], "what was shown is what is signed with");
        }
        call(plugin, &words).prints();
        assert!(secrets(plugin).len() > now.len());
        let left = std::fs::read_dir(plugin.etc("webhooks")).into_iter().flatten().count();
        assert_eq!(left, 0, "nothing is left");
        assert_whole(plugin);
    });
}

/// Returns the secrets of the one webhook, the newest first.
fn secrets(plugin: &Plugin) -> Vec<Value> {
    let file = read(&plugin.etc("webhooks.json"));
    let list = file["webhooks"][0]["secrets"].as_array().expect("a list");
    list.iter().map(|secret| secret["value"].clone()).collect()
}

#[test]
fn an_order_may_be_killed_anywhere_beside_another_caller_and_the_worker_that_one_starts() {
    let plugin = Plugin::with_servers(4);
    plugin.finished(&plugin.order());
    plugin.settled();
    let template = Template::of(plugin);
    let sweep = Sweep {
        name: "order, another caller beside it",
        template: &template,
        words: &["order", "1"],
        worker_elsewhere: false,
        status: 0,
    };
    let beside = |plugin: &Plugin, ()| call(plugin, &["order", "1"]);
    sweep.run_beside(
        one_of(11),
        |_| (),
        beside,
        |plugin, run, other: Answer| {
            let other = other.succeeds()["task_id"].as_str().expect("a task id").to_owned();
            is_carried_out(plugin, &other);
            let own = task_id(run);
            assert_ne!(own.as_ref(), Some(&other), "one number for two");
            let mut left = 2;
            if let Some(own) = own {
                is_carried_out(plugin, &own);
                left = 1;
            }
            let waiting = orders(plugin).iter().filter(|(place, _)| place == "accepted").count();
            for _ in 0..left - waiting {
                is_carried_out(plugin, &order(plugin, &["order", "1"]));
            }
            call(plugin, &["order", "1"]).fails("out_of_stock", 3);
            plugin.settled();
            assert_whole(plugin);
        },
    );
}

#[test]
fn an_order_may_be_killed_anywhere_beside_a_worker_that_has_something_to_do() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..Mode::of("fake-unique") });
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.run(&["order", "7"]).fails("unknown_configuration", 3);
    let held = hold_worker_lock(&plugin);
    plugin.order();
    drop(held);
    let sweep = Sweep {
        name: "order, a worker of a hoster beside it",
        template: &Template::of(plugin),
        words: &["order", "1"],
        worker_elsewhere: false,
        status: 0,
    };
    // Each copy has a hoster of its own, which is gone with the check of its point.
    let before = |plugin: &Plugin| {
        let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..Mode::of("fake-unique") });
        plugin.connect(&hoster, "fake-unique");
        let _ = call(plugin, &["order_status", "1"]).succeeds();
        hoster
    };
    sweep.run_beside(
        one_of(33),
        before,
        |_, hoster| hoster,
        |plugin, run, hoster| {
            let _ = call(plugin, &["order_status", "1"]).succeeds();
            wait_until("the first is bought", || !hoster.purchases().is_empty());
            hoster.change(|mode| mode.building_polls = 0);
            is_carried_out(plugin, "1");
            let told = task_id(run);
            if let Some(id) = &told {
                is_carried_out(plugin, id);
            }
            plugin.settled();
            let bought = 1 + usize::from(told.is_some());
            assert_eq!(hoster.purchases().len(), bought, "{:#?}", hoster.purchases());
            assert_eq!(doubled(&hoster), usize::from(told.is_some()));
            call(plugin, &["order_status", "1"]).succeeds();
        },
    );
}

#[test]
fn root_may_be_killed_anywhere_as_it_orders_in_somebody_elses_name() {
    root_orders_for_the_owner(By::KillSome(5));
}

pub(crate) fn root_orders_for_the_owner(by: By) {
    if !is_root() {
        return skip("only root can give a holder away");
    }
    let template = in_use();
    let sweep = Sweep {
        name: "order, root over an owner's holder",
        template: &template.given_to(OWNER),
        words: &["order", "1"],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run: &Run| {
        check_without_key(plugin, run, 1);
        // Who holds the lock of workers here is a part of the test.
        drop(hold_worker_lock(plugin));
    });
}
