//! `metrics`: how the provider is doing, as Prometheus reads it.
//!
//! It starts no worker and changes nothing: a timer that calls it would end the worker with itself.

mod deliveries;
mod families;
mod orders;
mod page;

use std::path::Path;
use std::time::{Duration, Instant};

use super::{become_owner, printed};
use crate::cli::Metrics;
use crate::clock;
use crate::config::Config;
use crate::definition::{self, Definition};
use crate::error::Error;
use crate::home::Home;
use crate::hoster::account;
use crate::store::{self, Store};
use crate::{answer, process, system};
use deliveries::Deliveries;
use families as of;
use orders::Orders;
use page::Page;

/// How long the page may take where another process makes it.
const TIMEOUT: Duration = Duration::from_mins(5);

/// How large it may be then, in bytes.
const LARGEST: usize = 16 << 20;

/// Prints the page, or puts it into a file; returns the exit status.
pub(super) fn run(home: &Home, options: &Metrics) -> Result<u8, Error> {
    let holder = home.require_holder()?;
    let Some(target) = &options.output else {
        become_owner(home)?;
        return printed(answer::text(&page(home, options.balance)?));
    };
    let target = std::path::absolute(target)
        .map_err(|error| Error::usage(format!("--output {}: {error}", target.display())))?;
    if target.file_name().is_none() || target.is_dir() {
        return Err(Error::usage(format!("--output {} is no file", target.display())));
    }
    if let Some(folder) = target.parent().filter(|one| matches!(one.try_exists(), Ok(false))) {
        let problem = format!("there is no folder {}", folder.display());
        return Err(Error::usage(format!("--output {}: {problem}", target.display())));
    }
    // The folder of a collector is root's, and the provider's files are their owner's: whoever may
    // write the one must not read the other.
    let text = if system::is_to_become_owner_of(holder) {
        page_of_owner(holder, options.balance)?
    } else {
        become_owner(home)?;
        page(home, options.balance)?
    };
    store::publish(&target, text.as_bytes())?;
    Ok(0)
}

/// Returns the page as a process of the holder's owner makes it.
fn page_of_owner(holder: &Path, balance: bool) -> Result<String, Error> {
    let failed = |problem: String| Error::Internal { problem };
    let mut command = process::command("/proc/self/exe");
    command.arg("--home").arg(holder).arg("metrics");
    if balance {
        command.arg("--balance");
    }
    let bounds = process::Bounds { input: None, inherits: None, timeout: TIMEOUT, stdout: LARGEST };
    let ended = process::run_within(&mut command, bounds)
        .map_err(|error| failed(format!("cannot run as the holder's owner: {error}")))?;
    if !ended.is_success() || ended.stdout_was_cut {
        let why = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        return Err(failed(format!("as the holder's owner it {}: {why}", ended.how(TIMEOUT))));
    }
    String::from_utf8(ended.stdout).map_err(|error| failed(error.to_string()))
}

fn page(home: &Home, balance: bool) -> Result<String, Error> {
    let began = Instant::now();
    let store = Store::of(home);
    let config = Config::load(home);
    let sold = config.iter().flat_map(|config| &config.configurations).map(|one| one.id.clone());
    let orders = Orders::read(&store, sold)?;
    let deliveries = Deliveries::read(home, &store)?;
    let now = clock::now();
    let mut page = Page::of(&home.name);
    page.family(&of::BUILD_INFO);
    page.sample(&of::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
    page.family(&of::CONFIGURATION_VALID);
    page.sample(&of::CONFIGURATION_VALID, &[], u8::from(is_valid(home, &config)));
    orders.write(&mut page, now);
    deliveries.write(&mut page, now);
    page.family(&of::UNREADABLE);
    page.sample(&of::UNREADABLE, &["order"], orders.unreadable);
    page.sample(&of::UNREADABLE, &["delivery"], deliveries.unreadable);
    machine(&store, &mut page)?;
    if balance && let Ok(config) = &config {
        account_of(home, config, &mut page);
    }
    page.family(&of::SCRAPE_DURATION);
    page.sample(&of::SCRAPE_DURATION, &[], began.elapsed().as_secs_f64());
    page.family(&of::SCRAPE_TIMESTAMP);
    page.sample(&of::SCRAPE_TIMESTAMP, &[], clock::now().as_second());
    Ok(page.text())
}

/// Returns whether orders can be taken and webhooks be told, as far as files say it.
fn is_valid(home: &Home, config: &Result<Config, Error>) -> bool {
    let Ok(config) = config else { return false };
    let usable = match definition::load(home, &config.definition) {
        Ok(Definition::Http(http)) => {
            config.configurations.iter().all(|one| account::check(home, config, one, &http).is_ok())
        }
        Ok(Definition::Inventory(_)) => true,
        Err(_) => false,
    };
    usable && crate::webhook::load::load(home).is_ok()
}

/// The worker and what the file system has left.
fn machine(store: &Store, page: &mut Page) -> Result<(), Error> {
    page.family(&of::WORK_DUE);
    page.sample(&of::WORK_DUE, &[], u8::from(store.is_due()));
    page.family(&of::WORKER_ALIVE);
    page.sample(&of::WORKER_ALIVE, &[], u8::from(store.worker_lives()));
    if !store.exists() {
        return Ok(());
    }
    let free = store.free()?;
    page.family(&of::FREE_BYTES);
    page.sample(&of::FREE_BYTES, &[], free.bytes);
    if let Some(files) = free.files {
        page.family(&of::FREE_INODES);
        page.sample(&of::FREE_INODES, &[], files);
    }
    Ok(())
}

/// Asks the hoster what is left; that it cannot be asked is a metric, and no fault of the call.
fn account_of(home: &Home, config: &Config, page: &mut Page) {
    let Ok(Definition::Http(http)) = definition::load(home, &config.definition) else { return };
    if http.balance.is_none() {
        return;
    }
    let asked = account::open(home, config, http).ok().and_then(|hoster| hoster.balance().ok());
    page.family(&of::HOSTER_UP);
    page.sample(&of::HOSTER_UP, &[], u8::from(asked.is_some()));
    let Some(left) = asked.flatten() else { return };
    if let Some(amount) = left.amount.parse::<f64>().ok().filter(|amount| amount.is_finite()) {
        page.family(&of::BALANCE);
        page.sample(&of::BALANCE, &[&left.currency], amount);
    }
}
