//! Kind `azure-pipelines`: runs a pipeline of Azure DevOps
//! (<https://learn.microsoft.com/en-us/rest/api/azure/devops/pipelines/runs/run-pipeline?view=azure-devops-rest-7.1>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::file::Webhook;
use super::super::message::Target;
use super::super::variables;
use super::{Draft, reply};
use crate::delivery::Verdict;
use crate::event::Event;
use crate::expression::percent_encoded;

/// The version of the API.
const VERSION: &str = "7.1";

/// Says what is wrong with what names the pipeline.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn check(webhook: &Webhook) -> Result<(), String> {
    for (key, name) in [("organization", &webhook.organization), ("project", &webhook.project)] {
        let name = name.as_deref().unwrap_or_default();
        // Percent-encoded or not, these lead elsewhere (RFC 3986 section 5.2.4).
        if matches!(name, "." | "..") || name.contains('/') || has_control(name) {
            return Err(format!("{key}: `{}` is no name", name.escape_debug()));
        }
    }
    let id = webhook.pipeline_id.as_deref().unwrap_or_default();
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("pipeline_id: `{}` is no number", id.escape_debug()));
    }
    if webhook.skip_stage.iter().any(|stage| stage.is_empty() || has_control(stage)) {
        return Err("skip_stage: one is empty or has a control character".to_owned());
    }
    Ok(())
}

fn has_control(text: &str) -> bool {
    text.contains(|character: char| character.is_control())
}

pub(super) fn draft(target: &Target, url: &str, event: &Event) -> Result<Draft, String> {
    let webhook = &target.webhook;
    let token = target.token.as_ref().ok_or("token_file: there is no token")?;
    let segment = |text: &Option<String>| percent_encoded(text.as_deref().unwrap_or_default());
    let url = format!(
        "{}/{}/{}/_apis/pipelines/{}/runs?api-version={VERSION}",
        url.trim_end_matches('/'),
        segment(&webhook.organization),
        segment(&webhook.project),
        segment(&webhook.pipeline_id),
    );
    let login = STANDARD.encode(format!(":{}", token.expose()));
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Accept", "application/json".to_owned()),
        ("Authorization", format!("Basic {login}")),
        // As the vendor's own clients: a token that is not accepted is to give 401, and not the
        // page where people sign in.
        ("X-TFS-FedAuthRedirect", "Suppress".to_owned()),
        ("X-VSS-ForceMsaPassThrough", "true".to_owned()),
    ];
    Ok(Draft { url, headers, body: body(target, event).to_string() })
}

fn body(target: &Target, event: &Event) -> Value {
    let webhook = &target.webhook;
    let own = webhook.variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let told = variables::flattened(event).into_iter().chain(own);
    let variable = |is_secret: bool, value: &str| json!({ "isSecret": is_secret, "value": value });
    let mut parameters = Map::new();
    let mut variables = Map::new();
    for (name, value) in told {
        if webhook.as_template_parameters {
            parameters.insert(name.to_owned(), value.into());
        } else {
            variables.insert(name.to_owned(), variable(false, &value));
        }
    }
    // Parameters are shown in the pipeline's log.
    for (name, value) in &target.variables {
        variables.insert(name.clone(), variable(true, value.expose()));
    }
    let mut body = Map::new();
    if !webhook.skip_stage.is_empty() {
        body.insert("stagesToSkip".to_owned(), json!(webhook.skip_stage));
    }
    if let Some(name) = webhook.r#ref.as_deref().filter(|name| !name.is_empty()) {
        let name =
            if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") };
        let resources = json!({ "repositories": { "self": { "refName": name } } });
        body.insert("resources".to_owned(), resources);
    }
    for (key, told) in [("templateParameters", parameters), ("variables", variables)] {
        if !told.is_empty() {
            body.insert(key.to_owned(), told.into());
        }
    }
    body.into()
}

/// A run has begun where the reply says which; a page where people sign in comes with 203 or 302.
pub(super) fn judge(status: u16, body: &[u8]) -> Verdict {
    let said = reply::said(body);
    let explained = |hint: &str| match said.as_str() {
        "" => reply::failed(status, hint),
        said => reply::failed(status, &format!("{hint}: {said}")),
    };
    match status {
        200 => {
            let reply: Value = serde_json::from_slice(body).unwrap_or_default();
            if reply.get("id").is_some_and(|id| id.is_number() || id.is_string()) {
                return Verdict::Delivered;
            }
            explained("no run is named in it, so this is not the API of Azure DevOps")
        }
        203 | 300..400 => reply::failed(
            status,
            "the page where people sign in, so the token is wrong, has expired or was revoked",
        ),
        400 => reply::refused(status, &said),
        401 => explained("the token is wrong, has expired or was revoked"),
        403 => {
            explained("the token lacks the scope Build (read and execute), or its owner the right")
        }
        404 => explained("no such organization, project or pipeline that the token may see"),
        _ => reply::failed(status, &said),
    }
}
