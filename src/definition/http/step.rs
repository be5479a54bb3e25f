//! Requests: one, several in a row, and a list page by page.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Template;
use crate::http::Method;

/// One request and what becomes of its reply.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Its name, for the log.
    pub(crate) name: String,
    /// In `create`: whether this is the request that buys the server. Just one step is; those before
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
