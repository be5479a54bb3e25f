//! Servers of a hoster whose API is described as data: what to send, and what a reply means.
//!
//! Nothing here touches the order book: each part asks the hoster and says what it learned. The
//! worker writes it down before and after.

mod auth;
mod build;
mod call;
mod catalog;
mod create;
mod find;
mod judge;
mod lint;
mod list;
mod pairs;
mod poll;
mod preview;
mod recording;
mod redact;
mod remove;
mod sample;
mod scope;
mod steps;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::definition::http::Http;
use crate::error::Error;
use crate::expression::{Expressions, Fault};
use crate::http::Transport;
use crate::pace::Pacer;

pub(crate) use auth::check_keys;
#[cfg(any(test, fuzzing))]
pub(crate) use auth::fault_of_key;
pub(crate) use build::Built;
pub(crate) use call::is_base_url;
pub(crate) use catalog::{Choice, Cost};
pub(crate) use create::{Attempt, Outcome, Prepared};
pub(crate) use find::Look;
pub(crate) use lint::lint;
pub(crate) use poll::{Polled, Seen, first_ipv4};
pub(crate) use preview::{Shown, preview};
#[cfg(any(test, fuzzing))]
pub(crate) use recording::run_with as run_recording_with;
pub(super) use redact::Redactor;
pub(crate) use remove::{Presence, Removed};
pub(super) use sample::is_sample;
pub(crate) use scope::scope_of;

/// A hoster with an account, ready to be asked. Shared by the threads of a worker.
pub(crate) struct Hoster {
    pub(crate) definition: Arc<Http>,
    /// What stands before the paths, perhaps with expressions in it.
    pub(crate) base_url: String,
    pub(crate) expressions: Expressions,
    transport: Box<dyn Transport>,
    credentials: BTreeMap<String, Value>,
    /// The parameters where no order is at hand.
    usual: BTreeMap<String, Value>,
    pacer: Pacer,
    timeout: Duration,
    /// What the login saved last.
    session: Mutex<auth::Session>,
    redactor: Redactor,
    purpose: Purpose,
}

/// What requests are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be sent.
    Real,
    /// To be answered by recordings.
    Recorded,
    /// To be shown: nothing is known of what a login would yield.
    Shown,
}

/// Why a part of a definition came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trouble {
    /// It may pass by itself: ask again, not before that time has passed where one is given.
    Passing { why: String, wait: Option<Duration> },
    /// The hoster said no, with that status.
    Refused { status: u16, why: String },
    /// The definition and the hoster do not fit.
    Definition(String),
}

impl Trouble {
    fn passing(why: impl Into<String>) -> Self {
        Self::Passing { why: why.into(), wait: None }
    }

    /// Returns what is wrong, in words.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Passing { why, .. } | Self::Refused { why, .. } | Self::Definition(why) => why,
        }
    }

    /// Returns what a command for people says of it.
    pub(crate) fn error_of(self, title: &str, definition: &str) -> Error {
        let hoster = title.to_owned();
        match self {
            Self::Refused { why, .. } => Error::HosterRefused { hoster, problem: why },
            Self::Passing { why, .. } => Error::HosterUnreachable { hoster, problem: why },
            Self::Definition(problem) => {
                Error::DefinitionInvalid { name: definition.to_owned(), problem }
            }
        }
    }

    /// Returns how long the hoster wants not to be asked.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Passing { wait, .. } => *wait,
            Self::Refused { .. } | Self::Definition(_) => None,
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Definition(fault.to_string())
    }
}

impl Hoster {
    /// Makes a hoster out of its definition and what the configuration adds.
    pub(crate) fn new(
        definition: Arc<Http>,
        base_url: &str,
        credentials: BTreeMap<String, String>,
        transport: Box<dyn Transport>,
    ) -> Self {
        let pace = definition.pace;
        Self {
            expressions: Expressions::new(),
            transport,
            redactor: Redactor::new(credentials.values().cloned()),
            credentials: credentials.into_iter().map(|(name, text)| (name, text.into())).collect(),
            pacer: Pacer::new(Duration::from_secs_f64(pace.interval_seconds)),
            timeout: Duration::from_secs_f64(pace.timeout_seconds),
            session: Mutex::default(),
            purpose: Purpose::Real,
            usual: definition.example.parameters.clone(),
            definition,
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    /// Takes these parameters where no order is at hand, instead of those of the definition's
    /// example.
    #[must_use]
    pub(crate) fn with_usual(mut self, parameters: BTreeMap<String, Value>) -> Self {
        self.usual = parameters;
        self
    }

    /// Takes these parameters instead of the same ones that it would take where no order is at hand.
    #[must_use]
    pub(crate) fn choosing(mut self, chosen: BTreeMap<String, Value>) -> Self {
        self.usual.extend(chosen);
        self
    }

    /// Takes every secret that is known out of a text: of the account, and this one.
    pub(crate) fn redacted(&self, text: &str, password: Option<&str>) -> String {
        self.redactor.redact(text, password)
    }
}
