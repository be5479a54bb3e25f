//! Orders of a program that are called off: their worker and the program are killed anywhere, the
//! worker's system calls fail, or the power does, and the one server is removed all the same.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_called_off -- --nocapture` all.

use serde_json::Value;

use crate::kill_command::{copy, ended, kill, start, with_servers, work};
use crate::support::book::assert_due;
use crate::support::errno::{Errnos, MANY};
use crate::support::hand::LONG_AGO;
use crate::support::hoster_start::ask;
use crate::support::one_of;
use crate::support::outage::Outages;
use crate::support::plugin::Plugin;
use crate::support::program::Servers;
use crate::support::promise::only_order;
use crate::support::sweep::{Template, bare};
use crate::support::tracer;

/// How an order is called off before a sweep begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CalledOff {
    /// It is cancelled when its program has made a server, and has told nobody.
    Cancelled,
    /// Its server is given back.
    GivenBack,
}

/// Returns a provider whose order is called off, and what its program has made.
fn start_called_off(how: CalledOff) -> (Template, Servers) {
    let (template, _) = start();
    let (plugin, servers) = copy(&template, &Value::Null);
    let cancelled = how == CalledOff::Cancelled;
    if cancelled {
        servers.fault("orphan-after");
    }
    assert_eq!(work(&plugin).is_none(), cancelled);
    assert_eq!(servers.made().len(), 1);
    assert!(ask(&plugin, if cancelled { "cancel" } else { "release" }));
    (template.followed_by(plugin), servers)
}

/// A sweep over what befalls the worker of an order of a program.
pub(crate) struct Faults {
    template: Template,
    servers: Servers,
    is_called_off: bool,
}

impl Faults {
    /// Of an order that was placed, and called off so.
    pub(crate) fn of(called_off: Option<CalledOff>) -> Self {
        let (template, servers) = called_off.map_or_else(start, start_called_off);
        Self { template, servers, is_called_off: called_off.is_some() }
    }

    /// Kills worker and program together; CI tries one of `stride` points.
    fn kill(&self, name: &str, stride: usize) {
        kill(name, one_of(stride), |at| {
            let (plugin, servers) = self.given_to(self.template.copy());
            let run = tracer::kill_at_effect(bare(&plugin, &["work"]), at);
            assert!(run.killed || run.status == Some(0), "{run:?}");
            self.go_on(&plugin, &servers);
            run.killed
        });
    }

    /// Lets the worker's system calls fail, and not the program's.
    pub(crate) fn fail(&self, name: &str, stride: usize) {
        let errnos = Errnos { name, stride, threads: MANY, works: true };
        errnos.run(|injection| {
            let (plugin, servers) = self.given_to(self.template.copy());
            let run = errnos.meets(&plugin, bare(&plugin, &["work"]), injection);
            self.go_on(&plugin, &servers);
            run
        });
    }

    /// Cuts the power of the worker, and not of what the program sells.
    pub(crate) fn cut(&self, name: &str, stride: usize) {
        Outages { name, stride }.run(|outage| {
            let (plugin, servers) = self.given_to(self.template.copy_into(outage.disk.root()));
            outage.disk.sync();
            let run = outage.strikes(bare(&plugin, &["work"]), 0, ());
            self.go_on(&plugin, &servers);
            run
        });
    }

    fn given_to(&self, plugin: Plugin) -> (Plugin, Servers) {
        with_servers(plugin, &self.servers, &Value::Null)
    }

    fn go_on(&self, plugin: &Plugin, servers: &Servers) {
        assert_due(plugin);
        let (place, order) = only_order(plugin);
        if self.is_called_off && order["purchase"]["bought_at"].is_string() {
            // A new server may be unknown for two minutes: nobody waits for that here.
            plugin.edit(&format!("{place}/1.json"), |order| {
                order["purchase"]["bought_at"] = LONG_AGO.into();
            });
        }
        assert_eq!(work(plugin), Some(0));
        plugin.settled();
        ended(plugin, servers, self.is_called_off);
    }
}

#[test]
fn a_worker_and_its_program_may_be_killed_anywhere_as_a_server_is_removed() {
    Faults::of(Some(CalledOff::Cancelled)).kill("cancelled, its server there", 23);
    Faults::of(Some(CalledOff::GivenBack)).kill("given back", 23);
}
