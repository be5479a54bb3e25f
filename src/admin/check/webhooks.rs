//! Webhooks: who cannot be told, and what did not arrive.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Report;
use crate::admin::deliveries::{by_event, stored};
use crate::admin::webhooks::names_in;
use crate::clock;
use crate::delivery::State;
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::webhook::file::Webhook;
use crate::webhook::load::{self, Side};
use crate::webhook::message::Target;
use crate::webhook::send::Sender;

const SUBJECT: &str = "webhooks";

/// What lets a provider read the machine's webhooks.
const READABLE: &str = "make root the owner of the holder by `check --fix`";

/// How many deliveries of a webhook are pending, and how many events came to nothing for it.
#[derive(Default)]
struct Count {
    pending: usize,
    dead: usize,
}

pub(super) fn look(home: &Home, store: &Store, report: &mut Report) {
    let loaded = match load::load(home) {
        Ok(loaded) => loaded,
        Err(error) => {
            let cure = "correct the file: until then nothing is sent, and nothing is lost";
            return report.error(SUBJECT, error.to_string(), cure);
        }
    };
    if let Some(why) = &loaded.unreadable {
        let message = format!("nothing is sent to the machine's webhooks: {why}");
        report.warning(SUBJECT, message, READABLE);
    }
    permissions(home, report);
    let mut counts = match counts(store) {
        Ok(counts) => counts,
        Err(error) => return report.error(SUBJECT, error.to_string(), "mend the folder by hand"),
    };
    for webhook in &loaded.webhooks {
        let count = counts.remove(&webhook.name).unwrap_or_default();
        one(home, store, webhook, &count, report);
    }
    let machine = names_in(home, Side::Machine).unwrap_or_default();
    for (name, Count { pending, .. }) in counts.into_iter().filter(|(_, count)| count.pending > 0) {
        // What waits for a webhook that may be there is nothing to forget.
        let (what, cure) = if loaded.unreadable.is_some() {
            ("may be one of the machine's", READABLE.to_owned())
        } else if machine.contains(&name) {
            let cure = "`deliveries delete ID` forgets them, a wider `scope` sends them";
            ("is one of other providers", cure.to_owned())
        } else {
            ("is no webhook", format!("`webhooks delete {name}` gives them up"))
        };
        let message = format!("deliveries that wait for `{name}`, which {what}: {pending}");
        report.warning(SUBJECT, message, &cure);
    }
    if report.is_clean(SUBJECT) {
        let count = loaded.webhooks.len();
        let message = if count == 0 { "none".to_owned() } else { format!("{count}, none fails") };
        report.ok(SUBJECT, message);
    }
}

/// Counts; a damaged file is neither pending nor dead, and told of on standard error.
fn counts(store: &Store) -> Result<BTreeMap<String, Count>, Error> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for all in by_event(stored(store, |_| true)?).into_values() {
        for (newer, delivery) in all.into_iter().enumerate() {
            let count = counts.entry(delivery.webhook).or_default();
            match delivery.state {
                State::Pending => count.pending += 1,
                // What was sent again since is no trouble any more.
                State::Dead => count.dead += usize::from(newer == 0),
                State::Delivered => {}
            }
        }
    }
    Ok(counts)
}

fn one(home: &Home, store: &Store, webhook: &Webhook, count: &Count, report: &mut Report) {
    let name = &webhook.name;
    let Count { pending, dead } = count;
    let target = load::target(home, webhook).map_err(|unknown| unknown.why);
    match target.and_then(|target| Sender::check(&target).map(|()| target)) {
        Err(why) => {
            let message = format!("nothing can be sent to `{name}`: {why}");
            report.error(SUBJECT, message, "correct the file");
        }
        Ok(target) => {
            let now = clock::now();
            certificate(webhook, &target, report);
            let mut ends = target.secrets.iter().map(|(_, end)| *end).peekable();
            if ends.peek().is_some() && ends.all(|end| end.is_some_and(|end| end <= now)) {
                let message = format!("nothing can be sent to `{name}`: its secrets have expired");
                report.error(SUBJECT, message, "`webhooks rotate` makes a new one");
            }
        }
    }
    match store.health(name) {
        Err(error) => report.error(SUBJECT, error.to_string(), "mend or remove the file by hand"),
        Ok(health) => {
            if let Some(disabled) = health.disabled {
                let (at, reason) = (disabled.at, disabled.reason);
                let held = format!("nothing is sent to `{name}` since {at}, {pending} held");
                let cure = "mend its receiver, then `webhooks update NAME --enabled`";
                report.warning(SUBJECT, format!("{held}: {reason}"), cure);
            } else if let Some(since) = health.failing_since {
                let message = format!("every attempt to reach `{name}` has failed since {since}");
                report.warning(SUBJECT, message, "`deliveries list --webhook NAME` says why");
            }
        }
    }
    if !webhook.enabled && *pending > 0 {
        let message = format!("`{name}` is disabled; deliveries that wait for it: {pending}");
        report.warning(SUBJECT, message, "`webhooks update NAME --enabled` has them sent");
    }
    if *dead > 0 {
        let message = format!("events that `{name}` was not told of: {dead}");
        let cure =
            "`deliveries replay --failed` sends them again, `deliveries delete` forgets them";
        report.warning(SUBJECT, message, cure);
    }
}

/// A receiver whose certificate is not checked may be somebody else. For `solusvm2` that is so by
/// default, and its page says it.
fn certificate(webhook: &Webhook, target: &Target, report: &mut Report) {
    if webhook.tls_verify != Some(false) || !target.url.expose().starts_with("https:") {
        return;
    }
    let message =
        format!("the certificate of `{}` is not checked: others can read along", webhook.name);
    let cure = "`webhooks update NAME --tls-verify true`, with `--ca-file` for one of your own";
    report.warning(SUBJECT, message, cure);
}

/// The provider's own files are looked at with all others of the holder.
fn permissions(home: &Home, report: &mut Report) {
    let side = Side::Machine;
    let Some(folder) = side.folder(home) else { return };
    open(&folder.join(side.file()), report);
    for entry in std::fs::read_dir(folder.join(side.copies())).into_iter().flatten().flatten() {
        open(&entry.path(), report);
    }
}

fn open(path: &Path, report: &mut Report) {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return };
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let message = format!("{} has mode {mode:04o}", path.display());
        report.warning("permissions", message, "let only root read it: chmod 0600");
    }
    if metadata.uid() != 0 {
        let message = format!("{} belongs to user {}", path.display(), metadata.uid());
        report.warning("permissions", message, "give it to root: chown root");
    }
}
