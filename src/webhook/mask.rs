//! Keeps secrets out of what receivers say: some repeat what they were sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::message::Target;
use crate::expression::{percent_decoded, percent_encoded};

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
    pub(crate) fn of(target: &Target) -> Self {
        let webhook = &target.webhook;
        let mut secrets = Vec::new();
        let signing = target.secrets.iter().map(|(secret, _)| secret);
        for secret in signing.chain(target.variables.values()).chain(&target.token) {
            secrets.push(secret.expose().to_owned());
        }
        for header in webhook.headers.values() {
            secrets.push(header.expose().to_owned());
            let parts = header.expose().split_whitespace();
            secrets.extend(parts.filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned));
        }
        webhook.params.0.values().for_each(|value| leaves(value, &mut secrets));
        in_url(target.url.expose(), webhook.url_file.is_some(), &mut secrets);
        // As they stand in a form, in JSON and in the login of Azure.
        let login =
            target.token.iter().map(|token| STANDARD.encode(format!(":{}", token.expose())));
        let login: Vec<String> = login.collect();
        let mut forms: Vec<String> = secrets.iter().map(|secret| percent_encoded(secret)).collect();
        forms.extend(secrets.iter().map(|secret| {
            let quoted = Value::from(secret.as_str()).to_string();
            quoted.trim_matches('"').to_owned()
        }));
        secrets.extend(forms.into_iter().chain(login));
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::EventType;
    use crate::secret::Secret;
    use crate::webhook::kinds::samples;

    /// What a receiver that repeats everything says.
    fn echo(target: &Target) -> String {
        let made = samples::message(target, EventType::Finished);
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
            json!({ "kind": "template", "form": { "a": "{{ variables.A }}" },
                    "headers": { "X-Key": "{{ variables.A }}" }, "secret_variables": { "A": "f" } }),
        ] {
            let mut target = samples::target(keys);
            let secret = Secret::from("canary \"7/é\n".to_owned());
            target.token = target.token.map(|_| secret.clone());
            target.variables.values_mut().for_each(|value| {
                *value = Secret::from("canary 8&".to_owned());
            });
            let said = Mask::of(&target).hide(&echo(&target));
            let login = STANDARD.encode(format!(":{}", secret.expose()));
            assert!(!said.contains("canary") && !said.contains(&login), "{said}");
            assert!(!said.contains(&STANDARD.encode("al:canary-1")), "{said}");
            assert!(said.contains(HIDDEN));
        }
    }

    #[test]
    fn the_path_of_a_url_is_hidden_where_it_comes_from_a_file() {
        let keys = json!({ "kind": "generic", "url_file": "f" });
        let mut target = samples::target(keys);
        target.url = Secret::from("https://h.example/bot12345:canary/sendMessage".to_owned());
        let mask = Mask::of(&target);
        let said = mask.hide("no such bot12345:canary on h.example");
        assert_eq!(said, "no such HIDDEN on h.example");
        target.webhook.url_file = None;
        assert_eq!(Mask::of(&target).hide("bot12345:canary"), "bot12345:canary");
    }

    proptest! {
        #[test]
        fn what_holds_no_secret_stays_as_it_is(text in "[a-m ]*", secret in "[n-z]{0,9}") {
            let keys = json!({ "kind": "solusvm2", "params": { "a": secret.as_str() } });
            let mask = Mask::of(&samples::target(keys));
            prop_assert_eq!(mask.hide(&text), text.clone());
            let hidden = if secret.len() < SHORTEST { secret.as_str() } else { HIDDEN };
            prop_assert_eq!(mask.hide(&format!("{text}{secret}")), format!("{text}{hidden}"));
        }
    }
}
