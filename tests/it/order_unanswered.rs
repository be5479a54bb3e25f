//! An order whose number does not reach its caller is not acted on, and taken back.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use serde_json::{Value, json};

use crate::support::hand::{LONG_AGO, parsed, read};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Returns a pipe into which nothing more fits, and how many bytes are in it.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = pipe().unwrap();
    let size = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let size = usize::try_from(size).unwrap();
    writer.write_all(&vec![b'x'; size]).unwrap();
    (reader, writer, size)
}

/// Starts a call whose answer goes into `stdout`.
pub(crate) fn spawn(plugin: &Plugin, words: &[&str], stdout: impl Into<Stdio>) -> Child {
    plugin.command(words).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

/// Expects that nothing of an order is left but the number that it had.
#[track_caller]
fn nothing_is_left(plugin: &Plugin) {
    for folder in ["accepted", "active", "done", "claims", "keys", "tmp"] {
        assert_eq!(plugin.names(folder), [""; 0], "{folder}/");
    }
    assert!(!plugin.state("due").exists());
}

#[test]
fn an_order_whose_answer_cannot_be_written_is_taken_back() {
    let plugin = Plugin::with_servers(1);
    plugin.write_config(&json!({ "configurations": [{ "id": "1", "descr": "" }],
        "limits": { "orders_per_day": 1 } }));
    for (redirect, expected) in [
        (">&-", 2),
        (">/dev/null", 2),
        ("1</dev/null", 2),
        (">/dev/full", 70),
        // Open, but for reading.
        ("1<\"$0\"", 70),
    ] {
        let script = format!("exec \"$0\" \"$@\" {redirect}");
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .arg(plugin.executable())
            .args(["order", "1", "--key", "k"])
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(expected), "{redirect}: {output:?}");
        nothing_is_left(&plugin);
    }
    // None of them counted as an order of the day.
    assert_eq!(plugin.sold().1, "10.0.0.0");
}

#[test]
fn an_order_whose_reader_is_gone_is_taken_back() {
    let plugin = Plugin::with_servers(1);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = spawn(&plugin, &["order", "1", "--key", "k"], writer).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    assert!(!output.stderr.is_empty(), "{output:?}");
    nothing_is_left(&plugin);
    plugin.sold();
}

#[test]
fn an_order_whose_reader_goes_away_while_it_waits_is_taken_back() {
    let plugin = Plugin::with_servers(1);
    let (reader, writer, _) = full_pipe();
    let child = spawn(&plugin, &["order", "1"], writer);
    wait_until("the order is stored", || plugin.state("accepted/1.json").exists());
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    nothing_is_left(&plugin);
}

#[test]
fn nothing_happens_to_an_order_before_its_number_has_reached_the_caller() {
    let plugin = Plugin::with_servers(1);
    let (mut reader, writer, size) = full_pipe();
    let child = spawn(&plugin, &["order", "1"], writer);
    wait_until("the order is stored", || plugin.state("accepted/1.json").exists());
    // A worker that looks for work now finds none.
    plugin.run(&["work"]).prints();
    assert_eq!(plugin.names("accepted"), ["1.json"]);
    assert!(!plugin.state("due").exists());
    let story = plugin.run(&["orders", "show", "1", "--json"]).json();
    assert_eq!((&story["state"], &story["log"]), (&json!("accepted"), &json!([])));
    let reason = story["reason"].as_str().unwrap();
    assert!(reason.contains("has not reached a caller"), "{reason}");

    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let answer: Value = serde_json::from_slice(&bytes[size..]).unwrap();
    assert_eq!(answer, json!({ "task_id": "1" }));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    // Nobody asks for it, and yet it is finished.
    plugin.filed("1");
    assert_eq!(plugin.stored("1")["state"], "finished");
}

/// Leaves an order that nobody was told of, as a caller killed in between does.
pub(crate) fn caller_killed(plugin: &Plugin) -> String {
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    plugin.move_order(&id, "active", "accepted");
    std::fs::remove_file(plugin.state("due")).unwrap();
    drop(worker);
    id
}

/// The same, at some time.
fn left_unanswered(plugin: &Plugin, created_at: &str) -> String {
    let id = caller_killed(plugin);
    plugin.edit(&format!("accepted/{id}.json"), |order| order["created_at"] = created_at.into());
    id
}

#[test]
fn an_unanswered_order_is_withdrawn_after_a_day_by_the_next_worker() {
    for words in [&["work"][..], &["work", "--once"]] {
        let plugin = Plugin::with_servers(1);
        left_unanswered(&plugin, LONG_AGO);
        plugin.run(words).prints();
        nothing_is_left(&plugin);
        plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
        plugin.sold();
    }
}

#[test]
fn an_unanswered_order_is_withdrawn_after_a_day_by_a_worker_that_another_order_started() {
    let plugin = Plugin::with_servers(2);
    let unanswered = left_unanswered(&plugin, LONG_AGO);
    let (_, server) = plugin.sold();
    assert_eq!(server, "10.0.0.1");
    plugin.settled();
    assert!(!plugin.state(&format!("accepted/{unanswered}.json")).exists());
    assert_eq!(plugin.names("claims"), ["10.0.0.1"]);
}

#[test]
fn an_unanswered_order_is_withdrawn_after_a_day_when_its_server_is_needed() {
    let plugin = Plugin::with_servers(1);
    left_unanswered(&plugin, LONG_AGO);
    assert_eq!(plugin.sold(), ("2".to_owned(), "10.0.0.0".to_owned()));
    plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
}

#[test]
fn an_unanswered_order_is_withdrawn_after_a_day_when_its_place_is_needed() {
    let plugin = Plugin::with_servers(2);
    plugin.write_config(&json!({ "configurations": [{ "id": "1", "descr": "" }],
        "limits": { "open_orders": 1 } }));
    left_unanswered(&plugin, LONG_AGO);
    plugin.sold();
    plugin.run(&["order_status", "1"]).fails("unknown_task", 3);
}

#[test]
fn a_young_unanswered_order_is_kept_and_listed() {
    let plugin = Plugin::with_servers(1);
    caller_killed(&plugin);
    plugin.run(&["work", "--once"]).prints();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    let list = plugin.run(&["orders", "list", "--json"]).json();
    let reason = list["orders"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("has not reached a caller"), "{reason}");
    // Who knows the number was answered.
    assert_eq!(plugin.finished("1"), "10.0.0.0");
}

#[test]
fn an_unanswered_order_that_the_panel_has_a_record_of_goes_on_after_a_day() {
    for words in [&["work"][..], &["work", "--once"], &["order", "1"]] {
        let plugin = Plugin::with_servers(1);
        let id = left_unanswered(&plugin, LONG_AGO);
        plugin.write_task(&id, "");
        let _ = plugin.run(words);
        assert!(!plugin.state("accepted/1.json").exists(), "{words:?}");
        assert_eq!(plugin.finished(&id), "10.0.0.0", "{words:?}");
    }
}

#[test]
fn a_caller_who_repeats_its_key_has_a_day_of_its_own() {
    let plugin = Plugin::with_servers(2);
    let worker = plugin.hold_worker_lock();
    let words = ["order", "1", "--key", "k"];
    let id = plugin.run(&words).json()["task_id"].as_str().unwrap().to_owned();
    plugin.move_order(&id, "active", "accepted");
    plugin.edit(&format!("accepted/{id}.json"), |order| {
        order["created_at"] = LONG_AGO.into();
        order["updated_at"] = LONG_AGO.into();
    });
    // Its answer waits in a pipe, and the order of another caller withdraws what nobody was told of.
    let (reader, writer, size) = full_pipe();
    let second = spawn(&plugin, &words, writer);
    let callers = || read(&plugin.state(&format!("accepted/{id}.json")))["callers"].clone();
    wait_until("the second caller is counted", || callers() == 2);
    drop(worker);
    plugin.run(&["work", "--once"]).prints();
    let mut answer = vec![0; size];
    let mut reader = reader;
    reader.read_exact(&mut answer).unwrap();
    answer.clear();
    reader.read_to_end(&mut answer).unwrap();
    assert!(second.wait_with_output().unwrap().status.success());
    assert_eq!(parsed(&String::from_utf8(answer).unwrap())["task_id"], *id);
    assert_eq!(plugin.finished(&id), "10.0.0.0");
}
