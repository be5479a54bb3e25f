//! `install.sh --timer`: systemd or cron calls `work --once` every minute and after a boot.
//!
//! Each installer runs where the folders of systemd and cron are the test's own, which only root can
//! bring about.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kill_install::on_its_way;
use crate::support::answer::Answer;
use crate::support::mount::has;
use crate::support::plugin::{BINARY, installer};
use crate::support::tracer::{self, Run};
use crate::support::{is_root, one_of, proved, skip};

/// The provider's name: cron passes over files with a dot in theirs.
const NAME: &str = "my.cloud";

/// Somebody who is not root: crontab serves nobody without a name, so this is `nobody`.
const USER: &str = "65534";

/// A machine of its own folders.
struct Machine {
    folder: TempDir,
    /// Whether it was started by systemd.
    has_systemd: bool,
    /// Who installs, where that is not root.
    user: Option<&'static str>,
}

impl Machine {
    /// Returns none where there can be none, and says why.
    fn new(has_systemd: bool) -> Option<Self> {
        if !is_root() || !has("unshare") {
            skip("only root can put folders in the place of /etc/cron.d");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("cron.d", 0o755), ("units", 0o755), ("spool", 0o1777), ("web", 0o777)]
        {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        Some(Self { folder, has_systemd, user: None })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn holder(&self) -> PathBuf {
        self.path("web dir/providers").join(NAME)
    }

    /// Returns a command that runs a program on this machine.
    fn command(&self, program: &Command) -> Command {
        let mut script = String::from("mount --bind \"$0/units\" /etc/systemd/system\n");
        for (name, place) in [("cron.d", "/etc/cron.d"), ("spool", "/var/spool/cron/crontabs")] {
            let _ = writeln!(script, "[ ! -d {place} ] || mount --bind \"$0/{name}\" {place}");
        }
        script += "mount -t tmpfs none /run\n";
        if self.has_systemd {
            script += "mkdir -p /run/systemd/system\n";
        }
        script += "exec \"$@\"";
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--mount", "/bin/sh", "-ec", &script]).arg(self.folder.path());
        if let Some(user) = self.user {
            let ids = [format!("--reuid={user}"), format!("--regid={user}")];
            command.arg("setpriv").args(ids).args(["--clear-groups", "--"]);
        }
        command.arg(program.get_program()).args(program.get_args());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    fn script(&self, words: &[&str]) -> Command {
        let mut install = installer();
        install.args(["--name", NAME, "--root"]).arg(self.path("web dir")).args(words);
        self.command(&install)
    }

    fn run(&self, words: &[&str]) -> Answer {
        let output = self.script(words).output().expect("unshare runs");
        Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output)
    }

    fn install(&self) -> Answer {
        self.run(&["--from", BINARY, "--timer"])
    }

    /// Runs what cron would run; returns what it says.
    #[track_caller]
    fn shell(&self, line: &str) -> String {
        let mut shell = Command::new("/bin/sh");
        let output = self.command(shell.args(["-c", line])).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Places an order that nobody works on.
    #[track_caller]
    fn order(&self) {
        let inventory = crate::support::plugin::inventory(1).to_string();
        let place = self.holder().join("etc/inventory.json");
        self.shell(&format!("printf '%s' '{inventory}' >'{}'", place.display()));
        let executable = self.holder().join("bin").join(NAME);
        let lock = self.holder().join("state/worker.lock");
        let (executable, lock) = (executable.display(), lock.display());
        // The first look makes the state.
        self.shell(&format!("'{executable}' orders list"));
        self.shell(&format!("flock '{lock}' '{executable}' order 1"));
    }

    #[track_caller]
    fn is_finished(&self) -> bool {
        self.holder().join("state/done/1.json").exists()
    }
}

/// Returns the commands of a table for every minute and after a boot.
#[track_caller]
fn commands(table: &str, before: &str) -> [String; 2] {
    ["* * * * * ", "@reboot "].map(|when| {
        let line = table.lines().find_map(|line| line.strip_prefix(when));
        let line = line.unwrap_or_else(|| panic!("{when}: {table}"));
        line.strip_prefix(before).unwrap_or_else(|| panic!("{before}: {line}")).to_owned()
    })
}

#[test]
fn cron_gets_a_file_whose_lines_drive_what_is_open() {
    let Some(machine) = Machine::new(false) else { return };
    machine.install().prints();
    let file = machine.path("cron.d/webdir-provider-my_cloud");
    let table = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o644);
    let [minute, boot] = commands(&table, "root ");
    assert_eq!(minute, boot);
    machine.order();
    assert!(!machine.is_finished());
    assert_eq!(machine.shell(&minute), "", "cron sends letters of what is said");
    assert!(machine.is_finished());

    let again = machine.install().prints().to_owned();
    assert!(again.contains("unchanged       /etc/cron.d/webdir-provider-my_cloud"), "{again}");
    machine.run(&["--uninstall"]).prints();
    assert!(!file.exists());
}

#[test]
fn a_file_of_somebody_elses_is_neither_replaced_nor_removed() {
    for (has_systemd, file) in [
        (false, "cron.d/webdir-provider-my_cloud"),
        (true, "units/webdir-provider-my.cloud.service"),
        (true, "units/webdir-provider-my.cloud.timer"),
    ] {
        let Some(machine) = Machine::new(has_systemd) else { return };
        if has_systemd && !has("systemctl") {
            return skip("systemd is not installed");
        }
        std::fs::write(machine.path(file), "# mine\n").unwrap();
        let answer = machine.install();
        assert!(answer.complains(1).contains("belongs to another installation"), "{answer:?}");
        assert!(!machine.holder().exists(), "nothing was done");
        machine.run(&["--from", BINARY]).prints();
        machine.run(&["--uninstall", "--purge"]).prints();
        assert_eq!(std::fs::read_to_string(machine.path(file)).unwrap(), "# mine\n");
    }
}

#[test]
fn systemd_gets_units_that_it_understands() {
    let Some(machine) = Machine::new(true) else { return };
    if !has("systemd-analyze") || !has("systemctl") {
        return skip("systemd is not installed");
    }
    // Nobody runs it here, and so it can start nothing: that is said.
    let answer = machine.install();
    assert_eq!(answer.status, Some(1), "{answer:?}");
    let said = "systemctl did not start webdir-provider-my.cloud.timer";
    assert!(answer.stderr.contains(said), "{answer:?}");
    let units = ["service", "timer"].map(|kind| {
        let name = format!("webdir-provider-my.cloud.{kind}");
        assert!(machine.path("units").join(&name).exists(), "{name}");
        format!("/etc/systemd/system/{name}")
    });
    let mut verify = Command::new("systemd-analyze");
    let output = machine.command(verify.arg("verify").args(&units)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("webdir")).collect();
    assert!(output.status.success() && about_ours.is_empty(), "{said}");
    machine.run(&["--uninstall"]).prints();
    assert_eq!(std::fs::read_dir(machine.path("units")).unwrap().count(), 0);
}

#[test]
fn a_user_gets_two_lines_more_in_the_table_that_is_there() {
    let Some(mut machine) = Machine::new(false) else { return };
    if !has("crontab") || !has("setpriv") {
        return skip("there is no crontab");
    }
    machine.user = Some(USER);
    std::fs::create_dir(machine.path("web dir")).unwrap();
    let (user, web) = (USER.parse().unwrap(), machine.path("web dir"));
    std::os::unix::fs::chown(web, Some(user), Some(user)).unwrap();
    machine.shell("echo '5 4 * * * /usr/bin/backup' | crontab -");
    machine.install().prints();
    let table = machine.shell("crontab -l");
    let [minute, _] = commands(&table, "");
    machine.order();
    assert_eq!(machine.shell(&minute), "");
    assert!(machine.is_finished());
    let again = machine.install().prints().to_owned();
    assert!(again.contains("unchanged       crontab of this user"), "{again}");
    assert_eq!(machine.shell("crontab -l"), table);
    machine.run(&["--uninstall"]).prints();
    let rest = machine.shell("crontab -l");
    assert!(rest.contains("5 4 * * * /usr/bin/backup\n") && !rest.contains("webdir"), "{rest}");
    assert_eq!(table.lines().count(), rest.lines().count() + 2, "{table}{rest}");
}

/// Neither systemd nor cron has a way to say it.
#[test]
fn a_root_that_a_timer_cannot_name_is_refused() {
    let Some(machine) = Machine::new(false) else { return };
    let mut install = installer();
    install.args(["--name", NAME, "--timer", "--from", BINARY, "--root"]);
    install.arg(machine.path("100%"));
    let output = machine.command(&install).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--timer needs a --root of plain characters"), "{said}");
}

#[test]
fn what_makes_a_timer_may_be_killed_anywhere_and_repeated() {
    let Some(machine) = Machine::new(false) else { return };
    machine.run(&["--from", BINARY]).prints();
    let file = machine.path("cron.d/webdir-provider-my_cloud");
    let mut points = 0;
    for at in (1..).step_by(one_of(61)) {
        let run: Run = tracer::kill_at_effect(machine.script(&["--from", BINARY, "--timer"]), at);
        if file.exists() {
            commands(&std::fs::read_to_string(&file).unwrap(), "root ");
        }
        machine.install().prints();
        commands(&std::fs::read_to_string(&file).unwrap(), "root ");
        assert_eq!(on_its_way(&machine.path("cron.d")), Vec::<PathBuf>::new(), "call {at}");
        std::fs::remove_file(&file).unwrap();
        if !run.killed {
            break;
        }
        points += 1;
    }
    proved(points);
    assert!(points > 1, "{points} points");
}
