//! What may be written in `etc/webhooks.json` and in the machine's `provider-webhooks.json`; these
//! comments are the schema's descriptions.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::delivery::Kind;
use crate::event::{EventType, Operation, Outcome};
use crate::secret::Secret;

/// The webhooks of one provider, `etc/webhooks.json`, or of a machine's,
/// `…/etc/provider-webhooks.json`.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Webhooks, etc/webhooks.json and provider-webhooks.json"))]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhooks {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    /// The webhooks.
    #[serde(default)]
    pub(crate) webhooks: Vec<Webhook>,
}

/// Where events are sent, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Its name, unique among the webhooks of the provider and of the machine: 1 to 64 of
    /// `A-Z a-z 0-9 . _ -`, not beginning with `-` or `.`.
    #[cfg_attr(test, schemars(regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")))]
    pub(crate) name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    /// What the receiver understands.
    pub(crate) kind: Kind,
    /// Where it is sent: an `http` or `https` URL. `azure-pipelines` and `gitlab-ci` have the
    /// public service for a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<Secret>,
    /// The file that holds the URL, where it is a secret; its path is absolute or relative to
    /// the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url_file: Option<String>,
    /// Whether events are sent to it at all; absent: true.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Which events are sent; absent: all but `order.accepted`.
    #[serde(default = "subscribed")]
    pub(crate) events: Vec<EventType>,
    /// Only those of these operations; absent or empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operations: Vec<Operation>,
    /// Only those with such an outcome; absent or empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) statuses: Vec<Outcome>,
    /// Only those about orders of these configurations; absent or empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) configurations: Vec<String>,
    /// Events that are let through or kept back by their type, besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) filters: Vec<Filter>,
    /// Headers that are sent along. Those that we set ourselves cannot be set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Secret>,
    /// Parameters that are sent along in the URL, for `solusvm2`. What is no text is sent as JSON.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub(crate) params: Params,
    /// Variables that are sent along, for `azure-pipelines`, `gitlab-ci` and `template`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) variables: BTreeMap<String, String>,
    /// The same for secret ones: the file that holds each, its path absolute or relative to the
    /// folder of this file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) secret_variables: BTreeMap<String, String>,
    /// What deliveries are signed with, the newest first: each secret that has not expired signs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) secrets: Vec<SigningSecret>,
    /// Whether the receiver's certificate is checked; absent: true, but for `solusvm2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_verify: Option<bool>,
    /// A file of certificates in PEM that are trusted instead of the built-in ones; its path is
    /// absolute or relative to the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
    /// How often a delivery is tried in all; absent: as the schedule has it, 3 for `cloudstack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 1, max = 100)))]
    pub(crate) tries: Option<u32>,
    /// When it is tried; absent: `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<Schedule>,
    /// After how many seconds an attempt that was not answered whole has failed; absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 0.001, max = 600)))]
    pub(crate) timeout_seconds: Option<f64>,
    /// Whose events are sent, in the machine's file; in a provider's own it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Scope>,
    /// `generic`: how the body is laid out; absent: `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) envelope: Option<Envelope>,
    /// `cloudstack`: whether 200 alone means success; absent: false, any 2xx does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) strict_200: bool,
    /// `azure-pipelines`: the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// `azure-pipelines`: the project, by name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// `azure-pipelines`: the pipeline's number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text_or_number")]
    #[cfg_attr(test, schemars(schema_with = "schema_of_text_or_number"))]
    pub(crate) pipeline_id: Option<String>,
    /// `azure-pipelines`: stages that are skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) skip_stage: Vec<String>,
    /// `azure-pipelines`: whether what is told of the event comes as the template's parameters
    /// rather than as variables; absent: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) as_template_parameters: bool,
    /// `gitlab-ci`: the project, by number or by path.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text_or_number")]
    #[cfg_attr(test, schemars(schema_with = "schema_of_text_or_number"))]
    pub(crate) project_id: Option<String>,
    /// `gitlab-ci`: the branch or tag that the pipeline runs for; `azure-pipelines`: absent means
    /// the pipeline's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#ref: Option<String>,
    /// `azure-pipelines`, `gitlab-ci`: the file that holds the access token or the trigger token;
    /// its path is absolute or relative to the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<String>,
    /// `template`: the body, a JSON tree whose texts may hold `{{ expression }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// `template`: the fields of a form instead, whose texts may hold `{{ expression }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<BTreeMap<String, String>>,
}

/// Lets events through or keeps them back by their type. What any `exclude` matches is kept back;
/// where there is an `include`, one must match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Whether what matches is let through or kept back; absent: `include`.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// How the value is compared with the type; absent: `exact`.
    #[serde(default)]
    pub(crate) r#match: Match,
    /// What the type is compared with, case and all.
    pub(crate) value: String,
}

/// Whether a filter lets through or keeps back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// It lets through.
    #[default]
    Include,
    /// It keeps back.
    Exclude,
}

/// How a filter's value is compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Match {
    /// The type is the value.
    #[default]
    Exact,
    /// The type begins with it.
    Prefix,
    /// The type ends with it.
    Suffix,
    /// It is in the type.
    Contains,
}

/// A secret that deliveries are signed with: `whsec_` and the base64 of 24 to 64 bytes, or any
/// other text, which then is the key as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningSecret {
    /// The secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Secret>,
    /// The file that holds it instead; its path is absolute or relative to the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// From when on it signs no more, RFC 3339; absent or null: it does not expire.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) expires_at: Option<Timestamp>,
}

/// When a delivery is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "`standard`, `svix` or a list of seconds was expected")]
pub(crate) enum Schedule {
    /// One that has a name.
    Preset(Preset),
    /// How many seconds to wait before each try; the last serves for all that follow.
    Seconds(Vec<f64>),
}

/// A schedule that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preset {
    /// Ten tries in three days, as Standard Webhooks advises.
    Standard,
    /// Eight tries in 28 hours, as Svix does.
    Svix,
}

/// Whose events a webhook of the machine is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "`global` or a list of providers' names was expected")]
pub(crate) enum Scope {
    /// Those of every provider.
    Word(Global),
    /// Those of these.
    Providers(Vec<String>),
}

/// The word for every provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Global {
    /// Every provider.
    Global,
}

/// How a body of kind `generic` is laid out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Envelope {
    /// `type`, `timestamp` and `data`.
    #[default]
    Standard,
    /// What is in `data`, at the top.
    Plain,
}

/// Parameters that may be secrets: never shown.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub(crate) struct Params(pub(crate) Map<String, Value>);

impl Params {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What is sent where nothing is said: an order that was only taken is news to nobody.
fn subscribed() -> Vec<EventType> {
    EventType::ALL.into_iter().filter(|kind| *kind != EventType::Accepted).collect()
}

/// Numbers of things are written either way.
fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a whole number was expected")]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Either>::deserialize(from)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}

#[cfg(test)]
fn schema_of_text_or_number(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "integer", "null"] })
}
