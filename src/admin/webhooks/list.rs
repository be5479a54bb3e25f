//! `webhooks list` and `webhooks show`.

use super::editor::unknown;
use super::view::{Counts, HEADINGS, List, One, View};
use crate::admin::{become_owner, printed, table};
use crate::answer;
use crate::cli::{NamedWebhook, Output};
use crate::error::Error;
use crate::home::Home;
use crate::secret::Secret;
use crate::store::Store;
use crate::webhook::file::Webhook;
use crate::webhook::load::{self, Machine};

pub(super) fn list(home: &Home, output: &Output) -> Result<u8, Error> {
    become_owner(home)?;
    let store = Store::of(home);
    let counts = Counts::of(&store)?;
    let webhooks = loaded(home)?;
    let webhooks: Vec<View> = webhooks
        .into_iter()
        .map(|webhook| View::of(&store, &counts, webhook))
        .collect::<Result<_, _>>()?;
    if output.json {
        printed(answer::pretty_json(&List { webhooks }))
    } else if webhooks.is_empty() {
        printed(answer::text("no webhooks\n"))
    } else {
        printed(answer::text(&table::render(&HEADINGS, webhooks.iter().map(View::row))))
    }
}

pub(super) fn show(home: &Home, options: &NamedWebhook) -> Result<u8, Error> {
    become_owner(home)?;
    let webhook = named(home, &options.name)?;
    tell(home, webhook, None, options.output.json, None)
}

/// Returns the webhooks that a provider acts on; says it where those of the machine are not known.
///
/// # Errors
/// `configuration_invalid`.
pub(crate) fn loaded(home: &Home) -> Result<Vec<Webhook>, Error> {
    let loaded = load::load(home)?;
    if let Some(why) = loaded.unreadable {
        answer::complain(&format!("the machine's webhooks are not among them: {why}"));
    }
    Ok(loaded.webhooks)
}

/// Returns a webhook by its name: one that the provider acts on, or another of the machine, which
/// can be changed from here as well.
///
/// # Errors
/// `usage`, naming it and the nearest there is.
pub(crate) fn named(home: &Home, name: &str) -> Result<Webhook, Error> {
    let mut webhooks = loaded(home)?;
    if let Machine::Known(all) = load::machine(home)? {
        webhooks.extend(all);
    }
    let found = webhooks.iter().find(|webhook| webhook.name == name).cloned();
    found.ok_or_else(|| unknown(name, &webhooks))
}

/// Prints a webhook: JSON, or what was done and, where nothing was, the whole of it.
pub(super) fn tell(
    home: &Home,
    webhook: Webhook,
    secret: Option<Secret>,
    json: bool,
    done: Option<&str>,
) -> Result<u8, Error> {
    let store = Store::of(home);
    let view = View::of(&store, &Counts::of(&store)?, webhook)?;
    if json {
        return printed(answer::pretty_json(&One { webhooks: [view], secret }));
    }
    let mut text = done.map_or_else(|| view.text(), |done| format!("{done}\n"));
    if let Some(secret) = secret {
        text.push_str("the secret to verify with, shown this once:\n");
        text.push_str(secret.expose());
        text.push('\n');
    }
    printed(answer::text(&text))
}
