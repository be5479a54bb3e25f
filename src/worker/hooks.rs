//! What the worker needs to make deliveries and to send them; read again when a file that it came
//! from has changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shop::{Stamp, stamp};
use crate::clock;
use crate::config::Config;
use crate::config::defaults::{DELIVERIES_AT_ONCE, DELIVERIES_KEPT};
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::webhook::address::Policy;
use crate::webhook::file::Webhook;
use crate::webhook::load::{self, Unknown};
use crate::webhook::message::Target;
use crate::webhook::schedule::Plan;
use crate::webhook::send::Sender;

/// After how long it is looked again for what a webhook names, where that could not be read.
const AGAIN: Duration = Duration::from_secs(30);

/// The same where the system refused to read what is there.
const SOON: Duration = Duration::from_secs(1);

/// For how long such a refusal keeps deliveries waiting; what is tried after that has failed.
const REFUSED: Duration = Duration::from_mins(1);

/// The webhooks, ready for the worker.
pub(super) struct Hooks {
    pub(super) hooks: Vec<Hook>,
    /// How many deliveries are under way at once.
    pub(super) threads: usize,
    /// How many deliveries that have arrived are kept for each webhook.
    pub(super) kept: usize,
    pub(super) sender: Arc<Sender>,
}

/// A webhook, ready for the worker.
pub(super) struct Hook {
    pub(super) webhook: Webhook,
    /// With what its files hold, or why that cannot be read.
    pub(super) target: Result<Arc<Target>, String>,
    /// Whether that may be known soon, so that no attempt is to be spent on it.
    pub(super) waits: bool,
    pub(super) plan: Plan,
}

impl Hooks {
    /// Returns the webhook of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Hook> {
        self.hooks.iter().find(|hook| hook.webhook.name == name)
    }
}

/// The webhooks as they were read last.
pub(super) struct Reader<'a> {
    home: &'a Home,
    store: &'a Store,
    current: Option<Arc<Hooks>>,
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// When they are read again although no file has changed: what a webhook names could not be read.
    again: Option<Instant>,
    /// Since when the system refuses to read what these webhooks name.
    refused: BTreeMap<String, Instant>,
    /// What the log said last.
    said: String,
}

impl<'a> Reader<'a> {
    pub(super) fn new(home: &'a Home, store: &'a Store) -> Self {
        Self {
            home,
            store,
            current: None,
            files: Vec::new(),
            again: None,
            refused: BTreeMap::new(),
            said: String::new(),
        }
    }

    /// Returns whether the webhooks are no longer as they were read last.
    pub(super) fn have_changed(&self) -> bool {
        self.current.is_some() && !self.is_up_to_date()
    }

    fn is_up_to_date(&self) -> bool {
        let is_old = self.again.is_some_and(|again| again <= Instant::now());
        !is_old && self.files.iter().all(|(path, seen)| stamp(path) == *seen)
    }

    /// Returns the webhooks as they are now: whoever has made one is told of all that happens from
    /// then on.
    ///
    /// # Errors
    /// `configuration_invalid`: which networks may be reached, or who is to be told, is not known.
    pub(super) fn current(&mut self) -> Result<Arc<Hooks>, Error> {
        if let Some(hooks) = &self.current
            && self.is_up_to_date()
        {
            return Ok(Arc::clone(hooks));
        }
        self.current = None;
        // Stamped before they are read: a change in between is noticed the next time.
        let mut files = vec![self.home.config()];
        files.extend(load::files(self.home));
        self.files = files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        let read = self.read();
        if let Err(error) = &read {
            self.say(format!("no webhook is told of anything: {error}"));
        }
        let hooks = Arc::new(read?);
        let all_known = hooks.hooks.iter().all(|hook| hook.target.is_ok());
        let any_waits = hooks.hooks.iter().any(|hook| hook.waits);
        let after = if any_waits { SOON } else { AGAIN };
        self.again = (!all_known).then(|| Instant::now() + after);
        self.current = Some(Arc::clone(&hooks));
        Ok(hooks)
    }

    fn read(&mut self) -> Result<Hooks, Error> {
        let config = Config::load(self.home)?;
        let policy = Policy::parse(&config.webhooks.allow, &config.webhooks.deny)
            .map_err(|problem| Error::ConfigurationInvalid { path: self.home.config(), problem })?;
        let loaded = load::load(self.home)?;
        self.say(loaded.unreadable.unwrap_or_default());
        Ok(Hooks {
            hooks: loaded.webhooks.into_iter().map(|webhook| self.hook(webhook)).collect(),
            threads: usize::from(config.webhooks.threads.unwrap_or(DELIVERIES_AT_ONCE)),
            kept: config.retention.deliveries_per_webhook.unwrap_or(DELIVERIES_KEPT) as usize,
            sender: Arc::new(Sender::new(policy)),
        })
    }

    fn hook(&mut self, webhook: Webhook) -> Hook {
        let target = load::target(self.home, &webhook);
        let waits = if let Err(Unknown { may_pass: true, .. }) = &target {
            let since = self.refused.entry(webhook.name.clone()).or_insert_with(Instant::now);
            since.elapsed() < REFUSED
        } else {
            self.refused.remove(&webhook.name);
            false
        };
        let target = target.map(Arc::new).map_err(|unknown| unknown.why);
        Hook { target, waits, plan: Plan::of(&webhook), webhook }
    }

    /// Writes a line into the log, unless it said the same last.
    fn say(&mut self, line: String) {
        if self.said != line {
            if !line.is_empty() {
                self.store.log(clock::now(), None, line.clone());
            }
            self.said = line;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::ffi::{OsStr, OsString};

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;

    /// Returns a provider `demo` in a folder of the test, with those webhooks.
    pub(in crate::worker) fn provider(webhooks: &Value) -> (TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let holder = root.path().join("providers/demo");
        std::fs::create_dir_all(holder.join("etc")).unwrap();
        lay(&holder.join("etc/demo.conf"), "{}");
        lay(&holder.join("etc/webhooks.json"), &json!({ "webhooks": webhooks }).to_string());
        (root, Home::find(OsStr::new("x"), Some(OsString::from(holder))))
    }

    #[expect(clippy::disallowed_methods, reason = "a test lays files where people would")]
    fn lay(path: &std::path::Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_a_webhook_names_is_read_again_after_half_a_minute_where_it_could_not_be() {
        let webhook = json!({ "name": "hook", "kind": "generic", "url_file": "url" });
        let (_root, home) = provider(&json!([webhook]));
        let store = Store::of(&home);
        let mut reader = Reader::new(&home, &store);
        let is_known = |hooks: &Hooks| hooks.named("hook").unwrap().target.is_ok();
        assert!(!is_known(&reader.current().unwrap()));

        lay(&home.etc.join("url"), "http://h/");
        // As if it had been there all along, and the kernel had not let us open it.
        reader.files =
            reader.files.drain(..).map(|(path, _)| (path.clone(), stamp(&path))).collect();
        let again = reader.again.unwrap().saturating_duration_since(Instant::now());
        assert!(again <= AGAIN && !reader.have_changed(), "{again:?}");
        assert!(!is_known(&reader.current().unwrap()));
        reader.again = Some(Instant::now());
        assert!(reader.have_changed());
        assert!(is_known(&reader.current().unwrap()));
        assert!(reader.again.is_none() && !reader.have_changed());
    }
    /// `ENOTDIR` stands for what the system says of a file that is there: root may read all others.
    #[test]
    fn what_the_system_refuses_to_read_is_waited_for_a_minute_and_fails_after_that() {
        let webhook = json!({ "name": "hook", "kind": "generic", "url_file": "a/b" });
        let (_root, home) = provider(&json!([webhook]));
        lay(&home.etc.join("a"), "a file in the place of a folder");
        let store = Store::of(&home);
        let mut reader = Reader::new(&home, &store);
        assert!(reader.current().unwrap().named("hook").unwrap().waits);
        assert!(reader.again.unwrap().saturating_duration_since(Instant::now()) <= SOON);

        let long_ago = Instant::now().checked_sub(REFUSED).unwrap();
        reader.refused.insert("hook".to_owned(), long_ago);
        reader.again = Some(Instant::now());
        assert!(!reader.current().unwrap().named("hook").unwrap().waits);

        std::fs::remove_file(home.etc.join("a")).unwrap();
        reader.again = Some(Instant::now());
        assert!(!reader.current().unwrap().named("hook").unwrap().waits, "it is not there");
        assert!(reader.refused.is_empty());
    }
}
