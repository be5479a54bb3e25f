//! A program that sells servers: it runs with our rights and gets the credentials, so whoever can
//! change it has both.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::Report;
use super::DEFINITION;
use crate::config::Config;
use crate::definition::command::Program;
use crate::definition::http::Http;
use crate::home::Home;
use crate::hoster::account;
use crate::system;

pub(super) fn look(
    home: &Home,
    config: &Config,
    http: &Http,
    program: &Program,
    report: &mut Report,
) {
    unused(config, report);
    match account::runnable(&program.path(&home.etc)) {
        Ok(path) => {
            owned(&path, report);
            if report.is_clean(DEFINITION) {
                let message = format!("{}: {}, {}", config.definition, http.title, path.display());
                report.ok(DEFINITION, message);
            }
        }
        Err(problem) => report.error(
            DEFINITION,
            problem,
            "install the program, make it executable, or correct `command`",
        ),
    }
}

/// Looks who can change the program, or put another in its place.
fn owned(path: &Path, report: &mut Report) {
    // A link is as good as what it leads to; its own folder counts as well.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folders = [path.parent(), real.parent()];
    for place in std::iter::once(real.as_path()).chain(folders.into_iter().flatten()) {
        let Ok(metadata) = place.metadata() else { continue };
        let (owner, mode) = (metadata.uid(), metadata.mode());
        let shown = place.display();
        if owner != 0 && owner != system::effective_uid() {
            let name = system::user_name(owner).unwrap_or_else(|| owner.to_string());
            let message = format!("{shown} belongs to {name}, who can replace the program");
            report.error(DEFINITION, message, "give it to root or to the provider's owner");
        }
        // A sticky folder keeps others from replacing what is not theirs.
        let sticky = metadata.is_dir() && mode & 0o1000 != 0;
        if mode & 0o022 != 0 && !sticky {
            let message = format!("{shown} has mode {:04o}: others can change it", mode & 0o7777);
            report.error(DEFINITION, message, "take the right to write away: chmod go-w");
        }
    }
}

/// What is written must have an effect, or be told to have none.
fn unused(config: &Config, report: &mut Report) {
    let written = [
        ("base_url", config.base_url.is_some()),
        ("tls", config.tls.is_some()),
        ("proxy", config.proxy.is_some()),
    ];
    let keys: Vec<&str> =
        written.iter().filter(|(_, written)| *written).map(|(key, _)| *key).collect();
    if !keys.is_empty() {
        let message = format!("without effect for a command: {}", keys.join(", "));
        report.warning("configuration", message, "remove them; the program gets `parameters`");
    }
}
