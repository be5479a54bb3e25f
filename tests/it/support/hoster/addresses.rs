//! Public addresses that are bought apart from servers.

use serde_json::{Value, json};

use super::request::Seen;
use super::response::Response;

/// An address that was bought.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    id: u64,
    ip: String,
    /// The server that it leads to.
    server: Option<u64>,
    /// What else was said of it, in the words of whose API is spoken.
    vendor: Value,
    /// Whether somebody else bought it.
    planted: bool,
    removed: bool,
}

/// All addresses.
#[derive(Debug, Default)]
pub(crate) struct Addresses(Vec<Address>);

impl Addresses {
    /// Returns what was bought, or planted, and not removed.
    pub(crate) fn alive(&self, planted: bool) -> impl Iterator<Item = &Address> {
        self.0.iter().filter(move |address| !address.removed && address.planted == planted)
    }

    /// Adds an address that somebody else bought, and that leads nowhere.
    pub(crate) fn plant(&mut self) {
        self.add(None, Value::Null).planted = true;
    }

    /// Adds addresses that were bought elsewhere.
    pub(crate) fn sell_again(&mut self, addresses: &[Address]) {
        self.0.extend_from_slice(addresses);
    }

    fn add(&mut self, server: Option<u64>, vendor: Value) -> &mut Address {
        let id = self.0.len() as u64 + 1;
        let ip = format!("203.0.113.{id}");
        self.0.push(Address { id, ip, server, vendor, planted: false, removed: false });
        self.0.last_mut().expect("it was just added")
    }

    /// Returns the address that leads to a server.
    pub(crate) fn of(&self, server: u64) -> Option<&str> {
        let mut all = self.0.iter().filter(|address| !address.removed);
        all.find(|address| address.server == Some(server)).map(|address| address.ip.as_str())
    }

    /// Lets the addresses of a server that is gone lead nowhere: they stay, and cost money.
    pub(crate) fn detach(&mut self, is_there: impl Fn(u64) -> bool) {
        for address in &mut self.0 {
            address.server = address.server.filter(|server| is_there(*server));
        }
    }

    /// Shows servers with these addresses instead of their own.
    pub(crate) fn shown(&self, response: Response) -> Response {
        let mut body = response.told_json();
        let show = |server: &mut Value| {
            let running = !server["ip"].is_null();
            let ip = server["id"].as_u64().and_then(|id| self.of(id)).filter(|_| running);
            server["ip"] = ip.map_or(Value::Null, Into::into);
        };
        if body["server"].is_object() {
            show(&mut body["server"]);
        }
        body["servers"].as_array_mut().into_iter().flatten().for_each(show);
        if body.is_null() {
            response
        } else {
            response.with_body(|_| body.to_string().into_bytes())
        }
    }

    /// Answers a request about addresses.
    pub(crate) fn answer(&mut self, seen: &Seen) -> Response {
        let wish = seen.json();
        let path = seen.path.split('?').next().unwrap_or_default();
        let id: Option<u64> = path.strip_prefix("/addresses/").and_then(|id| id.parse().ok());
        if seen.method == "POST" {
            if wish["server"].as_u64().is_some_and(|server| self.of(server).is_some()) {
                return Response::error(409, "associated", "the server has an address already");
            }
            let address = self.add(wish["server"].as_u64(), wish["vendor"].clone());
            return Response::json(201, &json!({ "address": address.json() }));
        }
        let Some(id) = id else {
            let all: Vec<Value> =
                self.0.iter().filter(|address| !address.removed).map(Address::json).collect();
            return Response::json(200, &json!({ "addresses": all }));
        };
        let found = self.0.iter_mut().find(|address| address.id == id && !address.removed);
        let Some(address) = found else { return Response::told(404) };
        match seen.method.as_str() {
            "DELETE" => {
                address.removed = true;
                return Response::empty(204);
            }
            "PUT" => address.server = wish["server"].as_u64(),
            _ => {}
        }
        Response::json(200, &json!({ "address": address.json() }))
    }
}

impl Address {
    fn json(&self) -> Value {
        json!({ "id": self.id, "ip": self.ip, "server": self.server, "vendor": self.vendor })
    }
}
