//! Changing `etc/webhooks.json` or the machine's `provider-webhooks.json`: whole or not at all.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::event::EventType;
use crate::home::Home;
use crate::store::{self, Edit};
use crate::webhook::address::Policy;
use crate::webhook::file::{Webhook, Webhooks};
use crate::webhook::kinds;
use crate::webhook::load::{self, Side};
use crate::webhook::send::Sender;
use crate::{json, system};

/// One of the two files, and the right to change it.
pub(super) struct Editor {
    side: Side,
    folder: PathBuf,
    document: Webhooks,
    edit: Edit,
}

impl Editor {
    /// Takes the right to change a file, and reads it.
    ///
    /// # Errors
    /// `not_owner` for anyone but root, where it is the machine's; `configuration_invalid` where the
    /// file cannot be read.
    pub(super) fn open(home: &Home, side: Side) -> Result<Self, Error> {
        let folder = side.folder(home).ok_or_else(|| Error::usage("there is no holder"))?;
        if side == Side::Machine {
            only_root(home)?;
            store::make_folder(&folder)?;
            store::only_ours(&folder)?;
        }
        let edit = Edit::of(&folder, side.copies(), "webhooks")?;
        let document = load::document(&folder.join(side.file()), side)?;
        Ok(Self { side, folder, document, edit })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) const fn side(&self) -> Side {
        self.side
    }

    /// Returns a webhook by its name.
    ///
    /// # Errors
    /// `usage`, naming it and the nearest there is.
    pub(super) fn find(&self, name: &str) -> Result<&Webhook, Error> {
        let known = &self.document.webhooks;
        known.iter().find(|webhook| webhook.name == name).ok_or_else(|| unknown(name, known))
    }

    /// Adds a webhook, or replaces the one of that name, once all that can be checked was.
    ///
    /// # Errors
    /// `usage`, naming what is wrong with it.
    pub(super) fn put(&mut self, home: &Home, draft: &Draft) -> Result<(), Error> {
        let webhook = &draft.webhook;
        checked(home, draft, self.side).map_err(Error::usage)?;
        let others = self.document.webhooks.iter().filter(|other| other.name != webhook.name);
        let files: BTreeSet<&str> = others.flat_map(load::named).collect();
        // `a` with a variable `b.token` and `a.variable.b` with a token want the same.
        if let Some(taken) = draft.files.keys().find(|file| files.contains(file.as_str())) {
            return Err(Error::usage(format!("another webhook has {taken}: choose another name")));
        }
        for (file, text) in &draft.files {
            self.edit.replace(file, format!("{}\n", text.expose()).as_bytes())?;
        }
        let known = &mut self.document.webhooks;
        let Some(place) = known.iter_mut().find(|other| other.name == webhook.name) else {
            known.push(webhook.clone());
            return self.write();
        };
        let old = std::mem::replace(place, webhook.clone());
        self.write()?;
        self.drop_files(&old)
    }

    /// Removes a webhook and what was copied for it.
    ///
    /// # Errors
    /// `usage`, naming it and the nearest there is.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Error> {
        let old = self.find(name)?.clone();
        self.document.webhooks.retain(|webhook| webhook.name != name);
        self.write()?;
        self.drop_files(&old)
    }

    fn write(&self) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(&self.document)
            .map_err(|error| Error::Internal { problem: error.to_string() })?;
        text.push(b'\n');
        self.edit.replace(self.side.file(), &text)
    }

    /// Removes what was copied for a webhook and is named no more; nothing else that it named.
    fn drop_files(&self, old: &Webhook) -> Result<(), Error> {
        let ours = format!("{}/{}.", self.side.copies(), old.name);
        let known: BTreeSet<&str> = self.document.webhooks.iter().flat_map(load::named).collect();
        for file in load::named(old) {
            let plain = file.strip_prefix(&ours).is_some_and(|rest| !rest.contains('/'));
            if plain && !known.contains(file) {
                self.edit.remove(file)?;
            }
        }
        Ok(())
    }
}

/// Checks a webhook with all its files: what is accepted here is not to fail in silence later.
///
/// # Errors
/// A sentence that names the key and the fault, never a secret.
pub(crate) fn checked(home: &Home, draft: &Draft, side: Side) -> Result<(), String> {
    load::check(&draft.webhook, side)?;
    let target = draft.target()?;
    Sender::check(&target)?;
    // What is wrong with the configuration is told by whoever needs it.
    let config = Config::load(home).ok();
    let account = config.as_ref().map(|config| config.account.clone()).unwrap_or_default();
    let event = super::sample::event(home, EventType::Finished, account);
    let message = kinds::message(&target, &event, None, clock::now())?;
    let Some(config) = config else { return Ok(()) };
    let policy = policy(&config)?;
    let Some(why) = address_in(&message.url).and_then(|address| policy.refuses(address)) else {
        return Ok(());
    };
    Err(if draft.webhook.url_file.is_some() {
        "url_file: it leads to an address that may not be reached".to_owned()
    } else {
        format!("url: {why}; `webhooks.allow` of the configuration can except it")
    })
}

/// Returns which networks may be reached.
///
/// # Errors
/// A sentence that names the place; never, for a configuration that was checked when it was read.
pub(crate) fn policy(config: &Config) -> Result<Policy, String> {
    Policy::parse(&config.webhooks.allow, &config.webhooks.deny)
}

/// Returns the host of a URL where it is an address: what a name leads to is known when it is sent.
fn address_in(url: &str) -> Option<IpAddr> {
    let (_, behind) = url.split_once("://")?;
    let authority = behind.split(['/', '?']).next()?;
    let place = authority.rsplit('@').next()?;
    match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?.parse().ok(),
        None => place.split(':').next()?.parse().ok(),
    }
}

/// The machine's webhooks are root's, for every provider acts on them.
///
/// # Errors
/// `not_owner` for anyone else.
pub(super) fn only_root(home: &Home) -> Result<(), Error> {
    let caller = system::effective_uid();
    if caller == 0 {
        return Ok(());
    }
    let path = Side::Machine.path(home).unwrap_or_default();
    Err(Error::NotOwner { path, owner: 0, caller })
}

/// An error that names the webhook that there is not, and the nearest there is.
pub(crate) fn unknown(name: &str, known: &[Webhook]) -> Error {
    let nearest = json::nearest(name, known.iter().map(|webhook| &*webhook.name));
    Error::usage(match nearest {
        Some(nearest) => format!("no webhook `{name}`; the nearest is `{nearest}`"),
        None => format!("no webhook `{name}`; there is none yet"),
    })
}
