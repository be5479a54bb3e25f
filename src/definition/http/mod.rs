//! The language of definitions of kind `http`; these comments are the schema's descriptions and
//! the reference in `docs/definitions.md`.

mod auth;
mod check;
mod recording;
mod sells;
mod server;
mod step;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::command::Program;
pub(crate) use auth::{Auth, JwtAlgorithm};
pub(crate) use recording::{RecordedReply, Recording};
pub(crate) use sells::{Balance, Catalog, Choices, Period};
pub(crate) use server::{Find, Phase, Poll};
pub(crate) use step::{Listing, ReplyFormat, Request, Step};

/// A text that may hold expressions: `{{ order.hostname }}`. One that is nothing but an expression
/// keeps the expression's type.
pub(crate) type Template = String;

/// A hoster with an API over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<String>,
    /// What is behind the definition.
    #[expect(dead_code, reason = "it has been read by then")]
    kind: HttpKind,
    /// What a person calls the hoster.
    pub(crate) title: String,
    /// Where the API's documentation is.
    #[expect(dead_code, reason = "for readers of the file")]
    docs: String,
    /// What was confirmed against what, a sentence each; and what was not.
    #[expect(dead_code, reason = "for readers of the file")]
    confirmed: Vec<String>,
    /// What stands before the paths, as the vendor's own description writes them; expressions can
    /// read `parameters`. Absent: every installation has its own, and the configuration must name it.
    pub(crate) base_url: Option<Template>,
    /// What proves to the hoster who we are, by name.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, Credential>,
    /// What a configuration may ask for, under the API's own field names.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// How a request shows who sends it.
    pub(crate) auth: Auth,
    /// Headers of every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    /// What replies are. Absent: what their content type says, and JSON where it says nothing.
    pub(crate) reply: Option<ReplyFormat>,
    /// How the root password gets onto the server.
    pub(crate) password: PasswordWay,
    /// What keeps a repeated create from buying a second server.
    pub(crate) idempotency: Idempotency,
    /// The requests that buy a server, in their order.
    pub(crate) create: Vec<Step>,
    /// Looks for the server of an order by what the order sent, where a reply was lost.
    pub(crate) find: Find,
    /// Looks how a server is doing that was bought.
    pub(crate) poll: Poll,
    /// The requests that remove a server, in their order. A 404 means that it is gone.
    pub(crate) cancel: Vec<Step>,
    /// The requests that get a root password for a server whose own was lost; they save it as
    /// `password`.
    #[serde(default)]
    pub(crate) recover: Vec<Step>,
    /// What the hoster sells.
    pub(crate) catalog: Option<Catalog>,
    /// The requests for what is left on the account.
    pub(crate) balance: Option<Balance>,
    /// How the hoster says no.
    #[serde(default)]
    pub(crate) errors: Errors,
    /// How fast the hoster wants to be asked.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// Whether the id of a removed server may be given to another one.
    #[serde(default)]
    pub(crate) reuses_ids: bool,
    /// A configuration as an administrator would write it.
    pub(crate) example: Example,
    /// Recorded replies on which every expression is tried.
    #[serde(default)]
    pub(crate) recordings: Vec<Recording>,
    /// The program that answers instead of an API; only of a definition of kind `command`.
    #[serde(skip)]
    pub(crate) program: Option<Program>,
}

/// What is behind a definition of a hoster with an API over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum HttpKind {
    /// An API over HTTP.
    Http,
}

/// Something that proves to the hoster who we are.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// What it is and where one gets it.
    pub(crate) description: String,
    /// Whether an order can do without it.
    #[serde(default)]
    pub(crate) optional: bool,
    /// What recordings have in its place where `sample-NAME` will not do, as for one that is JSON.
    pub(crate) sample: Option<String>,
}

/// Something that a configuration may ask for.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    /// What it means.
    pub(crate) description: String,
    /// The type of its value.
    #[serde(rename = "type", default)]
    pub(crate) kind: ParameterType,
    /// Whether a configuration must have it.
    #[serde(default)]
    pub(crate) required: bool,
    /// Its value where a configuration has none; without one the expression `parameters.NAME` is
    /// none, and the key that it stands for is left out of the request.
    pub(crate) default: Option<Value>,
    /// A regular expression that a text must match whole.
    pub(crate) pattern: Option<String>,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParameterType {
    /// A text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// How the root password gets onto the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum PasswordWay {
    /// The create request carries `order.password`.
    Request,
    /// The create request carries `order.user_data`, which sets it at the first start.
    CloudInit,
    /// The hoster chooses it: `save` of a create step, `password` of `poll`, or `recover` has it.
    Reply,
    /// There is no way: the configuration must have `access` `key`.
    None,
}

/// What keeps a repeated create from buying a second server.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Idempotency {
    /// What the hoster offers.
    pub(crate) kind: IdempotencyKind,
    /// The limits of that safety, in words.
    #[expect(dead_code, reason = "for readers of the file")]
    limits: String,
    /// Whether a conflict on a first attempt only means that somebody else was faster, so that the
    /// order begins again with its first step.
    #[serde(default)]
    pub(crate) restart_on_conflict: bool,
}

/// What a hoster offers against a second server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdempotencyKind {
    /// The same request with the same token is answered as before: it may be sent again.
    Token,
    /// A second server of the same name or id is refused: it may be sent again.
    UniqueName,
    /// Nothing: after an unknown outcome it is never sent again.
    None,
}

/// How the hoster says no.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Errors {
    /// Whether a reply with a status of success is an error all the same.
    pub(crate) when: Option<Template>,
    /// Where the reason may be; the first that yields a text is it.
    pub(crate) reason: Vec<Template>,
    /// Whether the request was refused untouched for now, so that a create may be sent again.
    pub(crate) busy: Option<Template>,
    /// Whether the request was refused for good and nothing was done, although its status says less.
    pub(crate) refused: Option<Template>,
    /// Whether a create was refused because there is a server of that name or id.
    pub(crate) conflict: Option<Template>,
}

/// How fast the hoster wants to be asked.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pace {
    /// How many seconds lie between the beginnings of two requests at least.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) interval_seconds: f64,
    /// After how many seconds a request without a whole reply is given up.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) timeout_seconds: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval_seconds: 0.1, timeout_seconds: 60.0 }
    }
}

/// A configuration as an administrator would write it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// What the panel shows.
    pub(crate) descr: String,
    /// The parameters.
    pub(crate) parameters: BTreeMap<String, Value>,
}
