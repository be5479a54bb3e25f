//! The hoster of the tests goes wrong just as it is told: each fault does what its name says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::hoster::Hoster;
use crate::support::hoster::client::{Client, End, Heard, ask, bearer, wish};
use crate::support::hoster::fault::Ending::{Close, Drip, Reset, Stall};
use crate::support::hoster::fault::Fault::{Done, ResetUnread, Undone};
use crate::support::hoster::fault::Point::{
    AfterBody, AfterHeader, BeforeHeader, InBody, InHeader,
};
use crate::support::hoster::fault::Reply::{
    BrokenJson, Busy, Conflict, Ends, Html, Huge, Redirect, Status,
};
use crate::support::hoster::fault::RetryAfter::{Date, Seconds};
use crate::support::hoster::fault::{ALWAYS, EVERY, FOLLOWED, Fault, Verb};
use crate::support::hoster::mode::Mode;
use crate::support::wait_until;

/// For how long a client waits where an answer is to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how long a client waits where nothing is to come.
const SHORT: Duration = Duration::from_millis(100);

/// Asks a new hoster with a fault for a server; returns it, and what was heard.
#[track_caller]
fn buy(fault: Fault, patience: Duration) -> (Hoster, Heard) {
    let hoster = Hoster::start(Mode::plain());
    hoster.fault(Verb::Create, fault, 1);
    let heard = buy_from(&hoster, patience);
    (hoster, heard)
}

#[track_caller]
fn buy_from(hoster: &Hoster, patience: Duration) -> Heard {
    let mut client = Client::connect(hoster, patience).unwrap();
    client.send("POST /servers", &[&bearer()], &wish("a").to_string()).unwrap();
    client.hear()
}

#[test]
fn each_fault_of_a_create_buys_or_does_not_as_its_name_says() {
    let names: BTreeSet<&str> = EVERY.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), EVERY.len());
    for (name, fault) in EVERY {
        let silent = matches!(fault, Done(Ends(Stall | Drip, _)) | Undone(Ends(Stall | Drip, _)));
        let (hoster, heard) = buy(fault, if silent { SHORT } else { PATIENCE });
        let read = usize::from(fault != ResetUnread);
        // Where nothing came, it may still be at it.
        wait_until(name, || hoster.requests().len() == read);
        let bought = usize::from(fault.does());
        assert_eq!(hoster.purchases().len(), bought, "{name}: {heard:?}");
        let told = heard.end == End::Whole && heard.status() == 201;
        let right = [Fault::None, Done(Ends(Reset, AfterBody)), Done(BrokenJson), Done(Huge)];
        assert_eq!(told, right.contains(&fault), "{name}: {heard:?}");
        // It is over then.
        let heard = buy_from(&hoster, PATIENCE);
        assert_eq!((heard.end, heard.status()), (End::Whole, 201), "{name}");
        assert_eq!(hoster.alive().len(), bought + 1, "{name}");
        assert_eq!(hoster.purchases()[0].creates, 1 + read, "{name}");
    }
}

#[test]
fn an_answer_ends_where_it_is_told_to() {
    let whole = buy(Fault::None, PATIENCE).1.bytes;
    let header = whole.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    let points = [
        (BeforeHeader, 0),
        (InHeader, header / 2),
        (AfterHeader, header),
        (InBody, header + (whole.len() - header) / 2),
        (AfterBody, whole.len()),
    ];
    for (point, length) in points {
        for (ending, end) in [(Close, End::Closed), (Reset, End::Reset), (Stall, End::Silent)] {
            let patience = if ending == Stall { SHORT } else { PATIENCE };
            let hoster = Hoster::start(Mode::plain());
            hoster.fault(Verb::Create, Done(Ends(ending, point)), 1);
            let mut client = Client::connect(&hoster, patience).unwrap();
            client.send("POST /servers", &[&bearer()], &wish("a").to_string()).unwrap();
            let heard = client.hear();
            assert_eq!(heard.bytes, whole[..length], "{ending:?} {point:?}: {heard:?}");
            if point == AfterBody {
                assert_eq!(heard.end, End::Whole, "{ending:?} {point:?}");
                // What follows is told to whoever uses the connection once more.
                assert_eq!(client.hear().end, end, "{ending:?} {point:?}");
            } else {
                assert_eq!(heard.end, end, "{ending:?} {point:?}: {heard:?}");
            }
        }
    }
}

#[test]
fn a_dripping_answer_comes_one_byte_a_second() {
    for (point, patience) in [(BeforeHeader, 1_500), (InBody, 1_500)] {
        let begin = Instant::now();
        let hoster = Hoster::start(Mode::plain());
        hoster.fault(Verb::Create, Done(Ends(Drip, point)), 1);
        let mut client = Client::connect(&hoster, Duration::from_millis(patience)).unwrap();
        client.send("POST /servers", &[&bearer()], &wish("a").to_string()).unwrap();
        let before = if point == BeforeHeader { 0 } else { client.hear_some().len() };
        assert_eq!(before > 0, point == InBody);
        for _ in 0..2 {
            assert_eq!(client.hear_some().len(), 1);
        }
        assert!(begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
    }
}

#[test]
fn a_reset_before_the_request_is_read_leaves_no_trace_of_it() {
    let (hoster, heard) = buy(ResetUnread, PATIENCE);
    assert_eq!((heard.end, heard.bytes.as_slice()), (End::Reset, &[][..]));
    assert!(hoster.requests().is_empty());
}

#[test]
fn errors_are_what_their_names_say() {
    for status in [200, 408, 409, 423, 425, 429, 500, 503, 504] {
        let heard = buy(Undone(Status(status)), PATIENCE).1;
        assert_eq!(heard.status(), status);
        assert!(heard.json()["error"]["message"].is_string(), "{heard:?}");
        assert_ne!(heard.json()["error"]["code"], "uniqueness_error");
        assert_eq!(heard.header("Retry-After"), None);
    }
    for status in [200, 403, 502] {
        let heard = buy(Done(Html(status)), PATIENCE).1;
        assert_eq!((heard.status(), heard.json()), (status, Value::Null));
        assert!(heard.body().starts_with(b"<html>"), "{heard:?}");
    }
    let heard = buy(Undone(Conflict), PATIENCE).1;
    assert_eq!((heard.status(), &heard.json()["error"]["code"]), (409, &json!("uniqueness_error")));
}

#[test]
fn a_busy_hoster_says_when_to_come_again() {
    let heard = buy(Undone(Busy(429, Seconds(7))), PATIENCE).1;
    assert_eq!((heard.status(), heard.header("Retry-After").as_deref()), (429, Some("7")));
    let before = jiff::Timestamp::now();
    let heard = buy(Undone(Busy(503, Date(90))), PATIENCE).1;
    let field = heard.header("Retry-After").unwrap();
    let format = "%a, %d %b %Y %H:%M:%S GMT";
    let at = jiff::civil::DateTime::strptime(format, &field).unwrap();
    let wait = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().duration_since(before);
    assert!((89..=110).contains(&wait.as_secs()), "{field}: {wait:?}");
}

#[test]
fn whoever_follows_a_redirect_is_noticed() {
    let hoster = Hoster::start(Mode::plain());
    hoster.fault(Verb::Create, Done(Redirect(307)), 1);
    let heard = buy_from(&hoster, PATIENCE);
    let to = heard.header("Location").unwrap();
    assert_eq!((heard.status(), to.as_str()), (307, "/servers?followed=1"));
    assert_eq!(ask(&hoster, &format!("POST {to}"), &wish("a")).0, 201);
    assert_eq!((hoster.purchases().len(), hoster.purchases()[0].creates), (2, 2));
    assert!(hoster.requests_to(Verb::Create)[1].path.contains(FOLLOWED));
}

#[test]
fn bodies_can_be_too_large_or_broken() {
    let heard = buy(Done(Huge), PATIENCE).1;
    assert!(heard.body().len() > 20_000_000);
    assert_eq!(heard.json()["server"]["id"], 1001);
    let heard = buy(Done(BrokenJson), PATIENCE).1;
    assert_eq!((heard.status(), heard.json()), (201, Value::Null));
    assert!(heard.body().starts_with(b"{"), "{heard:?}");
}

#[test]
fn what_was_told_happens_in_its_order_and_as_often_as_was_told() {
    let hoster = Hoster::start(Mode::plain());
    hoster.fault(Verb::Create, Fault::None, 1);
    hoster.fault(Verb::Create, Done(Status(500)), 2);
    hoster.fault(Verb::Get, Undone(Status(503)), ALWAYS);
    let status = |line| ask(&hoster, line, &wish("a")).0;
    let creates: Vec<u16> = (0..4).map(|_| status("POST /servers")).collect();
    assert_eq!(creates, [201, 500, 500, 201]);
    assert_eq!(hoster.purchases().len(), 4);
    for _ in 0..3 {
        assert_eq!(status("GET /servers/1001"), 503);
    }
    hoster.fault(Verb::Delete, Undone(Status(423)), 1);
    let deletes = [status("DELETE /servers/1001"), status("DELETE /servers/1001")];
    assert_eq!(deletes, [423, 204]);
    assert_eq!(hoster.alive().len(), 3);
    hoster.behave();
    assert_eq!(status("GET /servers/1002"), 200);
}

#[test]
fn a_connection_serves_many_requests() {
    let hoster = Hoster::start(Mode::plain());
    let mut client = Client::connect(&hoster, PATIENCE).unwrap();
    for _ in 0..3 {
        client.send("POST /servers", &[&bearer()], &wish("a").to_string()).unwrap();
        assert_eq!(client.hear().status(), 201);
    }
    client.send("GET /servers", &[&bearer(), "Connection: close"], "").unwrap();
    assert_eq!((client.hear().end, client.hear().end), (End::Whole, End::Closed));
    let last = hoster.requests().pop().unwrap();
    assert_eq!((last.method.as_str(), last.headers["host"].as_str()), ("GET", "hoster"));
    assert_eq!(hoster.requests()[0].json(), wish("a"));
}

#[test]
fn a_hoster_that_is_shut_refuses_connections_and_keeps_its_port() {
    let hoster = Hoster::start(Mode::plain());
    for _ in 0..3 {
        let mut client = Client::connect(&hoster, PATIENCE).unwrap();
        client.send("GET /servers", &[&bearer()], "").unwrap();
        assert_eq!(client.hear().end, End::Whole);
        hoster.shut();
        assert_eq!(client.hear().end, End::Closed);
        let refused = Client::connect(&hoster, PATIENCE).map(drop).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        hoster.open();
        assert_eq!(ask(&hoster, "POST /servers", &wish("a")).0, 201);
    }
    assert_eq!(hoster.purchases().len(), 3);
}
