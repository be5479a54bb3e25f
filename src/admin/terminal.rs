//! The terminal that somebody looks at: alone names rustix.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use super::table;

/// The narrowest and the widest that anything is laid out for, in columns.
const COLUMNS: std::ops::RangeInclusive<usize> = 50..=160;

/// How large a terminal is, in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Returns the size of the terminal that a descriptor leads to; that of the oldest one where it says
/// nothing of itself.
pub(super) fn size(of: impl AsFd) -> Size {
    let or = |told: u16, otherwise| if told == 0 { otherwise } else { usize::from(told) };
    match tcgetwinsize(of) {
        Ok(told) => Size { columns: or(told.ws_col, 80), rows: or(told.ws_row, 24) },
        Err(_) => Size { columns: 80, rows: 24 },
    }
}

/// Returns how wide what goes to standard output may be; none where that is no terminal, and lines
/// are for other programs.
pub(super) fn columns() -> Option<u16> {
    let columns = || size(io::stdout()).columns.clamp(*COLUMNS.start(), *COLUMNS.end());
    io::stdout().is_terminal().then(|| u16::try_from(columns()).unwrap_or(table::WIDTH))
}
