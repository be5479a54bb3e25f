//! What a webhook is, as flags say it.

use clap::Args;
use clap::builder::TypedValueParser;

use super::{one_of, pair, seconds};
use crate::delivery::Kind;
use crate::event::{EventType, Operation, Outcome};
use crate::webhook::file::{Envelope, Preset, Schedule};

/// What a webhook is, but for its name and kind.
#[derive(Debug, Default, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) request: RequestFlags,
    #[command(flatten)]
    pub(crate) selection: SelectionFlags,
    #[command(flatten)]
    pub(crate) kind: KindFlags,
}

/// Where it is sent, and how.
#[derive(Debug, Default, Args)]
pub(crate) struct RequestFlags {
    /// Where it is sent
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The same from a file, where the URL is the secret
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub(crate) url_file: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// A header to send along; may be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Headers to send along, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) header_file: Option<String>,
    /// The secret to sign with
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<String>,
    /// Make up a secret to sign with, and show it once
    #[arg(long, conflicts_with = "secret_file")]
    pub(crate) generate_secret: bool,
    /// Whether the receiver's certificate is checked. Default: true, but for solusvm2
    #[arg(long, value_parser = one_of([("true", true), ("false", false)]))]
    pub(crate) tls_verify: Option<bool>,
    /// Certificates in PEM to trust instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<String>,
    /// How often a delivery is tried in all. Default: as the schedule has it, 3 for cloudstack
    #[arg(long, value_name = "N")]
    pub(crate) tries: Option<u32>,
    /// When it is tried: `standard`, ten times in three days; `svix`, eight times in 28 hours; or
    /// the seconds to wait before each try
    #[arg(long, value_name = "standard|svix|SECONDS,…", value_parser = schedule)]
    pub(crate) schedule: Option<Schedule>,
    /// How long an attempt may take. Default: 10
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub(crate) timeout_seconds: Option<f64>,
}

/// Which events are sent.
#[derive(Debug, Default, Args)]
pub(crate) struct SelectionFlags {
    /// An event to send; may be given several times. Default: all but order.accepted
    #[arg(long, value_parser = event())]
    pub(crate) event: Vec<EventType>,
    /// Only events of this operation; may be given several times
    #[arg(long, value_parser = operation())]
    pub(crate) operation: Vec<Operation>,
    /// Only events that ended so; may be given several times
    #[arg(long, value_parser = outcome())]
    pub(crate) status: Vec<Outcome>,
    /// Only events about orders of this configuration; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) configuration: Vec<String>,
}

/// What only some kinds know.
#[derive(Debug, Default, Args)]
pub(crate) struct KindFlags {
    /// solusvm2: a parameter to send along; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) param: Vec<(String, String)>,
    /// solusvm2: parameters to send along, a JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) params_file: Option<String>,
    /// azure-pipelines, gitlab-ci, template: a variable; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) variable: Vec<(String, String)>,
    /// The same for a secret one
    #[arg(long, value_name = "KEY=FILE", value_parser = pair)]
    pub(crate) secret_variable: Vec<(String, String)>,
    /// generic: how the body is laid out. Default: standard
    #[arg(long, value_parser = one_of([("standard", Envelope::Standard), ("plain", Envelope::Plain)]))]
    pub(crate) envelope: Option<Envelope>,
    /// cloudstack: take only 200 for success
    #[arg(long = "strict-200")]
    pub(crate) strict_200: bool,
    /// azure-pipelines: the organization
    #[arg(long, value_name = "NAME")]
    pub(crate) organization: Option<String>,
    /// azure-pipelines: the project, by name or id
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// azure-pipelines: the pipeline's number
    #[arg(long, value_name = "N")]
    pub(crate) pipeline_id: Option<String>,
    /// azure-pipelines: a stage to skip; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) skip_stage: Vec<String>,
    /// azure-pipelines: hand over the template's parameters instead of variables
    #[arg(long)]
    pub(crate) as_template_parameters: bool,
    /// gitlab-ci: the project, by number or by path
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// gitlab-ci, azure-pipelines: the branch or tag to run for
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// azure-pipelines: the access token; gitlab-ci: the trigger token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<String>,
    /// template: the body, JSON whose texts may hold {{ expression }}
    #[arg(long, value_name = "FILE")]
    pub(crate) body_file: Option<String>,
    /// template: a field of a form instead; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "body_file")]
    pub(crate) form: Vec<(String, String)>,
}

pub(super) fn kind() -> impl TypedValueParser<Value = Kind> {
    one_of(Kind::ALL.map(|kind| (kind.word(), kind)))
}

pub(super) fn event() -> impl TypedValueParser<Value = EventType> {
    one_of(EventType::ALL.map(|event| (event.word(), event)))
}

fn operation() -> impl TypedValueParser<Value = Operation> {
    one_of([
        ("CREATE", Operation::Create),
        ("CANCEL", Operation::Cancel),
        ("RELEASE", Operation::Release),
    ])
}

fn outcome() -> impl TypedValueParser<Value = Outcome> {
    one_of([("SUCCESS", Outcome::Success), ("ERROR", Outcome::Error)])
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn schedule(text: &str) -> Result<Schedule, String> {
    match text {
        "standard" => Ok(Schedule::Preset(Preset::Standard)),
        "svix" => Ok(Schedule::Preset(Preset::Svix)),
        list => {
            list.split(',').map(|one| seconds(one.trim())).collect::<Result<_, _>>().map_or_else(
                |_| Err("write `standard`, `svix` or SECONDS,SECONDS,…".to_owned()),
                |waits| Ok(Schedule::Seconds(waits)),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_name_or_a_list_of_seconds() {
        assert_eq!(schedule("svix"), Ok(Schedule::Preset(Preset::Svix)));
        assert_eq!(schedule("0, 0.5,3"), Ok(Schedule::Seconds(vec![0.0, 0.5, 3.0])));
        for text in ["", "Standard", "1,,2", "-1", "NaN"] {
            assert!(schedule(text).is_err(), "{text}");
        }
    }
}
