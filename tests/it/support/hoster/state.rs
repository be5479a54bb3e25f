//! What a hoster knows, and what it does with a request; all of it happens under one lock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::fault::{ALWAYS, Ending, Fault, Point, Verb};
use super::mode::{Auth, Mode};
use super::request::Seen;
use super::response::Response;
use super::{LOGIN_PASSWORD, SESSION, TOKEN, USER};

/// What a hoster knows.
pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) cloud: Cloud,
    pub(crate) seen: Vec<Seen>,
    /// The tokens that are good.
    pub(crate) sessions: Vec<String>,
    logins: usize,
    faults: BTreeMap<Verb, VecDeque<(Fault, usize)>>,
}

impl State {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            cloud: Cloud::default(),
            seen: Vec::new(),
            sessions: Vec::new(),
            logins: 0,
            faults: BTreeMap::new(),
        }
    }

    pub(crate) fn tell(&mut self, verb: Verb, fault: Fault, times: usize) {
        self.faults.entry(verb).or_default().push_back((fault, times));
    }

    pub(crate) fn forget_faults(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn plant(&mut self, name: &str) -> u64 {
        self.cloud.plant(&self.mode, name)
    }

    pub(crate) fn sell(&mut self, name: &str, password: Option<&str>) -> u64 {
        self.cloud.sell(&self.mode, name, password)
    }

    /// Returns whether the next request of a kind is to stay unread.
    pub(crate) fn stays_unread(&mut self, verb: Verb) -> bool {
        let front = self.faults.get(&verb).and_then(VecDeque::front);
        front.is_some_and(|(fault, _)| *fault == Fault::ResetUnread)
            && self.next_fault(verb) == Fault::ResetUnread
    }

    fn next_fault(&mut self, verb: Verb) -> Fault {
        let Some(queue) = self.faults.get_mut(&verb) else {
            return Fault::None;
        };
        while let Some((fault, times)) = queue.front_mut() {
            if *times > 0 {
                if *times != ALWAYS {
                    *times -= 1;
                }
                return *fault;
            }
            queue.pop_front();
        }
        Fault::None
    }

    /// Does what a request asks for, or what a fault makes of it; returns the answer, where it ends
    /// too early, and how long it takes.
    pub(crate) fn handle(&mut self, seen: &Seen) -> (Response, Option<(Ending, Point)>, Duration) {
        let verb = seen.verb();
        self.seen.push(seen.clone());
        let (response, early_end) = if verb == Verb::Login || self.knows(seen) {
            self.cloud.count(&self.mode, seen);
            let fault = self.next_fault(verb);
            let right = if fault.does() { self.answer(verb, seen) } else { Response::told(500) };
            fault.shape(right, &self.seen)
        } else {
            (Response::told(401), None)
        };
        (response, early_end, self.mode.delay)
    }

    fn knows(&self, seen: &Seen) -> bool {
        let header = |name| seen.headers.get(name).map(String::as_str);
        match self.mode.auth {
            Auth::Token => {
                header("authorization").and_then(|text| text.strip_prefix("Bearer ")) == Some(TOKEN)
            }
            Auth::Login => header("x-auth-token")
                .is_some_and(|token| self.sessions.iter().any(|known| known == token)),
        }
    }

    fn answer(&mut self, verb: Verb, seen: &Seen) -> Response {
        let (cloud, mode) = (&mut self.cloud, &self.mode);
        match verb {
            Verb::Login => self.log_in(&seen.json()),
            Verb::Create => cloud.create(mode, seen),
            Verb::List => cloud.list(mode, seen),
            Verb::Catalog => catalog(&seen.path),
            Verb::Balance => {
                Response::json(200, &json!({ "balance": { "amount": 12.5, "currency": "EUR" } }))
            }
            Verb::Unknown => Response::told(404),
            _ => cloud.at_server(mode, verb, seen),
        }
    }

    fn log_in(&mut self, body: &Value) -> Response {
        if *body != json!({ "user": USER, "password": LOGIN_PASSWORD }) {
            return Response::told(401);
        }
        self.logins += 1;
        let token = format!("{SESSION}{}", self.logins);
        self.sessions.push(token.clone());
        Response::json(201, &json!({ "token": { "user": USER } }))
            .with_header("X-Subject-Token", token)
    }
}

fn catalog(path: &str) -> Response {
    let plan = |name: &str, cpus: u32, memory: u32, price: f64, available: bool| {
        json!({ "name": name, "cpus": cpus, "memory": memory, "available": available,
            "price_monthly": price })
    };
    let lists = json!({
        "/plans": { "plans": [plan("small", 1, 2, 4.15, true), plan("large", 4, 8, 15.9, true),
            plan("old", 1, 1, 3.0, false)] },
        "/images": { "images": [{ "name": "alma-9", "title": "AlmaLinux 9" }] },
        "/regions": { "regions": [{ "name": "north", "title": "North" },
            { "name": "south", "title": "South" }] },
    });
    Response::json(200, &lists[path.split('?').next().unwrap_or_default()])
}
