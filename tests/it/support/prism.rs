//! Prism, which stands before a server and refuses what its vendor's description does not allow.
//!
//! `prism proxy --errors` answers a wrong request itself, and a wrong reply too:
//! <https://docs.stoplight.io/docs/prism/11yqjtyyb1zvm-validation-proxy>.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::hoster::request::Seen;
use super::service::Service;

/// The package and its version on npm.
const PACKAGE: &str = "@stoplight/prism-cli";
const VERSION: &str = "5.16.0";

/// What the type of each of its own errors begins with.
pub(crate) const ITS_OWN: &str = "https://stoplight.io/prism/errors#";

/// The type of its error for a path that the description does not have.
pub(crate) const NO_SUCH_PATH: &str = "https://stoplight.io/prism/errors#NO_PATH_MATCHED_ERROR";

/// A running Prism; it is ended when this is dropped, or before by [`Prism::end`].
pub(crate) struct Prism {
    child: Mutex<Child>,
    port: u16,
}

/// What it answered.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Prism {
    /// Puts Prism in front of a server, with a vendor's description.
    ///
    /// # Errors
    /// Why there is none on this machine.
    pub(crate) fn before(server: &Service, description: &Path) -> Result<Self, String> {
        let mut child = program()?
            .args(["proxy", "--errors", "-h", "127.0.0.1", "-p", "0"])
            .arg(description)
            .arg(server.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|why| format!("Prism cannot be run: {why}"))?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut log = Vec::new();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line.rsplit_once("listening on http://127.0.0.1:")?.1.trim().parse().ok();
            log.push(line);
            port
        });
        // It goes on writing; nobody must keep it waiting.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        match port {
            Some(port) => Ok(Self { child: Mutex::new(child), port }),
            None => panic!("Prism does not start: {log:?}: {:?}", child.wait()),
        }
    }

    /// Ends it, whoever may still hold it.
    pub(crate) fn end(&self) {
        if let Ok(mut child) = self.child.lock() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Hands a request on; returns what came of it.
    pub(crate) fn ask(&self, seen: &Seen) -> Judged {
        let mut text = format!("{} {} HTTP/1.1\r\n", seen.method, seen.path);
        for (name, value) in &seen.headers {
            if name != "connection" {
                text.extend([name, ": ", value, "\r\n"]);
            }
        }
        text.push_str("connection: close\r\n\r\n");
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("Prism listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
        stream.write_all(&[text.as_bytes(), &seen.body].concat()).expect("Prism reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("Prism answers");
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a header");
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        assert!(!head.contains("transfer-encoding"), "{head}");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        Judged { status, body: serde_json::from_slice(&answer[end + 4..]).unwrap_or_default() }
    }
}

impl Judged {
    /// Returns whether Prism itself has answered, with an error of its own.
    pub(crate) fn is_refusal(&self) -> bool {
        self.body["type"].as_str().is_some_and(|kind| kind.starts_with(ITS_OWN))
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns the command that runs Prism: what `PRISM` names, else what npm installs.
fn program() -> Result<Command, String> {
    if let Some(named) = std::env::var_os("PRISM") {
        return Ok(Command::new(named));
    }
    let mut command = Command::new("node");
    command.arg(installed()?);
    Ok(command)
}

/// Returns Prism's script, installed once for all test runs.
fn installed() -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().expect("nobody panicked");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder").join("tools");
    let folder = tools.join("prism");
    let package = |folder: &Path| folder.join("node_modules").join(PACKAGE);
    if version(&package(&folder)).as_deref() != Some(VERSION) {
        // Nobody takes half of it for the whole.
        let new = tools.join(format!("prism.{}", std::process::id()));
        std::fs::create_dir_all(&new).map_err(|why| format!("{}: {why}", new.display()))?;
        let outcome = install(&new);
        if outcome.is_ok() {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(&new, &folder).expect("one folder becomes the other");
        }
        let _ = std::fs::remove_dir_all(&new);
        outcome?;
    }
    Ok(package(&folder).join("dist/index.js"))
}

fn install(folder: &Path) -> Result<(), String> {
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"])
        .args(["--loglevel=error", "--prefix"])
        .arg(folder)
        .arg(format!("{PACKAGE}@{VERSION}"))
        .stdin(Stdio::null())
        .output()
        .map_err(|why| format!("npm cannot be run: {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("error") || line.contains("ERR"));
    Err(format!("npm cannot install {PACKAGE}: {}", line.unwrap_or_default()))
}

fn version(package: &Path) -> Option<String> {
    let text = std::fs::read(package.join("package.json")).ok()?;
    let manifest: Value = serde_json::from_slice(&text).ok()?;
    manifest["version"].as_str().map(str::to_owned)
}
