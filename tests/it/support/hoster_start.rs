//! Providers with one order of a hoster, somewhere in its life, to be copied for each point of a
//! sweep.

use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hoster::Hoster;
use super::hoster::addresses::Address;
use super::hoster::cloud::Purchase;
use super::hoster::fault::{Fault, Verb};
use super::hoster::mode::Mode;
use super::hoster::provider::{config, definition};
use super::plugin::Plugin;
use super::promise;
use super::sweep::{Template, bare, call, hold_worker_lock};

/// For how many seconds a new server may be unknown to its hoster; more than a hoster of a sweep
/// takes, for a machine that is busy with sweeps is slow.
const GRACE: f64 = 3.0;

/// The same where its hoster says so for a while and then knows it: nobody waits for so long.
const LONG_GRACE: f64 = 30.0;

/// Servers that somebody else has at each hoster.
const FOREIGN: [&str; 3] = ["somebody-else-1", "webdir-1-0123456789ab", "somebody-else-2"];

/// A provider with one order, to be copied for each point.
pub(crate) struct Start {
    pub(crate) template: Template,
    /// Where the hoster was while the order came here.
    url: String,
    definition: String,
    /// The server that was bought by then, and its address, where those are bought apart.
    bought: Option<Purchase>,
    addresses: Vec<Address>,
}

impl Start {
    /// A provider with an order that no worker has seen.
    pub(crate) fn new(definition: &str) -> Self {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        plugin.run(&["order", "7"]).fails("unknown_configuration", 3);
        let held = hold_worker_lock(&plugin);
        plugin.order();
        drop(held);
        Self::of(plugin, &hoster, definition)
    }

    /// A provider whose worker was killed as soon as `there` held, asked for `wish` after that.
    pub(crate) fn at(
        definition: &str,
        mode: Mode,
        fault: Fault,
        there: impl Fn(&Value) -> bool,
        wish: &str,
    ) -> Self {
        let hoster = Hoster::start(mode);
        hoster.fault(Verb::Create, fault, 1);
        let plugin = Plugin::with_hoster(&hoster, definition);
        let held = hold_worker_lock(&plugin);
        plugin.order();
        drop(held);
        let mut worker = bare(&plugin, &["work"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider runs");
        super::wait_until("the order is there", || {
            !hoster.purchases().is_empty() && there(&promise::only_order(&plugin).1)
        });
        worker.kill().expect("the worker is ours");
        worker.wait().expect("the worker is ours");
        assert!(ask(&plugin, wish), "{wish} is written down");
        Self::of(plugin, &hoster, definition)
    }

    fn of(plugin: Plugin, hoster: &Hoster, definition: &str) -> Self {
        let (bought, addresses) = (hoster.purchases().pop(), hoster.addresses(false));
        let (url, definition) = (hoster.url(), definition.to_owned());
        Self { template: Template::of(plugin), url, definition, bought, addresses }
    }

    /// Returns a copy that orders from a hoster of its own.
    pub(crate) fn copy(&self, mode: &Mode, reuses_ids: bool) -> (Plugin, Hoster) {
        self.connect(self.template.copy(), mode, reuses_ids)
    }

    /// The same in `root`.
    pub(crate) fn copy_into(&self, root: TempDir, mode: &Mode) -> (Plugin, Hoster) {
        self.connect(self.template.copy_into(root), mode, false)
    }

    fn connect(&self, plugin: Plugin, mode: &Mode, reuses_ids: bool) -> (Plugin, Hoster) {
        let hoster = Hoster::start(mode.clone());
        if let Some(server) = &self.bought {
            hoster.sell_again(server, &self.addresses);
        }
        for name in FOREIGN {
            hoster.plant(name);
        }
        if mode.addresses_apart() {
            hoster.plant_address();
        }
        plugin.connect(&hoster, &self.definition);
        let mut quick = config(&hoster, &self.definition);
        quick["worker"] = json!({ "poll_seconds": 0.02, "threads": 1 });
        if reuses_ids {
            // For so long it is asked for a server that is somebody else's by now.
            quick["limits"] = json!({ "order_timeout_seconds": 2 });
        }
        plugin.write_private("demo.conf", &quick.to_string());
        let mut changed = definition(&self.definition);
        changed["reuses_ids"] = reuses_ids.into();
        let grace = if mode.absent_polls > 0 { LONG_GRACE } else { GRACE };
        changed["poll"]["grace_seconds"] = grace.into();
        plugin.write_private(&format!("{}.json", self.definition), &changed.to_string());
        let (place, mut order) = promise::only_order(&plugin);
        let path = plugin.state(&format!("{place}/1.json"));
        // Its server has just been bought from the new hoster.
        if order["purchase"]["bought_at"].is_string() {
            order["purchase"]["bought_at"] = jiff::Timestamp::now().to_string().into();
        }
        let text = order.to_string().replace(&self.url, &hoster.url());
        std::fs::write(path, text).expect("the order is written");
        (plugin, hoster)
    }
}

/// Writes a wish into the order while no worker can do it; returns whether it was taken.
pub(crate) fn ask(plugin: &Plugin, wish: &str) -> bool {
    let mut words = vec!["orders", wish, "1", "--timeout", "0"];
    if wish == "release" {
        words.push("--yes");
    }
    let held = hold_worker_lock(plugin);
    let answer = call(plugin, &words);
    drop(held);
    let wished = promise::only_order(plugin).1["wish"] == wish;
    assert_eq!(answer.status, Some(if wished { 124 } else { 2 }), "{answer:?}");
    wished
}
