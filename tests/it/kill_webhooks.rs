//! Commands of webhooks and deliveries killed at each of their system calls: what they change is
//! changed or is not.

use std::collections::BTreeSet;

use crate::support::book::{assert_private, assert_whole};
use crate::support::hooks::SECRET;
use crate::support::plugin::Plugin;
use crate::support::receiver::Receiver;
use crate::support::sweep::{By, Sweep, Template, call};

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
