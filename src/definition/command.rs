//! Definitions of kind `command`: any executable as a hoster. They become definitions of kind
//! `http` whose requests a program answers, so that all the rules of a purchase are the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::http::{Credential, Http, Idempotency, Parameter, PasswordWay, Request};
use crate::json;

/// What each request of a command is, in the language of definitions of kind `http`.
const REQUESTS: &[u8] = include_bytes!("command.json");

/// The request for what is sold, whose answer is no list of one parameter's choices.
const CATALOG: &[u8] = br#"{
    "method": "GET",
    "path": "/catalog",
    "json": {
        "verb": "catalog",
        "order": null,
        "parameters": "{{ parameters }}",
        "credentials": "{{ credentials }}",
        "server_id": null
    }
}"#;

/// By how many seconds a lost server is looked for longer than a call may take, where the
/// definition does not say.
const MARGIN: f64 = 60.0;

/// A program that sells servers: it reads one request and writes one answer, both JSON.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    /// Where an editor finds this schema.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "for editors only")]
    schema: Option<String>,
    /// What is behind the definition.
    #[expect(dead_code, reason = "it has been read by then")]
    kind: CommandKind,
    /// What a person calls the hoster; otherwise the file name of the program.
    title: Option<String>,
    /// Where the documentation of the program is.
    #[expect(dead_code, reason = "for readers of the file")]
    docs: Option<String>,
    /// The program and its arguments. A name without `/` is looked for in the usual folders, a
    /// relative path begins in `etc/`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    command: Vec<String>,
    /// After how many seconds a call is ended, with all that it started; an hour at most.
    #[serde(default = "timeout_seconds")]
    #[cfg_attr(test, schemars(range(min = 0, max = 3600)))]
    timeout_seconds: f64,
    /// For how long to look for a server whose purchase has an unknown outcome, in seconds; more
    /// than `timeout_seconds`, and otherwise 60 more.
    #[cfg_attr(test, schemars(range(min = 0)))]
    settle_seconds: Option<f64>,
    /// The credentials that it takes, by name; without this key a configuration may give any.
    credentials: Option<BTreeMap<String, Credential>>,
    /// What a configuration may ask for; without this key anything.
    parameters: Option<BTreeMap<String, Parameter>>,
    /// How the root password gets onto the server. Whatever this says, a password in the answer to
    /// `poll` is the one.
    #[serde(default = "request")]
    password: PasswordWay,
    /// What keeps a repeated create from making a second server; otherwise nothing.
    idempotency: Option<Idempotency>,
    /// Whether the id of a removed server may be given to another one.
    #[serde(default)]
    reuses_ids: bool,
    /// Whether it knows the verb `catalog`.
    #[serde(default = "yes")]
    catalog: bool,
    /// Whether it knows the verb `balance`.
    #[serde(default)]
    balance: bool,
}

/// What is behind a definition of a program.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum CommandKind {
    /// A program.
    Command,
}

/// How a program is asked that answers instead of an API.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program and its arguments, as the definition has them; never empty.
    pub(crate) words: Vec<String>,
    /// Whether it is given every credential that a configuration has.
    pub(crate) any_credentials: bool,
    /// Whether it is given every parameter that a configuration has.
    pub(crate) any_parameters: bool,
    /// The request for what is sold; none where it does not tell.
    pub(crate) catalog: Option<Request>,
}

impl Program {
    /// Returns what is run: a path where the definition has one.
    pub(crate) fn path(&self, etc: &Path) -> std::path::PathBuf {
        let word = self.words.first().map_or("", String::as_str);
        // A path that is absolute takes the place of what it is joined to.
        let plain = word.strip_prefix("./").unwrap_or(word);
        if word.contains('/') { etc.join(plain) } else { word.into() }
    }
}

impl Command {
    /// Returns the definition of kind `http` that says the same.
    ///
    /// # Errors
    /// A sentence that names the place and the fault.
    pub(crate) fn into_http(self) -> Result<Http, String> {
        let name = self.command.first().filter(|word| !word.is_empty());
        let name = name.ok_or("command: the name of a program was expected")?.clone();
        if self.command.iter().any(|word| word.contains('\0')) {
            return Err("command: a zero byte cannot be part of an argument".to_owned());
        }
        if !(0.001..=3600.0).contains(&self.timeout_seconds) {
            let timeout = self.timeout_seconds;
            return Err(format!("timeout_seconds: {timeout} is not between 0.001 and 3600"));
        }
        let settle = self.settle_seconds.unwrap_or(self.timeout_seconds + MARGIN);
        if settle <= self.timeout_seconds {
            return Err(format!(
                "settle_seconds: {settle} is not more than timeout_seconds, {}: a call that goes on \
                 after its worker ended may still make a server",
                self.timeout_seconds
            ));
        }
        let mut http: Http = json::parse(REQUESTS)?;
        let last = name.rsplit('/').next().unwrap_or_default().to_owned();
        http.title = self.title.unwrap_or(last);
        http.pace.timeout_seconds = self.timeout_seconds;
        http.find.settle_seconds = settle;
        http.password = self.password;
        http.reuses_ids = self.reuses_ids;
        if let Some(idempotency) = self.idempotency {
            http.idempotency = idempotency;
        }
        if !self.balance {
            http.balance = None;
        }
        http.program = Some(Program {
            words: self.command,
            any_credentials: self.credentials.is_none(),
            any_parameters: self.parameters.is_none(),
            catalog: if self.catalog { Some(json::parse(CATALOG)?) } else { None },
        });
        http.credentials = self.credentials.unwrap_or_default();
        http.parameters = self.parameters.unwrap_or_default();
        http.checked()?;
        Ok(http)
    }
}

const fn timeout_seconds() -> f64 {
    120.0
}

const fn request() -> PasswordWay {
    PasswordWay::Request
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Definition;
    use super::*;

    fn parse(extra: &Value) -> Result<std::sync::Arc<Http>, String> {
        let mut definition = json!({ "kind": "command", "command": ["./sell.sh", "-v"] });
        let extra = extra.as_object().unwrap().clone();
        definition.as_object_mut().unwrap().extend(extra);
        match Definition::parse(definition.to_string().as_bytes())? {
            Definition::Http(http) => Ok(http),
            Definition::Inventory(_) => panic!("it is a command"),
        }
    }

    #[test]
    fn a_minimal_definition_takes_everything_and_promises_nothing() {
        let http = parse(&json!({ "timeout_seconds": 5 })).unwrap();
        let program = http.program.as_ref().unwrap();
        assert!(program.any_credentials && program.any_parameters && program.catalog.is_some());
        assert_eq!(http.title, "sell.sh");
        assert!((http.find.settle_seconds - 65.0).abs() < 0.001);
        assert!(http.balance.is_none());
        assert_eq!(program.path(Path::new("/x/etc")).as_os_str(), "/x/etc/sell.sh");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (extra, named) in [
            (json!({ "command": [] }), "command"),
            (json!({ "command": [""] }), "command"),
            (json!({ "command": ["a\u{0}b"] }), "command"),
            (json!({ "timeout_seconds": -1 }), "timeout_seconds"),
            (json!({ "timeout_seconds": 0 }), "timeout_seconds"),
            (json!({ "timeout_seconds": 3601 }), "timeout_seconds"),
            (json!({ "timeout_seconds": 60, "settle_seconds": 60 }), "settle_seconds"),
            (json!({ "timeout": 60 }), "timeout"),
            (json!({ "program": {} }), "program"),
        ] {
            let why = parse(&extra).map(drop).unwrap_err();
            assert!(why.contains(named), "{extra}: {why}");
        }
    }

    #[test]
    fn a_path_is_relative_to_etc_and_a_name_is_not() {
        let of = |word: &str| parse(&json!({ "command": [word] })).unwrap();
        let path = |word: &str| of(word).program.clone().unwrap().path(Path::new("/x/etc"));
        assert_eq!(path("bin/sell"), Path::new("/x/etc/bin/sell"));
        assert_eq!(path("/opt/sell"), Path::new("/opt/sell"));
        assert_eq!(path("sell"), Path::new("sell"));
    }
}
