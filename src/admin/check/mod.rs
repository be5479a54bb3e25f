//! `check`: look for whatever is wrong, and say how to mend it. All findings, then one status.

mod account;
mod clock;
mod files;
mod hoster;
mod place;
mod state;
mod webhooks;
mod worker;

use std::fmt::Write as _;

use serde::Serialize;

use super::{become_owner, printed};
use crate::cli::Check;
use crate::error::Error;
use crate::home::Home;
use crate::store::Store;
use crate::{answer, system};

/// The exit status where an error was found.
const FOUND: u8 = 1;

/// The answer to `check --json`.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to check --json", deny_unknown_fields))]
pub(crate) struct Report {
    /// What was looked at, and what was found.
    findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Finding {
    /// What was looked at.
    subject: &'static str,
    /// How it is.
    level: Level,
    /// What was found.
    message: String,
    /// How to mend it; null where nothing needs mending.
    cure: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as safely or as well as it could.
    Warning,
    /// Orders fail, or secrets are open.
    Error,
}

impl Report {
    fn ok(&mut self, subject: &'static str, message: impl Into<String>) {
        self.add(subject, Level::Ok, message.into(), None);
    }

    fn warning(&mut self, subject: &'static str, message: impl Into<String>, cure: &str) {
        self.add(subject, Level::Warning, message.into(), Some(cure.to_owned()));
    }

    fn error(&mut self, subject: &'static str, message: impl Into<String>, cure: &str) {
        self.add(subject, Level::Error, message.into(), Some(cure.to_owned()));
    }

    fn add(&mut self, subject: &'static str, level: Level, message: String, cure: Option<String>) {
        self.findings.push(Finding { subject, level, message, cure });
    }

    /// Returns whether nothing but good was found about a subject.
    fn is_clean(&self, subject: &str) -> bool {
        self.findings.iter().all(|finding| finding.subject != subject || finding.level == Level::Ok)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Finding { subject, level, message, cure } in &self.findings {
            let word = match level {
                Level::Ok => "ok",
                Level::Warning => "WARNING",
                Level::Error => "ERROR",
            };
            let _ = writeln!(text, "{word:<8} {subject}: {message}");
            if let Some(cure) = cure {
                let _ = writeln!(text, "         cure: {cure}");
            }
        }
        text
    }
}

/// Runs every check; returns the exit status.
pub(super) fn run(home: &Home, options: &Check) -> Result<u8, Error> {
    let holder = home.require_holder()?;
    let mut report = Report::default();
    if !holder.is_dir() {
        let message = format!("there is no directory {}", holder.display());
        report.error("holder", message, "install the provider with install.sh");
        return finish(&report, options);
    }
    if options.fix {
        files::mend(home, holder, &mut report)?;
    }
    files::owner(holder, system::effective_uid(), &mut report);
    place::look(home, holder, &mut report);
    become_owner(home)?;
    files::executable(home, &mut report);
    files::permissions(home, holder, &mut report);
    account::look(home, &mut report);
    let store = Store::of(home);
    state::look(home, &store, &mut report);
    webhooks::look(home, &store, &mut report);
    finish(&report, options)
}

fn finish(report: &Report, options: &Check) -> Result<u8, Error> {
    if options.output.json {
        printed(answer::pretty_json(report))?;
    } else {
        printed(answer::text(&report.text()))?;
    }
    let found = report.findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if found { FOUND } else { 0 })
}
