//! What reads the words of others, one function for each family, for whoever throws bytes at it:
//! the fuzz targets in `fuzz/` and the property tests beside this file. No part of the program.
//!
//! Each takes any bytes, and returns in words what was told about them. None may panic, hang, or
//! take memory without bound; what is read must be written as it was read.
#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a panic is what is looked for, and a fuzz target has no use for the words"
)]

mod remote;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use remote::{hoster, receiver};

use std::ffi::OsString;

use clap::Parser as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::Cli;
use crate::clock::Timestamp;
use crate::config::{Config, change};
use crate::definition::Definition;
use crate::delivery::{Delivery, Health};
use crate::expression::{Expressions, Scope, percent_decoded, percent_encoded};
use crate::order::{Order, Verdict};
use crate::webhook::address::Policy;
use crate::webhook::file::Webhooks;
use crate::webhook::load::{self, Side};
use crate::{cli, http, json, line, name, pace, protocol, public_key, ready, store, user_data};

/// A family of readers: takes any bytes, says what was told about them.
pub type Target = fn(&[u8]) -> String;

/// Every family, by the name of its fuzz target.
pub const TARGETS: [(&str, Target); 13] = [
    ("arguments", arguments),
    ("configuration", configuration),
    ("definition", definition),
    ("webhooks", webhooks),
    ("inventory", inventory),
    ("state", state),
    ("lines", lines),
    ("expression", expression),
    ("user_data", user_data),
    ("keys", keys),
    ("program", program),
    ("hoster", hoster),
    ("receiver", receiver),
];

/// The words of a call, one a line: of the panel, or of people.
pub fn arguments(bytes: &[u8]) -> String {
    use std::os::unix::ffi::OsStringExt as _;
    let words = bytes.split(|byte| *byte == b'\n');
    let words: Vec<OsString> = words.map(|word| OsString::from_vec(word.to_vec())).collect();
    match crate::split_home(words) {
        Ok((_, words)) => {
            let people = Cli::try_parse_from(std::iter::once(&"mine".into()).chain(&words));
            protocol::fault_of(&words).unwrap_or_default() + &told(people)
        }
        Err(error) => error.to_string(),
    }
}

/// `etc/NAME.conf`, and one value of it changed.
pub fn configuration(bytes: &[u8]) -> String {
    let told = told(Config::parse(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return told };
    for key in ["limits.open_orders", "configurations.0.descr", "a.b.c", "", "worker"] {
        if let Ok(changed) = change::set(text, key, "17") {
            serde_json::from_str::<Value>(&changed).expect("what was set left no JSON");
            let removed = change::unset(&changed, key).expect("what was set cannot be taken out");
            serde_json::from_str::<Value>(&removed).expect("what was unset left no JSON");
        }
    }
    told
}

/// `./mine.json`, and what `check` says of it.
pub fn definition(bytes: &[u8]) -> String {
    match Definition::parse(bytes) {
        Ok(Definition::Http(http)) => crate::hoster::http::lint(&http, bytes).join("\n"),
        Ok(Definition::Inventory(_)) => String::new(),
        Err(problem) => problem,
    }
}

/// `etc/webhooks.json` and the machine's.
pub fn webhooks(bytes: &[u8]) -> String {
    let webhooks = match json::parse::<Webhooks>(bytes) {
        Ok(webhooks) => webhooks,
        Err(problem) => return problem,
    };
    written_as_read(&webhooks);
    let all = [Side::Local, Side::Machine].map(|side| {
        for webhook in &webhooks.webhooks {
            if load::check(webhook, side).is_ok() {
                remote::deliver(webhook);
            }
        }
        told(load::check_all(&webhooks.webhooks, side))
    });
    all.concat()
}

/// `etc/inventory.json`.
pub fn inventory(bytes: &[u8]) -> String {
    match crate::hoster::inventory::checked(bytes) {
        Ok(inventory) => {
            let first = inventory.servers.first().map(|server| &*server.server);
            assert!(first.is_none_or(|server| name::is_host(server) && inventory.lists(server)));
            String::new()
        }
        Err(problem) => problem,
    }
}

/// The files of orders, of deliveries and of how webhooks fare, `sequence`, and the panel's records.
pub fn state(bytes: &[u8]) -> String {
    let _ = Verdict::of(&String::from_utf8_lossy(bytes));
    let sequence = store::sequence_read_and_written(bytes);
    if let Ok(text) = &sequence {
        assert_eq!(store::sequence_read_and_written(text.as_bytes()).as_ref(), Ok(text));
    }
    told(json::parse::<Order>(bytes).map(|order| written_as_read(&order)))
        + &told(json::parse::<Delivery>(bytes).map(|delivery| written_as_read(&delivery)))
        + &told(json::parse::<Health>(bytes).map(|health| written_as_read(&health)))
        + &told(sequence)
}

/// What is a line: claims, names, times, keys, networks, lines of `known_hosts`, `Retry-After`.
pub fn lines(bytes: &[u8]) -> String {
    let text = &*String::from_utf8_lossy(bytes);
    if let Some(written) = store::claim_read_and_written(text) {
        assert_eq!(written, text);
    }
    if name::is_safe(text) || name::is_host(text) {
        assert!(!text.contains(['/', '\0', '\n', ' ']) && !matches!(text, "" | "." | ".."));
    }
    let now = Timestamp::UNIX_EPOCH;
    if let Some(wait) = pace::retry_after(text, now, pace::LONGEST_WAIT) {
        assert!(wait <= pace::LONGEST_WAIT);
    }
    assert_eq!(percent_decoded(&percent_encoded(text)), text.as_bytes());
    assert!(line::one_line(text, 80).chars().count() <= 81);
    let (file, answer) = text.split_once("\n\n").unwrap_or((text, text));
    assert!(
        ready::without_what_was_found(file.as_bytes(), answer, "192.0.2.1").len() <= file.len()
    );
    let mut all = told(cli::time(text)) + &told(Policy::parse(&[text.to_owned()], &[]));
    match public_key::check(text) {
        Ok(key) => assert_eq!(public_key::check(&key), Ok(key)),
        Err(problem) => all += &problem,
    }
    all
}

/// What stands in a template.
pub fn expression(bytes: &[u8]) -> String {
    let text = &*String::from_utf8_lossy(bytes);
    let reply = serde_json::json!({
        "id": 17, "name": "canary", "servers": [{ "id": 1, "ips": ["192.0.2.1"] }, { "id": "2" }],
        "price": "3.50", "none": null, "on": true
    });
    let scope = Scope::new().with("reply", reply).with("status", 200);
    let expressions = Expressions::new();
    let mut all = String::new();
    for template in [text, &format!("{{{{{text}}}}}"), &format!("a{{{{ reply.{text} }}}}")] {
        all += &told(expressions.value(template, "/p", &scope));
        all += &told(expressions.path(template, "/p", &scope));
        all += &told(Expressions::names(template, "/p"));
    }
    all
}

/// The user-data of a configuration.
pub fn user_data(bytes: &[u8]) -> String {
    let text = &*String::from_utf8_lossy(bytes);
    let access = user_data::Access::Password("abc123");
    match user_data::compose(access, "webdir-1", Some(text)) {
        Ok(made) => {
            assert!(made.len() <= 16 * 1024);
            String::new()
        }
        Err(problem) => problem,
    }
}

/// Keys in PEM: the private one of an account, and certificates of an authority.
pub fn keys(bytes: &[u8]) -> String {
    let private = crate::hoster::http::fault_of_key(&String::from_utf8_lossy(bytes));
    let options = http::Options { ca: Some(bytes.to_vec()), ..http::Options::default() };
    private.unwrap_or_default() + &told(http::Client::new(&options))
}

/// What a program answers: the verb, a space, the answer.
pub fn program(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let verb = String::from_utf8_lossy(&bytes[..end]);
    told(crate::hoster::command::check_answer(&verb, &bytes[end..]))
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
    result.err().map(|problem| problem.to_string()).unwrap_or_default()
}

/// Panics where a value that is written and read again is another.
fn written_as_read<T: Serialize + DeserializeOwned>(value: &T) {
    let text = serde_json::to_string(value).expect("it cannot be written");
    let again: T = json::parse(text.as_bytes()).expect("what was written cannot be read");
    assert_eq!(serde_json::to_string(&again).ok(), Some(text));
}
