//! Looks whether a request is signed as its API wants it, from what came over the wire alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dialect::ec2;
use super::mode::{Auth, Mode};
use super::request::Seen;
use super::{LOGIN_PASSWORD, TOKEN, USER};

/// What stands before the paths of a hoster that has its servers elsewhere.
pub(crate) const ELSEWHERE: &str = "/elsewhere/v2";

/// The region for which requests are signed.
const REGION: &str = "north";

/// The public key that belongs to [`super::PRIVATE_KEY`].
const PUBLIC_KEY: &str = include_str!("../../../samples/keys/rfc7515-public.pem");

/// How many bytes of a public key in PEM, decoded, stand before what is the key (RFC 8017,
/// appendix A.1.1): the name of its algorithm.
const BEFORE_KEY: usize = 24;

/// Returns a request as other hosters would have got it.
pub(super) fn plain(mode: &Mode, seen: &Seen) -> Seen {
    let auth = mode.auth;
    let mut plain = seen.clone();
    if auth == Auth::Chain {
        plain.path = seen.path.replacen(ELSEWHERE, "", 1);
    }
    if let Some(dialect) = mode.dialect {
        return dialect.request(seen);
    }
    if matches!(auth, Auth::Cloudstack | Auth::AwsSigv4) && seen.method == "POST" {
        let form: BTreeMap<String, String> = seen.parameters().into_iter().collect();
        plain.body = json!(form).to_string().into_bytes();
    }
    plain
}

/// Returns whether a request is signed as `CloudStack` wants it: the secret key is [`TOKEN`].
pub(super) fn is_cloudstacks(seen: &Seen) -> bool {
    let all: BTreeMap<String, String> = seen.parameters().into_iter().collect();
    let mut text = String::new();
    for (name, value) in all.iter().filter(|(name, _)| *name != "signature") {
        let mut encoded = String::new();
        for byte in value.bytes() {
            match byte {
                b'.' | b'-' | b'*' | b'_' => encoded.push(byte.into()),
                _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
                _ => write!(encoded, "%{byte:02X}").unwrap(),
            }
        }
        write!(text, "{}{name}={encoded}", if text.is_empty() { "" } else { "&" }).unwrap();
    }
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, text.to_lowercase().as_bytes()));
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ+0000").to_string();
    let text = |name: &str| all.get(name).map(String::as_str);
    text("apiKey") == Some(LOGIN_PASSWORD)
        && text("signature") == Some(&signature)
        && text("signatureVersion") == Some("3")
        && text("expires").is_some_and(|end| *end > *now)
}

/// Returns whether a request is signed by Signature Version 4: the secret key is [`TOKEN`].
pub(super) fn is_sigv4(mode: &Mode, seen: &Seen) -> bool {
    let (region, service) = if mode.dialect.is_some() { ec2::SCOPE } else { (REGION, "fake") };
    let header = |name: &str| seen.headers.get(name).map_or("", String::as_str);
    let Some(rest) = header("authorization").strip_prefix("AWS4-HMAC-SHA256 ") else {
        return false;
    };
    let fields: BTreeMap<&str, &str> =
        rest.split(", ").filter_map(|field| field.split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let names: Vec<&str> = field("SignedHeaders").split(';').collect();
    // What must be signed, as the vendor says.
    let must = ["host", "x-amz-date"]
        .iter()
        .chain(header("content-type").get(..1).map(|_| &"content-type"));
    if !must.into_iter().all(|name| names.contains(name)) {
        return false;
    }
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable_by_key(|pair| pair.split_once('='));
    let headers: Vec<String> =
        names.iter().map(|name| format!("{name}:{}\n", header(name))).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        seen.method,
        path.replace('%', "%25"),
        pairs.join("&"),
        headers.concat(),
        names.join(";"),
        hex(&Sha256::digest(&seen.body)),
    );
    let time = header("x-amz-date");
    let day = time.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let hash = hex(&Sha256::digest(&canonical));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let mut key = format!("AWS4{TOKEN}").into_bytes();
    for part in [day, region, service, "aws4_request", &text] {
        key = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    let now = jiff::Timestamp::now();
    let near = |minutes: i64| {
        let at = now + jiff::SignedDuration::from_mins(minutes);
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    field("Credential") == format!("{LOGIN_PASSWORD}/{scope}")
        && field("Signature") == hex(&key)
        && (near(-5)..near(5)).contains(&time.to_owned())
}

/// Returns whether a login has a statement that was signed with [`super::PRIVATE_KEY`], by PS256.
pub(super) fn is_statement(seen: &Seen) -> bool {
    let all: BTreeMap<String, String> = seen.parameters().into_iter().collect();
    let assertion = all.get("assertion").map_or("", String::as_str);
    let Some((signed, signature)) = assertion.rsplit_once('.') else { return false };
    let Some((header, claims)) = signed.split_once('.') else { return false };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let read = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap_or_default();
    let lines = PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = STANDARD.decode(lines).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &der[BEFORE_KEY..]);
    let (header, claims, now) = (read(header), read(claims), jiff::Timestamp::now().as_second());
    key.verify(signed.as_bytes(), &decoded(signature)).is_ok()
        && header == json!({ "alg": "PS256", "typ": "JWT", "kid": "key-1" })
        && claims["iss"] == USER
        && claims["iat"].as_i64().is_some_and(|at| (now - 60..=now).contains(&at))
        && claims["exp"].as_i64() == claims["iat"].as_i64().map(|at| at + 600)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
