//! Keeps secrets out of what receivers say: some repeat what they were sent.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::file::Webhook;
use super::kinds;
use super::message::Target;
use crate::clock::Timestamp;
use crate::delivery::Verdict;
use crate::expression::{percent_decoded, percent_encoded};
use crate::http::Reply;
use crate::secret::Secret;

/// What stands in the place of a secret.
const HIDDEN: &str = "HIDDEN";

/// The shortest text that is taken for a secret; less would only blot out words.
const SHORTEST: usize = 4;

/// The shortest part of a secret that is taken for one by itself, so that `Bearer` is none.
const SHORTEST_PART: usize = 8;

/// Knows the secrets of a webhook.
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Learns every secret of a webhook, in each form in which it is sent.
    ///
    /// `sent` are the message's own headers: those of a template are made of secrets, and no longer
    /// hold them as they stand.
    pub(crate) fn of(target: &Target, sent: &[(String, String)]) -> Self {
        let webhook = &target.webhook;
        let mut secrets = Vec::new();
        let signing = target.secrets.iter().map(|(secret, _)| secret);
        for secret in signing.chain(target.variables.values()).chain(&target.token) {
            secrets.push(secret.expose().to_owned());
        }
        let written = webhook.headers.values().map(Secret::expose);
        for header in written.chain(sent.iter().map(|(_, value)| value.as_str())) {
            secrets.push(header.to_owned());
            let parts = header.split_whitespace();
            secrets.extend(parts.filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned));
        }
        webhook.params.0.values().for_each(|value| leaves(value, &mut secrets));
        in_url(target.url.expose(), webhook.url_file.is_some(), &mut secrets);
        // As templates write them, and the login of Azure.
        let encoded = target.variables.values().map(|secret| STANDARD.encode(secret.expose()));
        secrets.extend(encoded);
        let login = target.token.iter();
        secrets.extend(login.map(|token| STANDARD.encode(format!(":{}", token.expose()))));
        let others: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        secrets.extend(others);
        secrets.retain(|secret| secret.len() >= SHORTEST);
        // The longest first: one may be part of another.
        secrets.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        secrets.dedup();
        Self(secrets)
    }

    /// Returns a text without the secrets. A text that is to be cut is cut afterwards: half a secret
    /// is not found.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }

    /// Says what a reply means, in words without the secrets.
    ///
    /// The words hold the beginning of what the receiver says, so they are taken of a reply without
    /// secrets. Whether the delivery arrived is judged by the reply as it came: a part of it, such as
    /// the number of a run, may look like a secret.
    pub(crate) fn judge(&self, webhook: &Webhook, reply: &Reply, now: Timestamp) -> Verdict {
        let judge = |body: &[u8]| kinds::judge(webhook, reply.status, &reply.headers, body, now);
        // Written anew: then each text is in the form that is known, however the receiver wrote it.
        let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let told = judge(self.hide(&said.to_string()).as_bytes());
        judge(&reply.body).in_words(|why| self.hide(told.why().unwrap_or(&why)))
    }
}

/// A text as it stands in a form, and between the quotation marks of JSON: as serde writes it, and as
/// others do, with `/` as `\/`, or all but ASCII as `\uXXXX`, or both.
fn forms(secret: &str) -> [String; 5] {
    let quoted = Value::from(secret).to_string();
    let json = quoted.trim_matches('"');
    let ascii = in_ascii(json);
    let escaped = |text: &str| text.replace('/', r"\/");
    [percent_encoded(secret), escaped(json), escaped(&ascii), json.to_owned(), ascii]
}

/// A text of JSON in ASCII alone: beyond it each unit of UTF-16 is an escape (RFC 8259 section 7).
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
            _ => {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// The texts and numbers in a parameter.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| leaves(one, into)),
        Value::Object(object) => object.values().for_each(|one| leaves(one, into)),
        Value::Number(number) => into.push(number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// What is secret in a URL: the login and the values of the query, and where the URL comes from a
/// file, the path too.
fn in_url(url: &str, whole: bool, into: &mut Vec<String>) {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let (authority, rest) = behind.split_at(behind.find(['/', '?']).unwrap_or(behind.len()));
    let decoded = |text: &str| String::from_utf8_lossy(&percent_decoded(text)).into_owned();
    if let Some((login, _)) = authority.rsplit_once('@') {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        into.push(STANDARD.encode(format!("{}:{}", decoded(user), decoded(password))));
        into.push(decoded(password));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    for value in values {
        into.push(value.to_owned());
        into.push(decoded(&value.replace('+', " ")));
    }
    if whole {
        into.push(path.to_owned());
        let parts = path.split('/').filter(|part| part.len() >= SHORTEST_PART);
        into.extend(parts.flat_map(|part| [part.to_owned(), decoded(part)]));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::EventType;
    use crate::webhook::kinds::samples;
    use crate::webhook::message::Message;

    /// What a receiver that repeats everything says.
    fn echo(made: &Message) -> String {
        let decoded = |text: &str| String::from_utf8_lossy(&percent_decoded(text)).into_owned();
        let mut said =
            format!("{}\n{}\n{}\n{}", made.url, decoded(&made.url), made.body, decoded(&made.body));
        let ours = made.headers.iter().map(|(name, value)| (*name, value));
        let own = made.own_headers.iter().map(|(name, value)| (name.as_str(), value));
        for (name, value) in ours.chain(own) {
            said.extend(["\n", name, ": ", value]);
        }
        said
    }

    #[test]
    fn a_receiver_that_repeats_everything_gives_no_secret_away() {
        for keys in [
            json!({ "kind": "generic", "url": "http://al:canary-1@h/a?k=canary%202&x=1",
                    "headers": { "X-Key": "Bearer canary-33" }, "secrets": [{ "value": "canary-4" }] }),
            json!({ "kind": "solusvm2", "params": { "a": "canary \"5", "b": { "c": ["canary-6"] } } }),
            json!({ "kind": "azure-pipelines", "organization": "o", "project": "p", "pipeline_id": 1,
                    "token_file": "t", "secret_variables": { "A": "f" } }),
            json!({ "kind": "gitlab-ci", "project_id": 1, "ref": "main", "token_file": "t",
                    "secret_variables": { "A": "f" } }),
            json!({ "kind": "template", "secret_variables": { "A": "f" },
                    "form": { "a": "{{ variables.A }}", "b": "{{ variables.A | base64 }}" },
                    "headers": { "Authorization": "Basic {{ ('u:' ~ variables.A) | base64 }}" } }),
        ] {
            let mut target = samples::target(keys);
            let secret = Secret::from("canary \"7/é\n".to_owned());
            target.token = target.token.map(|_| secret.clone());
            target.variables.values_mut().for_each(|value| {
                *value = Secret::from("canary 8&".to_owned());
            });
            let made = samples::message(&target, EventType::Finished);
            let said = Mask::of(&target, &made.own_headers).hide(&echo(&made));
            assert!(!said.contains("canary"), "{said}");
            let login = format!(":{}", secret.expose());
            for encoded in [login.as_str(), "al:canary-1", "u:canary 8&", "canary 8&"] {
                assert!(!said.contains(&STANDARD.encode(encoded)), "{encoded}: {said}");
            }
            assert!(said.contains(HIDDEN));
        }
    }

    #[test]
    fn the_path_of_a_url_is_hidden_where_it_comes_from_a_file() {
        let keys = json!({ "kind": "generic", "url_file": "f" });
        let mut target = samples::target(keys);
        target.url = Secret::from("https://h.example/bot12345:canary/sendMessage".to_owned());
        let mask = Mask::of(&target, &[]);
        let said = mask.hide("no such bot12345:canary on h.example");
        assert_eq!(said, "no such HIDDEN on h.example");
        target.webhook.url_file = None;
        assert_eq!(Mask::of(&target, &[]).hide("bot12345:canary"), "bot12345:canary");
    }

    /// What a webhook of `GitLab` knows whose token is this.
    fn knowing(token: &str) -> (Target, Mask) {
        let keys =
            json!({ "kind": "gitlab-ci", "project_id": 1, "ref": "main", "token_file": "t" });
        let mut target = samples::target(keys);
        target.token = Some(Secret::from(token.to_owned()));
        let mask = Mask::of(&target, &[]);
        (target, mask)
    }

    fn reply(status: u16, body: String) -> Reply {
        let (headers, cookies) = (BTreeMap::new(), BTreeMap::new());
        Reply { status, headers, cookies, body: body.into_bytes() }
    }

    #[test]
    fn a_secret_is_found_however_json_is_written() {
        let (_, mask) = knowing("a/\"é\u{1f600}");
        for said in [
            "a/\\\"é\u{1f600}",
            "a\\/\\\"é\u{1f600}",
            r#"a/\"\u00e9\ud83d\ude00"#,
            r#"a\/\"\u00e9\ud83d\ude00"#,
        ] {
            assert_eq!(mask.hide(said), HIDDEN, "{said}");
        }
    }

    #[test]
    fn a_secret_is_hidden_before_a_message_is_cut_or_put_into_one_line() {
        let (target, mask) = knowing("canary  token/é");
        let long = "x".repeat(290);
        for secret in ["canary  token/é", r"canary  token\/\u00e9", r"\u0063anary  token/\u00E9"] {
            let reply = reply(400, format!(r#"{{"message":"{long} {secret}"}}"#));
            let verdict = mask.judge(&target.webhook, &reply, samples::now());
            let why = format!("answered with status 400: {long} {HIDDEN}");
            assert_eq!(verdict, Verdict::Refused { why });
        }
    }

    /// A run that has begun must not be begun once more.
    #[test]
    fn what_looks_like_a_secret_does_not_change_what_a_reply_means() {
        let keys = json!({ "kind": "azure-pipelines", "organization": "o", "project": "p",
                           "pipeline_id": 1, "token_file": "t", "secret_variables": { "PIN": "f" } });
        let mut target = samples::target(keys);
        target.variables.values_mut().for_each(|pin| *pin = Secret::from("1234".to_owned()));
        let reply = reply(200, r#"{"id":12345}"#.to_owned());
        let verdict = Mask::of(&target, &[]).judge(&target.webhook, &reply, samples::now());
        assert_eq!(verdict, Verdict::Delivered);
    }

    proptest! {
        #[test]
        fn what_holds_no_secret_stays_as_it_is(text in "[a-m ]*", secret in "[n-z]{0,9}") {
            let keys = json!({ "kind": "solusvm2", "params": { "a": secret.as_str() } });
            let mask = Mask::of(&samples::target(keys), &[]);
            prop_assert_eq!(mask.hide(&text), text.clone());
            let hidden = if secret.len() < SHORTEST { secret.as_str() } else { HIDDEN };
            prop_assert_eq!(mask.hide(&format!("{text}{secret}")), format!("{text}{hidden}"));
        }
    }
}
