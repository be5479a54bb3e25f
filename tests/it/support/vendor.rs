//! A hoster with Prism in front of it, which refuses every request that the vendor's own
//! description does not allow.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hand::read;
use super::hoster::TOKEN;
use super::hoster::request::Seen;
use super::hoster::response::Response;
use super::plugin::Plugin;
use super::prism::{Judged, NO_SUCH_PATH, Prism};
use super::service::Service;
use super::{skip, wait_until};

/// What stands behind Prism.
pub(crate) trait Account: Send + Sync + 'static {
    /// What cut-down descriptions do not have, by method and beginning of the path; Prism has no
    /// word on it.
    const NOT_DESCRIBED: &'static [(&'static str, &'static str)];

    /// Answers a request.
    fn answer(&self, seen: &Seen) -> Response;
}

/// A hoster with Prism in front of it.
pub(crate) struct Vendor<A: Account> {
    front: Service,
    name: &'static str,
    pub(crate) back: Arc<A>,
    desk: Arc<Desk>,
    _behind: Service,
    /// The description is in it, which Prism goes on watching.
    _folder: TempDir,
}

/// What stands before Prism, and writes down what it says.
struct Desk {
    prism: Prism,
    seen: Mutex<Vec<(Seen, Judged)>>,
    /// Whether the next reply to a create is lost.
    loses: Mutex<bool>,
}

impl<A: Account> Vendor<A> {
    /// Starts the hoster of a definition; none where that cannot be, which is said. `account` may
    /// mend the description, of which Prism gets a copy.
    pub(crate) fn start(name: &'static str, account: impl FnOnce(&mut Value) -> A) -> Option<Self> {
        let original = description(name);
        if !original.exists() {
            skip(&format!("there is no {}", original.display()));
            return None;
        }
        let mut mended = read(&original);
        let back = Arc::new(account(&mut mended));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let description = folder.path().join("description.json");
        std::fs::write(&description, mended.to_string()).expect("it can be written");
        let account = Arc::clone(&back);
        let behind = Service::start(move |seen| Some(account.answer(seen)));
        let prism = match Prism::before(&behind, &description) {
            Ok(prism) => prism,
            Err(why) => {
                skip(&format!("no contract is looked at: {why}"));
                return None;
            }
        };
        let desk = Arc::new(Desk { prism, seen: Mutex::default(), loses: Mutex::default() });
        let (at_desk, account) = (Arc::clone(&desk), Arc::clone(&back));
        let front = Service::start(move |seen| at_desk.answer(seen, &*account));
        Some(Self { front, name, back, desk, _behind: behind, _folder: folder })
    }

    /// Returns a provider that sells what this hoster has, with these parameters.
    pub(crate) fn provider(&self, parameters: &Value, user_data: Option<&str>) -> Plugin {
        self.selling(self.name, parameters, user_data)
    }

    /// Returns one whose definition gives up looking for a server after a moment.
    pub(crate) fn hasty_provider(&self, parameters: &Value) -> Plugin {
        let plugin = self.selling("./hasty.json", parameters, None);
        let mut definition = self.definition();
        definition["find"]["settle_seconds"] = json!(0.2);
        plugin.write_private("hasty.json", &definition.to_string());
        plugin
    }

    fn selling(&self, definition: &str, parameters: &Value, user_data: Option<&str>) -> Plugin {
        let plugin = Plugin::installed();
        plugin.write_private(
            "demo.conf",
            &json!({
                "definition": definition, "base_url": self.front.url(),
                "credentials": { "token": TOKEN },
                "configurations": [{ "id": "1", "descr": "one", "parameters": parameters,
                    "user_data": user_data }],
                "ready": null, "worker": { "poll_seconds": 0.05 },
            })
            .to_string(),
        );
        plugin
    }

    /// Returns the definition.
    pub(crate) fn definition(&self) -> Value {
        let file = format!("providers/{}.json", self.name);
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
    }

    /// Loses the next reply to a create.
    pub(crate) fn lose_a_reply(&self) {
        *self.desk.loses.lock().expect("nobody panicked") = true;
    }

    /// Returns all requests, each with what Prism said of it.
    pub(crate) fn requests(&self) -> Vec<(Seen, Judged)> {
        self.desk.seen.lock().expect("nobody panicked").clone()
    }

    /// Fails with what Prism said of any request or reply.
    #[track_caller]
    pub(crate) fn assert_allowed(&self) {
        for (seen, judged) in self.requests() {
            let body = String::from_utf8_lossy(&seen.body);
            let words = &judged.body;
            assert!(!judged.is_refusal(), "{} {} {body}\n{words:#}", seen.method, seen.path);
        }
    }

    /// Fails if a request of the definition was never seen.
    #[track_caller]
    pub(crate) fn assert_all_were_seen(&self) {
        let seen = self.requests();
        for (method, path) in every_request(&self.definition()) {
            let met = seen.iter().any(|(seen, _)| seen.method == method && fits(&path, &seen.path));
            assert!(met, "nothing was seen of {method} {path}");
        }
    }

    /// Fails if these parameters are not all that the definition has.
    #[track_caller]
    pub(crate) fn assert_every_parameter(&self, parameters: &Value) {
        let names = |object: &Value| -> Vec<String> {
            object.as_object().expect("an object").keys().cloned().collect()
        };
        let declared = &self.definition()["parameters"];
        assert_eq!(names(parameters), names(declared), "a parameter is not looked at");
    }

    /// Waits until an order is finished; where it fails, what Prism said says why.
    #[track_caller]
    pub(crate) fn wait_for(&self, plugin: &Plugin, id: &str, address: &str) {
        let mut last = Value::Null;
        wait_until("the order is finished", || {
            self.assert_allowed();
            last = plugin.status(id);
            assert_ne!(last["status"], "error", "{last}");
            last["status"] == "finished"
        });
        assert_eq!(last["server"], address);
    }

    /// Asks Prism itself: a method and a path, and a body or null.
    #[track_caller]
    pub(crate) fn ask(&self, line: &str, body: &Value) -> Judged {
        let (method, path) = line.split_once(' ').expect("method and path");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let headers = [
            ("host", "hoster".to_owned()),
            ("authorization", format!("Bearer {TOKEN}")),
            ("content-type", "application/json".to_owned()),
            ("content-length", body.len().to_string()),
        ];
        self.desk.prism.ask(&Seen {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body,
            at: Instant::now(),
        })
    }

    /// Fails if Prism does not refuse these requests, in these words.
    #[track_caller]
    pub(crate) fn assert_refused(&self, cases: &[(&str, Value, &str)]) {
        for (line, body, told) in cases {
            let judged = self.ask(line, body);
            assert!(judged.is_refusal(), "{line} {body}: {judged:?}");
            assert!(judged.body.to_string().contains(told), "{line} {body}: {judged:?}");
        }
    }
}

impl<A: Account> Drop for Vendor<A> {
    /// A connection that is still open holds the desk.
    fn drop(&mut self) {
        self.desk.prism.end();
    }
}

impl Desk {
    fn answer<A: Account>(&self, seen: &Seen, back: &A) -> Option<Response> {
        let mut judged = self.prism.ask(seen);
        let unknown = judged.body["type"] == NO_SUCH_PATH;
        let allowed = A::NOT_DESCRIBED
            .iter()
            .any(|(method, path)| seen.method == *method && seen.path.starts_with(path));
        let response = if unknown && allowed {
            judged.body = Value::Null;
            back.answer(seen)
        } else if judged.body.is_null() {
            Response::empty(judged.status)
        } else {
            Response::json(judged.status, &judged.body)
        };
        self.seen.lock().expect("nobody panicked").push((seen.clone(), judged));
        let creates = seen.method == "POST";
        let lost = creates && std::mem::take(&mut *self.loses.lock().expect("nobody panicked"));
        (!lost).then_some(response)
    }
}

fn description(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/openapi/{name}.json"))
}

/// Returns method and path of every request of a definition.
fn every_request(definition: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![definition];
    while let Some(value) = left.pop() {
        if let (Some(method), Some(path)) = (value["method"].as_str(), value["path"].as_str()) {
            found.push((method.to_owned(), path.to_owned()));
        }
        match value {
            Value::Object(members) => left.extend(members.values()),
            Value::Array(elements) => left.extend(elements),
            _ => {}
        }
    }
    assert!(found.len() > 5, "{found:?}");
    found
}

/// Returns whether a path may be what a template has made.
fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut wanted, mut met) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), met.next()) {
            (None, None) => return true,
            (Some(wanted), Some(met)) if wanted == met || wanted.contains("{{") => {}
            _ => return false,
        }
    }
}
