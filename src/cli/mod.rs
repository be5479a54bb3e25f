//! The commands for people and scripts, as clap sees them.

mod completions;
mod config;
mod deliveries;
#[cfg(test)]
mod man;
mod orders;
mod settings;
mod time;
mod webhooks;

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueHint};

pub(crate) use completions::{Shell, completions};
pub(crate) use config::{Configure, Init, SetValue};
pub(crate) use deliveries::{
    DeleteDeliveries, Deliveries, ListDeliveries, Redeliver, Replay, ShowDelivery, TestWebhook,
};
pub(crate) use orders::{
    Cancel, ListOrders, Orders, Outcome, Preview, Prune, Release, Report, Retry, Show, Wait, Which,
};
pub(crate) use settings::{KindFlags, RequestFlags, SelectionFlags, Settings};
#[cfg(any(test, fuzzing))]
pub(crate) use time::time;
pub(crate) use webhooks::{
    AddFilter, CreateWebhook, DeleteFilter, DeleteWebhook, Filters, NamedWebhook, RotateWebhook,
    ScopeFlag, UpdateWebhook, Webhooks,
};

/// The flag of a worker that leaves its starter's session; for ourselves only.
pub(crate) const DETACHED: &str = "--detached";

/// The first words that belong to this door; every other one is the protocol's.
const WORDS: [&str; 14] = [
    "orders",
    "webhooks",
    "deliveries",
    "catalog",
    "config",
    "check",
    "metrics",
    "work",
    "schema",
    "completions",
    "--help",
    "-h",
    "--version",
    "-V",
];

/// Returns whether a call that begins with `word` is for people.
pub(crate) fn is_for_people(word: &OsStr) -> bool {
    WORDS.iter().any(|known| word == *known)
}

const PROTOCOL: &str = "\
The panel's own words, each answered with one JSON object:
  help                          What the provider can do
  configs                       What can be ordered
  order CONFIG_ID [--key KEY]   Order it; the same key never orders twice
  order_status TASK_ID          How the order is doing

Exit status: 0 done, 1 faults found, orders not finished or a test not delivered, 124 time is up,
2 malformed call, 3 refused, 4 configuration or definition invalid, 5 refused by the hoster,
6 hoster not reached, 7 state busy, unreadable, newer, full or not ours, 70 a fault in the program.";

/// Orders servers for a 1C-Bitrix pool, at most one for each order, whatever crashes.
#[derive(Debug, Parser)]
#[command(
    version,
    disable_help_subcommand = true,
    after_help = PROTOCOL,
    override_usage = "[--home DIR] COMMAND"
)]
pub(crate) struct Cli {
    /// The provider's directory, …/NAME; before the command. Default: two above the executable
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    home: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at orders, call them off, give their servers back
    #[command(subcommand)]
    Orders(Orders),
    /// Say who is told of what happens to orders, and how
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Look at what was sent to webhooks, send it again, try a webhook out
    #[command(subcommand)]
    Deliveries(Deliveries),
    /// List what the hoster sells, with prices
    Catalog(Catalog),
    /// Make, show and change the configuration file
    #[command(subcommand)]
    Config(Configure),
    /// Look for whatever is wrong with the provider, and say how to mend it
    Check(Check),
    /// Print how the provider is doing, as Prometheus reads it
    Metrics(Metrics),
    /// Do what is due: wait for the worker's lock, end when nothing is left to do
    Work(Work),
    /// Print the JSON Schema of an answer or a file, for editors and scripts
    Schema {
        /// Which one; without it, their names
        name: Option<String>,
    },
    /// Print a shell completion script for the name this program was called by
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// How to print.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `catalog`.
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// Choose a parameter for the configurations that are proposed; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Mend owner and permissions; as root
    #[arg(long)]
    pub(crate) fix: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `metrics`.
#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// Put it into a file that anybody may read, in one piece, instead of printing it: for the node
    /// exporter's textfile collector. As root also where the provider is another user's
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Ask the hoster what is left on the account
    #[arg(long)]
    pub(crate) balance: bool,
}

/// Options of `work`.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// Make one pass over what is due and end; end at once where a worker lives
    #[arg(long)]
    pub(crate) once: bool,
    /// Leave the caller's session; the program starts itself so
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

/// Takes one of the words, each with what it stands for.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let all: Vec<(&'static str, T)> = all.into_iter().collect();
    let words: Vec<&'static str> = all.iter().map(|(word, _)| *word).collect();
    PossibleValuesParser::new(words).try_map(move |given: String| {
        let found = all.iter().find(|(word, _)| *word == given);
        found.map(|(_, value)| *value).ok_or("no such word")
    })
}

/// Takes `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    if key.is_empty() {
        return Err("write KEY=VALUE".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|value| (0.0..=1e9).contains(value))
        .ok_or_else(|| "not a number of seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_belongs_to_this_door_and_none_is_a_word_of_the_protocol() {
        let commands: Vec<String> =
            Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
        let mut words: Vec<&str> =
            WORDS.iter().copied().filter(|word| !word.starts_with('-')).collect();
        let mut names: Vec<&str> = commands.iter().map(String::as_str).collect();
        words.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, words);
        for word in ["help", "configs", "order", "order_status"] {
            assert!(!words.contains(&word));
        }
    }
}
