//! `deliveries`: listed, shown, tried out, sent again and forgotten.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::answer::assert_valid;
use crate::support::hand::parsed;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// A receiver that answers every request with the same status, and repeats its header `X-Key`.
struct Echo {
    url: String,
    status: Arc<AtomicU16>,
    seen: Arc<AtomicUsize>,
}

impl Echo {
    /// Its thread ends with the tests.
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let echo = Self { url, status: Arc::new(status.into()), seen: Arc::default() };
        let (status, seen) = (Arc::clone(&echo.status), Arc::clone(&echo.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                seen.fetch_add(1, Ordering::SeqCst);
                // Who breaks off is no concern of the receiver.
                let _ = answer(&stream, status.load(Ordering::SeqCst));
            }
        });
        echo
    }

    fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: &TcpStream, status: u16) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-key" => value.trim().clone_into(&mut key),
            _ => {}
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let head = format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        key.len()
    );
    stream.write_all(format!("{head}{key}").as_bytes())
}

/// Creates the webhook `hook`.
#[track_caller]
fn create(plugin: &Plugin, echo: &Echo, words: &[&str]) {
    let begin = ["webhooks", "create", "--name", "hook", "--kind", "generic", "--url", &echo.url];
    plugin.run(&[&begin, words].concat()).prints();
}

#[track_caller]
fn list(plugin: &Plugin, words: &[&str]) -> Vec<Value> {
    let answer = plugin.run(&[&["deliveries", "list", "--json"], words].concat());
    let document = parsed(answer.prints());
    assert_valid("deliveries-list", &document);
    document["deliveries"].as_array().unwrap().clone()
}

fn states(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|one| one["state"].as_str().unwrap()).collect()
}

#[test]
fn a_test_is_sent_at_once_and_its_exit_status_says_whether_it_arrived() {
    let (plugin, echo) = (Plugin::installed(), Echo::start(200));
    create(&plugin, &echo, &["--disabled", "--header", "X-Key: hookCanary"]);
    let answer = plugin.run(&["deliveries", "test", "hook"]);
    assert!(answer.prints().starts_with("delivered\n"), "{answer:?}");
    assert!(!answer.stdout.contains("hookCanary"), "what it repeats is hidden: {answer:?}");
    echo.says(500);
    let words = ["deliveries", "test", "--kind", "cloudstack", "--url", &echo.url, "--json"];
    let answer = plugin.run(&[&words[..], &["--event", "order.failed"]].concat());
    let outcome = parsed(&answer.stdout);
    assert_eq!((answer.status, &outcome["http_status"]), (Some(1), &500.into()));
    assert_eq!(outcome["event"], "order.failed");
    let answer = plugin.run(&["deliveries", "test", "hook", "--dry-run", "--json"]);
    let request = parsed(answer.prints());
    assert_eq!((&request["method"], &request["url"]), (&"POST".into(), &echo.url.clone().into()));
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    assert_valid("event", &body);
    assert_eq!(request["headers"]["X-Key"], "HIDDEN");
    assert_eq!(echo.seen(), 2, "a dry run sends nothing");
    assert!(list(&plugin, &[]).is_empty());
    assert_eq!(plugin.files(), [""; 0], "a test is not stored");
}

#[test]
fn what_is_pending_is_given_up_for_its_redelivery_and_arrives_once() {
    let (plugin, echo) = (Plugin::with_servers(1), Echo::start(500));
    create(&plugin, &echo, &["--schedule", "0,3600"]);
    plugin.sold();
    wait_until("an attempt was made", || {
        list(&plugin, &[]).first().is_some_and(|one| one["attempts"][0].is_object())
    });
    echo.says(200);
    let id = list(&plugin, &[])[0]["id"].as_str().unwrap().to_owned();
    plugin.run(&["deliveries", "redeliver", &id]).prints();
    plugin.settled();
    let all = list(&plugin, &[]);
    assert_eq!(states(&all), ["delivered", "dead"]);
    assert_eq!(all[0]["id"], format!("{id}~2"));
    assert_eq!(echo.seen(), 2);
    assert!(plugin.run(&["check"]).prints().contains("ok       webhooks: "), "nothing is amiss");
    let replayed = plugin.run(&["deliveries", "replay", "--failed"]);
    assert_eq!(replayed.prints(), "0 to be sent\n", "it has arrived since");
}

#[test]
fn deliveries_are_found_by_what_they_are_and_forgotten_by_name_only() {
    let (plugin, echo) = (Plugin::with_servers(2), Echo::start(200));
    create(&plugin, &echo, &["--event", "order.accepted", "--event", "order.finished"]);
    let (order, _) = plugin.sold();
    plugin.settled();
    assert_eq!(states(&list(&plugin, &[])), ["delivered", "delivered"]);
    for (words, count) in [
        (&["--event", "order.accepted"][..], 1),
        (&["--state", "dead"], 0),
        (&["--webhook", "hook"], 2),
        (&["--webhook", "other"], 0),
        (&["--since", "1h"], 2),
        (&["--until", "2026-01-02"], 0),
    ] {
        assert_eq!(list(&plugin, words).len(), count, "{words:?}");
    }
    let story = plugin.run(&["orders", "show", &order, "--json"]).json();
    assert_valid("orders-show", &story);
    assert_eq!(story["deliveries"], Value::from(list(&plugin, &[])));
    let id = list(&plugin, &[])[0]["id"].as_str().unwrap().to_owned();
    let shown = plugin.run(&["deliveries", "show", &id, "--json"]).json();
    assert_valid("deliveries-show", &shown);
    for (words, named) in [
        (&["list", "--since", "1h", "--until", "2h"][..], "is before --since"),
        (&["list", "--since", "tomorrow"], "2026-01-02T03:04:05Z"),
        (&["delete"], "IDS"),
        (&["delete", "--webhook", "hook"], "--until"),
        (&["delete", "bogus"], "EVENT.WEBHOOK"),
        (&["show", "00000000-0000-0000-0000-000000000000.hook"], "the nearest is"),
        (&["replay"], "--failed"),
        (&["replay", "--failed", "--webhook", "hoko"], "`hook`"),
        (&["test"], "NAME"),
    ] {
        let answer = plugin.run(&[&["deliveries"], words].concat());
        assert!(answer.complains(2).contains(named), "{words:?}: {answer:?}");
    }
    plugin.run(&["deliveries", "delete", &id]).prints();
    assert_eq!(list(&plugin, &[]).len(), 1);
    plugin.run(&["deliveries", "delete", "--webhook", "hook", "--until", "0s"]).prints();
    assert!(list(&plugin, &[]).is_empty());
}

#[test]
fn what_the_worker_would_make_again_is_not_forgotten() {
    let (plugin, echo) = (Plugin::with_servers(1), Echo::start(200));
    create(&plugin, &echo, &[]);
    let (order, _) = plugin.sold();
    plugin.settled();
    let id = list(&plugin, &[])[0]["id"].as_str().unwrap().to_owned();
    let _worker = plugin.hold_worker_lock();
    plugin.move_order(&order, "done", "active");
    let answer = plugin.run(&["deliveries", "delete", &id]);
    assert!(answer.complains(2).contains("would be made again"), "{answer:?}");
    let answer = plugin.run(&["deliveries", "delete", "--webhook", "hook", "--until", "0s"]);
    assert!(answer.prints().starts_with("deleted: 0\n"), "{answer:?}");
}
