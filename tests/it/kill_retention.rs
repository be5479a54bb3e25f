//! The day's look at old orders, killed at each of its system calls: what is to be forgotten or
//! erased is so after the next one, and nothing else is.

use serde_json::json;

use crate::support::book::{assert_whole, orders};
use crate::support::hand::LONG_AGO;
use crate::support::plugin::{CANARY, Plugin};
use crate::support::sweep::{By, Sweep, Template, call, order, outcome};

/// Order 1 is to be forgotten, the password of 2 to be erased, that of 3 to be kept.
fn due() -> Template {
    let plugin = Plugin::with_servers(3);
    plugin.run(&["order", "1", "--key", "k"]).succeeds();
    plugin.finished("1");
    plugin.run(&["orders", "release", "1", "--yes", "--clean"]).prints();
    plugin.settled();
    plugin.edit("done/1.json", |order| order["updated_at"] = LONG_AGO.into());
    plugin.sold();
    plugin.sold();
    plugin.settled();
    plugin.write_task("2", "complete: 10.0.0.0");
    plugin.write_task("3", "");
    let _ = std::fs::remove_file(plugin.state("swept"));
    plugin.write_config(&json!({
        "configurations": [{ "id": "1", "descr": "one" }], "retention": { "orders_days": 30 } }));
    Template::of(plugin)
}

fn passwords(plugin: &Plugin) -> Vec<(String, bool)> {
    let all = orders(plugin).into_iter().map(|(_, order)| {
        let has = order["password"].as_str().is_some_and(|text| text.starts_with(CANARY));
        assert_ne!(has, order["password_erased_at"].is_string(), "{order}");
        (order["task_id"].as_str().unwrap().to_owned(), has)
    });
    all.collect()
}

#[test]
fn a_look_at_old_orders_that_is_killed_is_finished_by_the_next() {
    a_look_at_old_orders(By::Kill);
}

pub(crate) fn a_look_at_old_orders(by: By) {
    let template = due();
    let sweep = Sweep {
        name: "retention",
        template: &template,
        words: &["work", "--once"],
        worker_elsewhere: false,
        status: 0,
    };
    sweep.by(by, |plugin, run| {
        assert!(passwords(plugin).contains(&("3".to_owned(), true)));
        if !run.killed {
            // What could not be read on one day is looked at on the next.
            let _ = std::fs::remove_file(plugin.state("swept"));
        }
        call(plugin, &["work", "--once"]).prints();
        assert_eq!(passwords(plugin), [("2".to_owned(), false), ("3".to_owned(), true)]);
        // A key that is left of an order that is gone is void.
        let id = order(plugin, &["order", "1", "--key", "k"]);
        assert_eq!((&*id, &outcome(plugin, &id)["status"]), ("4", &json!("finished")));
        plugin.settled();
        assert_whole(plugin);
    });
}
