//! A program of the tests that sells servers, and what it has sold: `tests/samples/command/hoster.sh`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hoster::TOKEN;
use super::plugin::Plugin;

/// The servers of a program.
pub(crate) struct Servers(TempDir);

impl Servers {
    /// Has none yet.
    pub(crate) fn none() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Has the same.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::none();
        for entry in std::fs::read_dir(self.folder()).expect("it can be listed") {
            let from = entry.expect("an entry").path();
            let name = from.file_name().expect("a name");
            std::fs::copy(&from, copy.folder().join(name)).expect("it is copied");
        }
        copy
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Makes the next create go wrong; see the program.
    pub(crate) fn fault(&self, word: &str) {
        std::fs::write(self.folder().join("fault"), format!("{word}\n")).expect("it is written");
    }

    /// Returns the number and the host name of every server that was made, in their order.
    pub(crate) fn made(&self) -> Vec<(u32, String)> {
        let names = std::fs::read_dir(self.folder()).expect("it can be listed");
        let mut made: Vec<(u32, String)> = names
            .filter_map(|entry| {
                let name = entry.expect("an entry").file_name().into_string().expect("text");
                let (number, host) = name.strip_prefix("server.")?.split_once('.')?;
                Some((number.parse().expect("a number"), host.to_owned()))
            })
            .collect();
        made.sort();
        made
    }

    /// Returns those that were not removed.
    pub(crate) fn alive(&self) -> Vec<(u32, String)> {
        let gone = |number: &u32| self.folder().join(format!("gone.{number}")).exists();
        self.made().into_iter().filter(|(number, _)| !gone(number)).collect()
    }
}

/// Returns the definition of the tests' program with the folder of its servers, and some keys more.
pub(crate) fn definition(servers: &Servers, extra: &Value) -> Value {
    let mut definition = json!({
        "kind": "command",
        "command": ["./hoster.sh", servers.folder()],
        "timeout_seconds": 5,
        "settle_seconds": 5.2,
    });
    let keys = definition.as_object_mut().expect("an object");
    keys.extend(extra.as_object().cloned().unwrap_or_default());
    definition
}

/// Returns the configuration of a provider whose servers a program makes.
pub(crate) fn config() -> Value {
    json!({
        "definition": "./program.json",
        "credentials": { "token": { "file": "hoster.token" } },
        "configurations": [{ "id": "1", "descr": "one", "parameters": { "plan": "small" } }],
        "ready": null,
        "worker": { "poll_seconds": 0.05, "threads": 2 },
    })
}

impl Plugin {
    /// Installs a provider whose servers the tests' program makes.
    pub(crate) fn with_program(servers: &Servers, extra: &Value) -> Self {
        let plugin = Self::installed();
        plugin.connect_program(servers, extra);
        plugin
    }

    /// Makes this provider order from the tests' program.
    pub(crate) fn connect_program(&self, servers: &Servers, extra: &Value) {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/command/hoster.sh");
        let text = std::fs::read_to_string(sample).expect("the program is there");
        self.write_program("hoster.sh", &text);
        self.write_private("program.json", &definition(servers, extra).to_string());
        self.write_private("hoster.token", TOKEN);
        self.write_private("demo.conf", &config().to_string());
    }

    /// Writes a program below `etc/`; returns its path.
    pub(crate) fn write_program(&self, name: &str, text: &str) -> PathBuf {
        // Another thread that forks while this one writes would keep the file from being run.
        let new = format!("{name}.new");
        self.write_private(&new, text);
        let (new, path) = (self.etc(&new), self.etc(name));
        let copied = std::process::Command::new("cp").arg(&new).arg(&path).status();
        assert!(copied.expect("cp runs").success());
        std::fs::remove_file(new).expect("it is ours");
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("the file is ours");
        path
    }
}

/// Installs a provider whose program is that shell script, which finds its folder as `$1`.
pub(crate) fn with_script(servers: &Servers, script: &str, extra: &Value) -> Plugin {
    let plugin = Plugin::with_program(servers, extra);
    plugin.write_program("hoster.sh", &format!("#!/bin/sh\n{script}\n"));
    plugin
}
