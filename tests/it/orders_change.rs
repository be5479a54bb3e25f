//! `orders cancel` and `orders release`: the wish is written down, the worker does it.

use crate::support::plugin::Plugin;

/// Expects a wish that cannot be had; returns the complaint.
#[track_caller]
fn refused(plugin: &Plugin, words: &[&str], status: i32) -> String {
    let before = plugin.files();
    let complaint = plugin.run(words).complains(status).to_owned();
    assert_eq!(plugin.files(), before, "{words:?}");
    complaint
}

#[test]
fn an_open_order_is_cancelled_by_the_worker() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    let answer = plugin.run(&["orders", "cancel", &id, "--timeout", "0"]);
    assert_eq!((answer.status, answer.stderr.as_str()), (Some(124), ""), "{answer:?}");
    assert_eq!(answer.stdout, "order 1 is still accepted; the worker goes on with it\n");
    assert_eq!(plugin.stored(&id)["wish"], "cancel");
    drop(worker);
    // The wish is in the order: nobody has to repeat it.
    assert_eq!(plugin.failed(&id), "the order was cancelled");
    plugin.settled();
    assert!(plugin.names("claims").is_empty());
}

#[test]
fn cancelling_waits_for_the_worker_and_says_what_came_of_it() {
    for json in [false, true] {
        let plugin = Plugin::with_servers(1);
        let worker = plugin.hold_worker_lock();
        let id = plugin.order();
        // Nobody was told of it, and it must not be forgotten for that.
        plugin.move_order(&id, "active", "accepted");
        drop(worker);
        let words = ["orders", "cancel", &id, "--json"];
        if json {
            let view = plugin.run(&words).json();
            assert_eq!((&view["task_id"], &view["state"]), (&"1".into(), &"cancelled".into()));
        } else {
            let answer = plugin.run(&words[..3]);
            assert_eq!(answer.prints(), "order 1 is cancelled: the order was cancelled\n");
        }
        plugin.filed(&id);
        assert_eq!(plugin.stored(&id)["state"], "cancelled");
    }
}

#[test]
fn a_finished_order_is_released_by_the_worker() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    let answer = plugin.run(&["orders", "release", &id, "--yes"]);
    assert_eq!(answer.prints(), "order 1 is released: the server was given back\n");
    assert_eq!(plugin.failed(&id), "the server was given back");
    assert_eq!(plugin.names("claims"), ["10.0.0.0"], "in quarantine");
}

#[test]
fn a_wish_on_a_finished_order_survives_until_a_worker_comes() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let answer = plugin.run(&["orders", "release", &id, "--yes", "--timeout", "0", "--json"]);
    assert_eq!(answer.status, Some(124), "{answer:?}");
    assert_eq!(plugin.status(&id)["status"], "finished", "until it is done");
    drop(worker);
    plugin.run(&["work"]).prints();
    assert_eq!(plugin.failed(&id), "the server was given back");
}

#[test]
fn without_a_terminal_a_server_is_given_back_only_with_yes() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    plugin.settled();
    for words in [&["orders", "release", &id][..], &["orders", "release", &id, "--clean"]] {
        let complaint = refused(&plugin, words, 2);
        assert!(complaint.contains("--yes") && complaint.contains("10.0.0.0"), "{complaint}");
    }
    assert_eq!(plugin.status(&id)["status"], "finished");
}

#[test]
fn a_released_server_can_be_declared_clean_at_once_or_later() {
    let plugin = Plugin::with_servers(1);
    let (first, _) = plugin.sold();
    plugin.settled();
    let answer = plugin.run(&["orders", "release", &first, "--yes", "--clean"]);
    assert!(answer.prints().ends_with("server 10.0.0.0 can be ordered again\n"), "{answer:?}");
    plugin.settled();
    let (second, _) = plugin.sold();
    plugin.settled();
    // The first order's word is nothing to the second one's server.
    let answer = plugin.run(&["orders", "release", &first, "--clean"]);
    let expected = "server 10.0.0.0 was not in quarantine for order 1\n";
    assert_eq!(answer.prints(), expected);
    assert_eq!(plugin.claimant("10.0.0.0"), second);
    plugin.run(&["orders", "release", &second, "--yes"]).prints();
    let answer = plugin.run(&["orders", "release", &second, "--clean"]);
    assert_eq!(answer.prints(), "server 10.0.0.0 can be ordered again\n");
    assert!(plugin.names("claims").is_empty());
}

#[test]
fn with_json_a_release_prints_one_document_whatever_else_it_does() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    plugin.settled();
    for words in [
        &["orders", "release", &id, "--json", "--clean", "--yes"][..],
        &["orders", "release", &id, "--json", "--clean"],
    ] {
        let view = plugin.run(words).json();
        assert_eq!((&view["task_id"], &view["state"]), (&"1".into(), &"released".into()));
    }
    assert!(plugin.names("claims").is_empty());
}

#[test]
fn what_an_order_is_past_cannot_be_asked_of_it() {
    let plugin = Plugin::with_servers(2);
    let (finished, _) = plugin.sold();
    plugin.settled();
    let complaint = refused(&plugin, &["orders", "cancel", &finished], 2);
    assert!(complaint.contains("orders release"), "{complaint}");
    plugin.run(&["orders", "release", &finished, "--yes"]).prints();
    plugin.settled();
    for words in [&["orders", "cancel", &finished][..], &["orders", "release", &finished, "--yes"]]
    {
        let complaint = refused(&plugin, words, 2);
        assert!(complaint.contains("released"), "{complaint}");
    }
    let _worker = plugin.hold_worker_lock();
    let open = plugin.order();
    let complaint = refused(&plugin, &["orders", "release", &open, "--yes"], 2);
    assert!(complaint.contains("orders cancel"), "{complaint}");
    for words in [&["orders", "cancel", "77"][..], &["orders", "release", "77", "--yes"]] {
        let complaint = refused(&plugin, words, 3);
        assert!(complaint.contains("`77`"), "{complaint}");
    }
}
