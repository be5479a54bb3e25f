//! Where orders go the whole way: from the hoster's address to the pool.

use serde_json::{Value, json};

use super::host::Host;
use super::hoster::Hoster;
use super::hoster::mode::Mode;
use super::hoster::provider::config;
use super::panel::Panel;
use super::plugin::Plugin;
use super::wait_until;

/// A panel, a hoster, and the one address at which the hoster puts its servers.
pub(crate) struct Place {
    pub(crate) panel: Panel,
    pub(crate) hoster: Hoster,
    pub(crate) host: Host,
    pub(crate) config: Value,
}

impl Place {
    /// Makes one; none, with a line that says why, where that cannot be.
    pub(crate) fn new(ready: &Value) -> Option<Self> {
        Self::of("fake-unique", ready)
    }

    pub(crate) fn of(definition: &str, ready: &Value) -> Option<Self> {
        let host = Host::new()?;
        let hoster = Hoster::start(Mode { address: Some(host.address()), ..Mode::of(definition) });
        let panel = Panel::with(Plugin::with_hoster(&hoster, definition));
        let mut config = config(&hoster, definition);
        config["ready"] = ready.clone();
        config["worker"]["poll_seconds"] = json!(0.2);
        let mut this = Self { panel, hoster, host, config };
        this.configure("ready", ready);
        Some(this)
    }

    /// Changes one key of the provider's configuration.
    pub(crate) fn configure(&mut self, key: &str, value: &Value) {
        self.config[key] = value.clone();
        self.panel.plugin.write_private("demo.conf", &self.config.to_string());
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.panel.plugin
    }

    /// Orders a server and waits until it is bought; returns the order's number and the password.
    #[track_caller]
    pub(crate) fn buy(&self) -> (String, String) {
        let before = self.hoster.purchases().len();
        let id = self.plugin().order();
        wait_until("the server is bought", || self.hoster.purchases().len() > before);
        let password = self.hoster.purchases()[before].password.clone().unwrap_or_default();
        (id, password)
    }

    /// Waits until an order is said to wait for something.
    #[track_caller]
    pub(crate) fn waits_for(&self, id: &str, what: &str, password: &str) {
        let mut told = String::new();
        wait_until(what, || {
            self.plugin().run(&["orders", "show", id]).prints().clone_into(&mut told);
            assert_secret(&told, password);
            told.contains(what)
        });
        let status = self.plugin().status(id);
        assert_eq!(status["status"], "in_progress", "{status}");
        assert_eq!(status.get("server_password"), None, "{status}");
    }

    /// Waits until the server is handed over with that password.
    #[track_caller]
    pub(crate) fn handed_over(&self, id: &str, password: &str) {
        assert_eq!(self.plugin().finished(id), self.host.address());
        assert_eq!(self.plugin().status(id)["server_password"], password);
    }

    /// Joins the server to the pool, as the panel does with what was handed over, at one try.
    #[track_caller]
    pub(crate) fn joins(&self, password: &str) {
        let (joined, said) = self.panel.joins(&self.host, password);
        assert!(joined, "{said}");
        assert_eq!(self.panel.logs_in(&self.host), Ok(()));
    }
}

/// A password is nowhere but where it must be.
#[track_caller]
pub(crate) fn assert_secret(text: &str, password: &str) {
    assert!(!text.contains(password), "the password got out: {text}");
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        assert!(!words.contains(password), "the password is an argument: {words}");
    }
}
