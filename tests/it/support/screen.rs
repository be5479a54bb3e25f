//! A terminal: what a program that draws on it leaves to be seen.

use std::process::Command;

use super::plugin::Plugin;

/// What a call on a terminal came to.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// Its exit status.
    pub(crate) status: Option<i32>,
    /// The rows of the terminal at the end, the last empty ones left out.
    pub(crate) rows: Vec<String>,
    /// All that it wrote.
    pub(crate) written: String,
}

/// Returns a command that calls the provider on a terminal that wide.
pub(crate) fn on_terminal(plugin: &Plugin, columns: usize, words: &[&str]) -> Command {
    let mut command = Command::new("script");
    let program = plugin.executable();
    let call = format!(
        "stty cols {columns} rows 24 -echo; exec {} {}",
        program.display(),
        words.join(" ")
    );
    // Its input is a terminal's as well where there is none to copy.
    command.args(["-qefc", &call, "/dev/null"]).env_clear().env("TERM", "xterm");
    command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").stdin(std::process::Stdio::null());
    command
}

/// Calls the provider on a terminal that wide and waits for it.
#[track_caller]
pub(crate) fn draw(plugin: &Plugin, columns: usize, words: &[&str]) -> Drawn {
    let output = on_terminal(plugin, columns, words).output().expect("script runs");
    let written = String::from_utf8(output.stdout).expect("UTF-8");
    Drawn { status: output.status.code(), rows: rows(&written, columns), written }
}

/// Does what a terminal does with the few commands that we have.
pub(crate) fn rows(written: &str, columns: usize) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0);
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let command = command(&mut characters);
                let (count, what) = command.split_at(command.len() - 1);
                match what {
                    "A" => row = row.saturating_sub(count.parse().unwrap_or(1)),
                    "K" => rows[row].truncate(column),
                    "J" => {
                        rows[row].truncate(column);
                        rows.truncate(row + 1);
                    }
                    other => panic!("an unknown command: {other}"),
                }
            }
            other => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                rows.resize(rows.len().max(row + 1), Vec::new());
                let line = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = other;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), Vec::new());
    }
    let mut rows: Vec<String> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
    while rows.last().is_some_and(|row: &String| row.trim().is_empty()) {
        rows.pop();
    }
    rows
}

/// Takes a command behind its first character: up to its letter.
fn command(characters: &mut impl Iterator<Item = char>) -> String {
    let mut command = String::new();
    for one in characters.filter(|one| *one != '[') {
        command.push(one);
        if one.is_ascii_alphabetic() {
            break;
        }
    }
    command
}
