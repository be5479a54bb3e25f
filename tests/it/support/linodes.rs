//! A hoster with the API of Linode: labels are unique, lists come page by page, and the filter of
//! the header is not heeded, so that what an order takes for its own is its own doing.

use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::hoster::request::Seen;
use super::hoster::response::Response;
use super::vendor::Account;

/// The public address of every Linode.
pub(crate) const ADDRESS: &str = "127.0.0.1";

/// Its private one, which stands before the public one.
pub(crate) const PRIVATE: &str = "192.168.133.12";

/// How many looks at a new Linode find it being built.
const BUILDING: usize = 2;

/// The Linodes of an account.
#[derive(Default)]
pub(crate) struct Linodes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: Vec<Linode>,
    /// Whether the next one that is bought is not in lists until its label was refused.
    hides: bool,
    refused: usize,
}

/// A Linode.
#[derive(Debug, Clone)]
pub(crate) struct Linode {
    pub(crate) id: u64,
    /// What was asked for.
    pub(crate) wish: Value,
    pub(crate) removed: bool,
    hidden: bool,
    looks: usize,
}

/// Takes out of the vendor's description what keeps Prism from starting: the copy was cut down, and
/// properties of disks point at a schema that is not in it.
pub(crate) fn mend(description: &mut Value) {
    let schemas = &mut description["components"]["schemas"];
    if schemas["Disk"].is_null()
        && let Some(properties) = schemas["DiskRequest"]["properties"].as_object_mut()
    {
        properties.retain(|_, schema| !schema["$ref"].is_string());
    }
}

impl Account for Linodes {
    const NOT_DESCRIBED: &'static [(&'static str, &'static str)] = &[("GET", "/account")];

    fn answer(&self, seen: &Seen) -> Response {
        let path = seen.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("POST", ["linode", "instances"]) => self.create(&seen.json()),
            ("GET", ["linode", "instances"]) => self.list(seen),
            ("GET" | "DELETE", ["linode", "instances", id]) => self.one(&seen.method, id),
            ("GET", ["linode", "types"]) => {
                paged(seen, &[kind("g6-nanode-1"), kind("g6-standard-2")])
            }
            ("GET", ["images"]) => {
                paged(seen, &[image("linode/debian11"), image("linode/debian12")])
            }
            ("GET", ["regions"]) => paged(seen, &[region("us-east"), region("eu-central")]),
            ("GET", ["account"]) => {
                Response::json(200, &json!({ "balance": -50.0, "balance_uninvoiced": 12.25 }))
            }
            _ => no(404, "Not found"),
        }
    }
}

impl Linodes {
    /// Returns all that was ever bought.
    pub(crate) fn bought(&self) -> Vec<Linode> {
        self.state().all.clone()
    }

    /// Returns how often a label was refused.
    pub(crate) fn refused(&self) -> usize {
        self.state().refused
    }

    /// Leaves the next Linode out of lists until its label was refused.
    pub(crate) fn hide_the_next(&self) {
        self.state().hides = true;
    }

    fn create(&self, wish: &Value) -> Response {
        let mut state = self.state();
        let taken = |linode: &&mut Linode| !linode.removed && linode.wish["label"] == wish["label"];
        if let Some(linode) = state.all.iter_mut().find(taken) {
            linode.hidden = false;
            state.refused += 1;
            let reason = "Label must be unique among your linodes";
            return Response::json(
                400,
                &json!({ "errors": [{ "field": "label", "reason": reason }] }),
            );
        }
        let id = 1001 + u64::try_from(state.all.len()).expect("few");
        let hidden = std::mem::take(&mut state.hides);
        let new = Linode { id, wish: wish.clone(), removed: false, hidden, looks: 0 };
        let reply = Response::json(200, &shown(&new));
        state.all.push(new);
        reply
    }

    /// A Linode a page, the first of them a stranger's.
    fn list(&self, seen: &Seen) -> Response {
        let wish = json!({ "label": "shop", "type": "g6-nanode-1", "region": "us-east" });
        let other = Linode { id: 1, wish, removed: false, hidden: false, looks: BUILDING + 1 };
        let state = self.state();
        let listed = state.all.iter().filter(|linode| !linode.removed && !linode.hidden);
        let all: Vec<Value> = std::iter::once(&other).chain(listed).map(shown).collect();
        paged(seen, &all)
    }

    fn one(&self, method: &str, id: &str) -> Response {
        let mut state = self.state();
        let found = |linode: &&mut Linode| linode.id.to_string() == id && !linode.removed;
        let Some(linode) = state.all.iter_mut().find(found) else { return no(404, "Not found") };
        if method == "DELETE" {
            linode.removed = true;
            return Response::json(200, &json!({}));
        }
        linode.looks += 1;
        Response::json(200, &shown(linode))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }
}

fn shown(linode: &Linode) -> Value {
    let status = match linode.looks {
        0 => "provisioning",
        looks if looks <= BUILDING => "offline",
        _ => "running",
    };
    json!({
        "id": linode.id, "label": linode.wish["label"], "type": linode.wish["type"],
        "region": linode.wish["region"], "image": "linode/debian11", "group": "", "tags": [],
        "status": status, "hypervisor": "kvm", "created": "2026-11-22T06:00:00Z",
        "updated": "2026-11-22T06:00:00Z", "ipv4": [PRIVATE, ADDRESS],
        "ipv6": "2001:db8::f03c:95ff:fe1e:1a2b/128", "watchdog_enabled": true,
        "has_user_data": true,
        "specs": { "disk": 81920, "memory": 4096, "vcpus": 2, "gpus": 0, "transfer": 4000 },
    })
}

fn kind(id: &str) -> Value {
    json!({
        "id": id, "label": id, "class": "standard", "vcpus": 2, "memory": 4096, "disk": 81920,
        "gpus": 0, "transfer": 4000, "network_out": 1000, "successor": null,
        "price": { "hourly": 0.03, "monthly": 20 },
        "region_prices": [{ "id": "us-east", "hourly": 0.036, "monthly": 24 }],
    })
}

fn image(id: &str) -> Value {
    json!({
        "id": id, "label": id, "vendor": "Debian", "is_public": true, "deprecated": false,
        "status": "available", "type": "manual", "size": 2500, "capabilities": ["cloud-init"],
    })
}

fn region(id: &str) -> Value {
    json!({ "id": id, "label": id, "country": "us", "status": "ok", "capabilities": ["Linodes"] })
}

/// An element a page, however many were asked for.
fn paged(seen: &Seen, all: &[Value]) -> Response {
    let page: usize = seen.query("page").map_or(1, |text| text.parse().expect("a number"));
    let data: Vec<&Value> = all.iter().skip(page - 1).take(1).collect();
    let pages = all.len().max(1);
    Response::json(
        200,
        &json!({ "data": data, "page": page, "pages": pages, "results": all.len() }),
    )
}

fn no(status: u16, reason: &str) -> Response {
    Response::json(status, &json!({ "errors": [{ "reason": reason }] }))
}
