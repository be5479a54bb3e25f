//! What an admin's hand does to a provider's files, and how scripts read what people are told.

use std::path::Path;

use serde_json::Value;

use super::answer::Answer;
use super::plugin::Plugin;

/// When an order was accepted that nobody asked about for more than a day.
pub(crate) const LONG_AGO: &str = "2026-01-02T03:04:05Z";

impl Plugin {
    /// Changes a file below `state/` as a text editor does that writes over the old text.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let path = self.state(path);
        let mut value = read(&path);
        change(&mut value);
        std::fs::write(&path, format!("{value:#}\n")).expect("the file is written");
    }

    /// Moves an order's file from one place to another.
    #[track_caller]
    pub(crate) fn move_order(&self, id: &str, from: &str, to: &str) {
        let path = |place| self.state(&format!("{place}/{id}.json"));
        std::fs::rename(path(from), path(to)).expect("the order is there");
    }

    /// Writes what the panel writes about an order.
    pub(crate) fn write_task(&self, id: &str, text: &str) {
        let tasks = self.holder().join("tasks");
        std::fs::create_dir_all(&tasks).expect("the folder is made");
        std::fs::write(tasks.join(id), text).expect("the file is written");
    }

    /// Makes one of the links below `state/` say something else.
    #[track_caller]
    pub(crate) fn relink(&self, path: &str, text: &str) {
        let path = self.state(path);
        std::fs::remove_file(&path).expect("the link is there");
        std::os::unix::fs::symlink(text, &path).expect("the link is made");
    }

    /// Returns the number of the order that a server's claim names.
    #[track_caller]
    pub(crate) fn claimant(&self, server: &str) -> String {
        let claim = std::fs::read_link(self.state(&format!("claims/{server}")));
        let text = claim.expect("a claim is a link").to_string_lossy().into_owned();
        text.split(' ').next().expect("a claim names an order").to_owned()
    }

    /// Returns the names in a folder below `state/`, rising.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.state(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Orders configuration `1` and waits until it is finished; returns number and server.
    #[track_caller]
    pub(crate) fn sold(&self) -> (String, String) {
        let id = self.order();
        let server = self.finished(&id);
        self.filed(&id);
        (id, server)
    }

    /// Asks for an order's status until it has come to nothing; returns the reason.
    #[track_caller]
    pub(crate) fn failed(&self, id: &str) -> String {
        let mut last = Value::Null;
        super::wait_until("the order has failed", || {
            last = self.status(id);
            assert_ne!(last["status"], "finished", "{last}");
            last["status"] == "error"
        });
        self.filed(id);
        last["message"].as_str().expect("a message").to_owned()
    }

    /// Waits until the worker has put an order that ended aside.
    #[track_caller]
    pub(crate) fn filed(&self, id: &str) {
        let path = self.state(&format!("done/{id}.json"));
        super::wait_until("the order is filed", || path.exists());
    }
}

impl Answer {
    /// Expects a command for people to succeed and to print just one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        parsed(self.prints())
    }
}

/// Parses the one JSON document that a command for people printed.
#[track_caller]
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// Reads a file of JSON.
#[track_caller]
pub(crate) fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    parsed(&text)
}
