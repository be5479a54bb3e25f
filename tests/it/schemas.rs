//! The schemas: they and the program accept and refuse the same files.
//!
//! A sample in `tests/samples/invalid/` has the one fault that its name says. Where JSON Schema has
//! no words for a fault, the sample is in `invalid_beyond_schema/`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::answer::{assert_valid, errors};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Every schema that the program prints.
const NAMES: [&str; 21] = [
    "answer-configs",
    "answer-error",
    "answer-help",
    "answer-order",
    "answer-order_status",
    "catalog",
    "check",
    "configuration",
    "definition",
    "deliveries-list",
    "deliveries-show",
    "delivery",
    "event",
    "inventory",
    "order",
    "orders-list",
    "orders-preview",
    "orders-show",
    "webhooks",
    "webhooks-list",
    "webhooks-show",
];

/// The kinds of files that people write or mend, and of which there are samples.
const KINDS: [&str; 3] = ["configuration", "inventory", "order"];

/// Returns the samples of a kind in a folder, rising by name.
fn samples(folder: &str, kind: &str) -> Vec<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(folder).join(kind);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}", folder.display());
    paths
}

/// Lays samples before the program, in a provider of their own.
struct Reader {
    plugin: Plugin,
    order: String,
}

impl Reader {
    fn new() -> Self {
        let plugin = Plugin::with_servers(1);
        let (order, _) = plugin.sold();
        plugin.settled();
        Self { plugin, order }
    }

    /// Returns what the program finds wrong with a sample.
    #[track_caller]
    fn fault(&self, kind: &str, sample: &Path) -> Option<String> {
        let (place, words, code): (_, &[&str], _) = match kind {
            "configuration" => {
                (self.plugin.etc("demo.conf"), &["configs"], ("configuration_invalid", 4))
            }
            "inventory" => {
                let place = self.plugin.etc("inventory.json");
                (place, &["order", "1"], ("configuration_invalid", 4))
            }
            _ => {
                let place = self.plugin.state(&format!("done/{}.json", self.order));
                (place, &["order_status", &self.order], ("state_unreadable", 7))
            }
        };
        std::fs::copy(sample, &place).unwrap();
        let answer = self.plugin.run(words);
        if answer.document()["error_code"] == "out_of_stock" {
            // The inventory was read and understood.
            return None;
        }
        if answer.status == Some(0) {
            self.plugin.settled();
            return None;
        }
        Some(answer.fails(code.0, code.1))
    }
}

/// Returns what the schema finds wrong with a sample.
fn schema_faults(kind: &str, sample: &Path) -> Vec<String> {
    let text = std::fs::read(sample).unwrap();
    match serde_json::from_slice(&text) {
        Ok(value) => errors(kind, &value),
        Err(why) => panic!("{} is no JSON, so no schema is asked: {why}", sample.display()),
    }
}

#[test]
fn valid_samples_are_accepted_by_schema_and_program() {
    for kind in KINDS {
        let reader = Reader::new();
        for sample in samples("valid", kind) {
            let faults = schema_faults(kind, &sample);
            assert!(faults.is_empty(), "{}: {faults:?}", sample.display());
            assert_eq!(reader.fault(kind, &sample), None, "{}", sample.display());
        }
    }
}

#[test]
fn invalid_samples_are_refused_by_schema_and_program() {
    let mut count = 0;
    for kind in KINDS {
        let reader = Reader::new();
        for sample in samples("invalid", kind) {
            let faults = schema_faults(kind, &sample);
            assert!(!faults.is_empty(), "the schema accepts {}", sample.display());
            assert!(
                reader.fault(kind, &sample).is_some(),
                "the program accepts {}, the schema: {faults:?}",
                sample.display()
            );
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} samples");
}

#[test]
fn faults_that_a_schema_has_no_words_for_are_refused_by_the_program() {
    for kind in KINDS {
        let reader = Reader::new();
        for sample in samples("invalid_beyond_schema", kind) {
            let faults = schema_faults(kind, &sample);
            assert!(faults.is_empty(), "belongs to invalid/: {}: {faults:?}", sample.display());
            assert!(reader.fault(kind, &sample).is_some(), "accepted: {}", sample.display());
        }
    }
}

#[test]
fn a_sample_has_just_the_fault_of_its_name() {
    for kind in KINDS {
        for sample in samples("invalid", kind) {
            let faults = schema_faults(kind, &sample);
            assert_eq!(faults.len(), 1, "{}: {faults:#?}", sample.display());
        }
    }
}

#[test]
fn every_order_file_of_a_run_is_valid_wherever_it_is() {
    let plugin = Plugin::with_servers(6);
    plugin.write_config(&json!({
        "configurations": [{ "id": "1", "descr": "Сервер", "parameters": { "a": [1, null] } }],
        "account": { "userEmail": "admin@example.com" } }));
    let valid = |place: &str, id: &str| {
        let path = plugin.state(&format!("{place}/{id}.json"));
        assert_valid("order", &crate::support::hand::read(&path));
    };
    let (finished, _) = plugin.sold();
    let (released, _) = plugin.sold();
    plugin.run(&["orders", "release", &released, "--yes"]).prints();
    plugin.settled();

    let worker = plugin.hold_worker_lock();
    let keyed = plugin.run(&["order", "1", "--key", "ключ"]).succeeds()["task_id"].clone();
    let keyed = keyed.as_str().unwrap();
    valid("active", keyed);
    plugin.move_order(keyed, "active", "accepted");
    valid("accepted", keyed);
    let (cancelled, failed) = (plugin.order(), plugin.order());
    assert_eq!(plugin.run(&["orders", "cancel", &cancelled, "--timeout", "0"]).status, Some(124));
    valid("active", &cancelled);
    plugin.edit(&format!("active/{failed}.json"), |order| order["server"] = Value::Null);
    drop(worker);
    plugin.run(&["work"]).prints();
    wait_until("all but one are done", || plugin.names("done").len() == 4);
    let states: Vec<String> = [&finished, &released, &cancelled, &failed]
        .into_iter()
        .map(|id| {
            valid("done", id);
            plugin.stored(id)["state"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(states, ["finished", "released", "cancelled", "failed"]);
}

#[test]
fn the_program_prints_every_schema_as_it_is_checked_in() {
    let plugin = Plugin::installed();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for name in NAMES {
        let file = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        assert_eq!(plugin.run(&["schema", name]).prints(), file, "{name}");
    }
    let names = NAMES.map(|name| format!("{name}\n")).concat();
    assert_eq!(plugin.run(&["schema"]).prints(), names);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), NAMES.len());
}

#[test]
fn an_unknown_schema_is_refused_with_the_names_of_those_that_there_are() {
    let answer = Plugin::installed().run(&["schema", "bogus"]);
    let complaint = answer.complains(2);
    assert!(complaint.contains("`bogus`"), "{complaint}");
    for name in NAMES {
        assert!(complaint.contains(name), "{name} is not in: {complaint}");
    }
}
