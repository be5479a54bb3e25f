//! The documentation: what a link leads to is there.

use std::path::{Path, PathBuf};

use crate::support::page::at_root;

/// The pages at the root.
const AT_ROOT: [&str; 5] =
    ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "README.ru.md", "SECURITY.md"];

/// Returns the pages at the root and below `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut pages = AT_ROOT.map(at_root).to_vec();
    let mut folders = vec![at_root("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

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
    for path in pages() {
        let text = std::fs::read_to_string(&path).unwrap();
        faults.extend(targets(&text).into_iter().filter_map(|target| fault(&path, target)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_page_is_named_in_the_table_of_contents() {
    let contents = std::fs::read_to_string(at_root("docs/README.md")).unwrap();
    let named: Vec<&str> = targets(&contents);
    for page in pages() {
        let Ok(name) = page.strip_prefix(at_root("docs")) else { continue };
        let is_named = named
            .iter()
            .any(|target| Path::new(target.split('#').next().unwrap_or_default()) == name);
        assert!(is_named || name == Path::new("README.md"), "{}", name.display());
    }
}
