//! Whether a server is ready for the pool: one look, which the caller repeats.
//!
//! The panel joins a server with one try, and a failure there is final. So a server is handed over
//! only when its SSH server answers, its keys are known (the panel's script cannot answer a newer
//! ssh's question), and whatever else the configuration asks for has come true.
//!
//! sshd from 9.8 on refuses an address for a while that connects without logging in too often
//! (`PerSourcePenalties` in `sshd_config(5)`: 1 s for each such connection, 5 s for a wrong
//! password; they pass with time, but beyond 15 s everything is refused until all have passed). The
//! panel comes from the same address, so a look that succeeds must not leave more than 15 s behind:
//! [`NotReady::rest`] says how long to leave the server alone. A look makes four such connections
//! and a failed login, 9 s; with 5 s between two looks, those that are left when the third begins
//! are 8 s, with which a success comes to 12 s and a failure to a refusal, whose end is waited for.

mod banner;
mod command;
mod known_hosts;
mod login;
#[cfg(test)]
mod tests;

#[cfg(any(test, fuzzing))]
pub(crate) use known_hosts::without_what_was_found;

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// What a server must show.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The port of its SSH server.
    pub(crate) ssh_port: u16,
    /// The file that is to know its keys, usually the owner's `~/.ssh/known_hosts`; none leaves
    /// keys alone.
    pub(crate) known_hosts: Option<PathBuf>,
    /// Whether root's password must log in. Has no effect where there is no password, and needs
    /// `known_hosts`.
    pub(crate) login: bool,
    /// A command that must end with 0, as its arguments.
    pub(crate) command: Option<Vec<String>>,
    /// How long the command may run.
    pub(crate) timeout: Duration,
    /// The owner's home directory, for the command's environment.
    pub(crate) home: PathBuf,
}

/// What the command is told of the order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The order's number on the wire.
    pub(crate) task_id: &'a str,
    /// The server's host name.
    pub(crate) hostname: &'a str,
    /// The hoster's name for the server, where it is known.
    pub(crate) server_id: Option<&'a str>,
}

/// Why a server is not ready yet: a sentence without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotReady {
    why: String,
    /// For how long to leave the server alone, at least.
    pub(crate) rest: Duration,
}

impl NotReady {
    /// A server that does not answer does not count who asks either.
    const fn silent(why: String) -> Self {
        Self { why, rest: Duration::ZERO }
    }

    const fn answering(why: String) -> Self {
        Self { why, rest: REST }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

/// How long to leave a server alone that answers; see the top of this file.
const REST: Duration = Duration::from_secs(5);

/// Looks once whether the server at `address`, an IPv4 address or a name with an A record, is ready.
///
/// Takes seconds: up to 10 for the banner, 20 for the keys, 20 for the login, and the command's
/// own time.
///
/// # Errors
/// Why not: the first step that is not fulfilled.
pub(crate) fn look(
    address: &str,
    password: Option<&str>,
    wanted: &Wanted,
    facts: Facts<'_>,
) -> Result<(), NotReady> {
    check_address(address).map_err(NotReady::silent)?;
    let found = banner::look(address, wanted.ssh_port).map_err(NotReady::silent)?;
    look_closer(address, found, password, wanted, facts).map_err(NotReady::answering)
}

/// Looks at a server that answers.
fn look_closer(
    address: &str,
    found: Ipv4Addr,
    password: Option<&str>,
    wanted: &Wanted,
    facts: Facts<'_>,
) -> Result<(), String> {
    if let Some(file) = &wanted.known_hosts {
        known_hosts::record(file, address, found, wanted.ssh_port)?;
        if let Some(password) = password.filter(|_| wanted.login) {
            login::attempt(address, wanted.ssh_port, password, file)?;
        }
    }
    if let Some(command) = &wanted.command {
        command::run(command, address, password, wanted, facts)?;
    }
    Ok(())
}

/// The address becomes an argument of other programs and a word in a file.
fn check_address(address: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if address.is_empty() || address.starts_with('-') || !address.bytes().all(allowed) {
        return Err(format!("`{}` is neither an IPv4 address nor a name", address.escape_debug()));
    }
    Ok(())
}
