//! Kind `gitlab-ci`: runs a pipeline of `GitLab` by a trigger token
//! (<https://docs.gitlab.com/ci/triggers/>, `lib/api/ci/triggers.rb`).

use super::super::file::Webhook;
use super::super::message::Target;
use super::super::variables;
use super::{Draft, reply, url};
use crate::delivery::Verdict;
use crate::event::Event;
use crate::expression::percent_encoded;

/// Says what is wrong with what names the project.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    let project = webhook.project_id.as_deref().unwrap_or_default();
    let well_formed = project.split('/').all(|part| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    });
    if !well_formed {
        return Err(format!(
            "project_id: `{}` is neither a number nor a path such as `group/project`",
            project.escape_debug()
        ));
    }
    Ok(())
}

pub(super) fn draft(target: &Target, url: &str, event: &Event) -> Result<Draft, String> {
    let webhook = &target.webhook;
    let token = target.token.as_ref().ok_or("token_file: there is no token")?;
    let project = percent_encoded(webhook.project_id.as_deref().unwrap_or_default());
    let url = format!("{}/api/v4/projects/{project}/trigger/pipeline", url.trim_end_matches('/'));
    let told = variables::flattened(event);
    let told = told.iter().map(|(name, value)| (*name, value.as_str()));
    let own = webhook.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let secret = target.variables.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let fields: Vec<(String, &str)> = told
        .chain(own)
        .chain(secret)
        .map(|(name, value)| (format!("variables[{name}]"), value))
        .collect();
    // The token is in the body, where no log of a proxy has it.
    let named = [("token", token.expose()), ("ref", webhook.r#ref.as_deref().unwrap_or_default())];
    let fields = fields.iter().map(|(name, value)| (name.as_str(), *value));
    Ok(Draft {
        url,
        headers: vec![
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
            ("Accept", "application/json".to_owned()),
        ],
        body: url::pairs(named.into_iter().chain(fields)),
    })
}

/// A pipeline that was made comes with 201. What is wrong with the token and with the project,
/// `GitLab` does not tell apart.
pub(super) fn judge(status: u16, body: &[u8]) -> Verdict {
    let said = reply::said(body);
    match status {
        201 => Verdict::Delivered,
        200..300 => {
            reply::failed(status, "a pipeline is made with 201, so this is not GitLab's API")
        }
        300..400 => reply::failed(status, "a redirect, and none is followed: is `url` right?"),
        400 => reply::refused(status, &said),
        404 => reply::failed(
            status,
            "no such project, or the token is wrong or another project's; GitLab says the same to all",
        ),
        _ => reply::failed(status, &said),
    }
}
