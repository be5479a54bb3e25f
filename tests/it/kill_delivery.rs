//! A worker that tells webhooks what happened, killed at each of its system calls that can be
//! noticed: every event of every order arrives at least once, with one id and one body, verifies,
//! and is nothing to its order.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_delivery -- --nocapture`
//! tries all.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;

use crate::support::errno::{Errnos, MANY};
use crate::support::hooks::attempts;
use crate::support::inject::{Injection, KINDS, What};
use crate::support::kinds::{HOOKS, Hook, OF_ALL, add_hooks};
use crate::support::lives::Lives;
use crate::support::plugin::Plugin;
use crate::support::sweep::{By, OWNER, Template, call, hold_worker_lock};

/// CI tries one of so many points.
const STRIDE: usize = 7;

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
    for Hook { name, .. } in HOOKS {
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

#[test]
fn a_worker_that_drives_orders_and_tells_of_them_may_be_killed_anywhere() {
    drives_and_tells(&busy()).run(STRIDE);
}

fn drives_and_tells(template: &Template) -> Lives<'_> {
    Lives {
        name: "work, three orders and six webhooks",
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

/// The same worker of root's, over a provider of another owner.
pub(crate) fn as_root(by: &By) {
    let busy = busy();
    let template = busy.given_to(OWNER);
    let name = "work, three orders and six webhooks, as root";
    let lives = Lives { name, ..drives_and_tells(&template) };
    match *by {
        By::KillSome(stride) => lives.run(stride),
        By::Errno(stride) => lives.fail(stride),
        By::Outage(stride) => lives.cut(stride),
        By::Kill | By::AsRoot(_) => unreachable!("nobody asks for it"),
    }
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
    lives.run(STRIDE);
}
