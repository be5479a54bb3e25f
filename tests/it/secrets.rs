//! No credential and no password gets out, whatever happens and whatever a hoster says back.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::hoster::fault::Fault::{self, Done, Undone};
use crate::support::hoster::fault::Reply::{BrokenJson, Echo, EchoedWord};
use crate::support::hoster::fault::Verb;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::hoster::{Hoster, LOGIN_PASSWORD, SESSION, TOKEN};
use crate::support::plugin::{CANARY, Plugin};
use crate::support::wait_until;

/// Where a hoster says back what it was sent, and how.
const ECHOES: [(Verb, Fault); 28] = [
    (Verb::Create, Fault::None),
    (Verb::Create, Undone(Echo(422))),
    (Verb::Create, Undone(Echo(401))),
    (Verb::Create, Undone(Echo(409))),
    (Verb::Create, Undone(Echo(429))),
    (Verb::Create, Undone(Echo(500))),
    (Verb::Create, Undone(Echo(200))),
    (Verb::Create, Done(Echo(500))),
    (Verb::Create, Done(BrokenJson)),
    (Verb::Configure, Undone(Echo(422))),
    (Verb::Configure, Undone(Echo(500))),
    (Verb::Start, Undone(Echo(422))),
    (Verb::Get, Undone(Echo(403))),
    (Verb::Get, Undone(Echo(404))),
    (Verb::Get, Undone(Echo(500))),
    (Verb::Get, Undone(Echo(200))),
    (Verb::Get, Undone(EchoedWord)),
    (Verb::Network, Undone(Echo(500))),
    (Verb::Network, Undone(Echo(200))),
    (Verb::List, Undone(Echo(403))),
    (Verb::List, Undone(Echo(500))),
    (Verb::Stop, Undone(Echo(403))),
    (Verb::Delete, Undone(Echo(403))),
    (Verb::Delete, Undone(Echo(423))),
    (Verb::Login, Undone(Echo(401))),
    (Verb::Login, Undone(Echo(500))),
    (Verb::Recover, Undone(Echo(422))),
    (Verb::Recover, Undone(Echo(500))),
];

/// Everything that a provider has said.
struct Listener {
    plugin: Plugin,
    heard: Vec<String>,
}

impl Listener {
    /// Calls the provider; only `order_status` may tell a password.
    fn call(&mut self, words: &[&str]) {
        let answer = self.plugin.run(words);
        let mut said = answer.stdout;
        if words[0] == "order_status" {
            let mut document: Value = serde_json::from_str(&said).expect("a document");
            document.as_object_mut().expect("an object").remove("server_password");
            said = document.to_string();
        }
        self.heard.push(format!("{words:?}: {said}{}", answer.stderr));
    }

    /// Orders a server, and asks for everything that there is to be asked of the order.
    fn live_through(&mut self, what: &str) {
        let id = self.plugin.order();
        wait_until(&format!("order {id} has ended after {what}"), || {
            self.plugin.status(&id)["status"] != "in_progress"
        });
        self.plugin.filed(&id);
        self.ask_about(&id);
        self.call(&["orders", "release", &id, "--yes"]);
        self.call(&["orders", "show", &id]);
    }

    fn ask_about(&mut self, id: &str) {
        self.call(&["order_status", id]);
        self.call(&["orders", "show", id]);
        self.call(&["orders", "show", id, "--json"]);
        self.call(&["orders", "wait", id, "--json"]);
    }

    /// Looks for what must not be there: in all that was said, and in all files.
    #[track_caller]
    fn assert_silent(&self) {
        let mut secrets = vec![TOKEN.to_owned(), LOGIN_PASSWORD.to_owned(), SESSION.to_owned()];
        secrets.push(CANARY.to_owned());
        let files = files(&self.plugin.holder());
        let orders: Vec<(PathBuf, Value)> = files
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .filter(|path| path.starts_with(self.plugin.state("")))
            .filter_map(|path| {
                Some((path.clone(), serde_json::from_slice(&std::fs::read(path).ok()?).ok()?))
            })
            .collect();
        let passwords = orders.iter().filter_map(|(_, order)| order["password"].as_str());
        secrets.extend(passwords.map(str::to_owned));
        assert!(secrets.len() > 10, "orders have passwords");
        for said in &self.heard {
            assert_none_of(&secrets, said, "an output");
        }
        for path in files {
            let text = match orders.iter().find(|(known, _)| *known == path) {
                Some((_, order)) => {
                    let mut order = order.clone();
                    order.as_object_mut().expect("an object").remove("password");
                    order.to_string()
                }
                None => {
                    String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned()
                }
            };
            assert_none_of(&secrets, &text, &path.display().to_string());
        }
    }
}

#[track_caller]
fn assert_none_of(secrets: &[String], text: &str, place: &str) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{place} holds `{secret}`: {text}");
    }
}

/// Returns every file of a provider but the executable, and those of `etc/` that hold a credential.
fn files(holder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![holder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("bin") {
                folders.push(path);
            } else if path.is_file()
                && !path.starts_with(holder.join("etc/hoster.token"))
                && !path.starts_with(holder.join("etc/hoster.password"))
            {
                found.push(path);
            }
        }
    }
    found
}

fn tell_everything(definition: &str) {
    let hoster = Hoster::start(Mode::of(definition));
    let plugin = Plugin::with_hoster(&hoster, definition);
    let mut written = config(&hoster, definition);
    written["limits"] = json!({ "order_timeout_seconds": 3 });
    plugin.write_private("demo.conf", &written.to_string());
    let mut listener = Listener { plugin, heard: Vec::new() };
    for (verb, fault) in ECHOES {
        hoster.behave();
        hoster.fault(verb, fault, 2);
        listener.live_through(&format!("{verb:?} {fault:?}"));
    }
    hoster.behave();
    hoster.change(|mode| mode.building_polls = usize::MAX);
    let id = listener.plugin.order();
    let bought = hoster.purchases().len();
    wait_until("one more is bought", || hoster.purchases().len() > bought);
    hoster.fault(Verb::Delete, Undone(Echo(500)), 1);
    listener.call(&["orders", "cancel", &id]);
    listener.ask_about(&id);
    hoster.change(|mode| mode.building_polls = 0);
    let list = listener.plugin.run(&["orders", "list", "--json"]).json();
    let orders = list["orders"].as_array().expect("a list");
    for state in ["released", "failed", "cancelled"] {
        assert!(orders.iter().any(|order| order["state"] == state), "none is {state}: {list:#}");
    }
    for order in orders.iter().filter(|order| order["state"] == "failed") {
        listener.call(&["orders", "retry", order["task_id"].as_str().expect("a number")]);
    }
    ask_the_account(&hoster, &mut listener);
    hoster.behave();
    listener.plugin.settled();
    listener.call(&["orders", "list"]);
    listener.call(&["orders", "list", "--json"]);
    listener.call(&["orders", "prune", "--days", "0", "--dry-run"]);
    for words in [["help"], ["configs"]] {
        listener.call(&words);
    }
    listener.assert_silent();
}

/// Calls what asks a hoster without an order.
fn ask_the_account(hoster: &Hoster, listener: &mut Listener) {
    listener.call(&["orders", "preview", "1"]);
    listener.call(&["orders", "preview", "1", "--json"]);
    for (verb, status) in [
        (Verb::Unknown, 500),
        (Verb::Login, 401),
        (Verb::List, 403),
        (Verb::List, 500),
        (Verb::Catalog, 403),
        (Verb::Catalog, 500),
        (Verb::Balance, 403),
        (Verb::Balance, 500),
    ] {
        hoster.behave();
        hoster.fault(verb, Undone(Echo(status)), 1);
        for words in [["check"], ["catalog"]] {
            listener.call(&words);
            listener.call(&[&words[..], &["--json"]].concat());
        }
    }
}

#[test]
fn a_hoster_that_repeats_a_token_and_a_password_does_not_get_them_out() {
    tell_everything("fake-unique");
}

#[test]
fn a_hoster_that_repeats_a_login_and_its_token_does_not_get_them_out() {
    tell_everything("fake-login");
}

#[test]
fn a_hoster_that_repeats_signed_parameters_does_not_get_a_key_out() {
    tell_everything("fake-cloudstack");
}

#[test]
fn a_hoster_that_repeats_a_signed_request_does_not_get_a_key_out() {
    tell_everything("fake-sigv4");
}

#[test]
fn a_hoster_that_repeats_a_statement_and_its_token_does_not_get_them_out() {
    tell_everything("fake-jwt");
}

#[test]
fn a_hoster_that_repeats_user_data_does_not_get_the_password_out() {
    tell_everything("fake-three-steps");
}

#[test]
fn the_password_of_a_proxy_does_not_get_out() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let mut written = config(&hoster, "fake-unique");
    written["limits"] = json!({ "order_timeout_seconds": 0.5 });
    for proxy in ["http://user:hunter22secret@127.0.0.1:1", "ftp://user:hunter22secret@proxy"] {
        written["proxy"] = proxy.into();
        plugin.write_private("demo.conf", &written.to_string());
        let id = plugin.run(&["order", "1"]);
        let number = serde_json::from_str::<Value>(&id.stdout).expect("a document");
        if let Some(number) = number["task_id"].as_str() {
            plugin.failed(number);
        }
        for words in [&["check"][..], &["catalog"], &["orders", "list", "--json"]] {
            let told = plugin.run(words);
            assert!(!format!("{told:?}").contains("hunter22"), "{told:?}");
        }
    }
    for path in files(&plugin.state("")) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
        assert!(!text.contains("hunter22"), "{}: {text}", path.display());
    }
}

#[test]
fn no_list_of_processes_shows_a_secret() {
    let hoster = Hoster::start(Mode::unique());
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let (started, go) = (plugin.root().join("started"), plugin.root().join("go"));
    let script = "touch \"$0\"; until test -e \"$1\"; do sleep 0.05; done";
    let mut written = config(&hoster, "fake-unique");
    written["ready"] = json!({
        "ssh_port": ssh_server(), "known_hosts": false,
        "command": ["sh", "-c", script, started, go],
    });
    plugin.write_private("demo.conf", &written.to_string());
    let id = plugin.order();
    wait_until("the command runs", || started.exists());
    let password = plugin.stored(&id)["password"].as_str().expect("a password").to_owned();
    let secrets = [TOKEN.to_owned(), password.clone()];
    let (mut workers, mut commands) = (0, 0);
    for (arguments, environment) in processes() {
        assert_none_of(&secrets, &arguments, "a process");
        let told = format!("SERVER_PASSWORD={password}");
        let rest: Vec<&str> =
            environment.split('\0').filter(|variable| *variable != told).collect();
        assert_none_of(&secrets, &rest.join("\n"), "an environment");
        workers += usize::from(arguments.contains(&plugin.executable().display().to_string()));
        commands += usize::from(arguments.contains(&go.display().to_string()));
    }
    assert_eq!((workers, commands), (1, 1), "the worker and its command were looked at");
    std::fs::write(go, "").expect("the file is written");
    plugin.finished(&id);
}

/// Starts something that introduces itself as an SSH server does (RFC 4253, section 4.2).
fn ssh_server() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever looks may be gone.
            let _ = stream.and_then(|mut stream| stream.write_all(b"SSH-2.0-test\r\n"));
        }
    });
    port
}

/// Returns arguments and environment of every process that can be looked at.
fn processes() -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let processes = std::fs::read_dir("/proc").expect("proc(5)").flatten();
    processes
        .filter_map(|entry| {
            let path = entry.path();
            Some((read(path.join("cmdline")).ok()?, read(path.join("environ")).ok()?))
        })
        .collect()
}
