//! The commands for deliveries.

use clap::{Args, Subcommand};

use super::settings::{event, kind};
use super::webhooks::{ScopeFlag, scope};
use super::{Output, Settings, one_of};
use crate::clock::{self, Timestamp};
use crate::event::EventType;
use crate::webhook::delivery::{DeliveryId, State};
use crate::webhook::file::Kind;

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

const TIMES: &str = "\
A TIME is RFC 3339 as 2026-01-02T03:04:05Z, the beginning of a day (UTC) as 2026-01-02, or so long \
ago as 90s, 15m, 2h, 3d.";

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
    /// All events that happened at this time or later, those too that no delivery was made of
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// What is dead and has not arrived since, nor is on its way
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
    /// The same; with --kind, the name that a webhook is to have which is not saved
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

fn time(text: &str) -> Result<Timestamp, String> {
    moment(text, clock::now()).ok_or_else(|| TIMES.to_owned())
}

/// Returns the time that a text names.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(seconds) = ago(text) {
        return now.checked_sub(std::time::Duration::from_secs(seconds)).ok();
    }
    let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_day { format!("{text}T00:00:00Z").parse().ok() } else { text.parse().ok() }
}

/// Returns how many seconds ago `2h` or the like is.
fn ago(text: &str) -> Option<u64> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<String> {
        moment(text, "2026-01-10T12:00:00Z".parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_time_is_rfc_3339_a_day_or_so_long_ago() {
        for (text, expected) in [
            ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2h", "2026-01-10T10:00:00Z"),
            ("3d", "2026-01-07T12:00:00Z"),
            ("0s", "2026-01-10T12:00:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "h", "2", "-2h", "+2h", "2 h", "2026-13-01", "2026-01-02T03:04:05", "now"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none_without_a_panic(text in ".{0,24}", number: u64) {
            let _ = at(&text);
            for unit in ["s", "m", "h", "d"] {
                let _ = at(&format!("{number}{unit}"));
            }
        }
    }
}
