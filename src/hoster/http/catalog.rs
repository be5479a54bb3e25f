//! What a hoster sells, and what is left on the account.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::steps::Taken;
use super::{Hoster, Trouble};
use crate::definition::http::{Choices, Period, Template};
use crate::expression::Scope;

/// One choice of a parameter.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct Choice {
    /// The parameter's value.
    pub(crate) value: Value,
    /// What it is, in words.
    pub(crate) label: String,
    /// What it costs; null where the hoster does not tell.
    pub(crate) price: Option<Cost>,
}

/// What something costs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct Cost {
    /// The amount, as the hoster writes it.
    #[serde(deserialize_with = "text_or_number")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) amount: String,
    /// The currency, as ISO 4217 has it; empty where the hoster does not tell.
    pub(crate) currency: String,
    /// What it is paid for.
    pub(crate) per: Period,
}

/// What is left on an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// The amount, as the hoster writes it.
    pub(crate) amount: String,
    /// The currency.
    pub(crate) currency: String,
}

impl Hoster {
    /// Returns the choices of a parameter, in the hoster's order.
    pub(crate) fn choices(
        &self,
        parameter: &str,
        choices: &Choices,
        scope: &Scope,
    ) -> Result<Vec<Choice>, Trouble> {
        let place = format!("/catalog/parameters/{parameter}");
        let mut all = Vec::new();
        for item in self.list(&choices.list, &format!("{place}/list"), scope)? {
            let scope = scope.with("item", &item);
            if let Some(when) = &choices.when
                && !self.expressions.truth(when, &format!("{place}/when"), &scope)?
            {
                continue;
            }
            let price = match &choices.price {
                Some(price) => {
                    let place = format!("{place}/price");
                    let amount = self.figure(&price.amount, &format!("{place}/amount"), &scope)?;
                    let currency = &price.currency;
                    let currency =
                        self.expressions.text(currency, &format!("{place}/currency"), &scope)?;
                    amount.map(|amount| Cost { amount, currency, per: price.per })
                }
                None => None,
            };
            all.push(Choice {
                value: self.expressions.value(&choices.value, &format!("{place}/value"), &scope)?,
                label: self.expressions.text(&choices.label, &format!("{place}/label"), &scope)?,
                price,
            });
        }
        Ok(all)
    }

    /// Returns the configurations that a program says it sells, as it says them; none where it does
    /// not tell.
    pub(crate) fn configurations(&self) -> Result<Option<Vec<Value>>, Trouble> {
        let program = self.definition.program.as_ref();
        let Some(request) = program.and_then(|program| program.catalog.as_ref()) else {
            return Ok(None);
        };
        let scope = self.ask(request, None, "/catalog", &self.scope())?;
        let all = self.expressions.value("{{ reply.configurations }}", "/catalog", &scope)?;
        Ok(all.as_array().cloned())
    }

    /// Returns what is left on the account; none where the hoster does not tell.
    pub(crate) fn balance(&self) -> Result<Option<Left>, Trouble> {
        let Some(balance) = &self.definition.balance else { return Ok(None) };
        let mut scope = self.scope();
        let mut all = std::collections::BTreeMap::new();
        for (index, step) in balance.steps.iter().enumerate() {
            if let Taken::Done(saved) =
                self.take(step, &format!("/balance/steps/{index}"), &mut scope)?
            {
                all.extend(saved);
            }
            scope.merge("saved", &all);
        }
        let amount = self.figure(&balance.amount, "/balance/amount", &scope)?;
        let currency = self.expressions.text(&balance.currency, "/balance/currency", &scope)?;
        Ok(amount.map(|amount| Left { amount, currency }))
    }

    fn figure(
        &self,
        template: &Template,
        place: &str,
        scope: &Scope,
    ) -> Result<Option<String>, Trouble> {
        Ok(self.expressions.maybe(template, place, scope)?.map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

/// Takes an amount as a text or as a number.
fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("a text or a number was expected")),
    }
}
