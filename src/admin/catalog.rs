//! `catalog`: what the hoster sells, as configurations that can be copied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{printed, table};
use crate::answer;
use crate::cli::Catalog;
use crate::config::Config;
use crate::definition::http::{Catalog as Described, Period};
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::hoster::http::{Choice, Cost, Hoster, Trouble};

/// What a table ends with.
const COPY: &str =
    "`--json` prints configurations that can be copied into the configuration file\n";

/// The answer to `catalog --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to catalog --json", deny_unknown_fields))]
pub(crate) struct Offer {
    /// One configuration for each plan, ready to be copied into the configuration file.
    configurations: Vec<Item>,
    /// The choices of each parameter.
    parameters: BTreeMap<String, Vec<Choice>>,
}

/// A configuration that could be ordered.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Item {
    /// A proposal for its id.
    pub(super) id: String,
    /// A proposal for what the panel shows.
    pub(super) descr: String,
    /// What the hoster is asked for.
    pub(super) parameters: BTreeMap<String, Value>,
    /// What it costs; null where the hoster does not tell.
    pub(super) price: Option<Cost>,
}

/// A configuration as a program tells it.
#[derive(Deserialize)]
struct Told {
    id: String,
    descr: String,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    price: Option<Cost>,
}

pub(super) fn run(home: &Home, options: &Catalog) -> Result<u8, Error> {
    home.require_holder()?;
    let config = Config::load(home)?;
    let Definition::Http(http) = definition::load(home, &config.definition)? else {
        return Err(Error::usage("an inventory has no catalogue: look into etc/inventory.json"));
    };
    let catalog = http.catalog.clone();
    if catalog.is_none() && http.program.as_ref().is_none_or(|program| program.catalog.is_none()) {
        return Err(Error::usage(format!("the definition of {} has no catalogue", http.title)));
    }
    let chosen = chosen(&options.set, catalog.as_ref())?;
    let example = http.example.parameters.clone();
    let title = http.title.clone();
    let hoster = account::open(home, &config, http)?.choosing(chosen.clone());
    let failed = |trouble: Trouble| trouble.error_of(&title, &config.definition);
    let offer = match &catalog {
        Some(catalog) => {
            let mut parameters = BTreeMap::new();
            for name in catalog.parameters.keys() {
                let choices = choices(&hoster, catalog, name).map_err(failed)?;
                parameters.insert(name.clone(), choices);
            }
            let configurations = configurations(catalog, &parameters, &example, &chosen);
            Offer { configurations, parameters }
        }
        None => Offer {
            configurations: told(&hoster, &chosen).map_err(failed)?,
            parameters: BTreeMap::new(),
        },
    };
    if options.output.json {
        return printed(answer::pretty_json(&offer));
    }
    let text = match &catalog {
        Some(catalog) => text(&offer, catalog),
        None => text_of(&offer.configurations),
    };
    printed(answer::text(&text))
}

/// Returns the configurations that a program tells; a chosen parameter that it does not name is part
/// of each.
///
/// # Errors
/// The hoster's, or where the answer is not as it should be.
pub(super) fn told(
    hoster: &Hoster,
    chosen: &BTreeMap<String, Value>,
) -> Result<Vec<Item>, Trouble> {
    let all = hoster.configurations()?.unwrap_or_default();
    let item = |(index, value): (usize, Value)| {
        let told: Told = serde_json::from_value(value).map_err(|error| {
            Trouble::Definition(format!(
                "the answer to `catalog`: configurations[{index}]: {error}"
            ))
        })?;
        let Told { id, descr, parameters, price } = told;
        let mut all = chosen.clone();
        all.extend(parameters);
        Ok(Item { id: id_of(&Value::String(id)), descr, parameters: all, price })
    };
    all.into_iter().enumerate().map(item).collect()
}

fn text_of(configurations: &[Item]) -> String {
    let rows = configurations.iter().map(|item| {
        let price = item.price.as_ref().map(price).unwrap_or_default();
        vec![item.id.clone(), price, item.descr.clone()]
    });
    table::render(&["CONFIGURATION", "PRICE", "MEANING"], rows) + "\n" + COPY
}

fn choices(hoster: &Hoster, catalog: &Described, name: &str) -> Result<Vec<Choice>, Trouble> {
    match catalog.parameters.get(name) {
        Some(choices) => hoster.choices(name, choices, &hoster.scope()),
        None => Ok(Vec::new()),
    }
}

/// Reads `--set NAME=VALUE`; a value that is JSON keeps its type.
fn chosen(set: &[String], catalog: Option<&Described>) -> Result<BTreeMap<String, Value>, Error> {
    set.iter()
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Error::usage(format!("`--set {pair}`: NAME=VALUE was expected")))?;
            if catalog.is_some_and(|catalog| name == catalog.plan) {
                return Err(Error::usage(format!(
                    "`--set {name}`: that is the plan; all are shown"
                )));
            }
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// Makes one configuration of each plan; what is not chosen is as in the definition's example.
fn configurations(
    catalog: &Described,
    parameters: &BTreeMap<String, Vec<Choice>>,
    example: &BTreeMap<String, Value>,
    chosen: &BTreeMap<String, Value>,
) -> Vec<Item> {
    let plans = parameters.get(&catalog.plan).map_or(&[][..], Vec::as_slice);
    plans
        .iter()
        .map(|plan| {
            let mut all = example.clone();
            all.extend(chosen.clone());
            all.insert(catalog.plan.clone(), plan.value.clone());
            Item {
                id: id_of(&plan.value),
                descr: plan.label.clone(),
                parameters: all,
                price: plan.price.clone(),
            }
        })
        .collect()
}

/// Returns a text that can be an id.
pub(super) fn id_of(value: &Value) -> String {
    let text = worth(value);
    let id: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    id.trim_start_matches(['-', '.']).to_owned()
}

fn text(offer: &Offer, catalog: &Described) -> String {
    let mut text = String::new();
    let rest = catalog.parameters.keys().filter(|name| **name != catalog.plan);
    for name in std::iter::once(&catalog.plan).chain(rest) {
        let rows = offer.parameters.get(name).into_iter().flatten().map(|choice| {
            vec![
                worth(&choice.value),
                choice.price.as_ref().map(price).unwrap_or_default(),
                choice.label.clone(),
            ]
        });
        text += &table::render(&[&name.to_uppercase(), "PRICE", "MEANING"], rows);
        text.push('\n');
    }
    text + COPY
}

/// Returns a value as a person writes it: a text without its quotes.
pub(super) fn worth(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns a price in words.
pub(super) fn price(cost: &Cost) -> String {
    let per = match cost.per {
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Month => "month",
    };
    format!("{} {}/{per}", cost.amount, cost.currency)
}
