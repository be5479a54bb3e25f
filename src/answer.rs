//! The only writer of standard output.
//!
//! What is written goes out in one call, so that a caller sees a whole answer or none. Nothing
//! here panics: `println!` would, on a full or closed output.

use std::borrow::Cow;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::system;

/// Writes `value` as one line of JSON.
///
/// # Errors
/// The operating system's, when the answer did not get out whole.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    bytes(&line)
}

/// Writes `value` as indented JSON, for people.
pub(crate) fn pretty_json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    text.push(b'\n');
    bytes(&text)
}

/// Writes `text`, but nothing that a terminal obeys: hosters and receivers have a say in it.
pub(crate) fn text(text: &str) -> io::Result<()> {
    bytes(harmless(text).as_bytes())
}

/// Writes a line to standard error, where a failure to do so can be told to nobody.
pub(crate) fn complain(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{}\n", harmless(line)).as_bytes());
}

/// Writes what a person is asked to standard error, and leaves them in its line.
pub(crate) fn prompt(text: &str) {
    let _ = io::stderr().lock().write_all(harmless(text).as_bytes());
}

/// Puts lines on the terminal at standard error, in the place of the last so many rows there.
pub(crate) fn redraw(lines: &[String], rows: usize) {
    // Up to the first row, over each what is new, and away with what was longer.
    let mut text = if rows == 0 { String::new() } else { format!("\r\u{1b}[{rows}A") };
    for line in lines {
        text.push_str(&harmless(line).replace('\n', " "));
        text.push_str("\u{1b}[K\n");
    }
    text.push_str("\u{1b}[J");
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Returns a text whose control characters, but for tabs and line ends, are escaped.
fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |one: char| one.is_control() && !matches!(one, '\n' | '\t');
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    // Whoever wrote on Windows meant no more than the end of a line.
    for one in text.replace("\r\n", "\n").chars() {
        if obeyed(one) { clean.extend(one.escape_default()) } else { clean.push(one) }
    }
    Cow::Owned(clean)
}

fn bytes(bytes: &[u8]) -> io::Result<()> {
    system::write_to_stdout(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(harmless("a\tb\r\nc\n"), "a\tb\nc\n");
        assert_eq!(harmless("\u{1b}]0;x\u{7}\u{9b}1m\r\u{7f}"), r"\u{1b}]0;x\u{7}\u{9b}1m\r\u{7f}");
    }

    proptest! {
        #[test]
        fn no_text_commands_a_terminal(text in "[\\x00-\\u{a0}é]*") {
            prop_assert!(!harmless(&text).chars().any(|one| one.is_control() && !"\n\t".contains(one)));
        }
    }
}
