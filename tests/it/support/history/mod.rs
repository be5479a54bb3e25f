//! What must hold of all that was done with a provider, whoever was killed meanwhile: a function of
//! what was called, answered, bought and sent, and of what is left when the last worker has ended.
//!
//! It touches nothing, so its own tests hand it histories that break one rule each
//! (`tests/it/history.rs`).

mod calls;
mod deeds;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

pub(crate) use self::calls::Call;

/// All that was done with one provider, and what is left of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) calls: Vec<Call>,
    /// Every stored order with the folder that it is in.
    pub(crate) orders: Vec<(String, Value)>,
    /// All that the hoster ever sold.
    pub(crate) sold: Vec<Sold>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) rest: Rest,
}

/// A server that a hoster sold.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    /// Its id, as the hoster shows it.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether it was not removed.
    pub(crate) there: bool,
}

/// A webhook, and what its receiver was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hook {
    pub(crate) name: String,
    /// The types of the events that it is told.
    pub(crate) types: Vec<String>,
    /// The messages, as they came.
    pub(crate) arrivals: Vec<Arrival>,
}

/// A message that a receiver read whole, whatever it answered.
///
/// One that was taken and whose sender was killed before it heard of it is taken all the same, and
/// comes again.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
    /// Whether it was answered with a whole reply of 2xx; one that was refused, that got no answer or
    /// half of one is to come again.
    pub(crate) taken: bool,
    /// Whether its sender was gone when it was read: it may have been sent long before, and nobody
    /// heard what became of it.
    pub(crate) late: bool,
}

/// What is left when nobody works any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest {
    /// Everything below `state/` but links: its path and its mode.
    pub(crate) files: Vec<(String, u32)>,
    /// The lock files that somebody holds.
    pub(crate) locks: Vec<String>,
    /// The processes that run the provider's executable.
    pub(crate) processes: Vec<String>,
}

/// What several rules look at.
struct Book<'a> {
    history: &'a History,
    /// The stored orders by number; of one that is stored twice, the last.
    orders: BTreeMap<&'a str, (&'a str, &'a Value)>,
    /// The answers to `order`, by the number that they gave.
    answered: BTreeMap<String, Vec<&'a Call>>,
}

/// Returns a sentence for each way in which a history is not as it must be.
pub(crate) fn violations(history: &History) -> Vec<String> {
    let book = Book::of(history);
    let mut found = Vec::new();
    for rule in calls::RULES.into_iter().chain(deeds::RULES).chain(rest::RULES) {
        rule(&book, &mut found);
    }
    found
}

/// A rule adds its sentences.
type Rule = fn(&Book<'_>, &mut Vec<String>);

impl<'a> Book<'a> {
    fn of(history: &'a History) -> Self {
        let stored = history.orders.iter().filter_map(|(place, order)| {
            Some((order["task_id"].as_str()?, (place.as_str(), order)))
        });
        let mut answered: BTreeMap<String, Vec<&Call>> = BTreeMap::new();
        for call in &history.calls {
            if let Some(id) = call.ordered() {
                answered.entry(id).or_default().push(call);
            }
        }
        Self { history, orders: stored.collect(), answered }
    }

    fn is_answered(&self, id: &str) -> bool {
        self.answered.contains_key(id)
    }
}

impl History {
    /// Returns how many messages came more than once.
    pub(crate) fn again(&self) -> usize {
        let of = |hook: &Hook| {
            let ids: BTreeSet<&str> = hook.arrivals.iter().map(|one| one.id.as_str()).collect();
            hook.arrivals.len() - ids.len()
        };
        self.hooks.iter().map(of).sum()
    }

    /// Returns the numbers that `order` answered, each once.
    pub(crate) fn answered(&self) -> BTreeSet<String> {
        self.calls.iter().filter_map(Call::ordered).collect()
    }
}

/// Returns whether one ended before the other began; what overlaps says nothing of before and after.
fn is_before(earlier: Duration, later: Duration) -> bool {
    earlier <= later
}
