//! Verifiers of signatures that are not ours: `standardwebhooks` and `svix` of `PyPI`, and
//! openssl.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::hoster::request::Seen;
use super::skip;

/// The packages and their versions on `PyPI`.
const PACKAGES: [&str; 2] = ["standardwebhooks==1.1.0", "svix==2.9.1"];

/// Tells which of them are there.
const VERSIONS: &str = "
from importlib.metadata import version
print(*(f'{name}=={version(name)}' for name in ('standardwebhooks', 'svix')))
";

/// Tells in a line for each message what the two say of it at a time, which is the same.
const VERIFY: &str = "
import datetime, json, sys
import standardwebhooks, standardwebhooks.webhooks, svix.webhooks

class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(message['now'], tz)

def verdict(library, message):
    secret = message['secret']
    # A text that is no `whsec_…` is the key as it stands.
    key = secret if secret.startswith('whsec_') else secret.encode()
    try:
        if library is standardwebhooks:
            # It parses the body too, which need not be JSON.
            library.Webhook(key).verify(message['body'], message['headers'], json_parse=False)
        else:
            library.Webhook(key).verify(message['body'].encode(), message['headers'])
        return 'verified'
    except Exception as why:
        return str(why)

standardwebhooks.webhooks.datetime = Clock
for message in json.load(sys.stdin):
    print(*sorted({verdict(library, message) for library in (standardwebhooks, svix.webhooks)}))
";

/// What the libraries say of a message that is right.
pub(crate) const VERIFIED: &str = "verified";

/// The libraries, installed.
#[derive(Debug, Clone)]
pub(crate) struct Libraries {
    python: PathBuf,
}

impl Libraries {
    /// Returns them; none, with a line that says why, where they cannot be had.
    pub(crate) fn new() -> Option<Self> {
        static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match INSTALLED.get_or_init(installed) {
            Ok(python) => Some(Self { python: python.clone() }),
            Err(why) => {
                skip(&format!("no foreign library verifies: {why}"));
                None
            }
        }
    }

    /// Returns what both say of requests by their secrets, so many seconds after they came.
    #[track_caller]
    pub(crate) fn verify_all(&self, messages: &[(&Seen, &str, i64)]) -> Vec<String> {
        let message = |(seen, secret, later): &(&Seen, &str, i64)| {
            let body = str::from_utf8(&seen.body).expect("a body is UTF-8");
            let now = jiff::Timestamp::now() - seen.at.elapsed();
            json!({ "secret": secret, "headers": seen.headers, "body": body,
                "now": now.as_second() + later })
        };
        let input = Value::Array(messages.iter().map(message).collect());
        let mut command = Command::new(&self.python);
        let said = piped(command.args(["-c", VERIFY]), input.to_string().as_bytes());
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(said.len(), messages.len());
        said
    }

    /// Returns what both say of a request, so many seconds after it came.
    #[track_caller]
    pub(crate) fn verify_later(&self, seen: &Seen, secret: &str, later: i64) -> String {
        self.verify_all(&[(seen, secret, later)]).remove(0)
    }

    /// Returns what both say of a request.
    #[track_caller]
    pub(crate) fn verify(&self, seen: &Seen, secret: &str) -> String {
        self.verify_later(seen, secret, 0)
    }
}

/// Returns what the signature of a request from `CloudStack` is by openssl.
#[track_caller]
pub(crate) fn openssl(body: &[u8], secret: &str) -> String {
    let script = "openssl dgst -sha256 -hmac \"$1\" -binary | openssl base64 -A";
    piped(Command::new("sh").args(["-c", script, "sh", secret]), body)
}

/// Runs a command that reads `input`; returns what it prints.
#[track_caller]
fn piped(command: &mut Command, input: &[u8]) -> String {
    let output = fed(command, input);
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// Runs a command that may read `input`.
#[track_caller]
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may have made up its mind before it reads.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// Returns a Python that has the libraries, installed once for all test runs.
fn installed() -> Result<PathBuf, String> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder").join("tools");
    let folder = tools.join("verifiers");
    if !has_them(&folder) {
        // Nobody takes half of it for the whole.
        let new = tools.join(format!("verifiers.{}", std::process::id()));
        std::fs::create_dir_all(&tools).map_err(|why| format!("{}: {why}", tools.display()))?;
        let outcome = install(&new);
        if outcome.is_ok() {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(&new, &folder).expect("one folder becomes the other");
        }
        let _ = std::fs::remove_dir_all(&new);
        outcome?;
    }
    Ok(python(&folder))
}

fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

fn has_them(folder: &Path) -> bool {
    let output = Command::new(python(folder)).args(["-c", VERSIONS]).output();
    output.is_ok_and(|output| output.stdout == format!("{}\n", PACKAGES.join(" ")).as_bytes())
}

fn install(folder: &Path) -> Result<(), String> {
    done(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--retries", "1"];
    done(Command::new(python(folder)).args(pip).args(PACKAGES))
}

/// Runs a command; says in a line what went wrong.
fn done(command: &mut Command) -> Result<(), String> {
    let shown = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|why| format!("{shown}: {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    // venv complains on standard output.
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| line.contains("ERROR") || line.contains("Error"));
    Err(format!("{shown}: {}", line.or(said.lines().last()).unwrap_or_default()))
}
