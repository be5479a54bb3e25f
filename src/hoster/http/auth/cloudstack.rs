//! Signatures of Apache `CloudStack`: HMAC-SHA1 of all parameters. Pure.
//!
//! <https://docs.cloudstack.apache.org/en/latest/developersguide/dev.html#how-to-sign-an-api-call-with-python>.
//! What counts is what the server itself makes of a request: `verifyRequest` in
//! <https://github.com/apache/cloudstack/blob/02182a1572a1/server/src/main/java/com/cloud/api/ApiServer.java>.
//! It sorts the names as they are, encodes the values as Java does, so `*` stays and `~` does not,
//! and puts the whole into small letters only then.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::parts::{Pairs, Parts, is_form, java_encoded, pairs, written};
use crate::clock::Timestamp;
use crate::http::Request;
use crate::mac::hmac_sha1;

/// Who signs, and for how long.
pub(super) struct Keys<'keys> {
    pub(super) api_key: &'keys str,
    pub(super) secret_key: &'keys str,
    /// For how many seconds the request is good; none is for ever.
    pub(super) expires: Option<u32>,
}

/// The names that are ours to set; the server takes them in any case of letters.
const OURS: [&str; 4] = ["apikey", "expires", "signature", "signatureversion"];

/// Adds to a request what says who sends it, to its form where it has one, else to its query;
/// returns the signature.
///
/// # Errors
/// What of the request cannot be signed.
pub(super) fn sign(
    request: &mut Request,
    keys: &Keys<'_>,
    now: Timestamp,
) -> Result<String, String> {
    let in_form = is_form(request);
    if request.body.is_some() && !in_form {
        return Err("a query or a form is signed, and no other body".to_owned());
    }
    let form = match &request.body {
        Some(body) => pairs(std::str::from_utf8(body).map_err(|_| "the form is not UTF-8")?)?,
        None => Vec::new(),
    };
    let url = Parts::of(&request.url);
    let query = pairs(url.query)?;
    let is_ours = |(name, _): &&(String, String)| OURS.contains(&name.to_lowercase().as_str());
    if let Some((name, _)) = query.iter().chain(&form).find(is_ours) {
        return Err(format!("parameter `{name}` is set by itself"));
    }
    let mut added = vec![("apiKey".to_owned(), keys.api_key.to_owned())];
    if let Some(seconds) = keys.expires {
        let end = now.saturating_add(Duration::from_secs(seconds.into())).unwrap_or(now);
        added.push(("signatureVersion".to_owned(), "3".to_owned()));
        added.push(("expires".to_owned(), end.strftime(EXPIRES).to_string()));
    }
    let all: Pairs = query.iter().chain(&form).chain(&added).cloned().collect();
    let signature = signature(&all, keys.secret_key)?;
    added.push(("signature".to_owned(), signature.clone()));
    // Written anew, so that there are no two ways to read it.
    let (mut query, mut form) = (query, form);
    if in_form { &mut form } else { &mut query }.extend(added);
    let mut rebuilt = format!("{}{}", url.origin, url.path);
    if !query.is_empty() {
        rebuilt = format!("{rebuilt}?{}", written(&query));
    }
    if in_form {
        request.body = Some(written(&form).into_bytes());
    }
    request.url = rebuilt;
    Ok(signature)
}

/// A time as every version of the server reads it, `parseTZDateString` in
/// <https://github.com/apache/cloudstack/blob/main/utils/src/main/java/com/cloud/utils/DateUtil.java>:
/// old ones know no other form.
const EXPIRES: &str = "%Y-%m-%dT%H:%M:%SZ+0000";

/// Returns the signature of parameters.
///
/// # Errors
/// The name of a parameter that stands there twice: the server signs the first one only.
fn signature(all: &[(String, String)], secret_key: &str) -> Result<String, String> {
    let mut sorted = BTreeMap::new();
    for (name, value) in all {
        if sorted.insert(utf16(name), (name, value)).is_some() {
            return Err(format!("parameter `{name}` must not stand there twice"));
        }
    }
    let text: Vec<String> = sorted
        .into_values()
        .map(|(name, value)| format!("{name}={}", java_encoded(value)))
        .collect();
    let text = text.join("&").to_lowercase();
    Ok(STANDARD.encode(hmac_sha1(secret_key.as_bytes(), text.as_bytes())))
}

/// Java compares texts by these.
fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[cfg(test)]
mod tests;
