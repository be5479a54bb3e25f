//! The page of the hosters that are built in: what their definitions say, and an example each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::page::{assert_generated, at_root, line, plainly};

/// Returns the definitions of hosters that are part of the program, by name.
fn hosters() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(at_root("providers")).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path)))
        .filter(|(_, definition)| definition["kind"] == "http")
        .collect()
}

/// Returns a configuration file that sells the example of a definition.
fn example(name: &str, definition: &Value) -> Value {
    let declared = definition["credentials"].as_object().unwrap();
    let mut needed: Vec<&String> =
        declared.iter().filter(|(_, of)| of["optional"] != true).map(|(name, _)| name).collect();
    if needed.is_empty() {
        // One of several ways will do: the one that needs the fewest files.
        let fewest = |name: &str| name == "token" || name.starts_with("application_credential_");
        needed.extend(declared.keys().filter(|name| fewest(name)));
    }
    let credentials: serde_json::Map<String, Value> = needed
        .into_iter()
        .map(|one| (one.clone(), json!({ "file": format!("{name}.{one}") })))
        .collect();
    let example = &definition["example"];
    let mut config = json!({
        "definition": name,
        "credentials": credentials,
        "configurations": [
            { "id": "1", "descr": example["descr"], "parameters": example["parameters"] }
        ],
        "limits": { "open_orders": 5, "orders_per_day": 20 },
    });
    if definition["base_url"].is_null() {
        // The paths of a definition begin where the vendor's own description has them begin.
        config["base_url"] = json!(match name {
            "openstack" => "https://cloud.example:5000/v3",
            "cloudstack" => "https://cloud.example/client/api",
            "proxmox" => "https://pve1.example:8006/api2/json",
            "solusvm2" => "https://panel.example/api/v1",
            _ => "https://panel.example",
        });
    }
    if definition["password"] == "none" {
        // There is no other way in.
        config["access"] = json!("key");
    }
    config
}

/// Returns what a definition tells of its hoster.
fn facts(name: &str, definition: &Value) -> String {
    let mut text = format!("API: <{}>\n\n", definition["docs"].as_str().unwrap());
    for (credential, of) in definition["credentials"].as_object().into_iter().flatten() {
        let optional = if of["optional"] == true { " (optional)" } else { "" };
        let _ = writeln!(text, "* `{credential}`{optional}: {}", line(&of["description"]));
    }
    let idempotency = &definition["idempotency"];
    let (kind, limits) = (idempotency["kind"].as_str().unwrap(), line(&idempotency["limits"]));
    let way = definition["password"].as_str().unwrap();
    let _ = writeln!(text, "\n**Against a second server:** `{kind}`. {limits}\n");
    let _ = writeln!(text, "**Root password:** `{way}`.\n");
    let _ = writeln!(text, "| parameter | is | otherwise | meaning |\n|---|---|---|---|");
    for (parameter, of) in definition["parameters"].as_object().into_iter().flatten() {
        let otherwise = match (&of["default"], of["required"] == true) {
            (Value::Null, true) => "required".to_owned(),
            (Value::Null, false) => String::new(),
            (default, _) => format!("`{default}`"),
        };
        let kind = plainly(of["type"].as_str().unwrap_or("string"));
        let meaning = line(&of["description"]);
        let _ = writeln!(text, "| `{parameter}` | {kind} | {otherwise} | {meaning} |");
    }
    let config = serde_json::to_string_pretty(&example(name, definition)).unwrap();
    let _ = writeln!(text, "\n<!-- schema: configuration -->\n```json\n{config}\n```\n");
    text += "What was confirmed, and what was not:\n\n";
    for sentence in definition["confirmed"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "* {}", line(sentence).replace("\\|", "|"));
    }
    text
}

#[test]
fn every_hoster_has_its_section_and_it_tells_what_the_definition_does() {
    let hosters = hosters();
    assert!(!hosters.is_empty());
    let page = std::fs::read_to_string(at_root("docs/hosters.md")).unwrap();
    let sections = page.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(sections, hosters.len(), "docs/hosters.md: a section of no hoster, or none of one");
    for (name, definition) in hosters {
        let heading = format!("\n## {} (`{name}`)\n", definition["title"].as_str().unwrap());
        assert!(page.contains(&heading), "docs/hosters.md: no section {heading}");
        let row = format!("| `{name}` |");
        assert!(page.contains(&row), "docs/hosters.md: the table at its top has no {row}");
        assert_generated("docs/hosters.md", &name, &facts(&name, &definition));
    }
}
