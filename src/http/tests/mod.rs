//! Every fault that a network can have, and what is known after it.

mod guard;
mod proxy;
pub(crate) mod server;
mod tls;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::client::USER_AGENT;
use super::*;
use server::Server;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn client() -> Client {
    Client::new(&Options::default()).unwrap()
}

/// A request to buy something, as it is sent by default in these tests.
fn post(url: &str) -> Request {
    Request {
        method: Method::Post,
        url: url.to_owned(),
        headers: vec![("Authorization".to_owned(), "Bearer canary".to_owned())],
        body: Some(b"{\"canary\":1}".to_vec()),
        fresh: true,
        timeout: Duration::from_secs(20),
        cut: None,
    }
}

fn get(url: &str) -> Request {
    Request { method: Method::Get, body: None, fresh: false, ..post(url) }
}

#[track_caller]
fn unknown(result: Result<Reply, Failure>) -> String {
    match result {
        Err(Failure::Unknown(message)) if !message.contains("canary") => message,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn not_sent(result: Result<Reply, Failure>) -> String {
    match result {
        Err(Failure::NotSent(message)) if !message.contains("canary") => message,
        other => panic!("{other:?}"),
    }
}

/// Returns an address that nobody listens at.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_refused_connection_is_surely_not_sent_where_it_was_fresh_only() {
    let address = nobody();
    let url = format!("http://name:canary@{address}/canary?token=canary");
    let message = not_sent(client().send(&post(&url)));
    assert!(message.contains(&format!("nothing was sent to {address}: ")), "{message}");
    assert!(message.contains("refused"), "{message}");
    unknown(client().send(&Request { fresh: false, ..post(&url) }));
}

#[test]
fn a_name_without_an_address_is_surely_not_sent() {
    let url = format!("http://{}.invalid/", "x".repeat(64));
    not_sent(client().send(&post(&url)));
}

#[test]
fn what_cannot_be_made_a_request_is_not_sent_and_not_repeated_in_the_message() {
    let url = "http://127.0.0.1:1/";
    for (name, value) in [("X-A", "canary\r\nX-B: 1"), ("X-A: canary", "1"), ("Expect", "canary")] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let result = client().send(&Request { headers, ..post(url) });
        assert!(matches!(result, Err(Failure::NotSent(_))), "{result:?}");
        assert!(!format!("{result:?}").contains("refused"), "{result:?}");
    }
    for url in ["", "/canary", "ftp://127.0.0.1/canary", "http://127.0.0.1/ canary", "http://"] {
        not_sent(client().send(&post(url)));
    }
    let shown = format!("{:?}", post("http://name:canary@host:81/canary?canary"));
    assert_eq!(shown, "Request(Post host:81)");
}

#[test]
fn a_reset_or_an_end_before_the_reply_leaves_it_unknown() {
    let reset = Server::new(|connection| connection.look());
    unknown(client().send(&post(&reset.url("/"))));
    let ending = Server::answering("");
    unknown(client().send(&post(&ending.url("/"))));
    assert_eq!(ending.connections(), 1);
}

#[test]
fn a_reply_cut_at_any_byte_is_none() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n2;a=b\r\n..\r\n0\r\n";
    let client = client();
    for whole in [OK, chunked] {
        for end in 0..whole.len() {
            let server = Server::answering(&whole[..end]);
            unknown(client.send(&post(&server.url("/"))));
        }
    }
    let server = Server::answering(format!("{chunked}\r\n"));
    assert_eq!(client.send(&post(&server.url("/"))).unwrap().body, b"hello..");
}

#[test]
fn a_reply_without_a_length_ends_with_its_connection_but_not_with_a_reset() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let ending = Server::answering(format!("{head}hello"));
    assert_eq!(client().send(&post(&ending.url("/"))).unwrap().body, b"hello");
    let reset = Server::new(move |connection| {
        connection.look();
        connection.say(format!("{head}hel"));
    });
    unknown(client().send(&post(&reset.url("/"))));
}

#[test]
fn a_reply_that_drips_is_given_up_when_time_is_up() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"]
    {
        let server = Server::new(move |connection| {
            connection.request();
            connection.say(head);
            while connection.say("H") {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begin = Instant::now();
        let request = Request { timeout: Duration::from_millis(300), ..post(&server.url("/")) };
        unknown(client().send(&request));
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    }
}

#[test]
fn who_never_answers_or_never_reads_is_given_up_when_time_is_up() {
    let server = Server::new(|connection| {
        connection.look();
        std::thread::sleep(Duration::from_mins(1));
    });
    for body in [vec![], vec![b'x'; 32 << 20]] {
        let begin = Instant::now();
        let timeout = Duration::from_millis(300);
        let request = Request { timeout, body: Some(body), ..post(&server.url("/")) };
        let message = unknown(client().send(&request));
        assert!(message.ends_with("time was up after 0.3 s"), "{message}");
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    }
    let none = Request { timeout: Duration::ZERO, ..post(&server.url("/")) };
    not_sent(client().send(&none));
    let endless = Request { timeout: Duration::MAX, ..post(&format!("http://{}/", nobody())) };
    not_sent(client().send(&endless));
}

#[test]
fn a_reply_longer_than_four_mebibytes_is_none() {
    let head = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let most = 4 << 20;
    let server = Server::answering([head(most).into_bytes(), vec![b'x'; most]].concat());
    assert_eq!(client().send(&post(&server.url("/"))).unwrap().body.len(), most);
    for head in [head(most + 1), head(20 << 20), "HTTP/1.1 200 OK\r\n\r\n".to_owned()] {
        let server = Server::answering([head.into_bytes(), vec![b'x'; 20 << 20]].concat());
        let message = unknown(client().send(&post(&server.url("/"))));
        assert!(message.ends_with("the reply is longer than 4 MiB"), "{message}");
    }
}

#[test]
fn a_head_with_too_many_or_too_long_headers_is_none() {
    for headers in ["a: b\r\n".repeat(1_000), format!("a: {}\r\n", "b".repeat(1 << 20))] {
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{headers}\r\n"));
        unknown(client().send(&post(&server.url("/"))));
    }
}

#[test]
fn what_is_not_http_is_no_reply() {
    let lengths = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n0\r\n\r\n";
    for bytes in ["SSH-2.0-OpenSSH_9.2p1\r\n", "HTTP/2 200\r\n\r\n", "\0\0\0", lengths, chunk] {
        let server = Server::answering(bytes);
        unknown(client().send(&post(&server.url("/"))));
    }
}

#[test]
fn every_status_is_a_reply_and_a_redirect_is_not_followed() {
    let trap = Server::answering(OK);
    for status in [201, 204, 301, 302, 303, 307, 308, 400, 404, 429, 500, 503, 999] {
        let location = trap.url("/canary");
        let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
        let server = Server::answering(format!(
            "HTTP/1.1 {status} X\r\nLocation: {location}\r\n{length}\r\n"
        ));
        for request in [post(&server.url("/")), get(&server.url("/"))] {
            let reply = client().send(&request).unwrap();
            assert_eq!((reply.status, reply.body.len()), (status, 0));
            assert_eq!(reply.headers["location"], location);
        }
    }
    assert_eq!(trap.connections(), 0);
}

#[test]
fn headers_are_joined_and_cookies_are_told_apart() {
    let server = Server::answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-Page: 1\r\nx-page: 2\r\n\
         Set-Cookie: a=b=c; Path=/; Expires=Wed, 09 Jun 2027 10:18:14 GMT\r\nSet-Cookie: d=\r\n\
         Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f?",
    );
    let reply = client().send(&post(&server.url("/"))).unwrap();
    let headers = [("content-encoding", "gzip"), ("content-length", "2"), ("x-page", "1, 2")];
    assert_eq!(reply.headers, headers.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    assert_eq!(reply.cookies, [("a", "b=c"), ("d", "")].map(|(n, v)| (n.into(), v.into())).into());
    assert_eq!(reply.body, b"\x1f?");
    assert_eq!(format!("{reply:?}"), "Reply(200, 2 bytes)");
}

#[test]
fn a_request_says_what_it_must_and_nothing_else() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let plain = Request { headers: vec![], ..get(&server.url("/a%20b?c=d%26e")) };
    let agent = vec![("User-Agent".to_owned(), "panel".to_owned())];
    let empty = Request { method: Method::Post, headers: agent, ..plain.clone() };
    let delete = Request { method: Method::Delete, body: Some(b"{}".to_vec()), ..plain.clone() };
    let put = Request { method: Method::Put, headers: vec![], ..empty.clone() };
    let patch = Request { method: Method::Patch, ..put.clone() };
    for request in [plain, empty, delete, put, patch] {
        client().send(&request).unwrap();
    }
    let requests = server.requests();
    let expected = [("GET", "", USER_AGENT), ("POST", "0", "panel"), ("DELETE", "2", USER_AGENT)]
        .into_iter()
        .chain([("PUT", "0", USER_AGENT), ("PATCH", "0", USER_AGENT)]);
    assert_eq!(requests.len(), expected.clone().count());
    for (request, (method, length, agent)) in requests.iter().zip(expected) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<String> = head.lines().map(str::to_lowercase).collect();
        assert_eq!(lines.remove(0), format!("{method} /a%20b?c=d%26e HTTP/1.1").to_lowercase());
        let mut wanted = vec!["accept: */*".to_owned(), format!("host: {}", server.address)];
        wanted.push(format!("user-agent: {agent}"));
        if !length.is_empty() {
            wanted.push(format!("content-length: {length}"));
        }
        wanted.sort();
        lines.sort();
        assert_eq!(lines, wanted);
        assert_eq!(body.len().to_string(), if length.is_empty() { "0" } else { length });
    }
}

#[test]
fn only_requests_that_may_share_a_connection_do() {
    let server =
        Server::new(|connection| while connection.request().is_some() && connection.say(OK) {});
    let client = client();
    for (fresh, connections) in
        [(true, 1), (false, 2), (false, 2), (true, 3), (false, 3), (true, 4)]
    {
        client.send(&Request { fresh, ..post(&server.url("/")) }).unwrap();
        assert_eq!(server.connections(), connections);
    }
}

#[test]
fn a_request_lost_on_an_idle_connection_is_not_sent_again() {
    let server = Server::new(|connection| {
        connection.request();
        connection.say(OK);
        connection.request();
    });
    let client = client();
    let pooled = Request { fresh: false, ..post(&server.url("/")) };
    client.send(&pooled).unwrap();
    unknown(client.send(&pooled));
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
    client.send(&pooled).unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 2));
}
