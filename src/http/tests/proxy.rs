//! A proxy stands between: what it does not pass on was not sent.

use super::*;

fn through(proxy: &str) -> Client {
    Client::new(&Options { proxy: Some(proxy.to_owned()), ..Options::default() }).unwrap()
}

/// A proxy that connects whoever asks, and then passes bytes.
fn relay() -> Server {
    Server::new(|connection| {
        let request = connection.request().unwrap();
        connection.say("HTTP/1.1 200 Connection established\r\n\r\n");
        connection.relay(request.split(' ').nth(1).unwrap());
    })
}

#[test]
fn requests_go_through_a_tunnel_of_the_proxy() {
    let (proxy, server) = (relay(), Server::answering(OK));
    let url = format!("http://name:canary@{}", proxy.address);
    assert_eq!(through(&url).send(&post(&server.url("/"))).unwrap().body, b"hello");
    let asked = proxy.requests().remove(0);
    assert!(asked.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address)), "{asked}");
    assert!(asked.contains("\r\nProxy-Authorization: Basic bmFtZTpjYW5hcnk=\r\n"), "{asked}");
    assert!(asked.contains(&format!("\r\nUser-Agent: {USER_AGENT}\r\n")), "{asked}");
    assert!(!asked.contains("Bearer"), "{asked}");
    let told = server.requests().remove(0);
    assert!(!told.to_lowercase().contains("proxy"), "{told}");
}

#[test]
fn a_proxy_that_cannot_be_reached_or_refuses_passed_nothing_on() {
    let address = nobody();
    let message = not_sent(through(&format!("http://a:canary@{address}")).send(&post("http://h/")));
    assert!(message.starts_with(&format!("nothing was sent to h through proxy {address}: ")));
    for answer in ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 502 No\r\n\r\n", "", "HTTP/1.1 20", "?\r\n"]
    {
        let proxy = Server::answering(answer);
        let client = through(&format!("http://{}", proxy.address));
        not_sent(client.send(&post("http://hoster.example/")));
        unknown(client.send(&get("http://hoster.example/")));
    }
}

#[test]
fn a_proxy_that_drips_is_given_up_when_time_is_up() {
    let proxy = Server::new(|connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nX: ");
        while connection.say("x") {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let begin = Instant::now();
    let timeout = Duration::from_millis(300);
    let request = Request { timeout, ..post("http://hoster.example/") };
    not_sent(through(&format!("http://{}", proxy.address)).send(&request));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[test]
fn what_went_into_the_tunnel_may_have_arrived() {
    let (proxy, server) = (relay(), Server::answering(""));
    let client = through(&format!("http://{}", proxy.address));
    unknown(client.send(&post(&server.url("/"))));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn tls_goes_through_the_tunnel_and_fails_before_anything_is_sent() {
    let server = Server::new(|connection| connection.look());
    let proxy = relay();
    let client = through(&format!("http://{}", proxy.address));
    not_sent(client.send(&post(&tls::https(&server))));
    assert_eq!((proxy.requests().len(), server.connections()), (1, 1));
}

#[test]
fn a_proxy_of_another_kind_is_refused() {
    for url in ["socks5://a:canary@127.0.0.1:1", "ftp://canary", "", "http://[canary", "http://"] {
        let options = Options { proxy: Some(url.to_owned()), ..Options::default() };
        let problem = Client::new(&options).map(|_| ()).unwrap_err();
        assert!(problem.starts_with("it") && !problem.contains("canary"), "{url}: {problem}");
    }
}
