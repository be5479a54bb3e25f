//! What a hoster sells, at which price, and what is left on the account.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Template;
use super::step::{Listing, Step};

/// What the hoster sells.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalog {
    /// The parameter whose choices make a configuration each: the plan.
    pub(crate) plan: String,
    /// The choices of each parameter.
    pub(crate) parameters: BTreeMap<String, Choices>,
}

/// The choices of one parameter.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Choices {
    /// The list.
    pub(crate) list: Listing,
    /// Only items for which this is true can be chosen.
    pub(crate) when: Option<Template>,
    /// The parameter's value for `item`.
    pub(crate) value: Template,
    /// What `item` is, in words.
    pub(crate) label: Template,
    /// What it costs.
    pub(crate) price: Option<Price>,
}

/// What something costs.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// The amount; none where the hoster does not tell it.
    pub(crate) amount: Template,
    /// The currency, as ISO 4217 has it; empty where the hoster does not tell it.
    pub(crate) currency: Template,
    /// What it is paid for.
    pub(crate) per: Period,
}

/// What a price is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

/// What is left on the account.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Balance {
    /// The requests.
    pub(crate) steps: Vec<Step>,
    /// The amount.
    pub(crate) amount: Template,
    /// The currency, as ISO 4217 has it.
    pub(crate) currency: Template,
}
