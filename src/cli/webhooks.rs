//! The commands for webhooks.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::settings::{Settings, kind};
use super::{Output, one_of};
use crate::delivery::Kind;
use crate::webhook::file::{Global, Match, Mode, Scope};

/// What `update --clear` takes back to what it is where nothing is said.
const CLEARABLE: [&str; 24] = [
    "description",
    "events",
    "operations",
    "statuses",
    "configurations",
    "filters",
    "headers",
    "params",
    "variables",
    "secret_variables",
    "secrets",
    "tls_verify",
    "ca_file",
    "tries",
    "schedule",
    "timeout_seconds",
    "envelope",
    "strict_200",
    "skip_stage",
    "as_template_parameters",
    "ref",
    "url",
    "body",
    "form",
];

const FILES: &str = "\
A FILE of `-` is standard input, for one of them. What the files hold is stored below etc/, which its \
owner alone can read; of --ca-file, only the path.";

const REPLACED: &str = "\
What is given takes the place of what was; what can be given several times, that of the whole list. \
--clear takes back to what is where nothing is said. A FILE of `-` is standard input, for one of them.";

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// Add a webhook
    Create(Box<CreateWebhook>),
    /// List webhooks, those of the machine that tell of this provider among them
    List(Output),
    /// Show a webhook; its secrets stay hidden
    Show(NamedWebhook),
    /// Change a webhook: what is given takes the place of what was
    Update(Box<UpdateWebhook>),
    /// Remove a webhook; what was not delivered yet is given up
    Delete(DeleteWebhook),
    /// Sign with a new secret, for a while with the old one as well
    Rotate(RotateWebhook),
    /// Let events through or keep them back by their type
    #[command(subcommand)]
    Filter(Filters),
}

/// What to do with a webhook's filters.
#[derive(Debug, Subcommand)]
pub(crate) enum Filters {
    /// Add a filter; what any `exclude` matches is kept back, and where there is an `include`, one
    /// must match
    Add(AddFilter),
    /// List a webhook's filters with their numbers
    List(NamedWebhook),
    /// Remove filters
    Delete(DeleteFilter),
}

/// Names a webhook.
#[derive(Debug, Args)]
pub(crate) struct NamedWebhook {
    /// The webhook's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `webhooks create`.
#[derive(Debug, Args)]
#[command(after_help = FILES)]
pub(crate) struct CreateWebhook {
    /// Its name: 1 to 64 of A-Z a-z 0-9 . _ -
    #[arg(long)]
    pub(crate) name: String,
    /// What the receiver understands
    #[arg(long, value_parser = kind())]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Send nothing yet
    #[arg(long)]
    pub(crate) disabled: bool,
    /// Whose events: `local`, this provider's; `global`, every provider's of the machine, or those
    /// of the providers named. All but `local` as root only
    #[arg(long, value_name = "local|global|NAME,NAME", value_parser = scope)]
    pub(crate) scope: Option<ScopeFlag>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `webhooks update`.
#[derive(Debug, Args)]
#[command(after_help = REPLACED)]
pub(crate) struct UpdateWebhook {
    /// The webhook's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Send events again; what was held back is sent now
    #[arg(long, conflicts_with = "disabled")]
    pub(crate) enabled: bool,
    /// Send nothing
    #[arg(long)]
    pub(crate) disabled: bool,
    /// For a webhook of the machine: whose events
    #[arg(long, value_name = "global|NAME,NAME", value_parser = scope)]
    pub(crate) scope: Option<ScopeFlag>,
    /// Take this back to what it is where nothing is said; may be given several times
    #[arg(long, value_name = "KEY", value_parser = PossibleValuesParser::new(CLEARABLE))]
    pub(crate) clear: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Whose events a webhook sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScopeFlag {
    /// This provider's.
    Local,
    /// Those of the machine's providers, or of some of them.
    Machine(Scope),
}

/// Options of `webhooks delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteWebhook {
    /// The webhook's name
    pub(crate) name: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Options of `webhooks rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateWebhook {
    /// The webhook's name
    pub(crate) name: String,
    /// The new secret; `-` is standard input. Default: one is made up
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<String>,
    /// Make up a secret, and show it once
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) generate_secret: bool,
    /// For how many hours the old one signs as well
    #[arg(long, value_name = "N", default_value = "24",
        value_parser = clap::value_parser!(u32).range(0..=8760))]
    pub(crate) keep_hours: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of `webhooks filter add`.
#[derive(Debug, Args)]
pub(crate) struct AddFilter {
    /// The webhook's name
    pub(crate) name: String,
    /// What the event's type is compared with, case and all
    #[arg(long)]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) flags: FilterFlags,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// How a filter does what it does.
#[derive(Debug, Args)]
pub(crate) struct FilterFlags {
    /// Whether what matches is let through or kept back. Default: include
    #[arg(long, value_parser = one_of([("include", Mode::Include), ("exclude", Mode::Exclude)]))]
    pub(crate) mode: Option<Mode>,
    /// How the value is compared. Default: exact
    #[arg(long = "match", value_parser = matching())]
    pub(crate) matching: Option<Match>,
}

/// Options of `webhooks filter delete`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, args = ["number", "value"])]
pub(crate) struct DeleteFilter {
    /// The webhook's name
    pub(crate) name: String,
    /// The filter's number in `filter list`
    pub(crate) number: Option<usize>,
    /// The filters of this value; --mode and --match narrow them down
    #[arg(long)]
    pub(crate) value: Option<String>,
    #[command(flatten)]
    pub(crate) flags: FilterFlags,
    #[command(flatten)]
    pub(crate) output: Output,
}

fn matching() -> impl clap::builder::TypedValueParser<Value = Match> {
    one_of([
        ("exact", Match::Exact),
        ("prefix", Match::Prefix),
        ("suffix", Match::Suffix),
        ("contains", Match::Contains),
    ])
}

pub(super) fn scope(text: &str) -> Result<ScopeFlag, String> {
    match text {
        "local" => Ok(ScopeFlag::Local),
        "global" => Ok(ScopeFlag::Machine(Scope::Word(Global::Global))),
        list => {
            let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
            match names.iter().find(|name| !crate::name::is_safe(name)) {
                Some(name) => Err(format!("`{name}` is no provider's name")),
                None => Ok(ScopeFlag::Machine(Scope::Providers(names))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_local_global_or_names_of_providers() {
        assert_eq!(scope("local"), Ok(ScopeFlag::Local));
        let names = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(scope("a, b"), Ok(ScopeFlag::Machine(Scope::Providers(names))));
        for text in ["", "a,", "../a", "a b"] {
            assert!(scope(text).is_err(), "{text}");
        }
    }
}
