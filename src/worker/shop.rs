//! What the worker needs of the configuration to drive orders of a hoster; read again when a file
//! that it came from has changed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::defaults::{
    ORDER_TIMEOUT_SECONDS, POLL_SECONDS, READY_SECONDS, SSH_PORT, THREADS,
};
use crate::config::{AddressKind, Config, Ready};
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::hoster::http::Hoster;
use crate::order::Order;
use crate::ready::Wanted;
use crate::store::Store;
use crate::system;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A configuration, ready for the worker.
pub(super) struct Shop {
    /// The definition's name.
    definition: String,
    /// None for the inventory.
    pub(super) hoster: Option<Hoster>,
    /// How long to wait between two looks at the same order.
    pub(super) poll: Duration,
    /// After how long an order that was not finished fails.
    pub(super) timeout: Duration,
    /// What a server must show; none where that is skipped.
    pub(super) ready: Option<Wanted>,
    /// For how long it may not show it.
    pub(super) ready_timeout: Duration,
    /// Whether the address inside the hoster's network is handed over.
    pub(super) private: bool,
    /// How many orders are driven at once.
    pub(super) threads: usize,
}

impl Shop {
    fn open(home: &Home, config: &Config) -> Result<Self, Error> {
        let hoster = match definition::load(home, &config.definition)? {
            Definition::Inventory(_) => None,
            Definition::Http(definition) => {
                if definition.program.is_some() {
                    Store::of(home).clear_calls();
                }
                Some(account::open(home, config, definition)?)
            }
        };
        let ready = match &config.ready {
            None => Some(&Ready::default()),
            Some(written) => written.as_ref(),
        };
        let ready_timeout = seconds(ready.and_then(|ready| ready.timeout_seconds), READY_SECONDS);
        Ok(Self {
            definition: config.definition.clone(),
            hoster,
            poll: poll(config),
            timeout: timeout(config),
            ready_timeout,
            ready: ready.map(|ready| wanted(ready, ready_timeout)),
            private: config.address == AddressKind::Private,
            threads: usize::from(config.worker.threads.unwrap_or(THREADS)),
        })
    }

    /// Checks that an order may be driven with this configuration: nobody must look for its server,
    /// or buy another, where it was not ordered.
    ///
    /// # Errors
    /// `configuration_invalid`, saying what has changed.
    pub(super) fn serves<'a>(&'a self, home: &Home, order: &Order) -> Result<&'a Hoster, Error> {
        let changed = |what: &str, was: &str, now: &str| Error::ConfigurationInvalid {
            path: home.config(),
            problem: format!("{what} is `{now}`, and the order was placed with `{was}`"),
        };
        let Some(hoster) = self.hoster.as_ref().filter(|_| self.definition == order.definition)
        else {
            return Err(changed("definition", &order.definition, &self.definition));
        };
        match order.purchase.as_ref().and_then(|purchase| purchase.base_url.as_deref()) {
            Some(was) if was != hoster.base_url => Err(changed("base_url", was, &hoster.base_url)),
            _ => Ok(hoster),
        }
    }
}

fn seconds(written: Option<f64>, otherwise: f64) -> Duration {
    Duration::try_from_secs_f64(written.unwrap_or(otherwise)).unwrap_or(Duration::MAX)
}

/// Returns after how long an order that was not finished fails.
fn timeout(config: &Config) -> Duration {
    seconds(config.limits.order_timeout_seconds, ORDER_TIMEOUT_SECONDS)
}

/// Returns how long to wait between two looks at the same order.
fn poll(config: &Config) -> Duration {
    let seconds = config.worker.poll_seconds.unwrap_or(POLL_SECONDS);
    let poll = Duration::try_from_secs_f64(seconds);
    poll.unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(10))
}

/// The configuration as it was read last.
pub(super) struct Shops<'a> {
    home: &'a Home,
    current: Option<Arc<Shop>>,
    files: Vec<(PathBuf, Option<Stamp>)>,
    looked: Option<Instant>,
    last_timeout: Option<Duration>,
}

impl<'a> Shops<'a> {
    pub(super) fn new(home: &'a Home) -> Self {
        Self { home, current: None, files: Vec::new(), looked: None, last_timeout: None }
    }

    /// Returns how long to wait between two tries; a broken configuration must not keep accepted
    /// orders of the inventory from being finished.
    pub(super) fn poll(&mut self) -> Duration {
        Config::load(self.home)
            .map_or(Duration::from_secs_f64(POLL_SECONDS), |config| poll(&config))
    }

    /// Returns after how long an order fails, as the last configuration said that could be read.
    pub(super) const fn last_timeout(&self) -> Option<Duration> {
        self.last_timeout
    }

    /// Returns the configuration as it is now.
    pub(super) fn current(&mut self) -> Result<Arc<Shop>, Error> {
        let recent = self.looked.is_some_and(|looked| looked.elapsed() < LOOK);
        if let Some(shop) = &self.current
            && (recent || self.files.iter().all(|(path, seen)| stamp(path) == *seen))
        {
            if !recent {
                self.looked = Some(Instant::now());
            }
            return Ok(Arc::clone(shop));
        }
        // A configuration that cannot be used is no reason to go on with the one before.
        self.current = None;
        // Stamped before they are read: a change in between is noticed the next time.
        let own = self.home.config();
        let mut files = vec![(own.clone(), stamp(&own))];
        let config = Config::load(self.home)?;
        self.last_timeout = Some(timeout(&config));
        let others = account::files(self.home, &config).into_iter();
        files.extend(others.map(|path| (path.clone(), stamp(&path))));
        let shop = Arc::new(Shop::open(self.home, &config)?);
        self.files = files;
        self.current = Some(Arc::clone(&shop));
        self.looked = Some(Instant::now());
        Ok(shop)
    }
}

/// What tells a file from one that was read before: when it was changed last, its mode included, its
/// number and its length. A copy of an older file may well have the change time of that.
pub(super) type Stamp = (i64, i64, u64, u64);

/// Returns what tells a file from one that was read before.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ctime(), metadata.ctime_nsec(), metadata.ino(), metadata.len()))
}

fn wanted(ready: &Ready, timeout: Duration) -> Wanted {
    let known_hosts = ready.known_hosts.unwrap_or(true);
    let home = system::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    Wanted {
        ssh_port: ready.ssh_port.unwrap_or(SSH_PORT),
        known_hosts: known_hosts.then(|| home.join(".ssh").join("known_hosts")),
        login: ready.login.unwrap_or(false),
        command: ready.command.clone(),
        timeout,
        home,
    }
}
