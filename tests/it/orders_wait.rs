//! `orders wait`: until orders have ended, with an exit status for scripts.

use std::process::Stdio;

use crate::support::answer::{Answer, assert_valid};
use crate::support::mount::has;
use crate::support::plugin::Plugin;
use crate::support::screen::{draw, on_terminal, rows};
use crate::support::{skip, wait_until};

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

#[test]
fn on_a_terminal_there_is_a_bar_for_each_order_that_is_drawn_in_place() {
    if !has("script") {
        return skip("there is no script");
    }
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let (first, second) = (plugin.order(), plugin.order());
    let words = ["orders", "wait", &first, &second];
    let mut command = on_terminal(&plugin, 80, &words);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (mut written, mut terminal) = (Vec::new(), child.stdout.take().unwrap());
    let drawn = format!("order {second} accepted");
    while !String::from_utf8_lossy(&written).contains(&drawn) {
        let mut some = [0; 256];
        let count = std::io::Read::read(&mut terminal, &mut some).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&written));
        written.extend_from_slice(&some[..count]);
    }
    drop(worker);
    std::io::Read::read_to_end(&mut terminal, &mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{written}");
    let seen = rows(&written, 80);
    assert_eq!(seen.len(), 2, "each order has one line: {seen:#?}");
    for (row, id) in seen.iter().zip([&first, &second]) {
        assert!(row.starts_with(&format!("order {id} finished   [################]  ")), "{row}");
        assert!(row.contains("10.0.0."), "{row}");
    }
    let before = written.find("finished").unwrap();
    assert!(written[..before].contains("order 2 accepted   ["), "{written:?}");
    assert!(written[..before].contains(" of ~"), "what past orders took is expected: {written:?}");
}

#[test]
fn a_bar_keeps_to_its_terminal_and_an_exit_status_to_its_meaning() {
    if !has("script") {
        return skip("there is no script");
    }
    let plugin = Plugin::with_servers(1);
    let cancelled = cancelled(&plugin);
    let _worker = plugin.hold_worker_lock();
    let open = plugin.order();
    for columns in [20, 40, 80, 200] {
        let drawn = draw(&plugin, columns, &["orders", "wait", &cancelled]);
        assert_eq!(drawn.status, Some(1), "{drawn:#?}");
        assert!(
            drawn.rows.len() == 1 && drawn.rows[0].starts_with("order 1 cancelled"),
            "{drawn:#?}"
        );
        let drawn =
            draw(&plugin, columns, &["orders", "wait", &cancelled, &open, "--timeout", "0.5"]);
        assert_eq!((drawn.status, drawn.rows.len()), (Some(124), 2), "{drawn:#?}");
        assert!(drawn.rows.iter().all(|row| row.chars().count() < columns), "{drawn:#?}");
    }
}

#[test]
fn a_terminal_that_obeys_nothing_gets_lines_as_a_pipe_does() {
    if !has("script") {
        return skip("there is no script");
    }
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    let mut command = on_terminal(&plugin, 80, &["orders", "wait", &id]);
    let output = command.env("TERM", "dumb").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("order {id}: finished\r\n"));
}
