//! Whether a configuration asks a hoster for what its definition knows. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::http::{Http, Parameter, ParameterType};
use crate::expression;
use crate::json::nearest;

/// Checks the parameters of one configuration.
///
/// # Errors
/// A sentence that names the parameter and what is wrong with it.
pub(crate) fn check(definition: &Http, given: &BTreeMap<String, Value>) -> Result<(), String> {
    check_given(definition, given)?;
    missing(definition, given).map_or(Ok(()), Err)
}

/// Checks those parameters that a configuration has.
///
/// # Errors
/// A sentence that names the parameter and what is wrong with it.
pub(crate) fn check_given(
    definition: &Http,
    given: &BTreeMap<String, Value>,
) -> Result<(), String> {
    if takes_any(definition) {
        return Ok(());
    }
    for (name, value) in given {
        let Some(parameter) = definition.parameters.get(name) else {
            let known = definition.parameters.keys().map(String::as_str);
            return Err(match nearest(name, known) {
                Some(known) => format!("unknown parameter `{name}`: did you mean `{known}`?"),
                None => format!("unknown parameter `{name}`: this hoster takes none"),
            });
        };
        check_one(name, parameter, value)?;
    }
    Ok(())
}

/// Says which parameter a configuration must have and has not.
pub(crate) fn missing(definition: &Http, given: &BTreeMap<String, Value>) -> Option<String> {
    if takes_any(definition) {
        return None;
    }
    let (name, parameter) = definition.parameters.iter().find(|(name, parameter)| {
        parameter.required && parameter.default.is_none() && !given.contains_key(*name)
    })?;
    Some(format!("parameter `{name}` is missing: {}", parameter.description))
}

fn takes_any(definition: &Http) -> bool {
    definition.program.as_ref().is_some_and(|program| program.any_parameters)
}

fn check_one(name: &str, parameter: &Parameter, value: &Value) -> Result<(), String> {
    if !fits(parameter.kind, value) {
        return Err(format!("parameter `{name}`: {value} is no {}", word(parameter.kind)));
    }
    match (&parameter.pattern, value) {
        (Some(pattern), Value::String(text)) => match expression::matches_whole(pattern, text) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("parameter `{name}`: `{text}` does not match `{pattern}`")),
            Err(problem) => Err(format!("parameter `{name}`: `{pattern}`: {problem}")),
        },
        _ => Ok(()),
    }
}

fn fits(kind: ParameterType, value: &Value) -> bool {
    match kind {
        ParameterType::String => value.is_string(),
        ParameterType::Integer => value.is_i64() || value.is_u64(),
        ParameterType::Number => value.is_number(),
        ParameterType::Boolean => value.is_boolean(),
        ParameterType::Array => value.is_array(),
        ParameterType::Object => value.is_object(),
    }
}

const fn word(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::String => "text",
        ParameterType::Integer => "whole number",
        ParameterType::Number => "number",
        ParameterType::Boolean => "true or false",
        ParameterType::Array => "list",
        ParameterType::Object => "object",
    }
}
