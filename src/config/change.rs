//! Changing one value of a JSON text, every other byte of which stays as somebody wrote it. Pure.
//!
//! A value is named as `limits.open_orders`; one of `configurations` by its id, an element of any
//! other list by its number, from 0 on.

use serde_json::Value;

use super::spans::{self, Inner, Member, Node};

/// The list whose elements are named by their ids.
const CONFIGURATIONS: &str = "configurations";

/// What a key leads to.
enum Target<'n> {
    /// A member of an object, by its number.
    Member(&'n Node, &'n [Member], usize),
    /// An element of a list, by its number.
    Element(&'n Node, &'n [Node], usize),
    /// Nothing yet: this object, or null in its place, has none of these keys, each of which is in
    /// the one before.
    Absent(&'n Node, Vec<&'n str>),
    /// Nothing yet: the place behind a list's last element; an id where elements have such.
    Behind(&'n Node, Option<&'n str>),
}

/// Puts the JSON `value` where `key` leads; makes the objects on the way that are missing.
///
/// # Errors
/// A sentence that names the key and what keeps it from being there, never a value.
pub(crate) fn set(text: &str, key: &str, value: &str) -> Result<String, String> {
    let root = spans::of(text)?;
    match find(&root, text, key)? {
        Target::Member(_, members, number) => Ok(replaced(text, &members[number].value, value)),
        Target::Element(_, elements, number) => Ok(replaced(text, &elements[number], value)),
        Target::Absent(node, keys) => {
            let (first, rest) = keys.split_first().ok_or("no key")?;
            let is_new_list = node.at == root.at && *first == CONFIGURATIONS;
            let value = match rest {
                [] => value.to_owned(),
                rest if is_new_list => format!("[ {} ]", named(&rest.join("."), value)?),
                rest => rest.iter().rev().fold(value.to_owned(), |value, key| one(key, &value)),
            };
            Ok(with_member(text, node, first, &value, node.at == root.at))
        }
        Target::Behind(list, Some(id)) => Ok(with_element(text, list, &named(id, value)?)),
        Target::Behind(list, None) => Ok(with_element(text, list, value)),
    }
}

/// Takes out what `key` leads to.
///
/// # Errors
/// A sentence that names the key, where it leads to nothing.
pub(crate) fn unset(text: &str, key: &str) -> Result<String, String> {
    let root = spans::of(text)?;
    let (whole, starts, ends, number) = match find(&root, text, key)? {
        Target::Member(node, members, number) => {
            let starts: Vec<usize> = members.iter().map(|one| one.key_at.start).collect();
            let ends: Vec<usize> = members.iter().map(|one| one.value.at.end).collect();
            (node, starts, ends, number)
        }
        Target::Element(node, elements, number) => {
            let starts: Vec<usize> = elements.iter().map(|one| one.at.start).collect();
            let ends: Vec<usize> = elements.iter().map(|one| one.at.end).collect();
            (node, starts, ends, number)
        }
        Target::Absent(..) | Target::Behind(..) => return Err(format!("`{key}` is not there")),
    };
    let gap = if number > 0 {
        ends[number - 1]..ends[number]
    } else if starts.len() > 1 {
        starts[0]..starts[1]
    } else {
        whole.at.start + 1..whole.at.end - 1
    };
    Ok(format!("{}{}", &text[..gap.start], &text[gap.end..]))
}

fn find<'n>(root: &'n Node, text: &str, key: &'n str) -> Result<Target<'n>, String> {
    if key.split('.').any(str::is_empty) {
        return Err(format!("`{key}` is no key: write one as `limits.open_orders`"));
    }
    let (mut node, mut rest) = (root, key);
    loop {
        let walked = key[..key.len() - rest.len()].trim_end_matches('.');
        match &node.inner {
            Inner::Object(members) => {
                let names = members.iter().map(|member| member.key.as_str());
                let Some((number, length)) = longest(names, rest) else {
                    return Ok(Target::Absent(node, rest.split('.').collect()));
                };
                if length == rest.len() {
                    return Ok(Target::Member(node, members, number));
                }
                (node, rest) = (&members[number].value, &rest[length + 1..]);
            }
            Inner::List(elements) => {
                let names: Vec<String> = names(walked, elements, text);
                let Some((number, length)) = longest(names.iter().map(String::as_str), rest) else {
                    return behind(node, walked, &names, rest);
                };
                if length == rest.len() {
                    return Ok(Target::Element(node, elements, number));
                }
                (node, rest) = (&elements[number], &rest[length + 1..]);
            }
            Inner::Plain if &text[node.at.clone()] == "null" => {
                return Ok(Target::Absent(node, rest.split('.').collect()));
            }
            Inner::Plain => return Err(format!("`{walked}` holds no further keys")),
        }
    }
}

/// Returns the number and the length of the longest name that a key begins with; of equal ones the
/// last, as parsers do. Names may have dots in them.
fn longest<'a>(names: impl Iterator<Item = &'a str>, key: &str) -> Option<(usize, usize)> {
    let begins = |name: &str| {
        key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let fitting = names.enumerate().filter(|(_, name)| begins(name));
    fitting
        .map(|(number, name)| (number, name.len()))
        .max_by_key(|(number, length)| (*length, *number))
}

/// Returns what the elements of a list are called.
fn names(walked: &str, elements: &[Node], text: &str) -> Vec<String> {
    let id = |element: &Node| {
        let value: Value = serde_json::from_str(&text[element.at.clone()]).ok()?;
        Some(value.get("id")?.as_str()?.to_owned())
    };
    let name = |(number, element): (usize, &Node)| match walked {
        // An empty name is none.
        CONFIGURATIONS => id(element).unwrap_or_default(),
        _ => number.to_string(),
    };
    elements.iter().enumerate().map(name).collect()
}

fn behind<'n>(
    list: &'n Node,
    walked: &str,
    names: &[String],
    rest: &'n str,
) -> Result<Target<'n>, String> {
    if walked == CONFIGURATIONS {
        return Ok(Target::Behind(list, Some(rest)));
    }
    if rest == names.len().to_string() {
        return Ok(Target::Behind(list, None));
    }
    let count = names.len();
    Err(format!("`{walked}` has {count} elements, from 0 on; `{rest}` is none, nor the next"))
}

/// Returns a new configuration with its id.
fn named(id: &str, value: &str) -> Result<String, String> {
    let parsed: Value = serde_json::from_str(value).map_err(|error| error.to_string())?;
    let id_text = Value::from(id).to_string();
    match (&parsed, parsed.get("id")) {
        (Value::Object(_), Some(given)) if given.as_str() == Some(id) => Ok(value.to_owned()),
        (Value::Object(_), Some(_)) => {
            Err(format!("the new configuration is called `{id}` here, and otherwise in its `id`"))
        }
        (Value::Object(keys), None) => {
            let inside = value.trim().trim_start_matches('{');
            let comma = if keys.is_empty() { "" } else { "," };
            Ok(format!("{{ \"id\": {id_text}{comma} {}", inside.trim_start()))
        }
        _ => {
            let first = id.split('.').next().unwrap_or(id);
            Err(format!(
                "there is no configuration `{first}` yet: add one by \
                 `configurations.{first} '{{\"descr\": …}}'`"
            ))
        }
    }
}

fn one(key: &str, value: &str) -> String {
    format!("{{ {}: {value} }}", Value::from(key))
}

fn replaced(text: &str, node: &Node, value: &str) -> String {
    let value = indented(value, line_indent(text, node.at.start));
    format!("{}{value}{}", &text[..node.at.start], &text[node.at.end..])
}

/// Adds a member behind the last, spaced as that is.
fn with_member(text: &str, node: &Node, key: &str, value: &str, is_root: bool) -> String {
    let last = match &node.inner {
        Inner::Object(members) => members.last().map(|last| (members, last)),
        Inner::List(_) | Inner::Plain => None,
    };
    let Some((members, last)) = last else {
        let member = one(key, value);
        if !is_root {
            return replaced(text, node, &member);
        }
        let value = indented(value, "  ");
        return replaced(text, node, &format!("{{\n  {}: {value}\n}}", Value::from(key)));
    };
    let before = match members.len() {
        1 => None,
        count => Some(members[count - 2].value.at.end),
    };
    let separator = separator(text, node, before, last.key_at.start);
    let colon = &text[last.key_at.end..last.value.at.start];
    let value = indented(value, line_indent(text, last.key_at.start));
    let end = last.value.at.end;
    format!("{}{separator}{}{colon}{value}{}", &text[..end], Value::from(key), &text[end..])
}

/// Adds an element behind the last, spaced as that is.
fn with_element(text: &str, whole: &Node, value: &str) -> String {
    let all = match &whole.inner {
        Inner::List(all) => all.as_slice(),
        Inner::Object(_) | Inner::Plain => &[],
    };
    let Some(last) = all.last() else {
        return replaced(text, whole, &format!("[ {value} ]"));
    };
    let before = all.len().checked_sub(2).map(|number| all[number].at.end);
    let separator = separator(text, whole, before, last.at.start);
    let value = indented(value, line_indent(text, last.at.start));
    format!("{}{separator}{value}{}", &text[..last.at.end], &text[last.at.end..])
}

/// Returns what stands between the last two, or would stand there if there were two.
fn separator(text: &str, whole: &Node, before: Option<usize>, last: usize) -> String {
    match before {
        Some(end) => text[end..last].to_owned(),
        None => format!(",{}", &text[whole.at.start + 1..last]),
    }
}

/// Returns the white space that a line begins with.
fn line_indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Sets the further lines of a value in; a text of JSON has no line break within.
fn indented(value: &str, by: &str) -> String {
    value.trim().replace('\n', &format!("\n{by}"))
}

#[cfg(test)]
mod tests;
