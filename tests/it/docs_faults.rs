//! The tables of faults in `docs/reliability.md` have a row for each scenario.

use crate::support::{errno, outage};

/// Returns the names of the rows of the table under that heading, but for its sum.
fn rows(heading: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, part) = text.split_once(&format!("## {heading}\n")).expect("the heading is there");
    let part = part.split("\n##").next().unwrap();
    let lines = part.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    lines.filter(|name| !["scenario", "target", "all"].contains(name)).map(str::to_owned).collect()
}

#[test]
fn the_documentation_has_a_row_for_each_scenario_of_failing_system_calls() {
    assert_eq!(rows("System calls that fail"), errno::SCENARIOS);
}

#[test]
fn the_documentation_has_a_row_for_each_scenario_of_failing_power() {
    assert_eq!(rows("Power that fails"), outage::SCENARIOS);
}

#[test]
fn the_documentation_has_a_row_for_each_other_command_that_is_killed() {
    let names = crate::kill_install::SCENARIOS.into_iter().chain(crate::kill_again::SCENARIOS);
    assert_eq!(rows("Other commands that are killed"), names.collect::<Vec<_>>());
}

#[test]
fn the_documentation_has_a_row_for_each_fuzz_target() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/Cargo.toml");
    let text = std::fs::read_to_string(manifest).unwrap();
    let (_, targets) = text.split_once("[[bin]]").unwrap();
    let names = targets.lines().filter_map(|line| line.strip_prefix("name = "));
    let names: Vec<&str> = names.map(|name| name.trim_matches('"')).collect();
    assert_eq!(rows("Texts of others"), names);
}
