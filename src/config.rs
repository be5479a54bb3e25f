//! The configuration file, `etc/NAME.conf`: what is sold, with whose account, within which limits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::home::Home;
use crate::secret::Secret;
use crate::system::OPEN_AT_ONCE;
use crate::{json, name};

/// The configuration of one provider, `etc/NAME.conf`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Configuration of a provider, etc/NAME.conf"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<String>,
    /// `disabled` makes the panel hide the provider, its open and paid orders included. To stop
    /// selling, set `limits.open_orders` to 0 instead.
    #[serde(default)]
    pub(crate) status: Status,
    /// How to talk to the hoster: a built-in name, or a path relative to `etc/` with a `/` in it.
    #[serde(default = "inventory")]
    pub(crate) definition: String,
    /// Replaces the definition's own base URL.
    pub(crate) base_url: Option<String>,
    /// What proves to the hoster who we are, under the names that the definition asks for.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, Text>,
    /// What can be ordered.
    #[serde(default)]
    pub(crate) configurations: Vec<Configuration>,
    /// What is refused before anything is bought. An absent limit is none.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// What a server must show before it is handed over; `null` skips it.
    #[serde(default, deserialize_with = "present")]
    #[expect(clippy::option_option, reason = "absent means the default, null means none")]
    pub(crate) ready: Option<Option<Ready>>,
    /// How the pool gets into the server.
    #[serde(default)]
    pub(crate) access: Access,
    /// The pool's public key, for `access` `key`; absent: the panel's own.
    pub(crate) public_key: Option<Text>,
    /// Which address of the server is handed over.
    #[serde(default)]
    pub(crate) address: AddressKind,
    /// How the background process works.
    #[serde(default)]
    pub(crate) worker: Worker,
    /// How the hoster's certificate is checked.
    pub(crate) tls: Option<Tls>,
    /// A proxy for requests to the hoster, as a URL.
    pub(crate) proxy: Option<String>,
    /// How webhooks are delivered.
    pub(crate) webhooks: Option<Webhooks>,
    /// How long things are kept.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// Facts about the account that are sent along with events.
    #[serde(default)]
    pub(crate) account: BTreeMap<String, Value>,
}

/// Whether the panel may use the provider.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It may.
    #[default]
    Enabled,
    /// It may not: every action but `help` is refused before we are called.
    Disabled,
}

/// A text, or the file that holds it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
#[expect(dead_code, reason = "the inventory needs no account; what is written is validated")]
pub(crate) enum Text {
    /// The text itself.
    Inline(Secret),
    /// The text is in a file.
    File(InFile),
}

/// Names a file.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
pub(crate) struct InFile {
    /// The file's path, relative to `etc/`.
    pub(crate) file: String,
}

/// Something that can be ordered.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Its id on the wire: 1 to 64 of `A-Z a-z 0-9 . _ -`, not beginning with `-` or `.`.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")))]
    pub(crate) id: String,
    /// What the panel shows.
    pub(crate) descr: String,
    /// What the hoster is asked for, under the API's own field names.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Value>,
    /// What the server runs at its first start, as cloud-init user-data.
    pub(crate) user_data: Option<Text>,
}

/// What is refused before anything is bought.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// How many orders may be open at once; 0 stops selling.
    pub(crate) open_orders: Option<u64>,
    /// How many orders may be accepted in one day (UTC).
    pub(crate) orders_per_day: Option<u64>,
    /// After how many seconds an order that was not finished fails; absent: an hour.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) order_timeout_seconds: Option<f64>,
}

/// What a server must show before it is handed over.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "an inventory's servers are ready; what is written is validated")]
pub(crate) struct Ready {
    /// The port on which an SSH server must introduce itself.
    pub(crate) ssh_port: Option<u16>,
    /// How long to wait for it, in seconds.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) timeout_seconds: Option<f64>,
    /// Whether the server's keys are put into the owner's `known_hosts`.
    pub(crate) known_hosts: Option<bool>,
    /// A command that must end with 0, as its arguments.
    pub(crate) command: Option<Vec<String>>,
}

/// How the pool gets into a server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    /// By the root password that is handed over.
    #[default]
    Password,
    /// By the pool's public key, installed when the server is made.
    Key,
}

/// Which address of a server is handed over.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum AddressKind {
    /// The one that the internet sees.
    #[default]
    Public,
    /// The one inside the hoster's network.
    Private,
}

/// How the background process works.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    /// How many seconds lie between two looks at the same order; absent: 5.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) poll_seconds: Option<f64>,
    /// How many orders are driven at once; absent: 8.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) threads: Option<u16>,
}

/// How the hoster's certificate is checked.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "an inventory has no network; what is written is validated")]
pub(crate) struct Tls {
    /// A file of certificates to trust instead of the built-in ones, relative to `etc/`.
    pub(crate) ca_file: Option<String>,
    /// `false` accepts any certificate.
    pub(crate) verify: Option<bool>,
}

/// How webhooks are delivered.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "no webhook is sent yet; what is written is validated")]
pub(crate) struct Webhooks {
    /// How many deliveries are under way at once.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) threads: Option<u16>,
    /// Networks that may be reached although they are blocked by default.
    pub(crate) allow: Option<Vec<String>>,
    /// Networks that may not be reached.
    pub(crate) deny: Option<Vec<String>>,
}

/// How long things are kept.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// For how many days `orders prune` leaves an order that has ended; absent: 90.
    pub(crate) orders_days: Option<u32>,
    /// For how many days a handed-over password is kept.
    pub(crate) password_days: Option<u32>,
    /// How many deliveries are kept for each webhook.
    pub(crate) deliveries_per_webhook: Option<u32>,
}

/// Tells `"ready": null` from no `ready` at all.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn inventory() -> String {
    "inventory".to_owned()
}

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
        if let Some((place, value)) = seconds
            .iter()
            .find_map(|(place, value)| value.filter(|value| *value < 0.0).map(|v| (place, v)))
        {
            return Err(format!("{place}: {value} is less than 0"));
        }
        let threads = [
            ("worker.threads", self.worker.threads),
            ("webhooks.threads", self.webhooks.as_ref().and_then(|webhooks| webhooks.threads)),
        ];
        match threads.iter().find(|(_, value)| *value == Some(0)) {
            Some((place, _)) => Err(format!("{place}: 0 is less than 1")),
            None => Ok(()),
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
