//! A client that tells how an answer ended, for the tests of the hoster itself.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Hoster, TOKEN};

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was whole.
    Whole,
    /// The connection was closed before.
    Closed,
    /// The connection was reset before.
    Reset,
    /// Nothing more came for as long as the client waits.
    Silent,
}

/// What was heard of an answer.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

/// A connection.
pub(crate) struct Client(TcpStream);

impl Client {
    /// Connects to a hoster, and waits for `patience` for each part of an answer.
    ///
    /// # Errors
    /// Where the hoster is shut.
    pub(crate) fn connect(hoster: &Hoster, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", hoster.port()))?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self(stream))
    }

    /// Sends a request with these lines of header.
    pub(crate) fn send(&mut self, line: &str, headers: &[&str], body: &str) -> io::Result<()> {
        let mut text = format!("{line} HTTP/1.1\r\nHost: hoster\r\n");
        for header in headers {
            text.extend([header, "\r\n"]);
        }
        text.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        self.0.write_all(text.as_bytes())
    }

    /// Waits for something and returns it.
    #[track_caller]
    pub(crate) fn hear_some(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 4096];
        loop {
            match self.0.read(&mut buffer) {
                Ok(length) => return buffer[..length].to_vec(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    /// Reads one answer, as far as it goes.
    pub(crate) fn hear(&mut self) -> Heard {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if whole(&bytes) {
                return Heard { bytes, end: End::Whole };
            }
            let end = match self.0.read(&mut buffer) {
                Ok(0) => End::Closed,
                Ok(length) => {
                    bytes.extend_from_slice(&buffer[..length]);
                    continue;
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => continue,
                    ErrorKind::ConnectionReset => End::Reset,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => End::Silent,
                    kind => panic!("{kind}: {error}"),
                },
            };
            return Heard { bytes, end };
        }
    }
}

/// Returns whether `bytes` are a whole answer.
fn whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes[..head]);
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.map_or(0, |text| text.parse().expect("a length"));
    bytes.len() >= head + 4 + length
}

impl Heard {
    fn parts(&self) -> (String, &[u8]) {
        let end = self.bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("a header");
        (String::from_utf8_lossy(&self.bytes[..end]).into_owned(), &self.bytes[end + 4..])
    }

    /// Returns the status.
    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let head = self.parts().0;
        head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status")
    }

    /// Returns a header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.parts().0;
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// Returns the body.
    #[track_caller]
    pub(crate) fn body(&self) -> &[u8] {
        self.parts().1
    }

    /// Returns the body as JSON, or null where it is none.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body()).unwrap_or_default()
    }
}

/// Asks a hoster something by its token, on a connection of its own; returns status and body.
#[track_caller]
pub(crate) fn ask(hoster: &Hoster, line: &str, body: &Value) -> (u16, Value) {
    ask_with(hoster, line, &[&bearer()], &body.to_string())
}

/// Asks a hoster something with these lines of header; returns status and body.
#[track_caller]
pub(crate) fn ask_with(hoster: &Hoster, line: &str, headers: &[&str], body: &str) -> (u16, Value) {
    let mut client = Client::connect(hoster, Duration::from_secs(20)).expect("it is open");
    client.send(line, headers, body).expect("it listens");
    let heard = client.hear();
    assert_eq!(heard.end, End::Whole, "{heard:?}");
    (heard.status(), heard.json())
}

/// Returns the header that holds the token.
pub(crate) fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}")
}

/// Returns what asks for a small server.
pub(crate) fn wish(name: &str) -> Value {
    json!({ "name": name, "plan": "small", "image": "alma-9" })
}
