//! The configuration file, `etc/NAME.conf`: what is sold, with whose account, within which limits.

pub(crate) mod change;
pub(crate) mod defaults;
mod file;
mod spans;
mod text;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::home::Home;
use crate::system::OPEN_AT_ONCE;
use crate::webhook::address::Policy;
use crate::{json, name};

pub(crate) use file::{AddressKind, Config, Configuration, InFile, Ready, Status, Text};

/// The longest time that can be configured, in seconds: a year.
const LONGEST_SECONDS: f64 = 31_536_000.0;

impl Config {
    /// Reads the configuration file.
    ///
    /// # Errors
    /// `configuration_invalid`, naming the file, the place and the fault.
    pub(crate) fn load(home: &Home) -> Result<Self, Error> {
        let path = home.config();
        let (bytes, _) = json::read_file(&path, OPEN_AT_ONCE, json::LARGEST)
            .map_err(|error| invalid(&path, format!("cannot read it: {error}")))?;
        Self::parse(&bytes).map_err(|problem| invalid(&path, problem))
    }

    /// Parses a configuration and checks what the types cannot say.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Self = json::parse(bytes)?;
        config.check_ids()?;
        config.check_numbers()?;
        config.check_networks()?;
        Ok(config)
    }

    /// Returns the configuration of that id.
    pub(crate) fn configuration(&self, id: &str) -> Result<&Configuration, Error> {
        self.configurations
            .iter()
            .find(|configuration| configuration.id == id)
            .ok_or_else(|| Error::UnknownConfiguration { id: id.to_owned() })
    }

    fn check_ids(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for (index, Configuration { id, .. }) in self.configurations.iter().enumerate() {
            if !name::is_safe(id) {
                return Err(format!(
                    "configurations[{index}].id: `{id}` cannot be an id: {}",
                    name::RULE
                ));
            }
            if !seen.insert(id) {
                return Err(format!("configurations[{index}].id: `{id}` stands here twice"));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), String> {
        let ready = self.ready.as_ref().and_then(Option::as_ref);
        let seconds = [
            ("limits.order_timeout_seconds", self.limits.order_timeout_seconds),
            ("worker.poll_seconds", self.worker.poll_seconds),
            ("ready.timeout_seconds", ready.and_then(|ready| ready.timeout_seconds)),
        ];
        if let Some((place, value)) = seconds.iter().find_map(|(place, value)| {
            value.filter(|value| !(0.0..=LONGEST_SECONDS).contains(value)).map(|v| (place, v))
        }) {
            return Err(format!("{place}: {value} is not between 0 and {LONGEST_SECONDS}"));
        }
        let threads =
            [("worker.threads", self.worker.threads), ("webhooks.threads", self.webhooks.threads)];
        match threads.iter().find(|(_, value)| *value == Some(0)) {
            Some((place, _)) => Err(format!("{place}: 0 is less than 1")),
            None => Ok(()),
        }
    }

    fn check_networks(&self) -> Result<(), String> {
        match Policy::parse(&self.webhooks.allow, &self.webhooks.deny) {
            Ok(_) => Ok(()),
            Err(problem) => Err(format!("webhooks.{problem}")),
        }
    }
}

/// Returns `status` as the configuration file has it, `enabled` where it has none.
///
/// `help` answers in front of every action of the panel and must not fail: only once it said
/// `enabled` does the panel ask for `configs`, whose error can tell what is wrong.
pub(crate) fn status(home: &Home) -> Status {
    #[derive(Deserialize)]
    struct OnlyStatus {
        #[serde(default)]
        status: Status,
    }
    json::read_file(&home.config(), OPEN_AT_ONCE, json::LARGEST)
        .ok()
        .and_then(|(bytes, _)| serde_json::from_slice::<OnlyStatus>(&bytes).ok())
        .map_or(Status::Enabled, |only| only.status)
}

fn invalid(path: &Path, problem: String) -> Error {
    Error::ConfigurationInvalid { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_key_of_the_design_is_understood() {
        let text = r#"{ "$schema": "s", "status": "enabled", "definition": "hetzner",
            "base_url": "https://api.example", "credentials": { "token": { "file": "t" }, "b": "x" },
            "configurations": [ { "id": "1", "descr": "one", "parameters": { "image": "alma-9" },
              "user_data": { "file": "extra.yaml" } } ],
            "limits": { "open_orders": 5, "orders_per_day": 20, "order_timeout_seconds": 3600 },
            "ready": { "ssh_port": 22, "timeout_seconds": 0.5, "known_hosts": true, "command": ["a"] },
            "access": "key", "public_key": { "file": "k" }, "address": "private",
            "worker": { "poll_seconds": 0.25, "threads": 8 },
            "tls": { "ca_file": "ca.pem", "verify": true }, "proxy": "http://127.0.0.1:3128",
            "webhooks": { "threads": 4, "allow": ["10.0.0.0/8"], "deny": [] },
            "retention": { "orders_days": 90, "password_days": 30, "deliveries_per_webhook": 100 },
            "account": { "userEmail": "admin@example.com" } }"#;
        let config = Config::parse(text.as_bytes()).unwrap();
        assert_eq!(config.definition, "hetzner");
        assert_eq!(config.limits.open_orders, Some(5));
    }

    #[test]
    fn null_readiness_differs_from_none_written() {
        assert!(matches!(Config::parse(b"{\"ready\":null}").unwrap().ready, Some(None)));
        assert!(Config::parse(b"{}").unwrap().ready.is_none());
    }

    #[test]
    fn a_network_that_is_none_is_named_with_its_place() {
        for (text, expected) in [
            (
                r#"{"webhooks":{"allow":["::/0","10.0.0.0/99"]}}"#,
                "webhooks.allow[1]: `10.0.0.0/99` is",
            ),
            (r#"{"webhooks":{"deny":["localhost"]}}"#, "webhooks.deny[0]: `localhost` is"),
        ] {
            let problem = Config::parse(text.as_bytes()).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = Config::parse(&bytes);
        }

        #[test]
        fn an_id_is_accepted_just_where_it_is_safe(id in ".{0,70}") {
            let text = serde_json::json!({"configurations":[{"id": id, "descr": ""}]}).to_string();
            let refused = Config::parse(text.as_bytes()).err();
            prop_assert_eq!(refused.is_none(), name::is_safe(&id));
            if let Some(problem) = refused {
                prop_assert!(problem.contains(&format!("`{id}`")), "{}", problem);
            }
        }
    }
}
