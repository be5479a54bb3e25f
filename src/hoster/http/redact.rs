//! Keeps secrets out of what hosters say: some repeat what they were sent.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::line::one_line;

/// The shortest text that is taken for a secret; less would only blot out words.
const SHORTEST: usize = 4;

/// How long a reason may be, in characters.
const LONGEST: usize = 400;

/// How many tokens of logins are remembered: those of requests that may still be under way.
const TOKENS: usize = 16;

/// Knows the secrets of an account.
pub(in crate::hoster) struct Redactor {
    secrets: Vec<String>,
    /// What logins have saved, the latest last.
    tokens: Mutex<VecDeque<String>>,
}

impl Redactor {
    pub(in crate::hoster) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect();
        Self { secrets, tokens: Mutex::default() }
    }

    /// Takes a text that a login has saved for a secret from now on.
    pub(super) fn learn(&self, token: &str) {
        let mut tokens = self.tokens();
        if token.len() >= SHORTEST && !tokens.iter().any(|known| known == token) {
            tokens.push_back(token.to_owned());
            if tokens.len() > TOKENS {
                tokens.pop_front();
            }
        }
    }

    fn tokens(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `text` in one line of bounded length, without the secrets and without `password`.
    pub(in crate::hoster) fn redact(&self, text: &str, password: Option<&str>) -> String {
        let mut clean = text.to_owned();
        let password = password.filter(|password| password.len() >= SHORTEST);
        let tokens = self.tokens();
        let known = self.secrets.iter().chain(tokens.iter()).map(String::as_str);
        for secret in known.chain(password) {
            // Also where a secret has several lines, or parts that are secret by themselves, as
            // `user@realm!id=SECRET` has.
            // What frames a key in PEM (RFC 7468) is none.
            let lines = secret.split('\n').filter(|line| !line.starts_with("-----"));
            let parts = lines.flat_map(|line| line.split(['=', ' ']));
            for part in parts.filter(|part| part.len() >= SHORTEST) {
                clean = clean.replace(part, "REDACTED");
            }
        }
        one_line(&clean, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_without_secrets() {
        let redactor = Redactor::new(["root@pam!x=canary-1".to_owned(), "x".to_owned()]);
        let text =
            redactor.redact("bad\n token canary-1 and\tpassword hunter22!", Some("hunter22"));
        assert_eq!(text, "bad token REDACTED and password REDACTED!");
    }

    #[test]
    fn the_lines_of_a_key_are_secret_and_its_frame_is_not() {
        let key = "-----BEGIN PRIVATE KEY-----\ncanary-1\ncanary-2=\n-----END PRIVATE KEY-----";
        let text = Redactor::new([key.to_owned()]).redact("the PRIVATE KEY canary-2=", None);
        assert_eq!(text, "the PRIVATE KEY REDACTED=");
    }

    #[test]
    fn what_a_login_has_saved_is_a_secret_and_so_are_the_last_ones_before() {
        let redactor = Redactor::new([]);
        for number in 0..100 {
            redactor.learn(&format!("session-{number}-"));
        }
        assert_eq!(redactor.redact("session-99- session-98-", None), "REDACTED REDACTED");
        assert_eq!(redactor.tokens().len(), TOKENS);
    }

    #[test]
    fn a_reason_has_a_length() {
        let text = Redactor::new([]).redact(&"ä".repeat(5000), None);
        assert_eq!(text.chars().count(), LONGEST + 1);
    }
}
