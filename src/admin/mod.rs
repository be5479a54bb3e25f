//! The door for people and scripts: tables or JSON on standard output, errors on standard error.

mod catalog;
mod check;
mod orders;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Cli, Command, Work};
use crate::error::{Code, Error};
use crate::home::Home;
use crate::store::Store;
use crate::{answer, schema, system, worker};

#[cfg(test)]
pub(crate) use {
    catalog::Offer as CatalogOffer,
    check::Report as CheckReport,
    orders::preview::Requests as PreviewedRequests,
    orders::view::{List as OrdersList, Story as OrderStory},
};

/// Runs one command.
pub(crate) fn run(home: &Home, words: &[OsString]) -> ExitCode {
    let name = OsString::from(&home.name);
    let cli = match Cli::try_parse_from(std::iter::once(&name).chain(words)) {
        Ok(cli) => cli,
        Err(error) => return told_by_clap(&error),
    };
    match execute(home, cli.command) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            answer::complain(&format!("{}: {}: {error}", home.name, error.code().word()));
            ExitCode::from(error.code().exit())
        }
    }
}

/// Help and version go where a pipe can read them; a malformed call is an error.
fn told_by_clap(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match answer::text(&error.to_string()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(Code::Internal.exit()),
            }
        }
        _ => {
            answer::complain(error.to_string().trim_end());
            ExitCode::from(Code::Usage.exit())
        }
    }
}

/// Returns the exit status.
fn execute(home: &Home, command: Command) -> Result<u8, Error> {
    if let Command::Schema { name } = command {
        return printed(answer::text(&schema::text(name.as_deref())?));
    }
    if let Command::Work(Work { detached: true, .. }) = command {
        system::detach().map_err(|error| Error::Internal { problem: error.to_string() })?;
    }
    if let Command::Check(options) = command {
        return check::run(home, &options);
    }
    let caller = system::caller();
    become_owner(home)?;
    let store = Store::of(home);
    match command {
        Command::Orders(command) => orders::run(home, &store, command, caller),
        Command::Catalog(options) => catalog::run(home, &options),
        Command::Work(options) => {
            home.require_holder()?;
            match options {
                Work { detached: true, .. } => worker::run_in_background(home, &store),
                Work { once: true, .. } => worker::run_once(home, &store),
                Work { .. } => worker::run_in_foreground(home, &store),
            }
            .map(|()| 0)
        }
        Command::Check(_) | Command::Schema { .. } => Ok(0),
    }
}

/// Acts as the owner of the holder from here on.
fn become_owner(home: &Home) -> Result<(), Error> {
    home.holder.as_deref().map_or(Ok(()), system::become_owner_of)
}

/// Turns a failed print into an error of the call.
fn printed(written: std::io::Result<()>) -> Result<u8, Error> {
    written.map(|()| 0).map_err(|error| Error::Unanswerable {
        problem: format!("cannot write the answer: {error}"),
    })
}
