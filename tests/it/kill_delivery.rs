//! A worker that tells webhooks what happened, killed at each of its system calls that can be
//! noticed: every event of every order arrives at least once, with one id and one body, verifies,
//! and is nothing to its order.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_delivery -- --nocapture`
//! tries all.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::errno::Errno;
use serde_json::Value;

use crate::support::book::{assert_due, assert_whole, orders};
use crate::support::errno::{Errnos, MANY};
use crate::support::hand::read;
use crate::support::hooks::{SECRET, attempts};
use crate::support::hoster::request::Seen;
use crate::support::inject::{Injection, KINDS, What};
use crate::support::outage::Outages;
use crate::support::plugin::Plugin;
use crate::support::proved;
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::{Template, bare, call, hold_worker_lock, order, outcome};
use crate::support::tracer::{self, Run};
use crate::support::verifiers::{Libraries, VERIFIED};

/// The webhooks, by name and kind: two whose bodies are laid down, and one whose messages are made
/// anew of the event.
const HOOKS: [(&str, &str); 3] =
    [("signed", "generic"), ("cloud", "cloudstack"), ("anew", "solusvm2")];

/// The one of them that is told of more than how orders ended, where there is one.
const OF_ALL: &str = "cloud";

/// How many points are tried at once: most of the time they wait.
const THREADS: usize = 8;

/// How many runs in a row end before their point when all have been tried.
const MISSES: usize = 2;

/// How many attempts may be under way when a worker is killed, each of which is made again: four are
/// sent at once, and eight may wait until it is written down that they arrived.
const UNDER_WAY: usize = 4 + 8;

/// How often a message is tried where system calls fail for a while.
const PATIENT_TRIES: usize = 90;

/// Every such point is tried where all are not.
const STRIDE: usize = 3;

fn stride() -> usize {
    if std::env::var("SWEEP").is_ok_and(|value| value == "full") { 1 } else { STRIDE }
}

/// Gives a provider the webhooks, which are somewhere else for now.
fn add_hooks(plugin: &Plugin, schedule: &str) {
    let secret = plugin.private("hook.secret", SECRET);
    let nowhere = Receiver::answering(|_| Reply::status(500));
    for (name, kind) in HOOKS {
        let flags = ["--secret-file", &secret, "--schedule", schedule, "--timeout-seconds", "20"];
        plugin.hook(name, kind, &nowhere, &flags);
    }
}

/// Starts a receiver of a provider's webhooks: the first message to one of them is not taken.
fn connect(plugin: &Plugin) -> Receiver {
    let once = AtomicBool::new(false);
    let receiver = Receiver::answering(move |seen| {
        let refuses = name(seen) == "signed" && !once.swap(true, Ordering::SeqCst);
        Reply::status(if refuses { 500 } else { 200 })
    });
    plugin.edit_etc("webhooks.json", |file| {
        for hook in file["webhooks"].as_array_mut().expect("a list") {
            let name = hook["name"].as_str().expect("a name");
            hook["url"] = format!("{}/{name}", receiver.url()).into();
            hook["schedule"] = serde_json::json!([0, 0.02, 0.02, 0.02]);
        }
    });
    receiver
}

/// Returns the name of the webhook that a request is for.
fn name(seen: &Seen) -> &str {
    let path = seen.path.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Returns the id of the event that a request tells of.
fn id(seen: &Seen) -> &str {
    &seen.headers["webhook-id"]
}

/// A provider whose worker has everything to do: order 1 is to be released, 2 to be finished and
/// 3 to be cancelled, and each of that is to be told.
fn busy() -> Template {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.settled();
    add_hooks(&plugin, "0");
    plugin.edit_etc("webhooks.json", |file| {
        let hooks = file["webhooks"].as_array_mut().expect("a list");
        let of_all = hooks.iter_mut().find(|hook| hook["name"] == OF_ALL).expect("it is there");
        let types = ["accepted", "finished", "failed", "cancelled", "released"];
        of_all["events"] = types.map(|kind| format!("order.{kind}")).to_vec().into();
    });
    let held = hold_worker_lock(&plugin);
    plugin.order();
    plugin.order();
    for words in [&["orders", "cancel", "3"][..], &["orders", "release", "1", "--yes"]] {
        let asked = call(&plugin, &[words, &["--timeout", "0"]].concat());
        assert_eq!(asked.status, Some(124), "{asked:?}");
    }
    drop(held);
    Template::of(plugin)
}

/// A provider whose orders are filed, and whose deliveries have failed once and are due.
fn failing() -> Template {
    let plugin = Plugin::with_servers(3);
    add_hooks(&plugin, "0,86400");
    for _ in 0..2 {
        plugin.sold();
    }
    for (name, _) in HOOKS {
        let tried = || plugin.deliveries_to(name).iter().all(|one| attempts(one).len() == 1);
        crate::support::wait_until("all were tried", || {
            plugin.deliveries_to(name).len() == 2 && tried()
        });
    }
    // Its worker waits for tomorrow, and ends with its executable.
    let bin = plugin.executable();
    let aside = plugin.holder().join("aside");
    std::fs::rename(&bin, &aside).expect("the executable is there");
    crate::support::wait_until("the worker has ended", || !plugin.worker_lives());
    std::fs::rename(&aside, &bin).expect("it is put back");
    for file in plugin.names("deliveries/pending") {
        plugin.edit(&format!("deliveries/pending/{file}"), |delivery| {
            delivery["next_attempt_at"] = delivery["made_at"].clone();
        });
    }
    Template::of(plugin)
}

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

/// A sweep over the life of a worker.
struct Lives<'a> {
    name: &'a str,
    template: &'a Template,
    /// The types of the events that are to be told.
    told: &'a [&'a str],
    /// Whether one webhook is told of all types.
    tells_all: bool,
    figures: Mutex<Figures>,
}

#[derive(Default)]
struct Figures {
    points: usize,
    again: usize,
    /// All that was sent.
    seen: Vec<Seen>,
    failed: bool,
}

impl Lives<'_> {
    #[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
    fn run(self) {
        let next = AtomicUsize::new(0);
        let lane = || {
            let lane = next.fetch_add(1, Ordering::Relaxed);
            let (mut at, mut misses) = (1 + lane * stride(), 0);
            while misses < MISSES && !self.figures.lock().expect("no lane panicked").failed {
                let there = self.point(at);
                misses = if there { 0 } else { misses + 1 };
                at += THREADS * stride();
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
    fn fail(&self, stride: usize) {
        let errnos = Errnos { name: self.name, stride, threads: MANY, works: true };
        errnos.run(|injection| self.fail_so(&errnos, injection));
    }

    /// Lets some of the worker's system calls fail, and the next worker go on.
    fn fail_so(&self, errnos: &Errnos<'_>, injection: &Injection) -> Run {
        let plugin = self.template.copy();
        let receiver = connect(&plugin);
        plugin.edit_etc("webhooks.json", |file| {
            for hook in file["webhooks"].as_array_mut().expect("a list") {
                hook["schedule"] = vec![0.02; PATIENT_TRIES].into();
                hook["tries"] = PATIENT_TRIES.into();
            }
        });
        let run = errnos.meets(&plugin, bare(&plugin, &["work"]), injection);
        self.go_on(&plugin, &receiver);
        run
    }

    /// Cuts the power; CI tries one of `stride` points.
    fn cut(&self, stride: usize) {
        Outages { name: self.name, stride }.run(|outage| {
            let plugin = self.template.copy_into(outage.disk.root());
            let receiver = connect(&plugin);
            outage.disk.sync();
            let run = outage.strikes(bare(&plugin, &["work"]), 0, ());
            self.go_on(&plugin, &receiver);
            run
        });
    }

    /// Lets the next worker go on to the end; returns how many messages came again, and all.
    fn go_on(&self, plugin: &Plugin, receiver: &Receiver) -> (usize, Vec<Seen>) {
        let before = filed(plugin);
        assert_due(plugin);
        call(plugin, &["work"]).prints();
        plugin.settled();

        let after = filed(plugin);
        for (order, text) in &before {
            assert_eq!(after.get(order), Some(text), "{order} was filed, and changed after that");
        }
        let seen = receiver.requests();
        let again = self.assert_told(plugin, &seen);
        // Whoever changes something next clears up what was being written.
        assert_eq!(outcome(plugin, &order(plugin, &["order", "1"]))["status"], "finished");
        plugin.settled();
        assert_whole(plugin);
        (again, seen)
    }

    /// Checks that every event was told; returns how many messages came again.
    fn assert_told(&self, plugin: &Plugin, seen: &[Seen]) -> usize {
        let mut expected = 0;
        for (hook, _) in HOOKS {
            let mut first: Vec<&Seen> = Vec::new();
            for seen in seen.iter().filter(|seen| name(seen) == hook) {
                match first.iter().find(|one| id(one) == id(seen)) {
                    Some(one) => {
                        assert_eq!((&one.body, &one.path), (&seen.body, &seen.path), "{hook}");
                    }
                    None => first.push(seen),
                }
            }
            let place = |event: &String| first.iter().position(|seen| id(seen) == event);
            let mut told = 0;
            for events in self.of_orders(plugin, hook) {
                let places: Vec<Option<usize>> = events.iter().map(place).collect();
                assert!(places.iter().all(Option::is_some), "{hook} was not told: {events:?}");
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
        // One was not taken.
        seen.len() - expected - 1
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

/// Checks by foreign code that all messages are signed.
#[track_caller]
fn assert_verify(all: &[Seen]) {
    let Some(libraries) = Libraries::new() else { return };
    let messages: Vec<(&Seen, &str, i64)> = all.iter().map(|seen| (seen, SECRET, 0)).collect();
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

#[test]
fn a_worker_that_drives_orders_and_tells_of_them_may_be_killed_anywhere() {
    drives_and_tells(&busy()).run();
}

fn drives_and_tells(template: &Template) -> Lives<'_> {
    Lives {
        name: "work, three orders and three webhooks",
        template,
        told: &["order.finished", "order.cancelled", "order.released"],
        tells_all: true,
        figures: Mutex::default(),
    }
}

/// The same worker, whose power fails; CI tries one of `stride` points.
pub(crate) fn cut(stride: usize) {
    drives_and_tells(&busy()).cut(stride);
}

/// The same worker, whose system calls fail; CI tries one of `stride` points.
pub(crate) fn fail(stride: usize) {
    drives_and_tells(&busy()).fail(stride);
}

/// A file of a delivery, or one of how a webhook fares, that cannot be opened once.
#[test]
fn what_the_system_refuses_to_open_once_is_told_in_its_turn_and_stays_due() {
    let template = busy();
    let lives = drives_and_tells(&template);
    let errnos = Errnos { name: lives.name, stride: 1, threads: 1, works: true };
    let kind = KINDS.iter().position(|kind| *kind == "open").unwrap();
    let (next, last) = (AtomicUsize::new(1), AtomicUsize::new(usize::MAX));
    let work = || {
        loop {
            let nth = next.fetch_add(2, Ordering::Relaxed);
            if nth >= last.load(Ordering::Relaxed) {
                return;
            }
            let what = What::Fails(Errno::EMFILE);
            let run = lives.fail_so(&errnos, &Injection { kind, nth, for_ever: false, what });
            if run.wrong == 0 {
                last.fetch_min(nth, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(work);
        }
    });
    let last = last.load(Ordering::Relaxed);
    assert!((50..usize::MAX).contains(&last), "{last}");
}

#[test]
fn a_worker_that_sends_what_failed_may_be_killed_anywhere() {
    let lives = Lives {
        name: "work, deliveries that are due again",
        template: &failing(),
        told: &["order.finished"],
        tells_all: false,
        figures: Mutex::default(),
    };
    lives.run();
}
