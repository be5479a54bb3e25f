//! The filters and tests that take lists and objects apart.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Problem;
use super::operators::{self, attribute};

type Result<T = Option<Value>> = std::result::Result<T, Problem>;

/// An argument that must be a text.
pub(super) fn text_argument(arguments: &[Value], at: usize) -> Result<&str> {
    arguments.get(at).and_then(Value::as_str).ok_or_else(|| "wants a text as its argument".into())
}

fn elements(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().ok_or_else(|| "wants a list".into())
}

/// Follows a dotted path.
fn at_path<'value>(value: &'value Value, path: &str) -> Option<&'value Value> {
    path.split('.').try_fold(value, attribute)
}

pub(super) fn with_attribute(list: &Value, arguments: &[Value]) -> Result {
    let path = text_argument(arguments, 0)?;
    let wanted = arguments.get(1).unwrap_or(&Value::Null);
    let fits = |element: &&Value| {
        at_path(element, path).is_some_and(|value| operators::equal(value, wanted))
    };
    Ok(Some(elements(list)?.iter().filter(fits).cloned().collect()))
}

pub(super) fn with_member(list: &Value, arguments: &[Value]) -> Result {
    let path = text_argument(arguments, 0)?;
    let wanted = arguments.get(1).unwrap_or(&Value::Null);
    let fits = |element: &&Value| {
        let inner = at_path(element, path).and_then(Value::as_array);
        inner.is_some_and(|inner| inner.iter().any(|one| operators::equal(one, wanted)))
    };
    Ok(Some(elements(list)?.iter().filter(fits).cloned().collect()))
}

pub(super) fn pluck(list: &Value, arguments: &[Value]) -> Result {
    let path = text_argument(arguments, 0)?;
    let of = |element| at_path(element, path).filter(|value| !value.is_null());
    Ok(Some(elements(list)?.iter().filter_map(of).cloned().collect()))
}

pub(super) fn children(value: &Value, arguments: &[Value]) -> Result {
    fn elements(value: &Value) -> &[Value] {
        match value {
            Value::Null => &[],
            Value::Array(all) => all,
            one => std::slice::from_ref(one),
        }
    }
    let mut all: Vec<&Value> = elements(value).iter().collect();
    for name in text_argument(arguments, 0)?.split('.') {
        let next = all.into_iter().filter_map(|one| attribute(one, name));
        all = next.flat_map(elements).collect();
    }
    Ok(Some(all.into_iter().cloned().collect()))
}

pub(super) fn flatten(list: &Value, _: &[Value]) -> Result {
    let mut flat = Vec::new();
    for element in elements(list)? {
        match element {
            Value::Array(inner) => flat.extend_from_slice(inner),
            Value::Null => {}
            other => flat.push(other.clone()),
        }
    }
    Ok(Some(flat.into()))
}

/// The members of an object. The empty list is what stands for none.
fn members(value: &Value) -> Result<impl Iterator<Item = (&String, &Value)>> {
    match value {
        Value::Object(object) => Ok(Some(object).into_iter().flatten()),
        Value::Array(list) if list.is_empty() => Ok(None.into_iter().flatten()),
        _ => Err("wants an object".into()),
    }
}

pub(super) fn keys(object: &Value, _: &[Value]) -> Result {
    Ok(Some(members(object)?.map(|(key, _)| key.as_str()).collect()))
}

pub(super) fn values(object: &Value, _: &[Value]) -> Result {
    Ok(Some(members(object)?.map(|(_, value)| value.clone()).collect()))
}

pub(super) fn entries(object: &Value, _: &[Value]) -> Result {
    let entry = |(key, value): (&String, &Value)| json!({ "key": key, "value": value });
    Ok(Some(members(object)?.map(entry).collect()))
}

pub(super) fn first(value: &Value, _: &[Value]) -> Result {
    match value {
        Value::String(text) => Ok(text.chars().next().map(|first| first.to_string().into())),
        list => Ok(elements(list)?.first().cloned()),
    }
}

pub(super) fn last(value: &Value, _: &[Value]) -> Result {
    match value {
        Value::String(text) => Ok(text.chars().next_back().map(|last| last.to_string().into())),
        list => Ok(elements(list)?.last().cloned()),
    }
}

pub(super) fn length(value: &Value, _: &[Value]) -> Result {
    match value {
        Value::Array(list) => Ok(list.len()),
        Value::Object(object) => Ok(object.len()),
        Value::String(text) => Ok(text.chars().count()),
        _ => Err("wants a list, an object or a text".into()),
    }
    .map(|length| Some(length.into()))
}

pub(super) fn list(value: &Value, _: &[Value]) -> Result {
    match value {
        Value::Array(_) => Ok(Some(value.clone())),
        Value::Object(_) => keys(value, &[]),
        Value::String(text) => Ok(Some(text.chars().map(String::from).collect())),
        _ => Err("wants a list, an object or a text".into()),
    }
}

/// The elements in order, if they have one.
fn sorted(value: &Value) -> Result<Vec<&Value>> {
    let mut sorted: Vec<_> = elements(value)?.iter().collect();
    // An order exists if all are numbers or all are texts: comparing each with the first tells.
    if let Some(first) = sorted.first() {
        for element in &sorted {
            operators::order(first, element)?;
        }
    }
    sorted.sort_by(|a, b| operators::order(a, b).unwrap_or(Ordering::Equal));
    Ok(sorted)
}

pub(super) fn sort(value: &Value, _: &[Value]) -> Result {
    Ok(Some(sorted(value)?.into_iter().cloned().collect()))
}

pub(super) fn min(value: &Value, _: &[Value]) -> Result {
    Ok(sorted(value)?.first().copied().cloned())
}

pub(super) fn max(value: &Value, _: &[Value]) -> Result {
    Ok(sorted(value)?.last().copied().cloned())
}

pub(super) fn unique(value: &Value, _: &[Value]) -> Result {
    let mut seen = BTreeSet::new();
    Ok(Some(elements(value)?.iter().filter(|one| seen.insert(one.to_string())).cloned().collect()))
}

pub(super) fn is_in(value: &Value, container: &Value) -> Result<Option<bool>> {
    if container.is_null() {
        return Ok(None);
    }
    operators::contains(container, value).map(Some)
}

pub(super) fn starts_with(value: &Value, start: &Value) -> Result<Option<bool>> {
    let start = text_argument(std::slice::from_ref(start), 0)?;
    Ok(Some(value.as_str().is_some_and(|text| text.starts_with(start))))
}

pub(super) fn ends_with(value: &Value, end: &Value) -> Result<Option<bool>> {
    let end = text_argument(std::slice::from_ref(end), 0)?;
    Ok(Some(value.as_str().is_some_and(|text| text.ends_with(end))))
}
