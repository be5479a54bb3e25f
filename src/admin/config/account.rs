//! Where `config init` finds the hoster, and what proves to it who we are.

use std::collections::BTreeMap;

use super::ask::{self, Dialog};
use super::file_name;
use crate::admin::webhooks::file_secret;
use crate::cli::Init;
use crate::config::{InFile, Text};
use crate::definition::http::Http;
use crate::error::Error;
use crate::home::Home;
use crate::json::nearest;
use crate::name;
use crate::secret::Secret;

/// Files of `etc/` that have another meaning.
const TAKEN: [&str; 4] = ["config.lock", "inventory.json", "webhooks.json", "webhooks.lock"];

/// An account at a hoster.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Where the hoster's API is; absent: as the definition says.
    pub(super) base_url: Option<String>,
    credentials: BTreeMap<String, Credential>,
}

/// A credential and the file, in `etc/`, that is to hold it or does.
#[derive(Debug)]
struct Credential {
    secret: Secret,
    file: String,
    is_new: bool,
}

impl Account {
    /// The secrets themselves, for a configuration that is never written.
    pub(super) fn exposed(&self) -> BTreeMap<&String, &str> {
        self.credentials.iter().map(|(name, one)| (name, one.secret.expose())).collect()
    }

    /// The credentials as the file names them.
    pub(super) fn named(&self) -> BTreeMap<String, InFile> {
        let named =
            |(name, one): (&String, &Credential)| (name.clone(), InFile { file: one.file.clone() });
        self.credentials.iter().map(named).collect()
    }

    /// The files that have to be written.
    pub(super) fn new_files(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let new = self.credentials.values().filter(|one| one.is_new);
        new.map(|one| (one.file.as_str(), &one.secret))
    }
}

/// Reads the files that flags name, as whoever started the process.
///
/// # Errors
/// `usage`, naming the flag, the file and the fault, never what is in it.
pub(super) fn read(options: &Init) -> Result<BTreeMap<String, Secret>, Error> {
    if options.credential.iter().filter(|(_, file)| file == "-").count() > 1 {
        return Err(Error::usage(
            "standard input can be one file only: there is more than one `-`",
        ));
    }
    let mut all = BTreeMap::new();
    for (name, file) in &options.credential {
        if all.insert(name.clone(), file_secret("--credential", file)?).is_some() {
            return Err(Error::usage(format!("--credential: `{name}` is given twice")));
        }
    }
    Ok(all)
}

/// Asks for what is neither given nor there already.
///
/// # Errors
/// `usage`, naming every flag that is missing, or a credential that the hoster does not take.
pub(super) fn ask(
    home: &Home,
    options: &Init,
    dialog: &Dialog,
    http: &Http,
    mut given: BTreeMap<String, Secret>,
) -> Result<Account, Error> {
    let mut missing = Vec::new();
    let mut account = Account { base_url: options.base_url.clone(), ..Account::default() };
    if account.base_url.is_none() && http.base_url.is_none() {
        if dialog.asks {
            let what = format!("address of {} (https://HOST/…)", http.title);
            account.base_url = Some(ask::line(&format!("{what}: "))?);
        } else {
            missing.push("--base-url URL".to_owned());
        }
    }
    for (name, credential) in &http.credentials {
        let file = file_of(home, options, name)?;
        let there = Text::File(InFile { file: file.clone() }).read(home).ok();
        let typed = match given.remove(name) {
            Some(given) => Some(given),
            None if dialog.asks => {
                dialog.say(&format!("\n{name}: {}", credential.description));
                asked(dialog, name, credential.optional, there.is_some())?
            }
            None => None,
        };
        let is_new = typed.is_some();
        match typed.or(there) {
            Some(secret) => {
                account.credentials.insert(name.clone(), Credential { secret, file, is_new });
            }
            None if credential.optional => {}
            None => missing.push(format!("--credential {name}=FILE")),
        }
    }
    let any = http.program.as_ref().is_some_and(|program| program.any_credentials);
    for (name, secret) in given {
        if !any {
            return Err(unknown(&name, http));
        }
        let file = file_of(home, options, &name)?;
        account.credentials.insert(name, Credential { secret, file, is_new: true });
    }
    if missing.is_empty() {
        return Ok(account);
    }
    Err(Error::usage(format!("{} needs {}", http.title, missing.join(" and "))))
}

/// Asks for one credential.
fn asked(
    dialog: &Dialog,
    name: &str,
    optional: bool,
    is_there: bool,
) -> Result<Option<Secret>, Error> {
    let enter = match (is_there, optional) {
        (true, _) => "; Enter keeps the one that is there",
        (false, true) => "; Enter: none",
        (false, false) => "",
    };
    loop {
        let what = format!("{name} (it is not shown; @FILE reads a file{enter})");
        let typed = ask::secret(&what)?;
        let read = match &typed {
            Some(text) => match text.expose().strip_prefix('@') {
                Some(file) => file_secret(name, file).map(Some),
                None => Ok(typed),
            },
            None => Ok(None),
        };
        match read {
            Ok(None) if !optional && !is_there => dialog.say(&format!("{name} is needed")),
            Ok(secret) => return Ok(secret),
            Err(error) => dialog.say(&error.to_string()),
        }
    }
}

/// Returns the file that holds a credential: named after the definition, so that another hoster's is
/// another's.
fn file_of(home: &Home, options: &Init, name: &str) -> Result<String, Error> {
    let definition = &options.definition;
    let last = definition.rsplit('/').next().unwrap_or(definition);
    let stem = last.strip_suffix(".json").unwrap_or(last);
    let file = format!("{stem}.{name}");
    if !name::is_safe(name) || !name::is_safe(stem) {
        return Err(Error::usage(format!("`{file}` cannot be a file's name: {}", name::RULE)));
    }
    let is_taken = TAKEN.contains(&file.as_str()) || file == last || file == file_name(home);
    Ok(if is_taken { format!("{file}.secret") } else { file })
}

fn unknown(name: &str, http: &Http) -> Error {
    Error::usage(match nearest(name, http.credentials.keys().map(String::as_str)) {
        Some(known) => format!("--credential {name}: unknown; did you mean `{known}`?"),
        None => format!("--credential {name}: {} takes none", http.title),
    })
}
