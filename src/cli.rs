//! The commands for people and scripts, as clap sees them.

use std::ffi::OsStr;

use clap::{Args, Parser, Subcommand};

use crate::order::TaskId;

/// The flag of a worker that leaves its starter's session; for ourselves only.
pub(crate) const DETACHED: &str = "--detached";

/// The first words that belong to this door; every other one is the protocol's.
const WORDS: [&str; 9] =
    ["orders", "catalog", "check", "work", "schema", "--help", "-h", "--version", "-V"];

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

Exit status: 0 done, 1 faults found or orders not finished, 124 time is up, 2 malformed call,
3 refused, 4 configuration or definition invalid, 5 refused by the hoster, 6 hoster not reached,
7 state busy, unreadable, newer, full or not ours, 70 a fault in the program.";

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
    #[arg(long, value_name = "DIR")]
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
    /// List what the hoster sells, with prices
    Catalog(Catalog),
    /// Look for whatever is wrong with the provider, and say how to mend it
    Check(Check),
    /// Do what is due: wait for the worker's lock, end when nothing is left to do
    Work(Work),
    /// Print the JSON Schema of an answer or a file, for editors and scripts
    Schema {
        /// Which one; without it, their names
        name: Option<String>,
    },
}

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub(crate) enum Orders {
    /// List orders, newest first
    List(Output),
    /// Tell an order's story
    Show(Show),
    /// Wait until orders have ended: exit status 0 all finished, 1 not all, 124 time is up
    Wait(Wait),
    /// Show the requests that an order would send; nothing is sent
    Preview(Preview),
    /// Call an open order off
    Cancel(Cancel),
    /// Give back the server of an order that finished, or that failed and left one
    Release(Release),
    /// Order again what came to nothing, where that cannot buy a second server
    Retry(Retry),
    /// Forget orders that ended long ago
    Prune(Prune),
}

/// How to print.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `orders show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The order's number
    #[arg(value_parser = task_id)]
    pub(crate) task_id: TaskId,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `orders wait`.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// The orders' numbers
    #[arg(required = true, value_parser = task_id)]
    pub(crate) task_ids: Vec<TaskId>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `orders preview`.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The configuration's id
    #[arg(value_name = "CONFIG_ID")]
    pub(crate) configuration: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `orders retry`.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The number of the order that came to nothing
    #[arg(value_parser = task_id)]
    pub(crate) task_id: TaskId,
    #[command(flatten)]
    pub(crate) output: Output,
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

/// Options of `orders cancel`.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The order's number
    #[arg(value_parser = task_id)]
    pub(crate) task_id: TaskId,
    #[command(flatten)]
    pub(crate) outcome: Outcome,
}

/// Options of `orders release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The order's number
    #[arg(value_parser = task_id)]
    pub(crate) task_id: TaskId,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// The inventory's server is clean: let it be ordered again
    #[arg(long)]
    pub(crate) clean: bool,
    #[command(flatten)]
    pub(crate) outcome: Outcome,
}

/// How long to wait for the worker, and how to print what it did.
#[derive(Debug, Args)]
pub(crate) struct Outcome {
    /// Wait so many seconds for the worker to do it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub(crate) timeout: f64,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `orders prune`.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Forget what ended more than so many days ago. Default: `retention.orders_days`, or 90
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,
    /// Only say what would be forgotten
    #[arg(long)]
    pub(crate) dry_run: bool,
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

fn task_id(text: &str) -> Result<TaskId, String> {
    text.parse().map_err(|()| "an order's number is a decimal number".to_owned())
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
