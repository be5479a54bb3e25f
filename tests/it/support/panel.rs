//! The machine that the panel runs on, as far as ssh and the pool see it: users have homes of the
//! test's own there, so that nobody's `known_hosts` is touched.
//!
//! Each call has a mount namespace in which another file lies over `/etc/passwd`; a worker that it
//! starts stays in there. Everybody who asks for a home directory, ssh too, asks that file.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::host::{Host, done, folder, passwd};
use super::plugin::Plugin;

/// A user who is not root and owns a holder, as where the panel installed an archive.
pub(crate) const OWNER: u32 = 54321;

/// What the panel does with a server that was handed over with a password, in the way of its own
/// script: as a person at a terminal, but any question is one too many.
const JOIN: &str = r#"
set timeout 15
spawn ssh root@$env(SERVER) "umask 077; mkdir -p .ssh; echo '$env(KEY)' >> .ssh/authorized_keys"
expect {
    -re {\(yes/no} { puts "\nssh asks about the key"; exit 3 }
    -re {assword: ?$} { send -- "$env(SERVER_PASSWORD)\r" }
    timeout { exit 4 }
    eof { exit 5 }
}
expect {
    -re {assword: ?$} { puts "\nthe password is wrong"; exit 6 }
    timeout { exit 4 }
    eof
}
exit [lindex [wait] 3]
"#;

/// The panel's machine.
pub(crate) struct Panel {
    pub(crate) plugin: Plugin,
    folder: TempDir,
}

impl Panel {
    /// Makes a provider one of this machine's.
    pub(crate) fn with(plugin: Plugin) -> Self {
        let folder = folder();
        let [root, owner] = ["root", "owner"].map(|name| folder.path().join(name));
        for home in [&root, &owner] {
            std::fs::create_dir(home).expect("a folder is made");
        }
        let owner = format!("owner:x:{OWNER}:{OWNER}::{}:/bin/sh", owner.display());
        std::fs::write(folder.path().join("passwd"), passwd(&root, &owner)).expect("written");
        done(Command::new("ssh-keygen").args(["-qN", "", "-f"]).arg(folder.path().join("pool")));
        let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
        let before = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script].map(str::to_owned);
        let mut before = before.to_vec();
        before.push(folder.path().join("passwd").display().to_string());
        let this = Self { plugin: plugin.called_through(before), folder };
        let homes = output(this.command("sh").args(["-c", "echo ~root"]));
        assert_eq!(String::from_utf8_lossy(&homes.stdout).trim(), root.display().to_string());
        this
    }

    /// Gives the holder to a user who is not root.
    pub(crate) fn give_away(&self) {
        done(Command::new("chmod").arg("755").arg(self.plugin.root()));
        let owner = format!("{OWNER}:{OWNER}");
        let mut chown = Command::new("chown");
        done(chown.args(["-R", &owner]).arg(self.plugin.holder()).arg(self.path("owner")));
    }

    /// Returns the place of a file that is gone with the test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the file of the hosts that a user knows: `root` or `owner`.
    pub(crate) fn known_hosts(&self, user: &str) -> PathBuf {
        self.path(user).join(".ssh/known_hosts")
    }

    /// Returns the lines of root's file.
    pub(crate) fn known_lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.known_hosts("root")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes root's file.
    pub(crate) fn know(&self, text: &str) {
        let file = self.known_hosts("root");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder is made");
        std::fs::write(file, text).expect("the file is written");
    }

    /// Returns the pool's public key.
    pub(crate) fn key(&self) -> String {
        let text = std::fs::read_to_string(self.path("pool.pub")).expect("a key");
        text.trim().to_owned()
    }

    /// Returns a command that runs a program as root on this machine.
    fn command(&self, program: &str) -> Command {
        let mut command = self.plugin.program(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Joins a server to the pool; returns whether that was done at the first try, and what was
    /// said.
    pub(crate) fn joins(&self, host: &Host, password: &str) -> (bool, String) {
        let mut command = self.command("expect");
        command
            .args(["-c", JOIN])
            .env("SERVER", host.address())
            .env("SERVER_PASSWORD", password)
            .env("KEY", self.key());
        let output = output(&mut command);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    }

    /// Logs in by the pool's key, without a terminal, as Ansible does; returns what ssh said where
    /// that failed.
    pub(crate) fn logs_in(&self, host: &Host) -> Result<(), String> {
        let mut command = self.command("ssh");
        command.arg("-i").arg(self.path("pool")).arg(format!("root@{}", host.address()));
        let output = output(command.arg("true"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }
}

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the command runs")
}

/// Returns whether a file belongs to a user and to nobody else.
pub(crate) fn is_private_to(file: &std::path::Path, user: u32) -> bool {
    let metadata = file.metadata().expect("it is there");
    (metadata.uid(), metadata.mode() & 0o777) == (user, 0o600)
}
