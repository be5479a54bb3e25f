//! Every request of a definition is one that the vendor's own description allows: Prism stands
//! between the provider and a hoster, and refuses any other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::droplets::{ADDRESS, Droplets};
use crate::support::hand::read;
use crate::support::hoster::TOKEN;
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::prism::{Judged, NO_SUCH_PATH, Prism};
use crate::support::service::Service;
use crate::support::{skip, wait_until};

/// What the cut-down description does not have; Prism has no word on it.
const NOT_DESCRIBED: [(&str, &str); 2] =
    [("GET", "/v2/customers/my/balance"), ("DELETE", "/v2/tags/")];

/// A hoster with Prism in front of it.
struct Vendor {
    front: Service,
    back: Arc<Droplets>,
    desk: Arc<Desk>,
    _behind: Service,
}

/// What stands before Prism, and writes down what it says.
struct Desk {
    prism: Prism,
    seen: Mutex<Vec<(Seen, Judged)>>,
    /// Whether the next reply to a create is lost.
    loses: Mutex<bool>,
}

impl Vendor {
    /// Starts a hoster; none where that cannot be, which is said.
    fn start() -> Option<Self> {
        let description = description();
        if !description.exists() {
            skip(&format!("there is no {}", description.display()));
            return None;
        }
        let back = Arc::new(Droplets::new(read(&description)));
        let droplets = Arc::clone(&back);
        let behind = Service::start(move |seen| Some(droplets.answer(seen)));
        let prism = match Prism::before(&behind, &description) {
            Ok(prism) => prism,
            Err(why) => {
                skip(&format!("no contract is looked at: {why}"));
                return None;
            }
        };
        let desk = Arc::new(Desk { prism, seen: Mutex::default(), loses: Mutex::default() });
        let (at_desk, droplets) = (Arc::clone(&desk), Arc::clone(&back));
        let front = Service::start(move |seen| at_desk.answer(seen, &droplets));
        Some(Self { front, back, desk, _behind: behind })
    }

    /// Returns a provider that sells what this hoster has, with these parameters.
    fn provider(&self, parameters: &Value, user_data: Option<&str>) -> Plugin {
        let plugin = Plugin::installed();
        plugin.write_private(
            "demo.conf",
            &json!({
                "definition": "digitalocean", "base_url": self.front.url(),
                "credentials": { "token": TOKEN },
                "configurations": [{ "id": "1", "descr": "one", "parameters": parameters,
                    "user_data": user_data }],
                "ready": null, "worker": { "poll_seconds": 0.05 },
            })
            .to_string(),
        );
        plugin
    }

    fn requests(&self) -> Vec<(Seen, Judged)> {
        self.desk.seen.lock().expect("nobody panicked").clone()
    }

    /// Fails with what Prism said of any request or reply.
    #[track_caller]
    fn assert_allowed(&self) {
        for (seen, judged) in self.requests() {
            let body = String::from_utf8_lossy(&seen.body);
            let words = &judged.body;
            assert!(!judged.is_refusal(), "{} {} {body}\n{words:#}", seen.method, seen.path);
        }
    }
}

impl Drop for Vendor {
    /// A connection that is still open holds the desk.
    fn drop(&mut self) {
        self.desk.prism.end();
    }
}

impl Desk {
    fn answer(&self, seen: &Seen, back: &Droplets) -> Option<Response> {
        let mut judged = self.prism.ask(seen);
        let unknown = judged.body["type"] == NO_SUCH_PATH;
        let allowed = NOT_DESCRIBED
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

fn description() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openapi/digitalocean.json")
}

fn definition() -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("providers/digitalocean.json"))
}

/// Returns a value for every parameter that the definition has.
#[track_caller]
fn every_parameter() -> Value {
    let all = json!({
        "size": "s-2vcpu-4gb", "image": "63663980", "region": "fra1",
        "ssh_keys": [289_794, "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"],
        "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000", "tags": ["web", "env:prod"],
        "backups": true, "backup_policy": { "plan": "weekly", "weekday": "MON", "hour": 20 },
        "ipv6": true, "monitoring": true, "volumes": ["506f78a4-e098-11e5-ad9f-000f53306ae1"],
        "with_droplet_agent": true, "public_networking": true,
    });
    let declared = definition()["parameters"].as_object().expect("an object").clone();
    let names = |object: &Value| -> Vec<String> {
        object.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(names(&all), names(&Value::Object(declared)), "a parameter is not looked at");
    all
}

#[test]
fn every_request_of_digitalocean_is_one_that_the_vendor_describes() {
    let Some(vendor) = Vendor::start() else { return };
    let own = "#cloud-config\npackages: [mc]\n";
    let plugin = vendor.provider(&every_parameter(), Some(own));
    an_order_is_finished_and_released(&vendor, &plugin);
    let plugin = vendor.provider(&definition()["example"]["parameters"], None);
    a_lost_reply_is_found(&vendor, &plugin);
    an_order_is_cancelled(&vendor, &plugin);
    let told = plugin.run(&["check"]).stdout;
    assert!(told.contains("DigitalOcean takes the credentials"), "{told}");
    assert!(told.contains("12.5 USD"), "{told}");
    let catalog = plugin.run(&["catalog", "--json"]).json();
    assert_eq!(catalog["configurations"].as_array().map(Vec::len), Some(2), "{catalog}");
    vendor.assert_allowed();
    let seen = vendor.requests();
    for (method, path) in every_request(&definition()) {
        let met = seen.iter().any(|(seen, _)| seen.method == method && fits(&path, &seen.path));
        assert!(met, "nothing was seen of {method} {path}");
    }
}

fn an_order_is_finished_and_released(vendor: &Vendor, plugin: &Plugin) {
    let id = plugin.order();
    finished(vendor, plugin, &id);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 1, "{bought:?}");
    let wish = &bought[0].wish;
    assert_eq!(wish["name"], plugin.stored(&id)["hostname"]);
    let user_data = wish["user_data"].as_str().expect("a text");
    assert!(user_data.contains("filename=\"own\""), "{user_data}");
    let _ = plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(vendor.back.bought()[0].removed);
}

fn a_lost_reply_is_found(vendor: &Vendor, plugin: &Plugin) {
    *vendor.desk.loses.lock().expect("nobody panicked") = true;
    let id = plugin.order();
    finished(vendor, plugin, &id);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 2, "{bought:?}");
    let stored = plugin.stored(&id);
    assert_eq!(stored["server_id"], bought[1].id.to_string());
    let user_data = bought[1].wish["user_data"].as_str().expect("a text");
    assert!(user_data.contains(stored["password"].as_str().expect("a password")), "{user_data}");
}

fn an_order_is_cancelled(vendor: &Vendor, plugin: &Plugin) {
    let id = plugin.order();
    wait_until("the Droplet is bought", || vendor.back.bought().len() == 3);
    let said = plugin.run(&["orders", "cancel", &id]).prints().to_owned();
    assert!(said.contains("cancelled"), "{said}");
    assert!(vendor.back.bought()[2].removed);
}

/// Waits until an order is finished; where it fails, what Prism said says why.
#[track_caller]
fn finished(vendor: &Vendor, plugin: &Plugin, id: &str) {
    let mut last = Value::Null;
    wait_until("the order is finished", || {
        vendor.assert_allowed();
        last = plugin.status(id);
        assert_ne!(last["status"], "error", "{last}");
        last["status"] == "finished"
    });
    assert_eq!(last["server"], ADDRESS);
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

#[test]
fn a_request_that_the_vendor_does_not_describe_is_refused() {
    let Some(vendor) = Vendor::start() else { return };
    let right = json!({ "name": "a", "size": "s-2vcpu-4gb", "image": "almalinux-9-x64" });
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    let mut without = right.clone();
    without.as_object_mut().expect("an object").remove("size");
    let cases = [
        ("POST /v2/droplets", without, "must have required property 'size'"),
        ("POST /v2/droplets", with("backups", json!("yes")), "backups must be boolean"),
        ("POST /v2/droplets", with("user_data", json!(5)), "user_data must be string"),
        ("GET /v2/droplets?per_page=500", Value::Null, "per_page must be <= 200"),
        ("GET /v2/droplets/one", Value::Null, "droplet_id must be integer"),
        ("GET /v2/servers", Value::Null, "hasn't been found"),
    ];
    for (line, body, told) in cases {
        let judged = ask(&vendor, line, &body);
        assert!(judged.is_refusal(), "{line} {body}: {judged:?}");
        assert!(judged.body.to_string().contains(told), "{line} {body}: {judged:?}");
    }
    let judged = ask(&vendor, "POST /v2/droplets", &right);
    assert_eq!(judged.status, 202, "{judged:?}");
    assert_eq!(vendor.back.bought().len(), 1, "what is refused comes to nobody");
}

#[track_caller]
fn ask(vendor: &Vendor, line: &str, body: &Value) -> Judged {
    let (method, path) = line.split_once(' ').expect("method and path");
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let headers = [
        ("host", "hoster".to_owned()),
        ("authorization", format!("Bearer {TOKEN}")),
        ("content-type", "application/json".to_owned()),
        ("content-length", body.len().to_string()),
    ];
    vendor.desk.prism.ask(&Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body,
        at: Instant::now(),
    })
}
