//! What a hoster knows, and what it does with a request; all of it happens under one lock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::json;

use super::addresses::Addresses;
use super::cloud::Cloud;
use super::fault::{ALWAYS, Ending, Fault, Point, Verb};
use super::mode::{Auth, Mode};
use super::request::Seen;
use super::response::Response;
use super::signed;
use super::{LOGIN_PASSWORD, SESSION, TOKEN, USER};

/// What a hoster knows.
pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) cloud: Cloud,
    pub(crate) addresses: Addresses,
    pub(crate) seen: Vec<Seen>,
    /// The tokens that are good.
    pub(crate) sessions: Vec<String>,
    logins: usize,
    faults: BTreeMap<Verb, VecDeque<(Fault, usize)>>,
    /// How many requests met a fault.
    pub(crate) met: usize,
}

impl State {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            cloud: Cloud::default(),
            addresses: Addresses::default(),
            seen: Vec::new(),
            sessions: Vec::new(),
            logins: 0,
            faults: BTreeMap::new(),
            met: 0,
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

    /// Returns what a request is about that has begun with these bytes; none where more are needed.
    ///
    /// The made-up API tells it in the first line, vendors wherever they like.
    pub(crate) fn verb(&self, begun: &[u8]) -> Option<Verb> {
        if let Some(dialect) = self.mode.dialect {
            let seen = Seen::read(&mut &*begun).ok().flatten()?;
            return Some(dialect.request(&seen).verb());
        }
        let text = String::from_utf8_lossy(begun);
        let (line, _) = text.split_once("\r\n")?;
        let mut words = line.split(' ');
        let (method, path) = (words.next(), words.next());
        Some(Verb::of(method.unwrap_or_default(), path.unwrap_or_default()))
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
                self.met += usize::from(*fault != Fault::None);
                return *fault;
            }
            queue.pop_front();
        }
        Fault::None
    }

    /// Does what a request asks for, or what a fault makes of it; returns the answer, where it ends
    /// too early, and how long it takes.
    pub(crate) fn handle(&mut self, seen: &Seen) -> (Response, Option<(Ending, Point)>, Duration) {
        let known = self.knows(seen);
        let asked = seen;
        let (dialect, auth) = (self.mode.dialect, self.mode.auth);
        let say = |right: Response| match dialect {
            Some(dialect) => dialect.answer(asked, right),
            None if auth == Auth::AwsSigv4 => right.in_xml(),
            None => right,
        };
        let seen = &signed::plain(&self.mode, asked);
        let verb = seen.verb();
        self.seen.push(seen.clone());
        let (response, early_end) = if verb == Verb::Login || known {
            self.cloud.count(&self.mode, seen);
            let fault = self.next_fault(verb);
            let right = if fault.does() { self.answer(verb, seen) } else { Response::told(500) };
            let right =
                if self.mode.addresses_apart() { self.with_addresses(right) } else { right };
            fault.shape(say(right), &self.seen, &say)
        } else {
            (say(Response::told(401)), None)
        };
        (response, early_end, self.mode.delay)
    }

    fn knows(&self, seen: &Seen) -> bool {
        let header = |name| seen.headers.get(name).map(String::as_str);
        match self.mode.auth {
            Auth::Token => {
                header("authorization").and_then(|text| text.strip_prefix("Bearer ")) == Some(TOKEN)
            }
            Auth::Login => header("x-auth-token").is_some_and(|token| self.is_session(token)),
            Auth::Chain => {
                let at_home = seen.path.starts_with(signed::ELSEWHERE);
                let knows = header("x-auth-token").is_some_and(|token| self.is_session(token));
                knows && (at_home || seen.path == "/login/catalog")
            }
            Auth::Jwt => header("authorization")
                .and_then(|text| text.strip_prefix("Bearer "))
                .is_some_and(|token| self.is_session(token)),
            Auth::Cloudstack => signed::is_cloudstacks(seen),
            Auth::AwsSigv4 => signed::is_sigv4(&self.mode, seen),
        }
    }

    fn is_session(&self, token: &str) -> bool {
        self.sessions.iter().any(|known| known == token)
    }

    fn answer(&mut self, verb: Verb, seen: &Seen) -> Response {
        let (cloud, mode) = (&mut self.cloud, &self.mode);
        match verb {
            Verb::Login if seen.method == "GET" => self.catalog_of_services(seen),
            Verb::Login => self.log_in(seen),
            Verb::Create => cloud.create(mode, seen),
            Verb::List => cloud.list(mode, seen),
            Verb::Catalog => catalog(&seen.path),
            Verb::Balance => {
                Response::json(200, &json!({ "balance": { "amount": 12.5, "currency": "EUR" } }))
            }
            Verb::Allocate | Verb::Addresses => self.addresses.answer(seen),
            Verb::Unknown => Response::told(404),
            _ => cloud.at_server(mode, verb, seen),
        }
    }

    fn with_addresses(&mut self, right: Response) -> Response {
        let (cloud, mode) = (&self.cloud, &self.mode);
        self.addresses.detach(|id| cloud.has(mode, id));
        self.addresses.shown(right)
    }

    fn log_in(&mut self, seen: &Seen) -> Response {
        let known = match self.mode.auth {
            Auth::Jwt => signed::is_statement(seen),
            _ => seen.json() == json!({ "user": USER, "password": LOGIN_PASSWORD }),
        };
        if !known {
            return Response::told(401);
        }
        self.logins += 1;
        let token = format!("{SESSION}{}", self.logins);
        self.sessions.push(token.clone());
        let seconds = self.mode.tokens_last;
        match self.mode.auth {
            Auth::Jwt => Response::json(200, &json!({ "token": token, "expires_in": seconds })),
            Auth::Chain => {
                let end = jiff::Timestamp::now() + std::time::Duration::from_secs(seconds);
                Response::json(201, &json!({ "token": { "expires_at": end.to_string() } }))
                    .with_header("Set-Cookie", format!("ticket={token}; Path=/; HttpOnly"))
            }
            _ => Response::json(201, &json!({ "token": { "user": USER } }))
                .with_header("X-Subject-Token", token),
        }
    }

    /// Tells whoever has a token where the servers of each region are.
    fn catalog_of_services(&self, seen: &Seen) -> Response {
        if !self.knows(seen) {
            return Response::told(401);
        }
        let url = |host: &str| format!("http://{host}{}/", signed::ELSEWHERE);
        let here = url(&seen.headers["host"]);
        let services = json!([{ "type": "image", "endpoints": [] }, { "type": "compute",
            "endpoints": [{ "region": "south", "interface": "public", "url": url("south.invalid") },
                { "region": "north", "interface": "internal", "url": url("inner.invalid") },
                { "region": "north", "interface": "public", "url": here }] }]);
        Response::json(200, &json!({ "catalog": services }))
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
