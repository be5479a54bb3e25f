//! What `config init` does about an inventory, and about what `install.sh` left to fill in.

use serde_json::{Value, json};

use super::ask::Dialog;
use crate::cli::Init;
use crate::config::{Config, Status};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::inventory::EXAMPLE_PASSWORD;
use crate::json;
use crate::system::OPEN_AT_ONCE;

/// The inventory, in `etc/`.
pub(super) const FILE: &str = "inventory.json";

/// The definition of an inventory.
const DEFINITION: &str = "inventory";

/// Returns whether a configuration is as `install.sh` leaves it: one entry to fill in, and with it
/// nothing can be ordered yet.
pub(super) fn is_bare(home: &Home, config: &Config) -> bool {
    let [only] = config.configurations.as_slice() else { return false };
    let made_up = only.descr.starts_with("Server by ") || only.descr.starts_with("Server from ");
    let untouched = made_up
        && only.id == "1"
        && only.parameters.is_empty()
        && only.user_data.is_none()
        && config.status == Status::Enabled
        && config.base_url.is_none()
        && config.credentials.is_empty()
        && config.limits.open_orders.is_none();
    untouched && (config.definition != DEFINITION || is_empty(home))
}

/// Returns whether the inventory has no servers.
fn is_empty(home: &Home) -> bool {
    match json::read_file(&home.etc.join(FILE), OPEN_AT_ONCE, json::LARGEST) {
        Ok((bytes, _)) => serde_json::from_slice::<Value>(&bytes)
            .is_ok_and(|all| all["servers"].as_array().is_some_and(Vec::is_empty)),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Returns whether a first inventory is to be written.
///
/// # Errors
/// `usage`, where servers are in it already, or where the definition has none.
pub(super) fn is_wanted(home: &Home, options: &Init, dialog: &Dialog) -> Result<bool, Error> {
    let path = home.etc.join(FILE);
    match (options.definition == DEFINITION, is_empty(home)) {
        (false, _) if options.example => {
            Err(Error::usage("--example: only the definition `inventory` has an inventory"))
        }
        (true, false) if options.example => {
            Err(Error::usage(format!("--example: {} has servers in it", path.display())))
        }
        (true, true) if !options.example => {
            dialog.yes(&format!("Write an example to fill in into {}?", path.display()), false)
        }
        _ => Ok(options.example),
    }
}

/// Returns a first inventory for a configuration file: one server of each of what it sells, at
/// addresses that lead nowhere (RFC 5737).
pub(super) fn example(configuration: &str) -> String {
    let parsed: Value = serde_json::from_str(configuration).unwrap_or_default();
    let ids = parsed["configurations"].as_array().into_iter().flatten();
    let servers: Vec<Value> = ids
        .zip(11_u8..=254)
        .map(|(one, number)| {
            json!({
                "server": format!("192.0.2.{number}"),
                "server_password": EXAMPLE_PASSWORD,
                "configurations": [one["id"]],
            })
        })
        .collect();
    format!("{:#}\n", json!({ "servers": servers }))
}
