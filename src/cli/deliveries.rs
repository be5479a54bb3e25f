//! The commands for deliveries.

use clap::{Args, Subcommand};

use super::settings::{event, kind};
use super::time::{TIMES, time};
use super::webhooks::{ScopeFlag, scope};
use super::{Output, Settings, one_of};
use crate::clock::Timestamp;
use crate::delivery::Kind;
use crate::delivery::{DeliveryId, State};
use crate::event::EventType;

/// What to do with deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum Deliveries {
    /// List deliveries, newest first
    List(ListDeliveries),
    /// Show a delivery with each attempt and what was sent
    Show(ShowDelivery),
    /// Send the same event once more, as a new delivery; one that is pending is given up for it
    Redeliver(Redeliver),
    /// Send many events once more: all since a time, or those that did not arrive
    Replay(Replay),
    /// Forget deliveries
    Delete(DeleteDeliveries),
    /// Send a made-up event to a webhook, saved or not, and store nothing: exit status 0 delivered,
    /// 1 not
    Test(Box<TestWebhook>),
}

/// Options of `deliveries list`.
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub(crate) struct ListDeliveries {
    /// Only those for this webhook
    #[arg(long, value_name = "NAME")]
    pub(crate) webhook: Option<String>,
    /// Only those made at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only those made at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Only those of events of this type
    #[arg(long, value_parser = event())]
    pub(crate) event: Option<EventType>,
    /// Only those in this state
    #[arg(long, value_parser = state())]
    pub(crate) state: Option<State>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `deliveries show`.
#[derive(Debug, Args)]
pub(crate) struct ShowDelivery {
    /// The delivery's id
    #[arg(value_parser = delivery_id)]
    pub(crate) id: DeliveryId,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `deliveries redeliver`.
#[derive(Debug, Args)]
pub(crate) struct Redeliver {
    /// The delivery's id
    #[arg(value_parser = delivery_id)]
    pub(crate) id: DeliveryId,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `deliveries replay`.
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
#[group(id = "which", required = true, multiple = false, args = ["since", "failed"])]
pub(crate) struct Replay {
    /// Only to this webhook
    #[arg(long, value_name = "NAME")]
    pub(crate) webhook: Option<String>,
    /// All events since this time, including those without a delivery
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Dead deliveries whose event has not arrived since and is not pending
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only say what would be sent
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `deliveries delete`.
#[derive(Debug, Args)]
#[command(after_help = TIMES)]
pub(crate) struct DeleteDeliveries {
    /// The deliveries' ids
    #[arg(value_parser = delivery_id, required_unless_present = "webhook",
        conflicts_with_all = ["webhook", "until"])]
    pub(crate) ids: Vec<DeliveryId>,
    /// Those for this webhook that are not pending
    #[arg(long, value_name = "NAME", requires = "until")]
    pub(crate) webhook: Option<String>,
    /// And were made at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time, requires = "webhook")]
    pub(crate) until: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `deliveries test`.
#[derive(Debug, Args)]
pub(crate) struct TestWebhook {
    /// The name of a saved webhook; what else is given takes the place of what it has
    #[arg(required_unless_present_any = ["kind", "named"])]
    pub(crate) name: Option<String>,
    /// Same as NAME; with --kind, a name for the webhook that is not saved
    #[arg(long = "name", id = "named", value_name = "NAME", conflicts_with = "name")]
    pub(crate) named: Option<String>,
    /// What the receiver understands, for a webhook that is not saved
    #[arg(long, value_parser = kind(), conflicts_with = "name")]
    pub(crate) kind: Option<Kind>,
    /// As `create` has it; a test is sent all the same
    #[arg(long, requires = "kind", hide = true)]
    pub(crate) disabled: bool,
    /// As `create` has it; a test is sent all the same
    #[arg(long, requires = "kind", hide = true, value_parser = scope)]
    pub(crate) scope: Option<ScopeFlag>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Print the request instead of sending it, secrets hidden
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

fn state() -> impl clap::builder::TypedValueParser<Value = State> {
    one_of([("pending", State::Pending), ("delivered", State::Delivered), ("dead", State::Dead)])
}

fn delivery_id(text: &str) -> Result<DeliveryId, String> {
    text.parse().map_err(|()| "a delivery's id is EVENT.WEBHOOK as `deliveries list` has it".into())
}
