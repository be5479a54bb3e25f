//! Receivers that are slow, broken, elsewhere or hostile: each attempt ends as the documentation
//! says, in time, and gives nothing away.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hooks::{SOON, attempts, milliseconds, sent_to};
use crate::support::hoster::TOKEN;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};

/// Most of a reply that a delivery keeps, in bytes.
const KEPT: usize = 4096;

/// Returns a provider with a webhook of a kind that has a token, and flags for one.
fn with_token(kind: &str) -> (Plugin, Vec<String>) {
    let plugin = Plugin::with_servers(1);
    let token = plugin.private("hook.token", TOKEN);
    let flags = match kind {
        "azure-pipelines" => "--organization o --project p --pipeline-id 7 --token-file",
        _ => "--project-id 7 --ref main --token-file",
    };
    let flags = flags.split(' ').map(str::to_owned).chain([token]).collect();
    (plugin, flags)
}

#[test]
fn a_receiver_that_drips_or_hangs_or_breaks_off_fails_in_time() {
    for reply in [Reply::Drip, Reply::Hang, Reply::CloseMidBody] {
        let (receiver, delivery) = sent_to("generic", &[], &reply);
        assert_eq!(delivery["state"], "dead", "{reply:?}: {delivery:#}");
        assert_eq!((receiver.requests().len(), attempts(&delivery).len()), (2, 2), "{reply:?}");
        for attempt in attempts(&delivery) {
            assert!(attempt["error"].is_string(), "{reply:?}: {attempt:#}");
            let took = milliseconds(attempt);
            let waits = !matches!(reply, Reply::CloseMidBody);
            // A busy machine may be late, not early.
            assert!(took >= if waits { 450 } else { 0 }, "{reply:?}: {attempt:#}");
            assert!(took < 10_000, "{reply:?}: {attempt:#}");
        }
    }
}

#[test]
fn of_a_large_reply_a_little_is_kept() {
    for (status, state) in [(200, "delivered"), (500, "dead")] {
        let huge = Response::empty(status).with_body(|_| vec![b'x'; 10 * 1024 * 1024]);
        // It takes what it takes to send, where all of it is read.
        let more = ["--timeout-seconds", "10"];
        let plugin = Plugin::with_servers(1);
        let receiver = Receiver::answering(move |_| Reply::Answer(huge.clone()));
        plugin.hook("hook", "generic", &receiver, &[&SOON[..2], &more].concat());
        plugin.order();
        let delivery = plugin.are("hook", 1, state).remove(0);
        for attempt in attempts(&delivery) {
            assert_eq!(attempt["http_status"], status, "{attempt:#}");
            let kept = attempt["response"].as_str().unwrap();
            assert!(kept.len() <= KEPT && kept.starts_with("xxx"), "{}", kept.len());
        }
        plugin.settled();
    }
}

#[test]
fn a_status_means_what_the_kind_says() {
    let delivered = [("generic", 203), ("generic", 204), ("cloudstack", 204), ("template", 299)];
    let delivered = delivered.into_iter().chain([("solusvm2", 304), ("solusvm2", 204)]);
    for (kind, status) in delivered {
        let more = if kind == "template" { &["--form", "a=b"][..] } else { &[] };
        let (receiver, delivery) = sent_to(kind, more, &Reply::status(status));
        assert_eq!(delivery["state"], "delivered", "{kind} {status}: {delivery:#}");
        assert_eq!(receiver.requests().len(), 1);
    }
    let dead = [("generic", 301), ("generic", 303), ("generic", 400), ("generic", 404)];
    let dead = dead.into_iter().chain([("solusvm2", 404), ("solusvm2", 500)]);
    for (kind, status) in dead {
        let (receiver, delivery) = sent_to(kind, &[], &Reply::status(status));
        assert_eq!(delivery["state"], "dead", "{kind} {status}: {delivery:#}");
        assert_eq!(attempts(&delivery)[0]["http_status"], status);
        assert_eq!(receiver.requests().len(), 2, "{kind} {status} is tried again");
    }
    let (_, delivery) = sent_to("cloudstack", &["--strict-200"], &Reply::status(204));
    assert_eq!(delivery["state"], "dead", "{delivery:#}");
}

#[test]
fn a_page_to_sign_in_is_no_run_of_a_pipeline() {
    let id = || Response::json(200, &json!({ "id": 11 }));
    let page = Response::html(203);
    let kinds = [
        ("azure-pipelines", page, id(), 2),
        ("azure-pipelines", Response::html(200), id(), 2),
        ("azure-pipelines", Response::empty(302), id(), 2),
        ("azure-pipelines", Response::html(401), id(), 2),
        ("gitlab-ci", Response::told(404), Response::json(201, &json!({ "id": 1 })), 2),
        ("gitlab-ci", Response::html(200), Response::json(201, &json!({ "id": 1 })), 2),
    ];
    for (kind, first, then, requests) in kinds {
        let (plugin, flags) = with_token(kind);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let receiver = Receiver::answering(move |_| Reply::Answer(then.clone()));
        receiver.next([Reply::Answer(first)]);
        plugin.hook("hook", kind, &receiver, &[&SOON[..], &flags].concat());
        plugin.order();
        plugin.are("hook", 1, "delivered");
        assert_eq!(receiver.requests().len(), requests, "{kind}");
        plugin.settled();
    }
    // What is wrong with the request itself stays wrong.
    for kind in ["azure-pipelines", "gitlab-ci"] {
        let (plugin, flags) = with_token(kind);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let receiver = Receiver::answering(|_| Reply::Answer(Response::told(400)));
        plugin.hook("hook", kind, &receiver, &[&SOON[..], &flags].concat());
        plugin.order();
        let delivery = plugin.are("hook", 1, "dead").remove(0);
        assert_eq!((attempts(&delivery).len(), receiver.requests().len()), (1, 1), "{delivery:#}");
        plugin.settled();
    }
}

#[test]
fn a_receiver_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let soon = jiff::Timestamp::now() + Duration::from_secs(100);
    let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (status, retry_after) in [(429, "100"), (429, &*date), (503, "100"), (500, "100")] {
        let plugin = Plugin::with_servers(1);
        let receiver = Receiver::start();
        receiver.next([Reply::busy(status, retry_after)]);
        plugin.hook("hook", "generic", &receiver, &SOON);
        plugin.order();
        let delivery = plugin.tried("hook", 1);
        let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let (at, next) = (time(&attempts(&delivery)[0]["at"]), time(&delivery["next_attempt_at"]));
        let wait = next.duration_since(at).as_secs();
        // The date was made a moment before.
        assert!((60..=125).contains(&wait), "{status} {retry_after}: {delivery:#}");
        assert_eq!((delivery["state"].as_str(), receiver.requests().len()), (Some("pending"), 1));
    }
}

#[test]
fn a_receiver_that_asks_for_years_is_left_alone_for_a_day() {
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::answering(|_| Reply::busy(429, "100000000"));
    plugin.hook("hook", "generic", &receiver, &SOON);
    plugin.order();
    let delivery = plugin.tried("hook", 1);
    let next: jiff::Timestamp = delivery["next_attempt_at"].as_str().unwrap().parse().unwrap();
    let wait = next.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((22..=24).contains(&wait), "{delivery:#}");
}
