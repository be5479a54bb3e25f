//! What a delivery is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::name;

/// A delivery's id: `EVENT.WEBHOOK`, the event's id and the webhook's name, so that making it again
/// gives the same; a redelivery's ends in `~2`, `~3`, ….
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct DeliveryId(String);

impl DeliveryId {
    /// Returns the id of the delivery of an event to a webhook.
    pub(crate) fn of(event: &str, webhook: &str) -> Self {
        Self(format!("{event}.{webhook}"))
    }

    /// Returns the id of the `number`th delivery of the same event to the same webhook.
    pub(crate) fn again(&self, number: u32) -> Self {
        let original = self.0.split('~').next().unwrap_or(&self.0);
        Self(format!("{original}~{number}"))
    }

    /// Returns the id as it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the event's id.
    pub(crate) fn event(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// Returns the webhook's name.
    pub(crate) fn webhook(&self) -> &str {
        let rest = self.0.split_once('.').map_or("", |(_, rest)| rest);
        rest.split('~').next().unwrap_or(rest)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for DeliveryId {
    type Err = ();

    /// Takes what can be a file name, and nothing else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (event, rest) = text.split_once('.').ok_or(())?;
        let (webhook, number) = rest.split_once('~').unwrap_or((rest, "2"));
        let known = uuid::Uuid::try_parse(event).is_ok_and(|id| id.to_string() == event)
            && name::is_safe(webhook)
            && number.parse::<u32>().is_ok_and(|known| known >= 2 && known.to_string() == number);
        known.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("this is no delivery's id"))
    }
}
