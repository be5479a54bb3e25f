//! Text of any language passes through as it is: what is sold, what a hoster says, what a receiver
//! answers; and tables keep to their width with it.

use serde_json::{Value, json};

use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::service::Service;

/// Cyrillic, Chinese, emoji outside of the first plane, and marks that stand over the letter before
/// them: these must not be put together, for that would be another text. `и` with a breve is such,
/// `e` with two marks too.
const TEXTS: [&str; 4] = [
    "Сервер «Стандарт»: 2 ядра, 4 ГБ — сии\u{306} тариф ёлки",
    "云服务器 二核 四吉字节 标准型 北京区域一",
    "rocket 🚀 flag 🏁 and a square 𝄞",
    "cafe\u{301} e\u{302}\u{301} n\u{303} o\u{308}",
];

/// The width that tables keep to, in columns.
const WIDTH: usize = 80;

/// Returns how many columns a terminal needs for a line of [`TEXTS`] (Unicode Standard Annex 11:
/// wide characters take two; marks that are written over another one take none).
fn width(line: &str) -> usize {
    let columns = line.chars().map(|character| match character {
        '\u{300}'..='\u{36f}' => 0,
        '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' => 2,
        _ => 1,
    });
    columns.sum()
}

/// Expects a table that keeps to its width and holds every character of a text.
#[track_caller]
fn assert_table(table: &str, text: &str) {
    for line in table.lines() {
        assert!(width(line) <= WIDTH, "{} columns: {line}\n{table}", width(line));
    }
    let count = |within: &str, wanted: char| within.chars().filter(|one| *one == wanted).count();
    for wanted in text.chars().filter(|one| !one.is_whitespace()) {
        assert!(count(table, wanted) >= count(text, wanted), "{wanted:?} is missing:\n{table}");
    }
}

/// Starts a hoster that refuses every order for that reason.
fn refusing(reason: &'static str) -> Service {
    Service::start(move |seen| {
        Some(if seen.method == "POST" {
            Response::error(422, "no", reason)
        } else {
            Response::json(200, &json!({ "servers": [], "meta": { "next_page": null } }))
        })
    })
}

/// Returns a provider that sells something of that name of a hoster that is no good.
fn provider(descr: &str, service: &Service) -> Plugin {
    let hoster = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&hoster, "fake-plain");
    let mut config = config(&hoster, "fake-plain");
    config["base_url"] = json!(service.url());
    config["configurations"][0]["descr"] = json!(descr);
    plugin.write_private("demo.conf", &config.to_string());
    plugin
}

/// Returns the one element of a list in an answer.
#[track_caller]
fn only(answer: &Value, list: &str) -> Value {
    let all = answer[list].as_array().expect("a list");
    assert_eq!(all.len(), 1, "{answer}");
    all[0].clone()
}

#[test]
fn what_is_sold_has_its_name_in_any_language() {
    for text in TEXTS {
        let plugin = Plugin::with_servers(1);
        plugin.write_config(&json!({ "configurations": [{ "id": "1", "descr": text }] }));
        let answer = plugin.run(&["configs"]);
        assert_eq!(answer.succeeds()["configurations"][0]["descr"], text);
        assert!(answer.stdout.contains(text), "it is escaped: {}", answer.stdout);
        let (id, _) = plugin.sold();
        assert_eq!(plugin.stored(&id)["configuration"]["descr"], text);
        let file = std::fs::read_to_string(plugin.state(&format!("done/{id}.json"))).unwrap();
        assert!(file.contains(text), "a person cannot read it: {file}");
    }
}

#[test]
fn what_a_hoster_says_reaches_everybody_as_it_is() {
    for text in TEXTS {
        let service = refusing(text);
        let plugin = provider(text, &service);
        let receiver = Receiver::start();
        plugin.hook("hook", "generic", &receiver, &[]);
        let id = plugin.order();
        let reason = plugin.failed(&id);
        assert!(reason.contains(text), "{reason}");
        let status = plugin.run(&["order_status", &id]);
        assert_eq!(status.succeeds()["error_message"], *reason);
        assert!(status.stdout.contains(text), "it is escaped: {}", status.stdout);

        let listed = only(&plugin.run(&["orders", "list", "--json"]).json(), "orders");
        assert_eq!(listed["reason"], *reason);
        assert_table(plugin.run(&["orders", "list"]).prints(), text);
        let shown = plugin.run(&["orders", "show", &id]);
        assert!(shown.prints().contains(text), "{}", shown.prints());
        let shown = plugin.run(&["orders", "show", &id, "--json"]);
        assert_eq!(shown.json()["reason"], *reason);
        let waited = plugin.run(&["orders", "wait", &id]);
        assert_eq!(waited.status, Some(1), "{waited:?}");

        let event = receiver.only().json();
        assert_eq!(event["data"]["errorLog"], *reason);
        assert_eq!(event["data"]["configuration"]["name"], text);
        let delivery = plugin.are("hook", 1, "delivered").remove(0);
        let shown = plugin.run(&["deliveries", "show", delivery["id"].as_str().unwrap(), "--json"]);
        assert!(shown.prints().contains(text), "{}", shown.prints());
        plugin.settled();
    }
}

#[test]
fn what_a_receiver_answers_is_kept_as_it_is() {
    for text in TEXTS {
        let plugin = Plugin::with_servers(1);
        let body = json!({ "message": text });
        let receiver = Receiver::answering(move |_| Reply::Answer(Response::json(500, &body)));
        plugin.hook("hook", "generic", &receiver, &["--schedule", "0", "--description", text]);
        plugin.sold();
        let delivery = plugin.are("hook", 1, "dead").remove(0);
        let response = delivery["attempts"][0]["response"].as_str().unwrap();
        assert!(response.contains(text), "{response}");
        let listed = plugin.run(&["deliveries", "show", delivery["id"].as_str().unwrap()]);
        assert!(listed.prints().contains(text), "{}", listed.prints());
        let webhooks = plugin.run(&["webhooks", "list", "--json"]).json();
        assert_eq!(only(&webhooks, "webhooks")["description"], text);
        assert_table(plugin.run(&["webhooks", "list"]).prints(), "");
        plugin.settled();
    }
}

#[test]
fn what_the_panel_wrote_is_shown_as_it_is() {
    for text in TEXTS {
        let plugin = Plugin::with_servers(1);
        let (id, _) = plugin.sold();
        plugin.write_task(&id, &format!("error: {text}"));
        let listed = only(&plugin.run(&["orders", "list", "--json"]).json(), "orders");
        assert_eq!(listed["panel"], format!("error: {text}"));
        assert_table(plugin.run(&["orders", "list"]).prints(), text);
    }
}
