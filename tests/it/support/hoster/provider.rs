//! Providers that sell what a hoster of the tests sells.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::{Hoster, LOGIN_PASSWORD, PRIVATE_KEY, TOKEN, USER};
use crate::support::hand::read;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// The definitions of the tests' hoster.
pub(crate) const DEFINITIONS: [&str; 9] = [
    "fake-unique",
    "fake-plain",
    "fake-token",
    "fake-login",
    "fake-three-steps",
    "fake-chain",
    "fake-jwt",
    "fake-cloudstack",
    "fake-sigv4",
];

/// The built-in definitions whose API the tests' hoster speaks.
pub(crate) const VENDORS: [&str; 3] = ["cloudstack", "ec2", "openstack"];

impl Plugin {
    /// Installs a provider that sells configuration `1` of a hoster, by one of [`DEFINITIONS`]
    /// or [`VENDORS`].
    pub(crate) fn with_hoster(hoster: &Hoster, definition: &str) -> Self {
        let plugin = Self::installed();
        plugin.connect(hoster, definition);
        plugin
    }

    /// Makes this provider sell configuration `1` of a hoster: the copies of a sweep need one each.
    pub(crate) fn connect(&self, hoster: &Hoster, definition: &str) {
        let text = self::definition(definition).to_string();
        self.write_private(&format!("{definition}.json"), &text);
        self.write_private("hoster.token", TOKEN);
        self.write_private("hoster.password", LOGIN_PASSWORD);
        self.write_private("hoster.pem", PRIVATE_KEY);
        self.write_private("demo.conf", &config(hoster, definition).to_string());
    }

    /// Changes a file of JSON below `etc/`; a worker reads it as it was or as it is then.
    #[track_caller]
    pub(crate) fn edit_etc(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = read(&self.etc(name));
        change(&mut value);
        let new = format!("{name}.new");
        self.write_private(&new, &value.to_string());
        std::fs::rename(self.etc(&new), self.etc(name)).expect("the file is replaced");
    }

    /// Waits until the log of an order has these words.
    #[track_caller]
    pub(crate) fn logged(&self, id: &str, words: &str) {
        wait_until(words, || self.run(&["orders", "show", id]).prints().contains(words));
    }

    /// Waits until an order is in a state in which it stays for a while.
    #[track_caller]
    pub(crate) fn reaches(&self, id: &str, state: &str) {
        wait_until(state, || self.run(&["orders", "show", id, "--json"]).json()["state"] == state);
    }

    /// Writes a file below `etc/` that nobody else may read.
    pub(crate) fn write_private(&self, name: &str, text: &str) {
        let path = self.etc(name);
        std::fs::write(&path, text).expect("the file is written");
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).expect("the file is ours");
    }
}

/// Returns one of [`DEFINITIONS`], or one of [`VENDORS`] that is as quick as those.
#[track_caller]
pub(crate) fn definition(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !VENDORS.contains(&name) {
        return read(&root.join(format!("tests/samples/definitions/{name}.json")));
    }
    let mut definition = read(&root.join(format!("providers/{name}.json")));
    // Nothing but how long things take is other than in earnest.
    definition["pace"] = json!({ "interval_seconds": 0, "timeout_seconds": 1 });
    definition["find"]["settle_seconds"] = 0.3.into();
    definition["poll"]["grace_seconds"] = 0.5.into();
    definition
}

/// Returns the configuration of a provider that sells what a hoster sells.
#[track_caller]
pub(crate) fn config(hoster: &Hoster, definition: &str) -> Value {
    let credentials = match definition {
        "fake-login" | "fake-chain" => {
            json!({ "user": USER, "password": { "file": "hoster.password" } })
        }
        "fake-jwt" => json!({ "account": USER, "private_key": { "file": "hoster.pem" } }),
        "openstack" => json!({ "username": USER, "project_name": "pool",
            "password": { "file": "hoster.password" } }),
        "cloudstack" | "fake-cloudstack" => json!({ "api_key": { "file": "hoster.password" },
            "secret_key": { "file": "hoster.token" } }),
        "ec2" | "fake-sigv4" => json!({ "access_key": { "file": "hoster.password" },
            "secret_key": { "file": "hoster.token" } }),
        _ => json!({ "token": { "file": "hoster.token" } }),
    };
    let example = self::definition(definition)["example"].clone();
    json!({
        "definition": format!("./{definition}.json"),
        "base_url": hoster.url(),
        "credentials": credentials,
        "configurations": [{ "id": "1", "descr": "one", "parameters": example["parameters"] }],
        "ready": null,
        "worker": { "poll_seconds": 0.05, "threads": 4 },
    })
}
