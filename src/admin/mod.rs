//! The door for people and scripts: tables or JSON on standard output, errors on standard error.

mod catalog;
mod check;
mod config;
mod deliveries;
mod human;
mod metrics;
mod orders;
mod table;
mod terminal;
mod webhooks;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{self, Cli, Command, Work};
use crate::error::{Code, Error};
use crate::home::Home;
use crate::store::Store;
use crate::{answer, schema, system, worker};

#[cfg(test)]
pub(crate) use {
    catalog::Offer as CatalogOffer,
    check::Report as CheckReport,
    deliveries::view::{List as DeliveriesList, Story as DeliveryStory},
    orders::preview::Requests as PreviewedRequests,
    orders::view::{List as OrdersList, Story as OrderStory},
    webhooks::view::{List as WebhooksList, One as OneWebhook},
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
    // `check` has a finding of its own for it, and two need no provider.
    let goes_without =
        matches!(command, Command::Check(_) | Command::Schema { .. } | Command::Completions { .. });
    if !goes_without {
        is_there(home)?;
    }
    match command {
        Command::Schema { name } => printed(answer::text(&schema::text(name.as_deref())?)),
        Command::Completions { shell } => {
            printed(answer::text(&cli::completions(shell, &home.name)))
        }
        Command::Check(options) => check::run(home, &options),
        Command::Metrics(options) => metrics::run(home, &options),
        Command::Webhooks(command) => webhooks::run(home, command),
        Command::Config(command) => config::run(home, &command),
        Command::Deliveries(command) => deliveries::run(home, command),
        Command::Orders(command) => {
            let (caller, tasks) = (system::caller(), home.open_tasks());
            become_owner(home)?;
            orders::run(home, &Store::of(home).with_tasks(tasks), command, caller)
        }
        Command::Catalog(options) => {
            become_owner(home)?;
            catalog::run(home, &options)
        }
        Command::Work(options) => work(home, &options),
    }
}

fn work(home: &Home, options: &Work) -> Result<u8, Error> {
    if options.detached {
        system::detach().map_err(|error| Error::Internal { problem: error.to_string() })?;
    }
    become_owner(home)?;
    home.require_holder()?;
    let store = Store::of(home);
    match options {
        Work { detached: true, .. } => worker::run_in_background(home, &store),
        Work { once: true, .. } => worker::run_once(home, &store),
        Work { .. } => worker::run_in_foreground(home, &store),
    }
    .map(|()| 0)
}

/// Refuses a holder that does not exist, rather than telling that it has no orders.
fn is_there(home: &Home) -> Result<(), Error> {
    match home.holder.as_deref().map(|holder| (holder, holder.try_exists())) {
        Some((holder, Ok(false))) => Err(Error::usage(format!(
            "there is no folder {}: `--home` names a provider's, as /opt/webdir/providers/{}",
            holder.display(),
            home.name
        ))),
        _ => Ok(()),
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

/// Asks on a terminal; elsewhere only `--yes` will do.
fn confirm(yes: bool, question: &str) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Error::usage(format!("{question} Say so with `--yes`")));
    }
    answer::complain(&format!("{question} [y/N]"));
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Error::usage("not confirmed: nothing was done")),
    }
}
