//! What sells the servers of a soak's provider, and how it goes wrong.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::dice::Dice;
use crate::support::history::Sold;
use crate::support::hoster::Hoster;
use crate::support::hoster::fault::{EVERY, Verb};
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::plugin::{Plugin, inventory};
use crate::support::program::{self, Servers};

/// How many servers the inventory has: fewer than there are orders, so they are given back and
/// ordered again.
const SERVERS: usize = 200;

/// How many orders of a hoster may be open at once; callers come again.
const OPEN: usize = 48;

/// How long a hoster is out of reach at most, in microseconds.
const OUTAGE: usize = 300_000;

/// The requests that go wrong, those that buy more often than others.
const VERBS: [Verb; 6] =
    [Verb::Create, Verb::Create, Verb::Create, Verb::List, Verb::Get, Verb::Delete];

/// What can go wrong with a program's create, each before or after it has made a server.
///
/// None hangs: one whose worker was killed would outlive an order that a clock ends, and hold its lock.
const FAULTS: [&str; 12] = [
    "exit", "silence", "garbage", "half", "list", "twice", "empty", "both", "failing", "signal",
    "flood", "orphan",
];

/// Whoever sells.
pub(crate) enum Seller {
    Inventory,
    Hoster(Hoster),
    Program(Program),
}

/// A program with a fault that waits for its next create.
pub(crate) struct Program {
    servers: Servers,
    waits: AtomicBool,
    met: AtomicUsize,
}

impl Seller {
    /// Installs a provider of a definition: `inventory`, `program`, or one of the tests' hoster.
    pub(crate) fn install(definition: &str) -> (Self, Plugin) {
        match definition {
            "inventory" => (Self::Inventory, Plugin::with_servers(SERVERS)),
            "program" => {
                let (program, plugin) = Program::install();
                (Self::Program(program), plugin)
            }
            _ => {
                let hoster = Hoster::start(Mode::of(definition));
                let plugin = with_hoster(&hoster, definition);
                (Self::Hoster(hoster), plugin)
            }
        }
    }

    /// Puts one more server on sale, for one more order.
    pub(crate) fn restock(&self, plugin: &Plugin) {
        if matches!(self, Self::Inventory) {
            plugin.write_inventory(&inventory(SERVERS + 1));
        }
    }

    /// Returns all that was sold.
    pub(crate) fn sold(&self) -> Vec<Sold> {
        match self {
            Self::Inventory => Vec::new(),
            Self::Hoster(hoster) => hoster
                .purchases()
                .into_iter()
                .map(|one| Sold { id: one.shown, name: one.name, there: !one.removed })
                .collect(),
            Self::Program(program) => program.sold(),
        }
    }

    /// Goes wrong in some way the next time; returns whether it was out of reach for a while.
    pub(crate) fn go_wrong(&self, dice: &mut Dice) -> bool {
        match self {
            Self::Inventory => {}
            Self::Hoster(hoster) if dice.chance(4) => {
                hoster.shut();
                std::thread::sleep(dice.micros(OUTAGE));
                hoster.open();
                return true;
            }
            Self::Hoster(hoster) => {
                let (_, fault) = *dice.one(&EVERY[1..]);
                let verb = *dice.one(&VERBS);
                hoster.fault(verb, fault, 1 + dice.below(2));
            }
            Self::Program(program) => program.go_wrong(dice),
        }
        false
    }

    /// Does not go wrong any more.
    pub(crate) fn behave(&self) {
        match self {
            Self::Inventory => {}
            Self::Hoster(hoster) => hoster.behave(),
            Self::Program(program) => {
                program.look();
                let fault = program.servers.folder().join("fault");
                std::fs::write(fault, "").expect("it is written");
            }
        }
    }

    /// Returns how many requests met a fault, where there can be any.
    pub(crate) fn faults_met(&self) -> Option<usize> {
        match self {
            Self::Inventory => None,
            Self::Hoster(hoster) => Some(hoster.faults_met()),
            Self::Program(program) => Some(program.met.load(Ordering::SeqCst)),
        }
    }
}

impl Program {
    fn install() -> (Self, Plugin) {
        let servers = Servers::none();
        let times = json!({ "timeout_seconds": 3, "settle_seconds": 3.1 });
        let plugin = Plugin::with_program(&servers, &times);
        let mut sells = program::config();
        sells["limits"] = json!({ "open_orders": OPEN });
        sells["worker"] = json!({ "poll_seconds": 0.1, "threads": 8 });
        plugin.write_private("demo.conf", &sells.to_string());
        plugin.write_program("hoster.sh", &program());
        let (waits, met) = (AtomicBool::new(false), AtomicUsize::new(0));
        (Self { servers, waits, met }, plugin)
    }

    fn sold(&self) -> Vec<Sold> {
        let alive = self.servers.alive();
        let sold = |one: (u32, String)| {
            let there = alive.contains(&one);
            Sold { id: one.0.to_string(), name: one.1, there }
        };
        self.servers.made().into_iter().map(sold).collect()
    }

    fn go_wrong(&self, dice: &mut Dice) {
        let word = *dice.one(&FAULTS);
        let side = *dice.one(&["before", "after"]);
        self.look();
        if !self.waits.swap(true, Ordering::SeqCst) {
            self.servers.fault(&format!("{word}-{side}"));
        }
    }

    /// Looks whether the fault was met: the program empties its file.
    fn look(&self) {
        let fault = self.servers.folder().join("fault");
        let is_empty = std::fs::metadata(fault).is_ok_and(|file| file.len() == 0);
        if is_empty && self.waits.swap(false, Ordering::SeqCst) {
            self.met.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The tests' program, of which several run side by side here: a number is taken before a server has
/// it.
fn program() -> String {
    let text = include_str!("../../../samples/command/hoster.sh");
    let made = "until (set -C && : >\"$folder/server.$number.$hostname\") 2>/dev/null; do";
    let (before, after) = text.split_once(made).expect("it makes servers so");
    let (step, after) = after.split_once("done\n").expect("it tries the next number");
    format!(
        "{before}until (set -C && : >\"$folder/number.$number\") 2>/dev/null; do{step}done\n    \
         : >\"$folder/server.$number.$hostname\"\n{after}"
    )
}

fn with_hoster(hoster: &Hoster, definition: &str) -> Plugin {
    let plugin = Plugin::with_hoster(hoster, definition);
    let mut sells = config(hoster, definition);
    sells["limits"] = json!({ "open_orders": OPEN });
    sells["worker"] = json!({ "poll_seconds": 0.1, "threads": 8 });
    plugin.write_private("demo.conf", &sells.to_string());
    plugin.edit_etc(&format!("{definition}.json"), |definition| {
        // Hundreds of servers are there.
        definition["find"]["list"]["request"]["query"]["per_page"] = 1000.into();
    });
    plugin
}
