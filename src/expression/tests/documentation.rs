//! The tables of filters and tests in `docs/definitions.md` are those of the program.

use crate::expression::filters::FILTERS;
use crate::expression::predicates::TESTS;

const PAGE: &str = include_str!("../../../docs/definitions.md");

/// Returns the rows of the table below `heading`, as lines.
fn rows(heading: &str) -> Vec<&'static str> {
    PAGE.lines()
        .skip_while(|line| *line != heading)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect()
}

fn row(name: &str, description: &str) -> String {
    format!("| `{name}` | {description} |")
}

#[test]
fn the_documented_filters_are_the_programs_own() {
    let known: Vec<String> =
        FILTERS.iter().map(|filter| row(filter.name, filter.description)).collect();
    assert_eq!(rows("| filter | what it makes |"), known, "\n{}\n", known.join("\n"));
}

#[test]
fn the_documented_tests_are_the_programs_own() {
    let known: Vec<String> = TESTS.iter().map(|test| row(test.name, test.description)).collect();
    assert_eq!(rows("| test | when it is true |"), known, "\n{}\n", known.join("\n"));
}
