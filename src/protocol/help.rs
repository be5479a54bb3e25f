//! `help`: what the provider can do. The panel asks before every other action.

use serde::Serialize;

use crate::config::{self, Status};
use crate::home::Home;

/// The answer to `help`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to help", deny_unknown_fields))]
pub(crate) struct Answer {
    /// The provider's name.
    name: String,
    /// The program's version.
    version: &'static str,
    /// `disabled` makes the panel refuse every other action.
    status: Status,
    /// The words that can be called. The panel knows a fifth, `init`, and never calls it.
    options: [&'static str; 4],
}

/// Answers whatever state the configuration is in.
pub(super) fn answer(home: &Home) -> Answer {
    Answer {
        name: home.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        status: config::status(home),
        options: ["help", "configs", "order", "order_status"],
    }
}
