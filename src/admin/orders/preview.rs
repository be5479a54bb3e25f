//! `orders preview`: what an order would send, and nothing sent.

use std::fmt::Write as _;

use serde::Serialize;

use crate::admin::printed;
use crate::answer;
use crate::cli::Preview;
use crate::config::Config;
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::hoster::http::{self, Shown};

/// The answer to `orders preview --json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to orders preview --json", deny_unknown_fields))]
pub(crate) struct Requests {
    /// The requests, in their order. Capital letters stand for what is secret or not yet known.
    requests: Vec<Shown>,
}

pub(super) fn run(home: &Home, options: &Preview) -> Result<u8, Error> {
    home.require_holder()?;
    let config = Config::load(home)?;
    let configuration = config.configuration(&options.configuration)?;
    let requests = match definition::load(home, &config.definition)? {
        Definition::Inventory(_) => Vec::new(),
        Definition::Http(definition) => {
            let equipment = account::check(home, &config, configuration, &definition)?;
            let base_url = account::base_url(&config, &definition)
                .map_err(|problem| Error::ConfigurationInvalid { path: home.config(), problem })?;
            let parameters = configuration.parameters.clone();
            let given = config.credentials.keys().cloned().collect();
            http::preview(definition, &base_url, &given, parameters, equipment).map_err(
                |trouble| Error::DefinitionInvalid {
                    name: config.definition.clone(),
                    problem: trouble.why().to_owned(),
                },
            )?
        }
    };
    if options.output.json {
        return printed(answer::pretty_json(&Requests { requests }));
    }
    printed(answer::text(&text(&requests)))
}

fn text(requests: &[Shown]) -> String {
    if requests.is_empty() {
        return "an inventory sends no requests\n".to_owned();
    }
    let mut text = String::new();
    for Shown { step, method, url, headers, body } in requests {
        let _ = writeln!(text, "# {step}\n{method} {url}");
        for (name, value) in headers {
            let _ = writeln!(text, "{name}: {value}");
        }
        match body {
            serde_json::Value::Null => {}
            serde_json::Value::String(body) => {
                let _ = writeln!(text, "\n{body}");
            }
            tree => {
                let _ = writeln!(text, "\n{tree:#}");
            }
        }
        text.push('\n');
    }
    text
}
