//! `configs`: what can be ordered.

use serde::Serialize;

use crate::config::{Config, Status};
use crate::definition::{self, BUILT_IN_INVENTORY, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;

/// The answer to `configs`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to configs", deny_unknown_fields))]
pub(crate) struct Answer {
    /// Whether the panel may use the provider.
    status: Status,
    /// What can be ordered.
    configurations: Vec<Item>,
}

/// Something that can be ordered.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Item {
    /// What `order` takes.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")))]
    id: String,
    /// What a person reads.
    descr: String,
}

pub(super) fn answer(home: &Home) -> Result<Answer, Error> {
    let config = Config::load(home)?;
    // That one has nothing to check, and the panel asks before each order: it is not even parsed.
    if config.definition != BUILT_IN_INVENTORY
        && let Definition::Http(definition) = definition::load(home, &config.definition)?
    {
        // What `order` would refuse is told before anything is ordered.
        for configuration in &config.configurations {
            account::check(home, &config, configuration, &definition)?;
        }
    }
    let configurations = config
        .configurations
        .into_iter()
        .map(|configuration| Item { id: configuration.id, descr: configuration.descr })
        .collect();
    Ok(Answer { status: config.status, configurations })
}
