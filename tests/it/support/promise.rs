//! What must hold of an order of a hoster once it has ended: one order, at most one server, and
//! none that nobody knows of.

use serde_json::Value;

use super::book::{assert_whole, events, orders};
use super::hoster::Hoster;
use super::hoster::cloud::Purchase;
use super::hoster::fault::FOLLOWED;
use super::plugin::Plugin;

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its server was handed over.
    Finished,
    /// It failed, and says what to look for.
    Undecided,
    /// It failed otherwise.
    Failed,
    /// Its server was given back, or none was bought.
    Gone,
}

/// What is known of an order and its hoster.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) order: Value,
    /// What is at the hoster in the order's name.
    pub(crate) alive: Vec<Purchase>,
}

/// Returns a provider's one order, as it is stored.
#[track_caller]
pub(crate) fn only_order(plugin: &Plugin) -> (String, Value) {
    let mut all = orders(plugin);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Returns how many servers were sold beyond the first.
pub(crate) fn doubled(hoster: &Hoster) -> usize {
    hoster.purchases().len().saturating_sub(1)
}

/// Returns how many servers are there that the order does not lead to.
pub(crate) fn lost(plugin: &Plugin, hoster: &Hoster) -> usize {
    let (_, order) = only_order(plugin);
    let lost = |server: &&Purchase| !leads_to(&order, &server.shown, &server.name);
    hoster.alive().iter().filter(lost).count()
}

/// Returns whether whoever looks at an order learns of the server of that id and name.
pub(crate) fn leads_to(order: &Value, id: &str, name: &str) -> bool {
    order["state"] == "finished" && order["server_id"] == id || names(order, id, name)
}

/// Returns whether an order's server is that one.
fn is(order: &Value, server: &Purchase) -> bool {
    order["server_id"].as_str().is_some_and(|id| id == server.shown)
}

fn reason(order: &Value) -> &str {
    order["reason"].as_str().unwrap_or_default()
}

/// Returns whether a failed order says which server is left.
fn names(order: &Value, id: &str, name: &str) -> bool {
    let reason = reason(order);
    order["state"] == "failed"
        && (reason.contains(&format!("look for `{name}`"))
            || reason.contains(&format!("server {id} (`{name}`)")))
}

/// Checks what holds however an order ended, and says how it did.
///
/// `before` is the order as the worker that was killed left it.
#[track_caller]
pub(crate) fn ended(plugin: &Plugin, hoster: &Hoster, before: &Value) -> Ended {
    assert_whole(plugin);
    let (place, order) = only_order(plugin);
    assert_eq!((place.as_str(), &order["wish"]), ("done", &Value::Null), "{order:#}");
    assert!(!plugin.state("due").exists(), "there is nothing to do");
    assert_only_forward(before, &order);
    let purchases = hoster.purchases();
    assert!(purchases.len() <= 1, "{purchases:#?}");
    assert!(purchases.iter().all(|server| order["hostname"] == server.name.as_str()));
    let followed = hoster.requests().into_iter().find(|seen| seen.path.contains(FOLLOWED));
    assert!(followed.is_none(), "a redirect was followed: {followed:?}");
    assert_eq!(lost(plugin, hoster), 0, "lost: {:#?}", hoster.alive());
    let addresses = hoster.addresses(false);
    // One leads to a server that the order leads to, and there is none without.
    assert!(addresses.len() <= hoster.alive().len(), "{addresses:#?}");
    let end = match order["state"].as_str().expect("a state") {
        "finished" => End::Finished,
        "cancelled" | "released" => End::Gone,
        "failed" if reason(&order).contains("look for `") => End::Undecided,
        "failed" => End::Failed,
        state => panic!("{state} is no end: {order:#}"),
    };
    Ended { end, order, alive: hoster.alive() }
}

/// Checks that what was told of an order stays true.
#[track_caller]
fn assert_only_forward(before: &Value, after: &Value) {
    let rank = |order: &Value| match order["state"].as_str().expect("a state") {
        "accepted" | "buying" | "unknown" | "building" | "checking" => 0,
        "finished" => 1,
        _ => 2,
    };
    assert!(rank(before) <= rank(after), "{before:#}\n{after:#}");
    for fixed in ["task_id", "key", "hostname", "created_at"] {
        assert_eq!(before[fixed], after[fixed]);
    }
    let (told, all) = (before["events"].as_array(), after["events"].as_array());
    let (told, all) = (told.expect("a list"), all.expect("a list"));
    assert!(all.starts_with(told), "{before:#}\n{after:#}");
    assert_eq!(is_no_life(after), None, "{after:#}");
}

/// Returns the types of an order's events where they are not those of one that ended as it did.
pub(crate) fn is_no_life(order: &Value) -> Option<Vec<&str>> {
    let kinds = events(order);
    let state = order["state"].as_str().expect("a state");
    let mut life = vec!["order.accepted".to_owned()];
    // What was handed over is released, and what a failed order left behind.
    if state == "released" {
        let has_failed = kinds.get(1) == Some(&"order.failed");
        life.push(if has_failed { "order.failed" } else { "order.finished" }.to_owned());
    }
    life.push(format!("order.{state}"));
    (kinds != life).then_some(kinds)
}

impl Ended {
    /// Checks an order that nobody called off.
    ///
    /// `listed` says whether a server shows up in lists within the definition's window.
    #[track_caller]
    pub(crate) fn as_nobody_minds(&self, listed: bool) {
        match self.end {
            End::Finished => self.as_handed_over(),
            // What could be found is adopted.
            End::Undecided => assert!(!listed || self.alive.is_empty(), "{self:#?}"),
            End::Failed => assert_eq!(self.alive.len(), 0, "{self:#?}"),
            End::Gone => panic!("nobody called it off: {self:#?}"),
        }
    }

    /// Checks an order that was called off, or whose server was to be given back, before it ended.
    #[track_caller]
    pub(crate) fn as_unwanted(&self, listed: bool) {
        assert_ne!(self.end, End::Finished, "{self:#?}");
        let may_be_there = self.end == End::Undecided && !listed;
        assert!(self.alive.is_empty() || may_be_there, "{self:#?}");
    }

    /// Checks that the order tells the truth about the one server.
    #[track_caller]
    pub(crate) fn as_handed_over(&self) {
        let order = &self.order;
        assert_eq!(self.alive.len(), 1, "{self:#?}");
        let server = &self.alive[0];
        assert!(is(order, server), "{self:#?}");
        let own = || format!("127.0.0.{}", server.id - 1000);
        let address = server.address.clone().unwrap_or_else(own);
        assert_eq!(order["server"], address, "{self:#?}");
        let password = order["password"].as_str().expect("a password");
        let in_user_data = |text: &String| text.contains(password);
        let set = server.password.as_deref() == Some(password)
            || server.user_data.as_ref().is_some_and(in_user_data);
        assert!(set && !server.stopped, "{self:#?}");
    }
}
