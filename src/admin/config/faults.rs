//! What is wrong with a configuration, whole: the file alone, and beside its definition.

use crate::config::Config;
use crate::definition::http::PasswordWay;
use crate::definition::{self, Definition, parameters};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::order::Access;

/// What keeps a configuration from selling.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// What is there and cannot be.
    pub(super) wrong: Vec<String>,
    /// What is not there and must be.
    pub(super) missing: Vec<String>,
}

/// Looks for all that can be told without files of credentials and without the hoster.
///
/// # Errors
/// `definition_invalid` where the definition cannot be read.
pub(super) fn of(home: &Home, config: &Config) -> Result<Faults, Error> {
    let mut faults = Faults::default();
    let Definition::Http(http) = definition::load(home, &config.definition)? else {
        return Ok(faults);
    };
    match account::base_url(config, &http) {
        Ok(_) => {}
        Err(problem) if config.base_url.is_none() => faults.missing.push(problem),
        Err(problem) => faults.wrong.push(problem),
    }
    faults.wrong.extend(account::unknown_credential(config, &http));
    faults.missing.extend(account::missing_credential(config, &http));
    if http.password == PasswordWay::None && config.access == Access::Password {
        let title = &http.title;
        faults.missing.push(format!(
            "access: {title} gives no way to a root password, so this must be `key`"
        ));
    }
    for configuration in &config.configurations {
        let place = |problem| format!("configurations.{}: {problem}", configuration.id);
        let given = &configuration.parameters;
        faults.wrong.extend(parameters::check_given(&http, given).err().map(place));
        faults.missing.extend(parameters::missing(&http, given).map(place));
    }
    Ok(faults)
}
