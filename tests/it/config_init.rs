//! `config init`: a configuration file from a definition, what the hoster sells, and answers.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::answer::{Answer, assert_valid};
use crate::support::hand::read;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::definition;
use crate::support::hoster::{Hoster, TOKEN};
use crate::support::mount::has;
use crate::support::plugin::Plugin;
use crate::support::program::Servers;
use crate::support::skip;

/// The words of every call that goes to the tests' hoster.
const INIT: [&str; 3] = ["config", "init", "./fake-unique.json"];

/// Returns a provider as `install.sh` leaves it, with a definition of the tests' hoster beside, and
/// the file that holds the token.
fn provider() -> (Plugin, String) {
    let plugin = Plugin::installed();
    plugin.write_private("fake-unique.json", &definition("fake-unique").to_string());
    let token = plugin.private("given-token", &format!("{TOKEN}\n"));
    (plugin, token)
}

fn run(plugin: &Plugin, words: &[&str], more: &[&str]) -> Answer {
    plugin.run(&[words, more].concat())
}

#[track_caller]
fn written(plugin: &Plugin) -> Value {
    let found = read(&plugin.etc("demo.conf"));
    assert_valid("configuration", &found);
    found
}

#[test]
fn flags_make_a_configuration_that_sells_what_the_catalogue_has() {
    let (plugin, token) = provider();
    let hoster = Hoster::start(Mode::unique());
    let url = hoster.url();
    let credential = format!("token={token}");
    let flags = ["--base-url", &url, "--credential", &credential, "--plan", "large"];
    let rest = ["--plan", "small", "--id", "1", "--descr", "Сервер", "--open-orders", "2"];
    let answer = run(&plugin, &INIT, &[&flags[..], &rest].concat());
    assert!(answer.stdout.contains("2 can be ordered"), "{answer:?}");
    assert!(answer.stdout.contains("takes the credentials"), "{answer:?}");
    assert!(answer.stdout.ends_with("orders preview 1\n"), "{answer:?}");
    let expected = json!({
        "definition": "./fake-unique.json",
        "base_url": url,
        "credentials": { "token": { "file": "fake-unique.token" } },
        "configurations": [
            { "id": "1", "descr": "Сервер", "parameters": { "plan": "large", "image": "alma-9" } },
            { "id": "small", "descr": "small: 1 vCPU, 2 GB",
              "parameters": { "plan": "small", "image": "alma-9" } },
        ],
        "limits": { "open_orders": 2, "orders_per_day": 20 },
    });
    assert_eq!(written(&plugin), expected);
    for file in ["demo.conf", "fake-unique.token"] {
        let mode = plugin.etc(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    // It sells; with `ready` for servers that nobody can log in to.
    plugin.run(&["config", "set", "ready", "null"]).prints();
    plugin.run(&["config", "set", "worker.poll_seconds", "0.05"]).prints();
    let id = plugin.order();
    plugin.finished(&id);
}

#[test]
fn what_is_missing_or_wrong_is_named_by_its_flag_and_nothing_is_written() {
    let (plugin, token) = provider();
    let before = std::fs::read(plugin.etc("demo.conf")).unwrap();
    let hoster = Hoster::start(Mode::unique());
    let url = hoster.url();
    let credential = format!("token={token}");
    let wrong = format!("tokn={token}");
    let both = ["--base-url", &url, "--credential", &credential];
    let with = |more: &[&'static str]| [&both[..], more].concat();
    for (flags, expected) in [
        (vec![], "needs --base-url URL and --credential token=FILE"),
        (vec!["--base-url", &url], "needs --credential token=FILE"),
        (vec!["--base-url", &url, "--credential", &wrong], "did you mean `token`?"),
        (with(&[]), "`--plan VALUE` is missing"),
        (with(&["--plan", "larg"]), "--plan larg: it is not sold; did you mean `large`?"),
        (with(&["--plan", "small", "--set", "plan=large"]), "use `--plan`"),
        (with(&["--plan", "small", "--set", "imag=x"]), "did you mean `image`?"),
        (
            with(&["--plan", "small", "--id", "a", "--id", "b"]),
            "--id was given 2 times; plans chosen: 1",
        ),
        (with(&["--plan", "small", "--id", "a b"]), "`a b` cannot be an id"),
        (with(&["--plan", "small", "--example"]), "only the definition `inventory`"),
    ] {
        let answer = run(&plugin, &INIT, &flags);
        let complaint = answer.complains(2);
        assert!(complaint.contains(expected), "{flags:?}: {complaint}");
        assert_eq!(std::fs::read(plugin.etc("demo.conf")).unwrap(), before, "{flags:?}");
        assert!(!plugin.etc("fake-unique.token").exists(), "{flags:?}");
    }
    let answer = plugin.run(&["config", "init", "hetzer"]);
    assert!(answer.complains(4).contains("no built-in definition"), "{answer:?}");
    let other = format!("token={}", plugin.private("other-token", "another"));
    let answer =
        run(&plugin, &INIT, &["--base-url", &url, "--credential", &other, "--plan", "small"]);
    assert!(answer.complains(5).contains("refused"), "{answer:?}");
}

#[test]
fn what_sells_already_is_replaced_by_force_only_and_kept() {
    let plugin = Plugin::with_servers(1);
    let token = plugin.private("given-token", TOKEN);
    let credential = format!("token={token}");
    let words = ["config", "init", "hetzner", "--offline", "--credential", &credential];
    let old = std::fs::read(plugin.etc("demo.conf")).unwrap();
    let answer = plugin.run(&words);
    assert!(answer.complains(2).contains("sells something already"), "{answer:?}");
    assert!(plugin.run(&[&words[..], &["--force"]].concat()).prints().contains("is written"));
    assert_eq!(std::fs::read(plugin.etc("demo.conf.bak")).unwrap(), old);
    let first = written(&plugin);
    assert_eq!(first["configurations"][0]["parameters"]["image"], "alma-9");
    // The credential that is there by now is kept.
    plugin.run(&["config", "init", "hetzner", "--offline", "--force"]).prints();
    assert_eq!(written(&plugin), first);
}

#[test]
fn every_built_in_definition_makes_a_configuration() {
    let plugin = Plugin::installed();
    let token = plugin.private("given-token", "-");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (name, about) = (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(&path));
        if name == "inventory" {
            continue;
        }
        let mut words = vec!["config", "init", &name, "--offline", "--force"];
        if about["base_url"].is_null() {
            words.extend(["--base-url", "https://panel.example/api"]);
        }
        let named = about["credentials"].as_object().unwrap().iter();
        let needed = named.filter(|(_, one)| one["optional"] != json!(true));
        let given: Vec<String> = needed.map(|(name, _)| format!("{name}={token}")).collect();
        words.extend(given.iter().flat_map(|one| ["--credential", one]));
        assert!(plugin.run(&words).prints().contains("is written"), "{name}");
        let found = written(&plugin);
        assert_eq!(found["definition"], *name);
        assert_eq!(found["configurations"][0]["parameters"], about["example"]["parameters"]);
        assert_valid("configuration", &plugin.run(&["config", "show", "--json"]).json());
    }
}

#[test]
fn an_inventory_gets_an_example_only_when_asked_and_never_over_servers() {
    let plugin = Plugin::installed();
    let words = ["config", "init", "inventory", "--descr", "2 vCPU", "--descr", "8 vCPU"];
    assert!(plugin.run(&words).stdout.contains("is written"));
    assert_eq!(written(&plugin)["configurations"][1], json!({ "id": "2", "descr": "8 vCPU" }));
    assert_eq!(read(&plugin.etc("inventory.json")), json!({ "servers": [] }));
    plugin.run(&[&words[..], &["--force", "--example"]].concat()).prints();
    let inventory = read(&plugin.etc("inventory.json"));
    assert_valid("inventory", &inventory);
    assert_eq!(inventory["servers"].as_array().unwrap().len(), 2);
    let answer = plugin.run(&[&words[..], &["--force", "--example"]].concat());
    assert!(answer.complains(2).contains("has servers in it"), "{answer:?}");
}

#[test]
fn a_program_that_tells_whole_configurations_is_asked_for_them() {
    let plugin = Plugin::with_program(&Servers::none(), &Value::Null);
    let credential = format!("token={}", plugin.etc("hoster.token").display());
    let words = ["config", "init", "./program.json", "--force", "--credential", &credential];
    let words = [&words[..], &["--set", "disks=2", "--plan"]].concat();
    let answer = run(&plugin, &words, &["smal"]);
    assert!(answer.complains(2).contains("did you mean `small`?"), "{answer:?}");
    let answer = run(&plugin, &words, &["small"]);
    assert!(answer.stdout.contains("1 can be ordered"), "{answer:?}");
    let expected = json!([
        { "id": "small", "descr": "1 CPU", "parameters": { "plan": "small", "disks": 2 } },
    ]);
    assert_eq!(written(&plugin)["configurations"], expected);
}

/// Follows a dialogue on a terminal: what is waited for, and what is typed then.
#[track_caller]
fn talk(plugin: &Plugin, words: &[&str], dialogue: &[(&str, &str)]) -> (String, Option<i32>) {
    let quoted = |text: &str| format!("{{{text}}}");
    let program = plugin.executable().display().to_string();
    let call: Vec<String> =
        [program.as_str()].iter().chain(words).map(|word| quoted(word)).collect();
    let mut script = format!("set timeout 30\nspawn -noecho {}\n", call.join(" "));
    for (awaited, typed) in dialogue {
        let _ = write!(
            script,
            "expect {{\n-ex {} {{}}\ntimeout {{ exit 98 }}\neof {{ exit 97 }}\n}}\nsend -- \"{typed}\"\n",
            quoted(awaited)
        );
    }
    script += "expect eof\nexit [lindex [wait] 3]\n";
    let output = Command::new("expect")
        .args(["-c", &script])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn on_a_terminal_it_asks_for_what_no_flag_says() {
    if !has("expect") {
        return skip("there is no expect");
    }
    let (plugin, _) = provider();
    let hoster = Hoster::start(Mode::unique());
    let (url, token) = (format!("{}\\r", hoster.url()), format!("x\\177{TOKEN}\\r"));
    let (said, status) = talk(
        &plugin,
        &INIT,
        &[
            ("address of Fake cloud", &url),
            ("it is not shown", "\\r"),
            ("token is needed", ""),
            ("it is not shown", &token),
            ("15.9 EUR/month", ""),
            ("words to search for; Enter: small): ", "nothing such\\r"),
            ("nothing has `nothing such` in it", ""),
            ("Enter: small): ", "8 GB\\r"),
            ("Enter: small): ", "2 1\\r"),
            ("AlmaLinux 9", ""),
            ("image (number", "\\r"),
            ("id, for scripts and the panel [large]: ", "\\r"),
            ("large: 4 vCPU, 8 GB]: ", "Big\\r"),
            ("panel [small]: ", "s\\r"),
            ("small: 1 vCPU, 2 GB]: ", "\\r"),
            ("`password` or `key` [password]: ", "\\r"),
            ("at once, at most [5]: ", "many\\r"),
            ("`many` is no whole number", ""),
            ("at most [5]: ", "3\\r"),
            ("per day, at most [20]: ", "\\r"),
            ("demo.conf? [Y/n] ", "\\r"),
            ("takes the credentials", ""),
            ("orders preview large", ""),
        ],
    );
    assert!(matches!(status, Some(0 | 1)), "{status:?}\n{said}");
    assert!(!said.contains(TOKEN), "the token was shown: {said}");
    let found = written(&plugin);
    assert_eq!(found["limits"]["open_orders"], 3);
    assert_eq!(found["configurations"][0]["descr"], "Big");
    assert_eq!(found["configurations"][1]["id"], "s");
    assert_eq!(std::fs::read_to_string(plugin.etc("fake-unique.token")).unwrap().trim(), TOKEN);
}

#[test]
fn whoever_gives_up_on_the_terminal_leaves_nothing_behind() {
    if !has("expect") {
        return skip("there is no expect");
    }
    let (plugin, _) = provider();
    let before = std::fs::read(plugin.etc("demo.conf")).unwrap();
    let url = ["--base-url", "https://panel.example"];
    let words = [&INIT[..], &url, &["--offline"]].concat();
    let token = format!("{TOKEN}\\r");
    for (dialogue, left) in [
        (vec![("it is not shown", "abc\\003")], "not finished: nothing was done"),
        (vec![("it is not shown", token.as_str()), ("id, for", "\\004")], "nothing was done"),
        (
            vec![
                ("it is not shown", token.as_str()),
                ("id, for", "\\r"),
                ("panel shows", "\\r"),
                ("by `password`", "\\r"),
                ("at once", "\\r"),
                ("per day", "\\r"),
                ("[Y/n]", "n\\r"),
            ],
            "nothing was written",
        ),
    ] {
        let (said, status) = talk(&plugin, &words, &dialogue);
        assert!(status == Some(2) && said.contains(left), "{status:?}\n{said}");
        assert!(!said.contains(TOKEN), "{said}");
        assert_eq!(std::fs::read(plugin.etc("demo.conf")).unwrap(), before);
        assert!(!plugin.etc("fake-unique.token").exists());
    }
}
