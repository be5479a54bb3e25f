//! A server as a hoster sells it: a network namespace of the test's own with a real sshd, where root
//! has a home and a password of its own.
//!
//! `ip netns exec` lays the files of `/etc/netns/NAME/` over those of `/etc` (`ip-netns(8)`), for
//! what it starts and nobody else.

use std::fs::Permissions;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::mount::has;
use super::{is_root, skip, wait_until};

/// The first of the addresses that are for tests of network devices (RFC 2544, appendix C.2.2).
const FIRST: u32 = u32::from_be_bytes([198, 18, 0, 0]);

/// How many networks of four addresses there are.
const NETWORKS: u32 = 1 << 15;

/// The kinds of key that a server has.
const KINDS: [&str; 3] = ["rsa", "ecdsa", "ed25519"];

/// When passwords were changed last, in days since 1970 (`shadow(5)`).
const CHANGED: u32 = 20000;

/// A server; it is gone, with all that runs there, when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Host {
    network: u32,
    folder: TempDir,
    sshd: Option<Child>,
}

impl Host {
    /// Makes a server without an SSH server; none, with a line that says why, where that cannot be.
    pub(crate) fn new() -> Option<Self> {
        if !is_root() {
            skip("only root can make a network namespace");
            return None;
        }
        let tools = ["ip", "unshare", "openssl", "ssh", "ssh-keygen", "ssh-keyscan", "expect"];
        if let Some(missing) = tools.iter().find(|tool| !has(tool)) {
            skip(&format!("there is no {missing}"));
            return None;
        }
        if !Path::new("/usr/sbin/sshd").exists() {
            skip("there is no /usr/sbin/sshd");
            return None;
        }
        let host = Self { network: reserve()?, folder: folder(), sshd: None };
        host.connect();
        std::fs::create_dir(host.home()).expect("a folder is made");
        host.write_etc("passwd", &passwd(&host.home(), ""), 0o644);
        host.write_shadow("*", CHANGED);
        host.make_keys();
        Some(host)
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> String {
        self.address_of(2).to_string()
    }

    fn address_of(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(FIRST + 4 * self.network + number)
    }

    fn name(&self) -> String {
        namespace(self.network)
    }

    /// A link between the namespace and the machine that the test runs on.
    fn connect(&self) {
        let (name, link) = (self.name(), link(self.network));
        ip(&format!("link add {link} type veth peer name eth0 netns {name}"));
        ip(&format!("address add {}/30 dev {link}", self.address_of(1)));
        ip(&format!("link set {link} up"));
        ip(&format!("-n {name} address add {}/30 dev eth0", self.address_of(2)));
        ip(&format!("-n {name} link set eth0 up"));
    }

    /// Gives root a password, as a hoster does.
    pub(crate) fn set_password(&self, password: &str) {
        self.write_shadow(&hash(password), CHANGED);
    }

    /// Gives root a password that must be changed at the first login.
    pub(crate) fn set_expired_password(&self, password: &str) {
        self.write_shadow(&hash(password), 0);
    }

    fn write_shadow(&self, hash: &str, changed: u32) {
        self.write_etc("shadow", &format!("root:{hash}:{changed}:0:99999:7:::\n"), 0o600);
    }

    /// Writes over a file, so that what has it before its eyes already sees the change.
    fn write_etc(&self, name: &str, text: &str, mode: u32) {
        let path = etc(&self.name()).join(name);
        std::fs::write(&path, text).expect("the file is written");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("the file is ours");
    }

    /// Lets a key log in, as the user-data of an order says.
    pub(crate) fn authorize(&self, key: &str) {
        std::fs::create_dir_all(self.home().join(".ssh")).expect("a folder is made");
        std::fs::write(self.authorized_keys(), format!("{key}\n")).expect("the file is written");
    }

    /// Returns the file of the keys that may log in.
    pub(crate) fn authorized_keys(&self) -> PathBuf {
        self.home().join(".ssh/authorized_keys")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Makes it another server at the same address: without what the old one had.
    pub(crate) fn replace(&mut self) {
        self.stop();
        for kind in KINDS {
            std::fs::remove_file(self.key(kind)).expect("a key is there");
            std::fs::remove_file(self.key(kind).with_extension("pub")).expect("a key is there");
        }
        self.make_keys();
        self.write_shadow("*", CHANGED);
        std::fs::remove_dir_all(self.home()).expect("a folder is there");
        std::fs::create_dir(self.home()).expect("a folder is made");
    }

    fn make_keys(&self) {
        for kind in KINDS {
            let key = self.key(kind);
            done(Command::new("ssh-keygen").args(["-qN", "", "-t", kind, "-f"]).arg(key));
        }
    }

    fn key(&self, kind: &str) -> PathBuf {
        self.folder.path().join(kind)
    }

    /// Returns a line of `known_hosts` for each of its keys, sorted.
    pub(crate) fn key_lines(&self) -> Vec<String> {
        let line = |kind: &&str| {
            let text = std::fs::read_to_string(self.key(kind).with_extension("pub"));
            let text = text.expect("a key is there");
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            format!("{} {}", self.address(), words.join(" "))
        };
        let mut lines: Vec<String> = KINDS.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// Starts the SSH server.
    pub(crate) fn start(&mut self) {
        // What sshd writes about logins, and its own folder, are nobody's business outside.
        let script = "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && \
                      mount -t tmpfs tmpfs /var/log && exec /usr/sbin/sshd \"$@\"";
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(), "sh", "-c", script, "sh"]);
        command.args(["-D", "-e", "-f", "/dev/null", "-p", "22", "-o", "PidFile=none"]);
        for option in ["UsePAM=no", "PermitRootLogin=yes", "PasswordAuthentication=yes"] {
            command.args(["-o", option]);
        }
        // Its folder may lie in one that everybody can write to.
        command.args(["-o", "StrictModes=no"]);
        for kind in KINDS {
            command.arg("-h").arg(self.key(kind));
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().expect("ip runs");
        let address = (self.address_of(2), 22);
        wait_until("sshd answers", || {
            assert_eq!(child.try_wait().expect("it is ours"), None, "sshd ended");
            TcpStream::connect(address).is_ok()
        });
        self.sshd = Some(child);
    }

    /// Ends the SSH server, and the logins that it let in.
    pub(crate) fn stop(&mut self) {
        let pids = Command::new("ip").args(["netns", "pids", &self.name()]).output();
        let pids = pids.map(|output| output.stdout).unwrap_or_default();
        for pid in String::from_utf8_lossy(&pids).split_whitespace() {
            let pid = nix::unistd::Pid::from_raw(pid.parse().expect("a process id"));
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        if let Some(mut child) = self.sshd.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
        // In that order: a namespace takes its end of the link with it only when it is unused.
        let (link, name) = (link(self.network), self.name());
        let _ = run_ip(&format!("link del {link}"));
        let _ = run_ip(&format!("netns del {name}"));
        let _ = std::fs::remove_dir_all(etc(&name));
        // Where other tests, or somebody else, have one there too, it stays.
        let _ = std::fs::remove_dir("/etc/netns");
    }
}

/// Makes a namespace of a number that nobody else has on this machine.
fn reserve() -> Option<u32> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let network = std::process::id().wrapping_mul(31).wrapping_add(next) % NETWORKS;
        let name = namespace(network);
        let made = run_ip(&format!("netns add {name}"));
        if made.status.success() {
            // Another test that ends may remove the folder above it meanwhile.
            wait_until("a folder is made", || std::fs::create_dir_all(etc(&name)).is_ok());
            return Some(network);
        }
        if !Path::new("/run/netns").join(&name).exists() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            skip(&format!("no network namespace can be made: {why}"));
            return None;
        }
    }
}

fn namespace(network: u32) -> String {
    format!("webdir-test-{network}")
}

fn link(network: u32) -> String {
    format!("wdt-{network}")
}

fn etc(name: &str) -> PathBuf {
    Path::new("/etc/netns").join(name)
}

/// Returns a folder that others may look into: sshd looks for keys as whoever logs in.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
    folder
}

/// Returns the users of this machine, root with another home, and one line more.
pub(crate) fn passwd(home: &Path, more: &str) -> String {
    let users = std::fs::read_to_string("/etc/passwd").expect("there are users");
    let others: Vec<&str> = users.lines().filter(|line| !line.starts_with("root:")).collect();
    format!("root:x:0:0:root:{}:/bin/sh\n{}\n{more}\n", home.display(), others.join("\n"))
}

/// Returns what `shadow(5)` holds of a password.
fn hash(password: &str) -> String {
    let mut openssl = Command::new("openssl")
        .args(["passwd", "-6", "-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let mut stdin = openssl.stdin.take().expect("an input");
    stdin.write_all(password.as_bytes()).expect("openssl reads");
    drop(stdin);
    let output = openssl.wait_with_output().expect("openssl ends");
    String::from_utf8(output.stdout).expect("a hash is ASCII").trim().to_owned()
}

fn run_ip(words: &str) -> Output {
    Command::new("ip").args(words.split(' ')).output().expect("ip runs")
}

#[track_caller]
fn ip(words: &str) {
    done(Command::new("ip").args(words.split(' ')));
}

#[track_caller]
pub(crate) fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the command runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
}
