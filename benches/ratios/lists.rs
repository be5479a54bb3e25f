//! One list of a hoster's, beside the programs that people use for that.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::provider::Provider;
use crate::server::Server;
use crate::setting::Setting;
use crate::table::{Table, note};
use crate::time::{in_turn, time};

/// Compares `catalog` with curl, and with the vendor's own program, at the same hoster.
pub(crate) fn run(setting: &mut Setting) {
    let definition = definition();
    let list = definition["recordings"].as_array().expect("recordings");
    let recorded = list.iter().find(|one| one["of"] == "catalog.server_type").expect("a list");
    let mut page = recorded["replies"][1]["json"].clone();
    page["meta"]["pagination"]["page"] = 1.into();
    let text = page.to_string();
    let hoster = Server::start(std::time::Duration::ZERO, move |_, _| text.clone());
    let provider = setting.provider("lists", 0);
    connect(&provider, &definition, &hoster);
    let mut table = Table::new("median of 60, one list call", "the other");
    for (name, mut other) in others(&hoster) {
        let requests = hoster.count();
        let [ours, other] =
            in_turn(60, [&mut || provider.call(&["catalog"]), &mut || time(&mut other)]);
        let each = (hoster.count() - requests) as f64 / 140.0;
        assert!(each.to_bits() == 1_f64.to_bits(), "{name}: {each} requests a call");
        table.times(&format!("catalog, {name}"), ours, other);
    }
    setting.keep("lists", table);
}

/// Returns the definition of Hetzner Cloud, with one list in its catalogue.
fn definition() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/hetzner.json");
    let mut definition: Value =
        serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("JSON");
    let lists = definition["catalog"]["parameters"].as_object_mut().expect("lists");
    lists.retain(|name, _| name == "server_type");
    let is_of_others =
        |one: &Value| ["catalog.image", "catalog.location"].iter().any(|of| one["of"] == *of);
    definition["recordings"].as_array_mut().expect("some").retain(|one| !is_of_others(one));
    definition["pace"] = json!({ "interval_seconds": 0 });
    definition
}

fn connect(provider: &Provider, definition: &Value, hoster: &Server) {
    provider.etc("cloud.json", definition);
    provider.etc(
        "bench.conf",
        &json!({
            "definition": "./cloud.json",
            "base_url": format!("{}/v1", hoster.url()),
            "credentials": { "token": "x".repeat(64) },
            "configurations": [{ "id": "1", "descr": "one",
                "parameters": definition["example"]["parameters"] }],
        }),
    );
}

/// Returns what else asks a hoster for a list, as far as it is there.
fn others(hoster: &Server) -> Vec<(&'static str, Command)> {
    let url = format!("{}/v1/server_types?page=1&per_page=50", hoster.url());
    let mut curl = Command::new("/usr/bin/curl");
    curl.args(["-sS", "--fail", "-H", "Authorization: Bearer x", &url]);
    let mut hcloud = Command::new("/usr/bin/hcloud");
    hcloud.args(["server-type", "list"]).env("HCLOUD_TOKEN", "x".repeat(64));
    hcloud.env("HCLOUD_ENDPOINT", format!("{}/v1", hoster.url()));
    let mut there = Vec::new();
    for (name, mut command) in [("curl", curl), ("hcloud", hcloud)] {
        let path = command.get_program().to_owned();
        if Path::new(&path).exists() {
            command.env_remove("HTTP_PROXY").env("HOME", "/nonexistent");
            there.push((name, command));
        } else {
            note(&format!("(no {}: it is left out)", path.display()));
        }
    }
    there
}
