//! Recorded replies, on which a definition is tried.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Recorded replies: a part of the definition is run on them, and must come to what is expected.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// What was recorded, and from where.
    pub(crate) name: String,
    /// The part that is run: `create`, `find`, `poll`, `cancel`, `recover`, `login`, `balance`, or
    /// `catalog.PARAMETER`.
    pub(crate) of: String,
    /// The replies, one for each request in its turn.
    pub(crate) replies: Vec<RecordedReply>,
    /// What the part must come to; keys that are left out are not compared.
    pub(crate) expect: BTreeMap<String, Value>,
}

/// A recorded reply.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedReply {
    /// Its status.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// Its headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Its body, as JSON.
    #[serde(default)]
    pub(crate) json: Value,
    /// Its body, as the text of an XML document.
    pub(crate) xml: Option<String>,
}

const fn ok() -> u16 {
    200
}
