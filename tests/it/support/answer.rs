//! What a call said, with the checks that hold for every call.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

/// The outcome of one call.
#[derive(Debug)]
#[must_use]
pub(crate) struct Answer {
    pub(crate) words: Vec<String>,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(words: Vec<String>, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        Self {
            words,
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Returns the one JSON document on standard output, valid by the schema of the word.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        let Some(line) = self.stdout.strip_suffix('\n') else {
            panic!("no newline at the end: {self:?}");
        };
        assert!(!line.contains('\n'), "more than a line: {self:?}");
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {self:?}"));
        assert!(value.is_object(), "{self:?}");
        let word = self.words.first().map(String::as_str);
        let schema = match (value.get("error").is_some(), word) {
            (false, Some(word @ ("help" | "configs" | "order" | "order_status"))) => {
                format!("answer-{word}")
            }
            _ => "answer-error".to_owned(),
        };
        assert_valid(&schema, &value);
        value
    }

    /// Expects success, an empty standard error, and just this document.
    #[track_caller]
    pub(crate) fn answers(&self, expected: &Value) {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        assert_eq!(self.document(), *expected, "{self:?}");
    }

    /// Expects success and an empty standard error; returns the document.
    #[track_caller]
    pub(crate) fn succeeds(&self) -> Value {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.document()
    }

    /// Expects an error of the protocol; returns its message.
    #[track_caller]
    pub(crate) fn fails(&self, code: &str, status: i32) -> String {
        let document = self.document();
        let expected = json!({ "error": 1, "error_code": code,
            "error_message": document["error_message"] });
        assert_eq!((document.clone(), self.status), (expected, Some(status)), "{self:?}");
        assert_eq!(self.stderr, "", "{self:?}");
        document["error_message"].as_str().expect("a message").to_owned()
    }

    /// Expects a command for people to succeed in silence on standard error; returns its output.
    #[track_caller]
    pub(crate) fn prints(&self) -> &str {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        &self.stdout
    }

    /// Expects a command for people to fail in silence on standard output; returns its complaint.
    #[track_caller]
    pub(crate) fn complains(&self, status: i32) -> &str {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{self:?}");
        &self.stderr
    }
}

/// Checks `value` against one of the project's schemas.
#[track_caller]
pub(crate) fn assert_valid(schema: &str, value: &Value) {
    let errors = errors(schema, value);
    assert!(errors.is_empty(), "{schema}: {errors:?}\n{value:#}");
}

/// Returns what one of the project's schemas finds wrong with `value`.
pub(crate) fn errors(schema: &str, value: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{schema}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{schema}: {why}"));
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema is valid");
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}
