//! The names of webhooks, and which of the two files one stands in.

use std::collections::BTreeSet;

use super::editor::Editor;
use crate::admin::become_owner;
use crate::error::Error;
use crate::home::Home;
use crate::webhook::load::{self, Side};
use crate::{answer, system};

/// Opens the file that a webhook stands in, as whoever may change it.
///
/// # Errors
/// `not_owner` where that is root alone; `configuration_invalid` where it stands in both and the
/// caller may change both.
pub(super) fn at(home: &Home, name: &str) -> Result<Editor, Error> {
    let stands_in = |side| names_in(home, side).unwrap_or_default().contains(name);
    let (is_local, is_machines) = (stands_in(Side::Local), stands_in(Side::Machine));
    if is_machines && !is_local {
        return Editor::open(home, Side::Machine);
    }
    // Anyone else can only have meant his own.
    if is_machines && system::effective_uid() == 0 {
        return Err(twice(home, name));
    }
    become_owner(home)?;
    Editor::open(home, Side::Local)
}

/// Of two of one name none is guessed to be meant: they tell different receivers.
fn twice(home: &Home, name: &str) -> Error {
    let other = Side::Machine.path(home).unwrap_or_default();
    Error::ConfigurationInvalid {
        path: home.etc.join(Side::Local.file()),
        problem: format!(
            "webhook `{name}` stands in {} as well, and which one is meant is not known: give one \
             of the two another name by hand",
            other.display()
        ),
    }
}

/// Returns the names in the machine's file; says it where they are not known, for then one of them
/// may be given once more.
pub(super) fn of_machine(home: &Home) -> BTreeSet<String> {
    names_in(home, Side::Machine).unwrap_or_else(|error| {
        answer::complain(&format!("the machine may have a webhook of the same name: {error}"));
        BTreeSet::new()
    })
}

/// Returns the names in the files of all providers of the machine, as far as they can be read.
pub(super) fn of_providers(home: &Home) -> BTreeSet<String> {
    let mut names = names_in(home, Side::Local).unwrap_or_default();
    let providers = home.holder.as_deref().and_then(std::path::Path::parent);
    let entries = providers.and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let other = Home { etc: entry.path().join("etc"), ..home.clone() };
        names.extend(names_in(&other, Side::Local).unwrap_or_default());
    }
    names
}

/// Returns the names in a file.
pub(in crate::admin) fn names_in(home: &Home, side: Side) -> Result<BTreeSet<String>, Error> {
    let Some(path) = side.path(home) else { return Ok(BTreeSet::new()) };
    let document = load::document(&path, side)?;
    Ok(document.webhooks.into_iter().map(|webhook| webhook.name).collect())
}
