//! Evaluates the templates of definitions: texts with `{{ expression }}`.
//!
//! The grammar of expressions is minijinja's. What they mean, `evaluate` alone decides; what they can
//! call is listed in `filters` and `predicates`. Something undefined makes undefined whatever is made
//! of it, but for `or`, `default` and the tests `defined` and `undefined`. Expressions and the texts
//! that they make have a largest length, and there are no loops, so the time is bounded.

mod evaluate;
pub(crate) mod filters;
mod names;
mod operators;
pub(crate) mod predicates;
mod shape;
mod template;
#[cfg(test)]
mod tests;
mod texts;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use template::Part;

pub(crate) use texts::{matches_whole, percent_decoded, percent_encoded};

/// Why something has no value, in our own words and the template's: never a value, it may be secret.
type Problem = Cow<'static, str>;

/// What expressions can read: names to values. Cheap to clone. It may hold credentials, so there is
/// no way to print it.
#[derive(Clone, Default)]
pub(crate) struct Scope(Arc<BTreeMap<&'static str, Arc<Value>>>);

impl Scope {
    /// One in which nothing is defined.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The same with a name added, or its value replaced.
    #[must_use]
    pub(crate) fn with(&self, name: &'static str, value: impl Serialize) -> Self {
        let mut scope = self.clone();
        scope.set(name, value);
        scope
    }

    /// Adds a name, or replaces its value. What JSON cannot hold is none.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Serialize) {
        let value = serde_json::to_value(value).unwrap_or_default();
        Arc::make_mut(&mut self.0).insert(name, Arc::new(value));
    }

    /// Adds members to a name that is an object.
    pub(crate) fn merge(&mut self, name: &'static str, members: &BTreeMap<String, Value>) {
        let mut all = match self.get(name) {
            Some(Value::Object(known)) => known.clone(),
            _ => serde_json::Map::new(),
        };
        all.extend(members.clone());
        self.set(name, all);
    }

    /// Returns a member of a name that is an object, where the member is a text.
    pub(crate) fn text(&self, name: &str, member: &str) -> Option<&str> {
        self.get(name)?.get(member)?.as_str()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(AsRef::as_ref)
    }
}

/// Why a template has no value. Never shows a value that it read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It reads something that is not there.
    #[error("{place}: `{}`: something in it is undefined", shortened(template))]
    Undefined {
        /// Where it stands in the definition, as a JSON pointer (RFC 6901).
        place: String,
        /// The template.
        template: String,
    },
    /// It is not of the language, or does what cannot be done.
    #[error("{place}: `{}`: {problem}", shortened(template))]
    Invalid {
        /// Where it stands in the definition, as a JSON pointer (RFC 6901).
        place: String,
        /// The template.
        template: String,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
}

/// How many characters of a template an error shows.
const SHOWN: usize = 200;

fn shortened(template: &str) -> Cow<'_, str> {
    match template.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &template[..end])),
        None => Cow::Borrowed(template),
    }
}

fn undefined(template: &str, place: &str) -> Fault {
    Fault::Undefined { place: place.to_owned(), template: template.to_owned() }
}

fn invalid(template: &str, place: &str, problem: impl Into<Problem>) -> Fault {
    let (place, template) = (place.to_owned(), template.to_owned());
    Fault::Invalid { place, template, problem: problem.into() }
}

/// Evaluates templates. `place` is always the JSON pointer of the template in its definition.
#[derive(Default)]
pub(crate) struct Expressions {
    used: Option<Mutex<BTreeSet<String>>>,
}

impl Expressions {
    /// One that evaluates and forgets.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that remembers what it evaluated, see [`Self::used`].
    pub(crate) fn recording() -> Self {
        Self { used: Some(Mutex::default()) }
    }

    /// The places of the templates evaluated so far without a fault. Empty unless recording.
    pub(crate) fn used(&self) -> BTreeSet<String> {
        self.used.as_ref().map_or_else(BTreeSet::new, |used| {
            used.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// The value of a template. One that is exactly one expression keeps its type, any other is a
    /// text. Undefined is a fault, and so is none amid text.
    pub(crate) fn value(&self, template: &str, place: &str, scope: &Scope) -> Result<Value, Fault> {
        let value = found(template, place, scope)?.ok_or_else(|| undefined(template, place))?;
        self.remember(place);
        Ok(value)
    }

    /// The value of a template that may have none: undefined and none are no fault.
    pub(crate) fn maybe(
        &self,
        template: &str,
        place: &str,
        scope: &Scope,
    ) -> Result<Option<Value>, Fault> {
        let found = found(template, place, scope)?;
        self.remember(place);
        Ok(found.filter(|value| !value.is_null()))
    }

    /// The text of a template. Numbers and booleans are written out; none, lists and objects are
    /// faults.
    pub(crate) fn text(&self, template: &str, place: &str, scope: &Scope) -> Result<String, Fault> {
        let value = found(template, place, scope)?.ok_or_else(|| undefined(template, place))?;
        let text = operators::text(&value).map_err(|problem| invalid(template, place, problem))?;
        self.remember(place);
        Ok(text)
    }

    /// Whether a condition holds. Undefined and none are false; anything else but a boolean is a
    /// fault.
    pub(crate) fn truth(&self, template: &str, place: &str, scope: &Scope) -> Result<bool, Fault> {
        let truth = match found(template, place, scope)? {
            None | Some(Value::Null) => false,
            Some(Value::Bool(truth)) => truth,
            Some(_) => return Err(invalid(template, place, "a condition is true or false")),
        };
        self.remember(place);
        Ok(truth)
    }

    /// A path or query: what expressions yield is percent-encoded, all but the unreserved
    /// characters of RFC 3986, section 2.3, and must be a text that is not empty. A segment `.` or
    /// `..` would lead to another path (section 5.2.4) and is a fault.
    pub(crate) fn path(&self, template: &str, place: &str, scope: &Scope) -> Result<String, Fault> {
        let fault = |problem| invalid(template, place, problem);
        let mut path = String::new();
        for part in template::parts(template).map_err(fault)? {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Expression(expression) => {
                    let found = evaluate::evaluate(expression, scope).map_err(fault)?;
                    let value = found.ok_or_else(|| undefined(template, place))?;
                    let text = operators::text(&value).map_err(fault)?;
                    if text.is_empty() {
                        return Err(fault("an expression in a path yields an empty text".into()));
                    }
                    path.push_str(&texts::percent_encoded(&text));
                }
            }
        }
        if path.split(['/', '\\', '?', '#']).any(is_dot_segment) {
            return Err(fault("a segment of a path is `.` or `..`".into()));
        }
        let path = operators::limited(path).map_err(fault)?;
        self.remember(place);
        Ok(path)
    }

    /// A tree whose texts are templates. Members of objects and elements of lists whose template is
    /// exactly one expression that yields none are left out; a none that stands there as such stays.
    pub(crate) fn tree(&self, tree: &Value, place: &str, scope: &Scope) -> Result<Value, Fault> {
        Ok(match tree {
            Value::String(template) => self.value(template, place, scope)?,
            Value::Array(list) => {
                let mut made = Vec::with_capacity(list.len());
                for (index, element) in list.iter().enumerate() {
                    made.extend(self.branch(element, &format!("{place}/{index}"), scope)?);
                }
                Value::Array(made)
            }
            Value::Object(object) => {
                let mut made = serde_json::Map::new();
                for (key, member) in object {
                    let place = format!("{place}/{}", pointer_token(key));
                    if let Some(member) = self.branch(member, &place, scope)? {
                        made.insert(key.clone(), member);
                    }
                }
                Value::Object(made)
            }
            other => other.clone(),
        })
    }

    fn branch(&self, tree: &Value, place: &str, scope: &Scope) -> Result<Option<Value>, Fault> {
        let made = self.tree(tree, place, scope)?;
        Ok((!made.is_null() || tree.is_null()).then_some(made))
    }

    /// Checks a template without evaluating it: its syntax, that its filters and tests exist and
    /// have as many arguments as they take. Returns the paths that it reads, in order and each
    /// once: `order.hostname`, `reply.servers.0.id`.
    pub(crate) fn names(template: &str, place: &str) -> Result<Vec<String>, Fault> {
        let fault = |problem| invalid(template, place, problem);
        let mut paths = BTreeSet::new();
        for part in template::parts(template).map_err(fault)? {
            if let Part::Expression(expression) = part {
                names::collect(expression, &mut paths).map_err(fault)?;
            }
        }
        Ok(paths.into_iter().collect())
    }

    fn remember(&self, place: &str) {
        if let Some(used) = &self.used {
            used.lock().unwrap_or_else(PoisonError::into_inner).insert(place.to_owned());
        }
    }
}

/// The value of a template; none where it is undefined, or where a piece amid text is undefined or
/// none.
fn found(template: &str, place: &str, scope: &Scope) -> Result<Option<Value>, Fault> {
    let fault = |problem| invalid(template, place, problem);
    let parts = template::parts(template).map_err(fault)?;
    if let [Part::Expression(expression)] = parts.as_slice() {
        let found = evaluate::evaluate(expression, scope).map_err(fault)?;
        return Ok(found.map(Cow::into_owned));
    }
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Expression(expression) => {
                match evaluate::evaluate(expression, scope).map_err(fault)?.as_deref() {
                    None | Some(Value::Null) => return Ok(None),
                    Some(value) => text.push_str(&operators::text(value).map_err(fault)?),
                }
            }
        }
        text = operators::limited(text).map_err(fault)?;
    }
    Ok(Some(Value::String(text)))
}

/// Whether a segment is `.` or `..`, also where its dots are percent-encoded: URL parsers decode
/// them (<https://url.spec.whatwg.org/#double-dot-path-segment>).
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// A key as RFC 6901, section 3, writes it in a JSON pointer.
pub(crate) fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
