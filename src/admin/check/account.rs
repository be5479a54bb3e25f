//! What the provider sells: configuration, definition, inventory.

use super::Report;
use crate::accept;
use crate::config::{AddressKind, Config, Status};
use crate::definition::{self, Definition};
use crate::home::Home;
use crate::hoster::inventory::{self, Inventory, Server};
use crate::order::Access;
use crate::store::Store;

const CONFIGURATION: &str = "configuration";
const INVENTORY: &str = "inventory";

pub(super) fn look(home: &Home, report: &mut Report) {
    let config = match Config::load(home) {
        Ok(config) => config,
        Err(error) => {
            let cure = if home.config().exists() {
                "correct the file"
            } else {
                "write the file, or let `config init` do it, or put it back from a backup"
            };
            return report.error(CONFIGURATION, error.to_string(), cure);
        }
    };
    match config.status {
        Status::Enabled if config.configurations.is_empty() => report.warning(
            CONFIGURATION,
            "nothing can be ordered",
            "add something to `configurations`",
        ),
        Status::Enabled => {
            let all = &config.configurations;
            match all.iter().try_for_each(|one| accept::check_size(home, &config, one)) {
                Ok(()) => report.ok(CONFIGURATION, format!("{} can be ordered", all.len())),
                Err(error) => report.error(CONFIGURATION, error.to_string(), "shorten them"),
            }
        }
        Status::Disabled => report.warning(
            CONFIGURATION,
            "the provider is disabled, which hides its orders from the panel, paid ones included",
            "to stop selling only, enable it and set `limits.open_orders` to 0",
        ),
    }
    match definition::load(home, &config.definition) {
        Ok(definition @ Definition::Inventory(_)) => {
            report.ok("definition", format!("{}: {}", config.definition, definition.title()));
            unused(&config, report);
            stock(home, &config, report);
        }
        Ok(Definition::Http(http)) => super::hoster::look(home, &config, http, report),
        Err(error) => report.error("definition", error.to_string(), "correct `definition`"),
    }
}

/// What is written must have an effect, or be told to have none.
fn unused(config: &Config, report: &mut Report) {
    let written = [
        ("base_url", config.base_url.is_some()),
        ("credentials", !config.credentials.is_empty()),
        ("limits.order_timeout_seconds", config.limits.order_timeout_seconds.is_some()),
        ("ready", matches!(config.ready, Some(Some(_)))),
        ("access", config.access == Access::Key),
        ("public_key", config.public_key.is_some()),
        ("address", config.address == AddressKind::Private),
        ("worker.threads", config.worker.threads.is_some()),
        ("tls", config.tls.is_some()),
        ("proxy", config.proxy.is_some()),
        (
            "configurations[].parameters",
            config.configurations.iter().any(|one| !one.parameters.is_empty()),
        ),
        (
            "configurations[].user_data",
            config.configurations.iter().any(|one| one.user_data.is_some()),
        ),
    ];
    let keys: Vec<&str> =
        written.iter().filter(|(_, written)| *written).map(|(key, _)| *key).collect();
    if !keys.is_empty() {
        report.warning(
            CONFIGURATION,
            format!("without effect for servers that exist already: {}", keys.join(", ")),
            "remove them, or name the definition of a hoster",
        );
    }
}

fn stock(home: &Home, config: &Config, report: &mut Report) {
    let read = inventory::read(home);
    let parsed = read.and_then(|bytes| {
        let inventory = inventory::parse(home, &bytes)?;
        look_through(home, config, &inventory, report);
        Ok(())
    });
    if let Err(error) = parsed {
        let cure = if inventory::path(home).exists() {
            "correct the file"
        } else {
            "write the file, as docs/inventory.md shows it, or put it back from a backup"
        };
        report.error(INVENTORY, error.to_string(), cure);
    }
}

fn look_through(home: &Home, config: &Config, inventory: &Inventory<'_>, report: &mut Report) {
    for listed in &inventory.servers {
        let server = &*listed.server;
        if is_loopback(server) {
            let message = format!("the panel refuses {server}: it leads to the machine itself");
            report.warning(INVENTORY, message, "write the server's address in the network");
        }
        if server.parse::<std::net::Ipv6Addr>().is_ok() {
            let message = format!("the panel reaches servers by IPv4 only: {server}");
            report.warning(INVENTORY, message, "write the server's IPv4 address");
        }
        if is_mistyped(server) {
            let message = format!("{server} is no IPv4 address, and no name ends in a number");
            report.warning(INVENTORY, message, "correct the address");
        }
        if listed.is_to_be_filled_in() {
            let message = format!("server {server} is the example's, and would be sold");
            report.warning(INVENTORY, message, "write a server of yours in its place");
        } else if !listed.has_plain_password() {
            let message = format!(
                "the password of {server} is not of letters and digits alone: the panel passes it \
                 through a shell, so the server may not join the pool"
            );
            report.warning(INVENTORY, message, "give its root a password of letters and digits");
        }
        for id in listed.configurations() {
            if config.configuration(id).is_err() {
                let message = format!("server {server} is for `{id}`, which cannot be ordered");
                report.warning(INVENTORY, message, "correct the id or add the configuration");
            }
        }
    }
    let store = Store::of(home);
    for configuration in &config.configurations {
        let id = &configuration.id;
        let fitting: Vec<&Server<'_>> =
            inventory.servers.iter().filter(|one| one.fits(id)).collect();
        let held = fitting.iter().filter(|one| store.is_claimed(&one.server)).count();
        let message = format!(
            "configuration `{id}`: {} of {} servers can be ordered",
            fitting.len() - held,
            fitting.len()
        );
        if held == fitting.len() {
            report.warning(INVENTORY, message, "add servers, or release some with `--clean`");
        } else {
            report.ok(INVENTORY, message);
        }
    }
}

/// Returns whether what can only be meant as an IPv4 address is none: the last part of a host name is
/// never a number.
fn is_mistyped(server: &str) -> bool {
    let last = server.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && server.parse::<std::net::IpAddr>().is_err()
}

fn is_loopback(server: &str) -> bool {
    server.eq_ignore_ascii_case("localhost")
        || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
