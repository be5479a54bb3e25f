//! What a configuration adds to a definition: address, credentials, trust. Reads files, no network.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Configuration, Text};
use crate::definition::http::{Credential, Http, PasswordWay};
use crate::definition::parameters;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::command::Caller;
use crate::hoster::http::{Hoster, check_keys, is_base_url};
use crate::http::{Client, Options, Transport};
use crate::json::{self, nearest};
use crate::order::{Access, Equipment};
use crate::secret::Secret;
use crate::store::Store;
use crate::system::OPEN_AT_ONCE;
use crate::{password, process, public_key, user_data};

/// Where the panel keeps the name of its own key pair.
pub(crate) const ANSIBLE: &str = "/etc/ansible/ansible.cfg";

/// A host name as long as one of an order.
const SAMPLE: &str = "webdir-1000000000-0123456789ab";

/// Makes a hoster that can be asked.
///
/// # Errors
/// `configuration_invalid`, naming the key and the fault.
pub(crate) fn open(home: &Home, config: &Config, definition: Arc<Http>) -> Result<Hoster, Error> {
    let invalid = |problem| Error::ConfigurationInvalid { path: home.config(), problem };
    let base_url = base_url(config, &definition).map_err(invalid)?;
    let credentials = credentials(home, config, &definition).map_err(invalid)?;
    let transport: Box<dyn Transport> = match &definition.program {
        Some(program) => {
            let arguments = program.words.get(1..).unwrap_or_default();
            let path = program.path(&home.etc);
            Box::new(Caller::new(path, arguments, Store::of(home), &credentials))
        }
        None => Box::new(client(home, config).map_err(invalid)?),
    };
    let hoster = Hoster::new(definition, &base_url, credentials, transport);
    Ok(match config.configurations.first() {
        Some(first) => hoster.with_usual(first.parameters.clone()),
        None => hoster,
    })
}

/// Checks all that an order of `configuration` rests on, without asking anybody, and returns what
/// its server is to be bought with.
///
/// # Errors
/// `configuration_invalid`, naming the key and the fault.
pub(crate) fn check(
    home: &Home,
    config: &Config,
    configuration: &Configuration,
    definition: &Http,
) -> Result<Equipment, Error> {
    let invalid = |problem| Error::ConfigurationInvalid { path: home.config(), problem };
    base_url(config, definition).map_err(invalid)?;
    let credentials = credentials(home, config, definition).map_err(invalid)?;
    check_keys(definition, &credentials).map_err(invalid)?;
    match &definition.program {
        Some(program) => runnable(&program.path(&home.etc)).map(drop).map_err(|problem| {
            Error::DefinitionInvalid { name: config.definition.clone(), problem }
        })?,
        None => drop(client(home, config).map_err(invalid)?),
    }
    let id = &configuration.id;
    let place = |problem: String| invalid(format!("configuration `{id}`: {problem}"));
    parameters::check(definition, &configuration.parameters).map_err(place)?;
    let user_data = match &configuration.user_data {
        Some(text) => Some(text.read(home).map_err(|why| place(format!("user_data: {why}")))?),
        None => None,
    };
    let public_key = match config.access {
        Access::Key => Some(key_of_the_pool(home, config).map_err(invalid)?),
        Access::Password => None,
    };
    let password = password::generate().map_err(|problem| Error::Internal { problem })?;
    let way = match &public_key {
        Some(key) => user_data::Access::Key(key),
        None => user_data::Access::Password(password.expose()),
    };
    user_data::compose(way, SAMPLE, user_data.as_ref().map(Secret::expose))
        .map_err(|why| place(format!("user_data: {why}")))?;
    let password = match definition.password {
        PasswordWay::Request | PasswordWay::CloudInit => Some(password),
        // It is not known before the hoster tells.
        PasswordWay::Reply => None,
        PasswordWay::None if config.access == Access::Key => None,
        PasswordWay::None => {
            let title = &definition.title;
            return Err(invalid(format!(
                "access: {title} gives no way to a root password, so this must be `key`"
            )));
        }
    };
    Ok(Equipment { access: config.access, password, public_key, user_data })
}

/// Returns what stands before the paths.
pub(crate) fn base_url(config: &Config, definition: &Http) -> Result<String, String> {
    if let Some(address) = definition.base_url.as_ref().filter(|_| definition.program.is_some()) {
        return Ok(address.clone());
    }
    let known = config.base_url.as_ref().or(definition.base_url.as_ref());
    let url = known.ok_or_else(|| {
        format!("base_url: {} has an address of its own for each installation", definition.title)
    })?;
    // One that holds expressions is looked at when it is evaluated.
    if is_base_url(url) || url.contains("{{") {
        return Ok(url.clone());
    }
    // The text may hold a password; it is not repeated.
    Err("base_url: `https://HOST/…` was expected, without user, `?` and `#`".to_owned())
}

fn client(home: &Home, config: &Config) -> Result<Client, String> {
    let tls = config.tls.as_ref();
    let ca = match tls.and_then(|tls| tls.ca_file.as_ref()) {
        Some(file) => {
            Some(read(&home.etc.join(file)).map_err(|why| format!("tls.ca_file: {why}"))?)
        }
        None => None,
    };
    let verify = tls.and_then(|tls| tls.verify).unwrap_or(true);
    let proxy = config.proxy.clone();
    let place = if proxy.is_some() { "proxy" } else { "tls" };
    Client::new(&Options { ca, verify, proxy, refuses: None })
        .map_err(|why| format!("{place}: {why}"))
}

/// Says which credential a configuration has that its hoster does not know.
pub(crate) fn unknown_credential(config: &Config, definition: &Http) -> Option<String> {
    let any = definition.program.as_ref().is_some_and(|program| program.any_credentials);
    let known = |name: &String| any || definition.credentials.contains_key(name);
    let name = config.credentials.keys().find(|name| !known(name))?;
    let nearest = nearest(name, definition.credentials.keys().map(String::as_str));
    Some(match nearest {
        Some(nearest) => format!("credentials.{name}: unknown; did you mean `{nearest}`?"),
        None => format!("credentials.{name}: this hoster takes none"),
    })
}

/// Says which credential a configuration must have and has not.
pub(crate) fn missing_credential(config: &Config, definition: &Http) -> Option<String> {
    let given = |name: &String| config.credentials.contains_key(name);
    let mut all = definition.credentials.iter();
    let (name, Credential { description, .. }) =
        all.find(|(name, credential)| !credential.optional && !given(name))?;
    Some(format!("credentials.{name} is missing: {description}"))
}

fn credentials(
    home: &Home,
    config: &Config,
    definition: &Http,
) -> Result<BTreeMap<String, String>, String> {
    let wrong = unknown_credential(config, definition);
    if let Some(problem) = wrong.or_else(|| missing_credential(config, definition)) {
        return Err(problem);
    }
    let read = |(name, text): (&String, &Text)| {
        let secret = text.read(home).map_err(|why| format!("credentials.{name}: {why}"))?;
        let secret = secret.expose().trim().to_owned();
        if secret.is_empty() {
            return Err(format!("credentials.{name}: it is empty"));
        }
        Ok((name.clone(), secret))
    };
    config.credentials.iter().map(read).collect()
}

fn key_of_the_pool(home: &Home, config: &Config) -> Result<String, String> {
    match &config.public_key {
        Some(text) => {
            let key = text.read(home).map_err(|why| format!("public_key: {why}"))?;
            public_key::check(key.expose()).map_err(|why| format!("public_key: {why}"))
        }
        None => public_key::pool_key(ANSIBLE.as_ref()).map_err(|why| {
            format!("`access` is `key`, `public_key` is missing, and the panel's own: {why}")
        }),
    }
}

/// Returns the file that a program is, where it can be run.
///
/// # Errors
/// A sentence that names the file and the fault.
pub(crate) fn runnable(program: &Path) -> Result<PathBuf, String> {
    let by_name = program.components().count() == 1 && program.is_relative();
    let found = |path: &PathBuf| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if by_name {
        let all = process::PATH.split(':').map(|folder| Path::new(folder).join(program));
        return all.into_iter().find(found).ok_or_else(|| {
            format!("command: no program `{}` in {}", program.display(), process::PATH)
        });
    }
    let path = program.to_owned();
    match path.metadata() {
        Err(error) => Err(format!("command: {}: {error}", path.display())),
        Ok(_) if found(&path) => Ok(path),
        Ok(_) => Err(format!("command: {} is no executable file", path.display())),
    }
}

/// Returns the files that an account is made of besides the configuration, to notice when one changes.
pub(crate) fn files(home: &Home, config: &Config) -> Vec<PathBuf> {
    let credentials = config.credentials.values().filter_map(|text| text.file(home));
    let ca = config.tls.as_ref().and_then(|tls| tls.ca_file.as_ref());
    let definition = config.definition.contains('/').then(|| home.etc.join(&config.definition));
    let ca = ca.map(|file| home.etc.join(file));
    credentials.chain(ca).chain(definition).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    json::read_file(path, OPEN_AT_ONCE, json::LARGEST)
        .map(|(bytes, _)| bytes)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
