use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::http::tests::server::{Connection, Server};
use crate::secret::Secret;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn target(settings: &Value, ca: Option<&[u8]>) -> Target {
    let mut webhook = json!({ "name": "n", "kind": "solusvm2", "url": "http://h/" });
    webhook.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Target {
        webhook: serde_json::from_value(webhook).unwrap(),
        url: Secret::from(String::new()),
        token: None,
        variables: BTreeMap::new(),
        secrets: Vec::new(),
        ca: ca.map(<[u8]>::to_vec),
    }
}

/// A message as kind `solusvm2` makes it: all in the URL, and five redirects.
fn message(url: &str) -> Message {
    Message {
        url: url.to_owned(),
        headers: vec![
            ("accept", "*/*".to_owned()),
            ("content-type", "text/plain".to_owned()),
            ("user-agent", "panel".to_owned()),
            ("webhook-signature", "v1,canary".to_owned()),
        ],
        own_headers: vec![("X-Token".to_owned(), "canary".to_owned())],
        body: String::new(),
        redirects: 5,
    }
}

fn send_by(policy: Policy, message: &Message, timeout: Duration) -> Result<Reply, Fault> {
    Sender::new(policy).send(&target(&json!({}), None), message, timeout)
}

fn send(message: &Message) -> Result<Reply, Fault> {
    send_by(Policy::default(), message, Duration::from_secs(20))
}

#[track_caller]
fn fault(result: Result<Reply, Fault>) -> Fault {
    let fault = result.unwrap_err();
    assert!(!fault.why.contains("canary"), "{fault:?}");
    fault
}

/// A server that answers every request with such a redirect.
fn redirecting(status: u16, location: &str) -> Server {
    Server::answering(moved(status, location))
}

/// A server whose replies to each of a few requests in a row are these.
fn in_turn(replies: impl IntoIterator<Item = String>) -> Server {
    let replies = Mutex::new(replies.into_iter().collect::<Vec<_>>().into_iter());
    Server::new(move |connection| {
        connection.request();
        let reply = replies.lock().unwrap().next();
        connection.say(reply.unwrap_or_else(|| OK.to_owned()));
    })
}

fn moved(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn denying(address: &str) -> Policy {
    Policy::parse(&[], &[address.to_owned()]).unwrap()
}

#[test]
fn a_message_is_one_post_with_all_its_headers_and_its_body() {
    let server = Server::answering(OK);
    let whole =
        Message { body: "{\"a\":1}".to_owned(), redirects: 0, ..message(&server.url("/h?q")) };
    let reply = send(&whole).unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, b"hello".as_slice()));
    let empty = Message { body: String::new(), ..whole };
    send(&empty).unwrap();
    let [first, second] = server.requests().try_into().unwrap();
    assert!(first.starts_with("POST /h?q HTTP/1.1\r\n") && first.ends_with("\r\n\r\n{\"a\":1}"));
    for line in ["content-type: text/plain", "webhook-signature: v1,canary", "x-token: canary"] {
        assert!(first.to_lowercase().contains(&format!("\r\n{line}\r\n")), "{first}");
    }
    assert!(second.to_lowercase().contains("\r\ncontent-length: 0\r\n"), "{second}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_redirect_is_a_reply_where_none_is_followed() {
    let trap = Server::answering(OK);
    for status in REDIRECTS {
        let server = redirecting(status, &trap.url("/"));
        let plain = Message { redirects: 0, ..message(&server.url("/")) };
        assert_eq!(send(&plain).unwrap().status, status);
    }
    for status in [300, 304, 305] {
        let server = redirecting(status, &trap.url("/"));
        assert_eq!(send(&message(&server.url("/"))).unwrap().status, status);
    }
    assert_eq!(trap.connections(), 0);
}

#[test]
fn a_redirect_goes_on_as_the_status_says_and_with_the_query_that_location_has() {
    for (status, start) in [
        (301, "GET /next?r=1 "),
        (302, "GET /next?r=1 "),
        (303, "GET /next?r=1 "),
        (307, "POST /next?r=1 "),
        (308, "POST /next?r=1 "),
    ] {
        let server = in_turn([moved(status, "/next?r=1")]);
        assert_eq!(send(&message(&server.url("/hook?secret=canary"))).unwrap().status, 200);
        let [_, second] = server.requests().try_into().unwrap();
        assert!(second.starts_with(start), "{second}");
        let second = second.to_lowercase();
        assert!(second.contains("x-token: canary") && second.contains("webhook-signature"));
        assert_eq!(second.contains("content-"), status > 303, "{second}");
    }
}

#[test]
fn a_body_goes_along_at_the_same_origin_only() {
    let server = in_turn([moved(307, "/next")]);
    let body = "canary".to_owned();
    send(&Message { body: body.clone(), ..message(&server.url("/")) }).unwrap();
    assert!(server.requests()[1].ends_with("\r\n\r\ncanary"));
    let other = Server::answering(OK);
    let server = redirecting(307, &other.url("/"));
    let away = fault(send(&Message { body: body.clone(), ..message(&server.url("/")) }));
    assert!(away.why.starts_with("redirect 1: it leads to another host"), "{away:?}");
    assert_eq!((away.reply.unwrap().status, other.connections()), (307, 0));
    let server = redirecting(303, &other.url("/"));
    send(&Message { body, ..message(&server.url("/")) }).unwrap();
    assert!(!other.requests()[0].contains("canary"));
}

#[test]
fn nothing_that_could_be_a_credential_goes_to_another_origin_or_comes_back() {
    for (status, elsewhere) in
        REDIRECTS.into_iter().zip(["127.0.0.1", "127.0.0.2"].into_iter().cycle())
    {
        let home = Arc::new(OnceLock::<String>::new());
        let back = Arc::clone(&home);
        let other = Server::at(elsewhere, move |connection| {
            connection.request();
            connection.say(moved(status, back.get().unwrap()));
        });
        let server = in_turn([moved(status, &other.url("/away"))]);
        home.set(server.url("/back")).unwrap();
        let url = server.url("/hook?secret=canary").replace("//", "//name:canary@");
        send(&message(&url)).unwrap();
        let [first, last] = server.requests().try_into().unwrap();
        let [away] = other.requests().try_into().unwrap();
        let first = first.to_lowercase();
        assert!(first.contains("authorization: basic") && first.contains("x-token"), "{first}");
        for seen in [away.to_lowercase(), last.to_lowercase()] {
            for name in ["canary", "authorization", "x-token", "webhook-", "content-type"] {
                assert!(!seen.contains(name), "{name}: {seen}");
            }
            assert!(seen.contains("\r\nuser-agent: panel\r\n"), "{seen}");
            assert!(seen.contains("\r\naccept: */*\r\n"), "{seen}");
        }
    }
}

fn answer_ok(connection: &mut Connection) {
    connection.request();
    connection.say(OK);
}

#[test]
fn the_policy_is_asked_at_every_hop() {
    let inner = Server::at("127.0.0.2", answer_ok);
    let port = inner.address.port();
    for location in [
        inner.url("/"),
        format!("http://2130706434:{port}/"),
        format!("http://0x7f000002:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
    ] {
        let outer = redirecting(302, &location);
        let seconds = Duration::from_secs(20);
        let blocked = fault(send_by(denying("127.0.0.2"), &message(&outer.url("/")), seconds));
        assert!(blocked.why.starts_with("redirect 1: nothing was sent to "), "{blocked:?}");
        assert!(blocked.why.contains("127.0.0.2 is in 127.0.0.2/32, which"), "{blocked:?}");
        let first = message(&location);
        let blocked = fault(send_by(denying("127.0.0.2"), &first, seconds));
        assert!(blocked.why.starts_with("nothing was sent to "), "{blocked:?}");
    }
    assert_eq!(inner.connections(), 0);
    let outer = redirecting(307, "http://169.254.169.254/latest?canary");
    let blocked = fault(send(&message(&outer.url("/"))));
    assert!(blocked.why.ends_with(": 169.254.169.254 is link-local"), "{blocked:?}");
}

#[test]
fn a_redirect_that_leads_nowhere_is_a_fault_with_its_status() {
    let none = Server::answering("HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n");
    let missing = fault(send(&message(&none.url("/?canary"))));
    assert_eq!(missing.why, "redirect 1: it has no Location");
    assert_eq!(missing.reply.unwrap().status, 302);
    for location in ["", "ftp://canary/", "http://", "http://u:canary@h/", "http://canary:x/"] {
        let server = redirecting(308, location);
        let malformed = fault(send(&message(&server.url("/"))));
        assert!(malformed.why.starts_with("redirect 1: it"), "{malformed:?}");
        assert_eq!(malformed.reply.unwrap().status, 308);
    }
}

#[test]
fn a_loop_ends_after_as_many_redirects_as_are_followed() {
    let server = redirecting(307, "?canary");
    let endless = fault(send(&message(&server.url("/hook?canary"))));
    assert_eq!(endless.why, "it was redirected more than 5 times");
    assert_eq!((endless.reply.unwrap().status, server.requests().len()), (307, 6));
    let last = in_turn((0..5).map(|hop| moved(302, &format!("/{hop}"))));
    assert_eq!(send(&message(&last.url("/"))).unwrap().status, 200);
    assert_eq!(last.requests().len(), 6);
}

/// Sends with little time to a receiver that takes more, and looks that it is not waited for.
#[track_caller]
fn given_up(behave: impl Fn(&mut Connection) + Send + Sync + 'static) -> String {
    let server = Server::new(behave);
    let begin = Instant::now();
    let timeout = Duration::from_millis(400);
    let late = fault(send_by(Policy::default(), &message(&server.url("/?canary")), timeout));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(late.reply, None);
    late.why
}

#[test]
fn who_hangs_or_drips_is_given_up_when_time_is_up() {
    let hanging = given_up(|connection| {
        connection.request();
        std::thread::sleep(Duration::from_mins(1));
    });
    assert!(hanging.ends_with(": time was up after 0.4 s"), "{hanging}");
    for end in ["X: ", "Content-Length: 99999\r\n\r\n", "\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{end}");
        let dripping = given_up(move |connection| {
            connection.request();
            connection.say(&head);
            while connection.say("H") {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        assert!(dripping.ends_with(": time was up after 0.4 s"), "{dripping}");
    }
}

#[test]
fn all_hops_share_one_deadline() {
    let hanging = Server::new(|connection| {
        connection.request();
        std::thread::sleep(Duration::from_mins(1));
    });
    let next = hanging.url("/");
    let slow = Server::new(move |connection| {
        connection.request();
        std::thread::sleep(Duration::from_millis(100));
        connection.say(moved(302, &next));
    });
    let second = Duration::from_secs(1);
    let late = fault(send_by(Policy::default(), &message(&slow.url("/")), second)).why;
    let left = late.strip_prefix(&format!("redirect 1: no whole reply from {}: ", hanging.address));
    let left = left.and_then(|rest| rest.strip_prefix("time was up after 0."));
    assert!(left.is_some_and(|digits| digits < "901"), "{late}");
}

#[test]
fn a_reply_that_breaks_off_is_none_and_a_long_one_is_cut() {
    let broken = Server::answering(&OK[..OK.len() - 1]);
    let cut = fault(send(&message(&broken.url("/?canary"))));
    assert!(cut.why.starts_with(&format!("no whole reply from {}: ", broken.address)), "{cut:?}");
    let head = format!("HTTP/1.1 203 X\r\nContent-Length: {}\r\n\r\n", 10 << 20);
    let long = Server::answering([head.into_bytes(), vec![b'x'; 10 << 20]].concat());
    let reply = send(&message(&long.url("/"))).unwrap();
    assert_eq!((reply.status, reply.body.len()), (203, 64 << 10));
}

#[test]
fn there_is_one_client_for_each_way_to_trust() {
    let sender = Sender::new(Policy::default());
    let client = |settings: &Value| sender.client(&target(settings, None)).unwrap();
    let careless = client(&json!({}));
    assert!(Arc::ptr_eq(&careless, &client(&json!({ "kind": "generic", "tls_verify": false }))));
    let careful = client(&json!({ "tls_verify": true }));
    assert!(!Arc::ptr_eq(&careless, &careful));
    assert!(Arc::ptr_eq(&careful, &client(&json!({ "kind": "generic" }))));
    let unusable = target(&json!({}), Some(b"canary"));
    let problem =
        fault(sender.send(&unusable, &message("http://127.0.0.1:1/"), Duration::from_secs(1)));
    assert_eq!(problem.why, "ca_file: it holds no certificate in PEM");
}

#[test]
fn the_history_keeps_four_kibibytes_that_are_text() {
    assert_eq!(shown(b"hello"), "hello");
    assert_eq!(shown(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(shown(&[b'x'; 5_000]).len(), 4_096);
    let long = format!("x{}", "ё".repeat(5_000));
    assert_eq!(shown(long.as_bytes()), long[..4_095]);
    assert_eq!(shown(&[0xff; 5_000]), "\u{fffd}".repeat(1_365));
}

proptest! {
    #[test]
    fn what_is_kept_is_the_beginning_and_never_too_long(text in "\\PC{0,3000}", bytes: Vec<u8>) {
        let kept = shown(text.as_bytes());
        prop_assert!(text.starts_with(&kept));
        prop_assert!(kept.len() == text.len() || (4_093..=4_096).contains(&kept.len()));
        prop_assert!(shown(&bytes).len() <= 4_096);
    }
}
