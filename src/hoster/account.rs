//! What a configuration adds to a definition: address, credentials, trust. Reads files, no network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, Configuration};
use crate::definition::http::{Http, PasswordWay};
use crate::definition::parameters;
use crate::error::Error;
use crate::home::Home;
use crate::hoster::http::{Hoster, check_keys, is_base_url};
use crate::http::{Client, Options};
use crate::json::{self, nearest};
use crate::order::{Access, Equipment};
use crate::secret::Secret;
use crate::system::OPEN_AT_ONCE;
use crate::{password, public_key, user_data};

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
    let client = client(home, config).map_err(invalid)?;
    let hoster = Hoster::new(definition, &base_url, credentials, Box::new(client));
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
    client(home, config).map_err(invalid)?;
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

fn credentials(
    home: &Home,
    config: &Config,
    definition: &Http,
) -> Result<BTreeMap<String, String>, String> {
    for name in config.credentials.keys() {
        if !definition.credentials.contains_key(name) {
            let known = definition.credentials.keys().map(String::as_str);
            return Err(match nearest(name, known) {
                Some(known) => {
                    format!("credentials.{name}: unknown; did you mean `{known}`?")
                }
                None => format!("credentials.{name}: this hoster takes none"),
            });
        }
    }
    let mut all = BTreeMap::new();
    for (name, credential) in &definition.credentials {
        match config.credentials.get(name) {
            Some(text) => {
                let secret = text.read(home).map_err(|why| format!("credentials.{name}: {why}"))?;
                let secret = secret.expose().trim().to_owned();
                if secret.is_empty() {
                    return Err(format!("credentials.{name}: it is empty"));
                }
                all.insert(name.clone(), secret);
            }
            None if credential.optional => {}
            None => {
                let description = &credential.description;
                return Err(format!("credentials.{name} is missing: {description}"));
            }
        }
    }
    Ok(all)
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
