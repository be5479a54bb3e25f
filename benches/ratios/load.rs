//! What a worker with many open orders costs. Its hoster answers each request after 200 ms, and
//! never finishes a server.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::provider::{Provider, until};
use crate::server::Server;
use crate::setting::Setting;
use crate::table::{Table, count, note, number};

/// How long the hoster takes for an answer.
const ANSWER: Duration = Duration::from_millis(200);

/// How many requests a worker has under way at most, where the configuration does not say.
const THREADS: f64 = 8.0;

/// After how many seconds it looks at an order again, where the configuration does not say.
const POLL: f64 = 5.0;

/// How long a worker is left alone before it is looked at, and then looked at.
const WINDOWS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(10)];

/// Compares the requests of workers with what their threads and the hoster's answers allow.
pub(crate) fn run(setting: &mut Setting) {
    let server = Server::start(ANSWER, answer);
    let provider = setting.provider("load", 0);
    connect(&provider, &server);
    let id = building(&provider);
    let mut table = Table::new("requests a second, answered after 200 ms", "possible");
    let (mut memories, mut stored) = (Vec::new(), 1);
    for size in [10_usize, 100, 1_000, 10_000] {
        open(&provider, &id, stored, size);
        stored = size;
        let worker = provider.worker();
        std::thread::sleep(WINDOWS[0]);
        let (seen, spent) = (server.count(), cpu(worker.process()));
        std::thread::sleep(WINDOWS[1]);
        let seconds = WINDOWS[1].as_secs_f64();
        let rate = (server.count() - seen) as f64 / seconds;
        let possible =
            (size as f64 / (POLL + ANSWER.as_secs_f64())).min(THREADS / ANSWER.as_secs_f64());
        table.add(&format!("{} open orders", count(size)), rate, possible, "/s");
        let share = 100.0 * (cpu(worker.process()) - spent) / seconds;
        note(&format!("it takes {} % of one processor", number(share)));
        memories.push((size, memory(worker.process())));
    }
    setting.keep("load", table);
    let mut table = Table::beside("memory of a worker", "so many", "10");
    for (size, memory) in &memories {
        let name = format!("{} open orders", count(*size));
        table.add(&name, *memory, memories[0].1, "KiB");
    }
    setting.keep("load memory", table);
}

/// What the hoster says: that is being built.
fn answer(method: &str, path: &str) -> String {
    let id = path.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(1001);
    let server = json!({ "id": id, "status": "building", "ip": null });
    match (method, path.contains('?')) {
        ("GET", true) => json!({ "servers": [], "meta": { "next_page": null } }).to_string(),
        _ => json!({ "server": server }).to_string(),
    }
}

/// Makes a provider sell what the hoster sells.
fn connect(provider: &Provider, server: &Server) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(root.join("tests/samples/definitions/fake-unique.json"));
    let definition: Value = serde_json::from_slice(&text.expect("reads")).expect("JSON");
    provider.etc("fake.json", &definition);
    provider.etc(
        "bench.conf",
        &json!({
            "definition": "./fake.json",
            "base_url": server.url(),
            "credentials": { "token": "none" },
            "configurations": [{ "id": "1", "descr": "one",
                "parameters": definition["example"]["parameters"] }],
            "ready": null,
        }),
    );
}

/// Orders a server and waits until it is being built; then nobody works.
fn building(provider: &Provider) -> String {
    let id = provider.order();
    let path = provider.state(&format!("active/{id}.json"));
    until("a server is being built", Duration::from_millis(20), || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"state\": \"building\""))
    });
    let holder = std::fs::read_to_string(provider.state("worker.lock")).expect("a worker lives");
    let process = holder.split_whitespace().nth(1).expect("a process");
    std::process::Command::new("kill").arg(process).status().expect("kill runs");
    drop(provider.be_the_worker());
    id
}

/// Makes copies of an order under other numbers.
fn open(provider: &Provider, id: &str, from: usize, to: usize) {
    let path = provider.state(&format!("active/{id}.json"));
    let mut order: Value =
        serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("JSON");
    for number in from..to {
        let copy = (1_000_000 + number).to_string();
        let path = provider.state(&format!("active/{copy}.json"));
        order["task_id"] = copy.into();
        std::fs::write(path, order.to_string()).expect("written");
    }
}

/// Returns how many seconds of a processor a process has used.
fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
    // USER_HZ is 100 on every Linux.
    ticks as f64 / 100.0
}

/// Returns how many KiB a process has resident.
fn memory(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
}
