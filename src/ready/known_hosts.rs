//! A server's keys in the owner's `known_hosts`, so that ssh asks nobody about them.
//!
//! The stale keys of a reused address are found by `ssh-keygen -F`, which knows hashed names too,
//! and taken out here: `ssh-keygen -R` refuses a whole file over one line that it cannot read,
//! removes wildcards and the other hosts of a shared line, forgets the file's mode, and leaves
//! `known_hosts.old` behind.

mod edit;
mod file;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process;
use crate::public_key;
use edit::{Found, Key};

/// How long the server may take to name its keys, each, in whole seconds.
const PATIENCE: u64 = 5;

/// How long a program may take that does that, or looks into a file.
const TIMEOUT: Duration = Duration::from_secs(4 * PATIENCE);

/// How often a file that somebody else changes meanwhile is tried.
const TRIES: usize = 5;

/// Orders are driven by several threads, and root's `known_hosts` is one file. Workers of other
/// providers are kept away by a lock of its folder.
static ALONE: Mutex<()> = Mutex::new(());

/// Makes `file` know the keys of the server at `address`, which is `found`, and no others of it.
///
/// A key stands under both where a name was resolved: ssh before 8.5 looks up both, and asks where
/// they differ (`CheckHostIP` in `ssh_config(5)`).
pub(super) fn record(file: &Path, address: &str, found: Ipv4Addr, port: u16) -> Result<(), String> {
    let found = found.to_string();
    let keys = scan(&found, port)?;
    if keys.is_empty() {
        return Err(format!("port {port} of {address} names no host key"));
    }
    let mut hosts = vec![address];
    if found != address {
        hosts.push(&found);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _among_providers = file::lock_folder(file);
    for _ in 0..TRIES {
        if update(file, &hosts, port, &keys)? {
            return Ok(());
        }
    }
    Err(format!("{} is changed by others all the time", file.display()))
}

/// Returns a file's bytes without the lines that an answer of `ssh-keygen -F` names.
#[cfg(any(test, fuzzing))]
pub(crate) fn without_what_was_found(file: &[u8], answer: &str, name: &str) -> Vec<u8> {
    let found = edit::parse_found(answer, name);
    let _ = edit::are_exactly(&found, name, &[]);
    edit::without(file, &found)
}

/// Changes the file once; returns whether it was left alone meanwhile.
fn update(file: &Path, hosts: &[&str], port: u16, keys: &[Key]) -> Result<bool, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", file.display());
    let Some(old) = file::read(file).map_err(fault)? else {
        let lines: String = hosts.iter().map(|host| edit::lines(&name(host, port), keys)).collect();
        return file::append(file, &[], &lines).map(|()| true).map_err(fault);
    };
    let (mut stale, mut missing) = (Vec::new(), String::new());
    for host in hosts {
        let name = name(host, port);
        let known = known(file, &name)?;
        if !edit::are_exactly(&known, &name, keys) {
            stale.extend(known);
            missing.push_str(&edit::lines(&name, keys));
        }
        if name != *host {
            // What the address meant before is as stale whatever port it had.
            stale.extend(self::known(file, host)?);
        }
    }
    let kept = edit::without(&old, &stale);
    if kept == old {
        // One write at the end of the file cannot lose what others write.
        return file::append(file, &old, &missing).map(|()| true).map_err(fault);
    }
    file::replace(file, &old, &kept, &missing).map_err(fault)
}

/// What a host is called in `known_hosts` (`sshd(8)`, `SSH_KNOWN_HOSTS FILE FORMAT`).
fn name(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

/// Asks a server for its keys, of the kinds that every OpenSSH since 6.5 knows.
fn scan(address: &str, port: u16) -> Result<Vec<Key>, String> {
    let (seconds, number) = (PATIENCE.to_string(), port.to_string());
    let arguments = ["-4", "-T", &seconds, "-p", &number, "-t", "rsa,ecdsa,ed25519", address];
    let ended = process::run(process::command("ssh-keyscan").args(arguments), TIMEOUT)
        .map_err(|error| format!("ssh-keyscan cannot be started: {error}"))?;
    let expected = name(address, port);
    let mut keys = Vec::new();
    for line in String::from_utf8_lossy(&ended.stdout).lines() {
        let mut words = line.split(' ');
        // Nothing but `HOST ALGORITHM BASE64`: newer releases write comments in between.
        if let (Some(host), Some(kind), Some(blob), None) =
            (words.next(), words.next(), words.next(), words.next())
            && host == expected
            && public_key::is_of_kind(kind, blob)
        {
            keys.push(Key { kind: kind.to_owned(), blob: blob.to_owned() });
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// The lines of a file that are about a host.
fn known(file: &Path, name: &str) -> Result<Vec<Found>, String> {
    let ended =
        process::run(process::command("ssh-keygen").args(["-F", name, "-f"]).arg(file), TIMEOUT)
            .map_err(|error| format!("ssh-keygen cannot be started: {error}"))?;
    // 1: none is.
    if !matches!(ended.status.and_then(|status| status.code()), Some(0 | 1)) {
        let why = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        return Err(format!("ssh-keygen cannot look into {}: {why}", file.display()));
    }
    Ok(edit::parse_found(&String::from_utf8_lossy(&ended.stdout), name))
}
