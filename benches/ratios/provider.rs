//! A provider in a scratch folder, made of the executable that is shipped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::time::spawn;

/// A provider with an inventory of its own.
pub(crate) struct Provider {
    pub(crate) holder: PathBuf,
    pub(crate) executable: PathBuf,
}

impl Provider {
    /// Makes one below a folder that sells so many servers.
    pub(crate) fn new(folder: &Path, binary: &Path, servers: usize) -> Self {
        let holder = folder.join("providers/bench");
        let executable = holder.join("bin/bench");
        for part in ["bin", "etc"] {
            std::fs::create_dir_all(holder.join(part)).expect("a folder");
        }
        std::fs::copy(binary, &executable).expect("a copy of the executable");
        let provider = Self { holder, executable };
        provider.etc(
            "bench.conf",
            &json!({ "configurations": [
                { "id": "1", "descr": "2 vCPU, 4 GB" }, { "id": "2", "descr": "4 vCPU, 8 GB" } ],
                "webhooks": { "allow": ["127.0.0.0/8"] } }),
        );
        provider.stock(servers);
        provider
    }

    /// Writes a file below `etc/` that nobody else may read.
    pub(crate) fn etc(&self, name: &str, value: &Value) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.holder.join("etc").join(name);
        std::fs::write(&path, value.to_string()).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    }

    /// Puts so many servers into the inventory.
    fn stock(&self, servers: usize) {
        let servers: Vec<Value> = (0..servers)
            .map(|number| {
                json!({ "server": format!("10.0.{}.{}", number / 250, number % 250 + 1),
                    "server_password": "aB3dE6gH9jK2mN5pQ8sT1vW4", "configurations": ["1"] })
            })
            .collect();
        self.etc("inventory.json", &json!({ "servers": servers }));
    }

    /// Returns what is below `state/`.
    pub(crate) fn state(&self, path: &str) -> PathBuf {
        self.holder.join("state").join(path)
    }

    /// Calls it as the panel does.
    pub(crate) fn call(&self, words: &[&str]) -> Duration {
        spawn(&self.executable, words)
    }

    /// Calls it and returns what it prints.
    pub(crate) fn answer(&self, words: &[&str]) -> Vec<u8> {
        let output = Command::new(&self.executable).args(words).output().expect("runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        output.stdout
    }

    /// Orders a server; returns the order's number.
    pub(crate) fn order(&self) -> String {
        let answer: Value = serde_json::from_slice(&self.answer(&["order", "1"])).expect("JSON");
        answer["task_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Orders a server and waits until it is there.
    pub(crate) fn finished_order(&self) -> String {
        let id = self.order();
        self.finished(&id);
        id
    }

    /// Waits until an order has ended.
    pub(crate) fn finished(&self, id: &str) {
        let path = self.state(&format!("done/{id}.json"));
        until("an order has ended", Duration::from_micros(50), || path.exists());
    }

    /// Does what is left to do.
    pub(crate) fn settled(&self) {
        let due = self.state("due");
        until("nothing is due", Duration::from_millis(1), || !due.exists());
        drop(self.be_the_worker());
    }

    /// Throws away all that was ordered.
    pub(crate) fn begin_anew(&self) {
        let lock = self.be_the_worker();
        std::fs::remove_dir_all(self.state("")).expect("removed");
        drop(lock);
        self.finished_order();
        self.settled();
    }

    /// Holds the lock of a worker that lives, once nobody else does; it does nothing, so nothing
    /// disturbs.
    pub(crate) fn be_the_worker(&self) -> File {
        let lock = File::open(self.state("worker.lock")).expect("opens");
        fs2::FileExt::lock_exclusive(&lock).expect("locks");
        lock
    }

    /// Starts a worker.
    pub(crate) fn worker(&self) -> Worker {
        let mut command = Command::new(&self.executable);
        command.arg("work").env_clear().stdin(Stdio::null());
        Worker(command.stdout(Stdio::null()).spawn().expect("runs"))
    }

    /// Fills `done/` with copies of an order, under other numbers, up to so many.
    pub(crate) fn store(&self, id: &str, from: usize, to: usize) {
        let text = std::fs::read_to_string(self.state(&format!("done/{id}.json")));
        let text = text.expect("the order is done");
        for number in from..to {
            let copy = (1_000_000 + number).to_string();
            let path = self.state(&format!("done/{copy}.json"));
            let text = text
                .replace(&format!("\"task_id\": \"{id}\""), &format!("\"task_id\": \"{copy}\""));
            std::fs::write(path, text).expect("written");
        }
        // What is measured next is not to pay for that.
        Command::new("sync").status().expect("sync runs");
    }
}

/// A worker, ended when this is dropped.
pub(crate) struct Worker(Child);

impl Worker {
    /// Returns its process.
    pub(crate) fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so, for five minutes at most.
pub(crate) fn until(what: &str, pause: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(5), "still waiting: {what}");
        std::thread::sleep(pause);
    }
}
