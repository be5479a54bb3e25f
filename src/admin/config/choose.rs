//! What a hoster is asked for: chosen from its catalogue, given by flags, or as in the example.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ask::Dialog;
use super::draft::Item;
use super::pick::pick;
use crate::admin::catalog::{self, worth};
use crate::definition::http::{Http, Parameter, ParameterType};
use crate::definition::parameters;
use crate::error::Error;
use crate::hoster::http::{Choice, Hoster, Trouble};
use crate::json::nearest;

/// What a person answers for a parameter that is to be left out.
const NONE: &str = "-";

/// Parameters, by name.
pub(super) type Parameters = BTreeMap<String, Value>;

/// What each configuration asks for, and how the parameters that make them differ are called.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// What all have in common.
    pub(super) shared: Parameters,
    /// What makes a configuration each: the plans, with what they are called.
    pub(super) plans: Vec<Plan>,
}

/// One plan.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What it is called in an id.
    pub(super) name: String,
    /// What it is, in words; none where the hoster was not asked.
    pub(super) label: Option<String>,
    /// What it asks for.
    pub(super) parameters: Parameters,
}

/// Chooses among what a hoster sells.
pub(super) struct Chooser<'a> {
    pub(super) dialog: &'a Dialog,
    pub(super) http: &'a Http,
    /// What the flags chose; null leaves a parameter out.
    pub(super) set: &'a Parameters,
    /// The plans that the flags name.
    pub(super) plans: &'a [Value],
}

impl Chooser<'_> {
    /// Returns what the example and the flags say; nobody is asked.
    pub(super) fn offline(&self) -> Wish {
        let mut shared = self.http.example.parameters.clone();
        shared.extend(self.set.clone());
        shared.retain(|_, value| !value.is_null());
        let plan = self.http.catalog.as_ref().map(|catalog| catalog.plan.clone());
        let plans = plan
            .into_iter()
            .flat_map(|name| self.plans.iter().map(move |value| plan_of(&name, value, None)));
        Wish { plans: plans.collect(), shared }
    }

    /// Asks the hoster and whoever is at the terminal.
    ///
    /// # Errors
    /// The hoster's; `usage` where a flag is missing or names what is not sold.
    pub(super) fn online(
        &self,
        mut hoster: Hoster,
        failed: impl Fn(Trouble) -> Error,
    ) -> Result<Wish, Error> {
        let mut wish = Wish { shared: self.set.clone(), plans: Vec::new() };
        hoster = hoster.choosing(self.set.clone());
        let catalog = self.http.catalog.as_ref();
        for name in self.order() {
            let listed = catalog.and_then(|catalog| catalog.parameters.get(&name));
            let is_plan = catalog.is_some_and(|catalog| catalog.plan == name);
            let choices = match listed {
                Some(listed) => {
                    self.dialog.say(&format!("\nAsking {} for {name} …", self.http.title));
                    hoster.choices(&name, listed, &hoster.scope()).map_err(&failed)?
                }
                None => Vec::new(),
            };
            if is_plan {
                wish.plans = self.choose_plans(&name, &choices)?;
                if let Some(first) = wish.plans.first() {
                    hoster = hoster.choosing(first.parameters.clone());
                }
                continue;
            }
            let value = self.choose_one(&name, listed.is_some(), &choices)?;
            hoster = hoster.choosing(BTreeMap::from([(name.clone(), value.clone())]));
            wish.shared.insert(name, value);
        }
        wish.shared.retain(|_, value| !value.is_null());
        Ok(wish)
    }

    /// Chooses among configurations that a program tells.
    ///
    /// # Errors
    /// `usage` where a flag is missing or names what is not sold.
    pub(super) fn among(&self, told: &[catalog::Item]) -> Result<Vec<Item>, Error> {
        let choice = |item: &catalog::Item| Choice {
            value: item.id.clone().into(),
            label: item.descr.clone(),
            price: item.price.clone(),
        };
        let choices: Vec<Choice> = told.iter().map(choice).collect();
        let plans = self.choose_plans("configuration", &choices)?;
        let named = |plan: &Plan| told.iter().find(|item| item.id == plan.name);
        let item = |item: &catalog::Item| Item {
            id: item.id.clone(),
            descr: item.descr.clone(),
            parameters: item.parameters.clone(),
        };
        Ok(plans.iter().filter_map(named).map(item).collect())
    }

    /// Returns the parameters to ask for, such first as lists of others need.
    fn order(&self) -> Vec<String> {
        let catalog = self.http.catalog.as_ref();
        let declared = &self.http.parameters;
        let wanted: BTreeSet<&String> = declared
            .iter()
            .filter(|(_, one)| one.required && one.default.is_none())
            .map(|(name, _)| name)
            .chain(self.http.example.parameters.keys())
            .collect();
        let plan = catalog.map(|catalog| &catalog.plan);
        let rest = wanted.into_iter().filter(|name| Some(*name) != plan);
        let mut left: Vec<&String> =
            plan.into_iter().chain(rest).filter(|name| !self.set.contains_key(*name)).collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            let mut next = 0;
            // No further than there are others, should two need each other.
            for _ in 0..left.len() {
                let needed =
                    |other: &&String| *other != left[next] && self.needs(left[next], other);
                match left.iter().position(needed) {
                    Some(first) => next = first,
                    None => break,
                }
            }
            order.push(left.remove(next).clone());
        }
        order
    }

    /// Returns whether the list of one parameter's choices is asked for with another's value.
    fn needs(&self, name: &str, other: &str) -> bool {
        let listed = self.http.catalog.as_ref().and_then(|all| all.parameters.get(name));
        let Some(listed) = listed else { return false };
        // Address and login go with every request.
        let text = format!("{listed:?}{:?}{:?}", self.http.base_url, self.http.auth);
        text.contains(&format!("parameters.{other}"))
    }

    fn choose_plans(&self, name: &str, choices: &[Choice]) -> Result<Vec<Plan>, Error> {
        let plan = |choice: &Choice| plan_of(name, &choice.value, Some(choice.label.clone()));
        if !self.plans.is_empty() {
            return self
                .plans
                .iter()
                .map(|given| Ok(plan(known("--plan", given, choices)?)))
                .collect();
        }
        if !self.dialog.asks {
            return Err(Error::usage(format!(
                "`--plan VALUE` is missing: which {name} to sell, as `catalog` lists them; may be \
                 given several times (or `--offline`, for the definition's example)"
            )));
        }
        let example = self.http.example.parameters.get(name);
        let usual = example.and_then(|example| find(example, choices));
        let picked = pick(self.dialog, name, choices, usual, true)?;
        Ok(picked.into_iter().map(|number| plan(&choices[number])).collect())
    }

    /// Chooses the value of one parameter; null leaves it out.
    fn choose_one(&self, name: &str, listed: bool, choices: &[Choice]) -> Result<Value, Error> {
        let example = self.http.example.parameters.get(name);
        let declared = self.http.parameters.get(name);
        let usual = example.and_then(|example| find(example, choices));
        match (usual, self.dialog.asks) {
            (_, true) if !choices.is_empty() => {
                let number = pick(self.dialog, name, choices, usual, false)?.remove(0);
                Ok(fitting(&choices[number].value, declared))
            }
            (_, true) => self.write_one(name, declared, example),
            (Some(_), false) => Ok(example.cloned().unwrap_or_default()),
            (None, false) if !listed => Ok(example.cloned().unwrap_or_default()),
            (None, false) => Err(Error::usage(format!(
                "`--set {name}=VALUE` is missing: what the definition has for an example is none of \
                 the hoster's; `catalog` lists them, and null leaves it out"
            ))),
        }
    }

    /// Lets a value be written of which the hoster has no list.
    fn write_one(
        &self,
        name: &str,
        declared: Option<&Parameter>,
        example: Option<&Value>,
    ) -> Result<Value, Error> {
        let meaning = declared.map_or("", |one| one.description.as_str());
        let needed = declared.is_some_and(|one| one.required);
        let or_none = if needed { "" } else { " (`-`: none)" };
        self.dialog.say(&format!("\n{name}: {meaning}"));
        let usual = example.map_or_else(|| NONE.to_owned(), worth);
        loop {
            let text = self.dialog.text(&format!("{name}{or_none}"), &usual)?;
            if text == NONE && !needed {
                return Ok(Value::Null);
            }
            let value = typed(&text, declared);
            let given = BTreeMap::from([(name.to_owned(), value.clone())]);
            match parameters::check_given(self.http, &given) {
                Ok(()) if text != NONE => return Ok(value),
                Ok(()) => self.dialog.say(&format!("{name} is needed")),
                Err(problem) => self.dialog.say(&problem),
            }
        }
    }
}

fn plan_of(parameter: &str, value: &Value, label: Option<String>) -> Plan {
    let parameters = BTreeMap::from([(parameter.to_owned(), value.clone())]);
    Plan { name: worth(value), label, parameters }
}

/// Reads a value: a text where the definition wants one, JSON where it can be read as such.
pub(super) fn typed(text: &str, declared: Option<&Parameter>) -> Value {
    let wants_text = declared.is_some_and(|one| one.kind == ParameterType::String);
    match serde_json::from_str(text) {
        Ok(Value::Null) => Value::Null,
        Ok(value) if !wants_text => value,
        Ok(Value::String(text)) => Value::String(text),
        _ => Value::from(text),
    }
}

/// Makes a list of one of a value where the definition wants a list.
fn fitting(value: &Value, declared: Option<&Parameter>) -> Value {
    let wants_list = declared.is_some_and(|one| one.kind == ParameterType::Array);
    if wants_list && !value.is_array() { Value::Array(vec![value.clone()]) } else { value.clone() }
}

fn find(value: &Value, choices: &[Choice]) -> Option<usize> {
    let same = |choice: &Choice| {
        choice.value == *value
            || value.as_array().is_some_and(|list| *list == [choice.value.clone()])
    };
    choices.iter().position(same).or_else(|| {
        let text = worth(value);
        choices.iter().position(|choice| worth(&choice.value) == text)
    })
}

fn known<'a>(flag: &str, value: &Value, choices: &'a [Choice]) -> Result<&'a Choice, Error> {
    if let Some(number) = find(value, choices) {
        return Ok(&choices[number]);
    }
    let (text, all) = (worth(value), choices.iter().map(|choice| worth(&choice.value)));
    let all: Vec<String> = all.collect();
    Err(Error::usage(match nearest(&text, all.iter().map(String::as_str)) {
        Some(nearest) => format!("{flag} {text}: it is not sold; did you mean `{nearest}`?"),
        None => format!("{flag} {text}: the hoster sells nothing now"),
    }))
}

#[cfg(test)]
mod tests;
