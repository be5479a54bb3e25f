//! What is in `state/`, and what must hold of it whenever nothing is under way.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::plugin::Plugin;

/// Returns every stored order with the folder that it is in, by rising number.
#[track_caller]
pub(crate) fn orders(plugin: &Plugin) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for place in ["accepted", "active", "done"] {
        for entry in std::fs::read_dir(plugin.state(place)).into_iter().flatten() {
            found.push((place.to_owned(), json(&entry.expect("an entry").path())));
        }
    }
    found.sort_by_key(|(_, order)| number(order));
    found
}

/// Returns an order's number.
#[track_caller]
pub(crate) fn number(order: &Value) -> u64 {
    order["task_id"].as_str().expect("an id").parse().expect("a number")
}

/// Returns the types of an order's events.
pub(crate) fn events(order: &Value) -> Vec<&str> {
    let events = order["events"].as_array().expect("a list");
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[track_caller]
fn json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Checks what must hold of every provider at rest: each number once, each server once, each file
/// whole, private and where it belongs.
#[track_caller]
pub(crate) fn assert_whole(plugin: &Plugin) {
    let (mut numbers, mut servers) = (BTreeSet::new(), BTreeSet::new());
    for (place, order) in orders(plugin) {
        assert_valid_order(&order);
        assert!(numbers.insert(number(&order)), "stored twice: {order}");
        let mut seen = BTreeSet::new();
        let once = events(&order).into_iter().all(|event| seen.insert(event));
        assert!(once, "an event twice: {order}");
        // A hoster's servers are nobody else's: nothing in `state/` need keep them.
        let of_inventory = order["definition"] == "inventory";
        let state = order["state"].as_str().expect("a state");
        if of_inventory && ["accepted", "finished"].contains(&state) {
            let server = order["server"].as_str().expect("a server");
            assert!(servers.insert(server.to_owned()), "held twice: {order}");
            assert_eq!(
                claim(plugin, server),
                order["task_id"].as_str().map(str::to_owned),
                "{place}: {order}"
            );
        }
    }
    for file in plugin.files() {
        let path = plugin.state(&file);
        let new = file.starts_with("tmp/") || file.starts_with("deliveries/tmp/");
        assert!(!new, "left behind: {file}");
        match file.split('/').next() {
            Some("accepted" | "active" | "done" | "sequence" | "deliveries" | "webhooks") => {
                json(&path);
            }
            Some("claims" | "keys") => {
                let text = link(&path).expect("it is a link");
                let number = text.trim_end_matches(" quarantined").parse::<u64>();
                assert!(number.is_ok(), "{file}: {text}");
            }
            Some("lock" | "worker.lock" | "due" | "swept" | "log" | "commands") => {}
            _ => panic!("what is {file}?"),
        }
    }
    assert_private(plugin);
}

/// Checks that what is left to do will be done by the worker that the next call starts.
#[track_caller]
pub(crate) fn assert_due(plugin: &Plugin) {
    // In this order: a worker that ends meanwhile leaves nothing open.
    let is_due = plugin.state("due").exists() || plugin.worker_lives();
    let open = [plugin.names("active"), plugin.names("deliveries/pending")].concat();
    assert!(is_due || open.is_empty(), "nobody is to look after {open:?}");
}

/// Returns what is written down about who holds a server.
pub(crate) fn claim(plugin: &Plugin, server: &str) -> Option<String> {
    link(&plugin.state("claims").join(server))
}

/// Claims and keys are links: their text says all there is.
fn link(path: &Path) -> Option<String> {
    Some(std::fs::read_link(path).ok()?.into_os_string().into_string().expect("text"))
}

/// Checks that nobody but the owner can get at anything below `state/` and `etc/`.
#[track_caller]
pub(crate) fn assert_private(plugin: &Plugin) {
    let mut paths = vec![plugin.state(""), plugin.etc("")];
    while let Some(path) = paths.pop() {
        let metadata = std::fs::symlink_metadata(&path).expect("it is there");
        if metadata.is_symlink() {
            continue;
        }
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        let mut mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_file() && path.starts_with(plugin.etc("")) {
            // A program of a hoster may lie beside its configuration.
            mode &= !0o100;
        }
        assert_eq!(format!("{mode:o}"), format!("{expected:o}"), "{}", path.display());
        if metadata.is_dir() {
            let entries = std::fs::read_dir(&path).expect("it can be listed");
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
}

/// As `assert_valid`, with the schema read but once: sweeps look at thousands of orders.
#[track_caller]
fn assert_valid_order(order: &Value) {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/order.json");
        jsonschema::validator_for(&json(&path)).expect("a schema is valid")
    });
    let errors: Vec<String> = schema.iter_errors(order).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{order:#}");
}

/// Makes an order that nobody was told of look two days old.
pub(crate) fn age(plugin: &Plugin, id: &str) {
    let path = plugin.state(&format!("accepted/{id}.json"));
    let mut order = json(&path);
    let created = order["created_at"].as_str().expect("a text").parse::<jiff::Timestamp>();
    let earlier = created.expect("a time") - jiff::SignedDuration::from_hours(48);
    order["created_at"] = earlier.to_string().into();
    std::fs::write(path, order.to_string()).expect("the order is written");
}
