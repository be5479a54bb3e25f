//! The documentation: each test that the table of pitfalls names is one that there is.

use std::path::{Path, PathBuf};

use crate::support::page::at_root;

/// How many pitfalls there are.
const PITFALLS: usize = 31;

/// Returns the text of every source below a folder.
fn sources(folder: &Path, all: &mut String) {
    let entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_pitfall_has_tests_that_there_are_or_a_reason() {
    let page = std::fs::read_to_string(at_root("docs/reliability.md")).unwrap();
    let (_, section) = page.split_once("\n## Pitfalls\n").expect("there is a section");
    let section = section.split("\n##").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), PITFALLS);
    let mut all = String::new();
    sources(&at_root("tests/it"), &mut all);
    sources(&at_root("src"), &mut all);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [subject, what, tests] = cells[..] else { panic!("{row}") };
        assert!(!subject.is_empty() && !what.is_empty() && !tests.is_empty(), "{row}");
        for test in tests.split('`').skip(1).step_by(2) {
            assert!(all.contains(&format!("fn {test}(")), "{subject}: there is no test `{test}`");
        }
    }
}
