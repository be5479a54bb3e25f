//! Keeps secrets out of what hosters say: some repeat what they were sent.

/// The shortest text that is taken for a secret; less would only blot out words.
const SHORTEST: usize = 4;

/// How long a reason may be, in characters.
const LONGEST: usize = 400;

/// Knows the secrets of an account.
pub(super) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    pub(super) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self { secrets: secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect() }
    }

    /// Returns `text` in one line of bounded length, without the secrets and without `password`.
    pub(super) fn redact(&self, text: &str, password: Option<&str>) -> String {
        let mut clean = text.to_owned();
        let password = password.filter(|password| password.len() >= SHORTEST);
        for secret in self.secrets.iter().map(String::as_str).chain(password) {
            // Also where a secret has several lines, or parts that are secret by themselves, as
            // `user@realm!id=SECRET` has.
            for part in secret.split(['\n', '=', ' ']).filter(|part| part.len() >= SHORTEST) {
                clean = clean.replace(part, "REDACTED");
            }
        }
        let clean = clean.split(|c: char| c.is_whitespace() || c.is_control());
        let mut line = clean.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = line.char_indices().nth(LONGEST) {
            line.truncate(end);
            line.push('…');
        }
        line
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
    fn a_reason_has_a_length() {
        let text = Redactor::new([]).redact(&"ä".repeat(5000), None);
        assert_eq!(text.chars().count(), LONGEST + 1);
    }
}
