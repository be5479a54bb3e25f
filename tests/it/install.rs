//! `install.sh`: what it makes, what it leaves alone, and what it refuses.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::answer::Answer;
use crate::support::plugin::{BINARY, NAME, Plugin, installer};
use crate::support::receiver::{Receiver, Reply};
use crate::support::sweep::order;
use crate::support::{is_root, skip};

/// Runs the installer.
fn run(command: &mut Command, words: &[&str]) -> Answer {
    let output = command.args(words).output().expect("sh runs");
    Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output)
}

/// A folder in which something is installed, or is not.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &str {
        self.0.path().to_str().expect("a plain path")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join("providers").join(NAME).join(path)
    }

    /// Runs the installer for this place with the executable under test.
    #[track_caller]
    fn install(&self, words: &[&str]) -> Answer {
        self.run(&[&["--from", BINARY][..], words].concat())
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> Answer {
        run(&mut installer(), &[&["--name", NAME, "--root", self.root()], words].concat())
    }
}

/// Returns what is below a folder: path, then mode, owner, time of change and text.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u32, u32, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, metadata) = (entry.path(), entry.metadata().unwrap());
            let text = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            let (at, part) = (metadata.mtime(), metadata.mtime_nsec());
            found.insert(path, (metadata.mode(), metadata.uid(), at, part, text));
        }
    }
    found
}

fn mode(path: &Path) -> String {
    let metadata =
        std::fs::symlink_metadata(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    format!("{:04o}", metadata.permissions().mode() & 0o7777)
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn what_is_installed_is_its_owners_alone_whatever_the_umask() {
    for umask in ["0", "0777"] {
        let place = Place::new();
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("/bin/sh");
        let install = installer();
        shell.args(["-c", &script]).arg(install.get_program()).args(install.get_args());
        shell.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let words = ["--name", NAME, "--root", place.root(), "--from", BINARY];
        run(&mut shell, &words).prints();
        let modes = ["", "bin", "bin/demo", "etc", "etc/demo.conf", "etc/inventory.json", "state"];
        let modes = modes.map(|path| mode(&place.path(path)));
        assert_eq!(modes, ["0700", "0700", "0755", "0700", "0600", "0600", "0700"], "{umask}");
        assert_eq!(mode(&place.0.path().join("providers")), "0755", "the panel's own folder");
        let help = Command::new(place.path("bin/demo")).arg("help").output().unwrap();
        assert!(help.status.success(), "{help:?}");
    }
}

#[test]
fn a_repeated_installation_changes_nothing() {
    let place = Place::new();
    place.install(&[]).prints();
    let before = everything(place.0.path());
    assert!(before.len() > 6, "{before:?}");
    let again = place.install(&[]).prints().to_owned();
    assert!(everything(place.0.path()) == before, "{again}");
    for word in ["create", "replace", "install", "mode", "owner  root:root"] {
        assert!(!again.lines().any(|line| line.starts_with(word)), "{word}: {again}");
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let place = Place::new();
    let told = place.install(&["--dry-run"]).prints().to_owned();
    assert!(everything(place.0.path()).is_empty(), "{told}");
    let would: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("would ")).collect();
    assert!(would.len() > 5, "{told}");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let done: Vec<String> = place.install(&[]).prints().lines().map(words).collect();
    for line in would {
        assert!(done.contains(&words(line)), "{line}: {done:#?}");
    }

    let before = everything(place.0.path());
    let told = place.run(&["--uninstall", "--purge", "--dry-run"]).prints().to_owned();
    assert!(told.contains("would remove"), "{told}");
    assert!(everything(place.0.path()) == before, "{told}");
}

#[test]
fn an_edited_configuration_is_kept_and_the_new_one_laid_beside_it() {
    let place = Place::new();
    place.install(&[]).prints();
    let conf = place.path("etc/demo.conf");
    std::fs::write(&conf, "{ \"status\": \"disabled\" }").unwrap();
    let own = place.path("etc/hoster.sh");
    std::fs::write(&own, "#!/bin/sh\n").unwrap();
    allow(&own, 0o755);
    let told = place.install(&[]).prints().to_owned();
    assert!(told.contains("etc/ are now closed to others") && !told.contains(".new"), "{told}");
    assert_eq!(mode(&own), "0700", "a script stays one for its owner");

    let told = place.install(&["--definition", "inventory"]).prints().to_owned();
    assert!(told.contains("etc/demo.conf (edited)"), "{told}");
    assert_eq!(std::fs::read_to_string(&conf).unwrap(), "{ \"status\": \"disabled\" }");
    let new = std::fs::read_to_string(place.path("etc/demo.conf.new")).unwrap();
    assert!(new.contains("\"enabled\""), "{new}");
    let told = place.install(&["--definition", "inventory"]).prints().to_owned();
    assert!(told.contains("the new one lies beside it"), "{told}");
}

#[test]
fn what_is_wrong_with_the_flags_is_said_all_at_once_and_nothing_is_done() {
    let long = "a".repeat(65);
    let wrong: [(&[&str], &[&str]); 14] = [
        (&[], &["--name NAME is missing"]),
        (&["--name"], &["--name needs a value"]),
        (&["--name", "x", "--frob", ""], &["unknown flag: --frob", "an empty argument"]),
        (&["--name", "../x"], &["--name must be a letter or digit", "../x"]),
        (&["--name", &long], &["--name must be a letter or digit"]),
        (&["--name", "a\nb"], &["--name has a control character in its value"]),
        (&["--name", "x", "--purge"], &["--purge goes with --uninstall only"]),
        (
            &["--name", "x", "--uninstall", "--timer", "--from", "y"],
            &["--timer contradicts --uninstall", "--from contradicts --uninstall"],
        ),
        (&["--name", "x", "--dry-run=1"], &["--dry-run takes no value"]),
        (&["--demo", "--name", "y"], &["--demo installs the provider 'demo', not --name y"]),
        (&["--name", "x", "--archive", "y.zip"], &["--archive must end in .tar.gz"]),
        (&["--name", "x", "--definition", "a b"], &["--definition is neither a plain name nor"]),
        (&["--name", "x", "--definition", "/webhooks.json"], &["etc/webhooks.json has another"]),
        (&["--name=x", "--root="], &["--root needs a value"]),
    ];
    for (words, said) in wrong {
        let answer = run(&mut installer(), words);
        let complaint = answer.complains(2);
        for part in said {
            assert!(complaint.contains(part), "{part}: {complaint}");
        }
        assert!(
            complaint.contains("nothing was done") && complaint.contains("--help"),
            "{words:?}"
        );
    }
}

#[test]
fn what_is_missing_is_said_and_nothing_is_done() {
    let place = Place::new();
    let told = |answer: Answer, part: &str| {
        let complaint = answer.complains(1).to_owned();
        assert!(complaint.contains("nothing was done") && complaint.contains(part), "{complaint}");
    };
    told(place.run(&["--from", "/nonexistent/x"]), "--from is not a file: /nonexistent/x");
    told(place.run(&["--from", "/etc/passwd"]), "--from cannot be read and executed: /etc/passwd");
    told(place.install(&["--definition", "./none.json"]), "the definition cannot be read: ");
    let pack = ["--name", NAME, "--from", BINARY, "--archive", "/nonexistent/x.tar.gz"];
    told(run(&mut installer(), &pack), "the archive's folder does not exist: /nonexistent");
    std::fs::write(place.0.path().join("providers"), "in the way").unwrap();
    told(place.install(&[]), "providers is in the way: not a folder");
    assert_eq!(everything(place.0.path()).len(), 1);
}

#[test]
fn a_part_of_the_holder_that_leads_elsewhere_is_refused() {
    for part in ["bin", "etc", "state"] {
        let place = Place::new();
        place.install(&[]).prints();
        let elsewhere = place.0.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::remove_dir_all(place.path(part)).unwrap();
        symlink(&elsewhere, place.path(part)).unwrap();
        let before = everything(place.0.path());
        for words in [&["--from", BINARY][..], &["--uninstall"], &["--uninstall", "--purge"]] {
            let answer = place.run(words);
            assert!(answer.complains(1).contains(part), "{answer:?}");
        }
        assert!(everything(place.0.path()) == before, "{part}");
    }
}

#[test]
fn what_is_not_a_provider_is_not_uninstalled() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("photos")).unwrap();
    let answer = place.run(&["--uninstall", "--purge"]);
    assert!(answer.complains(1).contains("does not look like a provider"), "{answer:?}");
    assert!(place.path("photos").exists());
}

#[test]
fn an_uninstallation_keeps_configuration_state_and_what_others_put_into_bin() {
    let place = Place::new();
    place.install(&[]).prints();
    std::fs::write(place.path("bin/other"), "somebody else's").unwrap();
    let output = place.run(&["--uninstall"]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stderr.contains("bin/ holds other files and is kept"), "{output:?}");
    assert!(!place.path("bin/demo").exists() && place.path("bin/other").exists());
    assert!(place.path("etc/demo.conf").exists() && place.path("state").exists());
    std::fs::remove_file(place.path("bin/other")).unwrap();
    place.run(&["--uninstall"]).prints();
    assert!(!place.path("bin").exists());
    let again = place.run(&["--uninstall"]).prints().to_owned();
    assert!(again.contains("bin/ is not there"), "{again}");
    place.run(&["--uninstall", "--purge"]).prints();
    assert!(!place.path("").exists());
    let again = place.run(&["--uninstall", "--purge"]).prints().to_owned();
    assert!(again.contains("is not there"), "{again}");
}

/// Uninstalls a provider.
fn uninstall(plugin: &Plugin, words: &[&str]) -> Answer {
    let root = plugin.root().to_str().unwrap();
    run(&mut installer(), &[&["--name", NAME, "--root", root, "--uninstall"], words].concat())
}

#[test]
fn a_purge_is_refused_while_an_order_is_open() {
    let plugin = Plugin::with_servers(2);
    let held = plugin.hold_worker_lock();
    let id = order(&plugin, &["order", "1"]);
    let answer = uninstall(&plugin, &["--purge"]);
    let complaint = answer.complains(1);
    assert!(complaint.contains(&format!("these orders are open, so state/ is kept: {id}")));
    assert!(plugin.executable().exists() && plugin.state(&format!("active/{id}.json")).exists());
    let told = uninstall(&plugin, &[]).prints().to_owned();
    assert!(told.contains("orders are open, and nothing drives them"), "{told}");
    drop(held);
}

#[test]
fn a_purge_is_refused_while_somebody_else_may_be_ordering() {
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    let lock = std::fs::File::open(plugin.state("lock")).unwrap();
    fs2::FileExt::lock_exclusive(&lock).unwrap();
    let answer = uninstall(&plugin, &["--purge"]);
    assert_eq!(answer.status, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("state/lock for 10 seconds, so state/ is kept"), "{answer:?}");
    assert!(plugin.state("done/1.json").exists());
    drop(lock);
    uninstall(&plugin, &["--purge"]).prints();
    assert!(!plugin.holder().exists());
}

#[test]
fn a_purge_is_refused_while_a_delivery_is_pending() {
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::answering(|_| Reply::status(503));
    // It is tried again when this test has long ended.
    plugin.hook("shop", "generic", &receiver, &["--schedule", "0,3600"]);
    let (id, _) = plugin.sold();
    plugin.tried("shop", 1);
    assert!(plugin.state(&format!("done/{id}.json")).exists(), "the order itself is done");
    let answer = uninstall(&plugin, &["--purge"]);
    let complaint = answer.complains(1);
    assert!(complaint.contains("pending deliveries: 1, so state/ is kept"), "{complaint}");
    assert!(complaint.contains("webhooks delete NAME"), "{complaint}");
    assert!(plugin.executable().exists() && plugin.names("deliveries/pending").len() == 1);
    let told = uninstall(&plugin, &["--dry-run"]).prints().to_owned();
    assert!(told.contains("deliveries are pending, and nothing sends them"), "{told}");
    plugin.run(&["webhooks", "delete", "shop", "--yes"]).prints();
    uninstall(&plugin, &["--purge"]).prints();
    assert!(!plugin.holder().exists());
}

#[test]
fn root_becomes_the_owner_of_all_but_the_panels_records() {
    if !is_root() {
        return skip("only root can give a file away");
    }
    let place = Place::new();
    place.install(&[]).prints();
    std::fs::create_dir(place.path("tasks")).unwrap();
    let (conf, tasks) = (place.path("etc/demo.conf"), place.path("tasks"));
    let (bin, shared) = (place.path("bin/demo"), place.path("etc/shared"));
    std::fs::create_dir(&shared).unwrap();
    allow(&shared, 0o777);
    // A file whose copy has no room for a longer name, and a link.
    let (long, link) = (shared.join("n".repeat(250)), shared.join("a link"));
    std::fs::write(&long, "").unwrap();
    symlink("/etc/hostname", &link).unwrap();
    for path in [&conf, &tasks, &shared, &bin, &long] {
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    }
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let before = (inode(&bin), std::fs::read(&conf).unwrap());
    let mut kept = std::fs::File::options().append(true).open(&conf).unwrap();
    let answer = place.install(&[]);
    assert_eq!(answer.status, Some(0), "{answer:?}");
    assert!(
        answer.stderr.contains("these are links") && answer.stderr.contains("etc/shared/a link")
    );
    let told = answer.stdout;
    assert!(told.contains("root:root instead of nobody:"), "{told}");
    let owner = |path: &Path| std::fs::metadata(path).unwrap().uid();
    assert_eq!((owner(&conf), owner(&tasks)), (0, 65534), "{told}");
    kept.write_all(b"what its owner before would have it say").unwrap();
    assert_eq!(
        (inode(&bin) == before.0, std::fs::read(&conf).unwrap()),
        (false, before.1),
        "{told}"
    );
    let mode = std::fs::metadata(&shared).unwrap().mode() & 0o7777;
    assert_eq!((owner(&shared), mode), (0, 0o700), "{told}");
    // A run that was killed in between may have left this so.
    allow(&shared, 0o777);
    let again = place.install(&[]).prints().to_owned();
    assert_eq!(std::fs::metadata(&shared).unwrap().mode() & 0o7777, 0o700);
    assert!(
        again.lines().any(|line| line.split_whitespace().eq(["unchanged", "bin/demo"])),
        "{again}"
    );
}

#[test]
fn an_archive_holds_a_provider_that_is_roots_and_is_the_same_each_time() {
    let place = Place::new();
    // Small, for packing takes its time.
    let executable = place.0.path().join("small");
    std::fs::write(&executable, "#!/bin/sh\n").unwrap();
    allow(&executable, 0o755);
    let file = place.0.path().join("cloud.tar.gz");
    let words = ["--from", executable.to_str().unwrap(), "--archive", file.to_str().unwrap()];
    place.run(&words).prints();
    let listed = Command::new("tar").args(["--numeric-owner", "-tvzf"]).arg(&file).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let files: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let seen: Vec<(&str, &str, &str)> =
        files.iter().map(|line| (line[0], line[1], *line.last().unwrap())).collect();
    let expected = [
        ("-rwxr-xr-x", "0/0", "bin/demo"),
        ("-rw-------", "0/0", "etc/demo.conf"),
        ("-rw-------", "0/0", "etc/inventory.json"),
    ];
    assert_eq!(seen, expected, "{listed}");
    let before = everything(place.0.path());
    let again = place.run(&words).prints().to_owned();
    assert!(again.contains("unchanged") && everything(place.0.path()) == before, "{again}");
    assert!(!place.path("").exists(), "nothing is installed");
}
