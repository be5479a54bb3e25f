//! Commands of webhooks and deliveries killed at each of their system calls: what they change is
//! changed or is not.

use std::collections::BTreeSet;

use crate::support::book::{assert_private, assert_whole};
use crate::support::hooks::{SECRET, event_id};
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::{By, Sweep, Template, call, order, outcome};
use crate::support::wait_until;

#[test]
fn a_redelivery_may_be_killed_anywhere_and_repeated() {
    a_redelivery(By::Kill);
}

pub(crate) fn a_redelivery(by: By) {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    let secret = plugin.private("hook.secret", SECRET);
    plugin.hook("shop", "generic", &receiver, &["--secret-file", &secret]);
    plugin.sold();
    plugin.settled();
    let id = plugin.are("shop", 1, "delivered").remove(0)["id"].as_str().unwrap().to_owned();
    let sweep = Sweep {
        name: "deliveries redeliver",
        template: &Template::of(plugin),
        words: &["deliveries", "redeliver", &id],
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        call(plugin, &["work"]).prints();
        let made = plugin.names("deliveries/done").len();
        assert!(made == 2 || (made == 1 && run.stdout.is_empty()), "{run:?}");
        call(plugin, &["deliveries", "redeliver", &id]).prints();
        call(plugin, &["work"]).prints();
        assert_eq!(plugin.names("deliveries/done").len(), made + 1);
        assert_eq!(plugin.names("deliveries/pending"), Vec::<String>::new());
        assert_whole(plugin);
    });
    let ids: BTreeSet<String> =
        receiver.requests().iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 1, "the event stays the same");
}

/// Returns a provider whose two orders are told to a webhook as its receiver says at first.
fn told(status: u16, refusals: usize, flags: &[&str]) -> (Plugin, Receiver) {
    let (plugin, receiver) = (Plugin::with_servers(3), Receiver::start());
    receiver.next(std::iter::repeat_with(|| Reply::status(status)).take(refusals));
    plugin.hook("shop", "generic", &receiver, flags);
    plugin.sold();
    if status == 410 {
        wait_until("the webhook is given up", || plugin.state("webhooks/shop.json").exists());
    }
    plugin.sold();
    plugin.settled();
    (plugin, receiver)
}

/// Checks that whoever changes something next clears up what was being written.
fn assert_cleared_up(plugin: &Plugin) {
    assert_eq!(outcome(plugin, &order(plugin, &["order", "1"]))["status"], "finished");
    plugin.settled();
    assert_whole(plugin);
}

/// Kills a command again and again that has two events sent; each time it is done again.
fn both_are_sent(name: &str, (plugin, receiver): (Plugin, Receiver), words: &[&str]) {
    let before = receiver.requests().len();
    let sweep =
        Sweep { name, template: &Template::of(plugin), words, worker_elsewhere: true, status: 0 };
    sweep.by(By::Kill, |plugin, run| {
        call(plugin, &["work"]).prints();
        let taken = || {
            let all = plugin.deliveries_to("shop");
            let taken = all.iter().filter(|one| one["state"] == "delivered");
            taken.map(|one| one["event_id"].to_string()).collect::<BTreeSet<_>>().len()
        };
        assert!(run.killed || taken() == 2, "{run:?}");
        assert!(run.stdout.is_empty() || taken() == 2, "it said so: {run:?}");
        call(plugin, words).prints();
        call(plugin, &["work"]).prints();
        assert_eq!((taken(), plugin.names("deliveries/pending").len()), (2, 0));
        call(plugin, &["webhooks", "delete", "shop", "--yes"]).prints();
        assert_cleared_up(plugin);
    });
    let seen = receiver.requests();
    let ids: BTreeSet<String> = seen.iter().map(event_id).collect();
    assert!(ids.len() == 2 && seen.len() > before + 20, "{} of {ids:?}", seen.len());
}

#[test]
fn a_replay_may_be_killed_anywhere_and_repeated() {
    let words = ["deliveries", "replay", "--webhook", "shop", "--failed"];
    let told = told(500, 2, &["--tries", "1"]);
    assert!(told.0.deliveries().iter().all(|one| one["state"] == "dead"));
    both_are_sent("deliveries replay", told, &words);
}

/// A receiver that says 410 has its webhook disabled; what it was not told is held back until then.
#[test]
fn whoever_enables_a_webhook_may_be_killed_anywhere() {
    let told = told(410, 1, &[]);
    assert!(told.0.deliveries().iter().all(|one| one["state"] == "pending"));
    both_are_sent("webhooks update --enabled", told, &["webhooks", "update", "shop", "--enabled"]);
}

#[test]
fn whoever_deletes_a_webhook_may_be_killed_anywhere() {
    let (plugin, _receiver) = told(410, 1, &[]);
    let words = ["webhooks", "delete", "shop", "--yes"];
    let sweep = Sweep {
        name: "webhooks delete",
        template: &Template::of(plugin),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(By::Kill, |plugin, run| {
        let list = call(plugin, &["webhooks", "list", "--json"]).json();
        let there = !list["webhooks"].as_array().unwrap().is_empty();
        assert!(!there || (run.killed && run.stdout.is_empty()), "{run:?}");
        let states = |plugin: &Plugin| -> BTreeSet<String> {
            plugin.deliveries().iter().map(|one| one["state"].to_string()).collect()
        };
        let awaited = states(plugin).contains(r#""pending""#);
        assert!(!awaited || run.killed, "{run:?}");
        if !there && awaited {
            let cure = "`webhooks delete shop` gives them up";
            let found = call(plugin, &["check", "--json"]);
            assert!(found.stdout.contains(cure), "{found:?}");
            let anew = ["webhooks", "create", "--name", "shop", "--kind", "generic", "--url"];
            let refused = call(plugin, &[&anew[..], &["http://127.0.0.1/"]].concat());
            assert!(refused.complains(2).contains(cure), "{refused:?}");
        }
        if there || awaited {
            call(plugin, &words).prints();
        }
        let dead = BTreeSet::from([r#""dead""#.to_owned()]);
        assert_eq!(states(plugin), dead, "what was not delivered is given up");
        assert_cleared_up(plugin);
    });
}

#[test]
fn whoever_changes_webhooks_may_be_killed_anywhere() {
    a_webhook_is_created(By::Kill);
}

pub(crate) fn a_webhook_is_created(by: By) {
    let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
    plugin.hook("first", "generic", &receiver, &[]);
    let token = plugin.private("token", "a token");
    let url = receiver.url();
    let create = ["webhooks", "create", "--name", "second", "--kind", "gitlab-ci", "--url", &url];
    let more = ["--project-id", "7", "--ref", "main", "--token-file", &token];
    let words = [&create[..], &more].concat();
    let sweep = Sweep {
        name: "webhooks create",
        template: &Template::of(plugin),
        words: &words,
        worker_elsewhere: true,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        assert_private(plugin);
        let list = call(plugin, &["webhooks", "list", "--json"]).json();
        let there = list["webhooks"].as_array().unwrap().len();
        assert!(there == 2 || (there == 1 && run.stdout.is_empty()), "{run:?}");
        if there == 1 {
            call(plugin, &words).prints();
        }
        call(plugin, &["webhooks", "delete", "second", "--yes"]).prints();
        let left: Vec<String> = std::fs::read_dir(plugin.etc("webhooks"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(left, Vec::<String>::new(), "what it copied goes with it");
        assert_whole(plugin);
    });
}
