//! `install.sh`, killed with all that it started as it begins a system call that can have an effect:
//! run again it comes to its end, and every order is there.
//!
//! CI tries some of the points; `SWEEP=full cargo test --test it kill_install -- --nocapture` tries
//! all, and prints the rows of `docs/reliability.md`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::support::book::assert_whole;
use crate::support::plugin::{BINARY, NAME, Plugin, installer};
use crate::support::sweep::{call, order, outcome};
use crate::support::tracer::{self, Run};
use crate::support::{one_of, proved};

/// Its rows of the table of `docs/reliability.md`.
pub(crate) const SCENARIOS: [&str; 5] = [
    "install.sh, first",
    "install.sh, upgrade",
    "install.sh --uninstall",
    "install.sh --uninstall --purge",
    "install.sh --archive",
];

/// How many runs end before their point when all have been tried.
const MISSES: usize = 2;

/// What is installed from, and what was installed.
pub(crate) struct Stock {
    folder: TempDir,
    /// A provider with one finished order.
    plugin: Plugin,
}

impl Stock {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let stripped = folder.path().join("old");
        let strip = Command::new("strip").args(["-o"]).arg(&stripped).arg(BINARY).status();
        if !strip.is_ok_and(|status| status.success()) {
            std::fs::copy(BINARY, &stripped).unwrap();
        }
        // Another executable that does the same: what comes after its end is not loaded.
        let mut bytes = std::fs::read(&stripped).unwrap();
        bytes.push(b'\n');
        std::fs::copy(&stripped, folder.path().join("new")).unwrap();
        std::fs::write(folder.path().join("new"), &bytes).unwrap();
        let plugin = Plugin::with_servers(4);
        plugin.finished(&plugin.order());
        plugin.settled();
        let bin = plugin.executable();
        std::fs::remove_file(&bin).unwrap();
        std::fs::copy(&stripped, &bin).unwrap();
        Self { folder, plugin }
    }

    fn binary(&self, which: &str) -> PathBuf {
        self.folder.path().join(which)
    }

    /// Returns a copy of the provider.
    pub(crate) fn copy(&self) -> Plugin {
        self.copy_into(tempfile::tempdir_in(self.folder.path()).unwrap())
    }

    /// Returns a copy of the provider, in `root`.
    pub(crate) fn copy_into(&self, root: TempDir) -> Plugin {
        let from = self.plugin.root().join("providers");
        let copied = Command::new("cp").arg("-a").arg(from).arg(root.path()).status();
        assert!(copied.unwrap().success());
        Plugin::in_folder(root)
    }

    /// Returns a folder where nothing is installed.
    fn empty(&self) -> Plugin {
        Plugin::in_folder(tempfile::tempdir_in(self.folder.path()).unwrap())
    }

    fn script(&self, plugin: &Plugin, flags: &[&str]) -> Command {
        let mut command = installer();
        command.args(["--name", NAME, "--root"]).arg(plugin.root()).args(flags);
        command.env("TMPDIR", self.folder.path());
        command
    }

    pub(crate) fn install(&self, plugin: &Plugin) -> Command {
        let mut command = self.script(plugin, &["--from"]);
        command.arg(self.binary("new"));
        command
    }

    /// Installs to the end, and looks at what is there then.
    #[track_caller]
    pub(crate) fn comes_to_its_end(&self, plugin: &Plugin) {
        let output = self.install(plugin).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(self.has("new", plugin), "the new one is in its place");
        assert_eq!(left(plugin), Vec::<PathBuf>::new(), "left behind");
    }

    /// Returns whether that executable is in its place.
    pub(crate) fn has(&self, which: &str, plugin: &Plugin) -> bool {
        same(&plugin.executable(), &self.binary(which))
    }
}

fn same(one: &Path, other: &Path) -> bool {
    std::fs::read(one).unwrap() == std::fs::read(other).unwrap()
}

/// Returns new files on their way to their places.
pub(crate) fn left(plugin: &Plugin) -> Vec<PathBuf> {
    [plugin.holder().join("bin"), plugin.etc("")]
        .iter()
        .flat_map(|folder| on_its_way(folder))
        .collect()
}

/// Returns the new files in a folder on their way to their places.
pub(crate) fn on_its_way(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.to_string_lossy().contains("/.") && path.to_string_lossy().contains(".new.")
        })
        .collect()
}

/// Kills a command at one of so many of its points; `trial` tries one.
#[expect(clippy::print_stderr, reason = "a sweep says how far it went, and where it failed")]
fn sweep(name: &str, stride: usize, trial: impl Fn(usize) -> Run + Sync) {
    assert!(SCENARIOS.contains(&name), "{name} is no row of the table");
    let stride = one_of(stride);
    let (next, points, misses) = (AtomicUsize::new(0), Mutex::new(0), AtomicUsize::new(0));
    let work = || {
        while misses.load(Ordering::SeqCst) < MISSES {
            let at = 1 + name.len() % stride + stride * next.fetch_add(1, Ordering::SeqCst);
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| trial(at)));
            match tried {
                Ok(run) if run.killed => {
                    *points.lock().unwrap() += 1;
                    misses.store(0, Ordering::SeqCst);
                }
                Ok(run) => {
                    assert_eq!(run.status, Some(0), "{run:?}");
                    misses.fetch_add(1, Ordering::SeqCst);
                }
                Err(panic) => {
                    eprintln!("WRONG {name}: killed at call {at}");
                    misses.store(MISSES, Ordering::SeqCst);
                    std::panic::resume_unwind(panic);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let points = points.into_inner().unwrap();
    eprintln!("| {name} | {points} | 0 |");
    proved(points);
    assert!(points > 3, "{points} points");
}

/// Checks that the order of before is there, and that another can be placed.
#[track_caller]
pub(crate) fn goes_on(plugin: &Plugin) {
    let told = call(plugin, &["order_status", "1"]).succeeds();
    assert_eq!(told["status"], "finished", "{told}");
    let id = order(plugin, &["order", "1"]);
    assert_eq!((&*id, &outcome(plugin, &id)["status"]), ("2", &"finished".into()));
    plugin.settled();
    assert_whole(plugin);
}

#[test]
fn what_a_killed_installation_left_is_removed_by_the_next() {
    let stock = Stock::new();
    let plugin = stock.copy();
    for file in ["bin/.demo.new.aB3dE6", "etc/.demo.conf.new.aB3dE6"] {
        std::fs::write(plugin.holder().join(file), "half").unwrap();
    }
    let output = stock.install(&plugin).arg("--dry-run").output().unwrap();
    assert!(output.status.success() && left(&plugin).len() == 2, "{output:?}");
    stock.comes_to_its_end(&plugin);
}

/// An upgrade makes no file beside a configuration that is there.
#[test]
fn the_configuration_comes_after_all_that_it_names() {
    let stock = Stock::new();
    let output = stock.install(&stock.empty()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let place = |file: &str| said.find(&format!("etc/{file}\n")).expect("it is made");
    assert!(place("inventory.json") < place("demo.conf"), "{said}");
}

#[test]
fn a_first_installation_may_be_killed_anywhere_and_repeated() {
    let stock = Stock::new();
    sweep("install.sh, first", 97, |at| {
        let plugin = stock.empty();
        let run = tracer::kill_at_effect(stock.install(&plugin), at);
        stock.comes_to_its_end(&plugin);
        let _ = call(&plugin, &["order", "1"]).fails("out_of_stock", 3);
        run
    });
}

#[test]
fn an_upgrade_may_be_killed_anywhere_and_repeated() {
    let stock = Stock::new();
    sweep("install.sh, upgrade", 61, |at| {
        let plugin = stock.copy();
        let run = tracer::kill_at_effect(stock.install(&plugin), at);
        assert!(
            stock.has("old", &plugin) || stock.has("new", &plugin),
            "the old executable or the new one is there"
        );
        // Orders go on in between.
        let told = call(&plugin, &["order_status", "1"]).succeeds();
        assert_eq!(told["status"], "finished", "{told}");
        stock.comes_to_its_end(&plugin);
        goes_on(&plugin);
        run
    });
}

#[test]
fn an_uninstallation_may_be_killed_anywhere_and_repeated() {
    let stock = Stock::new();
    sweep("install.sh --uninstall", 41, |at| {
        let plugin = stock.copy();
        let run = tracer::kill_at_effect(stock.script(&plugin, &["--uninstall"]), at);
        let output = stock.script(&plugin, &["--uninstall"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(!plugin.executable().exists());
        stock.comes_to_its_end(&plugin);
        goes_on(&plugin);
        run
    });
}

#[test]
fn a_purge_may_be_killed_anywhere_and_repeated() {
    let stock = Stock::new();
    let flags = ["--uninstall", "--purge"];
    sweep("install.sh --uninstall --purge", 61, |at| {
        let plugin = stock.copy();
        let run = tracer::kill_at_effect(stock.script(&plugin, &flags), at);
        let output = stock.script(&plugin, &flags).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut left = std::fs::read_dir(plugin.holder().parent().unwrap()).unwrap();
        assert!(left.next().is_none(), "{left:?}");
        run
    });
}

#[test]
fn an_archive_may_be_killed_anywhere_and_made_again() {
    let stock = Stock::new();
    let whole = stock.folder.path().join("whole.tar.gz");
    // Small, for it is packed twice for each point.
    let executable = stock.binary("small");
    std::fs::write(&executable, format!("#!/bin/sh\nexec {BINARY} \"$@\"\n")).unwrap();
    std::fs::set_permissions(&executable, Permissions::from_mode(0o755)).unwrap();
    let pack = |file: &Path| {
        let mut command = stock.script(&stock.plugin, &["--from"]);
        command.arg(&executable).arg("--archive").arg(file);
        command
    };
    assert!(pack(&whole).output().unwrap().status.success());
    sweep("install.sh --archive", 61, |at| {
        let folder = tempfile::tempdir_in(stock.folder.path()).unwrap();
        let file = folder.path().join("made.tar.gz");
        let run = tracer::kill_at_effect(pack(&file), at);
        assert!(!file.exists() || same(&file, &whole), "it is whole or not there");
        let output = pack(&file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(same(&file, &whole));
        assert_eq!(on_its_way(folder.path()), Vec::<PathBuf>::new(), "left behind");
        run
    });
}
