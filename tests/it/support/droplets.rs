//! A hoster with the API of `DigitalOcean`: what it answers are the examples of the vendor's own
//! description, changed as far as an order needs.

use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::hoster::request::Seen;
use super::hoster::response::Response;
use super::vendor::Account;

/// The address of every Droplet.
pub(crate) const ADDRESS: &str = "127.0.0.1";

/// How many looks at a new Droplet find it being built.
const BUILDING: usize = 2;

/// The Droplets of an account.
pub(crate) struct Droplets {
    description: Value,
    all: Mutex<Vec<Droplet>>,
}

/// A Droplet.
#[derive(Debug, Clone)]
pub(crate) struct Droplet {
    pub(crate) id: u64,
    /// What was asked for.
    pub(crate) wish: Value,
    pub(crate) removed: bool,
    looks: usize,
    archived: bool,
}

impl Account for Droplets {
    const NOT_DESCRIBED: &'static [(&'static str, &'static str)] =
        &[("GET", "/v2/customers/my/balance"), ("DELETE", "/v2/tags/")];

    fn answer(&self, seen: &Seen) -> Response {
        let path = seen.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("POST", ["droplets"]) => self.create(&seen.json()),
            ("GET", ["droplets"]) => self.list(seen),
            ("GET" | "DELETE", ["droplets", id]) => self.one(&seen.method, id),
            ("GET", ["actions", id]) => self.action(id),
            ("GET", ["sizes"]) => self.page(seen, "sizes", "/components/responses/all_sizes"),
            ("GET", ["regions"]) => self.page(seen, "regions", "/components/responses/all_regions"),
            ("GET", ["images"]) => self.page(seen, "images", IMAGES),
            ("GET", ["customers", "my", "balance"]) => Response::json(
                200,
                &json!({ "month_to_date_balance": "-12.50", "account_balance": "0.00",
                    "month_to_date_usage": "1.00", "generated_at": "2026-11-22T06:00:00Z" }),
            ),
            ("DELETE", ["tags", _]) => Response::empty(204),
            _ => missing(),
        }
    }
}

impl Droplets {
    /// An account without Droplets at the hoster that a vendor's description is about.
    pub(crate) fn new(description: Value) -> Self {
        Self { description, all: Mutex::default() }
    }

    /// Returns all that was ever bought.
    pub(crate) fn bought(&self) -> Vec<Droplet> {
        self.all().iter().filter(|droplet| !droplet.archived).cloned().collect()
    }

    fn create(&self, wish: &Value) -> Response {
        let mut all = self.all();
        let id = 1001 + u64::try_from(all.len()).expect("few");
        let new =
            |id, archived| Droplet { id, wish: wish.clone(), removed: false, looks: 0, archived };
        // One of the same name, which nobody may take for it, stands before it in lists.
        all.extend([new(id, true), new(id + 1, false)]);
        let droplet = self.shown(&all[all.len() - 1]);
        let href = format!("https://api.digitalocean.com/v2/actions/{}", id + 1);
        let action = json!({ "id": id + 1, "rel": "create", "href": href });
        let body = json!({ "droplet": droplet, "links": { "actions": [action] } });
        Response::json(202, &body)
    }

    /// A Droplet a page, however many were asked for.
    fn list(&self, seen: &Seen) -> Response {
        let name = seen.query("name");
        let all = self.all();
        let listed = all.iter().filter(|droplet| !droplet.removed);
        let listed = listed.filter(|droplet| {
            name.as_deref().is_none_or(|name| droplet.wish["name"].as_str() == Some(name))
        });
        paged(seen, "droplets", &listed.map(|droplet| self.shown(droplet)).collect::<Vec<_>>())
    }

    fn one(&self, method: &str, id: &str) -> Response {
        let mut all = self.all();
        let found = all.iter_mut().find(|droplet| droplet.id.to_string() == id && !droplet.removed);
        let Some(droplet) = found else { return missing() };
        if method == "DELETE" {
            droplet.removed = true;
            return Response::empty(204);
        }
        droplet.looks += 1;
        Response::json(200, &json!({ "droplet": self.shown(droplet) }))
    }

    fn action(&self, id: &str) -> Response {
        let all = self.all();
        let Some(droplet) = all.iter().find(|droplet| droplet.id.to_string() == id) else {
            return missing();
        };
        let status = if droplet.looks > BUILDING { "completed" } else { "in-progress" };
        Response::json(
            200,
            &json!({ "action": { "id": droplet.id, "status": status, "type": "create",
                "started_at": "2026-11-22T06:00:00Z", "completed_at": null,
                "resource_id": droplet.id, "resource_type": "droplet", "region_slug": "fra1" } }),
        )
    }

    /// Twice the description's first example, a page each.
    fn page(&self, seen: &Seen, name: &str, place: &str) -> Response {
        let part = self.description.pointer(place).expect("the description has it");
        let example =
            part.pointer("/content/application~1json/schema/example").or_else(|| part.get("value"));
        let first = &example.expect("an example")[name][0];
        let mut second = first.clone();
        second["slug"] = "second".into();
        paged(seen, name, &[first.clone(), second])
    }

    fn shown(&self, droplet: &Droplet) -> Value {
        let mut shown = self.description.pointer(DROPLET).expect("an example").clone();
        let built = droplet.looks > BUILDING;
        shown["id"] = droplet.id.into();
        shown["name"] = droplet.wish["name"].clone();
        shown["status"] = match (droplet.archived, built) {
            (true, _) => "archive".into(),
            (false, true) => "active".into(),
            (false, false) => "new".into(),
        };
        if built {
            shown["networks"]["v4"][1]["ip_address"] = ADDRESS.into();
        } else {
            shown["networks"] = json!({ "v4": [], "v6": [] });
        }
        shown
    }

    fn all(&self) -> MutexGuard<'_, Vec<Droplet>> {
        self.all.lock().expect("nobody panicked")
    }
}

/// Where the description has an example of a Droplet.
const DROPLET: &str = "/components/examples/droplet_single/value/droplet";

/// Where it has one of the list of images.
const IMAGES: &str = "/components/examples/images_distribution";

fn paged(seen: &Seen, name: &str, all: &[Value]) -> Response {
    let page: usize = seen.query("page").map_or(1, |text| text.parse().expect("a number"));
    let url = |page| format!("https://api.digitalocean.com/v2/{name}?page={page}");
    let links = if page < all.len() {
        json!({ "pages": { "next": url(page + 1), "last": url(all.len()) } })
    } else {
        json!({})
    };
    let items: Vec<&Value> = all.iter().skip(page - 1).take(1).collect();
    Response::json(200, &json!({ name: items, "links": links, "meta": { "total": all.len() } }))
}

fn missing() -> Response {
    let message = "The resource you were accessing could not be found.";
    Response::json(404, &json!({ "id": "not_found", "message": message }))
}
