//! Message authentication codes: pure.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, Tag, sign};

/// Returns the HMAC-SHA1 of a text ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)), 20 bytes.
pub(crate) fn hmac_sha1(key: &[u8], text: &[u8]) -> Tag {
    // SHA-1 no longer keeps two texts apart; a code made with it still holds (RFC 6194, section 3.3).
    sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), text)
}

/// Returns the HMAC-SHA256 of a text (RFC 2104), 32 bytes.
pub(crate) fn hmac_sha256(key: &[u8], text: &[u8]) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text)
}
