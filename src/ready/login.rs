//! Whether root's password logs in.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::process;

/// How long a login may take: 10 s to connect, and as long for the rest.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What ssh asks for the password. It gets it from its environment, which only this user and root
/// can read; arguments anyone could.
const ASKPASS: &[u8] = b"#!/bin/sh\nprintf '%s\\n' \"$WEBDIR_PROVIDER_PASSWORD\"\n";

/// Logs in as root once and runs `true`.
pub(super) fn attempt(
    address: &str,
    port: u16,
    password: &str,
    known_hosts: &Path,
) -> Result<(), String> {
    let (_folder, askpass) = askpass(known_hosts)
        .map_err(|error| format!("nothing can be made that gives ssh a password: {error}"))?;
    let mut keys = OsString::from("UserKnownHostsFile=\"");
    keys.push(known_hosts);
    keys.push("\"");
    let mut command = process::command("ssh");
    for option in [
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "PreferredAuthentications=password",
        "PubkeyAuthentication=no",
        "NumberOfPasswordPrompts=1",
        "ConnectTimeout=10",
        "LogLevel=ERROR",
    ] {
        command.args(["-o", option]);
    }
    // Only with a display, and without a terminal, do releases before 8.4 ask a program; later ones
    // can be told to. A worker has no terminal.
    command
        .arg("-o")
        .arg(keys)
        .args([
            "-4",
            "-F",
            "/dev/null",
            "-T",
            "-p",
            &port.to_string(),
            "-l",
            "root",
            address,
            "true",
        ])
        .env("DISPLAY", "none")
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("WEBDIR_PROVIDER_PASSWORD", password);
    let ended = process::run(&mut command, TIMEOUT)
        .map_err(|error| format!("ssh cannot be started: {error}"))?;
    if ended.is_success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr).replace(password, "***");
    let said: String =
        said.trim().chars().take(400).map(|one| if one.is_control() { ' ' } else { one }).collect();
    Err(format!("root's password does not log in at port {port} of {address}: {said}"))
}

/// Makes the program, in a folder of its own beside the keys: in `/tmp` it may be forbidden to run.
fn askpass(beside: &Path) -> io::Result<(TempDir, PathBuf)> {
    let folder = beside.parent().unwrap_or(Path::new("/"));
    let folder = tempfile::Builder::new().prefix(".askpass-").tempdir_in(folder)?;
    let program = folder.path().join("askpass");
    let mut file = File::create_new(&program)?;
    file.write_all(ASKPASS)?;
    file.set_permissions(Permissions::from_mode(0o700))?;
    Ok((folder, program))
}
