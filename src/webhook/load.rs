//! Reading `etc/webhooks.json`, the machine's `provider-webhooks.json`, and what these name.

mod files;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::file::{Scope, Webhook, Webhooks};
use super::{kinds, schedule, select};
use crate::error::Error;
use crate::home::Home;
use crate::system::{self, OPEN_AT_ONCE};
use crate::{json, name};

pub(crate) use files::{Unknown, from_disk, target, target_from};

/// The webhooks of one provider.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Its own, and those of the machine whose scope covers it.
    pub(crate) webhooks: Vec<Webhook>,
    /// Why the machine's are not among them, where that is so.
    pub(crate) unreadable: Option<String>,
}

/// Whose file a webhook stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The provider's.
    Local,
    /// The machine's.
    Machine,
}

impl Side {
    /// Returns whose file a webhook stands in.
    pub(crate) const fn of(webhook: &Webhook) -> Self {
        if webhook.scope.is_some() { Self::Machine } else { Self::Local }
    }

    /// Returns the folder that the paths in the file are relative to; none for the machine's where
    /// there is no holder.
    pub(crate) fn folder(self, home: &Home) -> Option<PathBuf> {
        match self {
            Self::Local => Some(home.etc.clone()),
            Self::Machine => Some(home.holder.as_deref()?.parent()?.parent()?.join("etc")),
        }
    }

    /// Returns the file's name.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Local => "webhooks.json",
            Self::Machine => "provider-webhooks.json",
        }
    }

    /// Returns the name of the folder beside it that holds what was copied.
    pub(crate) const fn copies(self) -> &'static str {
        match self {
            Self::Local => "webhooks",
            Self::Machine => "provider-webhooks",
        }
    }

    /// Returns the file's path; none for the machine's where there is no holder.
    pub(crate) fn path(self, home: &Home) -> Option<PathBuf> {
        Some(self.folder(home)?.join(self.file()))
    }
}

impl Scope {
    /// Returns whether a provider's events are sent.
    pub(crate) fn covers(&self, provider: &str) -> bool {
        match self {
            Self::Word(_) => true,
            Self::Providers(names) => names.iter().any(|name| name == provider),
        }
    }
}

/// Reads the webhooks of a provider, and checks all that can be without their files and the network.
///
/// # Errors
/// `configuration_invalid`, naming the file, the webhook and the fault.
pub(crate) fn load(home: &Home) -> Result<Loaded, Error> {
    let mut webhooks = read(home, Side::Local)?;
    let (machine, unreadable) = match machine(home)? {
        Machine::Known(webhooks) => (webhooks, None),
        Machine::Closed(why) => (Vec::new(), Some(why)),
    };
    let own: BTreeSet<&str> = webhooks.iter().map(|webhook| &*webhook.name).collect();
    if let Some(twice) = machine.iter().find(|webhook| own.contains(&*webhook.name)) {
        let other = Side::Machine.path(home).unwrap_or_default();
        return Err(Error::ConfigurationInvalid {
            path: home.etc.join(Side::Local.file()),
            problem: format!("webhook `{}` stands in {} as well", twice.name, other.display()),
        });
    }
    webhooks.extend(
        machine
            .into_iter()
            .filter(|webhook| webhook.scope.as_ref().is_some_and(|scope| scope.covers(&home.name))),
    );
    Ok(Loaded { webhooks, unreadable })
}

/// The webhooks of the machine, whomever they tell of.
#[derive(Debug)]
pub(crate) enum Machine {
    /// They are these.
    Known(Vec<Webhook>),
    /// This user may not read them, and why.
    Closed(String),
}

/// Reads the webhooks of the machine.
///
/// # Errors
/// `configuration_invalid`, naming the file, the webhook and the fault.
pub(crate) fn machine(home: &Home) -> Result<Machine, Error> {
    match read(home, Side::Machine) {
        Err(Error::ConfigurationInvalid { path, problem }) if problem == CLOSED => {
            Ok(Machine::Closed(format!("{}: {problem}", path.display())))
        }
        read => read.map(Machine::Known),
    }
}

/// What is said of a file that this user may not read.
const CLOSED: &str = "cannot read it: permission denied";

/// Reads one of the two files; without it there are no webhooks.
///
/// # Errors
/// `configuration_invalid`, naming the file, the webhook and the fault.
pub(crate) fn read(home: &Home, side: Side) -> Result<Vec<Webhook>, Error> {
    let Some(path) = side.path(home) else { return Ok(Vec::new()) };
    let document = document(&path, side)?;
    check_all(&document.webhooks, side)
        .map_err(|problem| Error::ConfigurationInvalid { path, problem })?;
    Ok(document.webhooks)
}

/// Reads one of the two files as it is written.
///
/// # Errors
/// `configuration_invalid`, naming the file and the fault.
pub(crate) fn document(path: &Path, side: Side) -> Result<Webhooks, Error> {
    let invalid = |problem| Error::ConfigurationInvalid { path: path.to_owned(), problem };
    let (bytes, metadata) = match json::read_file(path, OPEN_AT_ONCE, json::LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Webhooks::default()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(invalid(CLOSED.to_owned()));
        }
        read => read.map_err(|error| invalid(format!("cannot read it: {error}")))?,
    };
    if side == Side::Machine {
        trusted(&metadata).map_err(invalid)?;
    }
    json::parse(&bytes).map_err(invalid)
}

/// What tells root's provider where to send things is written by root.
fn trusted(metadata: &Metadata) -> Result<(), String> {
    let (owner, own) = (metadata.uid(), system::effective_uid());
    if owner == 0 || owner == own {
        return Ok(());
    }
    Err(format!("it belongs to user {owner}, not to root"))
}

/// Checks the webhooks of a file.
///
/// # Errors
/// A sentence that names the webhook and the fault.
pub(crate) fn check_all(webhooks: &[Webhook], side: Side) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for (index, webhook) in webhooks.iter().enumerate() {
        let place = |problem| format!("webhooks[{index}], `{}`: {problem}", webhook.name);
        check(webhook, side).map_err(place)?;
        if !names.insert(&webhook.name) {
            return Err(place("the name stands here twice".to_owned()));
        }
    }
    Ok(())
}

/// Checks what can be checked of a webhook without its files and the network.
///
/// # Errors
/// A sentence that names the key and the fault, never a secret.
pub(crate) fn check(webhook: &Webhook, side: Side) -> Result<(), String> {
    if !name::is_safe(&webhook.name) {
        return Err(format!("name: `{}` cannot be a name: {}", webhook.name, name::RULE));
    }
    check_scope(webhook, side)?;
    select::check(webhook)?;
    schedule::check(webhook)?;
    kinds::check(webhook)
}

fn check_scope(webhook: &Webhook, side: Side) -> Result<(), String> {
    match (&webhook.scope, side) {
        (Some(_), Side::Local) => Err("scope: only a webhook of the machine has one".to_owned()),
        (None, Side::Machine) => {
            Err("scope: `global` or a list of providers' names is missing".to_owned())
        }
        (Some(Scope::Providers(names)), Side::Machine) => {
            match names.iter().find(|name| !name::is_safe(name)) {
                Some(name) => Err(format!("scope: `{name}` is no provider's name")),
                None if names.is_empty() => Err("scope: it names no provider".to_owned()),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Returns the files whose change means that webhooks are to be loaded again, present or not.
pub(crate) fn files(home: &Home) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for side in [Side::Local, Side::Machine] {
        let (Some(folder), Some(path)) = (side.folder(home), side.path(home)) else { continue };
        let known = document(&path, side).unwrap_or_default();
        files.push(path);
        files.extend(known.webhooks.iter().flat_map(named).map(|file| folder.join(file)));
    }
    files
}

/// Returns the files that a webhook names, as it names them.
pub(crate) fn named(webhook: &Webhook) -> Vec<&str> {
    let single = [&webhook.url_file, &webhook.token_file, &webhook.ca_file];
    let secrets = webhook.secrets.iter().filter_map(|secret| secret.file.as_deref());
    let variables = webhook.secret_variables.values().map(String::as_str);
    single.into_iter().flatten().map(String::as_str).chain(secrets).chain(variables).collect()
}
