//! `config set`: one value changed, the whole checked, then the file replaced.

use std::path::Path;

use serde_json::Value;

use super::faults::{self, Faults};
use super::{edit, file_name};
use crate::admin::webhooks::file_text;
use crate::admin::{become_owner, printed};
use crate::answer;
use crate::cli::SetValue;
use crate::config::{Config, change};
use crate::error::Error;
use crate::home::Home;
use crate::json;
use crate::store::{Place, Store};
use crate::system::OPEN_PLAINLY;

pub(super) fn run(home: &Home, options: &SetValue) -> Result<u8, Error> {
    let given = given(options)?;
    become_owner(home)?;
    let edit = edit(home)?;
    let old = read(&home.config(), OPEN_PLAINLY)?;
    let key = &options.key;
    let changed = match &given {
        Some(value) => change::set(&old, key, value),
        None => change::unset(&old, key),
    };
    let new = changed.map_err(Error::usage)?;
    let notes = checked(home, &old, &new).map_err(|error| hinted(error, given.as_deref()))?;
    let done = match (new == old, options.unset) {
        (true, _) => "was so already",
        (false, true) => "is unset",
        (false, false) => "is set",
    };
    if new != old {
        edit.replace(&file_name(home), new.as_bytes())?;
    }
    for note in notes {
        answer::complain(&note);
    }
    printed(answer::text(&format!("{key} {done}\n")))
}

/// Returns the value that a call gives, as JSON; none to take it out.
///
/// # Errors
/// `usage`, also for a secret among the arguments.
fn given(options: &SetValue) -> Result<Option<String>, Error> {
    let key = &options.key;
    if let Some(file) = &options.file {
        let text = file_text("--file", file)?;
        let is_text = |value: &Value| !value.is_object() && !value.is_string();
        let json = as_json(&text);
        // What looks like a number may be a token all the same.
        let token = is_place_of_text(key) && serde_json::from_str(&json).is_ok_and(|v| is_text(&v));
        let json = if token { Value::from(text.trim()).to_string() } else { json };
        return Ok(Some(json));
    }
    let Some(text) = &options.value else { return Ok(None) };
    let json = as_json(text);
    let value = serde_json::from_str(&json).unwrap_or(Value::Null);
    if may_be_secret(key, &value) {
        return Err(Error::usage(format!(
            "`{key}`: the value may be a secret, and other users can see the arguments of a call: \
             give it by `--file FILE`, or by `--file -` on standard input"
        )));
    }
    Ok(Some(json))
}

/// Returns a value as JSON: itself where it is, otherwise a text.
fn as_json(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => text.trim().to_owned(),
        Err(_) => Value::from(text.trim_end_matches(['\r', '\n'])).to_string(),
    }
}

/// Returns whether a key leads to a text that may be a secret, or to the file that holds it.
fn is_place_of_text(key: &str) -> bool {
    let one_credential = key.strip_prefix("credentials.");
    one_credential.is_some_and(|name| name.rsplit('.').next() != Some("file") || name == "file")
        || (key.starts_with("configurations.") && key.ends_with(".user_data"))
}

/// Returns whether a value that is to stand there may be, or hold, a secret.
fn may_be_secret(key: &str, value: &Value) -> bool {
    let inline = |value: &Value| !value.is_object() && !value.is_null();
    if is_place_of_text(key) {
        return inline(value);
    }
    let user_data = |one: &Value| one.get("user_data").is_some_and(inline);
    match key.split('.').next() {
        Some("credentials") if key == "credentials" => {
            value.as_object().is_none_or(|all| all.values().any(inline))
        }
        Some("configurations") => {
            user_data(value) || value.as_array().is_some_and(|all| all.iter().any(user_data))
        }
        // A user and password of the proxy stand before an `@`.
        Some("proxy") => value.as_str().is_some_and(|url| url.contains('@')),
        _ => false,
    }
}

/// Reads the configuration file. For whoever replaces it, it is to be no link, as `flags` of the open
/// say: what the link leads to would stay as it is.
///
/// # Errors
/// `configuration_invalid`, naming the file and the fault.
pub(super) fn read(path: &Path, flags: i32) -> Result<String, Error> {
    let invalid = |problem| Error::ConfigurationInvalid { path: path.to_owned(), problem };
    let (bytes, _) = json::read_file(path, flags, json::LARGEST)
        .map_err(|error| invalid(format!("cannot read it: {error}")))?;
    json::parse::<Value>(&bytes).map_err(invalid)?;
    String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))
}

/// Refuses a change that leaves more wrong than it was; returns what remains to be said.
///
/// # Errors
/// `usage`, naming the key and the fault; `definition_invalid`.
fn checked(home: &Home, old: &str, new: &str) -> Result<Vec<String>, Error> {
    let config = Config::parse(new.as_bytes()).map_err(refused)?;
    let before = Config::parse(old.as_bytes()).ok();
    let known = before.as_ref().map(|before| faults::of(home, before));
    let moved = before.as_ref().is_some_and(|old| old.definition != config.definition);
    let now = match (faults::of(home, &config), &known) {
        (Ok(now), _) => now,
        // It could not be read before, either: that is no reason to refuse something else.
        (Err(error), Some(Err(_))) if !moved => return Ok(vec![error.to_string()]),
        (Err(error), _) => return Err(error),
    };
    let known = known.and_then(Result::ok).unwrap_or_default();
    // Another definition asks for other things, which can only be given after it is named.
    let missing = now.missing.iter().filter(|fault| !moved && !known.missing.contains(fault));
    let wrong = now.wrong.iter().filter(|fault| !known.wrong.contains(fault));
    if let Some(fault) = wrong.chain(missing).next() {
        return Err(refused(fault));
    }
    let mut notes = to_do(now);
    if let Some(before) = before
        && (moved || before.base_url != config.base_url)
    {
        notes.extend(open_orders(home)?);
    }
    Ok(notes)
}

fn refused(problem: impl std::fmt::Display) -> Error {
    Error::usage(format!("nothing was changed: {problem}"))
}

/// Says what an error may come of where a value could be taken for a text.
fn hinted(error: Error, given: Option<&str>) -> Error {
    let value: Option<Value> = given.and_then(|given| serde_json::from_str(given).ok());
    match (error, value) {
        (Error::Usage { problem }, Some(value))
            if problem.contains("expected a string") || problem.contains(" is no text") =>
        {
            let text = Value::from(value.to_string());
            Error::usage(format!("{problem} (the text would be written '{text}')"))
        }
        (error, _) => error,
    }
}

fn to_do(faults: Faults) -> Vec<String> {
    let all = faults.wrong.into_iter().chain(faults.missing);
    all.map(|fault| format!("still to be done: {fault}")).collect()
}

/// Says what a change of the hoster does to open orders.
pub(super) fn open_orders(home: &Home) -> Result<Option<String>, Error> {
    let store = Store::of(home);
    if !store.exists() {
        return Ok(None);
    }
    let open = store.ids(Place::Active)?.len() + store.ids(Place::Accepted)?.len();
    Ok((open > 0).then(|| {
        format!("{open} open orders stand still until `definition` and `base_url` are as they were")
    }))
}
