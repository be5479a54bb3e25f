//! Texts that may stand in a file of their own.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::file::{InFile, Text};
use crate::home::Home;
use crate::json;
use crate::secret::Secret;
use crate::system::OPEN_AT_ONCE;

impl Text {
    /// Returns the text.
    ///
    /// # Errors
    /// A sentence that names the file and the fault, never the text.
    pub(crate) fn read(&self, home: &Home) -> Result<Secret, String> {
        let path = match self {
            Self::Inline(text) => return Ok(text.clone()),
            Self::File(InFile { file }) => home.etc.join(file),
        };
        let fault = |what: String| format!("{}: {what}", path.display());
        let (bytes, _) = json::read_file(&path, OPEN_AT_ONCE, json::LARGEST)
            .map_err(|error| fault(format!("cannot read it: {error}")))?;
        String::from_utf8(bytes)
            .map(Secret::from)
            .map_err(|_| fault("it is no text in UTF-8".to_owned()))
    }

    /// Returns the file that holds the text, if one does.
    pub(crate) fn file(&self, home: &Home) -> Option<PathBuf> {
        match self {
            Self::Inline(_) => None,
            Self::File(InFile { file }) => Some(home.etc.join(file)),
        }
    }
}

/// Reads `{"file": PATH}`, and nothing else: serde takes a list of one text for it as well, and that
/// text may be a secret, which an error about a file would name.
///
/// # Errors
/// Where it is something else.
pub(super) fn in_file<'a, D: Deserializer<'a>>(from: D) -> Result<InFile, D::Error> {
    let map = Map::deserialize(from)?;
    serde_json::from_value(Value::Object(map)).map_err(D::Error::custom)
}
