//! How to talk to a hoster, as data: the definition that a configuration names.

#[expect(dead_code, reason = "the engine that reads it comes with the next commits")]
pub(crate) mod http;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::home::Home;
use crate::json;
use crate::system::OPEN_AT_ONCE;

/// A hoster, as data.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Definition of a hoster"))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Definition {
    /// Hands out servers that exist already, listed in `etc/inventory.json`.
    Inventory(Inventory),
}

/// The definition of an inventory needs nothing but a title.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Inventory {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<String>,
    /// What a person calls it.
    title: String,
    /// Where its documentation is.
    #[expect(dead_code, reason = "for readers of the file")]
    docs: Option<String>,
}

impl Definition {
    /// Returns what a person calls the hoster.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Inventory(inventory) => &inventory.title,
        }
    }
}

/// The definitions that are part of the program, by name.
const BUILT_IN: [(&str, &str); 1] = [("inventory", include_str!("../../providers/inventory.json"))];

/// Reads the definition that a configuration names.
///
/// # Errors
/// `definition_invalid`, naming the definition and the fault.
pub(crate) fn load(home: &Home, name: &str) -> Result<Definition, Error> {
    let invalid = |problem| Error::DefinitionInvalid { name: name.to_owned(), problem };
    if !name.contains('/') {
        let text = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let text = text.ok_or_else(|| invalid(no_built_in()))?;
        return json::parse(text.as_bytes()).map_err(invalid);
    }
    let path = path(home, name);
    let (bytes, _) = json::read_file(&path, OPEN_AT_ONCE, json::LARGEST)
        .map_err(|error| invalid(format!("cannot read {}: {error}", path.display())))?;
    json::parse(&bytes).map_err(invalid)
}

fn path(home: &Home, name: &str) -> PathBuf {
    home.etc.join(Path::new(name))
}

fn no_built_in() -> String {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    format!(
        "no built-in definition has this name (built in: {}); a file is named by a path relative \
         to etc/ with a `/` in it, as `./mine.json`",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_definition_parses() {
        for (name, text) in BUILT_IN {
            json::parse::<Definition>(text.as_bytes())
                .unwrap_or_else(|why| panic!("{name}: {why}"));
        }
    }

    #[test]
    fn every_file_in_providers_is_built_in_and_the_other_way_round() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let names: Vec<String> = BUILT_IN.iter().map(|(name, _)| format!("{name}.json")).collect();
        assert_eq!(files, names);
    }
}
