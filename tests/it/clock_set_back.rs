//! An order that was driven while the clock was years ahead comes to its end once it is right.

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{ALWAYS, Ending, Fault, Point, Reply, Verb};
use crate::support::hoster::mode::Mode;
use crate::support::plugin::Plugin;

/// When the clock was ahead.
const LATER: &str = "2099-01-02T03:04:05Z";

/// Places an order, and lets it look as if it had been driven while the clock was ahead.
fn ahead(hoster: &Hoster, definition: &str, state: &str, purchase: &Value) -> (Plugin, String) {
    let plugin = Plugin::with_hoster(hoster, definition);
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 2 });
    });
    let held = plugin.hold_worker_lock();
    let id = plugin.order();
    plugin.edit(&format!("active/{id}.json"), |order| {
        order["created_at"] = LATER.into();
        order["state"] = state.into();
        order["reason"] = "the reply was lost".into();
        order["purchase"] = purchase.clone();
        order["purchase"]["base_url"] = hoster.url().into();
    });
    drop(held);
    (plugin, id)
}

#[test]
fn a_lost_server_is_looked_for_no_longer_than_it_would_be() {
    let hoster = Hoster::start(Mode::plain());
    let since = json!({ "unsettled": true, "unknown_since": LATER });
    let (plugin, id) = ahead(&hoster, "fake-plain", "unknown", &since);
    assert!(plugin.failed(&id).contains("look for `"));
    plugin.settled();
    assert_eq!(hoster.requests_to(Verb::Create).len(), 0, "nothing is bought in its place");
    let now = jiff::Timestamp::now().to_string();
    for time in ["created_at", "updated_at"] {
        let stored = read(&plugin.state(&format!("done/{id}.json")))[time].clone();
        assert!(stored.as_str() <= Some(&now), "{time}: {stored}");
    }
}

#[test]
fn a_hoster_that_does_not_answer_is_given_up_in_time() {
    let hoster = Hoster::start(Mode::unique());
    let nothing = Fault::Undone(Reply::Ends(Ending::Close, Point::BeforeHeader));
    hoster.fault(Verb::List, nothing, ALWAYS);
    let since = json!({ "unsettled": true, "unknown_since": LATER, "troubled_since": LATER });
    let (plugin, id) = ahead(&hoster, "fake-unique", "unknown", &since);
    assert!(plugin.failed(&id).contains("not finished within 2 s"));
    plugin.settled();
}

#[test]
fn what_was_ordered_today_counts_although_the_clock_was_ahead_since() {
    let plugin = Plugin::with_servers(3);
    let limited = |allowed: u64| {
        plugin.write_config(&json!({
            "configurations": [{ "id": "1", "descr": "" }],
            "limits": { "orders_per_day": allowed },
        }));
    };
    limited(2);
    plugin.sold();
    plugin.sold();
    plugin.settled();
    // As an order leaves it that was placed while the clock was ahead.
    plugin.edit("sequence", |sequence| {
        sequence["day"] = "2099-01-02".into();
        sequence["orders_today"] = 1.into();
    });
    plugin.run(&["order", "1"]).fails("limit_reached", 3);
    limited(3);
    plugin.sold();
}
