//! What is left when the last worker has ended.

use super::{Book, Rule};

pub(super) const RULES: [Rule; 3] = [private, tidy, quiet];

/// Nobody but the owner can get at anything.
fn private(book: &Book<'_>, found: &mut Vec<String>) {
    for (path, mode) in &book.history.rest.files {
        if mode & 0o077 != 0 {
            found.push(format!("state/{path} is open to others: {mode:o}"));
        }
    }
}

/// Nothing is left of what was being written, and nothing is due.
fn tidy(book: &Book<'_>, found: &mut Vec<String>) {
    for (path, _) in &book.history.rest.files {
        if path.contains("tmp/") || path == "due" || path.starts_with("deliveries/pending/") {
            found.push(format!("state/{path} is left"));
        }
    }
}

/// No lock is held, and nobody runs.
fn quiet(book: &Book<'_>, found: &mut Vec<String>) {
    let rest = &book.history.rest;
    found.extend(rest.locks.iter().map(|lock| format!("somebody holds state/{lock}")));
    found.extend(rest.processes.iter().map(|process| format!("somebody runs: {process}")));
}
