//! The hoster: its definition on recorded replies, and the account by a harmless question.

mod program;

use std::sync::Arc;

use super::Report;
use crate::config::Config;
use crate::definition;
use crate::definition::http::{Http, PasswordWay};
use crate::home::Home;
use crate::hoster::account;
use crate::hoster::http::{Hoster, Trouble, lint};
use crate::order::Access;
use crate::{clock, public_key};

const DEFINITION: &str = "definition";
const ACCOUNT: &str = "account";
const POOL: &str = "pool";

/// By how many seconds this machine's clock may differ from the hoster's.
const CLOCK_SECONDS: u64 = 60;

pub(super) fn look(home: &Home, config: &Config, http: Arc<Http>, report: &mut Report) {
    if let Some(program) = &http.program {
        program::look(home, config, &http, program, report);
    } else {
        linted(home, config, &http, report);
        trusted(config, &http, report);
    }
    limited(config, report);
    pool(config, &http, report);
    let cure =
        format!("correct the file; `config init {}` asks for what it needs", config.definition);
    for configuration in &config.configurations {
        if let Err(error) = account::check(home, config, configuration, &http) {
            return report.error("configuration", error.to_string(), &cure);
        }
    }
    match account::open(home, config, http) {
        Ok(hoster) => asked(&hoster, report),
        Err(error) => report.error("configuration", error.to_string(), &cure),
    }
}

fn linted(home: &Home, config: &Config, http: &Http, report: &mut Report) {
    let Ok(bytes) = definition::text(home, &config.definition) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let carries_key = ["order.public_key", "order.user_data"].iter().any(|one| text.contains(one));
    if config.access == Access::Key && !carries_key {
        let message = "no request carries the pool's public key: the server has it only where a \
             parameter names a key that the hoster knows";
        report.warning(POOL, message, "upload the key to the hoster and name it in the parameters");
    }
    for problem in lint(http, &bytes) {
        report.warning(DEFINITION, problem, "correct the definition; docs/definitions.md helps");
    }
    if report.is_clean(DEFINITION) {
        report.ok(DEFINITION, format!("{}: {}", config.definition, http.title));
    }
}

/// Whom we talk to, and whether anybody else can listen.
fn trusted(config: &Config, http: &Http, report: &mut Report) {
    if config.tls.as_ref().and_then(|tls| tls.verify) == Some(false) {
        report.warning(
            ACCOUNT,
            "`tls.verify` is false: whoever is in between can read the credentials and sell servers",
            "name the certificate's issuer by `tls.ca_file` instead",
        );
    }
    let plain = account::base_url(config, http)
        .ok()
        .and_then(|url| Some(url.strip_prefix("http://")?.to_owned()));
    if let Some(rest) = plain
        && !["127.0.0.1", "localhost", "[::1]"].iter().any(|host| rest.starts_with(host))
    {
        let message = "`base_url` begins with http://: the credentials are sent in the clear";
        report.warning(ACCOUNT, message, "use https://");
    }
}

fn limited(config: &Config, report: &mut Report) {
    if config.limits.open_orders.is_none() && config.limits.orders_per_day.is_none() {
        let message = "no limit on what is bought: a fault in a script may order without end";
        report.warning(ACCOUNT, message, "set `limits.open_orders` and `limits.orders_per_day`");
    }
}

/// What keeps the panel from getting into a server that is ready.
fn pool(config: &Config, http: &Http, report: &mut Report) {
    if config.access == Access::Password && http.password == PasswordWay::Reply {
        let message = format!(
            "{} chooses the root password, and the panel's script takes letters and digits only",
            http.title
        );
        report.warning(POOL, message, "set `access` to `key`");
    }
    if config.access == Access::Key && config.public_key.is_none() {
        match public_key::pool_key(account::ANSIBLE.as_ref()) {
            Ok(_) => report.ok(POOL, "the pool's public key is found"),
            Err(why) => report.error(POOL, why, "name the key by `public_key`"),
        }
    }
    let ready = match &config.ready {
        Some(None) => {
            let message = format!(
                "`ready` is null: {} calls a server ready before the pool can log in, and the panel \
                 tries only once",
                http.title
            );
            return report.warning(POOL, message, "remove `ready`, or say what a server must show");
        }
        Some(Some(ready)) => ready.known_hosts,
        None => None,
    };
    if ready == Some(false) {
        let message = "`ready.known_hosts` is false: newer releases of ssh ask a question that the \
             panel's script cannot answer";
        return report.warning(POOL, message, "set it to true");
    }
    for program in ["ssh-keygen", "ssh-keyscan"] {
        let found = crate::process::PATH
            .split(':')
            .any(|folder| std::path::Path::new(folder).join(program).exists());
        if !found {
            let message = format!("{program} is not installed: no server ever becomes ready");
            report.error(POOL, message, "install OpenSSH's clients");
        }
    }
}

fn asked(hoster: &Hoster, report: &mut Report) {
    let title = &hoster.definition.title;
    match hoster.probe() {
        Ok(date) => {
            let what = if hoster.definition.program.is_some() {
                "answers"
            } else {
                "takes the credentials"
            };
            report.ok(ACCOUNT, format!("{title} {what}"));
            clock_of(date.as_deref(), report);
        }
        Err(Trouble::Refused { why, .. }) => {
            let message = format!("{title} refused: {why}");
            return report.error(ACCOUNT, message, "correct `credentials`");
        }
        Err(trouble) => {
            let message = format!("{title} cannot be asked: {}", trouble.why());
            let cure = match hoster.definition.program {
                Some(_) => "mend the program; docs/command.md says what it has to answer",
                None if trouble.why().contains("certificate") => {
                    "have it renewed, set this machine's clock, or name its issuer by `tls.ca_file`"
                }
                None => "look at network, `base_url`, `proxy` and `tls`",
            };
            return report.error(ACCOUNT, message, cure);
        }
    }
    if let Err(trouble) = hoster.configurations() {
        let message = format!("`catalog`: {}", trouble.why());
        report.warning(ACCOUNT, message, "mend the program, or write \"catalog\": false");
    }
    match hoster.balance() {
        Ok(Some(left)) => {
            report.ok("balance", format!("{} {}", left.amount, left.currency).trim().to_owned());
        }
        Ok(None) => {}
        Err(trouble) => {
            report.warning("balance", trouble.why(), "look at it in the hoster's panel");
        }
    }
}

fn clock_of(date: Option<&str>, report: &mut Report) {
    let Some(theirs) = date.and_then(crate::pace::http_date) else { return };
    let ours = clock::now();
    let apart = clock::seconds_between(theirs, ours).max(clock::seconds_between(ours, theirs));
    if apart > CLOCK_SECONDS {
        report.warning(
            "clock",
            format!("the hoster's clock and this machine's are {apart} s apart"),
            "set this machine's clock by NTP: deadlines and signatures depend on it",
        );
    } else {
        report.ok("clock", "as the hoster's");
    }
}
