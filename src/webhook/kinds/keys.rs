//! Which keys belong to which kind.

use super::super::file::Webhook;
use crate::delivery::Kind;

use Kind::{AzurePipelines, Cloudstack, Generic, GitlabCi, Solusvm2, Template};

/// A key that not every kind has.
struct Key {
    name: &'static str,
    /// The kinds that have it.
    kinds: &'static [Kind],
    /// The kinds that cannot do without.
    needed_by: &'static [Kind],
    is_given: fn(&Webhook) -> bool,
}

const fn key(
    name: &'static str,
    kinds: &'static [Kind],
    needed_by: &'static [Kind],
    is_given: fn(&Webhook) -> bool,
) -> Key {
    Key { name, kinds, needed_by, is_given }
}

const PIPELINES: &[Kind] = &[AzurePipelines, GitlabCi];
const SIGNED: &[Kind] = &[Generic, Cloudstack, Solusvm2, Template];
const WITH_VARIABLES: &[Kind] = &[AzurePipelines, GitlabCi, Template];

/// Every such key, in the order of the file's description.
const KEYS: [Key; 15] = [
    key("params", &[Solusvm2], &[], |webhook| !webhook.params.0.is_empty()),
    key("variables", WITH_VARIABLES, &[], |webhook| !webhook.variables.is_empty()),
    key("secret_variables", WITH_VARIABLES, &[], |webhook| !webhook.secret_variables.is_empty()),
    key("secrets", SIGNED, &[], |webhook| !webhook.secrets.is_empty()),
    key("envelope", &[Generic], &[], |webhook| webhook.envelope.is_some()),
    key("strict_200", &[Cloudstack], &[], |webhook| webhook.strict_200),
    key("organization", &[AzurePipelines], &[AzurePipelines], |webhook| {
        is_text(webhook.organization.as_ref())
    }),
    key("project", &[AzurePipelines], &[AzurePipelines], |webhook| {
        is_text(webhook.project.as_ref())
    }),
    key("pipeline_id", &[AzurePipelines], &[AzurePipelines], |webhook| {
        is_text(webhook.pipeline_id.as_ref())
    }),
    key("skip_stage", &[AzurePipelines], &[], |webhook| !webhook.skip_stage.is_empty()),
    key("as_template_parameters", &[AzurePipelines], &[], |webhook| webhook.as_template_parameters),
    key("project_id", &[GitlabCi], &[GitlabCi], |webhook| is_text(webhook.project_id.as_ref())),
    // GitLab answers 400 without one (lib/api/ci/triggers.rb).
    key("ref", PIPELINES, &[GitlabCi], |webhook| is_text(webhook.r#ref.as_ref())),
    key("token_file", PIPELINES, PIPELINES, |webhook| is_text(webhook.token_file.as_ref())),
    key("body", &[Template], &[], |webhook| webhook.body.is_some()),
];

/// The one that shares a place with `body`.
const FORM: Key = key("form", &[Template], &[], |webhook| webhook.form.is_some());

/// An empty text is none.
fn is_text(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Says which key is of another kind, missing, or one too many.
///
/// # Errors
/// One sentence that names the key and the kind.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    let kind = webhook.kind;
    for key in KEYS.iter().chain([&FORM]) {
        let given = (key.is_given)(webhook);
        if given && !key.kinds.contains(&kind) {
            let kinds: Vec<_> = key.kinds.iter().map(|kind| format!("`{}`", kind.word())).collect();
            let (last, others) = kinds.split_last().unzip();
            let others = others.filter(|others: &&[String]| !others.is_empty());
            let others = others.map(|others| format!("{} and ", others.join(", ")));
            return Err(format!(
                "`{}` is a key of {}{}, not of `{}`",
                key.name,
                others.unwrap_or_default(),
                last.map_or("no kind", String::as_str),
                kind.word()
            ));
        }
        if !given && key.needed_by.contains(&kind) {
            return Err(format!("`{}` is missing: `{}` needs it", key.name, kind.word()));
        }
    }
    either("url", webhook.url.is_some(), "url_file", webhook.url_file.is_some(), || {
        super::default_url(kind).is_none()
    })?;
    let is_template = || kind == Template;
    let odd = |character: char| character.is_control() || character.is_whitespace();
    if webhook.r#ref.as_ref().is_some_and(|name| name.contains(odd)) {
        return Err("ref: it has white space or a control character".to_owned());
    }
    either("body", webhook.body.is_some(), "form", webhook.form.is_some(), is_template)
}

fn either(
    one: &str,
    is_one: bool,
    other: &str,
    is_other: bool,
    needed: impl FnOnce() -> bool,
) -> Result<(), String> {
    match (is_one, is_other) {
        (true, true) => Err(format!("`{one}` and `{other}` are both there: one is enough")),
        (false, false) if needed() => Err(format!("`{one}` or `{other}` is missing")),
        _ => Ok(()),
    }
}
