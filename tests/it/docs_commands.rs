//! The pages that people follow: the commands that they name are ones that the program knows, and
//! those of the panel too.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::docs_pages::{PAGES, page};
use crate::support::blocks::{Block, blocks};
use crate::support::page::at_root;
use crate::support::plugin::BINARY;

/// The actions of the panel's command, and its options: `bx-provider --help` of bitrix-env.
const ACTIONS: [&str; 10] = [
    "configs",
    "install",
    "list",
    "order",
    "order_status",
    "order_to_host",
    "orders_list",
    "pool",
    "status",
    "uninstall",
];
const OPTIONS: [&str; 6] = ["-a", "-o", "--provider", "--config_id", "--task_id", "--archive"];

/// What ends a command within a line of shell.
const ENDS: [&str; 8] = ["|", "||", "&&", ";", ")", ">", "2>/dev/null", "done"];

/// What the program's commands are called and take, asked of itself.
#[derive(Default)]
struct Helps(BTreeMap<String, String>);

impl Helps {
    fn of(&mut self, command: &str) -> &str {
        self.0.entry(command.to_owned()).or_insert_with(|| {
            let output =
                Command::new(BINARY).args(command.split_whitespace()).arg("--help").output();
            let output = output.unwrap();
            assert!(output.status.success(), "`{command}`: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
    }

    fn has(&mut self, command: &str, word: &str) -> bool {
        let begin = format!("  {word} ");
        let commands = self.of(command).lines().skip_while(|line| *line != "Commands:");
        commands.take_while(|line| !line.is_empty()).any(|line| line.starts_with(&begin))
    }

    /// Says what is wrong with a command's words, if anything is.
    fn fault(&mut self, words: &[&str]) -> Option<String> {
        let mut words = words;
        if let ["--home", _, rest @ ..] = words {
            words = rest;
        }
        match words {
            // The page tells of the program, or of one of the panel's words.
            [] | ["order" | "order_status"] => return None,
            ["help" | "configs"] | ["order" | "order_status", _] | ["order", _, "--key", _] => {
                return None;
            }
            _ => {}
        }
        let mut command = String::new();
        let mut rest = words;
        while let [word, more @ ..] = rest {
            if !self.has(&command, word) {
                break;
            }
            command += if command.is_empty() { "" } else { " " };
            command += word;
            rest = more;
        }
        if command.is_empty() && rest != ["--help"] && rest != ["--version"] {
            return Some(format!("{words:?} is no command"));
        }
        let help = self.of(&command).to_owned();
        if help.contains("\nCommands:\n") && !rest.iter().any(|word| word.starts_with('-')) {
            return Some(format!("`{command}` takes a command, and {rest:?} is none"));
        }
        let known: BTreeSet<&str> =
            help.split(|c: char| c.is_whitespace() || ",[]=<".contains(c)).collect();
        let mut flags = rest.iter().filter(|word| word.starts_with("--"));
        let unknown = flags.find(|flag| !known.contains(flag.split('=').next().unwrap_or(flag)));
        unknown.map(|flag| format!("`{command}` does not know {flag}"))
    }
}

/// Returns the calls of a program in a line of shell, each as the words behind its name.
fn calls(line: &str, is_it: impl Fn(&str) -> bool) -> Vec<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let begins = |at: usize| {
        let before = at.checked_sub(1).map_or(";", |before| words[before]);
        ENDS.contains(&before)
            || before.ends_with(';')
            || before == "sudo"
            || words[at].contains("$(")
    };
    let name = |word: &str| is_it(word.rsplit("$(").next().unwrap_or_default());
    let starts = (0..words.len()).filter(|at| begins(*at) && name(words[*at]));
    starts
        .map(|at| {
            let mut call = Vec::new();
            for word in words[at + 1..].iter().take_while(|word| !ENDS.contains(word)) {
                call.push(word.trim_end_matches([';', ')', '"']));
                if word.ends_with([';', ')']) {
                    break;
                }
            }
            call
        })
        .collect()
}

fn is_provider(word: &str) -> bool {
    let mut parts = word.rsplit('/');
    parts.next().is_some_and(|name| !name.is_empty() && name != "bx-provider")
        && parts.next() == Some("bin")
        && (word.starts_with("bin/") || word.contains("/providers/"))
}

#[test]
fn every_command_that_a_page_names_is_one_that_the_program_knows() {
    let mut helps = Helps::default();
    let installer = Command::new("sh").arg(at_root("install.sh")).arg("--help").output().unwrap();
    let installer = String::from_utf8(installer.stdout).unwrap();
    let mut faults = Vec::new();
    for name in PAGES {
        let text = page(name);
        let found = blocks(&text);
        let shell =
            found.iter().filter(|block| block.language == "sh" && block.mark("file").is_none());
        let lines: Vec<String> = shell.flat_map(Block::commands).collect();
        for line in lines.iter().map(String::as_str).chain(spans(&text)) {
            for words in calls(line, is_provider) {
                faults.extend(helps.fault(&words).map(|fault| format!("{name}: {line}: {fault}")));
            }
            for words in calls(line, |word| word.ends_with("bx-provider")) {
                let known = |word: &&&str| !word.starts_with('-') || OPTIONS.contains(*word);
                let action = words.iter().position(|word| *word == "-a").map(|at| words[at + 1]);
                assert!(words.iter().all(|word| known(&word)), "{name}: {line}");
                assert!(action.is_none_or(|word| ACTIONS.contains(&word)), "{name}: {line}");
            }
            for words in calls(line, |word| word.ends_with("install.sh")) {
                for flag in words.iter().filter(|word| word.starts_with("--")) {
                    assert!(installer.contains(&format!("  {flag} ")), "{name}: {line}: {flag}");
                }
            }
        }
        for span in spans(&text) {
            let words: Vec<&str> = span.split_whitespace().collect();
            if words.len() > 1 && helps.has("", words[0]) {
                faults.extend(helps.fault(&words).map(|fault| format!("{name}: {span}: {fault}")));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Returns what stands between backquotes outside of blocks.
fn spans(page: &str) -> Vec<&str> {
    let mut inside = false;
    let lines = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn a_wrong_command_is_found() {
    let mut helps = Helps::default();
    for right in
        ["orders list --json", "order 1 --key a", "orders release 1 --yes", "--help", "schema"]
    {
        let words: Vec<&str> = right.split(' ').collect();
        assert_eq!(helps.fault(&words), None, "{right}");
    }
    for wrong in
        ["orders", "orders bogus", "bogus", "orders list --bogus", "order 1 2", "check --jso"]
    {
        let words: Vec<&str> = wrong.split(' ').collect();
        assert!(helps.fault(&words).is_some(), "{wrong}");
    }
    let line = "cd x && sudo /opt/webdir/providers/cloud/bin/cloud check; id=$(bin/cloud order 1)";
    assert_eq!(calls(line, is_provider), [vec!["check"], vec!["order", "1"]]);
}
