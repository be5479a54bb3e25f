//! The servers of a hoster, and the requests that are about them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fault::Verb;
use super::mode::{Mode, Names};
pub(crate) use super::purchase::Purchase;
use super::request::Seen;
use super::response::Response;

/// The plans that are sold.
const PLANS: [&str; 2] = ["small", "large"];

/// The id of the first server is one more.
pub(super) const BEFORE_FIRST_ID: u64 = 1000;

/// All servers.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    servers: Vec<Purchase>,
    /// How many requests to create a server bore a name.
    creates: BTreeMap<String, usize>,
    /// What a request with an `Idempotency-Key` asked for, and how it was answered.
    answered: BTreeMap<String, (Vec<u8>, Response)>,
}

impl Cloud {
    /// Returns every server that was ever bought or planted.
    pub(crate) fn servers(&self) -> impl Iterator<Item = Purchase> {
        self.servers.iter().map(|server| {
            let creates = self.creates.get(&server.name).copied().unwrap_or_default();
            Purchase { creates, ..server.clone() }
        })
    }

    /// Counts a request, whatever becomes of it.
    pub(crate) fn count(&mut self, mode: &Mode, seen: &Seen) {
        if seen.verb() == Verb::Create {
            let name = seen.json()["name"].as_str().unwrap_or_default().to_owned();
            *self.creates.entry(name).or_default() += 1;
        }
        if let Some(server) = seen.server().and_then(|id| self.find(mode, id)) {
            server.requests += 1;
        }
    }

    /// Adds a server that somebody else bought; returns its id.
    pub(crate) fn plant(&mut self, mode: &Mode, name: &str) -> u64 {
        let id = self.free_id(mode);
        self.servers
            .push(Purchase { planted: true, ..Purchase::new(mode, id, name, PLANS[0], "alma-9") });
        id
    }

    /// Adds a server that was bought elsewhere, as new; returns its id.
    pub(crate) fn sell_again(&mut self, mode: &Mode, server: &Purchase) -> u64 {
        let id = self.free_id(mode);
        let mut again = Purchase::new(mode, id, &server.name, &server.plan, &server.image);
        again.password.clone_from(&server.password);
        again.user_data.clone_from(&server.user_data);
        again.vendor = server.vendor.clone();
        self.servers.push(again);
        id
    }

    /// Removes all servers that were not planted.
    pub(crate) fn remove_all(&mut self) {
        for server in self.servers.iter_mut().filter(|server| !server.planted) {
            server.removed = true;
        }
    }

    fn free_id(&self, mode: &Mode) -> u64 {
        let last = self.servers.last().map_or(BEFORE_FIRST_ID, |server| server.id);
        if !mode.reuses_ids {
            return last + 1;
        }
        let taken = |id| {
            let mut same = self.servers.iter().filter(|server| server.id == id);
            same.any(|server| server.is_there(mode))
        };
        let mut id = BEFORE_FIRST_ID + 1;
        while taken(id) {
            id += 1;
        }
        id
    }

    /// Returns whether there is a server of that id.
    pub(crate) fn has(&self, mode: &Mode, id: u64) -> bool {
        self.servers.iter().any(|server| server.id == id && server.is_there(mode))
    }

    fn find(&mut self, mode: &Mode, id: u64) -> Option<&mut Purchase> {
        self.servers.iter_mut().find(|server| server.id == id && server.is_there(mode))
    }

    /// Sells a server.
    pub(crate) fn create(&mut self, mode: &Mode, seen: &Seen) -> Response {
        let key = seen.headers.get("idempotency-key").filter(|_| mode.replays_keys);
        if let Some((body, response)) = key.and_then(|key| self.answered.get(key)) {
            return if *body == seen.body {
                response.clone()
            } else {
                Response::error(422, "idempotency_mismatch", "the key came with another request")
            };
        }
        let wish = seen.json();
        let text = |name: &str| wish[name].as_str().filter(|text| !text.is_empty());
        let (Some(name), Some(plan), Some(image)) = (text("name"), text("plan"), text("image"))
        else {
            return Response::error(422, "invalid_input", "name, plan and image are required");
        };
        if !PLANS.contains(&plan) {
            return Response::error(422, "invalid_input", &format!("plan {plan} is not sold"));
        }
        let taken = self.servers.iter().any(|server| !server.removed && server.name == name);
        if mode.names == Names::Unique && taken {
            return Response::conflict();
        }
        let mut server = Purchase::new(mode, self.free_id(mode), name, plan, image);
        server.password = text("password").map(str::to_owned);
        server.user_data = text("user_data").map(str::to_owned);
        server.vendor = wish["vendor"].clone();
        server.stopped = seen.path.starts_with("/orders");
        let mut body = json!({ "server": server.json(mode) });
        if mode.chooses_password {
            body["server"]["root_password"] = server.choose_password().into();
        }
        self.servers.push(server);
        let response = Response::json(201, &body);
        if let Some(key) = key {
            self.answered.insert(key.clone(), (seen.body.clone(), response.clone()));
        }
        response
    }

    /// Lists servers, a page at a time.
    pub(crate) fn list(&mut self, mode: &Mode, seen: &Seen) -> Response {
        let number =
            |name, default| seen.query(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (page, per_page): (usize, usize) = (number("page", 1), number("per_page", 25));
        if page == 0 || per_page == 0 {
            return Response::told(400);
        }
        let name = seen.query("name");
        let begins = page == 1 && seen.query("continued").is_none();
        for server in &mut self.servers {
            server.lists += usize::from(begins);
        }
        let found: Vec<Value> = self
            .servers
            .iter()
            .filter(|server| server.is_there(mode) && server.is_listed(mode))
            .filter(|server| name.as_ref().is_none_or(|name| *name == server.name))
            .map(|server| server.json(mode))
            .collect();
        for server in self.servers.iter_mut().filter(|server| begins && server.removed) {
            server.polls_since_removal += 1;
        }
        let next = (found.len() > page * per_page).then_some(page + 1);
        let servers: Vec<Value> =
            found.into_iter().skip((page - 1) * per_page).take(per_page).collect();
        Response::json(200, &json!({ "servers": servers, "meta": { "next_page": next } }))
    }

    /// Answers a request about one server.
    pub(crate) fn at_server(&mut self, mode: &Mode, verb: Verb, seen: &Seen) -> Response {
        let Some(server) = seen.server().and_then(|id| self.find(mode, id)) else {
            return Response::told(404);
        };
        match verb {
            Verb::Get if server.look(mode) => {
                Response::json(200, &json!({ "server": server.json(mode) }))
            }
            Verb::Network => Response::json(200, &json!({ "network": server.network(mode) })),
            Verb::Delete => {
                server.removed = true;
                Response::empty(204)
            }
            _ if server.removed => Response::told(404),
            Verb::Configure if !server.stopped => Response::told(409),
            Verb::Configure => {
                server.user_data = Some(String::from_utf8_lossy(&seen.body).into_owned());
                Response::empty(204)
            }
            Verb::Start | Verb::Stop => {
                server.stopped = verb == Verb::Stop;
                Response::json(202, &json!({ "server": server.json(mode) }))
            }
            Verb::Recover => {
                Response::json(200, &json!({ "root_password": server.choose_password() }))
            }
            _ => Response::told(404),
        }
    }
}
