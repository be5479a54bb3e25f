//! What was bought, handed over and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{Book, Call, Hook, Rule, Sold};
use crate::support::book::events;
use crate::support::promise;

pub(super) const RULES: [Rule; 6] = [bought, led_to, lives, asked, told, handed_over];

/// An order buys one server at most, just one where it was finished, and none where nobody was told
/// its number.
fn bought(book: &Book<'_>, found: &mut Vec<String>) {
    let mut sold: BTreeMap<&str, usize> = BTreeMap::new();
    for server in &book.history.sold {
        *sold.entry(&server.name).or_default() += 1;
    }
    for (id, (_, order)) in &book.orders {
        let count = order["hostname"].as_str().and_then(|name| sold.remove(name));
        let count = count.unwrap_or_default();
        let of_hoster = order["definition"] != "inventory";
        if count > 1 {
            found.push(format!("order {id} has bought {count} servers"));
        } else if count == 0 && of_hoster && was_finished(order) {
            found.push(format!("order {id} is finished and has bought no server"));
        }
        if count > 0 && !book.is_answered(id) {
            found.push(format!("order {id} was never answered and has bought a server"));
        }
    }
    for name in sold.keys() {
        found.push(format!("server `{name}` was bought for no order"));
    }
}

/// Every server that is there is one that its order leads to, and that of a finished one is there.
fn led_to(book: &Book<'_>, found: &mut Vec<String>) {
    let by_name: BTreeMap<&str, &Value> = book
        .orders
        .values()
        .filter_map(|(_, order)| Some((order["hostname"].as_str()?, *order)))
        .collect();
    for server in book.history.sold.iter().filter(|server| server.there) {
        let order = by_name.get(server.name.as_str());
        if order.is_some_and(|order| !promise::leads_to(order, &server.id, &server.name)) {
            found.push(format!("server {} (`{}`) is lost", server.id, server.name));
        }
    }
    for order in by_name.values().filter(|order| order["state"] == "finished") {
        let own = |server: &&Sold| order["hostname"] == server.name.as_str();
        let sold: Vec<&Sold> = book.history.sold.iter().filter(own).collect();
        let is = |server: &&Sold| server.there && order["server_id"] == server.id.as_str();
        if !sold.is_empty() && !sold.iter().any(is) {
            found.push(format!("order {} is finished and its server is gone", order["task_id"]));
        }
    }
}

/// Every answered order has ended, in one way and once; what was never answered was left alone.
///
/// A release that came to nothing is asked for again when all behave, and then it comes true.
fn lives(book: &Book<'_>, found: &mut Vec<String>) {
    for (id, (place, order)) in &book.orders {
        if !book.is_answered(id) {
            if *place != "accepted" {
                found.push(format!("order {id} was never answered and is in {place}/"));
            }
        } else if *place != "done" || !order["wish"].is_null() {
            found.push(format!("order {id} does not come to an end: it is in {place}/"));
        } else if let Some(kinds) = promise::is_no_life(order) {
            found.push(format!("order {id} is {} after {kinds:?}", order["state"]));
        } else if order["state"] == "failed" && order["definition"] == "inventory" {
            found
                .push(format!("order {id} had a server to itself and failed: {}", order["reason"]));
        } else if order["state"] == "finished" && !order["reason"].is_null() {
            found.push(format!("order {id} was not given back: {}", order["reason"]));
        }
    }
}

/// An order is called off, and its server given back, only where somebody asked for it.
fn asked(book: &Book<'_>, found: &mut Vec<String>) {
    let calls = book.history.calls.iter().filter(|call| call.gives_up());
    let asked: BTreeSet<&str> = calls.filter_map(Call::about).collect();
    for (id, (_, order)) in &book.orders {
        let is_gone = matches!(order["state"].as_str(), Some("cancelled" | "released"));
        if is_gone && !asked.contains(id) {
            found.push(format!("order {id} is {}, and nobody asked for it", order["state"]));
        }
    }
}

/// Every event of an answered order is taken at least once, with one id and one body, in the order of
/// its events; and nothing else arrives.
fn told(book: &Book<'_>, found: &mut Vec<String>) {
    // Which event of which order an id is of.
    let mut known: BTreeMap<&str, (&str, usize, &str)> = BTreeMap::new();
    for (id, (_, order)) in &book.orders {
        if !book.is_answered(id) {
            continue;
        }
        for (at, event) in order["events"].as_array().into_iter().flatten().enumerate() {
            let kind = event["type"].as_str().unwrap_or_default();
            if let Some(event) = event["data"]["webhook"]["id"].as_str() {
                known.insert(event, (id, at, kind));
            }
        }
    }
    for hook in &book.history.hooks {
        told_by(hook, &known, found);
    }
}

fn told_by(hook: &Hook, known: &BTreeMap<&str, (&str, usize, &str)>, found: &mut Vec<String>) {
    let name = &hook.name;
    let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for arrival in &hook.arrivals {
        let Some((id, at, _)) = known.get(arrival.id.as_str()) else {
            found.push(format!("{name} was told of {}, which is no event", arrival.id));
            continue;
        };
        if *bodies.entry(&arrival.id).or_insert(&arrival.body) != arrival.body {
            found.push(format!("{name} got event {} with two bodies", arrival.id));
        }
        if arrival.taken && !arrival.late {
            taken.insert(&arrival.id);
        }
        let reached = reached.entry(id).or_default();
        if *at < *reached && !arrival.late {
            found.push(format!("{name} got event {at} of order {id} after event {reached}"));
        }
        *reached = (*reached).max(*at);
    }
    let selects = |kind: &str| hook.types.iter().any(|one| one == kind);
    for (event, (id, _, kind)) in known {
        if selects(kind) && !bodies.contains_key(event) {
            found.push(format!("{name} was never told {kind} of order {id}"));
        } else if selects(kind) && !taken.contains(event) {
            found.push(format!("{name} never took {kind} of order {id}, and it came no more"));
        } else if !selects(kind) && bodies.contains_key(event) {
            found.push(format!("{name} got {kind} of order {id}, unasked"));
        }
    }
}

/// A server of the inventory is handed to one order at a time.
///
/// An order has it for certain from its answer on until somebody asks for it to be given up.
fn handed_over(book: &Book<'_>, found: &mut Vec<String>) {
    let mut held: BTreeMap<&str, Vec<(Duration, Duration, &str)>> = BTreeMap::new();
    let mut given_up: BTreeMap<&str, Duration> = BTreeMap::new();
    for call in book.history.calls.iter().filter(|call| call.gives_up()) {
        if let Some(id) = call.about() {
            let first = given_up.entry(id).or_insert(call.begun);
            *first = (*first).min(call.begun);
        }
    }
    for (id, (_, order)) in &book.orders {
        let Some(server) = order["server"].as_str() else { continue };
        let Some(answers) = book.answered.get(*id) else { continue };
        if order["definition"] != "inventory" {
            continue;
        }
        let from = answers.iter().map(|call| call.ended).min().unwrap_or(Duration::MAX);
        let until = given_up.get(id).copied().unwrap_or(Duration::MAX);
        if from < until {
            held.entry(server).or_default().push((from, until, id));
        }
    }
    for (server, mut times) in held {
        times.sort_unstable();
        for pair in times.windows(2) {
            let ((_, until, one), (from, _, other)) = (pair[0], pair[1]);
            if from < until {
                found.push(format!("server {server} was handed to orders {one} and {other}"));
            }
        }
    }
}

/// Returns whether an order was handed over at some time.
fn was_finished(order: &Value) -> bool {
    let kinds: BTreeSet<&str> = events(order).into_iter().collect();
    order["state"] == "finished" || kinds.contains("order.finished")
}
