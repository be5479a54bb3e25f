//! JSON Web Tokens that state who we are: [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519), in the
//! compact form of RFC 7515, section 7.1. The clock is passed in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::SigningKey;
use crate::clock::Timestamp;
use crate::definition::http::JwtAlgorithm;

/// What is stated, besides the times.
pub(super) struct Statement {
    pub(super) algorithm: JwtAlgorithm,
    /// Its header without `alg` and `typ`.
    pub(super) header: Map<String, Value>,
    /// Its claims without `iat` and `exp`.
    pub(super) claims: Map<String, Value>,
    /// For how long it is good, in seconds.
    pub(super) lifetime: u32,
}

/// Returns the signed statement.
///
/// # Errors
/// Why the key cannot sign it.
pub(super) fn assertion(
    statement: Statement,
    key: &SigningKey,
    now: Timestamp,
) -> Result<String, String> {
    let algorithm = statement.algorithm;
    let text = unsigned(statement, now);
    let signature = key.sign(algorithm, text.as_bytes())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns a statement as it is signed: header and claims.
pub(super) fn unsigned(statement: Statement, now: Timestamp) -> String {
    let Statement { algorithm, mut header, mut claims, lifetime } = statement;
    let algorithm = match algorithm {
        JwtAlgorithm::Ps256 => "PS256",
        JwtAlgorithm::Rs256 => "RS256",
    };
    header.insert("alg".to_owned(), algorithm.into());
    header.insert("typ".to_owned(), "JWT".into());
    let now = now.as_second();
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), now.saturating_add(lifetime.into()).into());
    let encoded =
        |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    format!("{}.{}", encoded(header), encoded(claims))
}

#[cfg(test)]
mod tests;
