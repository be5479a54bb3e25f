//! Signatures of `CloudStack` are those that its client `cs` makes: <https://pypi.org/project/cs/>.
//!
//! It is installed into `target/tools/cs`. Where `PyPI` or Python is out of reach, this is skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::plugin::Plugin;

/// The version of the client.
const CLIENT: &str = "cs==5.2.0";

/// Signs what comes in, a line of JSON each, with the keys that a preview takes.
const SIGN: &str = "
import json, sys
from cs import client
signer = client.CloudStack('http://localhost', 'HIDDEN', 'HIDDEN')
for line in sys.stdin:
    data = json.loads(line)
    data['apiKey'] = 'HIDDEN'
    client.transform(data)
    signer._sign(data)
    print(data['signature'])
";

/// What is asked for as the client takes it, and as the API does. It leaves a tilde as it is, which
/// the server encodes: that one is looked at in the unit tests, by what Java makes of it.
fn table() -> Vec<(Value, Value)> {
    let same = |value: &str| {
        let asked = json!({ "command": "deployVirtualMachine", "displayName": value });
        (asked.clone(), asked)
    };
    let mut rows: Vec<(Value, Value)> = [
        "",
        "plain",
        "a b  c ",
        "a+b",
        "a*b",
        "a&b=c",
        "UPPER Case",
        "Grüße Привет 漢字 😀",
        "%20 100%",
        "/?#[]@!$'(),;:",
        "-._",
        "I2Nsb3VkLWNvbmZpZwo+/==",
    ]
    .map(same)
    .into();
    rows.push((
        json!({ "command": "x", "details": [{ "cpuNumber": "2", "a b": "C" }, { "Z": "ä*" }] }),
        json!({ "command": "x", "details[0].cpuNumber": "2", "details[0].a b": "C",
            "details[1].Z": "ä*" }),
    ));
    rows.push((
        json!({ "command": "x", "ids": ["B", "a", "c d"] }),
        json!({ "command": "x", "ids": "B,a,c d" }),
    ));
    rows
}

#[test]
fn signatures_are_those_of_another_client() {
    let python = match client() {
        Ok(python) => python,
        Err(why) => {
            eprintln!("skipped: {why}");
            return;
        }
    };
    let lines: String = table().iter().map(|(theirs, _)| theirs.to_string() + "\n").collect();
    let input = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cs-{}", std::process::id()));
    std::fs::write(&input, lines).unwrap();
    let output = Command::new(python)
        .args(["-c", SIGN])
        .stdin(std::fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    std::fs::remove_file(input).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours: Vec<String> = table().iter().map(|(_, ours)| signed(ours)).collect();
    assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
}

/// Returns the signature of a request with these parameters.
fn signed(parameters: &Value) -> String {
    let hoster = Hoster::start(Mode::of("fake-cloudstack"));
    let plugin = Plugin::with_hoster(&hoster, "fake-cloudstack");
    plugin.edit_etc("fake-cloudstack.json", |definition| {
        definition["auth"].as_object_mut().unwrap().remove("expires_seconds");
        definition["create"][0]["request"] =
            json!({ "method": "GET", "path": "/client/api", "query": parameters });
    });
    let shown = plugin.run(&["orders", "preview", "1", "--json"]).json();
    let url = shown["requests"][0]["url"].as_str().unwrap().to_owned();
    let (_, signature) = url.rsplit_once("&signature=").unwrap();
    percent_encoding::percent_decode_str(signature).decode_utf8().unwrap().into_owned()
}

/// Returns the Python that has the client.
fn client() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/cs");
    let python = folder.join("bin/python3");
    let has_it = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-c", "import cs"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if has_it(&python) {
        return Ok(python);
    }
    let run =
        |command: &mut Command, what: &str| {
            let output = command.output().map_err(|why| format!("{what}: {why}"))?;
            output.status.success().then_some(()).ok_or_else(|| {
                format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())
            })
        };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "a Python of its own")?;
    let pip = ["-m", "pip", "install", "--quiet", "--retries", "0", "--timeout", "10", CLIENT];
    run(Command::new(&python).args(pip), "PyPI")?;
    Ok(python)
}
