//! A configuration file that is to be written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::config::InFile;
use crate::error::Error;
use crate::order::Access;

/// How many orders may be open at once where nobody says otherwise.
pub(super) const OPEN_ORDERS: u64 = 5;

/// How many orders may be accepted in one day where nobody says otherwise.
pub(super) const ORDERS_PER_DAY: u64 = 20;

/// The file, its keys in the order in which people look for them.
#[derive(Debug, Serialize)]
pub(super) struct Draft {
    pub(super) definition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base_url: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) credentials: BTreeMap<String, InFile>,
    pub(super) configurations: Vec<Item>,
    pub(super) limits: Limits,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access: Option<Access>,
}

/// Something that can be ordered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) descr: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Value>,
}

/// What is refused before anything is bought.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Limits {
    pub(super) open_orders: u64,
    pub(super) orders_per_day: u64,
}

impl Draft {
    /// Returns the text of the file.
    pub(super) fn text(&self) -> Result<String, Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Internal { problem: error.to_string() })?;
        Ok(text + "\n")
    }
}
