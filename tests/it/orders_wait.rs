//! `orders wait`: until orders have ended, with an exit status for scripts.

use std::process::Stdio;

use crate::support::answer::{Answer, assert_valid};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Leaves an order cancelled.
#[track_caller]
fn cancelled(plugin: &Plugin) -> String {
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    assert_eq!(plugin.run(&["orders", "cancel", &id, "--timeout", "0"]).status, Some(124));
    drop(worker);
    plugin.failed(&id);
    id
}

#[test]
fn waiting_ends_with_0_when_all_orders_are_finished() {
    let plugin = Plugin::with_servers(3);
    let (first, second) = (plugin.order(), plugin.order());
    let answer = plugin.run(&["orders", "wait", &first, &second]);
    assert!(answer.prints().contains(&format!("order {first}: finished\n")), "{answer:?}");
    assert!(answer.prints().contains(&format!("order {second}: finished\n")), "{answer:?}");

    let document = plugin.run(&["orders", "wait", &second, &first, "--json"]).json();
    assert_valid("orders-list", &document);
    assert_eq!(document["orders"][0]["task_id"], second.as_str(), "in the caller's order");
    assert_eq!(document["orders"][1]["task_id"], first.as_str());
}

#[test]
fn waiting_ends_with_1_when_an_order_came_to_nothing() {
    let plugin = Plugin::with_servers(2);
    let (finished, _) = plugin.sold();
    let cancelled = cancelled(&plugin);
    let answer = plugin.run(&["orders", "wait", &finished, &cancelled]);
    assert_eq!((answer.status, answer.stderr.as_str()), (Some(1), ""), "{answer:?}");
    assert!(answer.stdout.contains(&format!("order {cancelled}: cancelled\n")), "{answer:?}");
}

#[test]
fn waiting_ends_with_124_when_time_is_up() {
    let plugin = Plugin::with_servers(1);
    let _worker = plugin.hold_worker_lock();
    let id = plugin.order();
    for timeout in ["0", "0.05"] {
        let answer = plugin.run(&["orders", "wait", &id, "--timeout", timeout, "--json"]);
        assert_eq!((answer.status, answer.stderr.as_str()), (Some(124), ""), "{answer:?}");
        let document = crate::support::hand::parsed(&answer.stdout);
        assert_valid("orders-list", &document);
        assert_eq!(document["orders"][0]["state"], "accepted");
    }
}

#[test]
fn waiting_for_what_does_not_exist_is_an_error() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    let answer = plugin.run(&["orders", "wait", "77", &id]);
    assert!(answer.complains(3).contains("`77`"), "{answer:?}");
    for words in [
        &["orders", "wait", "abc"][..],
        &["orders", "wait"],
        &["orders", "wait", "1", "--timeout", "soon"],
    ] {
        let answer = plugin.run(words);
        assert!(!answer.complains(2).is_empty(), "{answer:?}");
    }
}

#[test]
fn waiting_goes_on_until_a_worker_has_done_its_work() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    let mut command = plugin.command(&["orders", "wait", &id]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It says what it waits for, and has not ended by then.
    let mut said = [0; 18];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert_eq!(&said, b"order 1: accepted\n");
    assert!(child.try_wait().unwrap().is_none());
    drop(worker);
    wait_until("the order is finished", || plugin.status(&id)["status"] == "finished");
    let output = child.wait_with_output().unwrap();
    let answer = Answer::of(vec!["orders".to_owned()], &output);
    assert_eq!(answer.prints(), "order 1: finished\n");
}

#[test]
fn waiting_starts_the_worker_that_the_orders_lack() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    drop(worker);
    let answer = plugin.run(&["orders", "wait", &id]);
    assert!(answer.prints().ends_with("order 1: finished\n"), "{answer:?}");
}
