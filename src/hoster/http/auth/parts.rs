//! The parts of what is sent, as signatures want them. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::expression::percent_encoded;
use crate::http::Request;

/// All but what Java's `URLEncoder` leaves as it is, the space aside:
/// <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/net/URLEncoder.html>.
const JAVA: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_');

/// Names and values, as they are meant.
pub(super) type Pairs = Vec<(String, String)>;

/// A URL, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'url> {
    /// The scheme and the authority: `https://host:8443`.
    pub(super) origin: &'url str,
    /// What the header `host` says: without a port that is the scheme's own.
    pub(super) host: &'url str,
    /// The path, percent-encoded as it is sent, `/` at least.
    pub(super) path: &'url str,
    /// The query without its `?`, as it is.
    pub(super) query: &'url str,
}

impl<'url> Parts<'url> {
    /// Takes a URL apart; it has no fragment.
    pub(super) fn of(url: &'url str) -> Self {
        let (whole, query) = url.split_once('?').unwrap_or((url, ""));
        let start = whole.find("://").map_or(0, |at| at + 3);
        let end = whole[start..].find('/').map_or(whole.len(), |at| start + at);
        let (origin, path) = whole.split_at(end);
        let own = if origin.starts_with("https:") { ":443" } else { ":80" };
        let host = &origin[start..];
        Self {
            origin,
            host: host.strip_suffix(own).unwrap_or(host),
            path: if path.is_empty() { "/" } else { path },
            query,
        }
    }
}

/// Reads the pairs of a query or a form.
///
/// # Errors
/// That one is not UTF-8, by its name where that can be read.
pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).ok_or("the name of a parameter is not UTF-8")?;
            let value = decoded(value).ok_or_else(|| format!("parameter `{name}` is not UTF-8"))?;
            Ok((name, value))
        })
        .collect()
}

/// In queries as in forms a `+` is a space to whoever reads them
/// (<https://url.spec.whatwg.org/#urlencoded-parsing>).
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Writes pairs as a query or a form: all but unreserved characters is percent-encoded.
pub(super) fn written(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        format!("{}={}", percent_encoded(name), percent_encoded(value))
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Encodes a text as Java's `URLEncoder` does, but a space as `%20`.
pub(super) fn java_encoded(text: &str) -> String {
    utf8_percent_encode(text, JAVA).to_string()
}

/// Returns whether the body of a request is a form.
pub(super) fn is_form(request: &Request) -> bool {
    header(request, "content-type").is_some_and(|kind| {
        kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    })
}

/// Returns a header, by its name in small letters.
pub(super) fn header<'request>(request: &'request Request, name: &str) -> Option<&'request str> {
    let mut headers = request.headers.iter();
    headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_an_origin_a_host_a_path_and_a_query() {
        let cases = [
            ("https://a.example/v1/x?b=1&c", "https://a.example", "a.example", "/v1/x", "b=1&c"),
            ("https://a.example:443?b", "https://a.example:443", "a.example", "/", "b"),
            ("https://a.example:80/", "https://a.example:80", "a.example:80", "/", ""),
            ("http://[::1]:80/p", "http://[::1]:80", "[::1]", "/p", ""),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", "/", ""),
        ];
        for (url, origin, host, path, query) in cases {
            assert_eq!(Parts::of(url), Parts { origin, host, path, query }, "{url}");
        }
    }

    #[test]
    fn pairs_are_read_as_whoever_gets_them_reads_them() {
        let read = pairs("a=1+2&&b&c%5B0%5D=%C3%A4%2B=&=x").unwrap();
        let all = [("a", "1 2"), ("b", ""), ("c[0]", "ä+="), ("", "x")];
        assert_eq!(read, all.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(written(&read), "a=1%202&b=&c%5B0%5D=%C3%A4%2B%3D&=x");
        assert!(pairs("a=%FF").unwrap_err().contains("`a`"));
    }
}
