//! With a real sshd on 127.0.0.1; skipped, with a line that says so, where there is none.

use std::fs::{Permissions, create_dir_all, read_to_string, set_permissions, symlink_metadata};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Facts, NotReady, Wanted, look};

const FACTS: Facts<'_> = Facts { task_id: "17", hostname: "webdir-17", server_id: None };

/// A server with host keys of its own.
struct Sshd {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Sshd {
    /// Starts one; none where there is no sshd.
    fn start() -> Option<Self> {
        let tools =
            ["/usr/sbin/sshd", "/usr/bin/ssh-keyscan", "/usr/bin/ssh-keygen", "/usr/bin/ssh"];
        if let Some(missing) = tools.iter().find(|tool| !Path::new(tool).exists()) {
            println!("skipped: there is no {missing}");
            return None;
        }
        // sshd's own folder, which its service makes; only root's sshd needs it.
        let _ = create_dir_all("/run/sshd");
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        make_keys(folder.path());
        let process = spawn(folder.path(), port);
        Some(Self { process, folder, port })
    }

    /// Another server gets the address.
    fn replace(&mut self) {
        self.stop();
        for kind in KINDS {
            std::fs::remove_file(self.folder.path().join(kind)).unwrap();
            std::fs::remove_file(self.folder.path().join(format!("{kind}.pub"))).unwrap();
        }
        make_keys(self.folder.path());
        self.process = spawn(self.folder.path(), self.port);
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn name(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// The file that `look` writes, in a folder that is not there yet.
    fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("home/.ssh/known_hosts")
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            ssh_port: self.port,
            known_hosts: Some(self.known_hosts()),
            login: false,
            command: None,
            timeout: Duration::from_mins(1),
            home: self.folder.path().join("home"),
        }
    }

    /// Looks until the server is ready, as the worker does.
    fn look(&self) {
        let began = Instant::now();
        while let Err(why) = look("127.0.0.1", None, &self.wanted(), FACTS) {
            assert!(began.elapsed() < Duration::from_mins(1), "{why}");
        }
    }

    /// Whether ssh asks about the host's key, with the file as it is.
    fn ssh_asks(&self) -> bool {
        let output = self.ssh();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(255), "{said}");
        let (asks, denies) =
            (said.contains("Host key verification failed"), said.contains("Permission denied"));
        assert!(asks != denies, "{said}");
        asks
    }

    fn ssh(&self) -> Output {
        Command::new("ssh")
            .args(["-F", "/dev/null", "-o", "StrictHostKeyChecking=ask", "-o", "BatchMode=yes"])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "IdentityFile=/dev/null"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", self.known_hosts().display()))
            .args(["-p", &self.port.to_string(), "nobody@127.0.0.1", "true"])
            .output()
            .unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

const KINDS: [&str; 3] = ["rsa", "ecdsa", "ed25519"];

fn make_keys(folder: &Path) {
    for kind in KINDS {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-t", kind, "-f"])
            .arg(folder.join(kind))
            .status();
        assert!(made.unwrap().success());
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string()]);
    command.args(["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"]);
    for kind in KINDS {
        command.arg("-h").arg(folder.join(kind));
    }
    let mut process =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert_eq!(process.try_wait().unwrap(), None, "sshd ended");
        std::thread::yield_now();
    }
    process
}

#[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
fn put(path: &Path, text: &str) {
    create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn public_key(sshd: &Sshd, kind: &str) -> String {
    let line = read_to_string(sshd.folder.path().join(format!("{kind}.pub"))).unwrap();
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_server_and_the_next_one_at_its_address_are_known_without_a_question() {
    let Some(mut sshd) = Sshd::start() else { return };
    sshd.look();
    let file = sshd.known_hosts();
    let first = read_to_string(&file).unwrap();
    assert_eq!(first.lines().count(), 3, "{first}");
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(file.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
    assert!(!sshd.ssh_asks());

    sshd.replace();
    assert!(sshd.ssh_asks(), "the test must be able to see a question");
    sshd.look();
    let second = read_to_string(&file).unwrap();
    assert_eq!(second.lines().count(), 3, "{second}");
    assert!(second.lines().all(|line| !first.contains(line)), "{first}{second}");
    assert!(!sshd.ssh_asks());
    let beside: Vec<_> = file.parent().unwrap().read_dir().unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn what_else_is_in_the_file_stays_with_its_mode_and_place() {
    let Some(sshd) = Sshd::start() else { return };
    let (link, file) = (sshd.known_hosts(), sshd.folder.path().join("shared"));
    let name = sshd.name();
    let stale = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8";
    put(&file, &format!("{name} {stale}\n127.0.0.1 {stale}\n"));
    let hashed =
        Command::new("ssh-keygen").arg("-q").arg("-H").arg("-f").arg(&file).output().unwrap();
    assert!(hashed.status.success());
    let hashed = read_to_string(&file).unwrap();
    assert!(hashed.starts_with("|1|"), "{hashed}");
    let text =
        format!("# mine\n{hashed}not a key\nother,{name} {stale}\n*.example {stale}\nlast {stale}");
    put(&file, &text);
    set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&file, &link).unwrap();

    sshd.look();
    let kept = format!("# mine\nnot a key\nother {stale}\n*.example {stale}\nlast {stale}\n");
    let now = read_to_string(&file).unwrap();
    let added = now.strip_prefix(&kept).unwrap_or_else(|| panic!("{now}"));
    assert_eq!(added.lines().count(), 3, "{now}");
    for kind in KINDS {
        assert!(added.contains(&format!("{name} {}\n", public_key(&sshd, kind))), "{now}");
    }
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640);
    assert!(symlink_metadata(&link).unwrap().is_symlink());
    assert!(!sshd.ssh_asks());
}

#[test]
fn a_file_that_knows_the_keys_is_not_written() {
    let Some(sshd) = Sshd::start() else { return };
    sshd.look();
    let file = sshd.known_hosts();
    let before = file.metadata().unwrap();
    // Reading only: a write would fail, where the user is not root, and show in the times.
    set_permissions(&file, Permissions::from_mode(0o400)).unwrap();
    sshd.look();
    let after = file.metadata().unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
}

#[test]
fn servers_that_become_ready_at_once_are_all_known() {
    let servers: Vec<Sshd> = (0..3).map_while(|_| Sshd::start()).collect();
    let Some(first) = servers.first() else { return };
    let file = first.known_hosts();
    put(&file, "one ssh-rsa AAAA\n");
    std::thread::scope(|scope| {
        for sshd in &servers {
            let wanted = Wanted { known_hosts: Some(file.clone()), ..sshd.wanted() };
            scope.spawn(move || while look("localhost", None, &wanted, FACTS).is_err() {});
        }
    });
    let text = read_to_string(&file).unwrap();
    // Each with three keys under its name and its address.
    assert_eq!(text.lines().count(), 1 + 3 * 3 * 2, "{text}");
}

#[test]
fn a_command_has_the_last_word() {
    let Some(sshd) = Sshd::start() else { return };
    sshd.look();
    let command = |script: &str| Some(["sh", "-c", script].map(str::to_owned).to_vec());
    let mut wanted = Wanted { command: command("test -s ~/.ssh/known_hosts"), ..sshd.wanted() };
    assert_eq!(look("127.0.0.1", Some("canaryPassword"), &wanted, FACTS), Ok(()));
    wanted.command = command("echo $SERVER is not ready; exit 1");
    let why = look("127.0.0.1", None, &wanted, FACTS).unwrap_err().to_string();
    assert_eq!(why, "`ready.command` ended with 1: 127.0.0.1 is not ready");
}

#[test]
fn a_password_that_does_not_log_in_is_not_repeated() {
    let Some(sshd) = Sshd::start() else { return };
    sshd.look();
    let wanted = Wanted { login: true, ..sshd.wanted() };
    let not_ready = look("127.0.0.1", Some("canaryPassword"), &wanted, FACTS).unwrap_err();
    let why = not_ready.to_string();
    assert!(!not_ready.rest.is_zero(), "sshd is to forget it");
    assert!(why.starts_with("root's password does not log in"), "{why}");
    assert!(why.contains("Permission denied") && !why.contains("canary"), "{why}");
    let beside: Vec<_> = sshd.known_hosts().parent().unwrap().read_dir().unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn an_address_that_could_be_an_option_is_refused() {
    for address in ["", "-oProxyCommand=x", "a b", "a\nb", "::1", "[::1]"] {
        let wanted = Wanted {
            ssh_port: 22,
            known_hosts: None,
            login: false,
            command: None,
            timeout: Duration::from_secs(1),
            home: PathBuf::from("/"),
        };
        let NotReady { why, .. } = look(address, None, &wanted, FACTS).unwrap_err();
        assert!(why.ends_with("is neither an IPv4 address nor a name"), "{why}");
    }
}
