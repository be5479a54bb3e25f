//! How fast webhooks are told, beside the bare HTTP client.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::provider::{Provider, until};
use crate::server::Server;
use crate::setting::Setting;
use crate::table::Table;

/// How many deliveries are sent in a turn.
const NUMBER: usize = 1_000;

/// How many threads of a worker send to one webhook, where the configuration does not say: half of
/// all.
const THREADS: usize = 2;

/// Compares deliveries with requests of the bare client, to receivers that answer at once and after
/// a while.
pub(crate) fn run(setting: &mut Setting) {
    let mut table = Table::new("deliveries a second, 1,000 to one webhook", "bare client");
    for latency in [0, 5, 20] {
        let receiver = Server::start(Duration::from_millis(latency), |_, _| String::from("{}"));
        let provider = setting.provider(&format!("deliveries-{latency}"), 10);
        let body = wait_with(&provider, &receiver);
        let number = if latency > 5 { NUMBER / 2 } else { NUMBER };
        let before = bare(&receiver, &body, number / 2);
        deliver(&provider, number);
        let ours = told(&provider, &receiver, number);
        let after = bare(&receiver, &body, number / 2);
        let name = match latency {
            0 => "answered at once".to_owned(),
            latency => format!("answered after {latency} ms"),
        };
        table.add(&name, ours, f64::midpoint(before, after), "/s");
    }
    setting.keep("deliveries", table);
}

/// Has one delivery wait; returns the body of its request.
fn wait_with(provider: &Provider, receiver: &Server) -> String {
    let webhook = |schedule: &Value| {
        let webhook = json!({ "name": "fast", "kind": "generic", "schedule": schedule,
            "url": format!("{}/hook", receiver.url()) });
        provider.etc("webhooks.json", &json!({ "webhooks": [webhook] }));
    };
    webhook(&json!([86_400]));
    provider.finished_order();
    let path = provider.state("deliveries/pending");
    until("a delivery waits", Duration::from_millis(1), || {
        std::fs::read_dir(&path).is_ok_and(|mut files| files.next().is_some())
    });
    let holder = std::fs::read_to_string(provider.state("worker.lock")).expect("a worker lives");
    let process = holder.split_whitespace().nth(1).expect("a process");
    std::process::Command::new("kill").arg(process).status().expect("kill runs");
    drop(provider.be_the_worker());
    webhook(&json!([0]));
    only(provider).1["body"].as_str().expect("a body").to_owned()
}

/// Returns the name and the text of the only delivery.
fn only(provider: &Provider) -> (String, Value) {
    let pending = provider.state("deliveries/pending");
    let only = std::fs::read_dir(pending).expect("lists").next().expect("one").expect("reads");
    let text = std::fs::read(only.path()).expect("reads");
    let name = only.file_name().into_string().expect("a plain name");
    (name, serde_json::from_slice(&text).expect("JSON"))
}

/// Makes so many deliveries of the one that waits, each of another order, all of them due.
fn deliver(provider: &Provider, number: usize) {
    let (name, mut delivery) = only(provider);
    let event = name.split('.').next().expect("an event's id").to_owned();
    delivery["next_attempt_at"] = delivery["made_at"].clone();
    delivery["event"]["data"]["order"]["id"] = "@order@".into();
    let text = delivery.to_string();
    let pending = provider.state("deliveries/pending");
    std::fs::remove_file(pending.join(&name)).expect("removed");
    for copy in 0..number {
        let id = format!("{}{copy:012}", &event[..24]);
        let text = text.replace(&event, &id).replace("@order@", &(1_000_000 + copy).to_string());
        std::fs::write(pending.join(name.replace(&event, &id)), text).expect("written");
    }
    std::process::Command::new("sync").status().expect("sync runs");
}

/// Has a worker send all; returns how many it sends in a second.
fn told(provider: &Provider, receiver: &Server, number: usize) -> f64 {
    receiver.take();
    let worker = provider.worker();
    until("all is told", Duration::from_millis(1), || receiver.count() >= number);
    drop(worker);
    let seen = receiver.take();
    (number - 1) as f64 / seen[number - 1].duration_since(seen[0]).as_secs_f64()
}

/// Sends the same with the bare client by as many threads; returns how many it sends in a second.
fn bare(receiver: &Server, body: &str, number: usize) -> f64 {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let url = format!("{}/hook", receiver.url());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..number / THREADS {
                    let request = agent.post(&url).header("Content-Type", "application/json");
                    let mut reply = request.send(body).expect("it is answered");
                    reply.body_mut().read_to_string().expect("it reads");
                }
            });
        }
    });
    number as f64 / begun.elapsed().as_secs_f64()
}
