//! Verifiers of signatures that are not ours: `standardwebhooks` and `svix` of `PyPI`, and
//! openssl.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::hoster::request::Seen;
use super::pypi::python_with;
use super::skip;

/// The packages and their versions on `PyPI`.
const PACKAGES: [&str; 2] = ["standardwebhooks==1.1.0", "svix==2.9.1"];

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
        match INSTALLED.get_or_init(|| python_with("verifiers", &PACKAGES)) {
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
