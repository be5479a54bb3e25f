//! The files that a webhook names: URL, token, secrets, certificates.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::super::file::Webhook;
use super::super::message::Target;
use super::super::{kinds, sign};
use super::Side;
use crate::delivery::Kind;
use crate::home::Home;
use crate::json;
use crate::secret::Secret;
use crate::system::OPEN_AT_ONCE;

/// Why it is not known what a webhook's files hold.
#[derive(Debug)]
pub(crate) struct Unknown {
    /// A sentence that names the key, the file and the fault, never what is in it.
    pub(crate) why: String,
    /// The system refused to read one that is there, which may pass.
    pub(crate) may_pass: bool,
}

/// Reads the files of a webhook.
///
/// # Errors
/// That one of them cannot be read, or is not what it has to be.
pub(crate) fn target(home: &Home, webhook: &Webhook) -> Result<Target, Unknown> {
    let may_pass = Cell::new(false);
    let read = |file: &str| {
        let folder = Side::of(webhook).folder(home).ok_or("there is no holder")?;
        let path = folder.join(file);
        bytes(&path).map_err(|error| {
            let is_there = error.kind() != io::ErrorKind::NotFound;
            may_pass.set(is_there && error.raw_os_error().is_some());
            in_words(&path, &error)
        })
    };
    target_from(webhook, read).map_err(|why| Unknown { why, may_pass: may_pass.get() })
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    json::read_file(path, OPEN_AT_ONCE, json::LARGEST).map(|(bytes, _)| bytes)
}

fn in_words(path: &Path, error: &io::Error) -> String {
    format!("{}: cannot read it: {error}", path.display())
}

/// Reads a file that a webhook names.
///
/// # Errors
/// A sentence that names the file and the fault.
pub(crate) fn from_disk(path: &Path) -> Result<Vec<u8>, String> {
    bytes(path).map_err(|error| in_words(path, &error))
}

/// Makes a target of a webhook and its files, which `read` reads by what the webhook calls them.
///
/// # Errors
/// A sentence that names the key, the file and the fault, never what is in it.
pub(crate) fn target_from(
    webhook: &Webhook,
    read: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Target, String> {
    let text =
        |key: &str, file: &str| text(key, file, read(file).map_err(|why| format!("{key}: {why}"))?);
    let url = match (&webhook.url, &webhook.url_file) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => {
            let url = text("url_file", file)?;
            kinds::check_url(webhook, url.expose())
                .map_err(|why| format!("url_file: {file}: {why}"))?;
            url
        }
        (None, None) => default_url(webhook.kind)?,
    };
    let token = webhook.token_file.as_deref().map(|file| text("token_file", file)).transpose()?;
    let mut variables = BTreeMap::new();
    for (name, file) in &webhook.secret_variables {
        variables.insert(name.clone(), text(&format!("secret_variables.{name}"), file)?);
    }
    let mut secrets = Vec::with_capacity(webhook.secrets.len());
    for secret in &webhook.secrets {
        let value = match (&secret.value, &secret.file) {
            (Some(value), _) => value.clone(),
            (None, Some(file)) => {
                let value = text("secrets", file)?;
                sign::check(&value).map_err(|why| format!("secrets: {file}: {why}"))?;
                value
            }
            (None, None) => continue,
        };
        secrets.push((value, secret.expires_at));
    }
    let ca = webhook.ca_file.as_deref().map(&read).transpose();
    let ca = ca.map_err(|why| format!("ca_file: {why}"))?;
    Ok(Target { webhook: webhook.clone(), url, token, variables, secrets, ca })
}

/// The line break at the end is the editor's.
fn text(key: &str, file: &str, bytes: Vec<u8>) -> Result<Secret, String> {
    let text =
        String::from_utf8(bytes).map_err(|_| format!("{key}: {file}: it is no text in UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{key}: {file}: it is empty"));
    }
    Ok(Secret::from(text.to_owned()))
}

fn default_url(kind: Kind) -> Result<Secret, String> {
    kinds::default_url(kind)
        .map(|url| Secret::from(url.to_owned()))
        .ok_or_else(|| format!("url: kind `{}` needs one, or url_file", kind.word()))
}
