//! Webhooks of every kind, and a receiver of all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::hooks::SECRET;
use super::hoster::request::Seen;
use super::hoster::response::Response;
use super::plugin::Plugin;
use super::receiver::{Receiver, Reply};

/// A webhook.
pub(crate) struct Hook {
    pub(crate) name: &'static str,
    kind: &'static str,
    /// Whether its messages are signed; the others have a token.
    pub(crate) is_signed: bool,
    flags: &'static [&'static str],
    /// The status of the reply that means success.
    status: u16,
}

/// One of each kind: of some the bodies are laid down, of others messages are made anew of the event.
pub(crate) const HOOKS: [Hook; 6] = [
    Hook { name: "signed", kind: "generic", is_signed: true, flags: &[], status: 200 },
    Hook { name: OF_ALL, kind: "cloudstack", is_signed: true, flags: &[], status: 202 },
    Hook { name: "anew", kind: "solusvm2", is_signed: true, flags: &[], status: 200 },
    Hook {
        name: "azure",
        kind: "azure-pipelines",
        is_signed: false,
        flags: &["--organization", "an org", "--project", "a project", "--pipeline-id", "7"],
        status: 200,
    },
    Hook {
        name: "gitlab",
        kind: "gitlab-ci",
        is_signed: false,
        flags: &["--project-id", "group/project", "--ref", "main"],
        status: 201,
    },
    Hook {
        name: "own",
        kind: "template",
        is_signed: true,
        flags: &["--form", "text={{ event.type }} of {{ event.data.order.id }}"],
        status: 204,
    },
];

/// Those whose first message is not taken.
pub(crate) const REFUSED_ONCE: [&str; 2] = ["signed", OF_ALL];

/// The one that is told of more than how orders ended, where there is one.
pub(crate) const OF_ALL: &str = "cloud";

/// Gives a provider the webhooks, which are somewhere else for now.
pub(crate) fn add_hooks(plugin: &Plugin, schedule: &str) {
    let secret = plugin.private("hook.secret", SECRET);
    let token = plugin.private("hook.token", "PAT123");
    let nowhere = Receiver::answering(|_| Reply::status(500));
    for Hook { name, kind, is_signed, flags, .. } in HOOKS {
        let own = if is_signed { ["--secret-file", &secret] } else { ["--token-file", &token] };
        let usual = ["--schedule", schedule, "--timeout-seconds", "20"];
        plugin.hook(name, kind, &nowhere, &[&own[..], &usual, flags].concat());
    }
}

/// Starts a receiver of a provider's webhooks, which answers each as its kind has it: the first
/// message to some of them is not taken.
pub(crate) fn connect(plugin: &Plugin) -> Receiver {
    let refused = REFUSED_ONCE.map(|_| AtomicBool::new(false));
    let receiver = Receiver::answering(move |seen| {
        let hook = hook(seen);
        let at = REFUSED_ONCE.iter().position(|name| *name == hook.name);
        let first = at.is_some_and(|at| !refused[at].swap(true, Ordering::SeqCst));
        match hook.status {
            _ if first => Reply::status(500),
            204 => Reply::status(204),
            status => Reply::Answer(Response::json(status, &json!({ "id": 11 }))),
        }
    });
    plugin.edit_etc("webhooks.json", |file| {
        for hook in file["webhooks"].as_array_mut().expect("a list") {
            let name = hook["name"].as_str().expect("a name");
            hook["url"] = format!("{}/{name}", receiver.url()).into();
            hook["schedule"] = json!([0, 0.02, 0.02, 0.02]);
        }
    });
    receiver
}

/// Returns the webhook that a request is for.
pub(crate) fn hook(seen: &Seen) -> &'static Hook {
    let path = seen.path.split('?').next().unwrap_or_default();
    let is_named = |hook: &&Hook| path.split('/').any(|part| part == hook.name);
    HOOKS.iter().find(is_named).unwrap_or_else(|| panic!("for whom is {path}?"))
}

/// Returns the id of the event that a request tells of.
pub(crate) fn id(seen: &Seen) -> String {
    match hook(seen).kind {
        "azure-pipelines" => {
            let value = seen.json()["variables"]["WEBHOOK_ID"]["value"].clone();
            value.as_str().expect("an id").to_owned()
        }
        "gitlab-ci" => {
            // As a query is: there it can be decoded.
            let body = String::from_utf8(seen.body.clone()).expect("a form is text");
            let body = body.replace("%5B", "[").replace("%5D", "]");
            let form = Seen { path: format!("/?{body}"), ..seen.clone() };
            form.query("variables[WEBHOOK_ID]").expect("an id")
        }
        _ => seen.headers["webhook-id"].clone(),
    }
}
