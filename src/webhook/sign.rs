//! How a receiver knows that a message is ours: by a secret that both know.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::mac::hmac_sha256;
use crate::secret::Secret;

/// What a secret of [Standard Webhooks] begins with; the base64 of the key follows.
///
/// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const PREFIX: &str = "whsec_";

/// What the keys of its asymmetric signatures begin with; as texts they would sign, and no receiver
/// would know what with.
const ASYMMETRIC: [&str; 2] = ["whsk_", "whpk_"];

/// How many bytes such a key may have.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// How many bytes a key of ours has, as many as the hash.
const OUR_KEY_LENGTH: usize = 32;

/// Returns the value of `webhook-signature`: one signature of the id, the time and the body for each
/// secret, so that a receiver finds the one that it can verify.
///
/// `id` must hold no dot.
///
/// # Errors
/// What is wrong with a secret, see [`check`].
pub(crate) fn standard(
    secrets: &[&Secret],
    id: &str,
    at: Timestamp,
    body: &str,
) -> Result<String, String> {
    let signed = format!("{id}.{}.{body}", at.as_second());
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| Ok(format!("v1,{}", code(&key(secret)?, &signed))))
        .collect::<Result<_, String>>()?;
    Ok(signatures.join(" "))
}

/// Returns the value of `X-CS-Signature`: of the body alone, by the secret's text as it stands.
///
/// Apache `CloudStack` signs so (`WebhookDeliveryThread.java`).
pub(crate) fn cloudstack(secret: &Secret, body: &str) -> String {
    code(secret.expose().as_bytes(), body)
}

/// Says what is wrong with a secret, without repeating any of it.
///
/// Some libraries of receivers take whatever stands behind `whsec_` for base64 and make some key of
/// it, so a mistake there must not get as far as a signature.
///
/// # Errors
/// One sentence.
pub(crate) fn check(secret: &Secret) -> Result<(), String> {
    key(secret).map(drop)
}

/// Makes a secret: `whsec_` and the base64 of 32 random bytes.
///
/// # Errors
/// One sentence, where the kernel gives no random bytes.
pub(crate) fn generate() -> Result<Secret, String> {
    let mut bytes = [0; OUR_KEY_LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(Secret::from(format!("{PREFIX}{}", STANDARD.encode(bytes))))
}

/// The bytes that a secret stands for.
fn key(secret: &Secret) -> Result<Vec<u8>, String> {
    let text = secret.expose();
    if let Some(encoded) = text.strip_prefix(PREFIX) {
        let key = STANDARD
            .decode(encoded)
            .map_err(|_| format!("what follows `{PREFIX}` is not base64 with its padding"))?;
        if !KEY_LENGTH.contains(&key.len()) {
            let (least, most) = (KEY_LENGTH.start(), KEY_LENGTH.end());
            return Err(format!(
                "what follows `{PREFIX}` is the base64 of {} bytes, and {least} to {most} are right",
                key.len()
            ));
        }
        return Ok(key);
    }
    if let Some(prefix) = ASYMMETRIC.into_iter().find(|prefix| text.starts_with(prefix)) {
        return Err(format!("`{prefix}…` is a key for signatures that are not made here"));
    }
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.trim() != text || text.contains(|character: char| character.is_control()) {
        return Err("it has white space at an end, or a control character".to_owned());
    }
    Ok(text.as_bytes().to_vec())
}

/// The base64 of HMAC-SHA256.
fn code(key: &[u8], text: &str) -> String {
    STANDARD.encode(hmac_sha256(key, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Confirmed with the packages standardwebhooks 1.1.0 and svix 2.9.1 of `PyPI`.
    #[test]
    fn the_signature_is_the_one_that_foreign_verifiers_take() {
        let known = secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3");
        let plain = secret("plain secret");
        let value = standard(&[&known], "msg_1", at(1_700_000_000), "{\"a\":1}").unwrap();
        assert_eq!(value, "v1,WUgAXU8H0NQ1/7M+TtMwKma2b74a3/TCgekiM3YUdN8=");
        let both = standard(&[&plain, &known], "msg_1", at(1_700_000_000), "{\"a\":1}").unwrap();
        let signatures: Vec<&str> = both.split(' ').collect();
        assert_eq!((signatures.len(), signatures[1]), (2, value.as_str()));
        assert_ne!(signatures[0], value);
    }

    /// Confirmed with `openssl dgst -sha256 -hmac topsecret -binary | base64`.
    #[test]
    fn the_signature_of_cloudstack_is_of_the_body_alone() {
        let value = cloudstack(&secret("topsecret"), "{\"event\":\"order.finished\"}");
        assert_eq!(value, "0e+2ufTnifhdNUE7KzJbmDc8TQrstOZrYf+LjhpPvvA=");
    }

    #[test]
    fn a_time_is_signed_in_whole_seconds() {
        let known = secret("plain");
        let late = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
        let both = [at(1_700_000_000), late].map(|at| standard(&[&known], "m", at, "").unwrap());
        assert_eq!(both[0], both[1]);
    }

    #[test]
    fn a_malformed_secret_is_refused_and_not_repeated() {
        let canary = "canarycanarycanarycanarycanarycanary";
        for text in [
            String::new(),
            format!(" {canary}"),
            format!("{canary}\n"),
            format!("ca\0{canary}"),
            "whsec_".to_owned(),
            format!("whsec_{canary}!"),
            format!("whsec_{canary}="),
            // 23 and 65 bytes
            format!("whsec_{}", STANDARD.encode([7; 23])),
            format!("whsec_{}", STANDARD.encode([7; 65])),
            // without its padding, and in the alphabet of URLs
            "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3OA".to_owned(),
            "whsec_-_-_MzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned(),
            format!("whsk_{canary}"),
            format!("whpk_{canary}"),
        ] {
            let why = check(&secret(&text)).unwrap_err();
            assert!(!why.contains("canary") && !why.contains("MDEy"), "{text}: {why}");
        }
        for text in [STANDARD.encode([7; 24]), STANDARD.encode([7; 64])] {
            check(&secret(&format!("whsec_{text}"))).unwrap();
        }
        check(&secret("any other text, Ünicode too")).unwrap();
    }

    #[test]
    fn secrets_that_are_made_are_well_formed_and_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        check(&one).unwrap();
        assert_eq!(key(&one).unwrap().len(), OUR_KEY_LENGTH);
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn a_secret_is_its_own_text_or_the_base64_of_a_key(text in "(whsec_)?[ -~é]{0,90}") {
            match key(&secret(&text)) {
                Ok(key) if text.starts_with(PREFIX) => {
                    prop_assert!(KEY_LENGTH.contains(&key.len()));
                    prop_assert_eq!(format!("{PREFIX}{}", STANDARD.encode(key)), text);
                }
                Ok(key) => prop_assert_eq!(key, text.into_bytes()),
                Err(why) => prop_assert!(text.len() < 8 || !why.contains(&text), "{}", why),
            }
        }
    }
}
