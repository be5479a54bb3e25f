//! The references of definitions, configurations and webhooks, made from their schemas.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::hand::read;
use crate::support::page::{assert_generated, at_root, line, plainly};

/// Where a page explains a type.
fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

/// Returns the name of the type that a schema refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().and_then(|path| path.rsplit('/').next())
}

/// Says what a value is, in a word or two; types that are explained elsewhere are noted.
fn kind(schema: &Value, types: &mut Vec<String>) -> String {
    if let Some(name) = referred(schema) {
        // How the program keeps a text is nobody else's business.
        if name == "Secret" {
            return "text".to_owned();
        }
        types.push(name.to_owned());
        return link(name);
    }
    if let Some(all) = schema["anyOf"].as_array() {
        let some: Vec<String> = all
            .iter()
            .filter(|one| one["type"] != "null")
            .map(|one| kind(one, &mut *types))
            .collect();
        return some.join(" or ");
    }
    let word = match &schema["type"] {
        Value::Array(all) => all.iter().find(|one| *one != "null").cloned().unwrap_or_default(),
        other => other.clone(),
    };
    match word.as_str() {
        Some("array") if schema["items"].is_object() => {
            format!("list of {}", kind(&schema["items"], types))
        }
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("NAME: {}", kind(&schema["additionalProperties"], types))
        }
        Some(word) => plainly(word).to_owned(),
        None => "anything".to_owned(),
    }
}

/// Says whether a key must be there, and what it is where it is not.
fn absent(key: &str, property: &Value, owner: &Value) -> String {
    let required = owner["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    match &property["default"] {
        _ if required => "required".to_owned(),
        // Nothing, or the defaults of a type that has a table of its own.
        Value::Null | Value::Object(_) => String::new(),
        Value::Array(all) if all.is_empty() => String::new(),
        other => format!("`{}`", other.as_str().map_or_else(|| other.to_string(), str::to_owned)),
    }
}

/// Returns the table of an object's keys.
fn keys(schema: &Value, types: &mut Vec<String>) -> String {
    let mut text = "| key | is | otherwise | meaning |\n|---|---|---|---|\n".to_owned();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let kind = match property["const"].as_str() {
            Some(word) => format!("`{word}`"),
            None => kind(property, types),
        };
        let (absent, meaning) = (absent(key, property, schema), line(&property["description"]));
        let _ = writeln!(text, "| `{key}` | {kind} | {absent} | {meaning} |");
    }
    text
}

/// Explains a type; the ones that it names are noted.
fn explained(name: &str, schema: &Value, types: &mut Vec<String>) -> String {
    let mut text = format!("### {name}\n\n{}\n\n", line(&schema["description"]));
    if let Some(all) = schema["oneOf"].as_array() {
        for one in all {
            let (word, meaning) = (&one["const"], line(&one["description"]));
            match word.as_str() {
                Some(word) => {
                    let _ = writeln!(text, "* `{word}`: {meaning}");
                }
                None => {
                    let _ = writeln!(text, "{meaning}\n\n{}", keys(one, types));
                }
            }
        }
    } else if let Some(all) = schema["anyOf"].as_array() {
        for one in all {
            let kind = kind(one, types);
            let _ = writeln!(text, "* {kind}: {}", line(&one["description"]));
        }
    } else if schema["enum"].is_array() || schema["const"].is_string() {
        let _ = writeln!(text, "`{}`", schema["const"].as_str().unwrap_or_default());
    } else if schema["properties"].is_object() {
        text += &keys(schema, types);
    }
    text.trim_end().to_owned() + "\n"
}

/// Explains the types `first` and all that they lead to, each once, as they come.
fn reference(schema: &Value, mut types: Vec<String>) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut text = String::new();
    while !types.is_empty() {
        let name = types.remove(0);
        if told.contains(&name) {
            continue;
        }
        let mut more = Vec::new();
        text += &explained(&name, &schema["$defs"][&name], &mut more);
        text.push('\n');
        told.push(name);
        // What belongs to a type comes right behind it.
        more.extend(types);
        types = more;
    }
    text
}

#[test]
fn the_reference_of_definitions_is_that_of_the_types() {
    let schema = read(&at_root("schemas/definition.json"));
    let text = reference(&schema, vec!["Http".to_owned()]);
    assert_generated("docs/definitions.md", "definition", &text);
}

#[test]
fn the_reference_of_commands_is_that_of_the_types() {
    let schema = read(&at_root("schemas/definition.json"));
    let text =
        keys(&schema["$defs"]["Command"], &mut Vec::new()).replace("](#", "](definitions.md#");
    assert_generated(
        "docs/command.md",
        "command",
        &text.replace("[CommandKind](definitions.md#commandkind)", "`command`"),
    );
}

#[test]
fn the_reference_of_configurations_is_that_of_the_types() {
    let schema = read(&at_root("schemas/configuration.json"));
    let mut types = Vec::new();
    let top = keys(&schema, &mut types);
    let text = format!("{top}\n{}", reference(&schema, types));
    assert_generated("docs/configuration.md", "configuration", &text);
}

#[test]
fn the_reference_of_webhooks_is_that_of_the_types() {
    let schema = read(&at_root("schemas/webhooks.json"));
    let mut types = Vec::new();
    let top = keys(&schema, &mut types);
    let text = format!("{top}\n{}", reference(&schema, types));
    assert_generated("docs/webhook-reference.md", "keys", &text);
}
