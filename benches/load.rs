//! What a worker with many open orders costs: `cargo bench --bench load [-- ORDERS SECONDS]`.
//!
//! A hoster on this machine answers each request after 200 ms and never finishes a server. Printed
//! are the worker's memory, its share of one processor, and the requests that the hoster saw.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a developer's tool: it prints, and it writes its own scratch files"
)]

#[expect(dead_code, clippy::unwrap_used, reason = "the fixture of the tests")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use support::hoster::Hoster;
use support::hoster::mode::Mode;
use support::hoster::provider::config;
use support::plugin::Plugin;

/// How long the hoster takes for an answer.
const ANSWER: Duration = Duration::from_millis(200);

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let orders = numbers.first().copied().unwrap_or(1000);
    let seconds = numbers.get(1).copied().unwrap_or(30);
    let mode = Mode { delay: ANSWER, building_polls: usize::MAX, ..Mode::unique() };
    let hoster = Hoster::start(mode);
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let mut settings = config(&hoster, "fake-unique");
    settings["worker"] = json!({});
    plugin.write_config(&settings);
    let begun = Instant::now();
    for _ in 0..orders {
        plugin.order();
    }
    println!("{orders} orders placed after {:.1} s", begun.elapsed().as_secs_f64());
    while hoster.purchases().len() < usize::try_from(orders).expect("a number") {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("as many servers bought after {:.1} s", begun.elapsed().as_secs_f64());
    let process = worker(&plugin);
    let (seen, spent) = (hoster.requests().len(), cpu(process));
    std::thread::sleep(Duration::from_secs(seconds));
    let requests = hoster.requests().len() - seen;
    let spent = cpu(process) - spent;
    let all = seconds as f64;
    println!("requests: {:.1} a second with 8 threads", requests as f64 / all);
    println!("processor: {:.2} % of one", 100.0 * spent / all);
    println!("memory: {} KiB resident", memory(process));
    assert!(std::process::Command::new("kill").arg(process.to_string()).status().is_ok());
}

/// Returns the process that holds the worker's lock, as its text says.
fn worker(plugin: &Plugin) -> u32 {
    let text = std::fs::read_to_string(plugin.state("worker.lock")).expect("a worker lives");
    text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a process")
}

/// Returns how many seconds of a processor a process has used.
fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
    // USER_HZ is 100 on every Linux.
    ticks as f64 / 100.0
}

fn memory(process: u32) -> u64 {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(Path::new(&path)).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}
