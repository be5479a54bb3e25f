//! The commands for orders.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::time::{TIMES, time};
use super::{Output, one_of, seconds};
use crate::clock::Timestamp;
use crate::order::{TaskId, WireStatus};

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub(crate) enum Orders {
    /// List orders, newest first
    List(ListOrders),
    /// Tell an order's story
    Show(Show),
    /// Make a page of orders' stories, times, failures and deliveries, for a browser
    Report(Report),
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
    /// Forget orders that ended long ago, as `retention.orders_days` has the worker do
    Prune(Prune),
}

/// Options of `orders list`.
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub(crate) struct ListOrders {
    /// Only those with this status
    #[arg(long, value_parser = status())]
    pub(crate) status: Option<WireStatus>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Only those that the panel's own list does not have: it never joins their servers
    #[arg(long)]
    pub(crate) unclaimed: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Which orders.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only those placed at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only those for this configuration
    #[arg(long, value_name = "CONFIG_ID")]
    pub(crate) configuration: Option<String>,
}

impl Which {
    /// Returns whether an order of that time for that configuration is one of them.
    pub(crate) fn wants(&self, created_at: Timestamp, configuration: &str) -> bool {
        self.since.is_none_or(|since| created_at >= since)
            && self.configuration.as_ref().is_none_or(|id| configuration == *id)
    }
}

/// Options of `orders report`.
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub(crate) struct Report {
    /// Put the page into this file, for its owner alone; `-` prints it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: PathBuf,
    #[command(flatten)]
    pub(crate) which: Which,
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

fn status() -> impl clap::builder::TypedValueParser<Value = WireStatus> {
    one_of(
        [WireStatus::InProgress, WireStatus::Finished, WireStatus::Error]
            .map(|one| (one.word(), one)),
    )
}

fn task_id(text: &str) -> Result<TaskId, String> {
    text.parse().map_err(|()| "an order's number is a decimal number".to_owned())
}
