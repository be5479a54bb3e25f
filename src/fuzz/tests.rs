//! Every family of readers: samples with something in them changed, and what is made to hurt.

use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::TARGETS;
use super::samples::{samples, webhooks};

/// What stands in place of each secret.
const CANARY: &str = "canary";

/// How long a reader may take over the worst that a file or a reply can hold.
const LIMIT: Duration = Duration::from_secs(30);

/// How much of a processor's time all readers may take, in seconds.
const SECONDS: u32 = 600;

/// How long what is told about it may be, in bytes.
const TOLD: usize = 20_000;

/// How much memory all readers may take, in KiB; the largest text here has 3 MiB.
const MEMORY: u32 = 1 << 20;

/// Has the tests of this file run in a process with limits.
const WITHIN: &str = "within-limits";

/// What stands in for a value.
fn odd_value() -> impl Strategy<Value = Value> {
    let nested = (0..130).fold(Value::Null, |inner, _| json!([inner]));
    prop_oneof![
        select(vec![
            Value::Null,
            json!(true),
            json!(-1),
            json!(0),
            json!(1.5),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!([]),
            json!({}),
            json!([[]]),
            json!({ "": {} }),
            json!("\u{0}\u{202e}"),
            json!("{{ reply.a }}"),
            json!("{{"),
            json!("../../etc"),
            json!("x".repeat(70_000)),
            nested,
        ]),
        any::<String>().prop_map(Value::from),
    ]
}

/// The places in a tree, as JSON pointers.
fn places(tree: &Value, place: &str, all: &mut Vec<String>) {
    all.push(place.to_owned());
    match tree {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{place}/{name}"), all);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                places(value, &format!("{place}/{index}"), all);
            }
        }
        _ => {}
    }
}

/// The JSON that a sample holds, or ends in, with one value in it replaced.
fn replaced(text: &str, at: Index, by: Value) -> String {
    let begins = text.find('{').unwrap_or(text.len());
    let (head, tail) = text.split_at(begins);
    let Ok(mut tree) = serde_json::from_str::<Value>(tail) else { return text.to_owned() };
    let mut all = Vec::new();
    places(&tree, "", &mut all);
    if let Some(place) = tree.pointer_mut(&all[at.index(all.len())]) {
        *place = by;
    }
    format!("{head}{tree}")
}

/// A text with some of its bytes changed, doubled or cut out.
fn scrambled(text: &str, changes: &[(Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, kind, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match kind % 4 {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(
                bytes.drain(at..(at + usize::from(*byte)).min(text.len()).min(bytes.len()).max(at)),
            ),
            _ => {
                let again = bytes[at..(at + usize::from(*byte)).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

fn families() -> impl Strategy<Value = (super::Target, String)> {
    let all: Vec<(super::Target, Vec<String>)> =
        TARGETS.iter().map(|(name, target)| (*target, samples(name))).collect();
    (select(all), any::<Index>())
        .prop_map(|((target, samples), at)| (target, at.get(&samples).clone()))
}

#[test]
fn every_sample_is_read_without_a_fault_of_the_reader() {
    for (name, target) in TARGETS {
        for sample in samples(name) {
            target(sample.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_sample_with_other_bytes_in_it_is_read_or_refused(
        (target, sample) in families(),
        changes in prop::collection::vec(any::<(Index, u8, u8)>(), 0..6),
    ) {
        target(&scrambled(&sample, &changes));
    }

    #[test]
    fn a_sample_with_another_value_in_it_is_read_or_refused(
        (target, sample) in families(), at: Index, value in odd_value(),
    ) {
        target(replaced(&sample, at, value).as_bytes());
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        number in 0..TARGETS.len(), bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        TARGETS[number].1(&bytes);
    }
}

/// Texts that cost a careless reader all memory, all time or its stack, a fraction
/// of what is read at most: what grows faster than the text shows all the same.
fn hostile() -> Vec<(&'static str, String)> {
    let many = |count: usize, of: &dyn Fn(usize) -> String| -> String {
        (0..count).map(of).collect::<Vec<_>>().join(",")
    };
    let mega = 1 << 18;
    let entity = |n: i32| format!("<!ENTITY e{n} \"&e{};&e{};\">", n - 1, n - 1);
    let entities = (1..30).map(entity).collect::<Vec<_>>().concat();
    vec![
        ("brackets", "[".repeat(mega)),
        ("braces", "{\"a\":".repeat(mega / 5)),
        ("tags", "<a>".repeat(mega)),
        ("parentheses", format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000))),
        ("minus signs", format!("{}1", "-".repeat(mega))),
        ("templates", "{{1}}".repeat(mega / 5)),
        ("open templates", "{{".repeat(mega / 2)),
        ("one key", format!("{{\"{}\":1}}", "k".repeat(1 << 20))),
        ("keys", format!("{{{}}}", many(50_000, &|n| format!("\"k{n}\":1")))),
        ("one string", format!("\"{}\"", "é".repeat(mega / 2))),
        ("escapes", format!("\"{}\"", "\\u0000".repeat(mega / 6))),
        ("numbers", format!("[{}]", many(100_000, &|_| "1e9".to_owned()))),
        ("digits", "9".repeat(mega)),
        (
            "servers",
            format!(
                "{{\"servers\":[{}]}}",
                many(15_000, &|n| { format!("{{\"server\":\"s{n}\",\"configurations\":[]}}") })
            ),
        ),
        ("entities", format!("<!DOCTYPE r [<!ENTITY e0 \"a\">{entities}]><r>&e29;</r>")),
        (
            "attributes",
            format!("<r {}/>", many(80_000, &|n| format!("a{n}=\"\"")).replace(',', " ")),
        ),
        (
            "namespaces",
            format!("<r {}/>", many(40_000, &|n| format!("xmlns:a{n}=\"u{n}\"")).replace(',', " ")),
        ),
        (
            "declared again",
            format!("<r xmlns:a=\"u\">{}</r>", "<a:b xmlns:b=\"v\"/>".repeat(40_000)),
        ),
        ("empty lines", "\n".repeat(mega)),
        ("commas", ",".repeat(mega)),
        ("spaces", " ".repeat(mega)),
        ("percent signs", "%".repeat(mega)),
        ("nothing", "\0".repeat(mega)),
    ]
}

/// The heads that bring a text to the part of a reader that is behind them.
fn heads(family: &str) -> &'static [&'static str] {
    match family {
        "hoster" => &[
            "digitalocean 0 0 200\ncontent-type: application/json\n\n",
            "ec2 0 0 200\ncontent-type: text/xml\n\n",
            "ec2 3 0 400\ncontent-type: text/xml\n\n",
        ],
        "receiver" => &["200\n\n", "400\nlocation: ", "400\nretry-after: "],
        "program" => &["create ", "find "],
        "keys" => &["", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\n"],
        "user_data" => &["", "#cloud-config\n", "MIME-Version: 1.0\n"],
        _ => &[""],
    }
}

#[test]
fn what_is_made_to_hurt_takes_bounded_time_memory_and_stack() {
    if !std::env::args().any(|argument| argument == WITHIN) {
        return again_within_limits();
    }
    let mut faults = Vec::new();
    for (kind, text) in hostile() {
        eprintln!("{kind}");
        for (name, target) in TARGETS {
            for head in heads(name) {
                let begin = Instant::now();
                let told = target(format!("{head}{text}").as_bytes());
                let took = begin.elapsed();
                // A word of a call is repeated whole, and the kernel bounds it (execve(2)); so is a
                // network, which stands in a configuration of one mebibyte at most.
                let long = told.len() > TOLD && !matches!(name, "arguments" | "lines");
                if took > LIMIT || long {
                    faults
                        .push(format!("{name}, {head:?}, {kind}: {took:?}, {} bytes", told.len()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Runs the test above in a process of its own: memory cannot be limited for one thread.
fn again_within_limits() {
    let test = "fuzz::tests::what_is_made_to_hurt_takes_bounded_time_memory_and_stack";
    let line = format!("ulimit -v {MEMORY}; ulimit -t {SECONDS}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &line])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, WITHIN, "--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
}

/// Each place where a secret may stand, and where somebody may write something else by mistake.
#[test]
fn no_fault_repeats_what_stands_where_a_secret_belongs() {
    let configuration = json!({ "credentials": { "token": CANARY, "b": { "file": CANARY } },
        "proxy": CANARY, "configurations": [{ "id": "1", "descr": "x", "user_data": CANARY }] });
    let inventory = json!({ "servers": [
        { "server": "a", "server_password": CANARY, "configurations": [] }] });
    let order: Value = serde_json::from_str(&samples("state")[0]).unwrap();
    for (family, tree, secret) in [
        (
            "configuration",
            &configuration,
            &["/credentials/token", "/proxy", "/configurations/0/user_data"][..],
        ),
        ("inventory", &inventory, &["/servers/0/server_password"]),
        ("state", &order, &["/password"]),
        (
            "webhooks",
            &webhooks(),
            &[
                "/webhooks/0/url",
                "/webhooks/0/headers/X-Key",
                "/webhooks/0/secrets/0/value",
                "/webhooks/0/secrets/0",
            ],
        ),
    ] {
        let (_, target) = TARGETS.into_iter().find(|(name, _)| *name == family).unwrap();
        for place in secret {
            for value in [
                json!(CANARY),
                json!([CANARY]),
                json!({ "value": CANARY }),
                json!({ "file": [CANARY] }),
                json!(format!("`{CANARY}`, expected {CANARY}")),
                json!(format!("\"{CANARY}\n")),
                json!(format!("https://{CANARY}:{CANARY}@[/")),
                json!(format!("{CANARY}\u{0}{CANARY}")),
            ] {
                let mut tree = tree.clone();
                if let Some(found) = tree.pointer_mut(place) {
                    *found = value;
                }
                let told = target(tree.to_string().as_bytes());
                assert!(!told.contains(CANARY), "{family} {place}: {told}");
            }
        }
    }
}
