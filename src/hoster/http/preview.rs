//! The requests that an order would send, without sending any and without a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Hoster, Purpose, Trouble, sample, scope_of};
use crate::definition::http::{Http, Step};
use crate::expression::Scope;
use crate::http::{self, Failure, Transport};
use crate::order::Equipment;
use crate::secret::Secret;

/// What stands where a secret would.
const HIDDEN: &str = "HIDDEN";

/// A request that would be sent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct Shown {
    /// The step of the definition.
    pub(crate) step: String,
    /// The method; `RUN` where a program is run.
    pub(crate) method: String,
    /// The whole URL; or the program and its arguments.
    pub(crate) url: String,
    /// The headers.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body, or what the program reads: JSON as it is, anything else as a text; null where there is none.
    pub(crate) body: Value,
}

/// Nobody is asked.
struct Nobody;

impl Transport for Nobody {
    fn send(&self, _: &http::Request) -> Result<http::Reply, Failure> {
        Err(Failure::NotSent("a preview sends nothing".to_owned()))
    }
}

/// Returns the requests of a login and of `create`, in their order, for an account that has these
/// credentials besides those that every account needs.
pub(crate) fn preview(
    definition: Arc<Http>,
    base_url: &str,
    given: &BTreeSet<String>,
    parameters: BTreeMap<String, Value>,
    equipment: Equipment,
) -> Result<Vec<Shown>, Trouble> {
    // What is sent may depend on which of several ways to log in is given, and a program of one's
    // own gets credentials that its definition does not name.
    let needed = definition.credentials.iter().filter(|(_, of)| !of.optional).map(|(name, _)| name);
    let known = needed.chain(given);
    let credentials = known.map(|name| (name.clone(), HIDDEN.to_owned())).collect();
    let mut hoster = Hoster::new(definition, base_url, credentials, Box::new(Nobody));
    hoster.purpose = Purpose::Shown;
    let mut order = sample::order("", parameters);
    // Not the real one, but of the same kind.
    let password = equipment.password.map(|_| Secret::from(HIDDEN.repeat(4)));
    let user_data = equipment.user_data.map(|text| {
        let length = text.expose().len();
        Secret::from(format!("#cloud-config\n# {HIDDEN}: {length} bytes of the configuration\n"))
    });
    order.equip(Equipment { password, user_data, ..equipment });
    let scope = scope_of(&hoster, &order).map_err(Trouble::Definition)?;
    let mut shown = Vec::new();
    if hoster.definition.auth.has_session() {
        let mut saved = BTreeMap::new();
        let mut scope = scope.with("assertion", "ASSERTION");
        for (index, step) in hoster.definition.auth.steps().iter().enumerate() {
            shown.push(hoster.show(step, &format!("/auth/steps/{index}"), &scope, false)?);
            saved.extend(placeholders(step));
            scope.set("saved", &saved);
        }
        hoster.remember(saved);
    }
    let mut saved = BTreeMap::new();
    let mut scope = scope;
    for (index, step) in hoster.definition.create.iter().enumerate() {
        let place = format!("/create/{index}");
        if hoster.wanted(step, &place, &scope)? {
            shown.push(hoster.show(step, &place, &scope, true)?);
        }
        saved.extend(placeholders(step));
        if let Some(id) = saved.remove("server_id") {
            scope.set("server_id", id);
        }
        scope.set("saved", &saved);
    }
    Ok(shown)
}

/// What a step would save is only known from its reply.
fn placeholders(step: &Step) -> BTreeMap<String, Value> {
    step.save.keys().map(|name| (name.clone(), json!(name.to_uppercase()))).collect()
}

impl Hoster {
    fn show(
        &self,
        step: &Step,
        place: &str,
        scope: &Scope,
        signed: bool,
    ) -> Result<Shown, Trouble> {
        let place = format!("{place}/request");
        let request = if signed {
            self.signed(&self.build(&step.request, &place, scope)?, scope)?
        } else {
            self.build_before_login(&step.request, &place, scope)?
        };
        let text = request.body.as_deref().map(String::from_utf8_lossy);
        let body = text.map_or(Value::Null, |text| {
            serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
        });
        if let Some(program) = &self.definition.program {
            return Ok(Shown {
                step: step.name.clone(),
                method: "RUN".to_owned(),
                url: program.words.join(" "),
                headers: BTreeMap::new(),
                body,
            });
        }
        Ok(Shown {
            step: step.name.clone(),
            method: format!("{:?}", request.method).to_uppercase(),
            url: request.url,
            headers: request.headers.into_iter().collect(),
            body,
        })
    }
}
