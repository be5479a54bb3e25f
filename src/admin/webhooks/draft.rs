//! A webhook as it is to be: what flags make of it, and the files that go with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::input::Input;
use crate::cli::{KindFlags, RequestFlags, SelectionFlags, Settings};
use crate::delivery::Kind;
use crate::error::Error;
use crate::name;
use crate::secret::Secret;
use crate::webhook::file::{Params, SigningSecret, Webhook};
use crate::webhook::load::{self, Side};
use crate::webhook::message::Target;
use crate::webhook::sign;

/// A webhook as it is to be.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The webhook.
    pub(crate) webhook: Webhook,
    /// What is to be stored in files, by their paths as the webhook has them.
    pub(super) files: BTreeMap<String, Secret>,
    /// The secret that was made up.
    pub(super) generated: Option<Secret>,
    /// What the paths in the webhook are relative to.
    folder: PathBuf,
    /// In which folder there the files are to be.
    copies: &'static str,
}

impl Draft {
    /// Begins with a webhook as it is.
    pub(crate) fn of(webhook: Webhook, side: Side, folder: &Path) -> Self {
        let folder = folder.to_owned();
        let copies = side.copies();
        Self { webhook, files: BTreeMap::new(), generated: None, folder, copies }
    }

    /// Begins with a webhook that only has a name and a kind.
    ///
    /// # Errors
    /// `internal`: never.
    pub(crate) fn new(name: &str, kind: Kind, side: Side, folder: &Path) -> Result<Self, Error> {
        let bare = json!({ "name": name, "kind": kind });
        let webhook = serde_json::from_value(bare)
            .map_err(|error| Error::Internal { problem: error.to_string() })?;
        Ok(Self::of(webhook, side, folder))
    }

    /// Reads the files of the webhook, those first that are yet to be stored.
    ///
    /// # Errors
    /// A sentence that names the key, the file and the fault, never what is in it.
    pub(crate) fn target(&self) -> Result<Target, String> {
        load::target_from(&self.webhook, |file| match self.files.get(file) {
            Some(text) => Ok(text.expose().as_bytes().to_vec()),
            None => load::from_disk(&self.folder.join(file)),
        })
    }

    /// Takes back to what is where nothing is said.
    ///
    /// # Errors
    /// `internal`: never, for the keys that clap lets through.
    pub(crate) fn clear(&mut self, keys: &[String]) -> Result<(), Error> {
        let fault = |error: serde_json::Error| Error::Internal { problem: error.to_string() };
        let mut tree = serde_json::to_value(&self.webhook).map_err(fault)?;
        for key in keys {
            tree.as_object_mut().and_then(|tree| tree.remove(key));
            if key == "url" {
                tree.as_object_mut().and_then(|tree| tree.remove("url_file"));
            }
        }
        self.webhook = serde_json::from_value(tree).map_err(fault)?;
        Ok(())
    }

    /// Writes what was given into the webhook; a list takes the place of the whole list.
    ///
    /// # Errors
    /// `usage`, naming the flag and the fault.
    pub(crate) fn apply(&mut self, flags: Settings, input: Input) -> Result<(), Error> {
        let Settings { request, selection, kind } = flags;
        let Input { url, headers, secret, token, params, secret_variables, body } = input;
        self.apply_request(request, url, headers)?;
        self.apply_secret(secret);
        self.apply_selection(selection);
        if let Some(token) = token {
            self.webhook.token_file = Some(self.store("token", token));
        }
        if !secret_variables.is_empty() {
            self.apply_secret_variables(secret_variables)?;
        }
        if let Some(body) = body {
            (self.webhook.body, self.webhook.form) = (Some(body), None);
        }
        let pairs = kind.param.iter().map(|(key, value)| (key.clone(), json!(value)));
        let all: Vec<(String, Value)> = params.into_iter().chain(pairs).collect();
        if !all.is_empty() {
            self.webhook.params = Params(unique("--param", all)?);
        }
        self.apply_kind(kind)
    }

    fn apply_request(
        &mut self,
        flags: RequestFlags,
        url: Option<Secret>,
        headers: Vec<(String, Secret)>,
    ) -> Result<(), Error> {
        if flags.generate_secret {
            let made = sign::generate().map_err(|problem| Error::Internal { problem })?;
            self.generated = Some(made.clone());
            self.apply_secret(Some(made));
        }
        if let Some(url) = flags.url {
            (self.webhook.url, self.webhook.url_file) = (Some(Secret::from(url)), None);
        }
        if let Some(url) = url {
            let file = self.store("url", url);
            (self.webhook.url, self.webhook.url_file) = (None, Some(file));
        }
        let given = flags.header.into_iter().map(|(name, value)| (name, Secret::from(value)));
        let headers: Vec<(String, Secret)> = headers.into_iter().chain(given).collect();
        if !headers.is_empty() {
            self.webhook.headers = unique("--header", headers)?;
        }
        if let Some(file) = flags.ca_file {
            let path = std::path::absolute(&file)
                .map_err(|error| Error::usage(format!("--ca-file {file}: {error}")))?;
            self.webhook.ca_file = Some(path.to_string_lossy().into_owned());
        }
        let webhook = &mut self.webhook;
        replace(&mut webhook.description, flags.description);
        replace(&mut webhook.tls_verify, flags.tls_verify.map(Some));
        replace(&mut webhook.tries, flags.tries.map(Some));
        replace(&mut webhook.schedule, flags.schedule.map(Some));
        replace(&mut webhook.timeout_seconds, flags.timeout_seconds.map(Some));
        Ok(())
    }

    /// Signs with that secret and with no other.
    fn apply_secret(&mut self, secret: Option<Secret>) {
        if secret.is_some() {
            self.webhook.secrets =
                vec![SigningSecret { value: secret, file: None, expires_at: None }];
        }
    }

    fn apply_selection(&mut self, flags: SelectionFlags) {
        let webhook = &mut self.webhook;
        let SelectionFlags { event, operation, status, configuration } = flags;
        replace_list(&mut webhook.events, event);
        replace_list(&mut webhook.operations, operation);
        replace_list(&mut webhook.statuses, status);
        replace_list(&mut webhook.configurations, configuration);
    }

    fn apply_secret_variables(&mut self, given: BTreeMap<String, Secret>) -> Result<(), Error> {
        let mut files = BTreeMap::new();
        for (key, value) in given {
            // It becomes part of a file's name.
            if !name::is_safe(&key) {
                return Err(Error::usage(format!(
                    "--secret-variable: `{}` cannot be a variable: {}",
                    key.escape_debug(),
                    name::RULE
                )));
            }
            let file = self.store(&format!("variable.{key}"), value);
            files.insert(key, file);
        }
        self.webhook.secret_variables = files;
        Ok(())
    }

    fn apply_kind(&mut self, flags: KindFlags) -> Result<(), Error> {
        if !flags.variable.is_empty() {
            self.webhook.variables = unique("--variable", flags.variable)?;
        }
        if !flags.form.is_empty() {
            (self.webhook.form, self.webhook.body) = (Some(unique("--form", flags.form)?), None);
        }
        let webhook = &mut self.webhook;
        webhook.strict_200 |= flags.strict_200;
        webhook.as_template_parameters |= flags.as_template_parameters;
        replace(&mut webhook.envelope, flags.envelope.map(Some));
        replace(&mut webhook.organization, flags.organization.map(Some));
        replace(&mut webhook.project, flags.project.map(Some));
        replace(&mut webhook.pipeline_id, flags.pipeline_id.map(Some));
        replace(&mut webhook.project_id, flags.project_id.map(Some));
        replace(&mut webhook.r#ref, flags.reference.map(Some));
        replace_list(&mut webhook.skip_stage, flags.skip_stage);
        Ok(())
    }

    /// Puts a text down for a file; returns the file's path as the webhook has it.
    fn store(&mut self, what: &str, text: Secret) -> String {
        let path = format!("{}/{}.{what}", self.copies, self.webhook.name);
        self.files.insert(path.clone(), text);
        path
    }
}

/// Collects what is given by name.
///
/// # Errors
/// `usage`, naming what is given twice.
fn unique<T, C: FromIterator<(String, T)>>(
    flag: &str,
    given: Vec<(String, T)>,
) -> Result<C, Error> {
    for (index, (name, _)) in given.iter().enumerate() {
        if given[..index].iter().any(|(other, _)| other == name) {
            return Err(Error::usage(format!("{flag}: `{}` is given twice", name.escape_debug())));
        }
    }
    Ok(given.into_iter().collect())
}

fn replace<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

fn replace_list<T>(place: &mut Vec<T>, given: Vec<T>) {
    if !given.is_empty() {
        *place = given;
    }
}
