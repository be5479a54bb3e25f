//! Signature Version 4 of AWS, with HMAC-SHA256 and in the header `authorization`. Pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
//! Of the services, S3 alone wants the path as it is and a header more; it is not meant here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::parts::{Pairs, Parts, pairs, written};
use crate::clock::Timestamp;
use crate::expression::percent_encoded;
use crate::http::{Method, Request};
use crate::mac::hmac_sha256;

/// Who signs, and what for.
pub(super) struct Keys<'keys> {
    pub(super) access_key: &'keys str,
    pub(super) secret_key: &'keys str,
    /// What belongs to a temporary key.
    pub(super) session_token: Option<&'keys str>,
    pub(super) service: &'keys str,
    pub(super) region: &'keys str,
}

/// Adds to a request what says who sends it; returns the signature.
///
/// # Errors
/// What of the request cannot be signed.
pub(super) fn sign(
    request: &mut Request,
    keys: &Keys<'_>,
    now: Timestamp,
) -> Result<String, String> {
    let url = Parts::of(&request.url);
    let query = canonical_query(pairs(url.query)?);
    let host = url.host.to_owned();
    let path = canonical_path(url.path);
    // Sent as it is signed: there is no other way to read it then.
    let mut rebuilt = format!("{}{}", url.origin, url.path);
    if !query.is_empty() {
        let _ = write!(rebuilt, "?{query}");
    }
    request.url = rebuilt;
    request.headers.retain(|(name, _)| !matches!(name.as_str(), "host" | "authorization"));
    request.headers.push(("host".to_owned(), host));
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    request.headers.push(("x-amz-date".to_owned(), time.clone()));
    if let Some(token) = keys.session_token {
        request.headers.push(("x-amz-security-token".to_owned(), token.to_owned()));
    }
    let is_signed =
        |name: &str| matches!(name, "host" | "content-type") || name.starts_with("x-amz-");
    let headers = request.headers.iter().filter(|(name, _)| is_signed(name));
    let body = request.body.as_deref().unwrap_or_default();
    let (canonical, names) = canonical(request.method, &path, &query, headers, body);
    let signature = signature(&canonical, &time, keys);
    let scope = scope(&time, keys);
    request.headers.push((
        "authorization".to_owned(),
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            keys.access_key
        ),
    ));
    Ok(signature)
}

/// Returns the canonical request, and the names of the headers that are signed.
fn canonical<'headers>(
    method: Method,
    path: &str,
    query: &str,
    headers: impl IntoIterator<Item = &'headers (String, String)>,
    body: &[u8],
) -> (String, String) {
    let mut sorted: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let known = sorted.entry(name.to_ascii_lowercase()).or_default();
        if !known.is_empty() {
            known.push(',');
        }
        known.push_str(&value);
    }
    let names = sorted.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let mut lines = String::new();
    for (name, value) in &sorted {
        let _ = writeln!(lines, "{name}:{value}");
    }
    let method = format!("{method:?}").to_ascii_uppercase();
    let hash = hex(&Sha256::digest(body));
    (format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}"), names)
}

/// Returns the signature of a canonical request.
fn signature(canonical: &str, time: &str, keys: &Keys<'_>) -> String {
    let text = text_to_sign(canonical, time, keys);
    let first = format!("AWS4{}", keys.secret_key);
    let mut key = hmac_sha256(first.as_bytes(), day(time).as_bytes());
    for part in [keys.region, keys.service, "aws4_request"] {
        key = hmac_sha256(key.as_ref(), part.as_bytes());
    }
    hex(hmac_sha256(key.as_ref(), text.as_bytes()).as_ref())
}

fn text_to_sign(canonical: &str, time: &str, keys: &Keys<'_>) -> String {
    let hash = hex(&Sha256::digest(canonical));
    format!("AWS4-HMAC-SHA256\n{time}\n{}\n{hash}", scope(time, keys))
}

fn scope(time: &str, keys: &Keys<'_>) -> String {
    format!("{}/{}/{}/aws4_request", day(time), keys.region, keys.service)
}

fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

/// Returns a query in order, of names and then of values, as they are written.
fn canonical_query(mut pairs: Pairs) -> String {
    pairs.sort_by_cached_key(|(name, value)| (percent_encoded(name), percent_encoded(value)));
    written(&pairs)
}

/// Returns a path without dots (RFC 3986, section 5.2.4) and empty segments, each segment encoded
/// once more than it is sent.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut canonical = String::new();
    for segment in &segments {
        canonical.push('/');
        canonical.push_str(&percent_encoded(segment));
    }
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if canonical.is_empty() || is_folder {
        canonical.push('/');
    }
    canonical
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
