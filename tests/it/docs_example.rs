//! The worked example of the page on definitions: its pieces make its
//! file, and the program previews an order of it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::answer::errors;
use crate::support::hand::read;
use crate::support::hoster::provider::definition;
use crate::support::page::{assert_generated, at_root};
use crate::support::plugin::Plugin;

/// Returns the pieces of the worked example, one after the other.
fn pieces(page: &str) -> Vec<Value> {
    let (_, rest) = page.split_once("\n## A worked example\n").unwrap();
    let (example, _) = rest.split_once("\n### 9. Try it\n").unwrap();
    let blocks = example.split("```json\n").skip(1);
    blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect()
}

#[test]
fn the_pieces_of_the_worked_example_make_its_file() {
    let page = std::fs::read_to_string(at_root("docs/definitions.md")).unwrap();
    let mut whole = json!({});
    for piece in pieces(&page) {
        for (key, value) in piece.as_object().unwrap() {
            assert!(whole.get(key).is_none(), "`{key}` is explained twice");
            whole[key] = value.clone();
        }
    }
    let file = read(&at_root("docs/nimbus.json"));
    assert_eq!(whole, file);
    assert_eq!(errors("definition", &file), Vec::<String>::new());
}

#[test]
fn every_auth_that_is_explained_is_one_that_is_tested() {
    let page = std::fs::read_to_string(at_root("docs/definitions.md")).unwrap();
    let mut explained = Vec::new();
    for piece in page.split("<!-- piece: ").skip(1) {
        let (name, rest) = piece.split_once(" -->").unwrap();
        let block = rest.split("```json\n").nth(1).and_then(|block| block.split("```").next());
        let shown: Value = serde_json::from_str(block.unwrap()).unwrap();
        assert_eq!(shown, json!({ "auth": definition(name)["auth"] }), "{name}");
        explained.push(name);
    }
    assert_eq!(explained, ["fake-chain", "fake-jwt", "fake-cloudstack", "fake-sigv4"]);
}

#[test]
fn the_preview_of_the_worked_example_is_what_the_program_prints() {
    let page = std::fs::read_to_string(at_root("docs/definitions.md")).unwrap();
    let (_, rest) = page.split_once("\n### 9. Try it\n").unwrap();
    let (_, config) = rest.split_once("```json\n").unwrap();
    let config = config.split("```").next().unwrap();
    let plugin = Plugin::installed();
    let definition = std::fs::read_to_string(at_root("docs/nimbus.json")).unwrap();
    plugin.write_private("nimbus.json", &definition);
    plugin.write_private("nimbus.token", "canaryToken");
    plugin.write_private("demo.conf", config);
    let told = plugin.run(&["orders", "preview", "1"]).prints().to_owned();
    assert!(!told.contains("canaryToken"));
    let mut text = String::new();
    for line in told.trim().lines() {
        match line.char_indices().nth(88) {
            Some((end, _)) => writeln!(text, "{}…", &line[..end]),
            None => writeln!(text, "{line}"),
        }
        .unwrap();
    }
    assert_generated("docs/definitions.md", "preview", &format!("```text\n{text}```"));
}
