//! The language of definitions of kind `http`; these comments are the schema's descriptions and
//! the reference in `docs/definitions.md`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::http::Method;

pub(crate) use super::auth::Auth;
use super::command::Program;

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

/// One request and what becomes of its reply.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Its name, for the log.
    pub(crate) name: String,
    /// Whether this is the request that buys the server. Just one step of `create` is; those before
    /// it only look, those after it may be repeated.
    #[serde(default)]
    pub(crate) buys: bool,
    /// The step is taken only where this is true.
    pub(crate) when: Option<Template>,
    /// The request.
    pub(crate) request: Request,
    /// A reply for which this is true is a success, whatever its status.
    pub(crate) ok_when: Option<Template>,
    /// What later steps can read as `saved.NAME`. `server_id` is the hoster's id of the server,
    /// `password` the root password that the hoster chose.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, Template>,
    /// The request is repeated until this is true; only for one that looks.
    pub(crate) wait_until: Option<Template>,
    /// The order has failed where this is true.
    pub(crate) fail_when: Option<Template>,
    /// Why it failed.
    pub(crate) reason: Option<Template>,
    /// In `poll`: whether to go on without a reply that is no success.
    #[serde(default)]
    pub(crate) optional: bool,
    /// In `cancel`: whether a removal begins here where somebody else has removed the server, so that
    /// what it left behind, as an address that costs money, goes too.
    #[serde(default)]
    pub(crate) clears_up: bool,
}

/// What a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReplyFormat {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

/// A request, as data.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// What stands before the path instead of what otherwise does: another service of the hoster.
    /// Expressions can read `base_url`, which is what otherwise stands there.
    pub(crate) base_url: Option<Template>,
    /// The path behind `base_url`. What an expression yields is percent-encoded and must not be
    /// empty.
    pub(crate) path: Template,
    /// The query. What is none is left out; of a list each element is sent. In the place of a `*` in a
    /// name stands the number of each element, from 1, or the key of each member of an object.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Value>,
    /// A query that is sent as it stands here; only what expressions yield is percent-encoded.
    pub(crate) raw_query: Option<Template>,
    /// Headers of this request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    /// The body as JSON. A key whose expression yields none is left out.
    pub(crate) json: Option<Value>,
    /// The body as a form; names and values are as in `query`.
    pub(crate) form: Option<BTreeMap<String, Value>>,
    /// The body as plain text.
    pub(crate) text: Option<Template>,
}

/// Asks for a list, page by page.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    /// The request. The expression `page` is what `paging` says.
    pub(crate) request: Request,
    /// A reply for which this is true is a success, whatever its status.
    pub(crate) ok_when: Option<Template>,
    /// The list in the reply. Its elements are `item` elsewhere.
    pub(crate) items: Template,
    /// How to come to the next page. Absent: there is only one.
    pub(crate) paging: Option<Paging>,
}

/// How to come to the next page of a list.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// What `page` is in the first request: `1`, `0`, or null for none.
    pub(crate) first: Value,
    /// What `page` is in the next request, from `reply`, `page`, and `items`; none where this was
    /// the last page.
    pub(crate) next: Template,
}

/// Looks for the server of an order.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Find {
    /// The list in which it would stand.
    pub(crate) list: Listing,
    /// Whether `item` is the order's server.
    #[serde(rename = "match")]
    pub(crate) matches: Template,
    /// The hoster's id of `item`.
    pub(crate) id: Template,
    /// What else is saved of `item`.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, Template>,
    /// For how long to look, in seconds: lists may lag behind.
    #[serde(default = "settle_seconds")]
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) settle_seconds: f64,
}

/// Looks how a server is doing.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    /// The requests. A 404 of the first means that the server is gone. The expressions below see
    /// the last reply as `reply`, and what all saved.
    pub(crate) steps: Vec<Step>,
    /// The hoster's word for how the server is doing.
    pub(crate) state: Template,
    /// What its words mean. One that is not listed means that the server is still being built.
    pub(crate) states: BTreeMap<String, Phase>,
    /// Why it failed.
    pub(crate) reason: Option<Template>,
    /// The public addresses, one or a list; none as long as there are none.
    pub(crate) public: Template,
    /// The private addresses.
    pub(crate) private: Option<Template>,
    /// The root password that the hoster chose.
    pub(crate) password: Option<Template>,
    /// For how long after the create a 404 does not yet mean that the server is gone, in seconds.
    #[serde(default = "grace_seconds")]
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub(crate) grace_seconds: f64,
}

/// How a server is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// It is being built.
    Building,
    /// It runs.
    Ready,
    /// It will never run.
    Failed,
    /// It was removed.
    Gone,
}

/// What the hoster sells.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalog {
    /// The parameter whose choices make a configuration each: the plan.
    pub(crate) plan: String,
    /// The choices of each parameter.
    pub(crate) parameters: BTreeMap<String, Choices>,
}

/// The choices of one parameter.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Choices {
    /// The list.
    pub(crate) list: Listing,
    /// Only items for which this is true can be chosen.
    pub(crate) when: Option<Template>,
    /// The parameter's value for `item`.
    pub(crate) value: Template,
    /// What `item` is, in words.
    pub(crate) label: Template,
    /// What it costs.
    pub(crate) price: Option<Price>,
}

/// What something costs.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// The amount; none where the hoster does not tell it.
    pub(crate) amount: Template,
    /// The currency, as ISO 4217 has it; empty where the hoster does not tell it.
    pub(crate) currency: Template,
    /// What it is paid for.
    pub(crate) per: Period,
}

/// What a price is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

/// What is left on the account.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Balance {
    /// The requests.
    pub(crate) steps: Vec<Step>,
    /// The amount.
    pub(crate) amount: Template,
    /// The currency, as ISO 4217 has it.
    pub(crate) currency: Template,
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

/// Recorded replies: a part of the definition is run on them, and must come to what is expected.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// What was recorded, and from where.
    pub(crate) name: String,
    /// The part that is run: `create`, `find`, `poll`, `cancel`, `recover`, `login`, `balance`, or
    /// `catalog.PARAMETER`.
    pub(crate) of: String,
    /// The replies, one for each request in its turn.
    pub(crate) replies: Vec<RecordedReply>,
    /// What the part must come to; keys that are left out are not compared.
    pub(crate) expect: BTreeMap<String, Value>,
}

/// A recorded reply.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedReply {
    /// Its status.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// Its headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Its body, as JSON.
    #[serde(default)]
    pub(crate) json: Value,
    /// Its body, as the text of an XML document.
    pub(crate) xml: Option<String>,
}

impl Http {
    /// Checks what the types cannot say and every order rests on.
    ///
    /// # Errors
    /// A sentence that names the place and the fault.
    pub(crate) fn checked(&self) -> Result<(), String> {
        let buying = self.create.iter().filter(|step| step.buys).count();
        if buying != 1 {
            return Err(format!("create: {buying} steps have `buys`, and just one must"));
        }
        let before = self.create.iter().take_while(|step| !step.buys);
        if let Some(step) = before.clone().find(|step| step.request.method != Method::Get) {
            return Err(format!(
                "create: step `{}` is before the one that buys: GET it",
                step.name
            ));
        }
        let buying = self.create.iter().find(|step| step.buys);
        if buying.is_some_and(|step| !step.save.contains_key("server_id")) {
            return Err("create: the step that buys does not save `server_id`".to_owned());
        }
        let mut elsewhere = self.create.iter().chain(&self.poll.steps).chain(&self.recover);
        if let Some(step) = elsewhere.find(|step| step.clears_up) {
            return Err(format!("step `{}` has `clears_up`, which is for `cancel`", step.name));
        }
        let mut names = std::collections::BTreeSet::new();
        if let Some(twice) = self.create.iter().find(|step| !names.insert(&step.name)) {
            return Err(format!("create: two steps are called `{}`", twice.name));
        }
        if let Some(step) = self.create.iter().find(|step| step.buys && step.wait_until.is_some()) {
            return Err(format!("create: step `{}` buys, so it cannot be repeated", step.name));
        }
        self.auth.checked()?;
        let seconds = [
            ("find.settle_seconds", self.find.settle_seconds),
            ("poll.grace_seconds", self.poll.grace_seconds),
            ("pace.interval_seconds", self.pace.interval_seconds),
            ("pace.timeout_seconds", self.pace.timeout_seconds),
        ];
        match seconds.iter().find(|(_, value)| !(0.0..=86_400.0).contains(value)) {
            Some((place, value)) => Err(format!("{place}: {value} is not between 0 and 86400")),
            None => Ok(()),
        }
    }
}

const fn settle_seconds() -> f64 {
    60.0
}

const fn grace_seconds() -> f64 {
    120.0
}

const fn ok() -> u16 {
    200
}
