//! A provider in a folder of its own, installed by `install.sh`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::answer::Answer;
use super::hoster::{LOGIN_PASSWORD, SESSION, TOKEN};
use super::wait_until;

/// The executable under test.
pub(crate) const BINARY: &str = match option_env!("PROVED_EXECUTABLE") {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_webdir-provider"),
};

/// The provider's name in tests.
pub(crate) const NAME: &str = "demo";

/// The passwords of the fixture's servers begin so: no other file or output may hold it.
pub(crate) const CANARY: &str = "canaryPassword";

/// An installed provider.
#[derive(Debug)]
pub(crate) struct Plugin {
    root: TempDir,
    /// The words that its callers' shell is started by.
    before: Vec<String>,
}

impl Plugin {
    /// Installs a provider that sells configuration `1` out of `servers` servers.
    pub(crate) fn with_servers(servers: usize) -> Self {
        let plugin = Self::installed();
        plugin.write_inventory(&inventory(servers));
        plugin
    }

    /// Installs a provider as `install.sh` leaves it.
    ///
    /// The installer runs once; every further provider is a copy of what it made.
    pub(crate) fn installed() -> Self {
        static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            // Nothing removes it at the end of the tests: it is for `cargo clean` to do.
            let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
                .or_else(|_| tempfile::tempdir())
                .expect("a temporary folder");
            install(root.path(), &["--name", NAME]);
            root
        });
        let root = tempfile::tempdir().expect("a temporary folder");
        let copied = Command::new("cp")
            .arg("-a")
            .arg(template.path().join("providers"))
            .arg(root.path())
            .status()
            .expect("cp runs");
        assert!(copied.success());
        Self { root, before: Vec::new() }
    }

    /// Returns the provider that a copy of another's root folder holds.
    pub(crate) fn in_folder(root: TempDir) -> Self {
        Self { root, before: Vec::new() }
    }

    /// Returns this provider, called from now on by a program that runs what its arguments end with.
    pub(crate) fn called_through(mut self, before: Vec<String>) -> Self {
        self.before = before;
        self
    }

    /// Returns the panel's folder, `/opt/webdir` in earnest.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn holder(&self) -> PathBuf {
        self.root.path().join("providers").join(NAME)
    }

    pub(crate) fn executable(&self) -> PathBuf {
        self.holder().join("bin").join(NAME)
    }

    pub(crate) fn state(&self, path: &str) -> PathBuf {
        self.holder().join("state").join(path)
    }

    pub(crate) fn etc(&self, path: &str) -> PathBuf {
        self.holder().join("etc").join(path)
    }

    pub(crate) fn write_config(&self, config: &Value) {
        std::fs::write(self.etc("demo.conf"), config.to_string()).expect("the file is written");
    }

    pub(crate) fn write_inventory(&self, inventory: &Value) {
        let path = self.etc("inventory.json");
        std::fs::write(path, inventory.to_string()).expect("the file is written");
    }

    /// Returns a command that runs a program where the provider's callers are.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut words = self.before.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words);
        command
    }

    /// Returns a command that calls the provider as the panel does: through a shell, with nothing
    /// of the test's environment and a umask that would lock the owner out.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program("/bin/sh");
        command
            .args(["-c", "umask 0777; exec \"$0\" \"$@\""])
            .arg(self.executable())
            .args(words)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Calls the provider and checks what holds for every call.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Answer {
        let output = self.command(words).output().expect("the provider runs");
        let answer = Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output);
        if words.first() != Some(&"order_status") {
            assert!(!answer.stdout.contains(CANARY), "a password got out: {answer:?}");
        }
        assert!(!answer.stderr.contains(CANARY), "a password got out: {answer:?}");
        for canary in [TOKEN, LOGIN_PASSWORD, SESSION] {
            let said = answer.stdout.contains(canary) || answer.stderr.contains(canary);
            assert!(!said, "a credential got out: {answer:?}");
        }
        answer
    }

    /// Orders configuration `1`; returns the order's number.
    #[track_caller]
    pub(crate) fn order(&self) -> String {
        let document = self.run(&["order", "1"]).succeeds();
        document["task_id"].as_str().expect("a task id").to_owned()
    }

    /// Asks for an order's status.
    #[track_caller]
    pub(crate) fn status(&self, id: &str) -> Value {
        self.run(&["order_status", id]).succeeds()
    }

    /// Waits until an order is finished; returns its server.
    #[track_caller]
    pub(crate) fn finished(&self, id: &str) -> String {
        let mut last = Value::Null;
        wait_until("the order is finished", || {
            last = self.status(id);
            assert_ne!(last["status"], "error", "{last}");
            last["status"] == "finished"
        });
        last["server"].as_str().expect("a server").to_owned()
    }

    /// Returns the stored order, wherever it is.
    #[track_caller]
    pub(crate) fn stored(&self, id: &str) -> Value {
        let found = ["done", "active", "accepted"]
            .iter()
            .find_map(|place| std::fs::read(self.state(&format!("{place}/{id}.json"))).ok());
        serde_json::from_slice(&found.expect("the order is stored")).expect("an order is JSON")
    }

    /// Waits until no worker lives and nothing is due.
    pub(crate) fn settled(&self) {
        wait_until("the worker has ended", || !self.state("due").exists() && !self.worker_lives());
    }

    /// Returns whether a worker lives.
    pub(crate) fn worker_lives(&self) -> bool {
        let Ok(file) = std::fs::File::open(self.state("worker.lock")) else {
            return false;
        };
        let free = fs2::FileExt::try_lock_shared(&file).is_ok();
        drop(Held(file));
        !free
    }

    /// Keeps workers from starting until what is returned is dropped.
    pub(crate) fn hold_worker_lock(&self) -> Held {
        self.run(&["orders", "list"]).prints();
        let path = self.state("worker.lock");
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(path);
        let file = file.expect("the lock file opens");
        fs2::FileExt::lock_exclusive(&file).expect("the lock is free");
        Held(file)
    }

    /// Checks of every provider of every test that its state holds no credential of a hoster.
    fn assert_no_credential_is_stored(&self) {
        for file in self.files() {
            let path = self.state(&file);
            // A pipe, which a test may have put there, would be waited for.
            if !std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            let text = std::fs::read(path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            for canary in [TOKEN, LOGIN_PASSWORD, SESSION] {
                assert!(!text.contains(canary), "state/{file} holds a credential: {text}");
            }
        }
    }

    /// Returns every file below `state/`, relative to it, rising.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.state("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.state("")).expect("below state/");
                    found.push(name.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Plugin {
    /// A worker that still writes may put something into a folder that was just emptied.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_no_credential_is_stored();
        }
        for _ in 0..50 {
            if std::fs::remove_dir_all(self.root()).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// A lock, held until this is dropped.
///
/// Let go of in so many words: another test that forks just now shares the file for a moment.
#[must_use]
pub(crate) struct Held(pub(crate) std::fs::File);

impl Drop for Held {
    fn drop(&mut self) {
        fs2::FileExt::unlock(&self.0).expect("a lock can be let go of");
    }
}

/// Returns an inventory of that many servers for configuration `1`.
pub(crate) fn inventory(servers: usize) -> Value {
    let servers: Vec<Value> = (0..servers)
        .map(|number| {
            json!({
                "server": format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
                "server_password": format!("{CANARY}{number}"),
                "configurations": ["1"],
            })
        })
        .collect();
    json!({ "servers": servers })
}

/// Runs the installer with the executable under test.
#[track_caller]
pub(crate) fn install(root: &Path, arguments: &[&str]) -> String {
    let output = installer()
        .args(arguments)
        .arg("--root")
        .arg(root)
        .args(["--from", BINARY])
        .output()
        .expect("the installer runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Returns a command that runs `install.sh` with nothing of the test's environment.
pub(crate) fn installer() -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"))
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null());
    command
}
