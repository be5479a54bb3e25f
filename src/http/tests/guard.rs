//! Addresses that must not be connected to, and replies of which only the beginning is wanted.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::*;

/// A client that refuses some addresses, and all that it was asked about.
fn guarded(blocked: &[&str]) -> (Client, Arc<Mutex<Vec<IpAddr>>>) {
    let blocked: Vec<IpAddr> = blocked.iter().map(|text| text.parse().unwrap()).collect();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let refuses: Refuses = Arc::new(move |address| {
        seen.lock().unwrap().push(address);
        blocked.contains(&address).then(|| format!("{address} is not for you"))
    });
    let options = Options { refuses: Some(refuses), ..Options::default() };
    (Client::new(&options).unwrap(), asked)
}

#[test]
fn an_address_that_is_refused_is_not_connected_to_however_it_is_written() {
    let (client, asked) = guarded(&["169.254.169.254", "::ffff:169.254.169.254", "fe80::1"]);
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.254.169.254:80",
        "name:canary@169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]:80",
        "[fe80::1]",
    ] {
        asked.lock().unwrap().clear();
        let message = not_sent(client.send(&post(&format!("http://{host}/canary"))));
        assert!(message.starts_with("nothing was sent to "), "{host}: {message}");
        assert!(message.ends_with(" is not for you"), "{host}: {message}");
        assert_eq!(asked.lock().unwrap().len(), 1, "{host}");
    }
}

#[test]
fn what_is_left_of_a_names_addresses_is_connected_to() {
    let server = Server::answering(OK);
    let port = server.address.port();
    let url = format!("http://localhost:{port}/");
    let (client, asked) = guarded(&["::1"]);
    assert_eq!(client.send(&post(&url)).unwrap().body, b"hello");
    assert!(asked.lock().unwrap().contains(&"127.0.0.1".parse().unwrap()));
    let (client, _) = guarded(&["::1", "127.0.0.1"]);
    let message = not_sent(client.send(&post(&url)));
    assert!(message.starts_with(&format!("nothing was sent to localhost:{port}: ")), "{message}");
    assert!(message.ends_with("1 is not for you"), "{message}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn every_connection_is_asked_for_and_the_proxy_is_one() {
    let server =
        Server::new(|connection| while connection.request().is_some() && connection.say(OK) {});
    let (client, asked) = guarded(&[]);
    for (fresh, times) in [(true, 1), (true, 2), (false, 3), (false, 3)] {
        client.send(&Request { fresh, ..post(&server.url("/")) }).unwrap();
        // A connection that is used again was asked for when it was made, or is asked for anew.
        assert!(asked.lock().unwrap().len() >= times);
    }
    let refuses: Refuses = Arc::new(|address| Some(format!("{address} is not for you")));
    let proxy = Some(format!("http://{}", server.address));
    let options = Options { refuses: Some(refuses), proxy, ..Options::default() };
    let message = not_sent(Client::new(&options).unwrap().send(&post("http://hoster.example/")));
    assert!(message.ends_with("127.0.0.1 is not for you"), "{message}");
}

#[test]
fn a_reply_that_is_cut_is_whole_and_its_connection_is_closed() {
    let lengths = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000\r\n".to_owned();
    for head in [lengths(10 << 20), chunk, "HTTP/1.1 200 OK\r\n\r\n".to_owned()] {
        let (closed, told) = std::sync::mpsc::channel();
        let closed = Mutex::new(closed);
        let server = Server::new(move |connection| {
            connection.request();
            connection.say(&head);
            while connection.say([b'x'; 1 << 10]) {}
            closed.lock().unwrap().send(()).unwrap();
        });
        let client = client();
        for fresh in [true, false] {
            let request = Request { cut: Some(1_000), fresh, ..post(&server.url("/")) };
            assert_eq!(client.send(&request).unwrap().body, [b'x'; 1_000]);
            told.recv_timeout(Duration::from_secs(20)).unwrap();
        }
    }
}

#[test]
fn a_reply_that_is_no_longer_than_the_cut_is_as_good_as_ever() {
    let server = Server::answering(OK);
    for (cut, body) in [(6, "hello"), (5, "hello"), (4, "hell"), (0, "")] {
        let request = Request { cut: Some(cut), ..post(&server.url("/")) };
        assert_eq!(client().send(&request).unwrap().body, body.as_bytes());
    }
    let broken = Server::answering(&OK[..OK.len() - 1]);
    unknown(client().send(&Request { cut: Some(5), ..post(&broken.url("/")) }));
    let enough = Request { cut: Some(4), ..post(&broken.url("/")) };
    assert_eq!(client().send(&enough).unwrap().body, b"hell");
}
