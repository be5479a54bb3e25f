//! A provider of servers for 1C-Bitrix web environments and whoever else runs a plugin.
//!
//! Two doors: [`protocol`] answers the panel's four words with one JSON object, [`admin`] serves
//! people and scripts. Below them, arrows point down only; `CONTRIBUTING.md` draws them.
//!
//! `home` says where things are, `system` alone talks to the kernel about users and processes,
//! `answer` alone writes to standard output.
#![forbid(unsafe_code)]

mod accept;
mod admin;
mod answer;
mod cli;
mod clock;
mod config;
mod definition;
mod delivery;
mod error;
mod event;
mod expression;
mod format;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod home;
mod hoster;
mod http;
mod json;
mod line;
mod mac;
mod name;
mod order;
mod pace;
mod password;
mod process;
mod protocol;
mod public_key;
mod ready;
mod retention;
mod schema;
mod secret;
mod store;
mod story;
mod system;
mod user_data;
mod webhook;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;

use error::Error;
use home::Home;

/// Runs the command that the process was started with and returns its exit status.
#[must_use]
pub fn run() -> ExitCode {
    // Whatever umask and file size limit a caller left us with: files are ours alone, and a limit
    // is an error to report, not a signal to die of.
    system::private_umask();
    system::hold_file_size_signal();
    let mut arguments = std::env::args_os();
    let called_as = arguments.next().unwrap_or_default();
    let (home, words) = match split_home(arguments.collect()) {
        Ok((dir, words)) => (Home::find(&called_as, dir), words),
        Err(error) => return protocol::refuse(&error),
    };
    if words.first().is_some_and(|word| cli::is_for_people(word)) {
        admin::run(&home, &words)
    } else {
        protocol::run(&home, &words)
    }
}

/// Takes `--home DIR` from before the command.
fn split_home(mut words: Vec<OsString>) -> Result<(Option<OsString>, Vec<OsString>), Error> {
    let Some(first) = words.first().and_then(|word| word.to_str()) else {
        return Ok((None, words));
    };
    if let Some(dir) = first.strip_prefix("--home=") {
        let dir = OsString::from(dir);
        words.remove(0);
        return non_empty(dir, words);
    }
    if first != "--home" {
        return Ok((None, words));
    }
    words.remove(0);
    if words.is_empty() {
        return Err(Error::usage("`--home` needs a directory"));
    }
    let dir = words.remove(0);
    non_empty(dir, words)
}

fn non_empty(
    dir: OsString,
    words: Vec<OsString>,
) -> Result<(Option<OsString>, Vec<OsString>), Error> {
    if dir.is_empty() {
        return Err(Error::usage("`--home` needs a directory"));
    }
    Ok((Some(dir), words))
}
