//! Lives of a worker that tells webhooks what happened: it is killed, its system calls fail, or the
//! power does, each time on a fresh copy; the next worker goes on, and the receivers are asked what
//! they got.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::book::{assert_due, assert_whole, orders};
use super::errno::{Errnos, MANY};
use super::hand::read;
use super::hooks::{SECRET, attempts};
use super::hoster::request::Seen;
use super::inject::Injection;
use super::kinds::{self, HOOKS, Hook, OF_ALL, REFUSED_ONCE, connect};
use super::outage::Outages;
use super::plugin::Plugin;
use super::receiver::Receiver;
use super::sweep::{Template, bare, call, order, outcome};
use super::tracer::{self, Run};
use super::verifiers::{Libraries, VERIFIED};
use super::{one_of, proved};

/// How many points are tried at once: most of the time they wait.
const THREADS: usize = 8;

/// How many runs in a row end before their point when all have been tried.
const MISSES: usize = 2;

/// How many attempts may be under way when a worker is killed, each of which is made again: four are
/// sent at once, and eight may wait until it is written down that they arrived.
const UNDER_WAY: usize = 4 + 8;

/// How often a message is tried where system calls fail for a while.
const PATIENT_TRIES: usize = 90;

/// Returns the orders' files that no worker has anything to do with any more.
fn filed(plugin: &Plugin) -> BTreeMap<String, Vec<u8>> {
    let names = plugin.names("done").into_iter();
    names
        .filter_map(|name| {
            let text = std::fs::read(plugin.state(&format!("done/{name}"))).ok()?;
            Some((name, text))
        })
        .collect()
}

/// Returns which messages were written down as taken: the webhook and the id of the event.
fn taken(plugin: &Plugin) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let names = plugin.names("deliveries/done").into_iter();
    let all = names.map(|name| read(&plugin.state(&format!("deliveries/done/{name}"))));
    all.filter(|delivery| delivery["state"] == "delivered")
        .map(|one| (text(&one["webhook"]), text(&one["event"]["data"]["webhook"]["id"])))
        .collect()
}

/// A sweep over the life of a worker.
pub(crate) struct Lives<'a> {
    pub(crate) name: &'a str,
    pub(crate) template: &'a Template,
    /// The types of the events that are to be told.
    pub(crate) told: &'a [&'a str],
    /// Whether one webhook is told of all types.
    pub(crate) tells_all: bool,
    pub(crate) figures: Mutex<Figures>,
}

/// What a sweep has seen.
#[derive(Default)]
pub(crate) struct Figures {
    points: usize,
    again: usize,
    /// All that was sent.
    seen: Vec<Seen>,
    failed: bool,
}

impl Lives<'_> {
    #[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
    /// Kills the worker at one of `stride` points.
    pub(crate) fn run(self, stride: usize) {
        let (next, stride) = (AtomicUsize::new(0), one_of(stride));
        let lane = || {
            let lane = next.fetch_add(1, Ordering::Relaxed);
            let (mut at, mut misses) = (1 + lane * stride, 0);
            while misses < MISSES && !self.figures.lock().expect("no lane panicked").failed {
                let there = self.point(at);
                misses = if there { 0 } else { misses + 1 };
                at += THREADS * stride;
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(lane);
            }
        });
        let figures = self.figures.into_inner().expect("no lane panicked");
        let Figures { points, again, seen, .. } = &figures;
        let sent = seen.len();
        eprintln!("{}: {points} points, {sent} messages, {again} of them again", self.name);
        proved(*points);
        assert!(*points > 10, "there is something to be killed at");
        assert_verify(seen);
    }

    /// Kills a worker at a point; returns whether there is such a point.
    fn point(&self, at: usize) -> bool {
        let _here = Here { lives: self, at };
        let plugin = self.template.copy();
        let receiver = connect(&plugin);
        self.template.give_away(&plugin);
        let run = tracer::kill_at_effect(bare(&plugin, &["work"]), at);
        assert!(run.killed || run.status == Some(0), "{run:?}");
        let (again, seen) = self.go_on(&plugin, &receiver);
        assert!(again <= UNDER_WAY, "{again} more than needed");
        let mut figures = self.figures.lock().expect("no lane panicked");
        figures.points += usize::from(run.killed);
        figures.again += again;
        figures.seen.extend(seen);
        run.killed
    }

    /// Lets the worker's system calls fail; CI tries one of `stride` points.
    pub(crate) fn fail(&self, stride: usize) {
        let errnos = Errnos { name: self.name, stride, threads: MANY, works: true };
        errnos.run(|injection| self.fail_so(&errnos, injection));
    }

    /// Lets some of the worker's system calls fail, and the next worker go on.
    pub(crate) fn fail_so(&self, errnos: &Errnos<'_>, injection: &Injection) -> Run {
        let plugin = self.template.copy();
        let receiver = connect(&plugin);
        plugin.edit_etc("webhooks.json", |file| {
            for hook in file["webhooks"].as_array_mut().expect("a list") {
                hook["schedule"] = vec![0.02; PATIENT_TRIES].into();
                hook["tries"] = PATIENT_TRIES.into();
            }
        });
        self.template.give_away(&plugin);
        let run = errnos.meets(&plugin, bare(&plugin, &["work"]), injection);
        self.go_on(&plugin, &receiver);
        run
    }

    /// Cuts the power; CI tries one of `stride` points.
    pub(crate) fn cut(&self, stride: usize) {
        Outages { name: self.name, stride }.run(|outage| {
            let plugin = self.template.copy_into(outage.disk.root());
            let receiver = connect(&plugin);
            self.template.give_away(&plugin);
            outage.disk.sync();
            let run = outage.strikes(bare(&plugin, &["work"]), 0, ());
            self.go_on(&plugin, &receiver);
            run
        });
    }

    /// Lets the next worker go on to the end; returns how many messages came again, and all.
    fn go_on(&self, plugin: &Plugin, receiver: &Receiver) -> (usize, Vec<Seen>) {
        let (before, taken, sent) = (filed(plugin), taken(plugin), receiver.requests().len());
        assert_due(plugin);
        call(plugin, &["work"]).prints();
        plugin.settled();

        let after = filed(plugin);
        for (order, text) in &before {
            assert_eq!(after.get(order), Some(text), "{order} was filed, and changed after that");
        }
        let seen = receiver.requests();
        for one in &seen[sent..] {
            let told = (kinds::hook(one).name.to_owned(), kinds::id(one));
            assert!(!taken.contains(&told), "it was taken, and came again: {told:?}");
        }
        let again = self.assert_told(plugin, &seen, &receiver.gone());
        // Whoever changes something next clears up what was being written.
        assert_eq!(outcome(plugin, &order(plugin, &["order", "1"]))["status"], "finished");
        plugin.settled();
        assert_whole(plugin);
        self.template.assert_owned(plugin);
        (again, seen)
    }

    /// Checks that every event was told; returns how many messages came again.
    ///
    /// What came of a sender that was `gone` says nothing of before and after.
    fn assert_told(&self, plugin: &Plugin, seen: &[Seen], gone: &BTreeSet<usize>) -> usize {
        let mut expected = 0;
        for Hook { name: hook, .. } in HOOKS {
            let mut first: Vec<(String, &Seen)> = Vec::new();
            let mut turns: Vec<String> = Vec::new();
            let own = |(_, seen): &(usize, &Seen)| kinds::hook(seen).name == hook;
            for (number, seen) in seen.iter().enumerate().filter(own) {
                let id = kinds::id(seen);
                if !gone.contains(&number) {
                    turns.push(id.clone());
                }
                match first.iter().find(|(known, _)| *known == id) {
                    Some((_, one)) => {
                        assert_eq!((&one.body, &one.path), (&seen.body, &seen.path), "{hook}");
                    }
                    None => first.push((id, seen)),
                }
            }
            let came = |event: &String| first.iter().any(|(id, _)| id == event);
            let mut told = 0;
            for events in self.of_orders(plugin, hook) {
                assert!(events.iter().all(came), "{hook} was not told: {events:?}");
                let place = |id: &String| events.iter().position(|event| event == id);
                let places: Vec<usize> = turns.iter().filter_map(place).collect();
                assert!(places.is_sorted(), "{hook} was told out of turn: {events:?} {places:?}");
                told += events.len();
            }
            assert_eq!(first.len(), told, "{hook} was told of something else");
            expected += told;
        }
        assert_eq!(plugin.names("deliveries/pending"), Vec::<String>::new());
        let done = plugin.names("deliveries/done");
        assert_eq!(done.len(), expected, "{done:?}");
        for file in done {
            assert_delivered(&read(&plugin.state(&format!("deliveries/done/{file}"))));
        }
        // Some were not taken.
        seen.len() - expected - REFUSED_ONCE.len()
    }

    /// Returns the ids of the events that a webhook is to be told of, those of each order in turn.
    fn of_orders(&self, plugin: &Plugin, hook: &str) -> Vec<Vec<String>> {
        let of_all = hook == OF_ALL && self.tells_all;
        let is_told = |event: &&Value| {
            let kind = event["type"].as_str().expect("a type");
            // The first order was finished before there were webhooks.
            let before = self.tells_all && kind != "order.released";
            let is_first = event["data"]["order"]["id"] == "1";
            (of_all || self.told.contains(&kind)) && !(before && is_first)
        };
        let id = |event: &Value| event["data"]["webhook"]["id"].as_str().expect("an id").to_owned();
        let all = orders(plugin).into_iter();
        all.map(|(_, order)| {
            let events = order["events"].as_array().expect("a list");
            events.iter().filter(is_told).map(id).collect()
        })
        .collect()
    }
}

#[track_caller]
fn assert_delivered(delivery: &Value) {
    assert_eq!(delivery["state"], "delivered", "{delivery:#}");
    assert_eq!(delivery["next_attempt_at"], Value::Null, "{delivery:#}");
    let (last, before) = attempts(delivery).split_last().expect("an attempt");
    assert_eq!(last["error"], Value::Null, "{delivery:#}");
    assert!(before.iter().all(|attempt| attempt["error"].is_string()), "{delivery:#}");
    for (index, attempt) in attempts(delivery).iter().enumerate() {
        assert_eq!(attempt["number"], index + 1, "{delivery:#}");
    }
}

/// Checks by foreign code that all messages are signed, but for those to services of others.
#[track_caller]
fn assert_verify(all: &[Seen]) {
    let Some(libraries) = Libraries::new() else { return };
    let signed = all.iter().filter(|seen| kinds::hook(seen).is_signed);
    let messages: Vec<(&Seen, &str, i64)> = signed.map(|seen| (seen, SECRET, 0)).collect();
    for (said, (seen, ..)) in libraries.verify_all(&messages).iter().zip(&messages) {
        assert_eq!(said, VERIFIED, "{seen:?}");
    }
}

/// Says which point a failed check was about, and ends the sweep.
struct Here<'a> {
    lives: &'a Lives<'a>,
    at: usize,
}

impl Drop for Here<'_> {
    #[expect(clippy::print_stderr, reason = "a failed check says where")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: killed at call {} that counts", self.lives.name, self.at);
            if let Ok(mut figures) = self.lives.figures.lock() {
                figures.failed = true;
            }
        }
    }
}
