//! The number that every file of `state/` begins with.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The format that this program writes, and the newest that it reads.
pub(crate) const NEWEST: u64 = 1;

/// The format of a file; only a known one is ever read into this type.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(NEWEST)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            NEWEST => Ok(Self),
            other => Err(serde::de::Error::custom(format!("format {other} is not known"))),
        }
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "The format of this file.", "const": NEWEST })
    }
}
