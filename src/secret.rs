//! A text that no output may show by accident.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password or token: serialised where it must be stored or handed over, never displayed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text itself.
    ///
    /// For whoever sends it to the hoster, hands it to the server or to the caller who ordered it,
    /// or takes it out of a text that is about to be shown; never for a message or a log.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::from("hunter2".to_owned())), "REDACTED");
    }
}
