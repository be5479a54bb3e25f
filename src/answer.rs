//! The only writer of standard output.
//!
//! What is written goes out in one call, so that a caller sees a whole answer or none. Nothing
//! here panics: `println!` would, on a full or closed output.

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

/// Writes `text` as it is.
pub(crate) fn text(text: &str) -> io::Result<()> {
    bytes(text.as_bytes())
}

/// Writes a line to standard error, where a failure to do so can be told to nobody.
pub(crate) fn complain(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

fn bytes(bytes: &[u8]) -> io::Result<()> {
    system::write_to_stdout(bytes)
}
