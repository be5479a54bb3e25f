//! A provider of a soak, its hoster and the receivers of its webhooks.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::dice::Dice;
use super::seller::Seller;
use crate::support::book::orders;
use crate::support::history::{Arrival, Call, History, Hook, Rest};
use crate::support::hooks::SECRET;
use crate::support::hoster::request::Seen;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::Template;

/// How many of a hundred messages a receiver does not take.
const REFUSED: usize = 12;

/// The webhooks of every provider: name, kind, and whether it is told of every event.
const HOOKS: [(&str, &str, bool); 2] = [("every", "generic", true), ("usual", "cloudstack", false)];

/// The types of events, the first of which is told only where it is asked for.
const TYPES: [&str; 5] =
    ["order.accepted", "order.finished", "order.failed", "order.cancelled", "order.released"];

/// A provider that takes part.
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) plugin: Plugin,
    pub(crate) seller: Seller,
    /// How often the clock of a worker of its was set.
    pub(crate) steps: AtomicUsize,
    receivers: Vec<Receiver>,
    /// What keeps the executable.
    _template: Template,
    /// The executable, as `/proc` shows it.
    executable: PathBuf,
}

/// What all receivers do.
pub(crate) struct Mood {
    /// Whether they take everything.
    pub(crate) good: AtomicBool,
    /// How many messages they did not take.
    pub(crate) refused: AtomicUsize,
    dice: Mutex<Dice>,
}

impl Mood {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let dice = Mutex::new(Dice::of(seed, u64::MAX));
        Arc::new(Self { good: AtomicBool::new(false), refused: AtomicUsize::new(0), dice })
    }

    fn reply(&self) -> Reply {
        let mut dice = self.dice.lock().expect("no receiver panicked");
        if self.good.load(Ordering::SeqCst) || !dice.chance(REFUSED) {
            return Reply::status(200);
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        match dice.below(5) {
            0 => Reply::Hang,
            1 => Reply::CloseMidBody,
            2 => Reply::busy(503, "1"),
            3 => Reply::status(429),
            _ => Reply::status(500),
        }
    }
}

impl Provider {
    /// Installs a provider that sells by a definition.
    pub(crate) fn new(name: &'static str, mood: &Arc<Mood>) -> Self {
        let (seller, plugin) = Seller::install(name);
        let template = Template::of(plugin);
        let plugin = template.copy();
        let mut receivers = Vec::new();
        let secret = plugin.private("hook.secret", SECRET);
        for (hook, kind, every) in HOOKS {
            let mood = Arc::clone(mood);
            let receiver = Receiver::answering(move |_| mood.reply());
            let mut flags = vec!["--secret-file", &secret, "--schedule", "0,0.05,0.2"];
            flags.extend(["--tries", "100", "--timeout-seconds", "1"]);
            if every {
                flags.extend(TYPES.iter().flat_map(|kind| ["--event", kind]));
            }
            plugin.hook(hook, kind, &receiver, &flags);
            receivers.push(receiver);
        }
        let executable = plugin.executable().canonicalize().expect("it is there");
        let steps = AtomicUsize::new(0);
        Self { name, plugin, seller, steps, receivers, _template: template, executable }
    }

    /// Returns the processes that run its executable, with their words.
    pub(crate) fn processes(&self) -> Vec<(i32, Vec<String>)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("it is mounted").flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
            let Some(pid) = pid else { continue };
            if std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == self.executable)
            {
                let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let words = words.split(|byte| *byte == 0);
                let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
                found.push((pid, words.collect()));
            }
        }
        found
    }

    /// Returns all that was done with it, and what is left.
    pub(crate) fn history(&self, calls: Vec<Call>) -> History {
        let sold = self.seller.sold();
        let hooks = HOOKS.iter().zip(&self.receivers).map(|((name, _, every), receiver)| {
            let types = TYPES.iter().skip(usize::from(!every)).map(|kind| (*kind).to_owned());
            let (taken, gone) = (receiver.taken(), receiver.gone());
            let message = |(number, seen): (usize, Seen)| Arrival {
                id: seen.headers["webhook-id"].clone(),
                body: seen.body,
                taken: taken.contains(&number),
                late: gone.contains(&number),
            };
            let arrivals = receiver.requests().into_iter().enumerate().map(message).collect();
            Hook { name: format!("{}'s {name}", self.name), types: types.collect(), arrivals }
        });
        let rest = self.rest();
        let (orders, hooks) = (orders(&self.plugin), hooks.collect());
        History { calls, orders, sold, hooks, rest }
    }

    fn rest(&self) -> Rest {
        let state = self.plugin.state("");
        let mut rest = Rest::default();
        walk(&state, &mut |path, mode| {
            let name = path.strip_prefix(&state).expect("it is below").display().to_string();
            let may_be_locked = name.ends_with("lock") || name.starts_with("commands/");
            if may_be_locked && is_locked(path) {
                rest.locks.push(name.clone());
            }
            rest.files.push((name, mode));
        });
        let words = |(_, words): (_, Vec<String>)| words.join(" ");
        rest.processes = self.processes().into_iter().map(words).collect();
        rest
    }
}

/// Hands everything below a folder, itself included, to `each`, with its mode; but links.
fn walk(path: &Path, each: &mut impl FnMut(&Path, u32)) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    if metadata.is_symlink() {
        return;
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).expect("it can be listed") {
            walk(&entry.expect("an entry").path(), each);
        }
    }
    each(path, metadata.permissions().mode() & 0o7777);
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = std::fs::File::open(path) else { return false };
    let free = fs2::FileExt::try_lock_exclusive(&file).is_ok();
    // In so many words: another test that forks just now shares the file for a moment.
    let _ = fs2::FileExt::unlock(&file);
    !free
}
