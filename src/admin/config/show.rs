//! `config show`: what holds, with defaults, without secrets.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::set::read;
use crate::admin::catalog::worth;
use crate::admin::{become_owner, printed};
use crate::answer;
use crate::cli::Output;
use crate::config::{Config, defaults};
use crate::definition::http::Http;
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::retention::PASSWORD_DAYS;
use crate::system::OPEN_AT_ONCE;

/// What stands in the place of a secret.
const HIDDEN: &str = "HIDDEN";

/// The keys of the file, in the order of its description.
const ORDER: [&str; 17] = [
    "$schema",
    "status",
    "definition",
    "base_url",
    "credentials",
    "configurations",
    "limits",
    "ready",
    "access",
    "public_key",
    "address",
    "worker",
    "tls",
    "proxy",
    "webhooks",
    "retention",
    "account",
];

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    File,
    Default,
    Definition,
}

/// A value under the key that `config set` takes; none where nothing holds, as an absent limit.
struct Row {
    key: String,
    value: Option<Value>,
    from: Source,
}

/// The whole, and how it came about.
struct Effective {
    whole: Map<String, Value>,
    rows: Vec<Row>,
}

pub(super) fn run(home: &Home, output: &Output) -> Result<u8, Error> {
    become_owner(home)?;
    let config = Config::load(home)?;
    let file = serde_json::from_str(&read(&home.config(), OPEN_AT_ONCE)?).unwrap_or_default();
    let definition = definition::load(home, &config.definition);
    if let Err(error) = &definition {
        answer::complain(&format!("without what the definition adds: {error}"));
    }
    let effective = Effective::of(file, definition.ok().as_ref());
    if output.json {
        return printed(answer::pretty_json(&Ordered(&effective.whole)));
    }
    let mut text = String::new();
    for Row { key, value, from } in &effective.rows {
        let value = value.as_ref().map_or_else(|| "none".to_owned(), worth);
        let from = match from {
            Source::File => "",
            Source::Default => " (default)",
            Source::Definition => " (of the definition)",
        };
        let _ = writeln!(text, "{key}: {value}{from}");
    }
    printed(answer::text(&text))
}

impl Effective {
    fn of(mut file: Map<String, Value>, definition: Option<&Definition>) -> Self {
        let http = match definition {
            Some(Definition::Http(http)) => Some(&**http),
            _ => None,
        };
        let inventory = matches!(definition, Some(Definition::Inventory(_)));
        hide(&mut file);
        let mut all = Self { whole: Map::new(), rows: Vec::new() };
        for key in ORDER {
            let written = file.remove(key).filter(|value| !value.is_null() || key == "ready");
            match key {
                "configurations" => all.configurations(written, http),
                "base_url" => {
                    let own = http.and_then(|http| http.base_url.clone()).map(Value::from);
                    all.single(key, written, own, Source::Definition);
                }
                "credentials" | "account" => all.section(key, written, Vec::new()),
                "ready" if written == Some(Value::Null) => {
                    all.single(key, written, None, Source::Default);
                }
                _ => match preset(key) {
                    // What has no effect for an inventory is not told of unless it is written.
                    _ if inventory && written.is_none() && is_for_hosters(key) => {}
                    Preset::One(value) => all.single(key, written, value, Source::Default),
                    Preset::Section(presets) => all.section(key, written, presets),
                },
            }
        }
        all
    }

    fn single(
        &mut self,
        key: &str,
        written: Option<Value>,
        otherwise: Option<Value>,
        from: Source,
    ) {
        let from = if written.is_some() { Source::File } else { from };
        if let Some(value) = written.or(otherwise) {
            self.whole.insert(key.to_owned(), value.clone());
            self.rows.push(Row { key: key.to_owned(), value: Some(value), from });
        }
    }

    fn section(&mut self, key: &str, written: Option<Value>, presets: Vec<(&str, Option<Value>)>) {
        let mut section = into_object(written);
        section.retain(|_, value| !value.is_null());
        for (name, value) in &section {
            let key = format!("{key}.{name}");
            self.rows.push(Row { key, value: Some(value.clone()), from: Source::File });
        }
        for (name, value) in presets {
            if section.contains_key(name) {
                continue;
            }
            let row =
                Row { key: format!("{key}.{name}"), value: value.clone(), from: Source::Default };
            self.rows.push(row);
            if let Some(value) = value {
                section.insert(name.to_owned(), value);
            }
        }
        if !section.is_empty() {
            self.whole.insert(key.to_owned(), Value::Object(section));
        }
    }

    fn configurations(&mut self, written: Option<Value>, http: Option<&Http>) {
        let mut all = Vec::new();
        for mut one in
            written.and_then(into_list).unwrap_or_default().into_iter().map(into_object_of)
        {
            let id = one.get("id").map(worth).unwrap_or_default();
            let mut parameters = into_object(one.remove("parameters"));
            let add = |key: String, value: &Value, from| Row {
                key: format!("configurations.{id}.{key}"),
                value: Some(value.clone()),
                from,
            };
            one.retain(|_, value| !value.is_null());
            self.rows.extend(one.iter().map(|(key, value)| add(key.clone(), value, Source::File)));
            let named = |name: &str| format!("parameters.{name}");
            let given =
                parameters.iter().map(|(name, value)| add(named(name), value, Source::File));
            self.rows.extend(given.collect::<Vec<_>>());
            for (name, parameter) in http.into_iter().flat_map(|http| &http.parameters) {
                if let Some(value) = parameter.default.as_ref()
                    && !parameters.contains_key(name)
                {
                    self.rows.push(add(named(name), value, Source::Definition));
                    parameters.insert(name.clone(), value.clone());
                }
            }
            if !parameters.is_empty() {
                one.insert("parameters".to_owned(), Value::Object(parameters));
            }
            all.push(Value::Object(one));
        }
        self.whole.insert("configurations".to_owned(), Value::Array(all));
    }
}

/// What holds where a key is absent.
enum Preset {
    One(Option<Value>),
    Section(Vec<(&'static str, Option<Value>)>),
}

fn preset(key: &str) -> Preset {
    match key {
        "status" => Preset::One(Some(json!("enabled"))),
        "definition" => Preset::One(Some(json!("inventory"))),
        "access" => Preset::One(Some(json!("password"))),
        "address" => Preset::One(Some(json!("public"))),
        "limits" => Preset::Section(vec![
            ("open_orders", None),
            ("orders_per_day", None),
            ("order_timeout_seconds", Some(seconds(defaults::ORDER_TIMEOUT_SECONDS))),
        ]),
        "ready" => Preset::Section(vec![
            ("ssh_port", Some(json!(defaults::SSH_PORT))),
            ("timeout_seconds", Some(seconds(defaults::READY_SECONDS))),
            ("known_hosts", Some(json!(true))),
            ("login", Some(json!(false))),
        ]),
        "worker" => Preset::Section(vec![
            ("poll_seconds", Some(seconds(defaults::POLL_SECONDS))),
            ("threads", Some(json!(defaults::THREADS))),
        ]),
        "tls" => Preset::Section(vec![("verify", Some(json!(true)))]),
        "webhooks" => Preset::Section(vec![
            ("threads", Some(json!(defaults::DELIVERIES_AT_ONCE))),
            ("allow", Some(json!([]))),
            ("deny", Some(json!([]))),
        ]),
        "retention" => Preset::Section(vec![
            ("orders_days", None),
            ("password_days", Some(json!(PASSWORD_DAYS))),
            ("deliveries_per_webhook", Some(json!(defaults::DELIVERIES_KEPT))),
        ]),
        _ => Preset::One(None),
    }
}

/// Returns whether a key has no effect for servers that exist already.
fn is_for_hosters(key: &str) -> bool {
    ["ready", "access", "address", "tls"].contains(&key)
}

/// Returns a number of seconds, without a fraction where it has none.
fn seconds(value: f64) -> Value {
    serde_json::from_str(&value.to_string()).unwrap_or(Value::Null)
}

/// Puts [`HIDDEN`] where a secret stands; the file that holds one stays.
fn hide(file: &mut Map<String, Value>) {
    let hidden = |text: &mut Value| {
        if text.is_string() {
            *text = HIDDEN.into();
        }
    };
    let credentials = file.get_mut("credentials").and_then(Value::as_object_mut);
    credentials.into_iter().flat_map(Map::values_mut).for_each(hidden);
    let configurations = file.get_mut("configurations").and_then(Value::as_array_mut);
    let user_data = configurations.into_iter().flatten().filter_map(|one| one.get_mut("user_data"));
    user_data.for_each(hidden);
    if let Some(Value::String(proxy)) = file.get_mut("proxy")
        && let Some((before, host)) = proxy.rsplit_once('@')
    {
        let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
        *proxy = format!("{scheme}://{HIDDEN}@{host}");
    }
}

fn into_object(value: Option<Value>) -> Map<String, Value> {
    value.map(into_object_of).unwrap_or_default()
}

fn into_object_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn into_list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        _ => None,
    }
}

/// The whole, its keys in their order.
struct Ordered<'a>(&'a Map<String, Value>);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = ORDER.iter().filter_map(|key| Some((*key, self.0.get(*key)?)));
        serializer.collect_map(present)
    }
}
