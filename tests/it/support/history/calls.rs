//! What callers were told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{Book, Rule, is_before};

pub(super) const RULES: [Rule; 5] = [one_document, exists, once, forward, known];

/// A call of the provider, by a clock that only goes forward.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) words: Vec<String>,
    pub(crate) begun: Duration,
    pub(crate) ended: Duration,
    /// Whether it was killed before it ended.
    pub(crate) killed: bool,
    /// Its exit status; none where it was killed.
    pub(crate) status: Option<i32>,
    /// All that it wrote, to the end of the pipe.
    pub(crate) stdout: Vec<u8>,
}

/// What `order_status` said of an order, or `order` by giving its number.
struct Told<'a> {
    call: &'a Call,
    status: String,
    document: Value,
}

impl Call {
    fn word(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn is_of_the_protocol(&self) -> bool {
        ["order", "order_status"].contains(&self.word())
    }

    /// Returns what it was told, where that is whole.
    fn document(&self) -> Option<Value> {
        let line = self.stdout.strip_suffix(b"\n")?;
        let document: Value = serde_json::from_slice(line).ok()?;
        document.is_object().then_some(document)
    }

    /// Returns the number that it was given as `order`.
    pub(crate) fn ordered(&self) -> Option<String> {
        let document = self.document().filter(|_| self.word() == "order")?;
        let id = document["task_id"].as_str().filter(|_| document.get("error").is_none())?;
        Some(id.to_owned())
    }

    fn key(&self) -> Option<&str> {
        let at = self.words.iter().position(|word| word == "--key")?;
        self.words.get(at + 1).map(String::as_str)
    }

    /// Returns the number of the order that it is about.
    pub(super) fn about(&self) -> Option<&str> {
        let at = if self.word() == "orders" { 2 } else { 1 };
        let asks = ["orders", "order_status"].contains(&self.word());
        self.words.get(at).filter(|_| asks).map(String::as_str)
    }

    /// Returns whether it may have taken its server from an order.
    pub(super) fn gives_up(&self) -> bool {
        let word = self.words.get(1).map(String::as_str);
        self.word() == "orders" && matches!(word, Some("cancel" | "release"))
    }
}

/// A call of the protocol says one document and its exit status agrees; one that is killed says all
/// of it or nothing.
fn one_document(book: &Book<'_>, found: &mut Vec<String>) {
    for call in book.history.calls.iter().filter(|call| call.is_of_the_protocol()) {
        let said = String::from_utf8_lossy(&call.stdout);
        let words = call.words.join(" ");
        match call.document() {
            None if call.killed && call.stdout.is_empty() => {}
            None => found.push(format!("`{words}` said no document: {said:?}")),
            Some(document) => {
                let failed = document.get("error").is_some();
                if !call.killed && failed == (call.status == Some(0)) {
                    let status = call.status;
                    found.push(format!("`{words}` ended with {status:?} and said {said}"));
                }
            }
        }
    }
}

/// Every answered order is stored, and no order twice.
fn exists(book: &Book<'_>, found: &mut Vec<String>) {
    for id in book.answered.keys().filter(|id| !book.orders.contains_key(id.as_str())) {
        found.push(format!("order {id} was answered and is lost"));
    }
    let mut seen = BTreeSet::new();
    for (place, order) in &book.history.orders {
        if !seen.insert(order["task_id"].as_str()) {
            found.push(format!("order {} is stored twice, also in {place}/", order["task_id"]));
        }
    }
}

/// A number is given once, or again to the same key; a key has one number.
fn once(book: &Book<'_>, found: &mut Vec<String>) {
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, calls) in &book.answered {
        let asked: BTreeSet<Option<&str>> = calls.iter().map(|call| call.key()).collect();
        if calls.len() > 1 && (asked.len() > 1 || asked.contains(&None)) {
            found.push(format!("number {id} was given to several orders: keys {asked:?}"));
        }
        for key in asked.into_iter().flatten() {
            if let Some(other) = keys.insert(key, id) {
                found.push(format!("key {key} was answered with {other} and with {id}"));
            }
        }
    }
}

fn rank(status: &str) -> u8 {
    match status {
        "in_progress" => 0,
        "finished" => 1,
        _ => 2,
    }
}

/// Returns what the wire says of a stored order.
fn status(order: &Value) -> &'static str {
    match order["state"].as_str() {
        Some("finished") => "finished",
        Some("failed" | "cancelled" | "released") => "error",
        _ => "in_progress",
    }
}

/// What was told of an order stays true: it ends once, on one server, and only one whose server was
/// given back turns from finished to an error.
fn forward(book: &Book<'_>, found: &mut Vec<String>) {
    for (id, told) in told(book) {
        let Some((_, order)) = book.orders.get(id.as_str()) else { continue };
        for one in &told {
            let later = |other: &&Told<'_>| is_before(one.call.ended, other.call.begun);
            let back =
                told.iter().filter(later).find(|other| rank(&other.status) < rank(&one.status));
            let last = status(order);
            if let Some(other) = back {
                found.push(format!("order {id} was {} and then {}", one.status, other.status));
            } else if rank(last) < rank(&one.status) {
                found.push(format!("order {id} was {} and is stored as {last}", one.status));
            }
        }
        let finished: Vec<_> = told.iter().filter(|one| one.status == "finished").collect();
        let said = |key: &str| -> BTreeSet<String> {
            finished.iter().map(|one| one.document[key].to_string()).collect()
        };
        let (servers, mut passwords) = (said("server"), said("server_password"));
        // One that was erased is told no more, and no other in its place.
        if !order["password_erased_at"].is_null() {
            passwords.remove("null");
        }
        if servers.len().max(passwords.len()) > 1 {
            found.push(format!(
                "order {id} was finished on several servers or with several passwords"
            ));
        }
        if !finished.is_empty()
            && !["finished", "released"].map(Value::from).contains(&order["state"])
        {
            found.push(format!("order {id} was finished and is {}", order["state"]));
        }
    }
}

/// Who asks for an order after its number was given is told how it does.
fn known(book: &Book<'_>, found: &mut Vec<String>) {
    for call in book.history.calls.iter().filter(|call| call.word() == "order_status") {
        let Some(document) = call.document().filter(|it| it.get("error").is_some()) else {
            continue;
        };
        let given = call.about().and_then(|id| book.answered.get(id));
        if given.is_some_and(|calls| calls.iter().any(|one| is_before(one.ended, call.begun))) {
            let words = call.words.join(" ");
            found.push(format!("`{words}` of an answered order said {}", document["error_code"]));
        }
    }
}

/// Returns all that was told of each order.
fn told<'a>(book: &Book<'a>) -> BTreeMap<String, Vec<Told<'a>>> {
    let mut all: BTreeMap<String, Vec<Told<'a>>> = BTreeMap::new();
    for call in book.history.calls.iter().filter(|call| call.word() == "order_status") {
        let Some(document) = call.document().filter(|it| it.get("error").is_none()) else {
            continue;
        };
        let (Some(id), Some(status)) = (call.about(), document["status"].as_str()) else {
            continue;
        };
        let (id, status) = (id.to_owned(), status.to_owned());
        all.entry(id).or_default().push(Told { call, status, document });
    }
    all
}
