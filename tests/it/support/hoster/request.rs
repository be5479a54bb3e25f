//! A request, as it was read.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::time::Instant;

use serde_json::Value;

use super::fault::Verb;

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// A request that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) path: String,
    /// The headers, their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// When it had been read.
    pub(crate) at: Instant,
}

impl Seen {
    /// Reads a request; none where the client has closed the connection between two of them.
    ///
    /// # Errors
    /// Where the connection ends within the request, or it is none.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(line) = read_line(from)? else {
            return Ok(None);
        };
        let mut words = line.split(' ');
        let (Some(method), Some(path), Some("HTTP/1.1"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(io::Error::other(format!("no request line: {line}")));
        };
        let mut headers = BTreeMap::new();
        loop {
            let line = read_line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        assert_eq!(headers.get("transfer-encoding"), None, "bodies come with their length");
        let length = headers.get("content-length").map_or(Ok(0), |text| text.parse());
        let length: usize = length.map_err(io::Error::other)?;
        assert!(length <= LARGEST_BODY, "a body of {length} bytes");
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        let (method, path) = (method.to_owned(), path.to_owned());
        Ok(Some(Self { method, path, headers, body, at: Instant::now() }))
    }

    /// Returns what it is about.
    pub(crate) fn verb(&self) -> Verb {
        Verb::of(&self.method, &self.path)
    }

    /// Returns whether its client wants the connection closed after the answer.
    pub(crate) fn is_the_last(&self) -> bool {
        self.headers.get("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Returns the body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the id of the server that the path names.
    pub(crate) fn server(&self) -> Option<u64> {
        let path = self.path.split('?').next()?;
        path.strip_prefix("/servers/")?.split('/').next()?.parse().ok()
    }

    /// Returns a value of the query, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        pairs(query).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the pairs of the query and of the form, decoded.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let kind = self.headers.get("content-type").map_or("", String::as_str);
        let is_form = kind == "application/x-www-form-urlencoded";
        let form = String::from_utf8_lossy(if is_form { &self.body } else { &[] });
        pairs(query).into_iter().chain(pairs(&form)).collect()
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Reads a line without its end; none where there is nothing more.
fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if from.take(64 * 1024).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Some(line.to_owned()))
}
