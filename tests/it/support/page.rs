//! Parts of the documentation that are made from schemas, definitions and the program's own output,
//! between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
//!
//! `UPDATE=1 cargo test --test it docs_` writes what the tests compare.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Returns the path of a file of the repository.
pub(crate) fn at_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares the generated part `name` of a page with what it should be, or writes it.
#[track_caller]
pub(crate) fn assert_generated(page: &str, name: &str, wanted: &str) {
    /// Several parts may be of one page.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = at_root(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) =
        text.split_once(&begin).unwrap_or_else(|| panic!("{page} has no line `{}`", begin.trim()));
    let (found, after) =
        rest.split_once(&end).unwrap_or_else(|| panic!("{page} has no line `{end}`"));
    let wanted = format!("\n{}\n\n", wanted.trim());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    let run = "run `UPDATE=1 cargo test --test it docs_`";
    assert!(found == wanted, "{page}: the part `{name}` is not as it should be: {run}\n{wanted}");
}

/// Returns a description in one line that a table's cell can hold.
pub(crate) fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

/// Returns the word for a type of JSON Schema, or of a parameter.
pub(crate) fn plainly(word: &str) -> &str {
    match word {
        "string" => "text",
        "boolean" => "true or false",
        "integer" => "whole number",
        "array" => "list",
        other => other,
    }
}
