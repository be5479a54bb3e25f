//! How to talk to a hoster, as data: the definition that a configuration names.

pub(crate) mod command;
pub(crate) mod http;
pub(crate) mod parameters;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::Error;
use crate::home::Home;
use crate::json;
use crate::system::OPEN_AT_ONCE;
use http::Http;

/// A hoster, as data.
#[derive(Debug)]
pub(crate) enum Definition {
    /// Hands out servers that exist already, listed in `etc/inventory.json`.
    Inventory(Inventory),
    /// Orders servers from a hoster with an API over HTTP, or from a program that is asked as one.
    Http(Arc<Http>),
}

/// A hoster, as data: what a file of a definition may hold.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(title = "Definition of a hoster", untagged)]
#[expect(dead_code, reason = "for the schema only")]
pub(crate) enum Written {
    /// Hands out servers that exist already, listed in `etc/inventory.json`.
    Inventory(Inventory),
    /// Orders servers from a hoster with an API over HTTP.
    Http(Box<Http>),
    /// Has servers made by a program.
    Command(Box<command::Command>),
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
    /// What is behind the definition.
    #[expect(dead_code, reason = "it has been read by then")]
    kind: InventoryKind,
    /// What a person calls it.
    title: String,
    /// Where its documentation is.
    #[expect(dead_code, reason = "for readers of the file")]
    docs: Option<String>,
}

/// What is behind a definition of an inventory.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum InventoryKind {
    /// Servers that exist already.
    Inventory,
}

/// What is behind a definition.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Inventory,
    Http,
    Command,
}

impl Definition {
    /// Parses a definition.
    ///
    /// # Errors
    /// A sentence that names the place and the fault.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct OnlyKind {
            kind: Kind,
        }
        match json::parse::<OnlyKind>(bytes)?.kind {
            Kind::Inventory => json::parse(bytes).map(Self::Inventory),
            Kind::Http => {
                let http: Http = json::parse(bytes)?;
                http.checked()?;
                Ok(Self::Http(Arc::new(http)))
            }
            Kind::Command => {
                let command: command::Command = json::parse(bytes)?;
                Ok(Self::Http(Arc::new(command.into_http()?)))
            }
        }
    }

    /// Returns what a person calls the hoster.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Inventory(inventory) => &inventory.title,
            Self::Http(http) => &http.title,
        }
    }
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        /// The definitions that are part of the program, by name.
        pub(crate) const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../providers/", $name, ".json")))),+];
    };
}

built_in![
    "beget",
    "cloudstack",
    "digitalocean",
    "ec2",
    "hetzner",
    "inventory",
    "linode",
    "openstack",
    "proxmox",
    "regru",
    "scaleway",
    "selectel",
    "solusvm2",
    "timeweb",
    "vdsina",
    "vmmanager6",
    "vultr",
    "yandex",
];

/// The name of the built-in definition of servers that exist already.
pub(crate) const BUILT_IN_INVENTORY: &str = "inventory";

/// Reads the definition that a configuration names.
///
/// # Errors
/// `definition_invalid`, naming the definition and the fault.
pub(crate) fn load(home: &Home, name: &str) -> Result<Definition, Error> {
    Definition::parse(&text(home, name)?)
        .map_err(|problem| Error::DefinitionInvalid { name: name.to_owned(), problem })
}

/// Returns the text of the definition that a configuration names.
///
/// # Errors
/// `definition_invalid`, naming the definition and the fault.
pub(crate) fn text(home: &Home, name: &str) -> Result<Cow<'static, [u8]>, Error> {
    let invalid = |problem| Error::DefinitionInvalid { name: name.to_owned(), problem };
    if !name.contains('/') {
        let text = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (_, text) = text.ok_or_else(|| invalid(no_built_in()))?;
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let path = home.etc.join(Path::new(name));
    json::read_file(&path, OPEN_AT_ONCE, json::LARGEST)
        .map(|(bytes, _)| Cow::Owned(bytes))
        .map_err(|error| invalid(format!("cannot read {}: {error}", path.display())))
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
            let parsed = Definition::parse(text.as_bytes());
            let parsed = parsed.unwrap_or_else(|why| panic!("{name}: {why}"));
            let is_inventory = matches!(parsed, Definition::Inventory(_));
            assert_eq!(is_inventory, *name == BUILT_IN_INVENTORY, "{name}");
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
