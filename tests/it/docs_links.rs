//! The documentation: what a link leads to is there.

use std::path::Path;

use crate::support::page::at_root;

/// The pages for users and developers.
const PAGES: [&str; 16] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "docs/command.md",
    "docs/configuration.md",
    "docs/definitions.md",
    "docs/hosters.md",
    "docs/inventory.md",
    "docs/protocol.md",
    "docs/receivers.md",
    "docs/reliability.md",
    "docs/state.md",
    "docs/webhook-kinds.md",
    "docs/webhook-reference.md",
    "docs/webhooks.md",
];

/// Returns the anchor that a heading gets where Markdown is shown: its letters, digits, `_` and `-`
/// in lower case, spaces as `-`.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Returns what the links of a page lead to: `](TARGET)`.
fn targets(page: &str) -> Vec<&str> {
    let links = page.split("](").skip(1);
    links.filter_map(|rest| rest.split(')').next()).collect()
}

/// Says what is wrong with a link, if anything is.
fn fault(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, wanted) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Some(format!("{}: {target}: there is no such file", page.display()));
    };
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    let found = wanted.is_empty() || headings.any(|heading| anchor(heading) == wanted);
    (!found).then(|| format!("{}: {target}: there is no such heading", page.display()))
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    let mut faults = Vec::new();
    for page in PAGES {
        let path = at_root(page);
        let text = std::fs::read_to_string(&path).unwrap();
        faults.extend(targets(&text).into_iter().filter_map(|target| fault(&path, target)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
