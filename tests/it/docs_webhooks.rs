//! The pages on webhooks: their commands work, their tables are the program's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::guide::{commands, run, templates, write_files};
use crate::support::hand::read;
use crate::support::page::{assert_generated, at_root};
use crate::support::plugin::Plugin;
use crate::support::{is_root, skip};

/// The pages whose commands are run, each from its beginning in a provider of its own.
const PAGES: [&str; 4] =
    ["README.md", "docs/webhooks.md", "docs/webhook-kinds.md", "docs/receivers.md"];

/// The commands of which the reference tells.
const COMMANDS: [&str; 15] = [
    "webhooks create",
    "webhooks list",
    "webhooks show",
    "webhooks update",
    "webhooks delete",
    "webhooks rotate",
    "webhooks filter add",
    "webhooks filter list",
    "webhooks filter delete",
    "deliveries list",
    "deliveries show",
    "deliveries redeliver",
    "deliveries replay",
    "deliveries delete",
    "deliveries test",
];

/// How many flags of `webhooks create` another command must have for them not to be told again.
const MANY: usize = 10;

#[test]
fn every_command_of_the_pages_does_what_it_says_there() {
    for name in PAGES {
        let page = std::fs::read_to_string(at_root(name)).unwrap();
        let plugin = Plugin::with_servers(1);
        write_files(&plugin, &page);
        let commands = commands(&page);
        assert!(!commands.is_empty(), "{name}");
        for command in commands {
            if command.contains(" --scope ") && !is_root() {
                skip(&format!("{command}: needs root"));
                continue;
            }
            run(&plugin, &command).prints();
        }
        plugin.run(&["webhooks", "list", "--json"]).prints();
    }
}

#[test]
fn every_template_of_the_page_makes_a_body_that_says_what_happened() {
    let page = std::fs::read_to_string(at_root("docs/webhook-kinds.md")).unwrap();
    let plugin = Plugin::with_servers(1);
    write_files(&plugin, &page);
    let templates = templates(&page);
    for chat in ["telegram", "bitrix24", "slack", "mattermost"] {
        assert!(templates.iter().any(|(name, _)| name.starts_with(chat)), "no body for {chat}");
    }
    for command in commands(&page) {
        run(&plugin, &command).prints();
    }
    for (name, body) in templates {
        let _: Value = serde_json::from_str(body).unwrap_or_else(|why| panic!("{name}: {why}"));
        for event in ["order.finished", "order.failed", "order.cancelled", "order.released"] {
            let words = ["deliveries", "test", name, "--event", event, "--dry-run"];
            let shown = plugin.run(&words).prints().to_owned();
            assert!(!shown.contains("{{"), "{name}: {shown}");
        }
    }
}

#[test]
fn the_tables_of_kinds_and_of_events_are_those_of_the_program() {
    let words = |of: &Value| -> BTreeSet<String> {
        let all = of["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
        all.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let kinds = words(&read(&at_root("schemas/webhooks.json"))["$defs"]["Kind"]);
    assert_eq!(rows("docs/webhook-kinds.md", "The kinds"), kinds);
    let types = words(&read(&at_root("schemas/event.json"))["$defs"]["EventType"]);
    assert_eq!(rows("docs/webhooks.md", "Events"), types);
    let page = std::fs::read_to_string(at_root("docs/webhook-kinds.md")).unwrap();
    for kind in kinds {
        assert!(page.contains(&format!("\n## {kind}\n")), "no section {kind}");
    }
}

/// Returns what stands in backquotes at the beginning of the rows of a section's first table.
fn rows(name: &str, heading: &str) -> BTreeSet<String> {
    let page = std::fs::read_to_string(at_root(name)).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = table.take_while(|line| line.starts_with('|'));
    let first = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
    first.map(ToOwned::to_owned).collect()
}

/// A word or a flag that a command takes, and what it is.
type Flag = (String, String);

/// What a command's help says.
struct Help {
    /// What it does.
    about: String,
    flags: Vec<Flag>,
    /// What it says at its end.
    more: String,
}

/// Takes a command's help apart.
fn help(plugin: &Plugin, command: &str) -> Help {
    let words: Vec<&str> = command.split(' ').chain(["-h"]).collect();
    let text = plugin.run(&words).prints().to_owned();
    let (mut flags, mut more): (Vec<Flag>, _) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        if line.starts_with(' ') {
            let told = line.trim();
            if told.starts_with(['-', '<', '[']) && !line.starts_with("            ") {
                let (flag, meaning) = told.split_once("  ").unwrap_or((told, ""));
                flags.push((flag.to_owned(), meaning.trim().to_owned()));
            } else if let Some((_, meaning)) = flags.last_mut() {
                let whole = format!("{meaning} {told}");
                whole.trim().clone_into(meaning);
            }
        } else if !line.starts_with("Usage:") && !line.ends_with("s:") {
            more.push(line.to_owned());
        }
    }
    flags.retain(|(flag, _)| !flag.contains("--help"));
    let about = text.lines().next().unwrap_or_default().to_owned();
    Help { about, flags, more: more.join(" ") }
}

/// Explains a command; what it has in common with `create` is told there.
fn explained(command: &str, help: &Help, create: &[Flag]) -> String {
    let Help { about, flags, more } = help;
    let common: Vec<&Flag> = flags.iter().filter(|flag| create.contains(flag)).collect();
    let shared = command != COMMANDS[0] && common.len() >= MANY;
    let mut text = format!("### {command}\n\n{about}.\n\n| flag | meaning |\n|---|---|\n");
    for flag in flags.iter().filter(|flag| !shared || !common.contains(flag)) {
        let (name, meaning) = (flag.0.replace('|', "\\|"), flag.1.replace('|', "\\|"));
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    if shared {
        let missing: Vec<String> = create
            .iter()
            .filter(|flag| !flags.contains(flag))
            .map(|(flag, _)| format!("`{}`", flag.split(' ').next().unwrap_or(flag)))
            .collect();
        let _ = writeln!(text, "\nAnd all of `webhooks create` but {}.", missing.join(", "));
    }
    if !more.is_empty() {
        let _ = writeln!(text, "\n{more}");
    }
    text
}

#[test]
fn the_reference_of_commands_is_what_their_help_says() {
    let plugin = Plugin::installed();
    let create = help(&plugin, COMMANDS[0]).flags;
    let mut text = String::new();
    for command in COMMANDS {
        let _ = writeln!(text, "{}", explained(command, &help(&plugin, command), &create));
    }
    assert_generated("docs/webhook-reference.md", "commands", &text);
}
