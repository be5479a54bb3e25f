//! The number of an order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of an order, the `task_id` on the wire: decimal, rising, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId(u64);

impl TaskId {
    /// The id before the first.
    pub(crate) const NONE: Self = Self(0);

    /// Returns the id after this one; `None` when there are no more.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl FromStr for TaskId {
    type Err = ();

    /// Accepts just the text that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| plain).map(Self).ok_or(())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for TaskId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom(format!("`{text}` is no task id")))
    }
}

#[cfg(test)]
impl schemars::JsonSchema for TaskId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TaskId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The id of an order: decimal, rising, never given twice.",
            "type": "string",
            "pattern": "^[1-9][0-9]{0,19}$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TaskId;
    use proptest::prelude::*;

    #[test]
    fn only_the_text_that_is_written_is_read() {
        for text in ["", "0", "007", "+7", "-1", "7 ", "1e3", "../1", "18446744073709551616"] {
            assert_eq!(text.parse::<TaskId>(), Err(()), "{text:?}");
        }
        let last: TaskId = "18446744073709551615".parse().unwrap();
        assert_eq!(last.next(), None);
    }

    proptest! {
        #[test]
        fn a_number_is_written_as_it_is_read_and_rises(number in 1..u64::MAX) {
            let id: TaskId = number.to_string().parse().unwrap();
            prop_assert_eq!(id.to_string(), number.to_string());
            prop_assert!(id.next().unwrap() > id);
        }
    }
}
