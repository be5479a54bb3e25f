//! How a server is found again, and how it is doing.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Template;
use super::step::{Listing, Step};

/// Looks for the server of an order.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Find {
    /// The list in which it would stand.
    pub(crate) list: Listing,
    /// Whether `item` is the order's server.
    #[serde(rename = "match")]
    pub(crate) matches: Template,
    /// The hoster's id of `item`.
    pub(crate) id: Template,
    /// What else is saved of `item`.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, Template>,
    /// For how long to look, in seconds: lists may lag behind.
    #[serde(default = "settle_seconds")]
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) settle_seconds: f64,
}

/// Looks how a server is doing.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    /// The requests. A 404 of the first means that the server is gone. The expressions below see
    /// the last reply as `reply`, and what all saved.
    pub(crate) steps: Vec<Step>,
    /// The hoster's word for how the server is doing.
    pub(crate) state: Template,
    /// What its words mean. One that is not listed means that the server is still being built.
    pub(crate) states: BTreeMap<String, Phase>,
    /// Why it failed.
    pub(crate) reason: Option<Template>,
    /// The public addresses, one or a list; none as long as there are none.
    pub(crate) public: Template,
    /// The private addresses.
    pub(crate) private: Option<Template>,
    /// The root password that the hoster chose.
    pub(crate) password: Option<Template>,
    /// For how long after the create a 404 does not yet mean that the server is gone, in seconds.
    #[serde(default = "grace_seconds")]
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) grace_seconds: f64,
}

/// How a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// It is being built.
    Building,
    /// It runs.
    Ready,
    /// It will never run.
    Failed,
    /// It was removed.
    Gone,
}

const fn settle_seconds() -> f64 {
    60.0
}

const fn grace_seconds() -> f64 {
    120.0
}
