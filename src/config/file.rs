//! What may be written in `etc/NAME.conf`; these comments are the schema's descriptions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::order::Access;
use crate::secret::Secret;

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
    /// Replaces the definition's own base URL: what stands before the paths.
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
    /// What a server must show before it is handed over; `null` skips it. A server of the inventory
    /// has to show nothing.
    #[serde(default, deserialize_with = "present")]
    #[expect(clippy::option_option, reason = "absent means the default, null means none")]
    pub(crate) ready: Option<Option<Ready>>,
    /// How the pool gets into the server.
    #[serde(default)]
    pub(crate) access: Access,
    /// The pool's public key, for `access` `key`; absent: the panel's own.
    pub(crate) public_key: Option<Text>,
    /// Which address of the server is handed over; absent: `public`.
    #[serde(default)]
    pub(crate) address: AddressKind,
    /// How the background process works.
    #[serde(default)]
    pub(crate) worker: Worker,
    /// How the hoster's certificate is checked.
    pub(crate) tls: Option<Tls>,
    /// A proxy for requests to the hoster, as a URL of `http` or `https`; absent: none, whatever the
    /// environment says.
    pub(crate) proxy: Option<String>,
    /// How events are delivered to webhooks.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(test, schemars(with = "Option<Webhooks>"))]
    pub(crate) webhooks: Webhooks,
    /// How long things are kept.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// Facts about the account that are sent along with events; 16 KiB at most with `descr` and parameters
    /// of a configuration.
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
#[serde(untagged, expecting = "a text or {\"file\": PATH} was expected")]
pub(crate) enum Text {
    /// The text itself.
    Inline(Secret),
    /// The text is in a file.
    File(#[serde(deserialize_with = "super::text::in_file")] InFile),
}

/// Names a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
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
    /// What the server runs at its first start, as cloud-init user-data; merged with what the pool
    /// needs, 16 KiB at most with it.
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
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Ready {
    /// The port on which an SSH server must introduce itself; absent: 22.
    pub(crate) ssh_port: Option<u16>,
    /// How long to wait for all of this once the hoster calls the server ready, in seconds; absent:
    /// 900.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) timeout_seconds: Option<f64>,
    /// Whether the server's keys are put into the owner's `known_hosts`; absent: true.
    pub(crate) known_hosts: Option<bool>,
    /// Whether root's password must log in by ssh; for images that answer before it is set. Needs
    /// `known_hosts`. Absent: false.
    pub(crate) login: Option<bool>,
    /// A command that must end with 0, as its arguments. `SERVER` and `SERVER_PASSWORD` are in its
    /// environment, docs/configuration.md names the others.
    pub(crate) command: Option<Vec<String>>,
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
pub(crate) struct Tls {
    /// A file of certificates to trust instead of the built-in ones, relative to `etc/`.
    pub(crate) ca_file: Option<String>,
    /// `false` accepts any certificate; absent: true.
    pub(crate) verify: Option<bool>,
}

/// How webhooks are delivered.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhooks {
    /// How many deliveries are under way at once; absent: 4.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) threads: Option<u16>,
    /// Networks that may be reached although they are blocked by default or by `deny`.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub(crate) allow: Vec<String>,
    /// Networks that may not be reached, besides link-local addresses and those where clouds keep
    /// their machines' metadata.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub(crate) deny: Vec<String>,
}

/// How long things are kept.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// For how many days an order that has ended is kept; then it is forgotten, by itself, unless
    /// somebody needs it. Absent: only `orders prune` forgets orders, after 90 days.
    pub(crate) orders_days: Option<u32>,
    /// For how many days the root password of an order that has ended is kept where the panel has no
    /// record of the order; absent: 30. Where it has one, until that says `complete`.
    pub(crate) password_days: Option<u32>,
    /// How many deliveries that have arrived are kept for each webhook; absent: 100.
    pub(crate) deliveries_per_webhook: Option<u32>,
}

/// Takes null for what is absent.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
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
