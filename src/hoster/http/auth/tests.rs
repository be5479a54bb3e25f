use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::Hoster;
use crate::definition::Definition;
use crate::http::{Failure, Reply, Request, Transport};

/// Answers each request with the same reply, and keeps them.
#[derive(Clone)]
struct Same(Arc<Mutex<Vec<Request>>>, Value);

impl Transport for Same {
    fn send(&self, request: &Request) -> Result<Reply, Failure> {
        self.0.lock().unwrap().push(request.clone());
        let body = self.1.to_string().into_bytes();
        Ok(Reply { status: 200, headers: [].into(), cookies: [].into(), body })
    }
}

/// Asks for the balance after a login whose reply is `reply`, and returns what was sent.
fn asked(reply: Value, balance: Value) -> (Option<String>, Vec<Request>) {
    let mut tree: Value =
        serde_json::from_str(include_str!("../../../../tests/samples/definitions/fake-chain.json"))
            .unwrap();
    tree["base_url"] = json!("https://api.example");
    tree["auth"] = json!({
        "kind": "login",
        "steps": [{
            "name": "log in",
            "request": { "method": "POST", "path": "/login" },
            "save": { "token": "{{ reply.token }}", "catalog": "{{ reply.catalog }}" }
        }],
        "headers": { "X-Auth-Token": "{{ session.token }}" }
    });
    tree["balance"]["steps"][0]["request"] = balance;
    let Ok(Definition::Http(definition)) = Definition::parse(tree.to_string().as_bytes()) else {
        panic!("it is a definition")
    };
    let same = Same(Arc::default(), reply);
    let hoster = Hoster::new(definition, "https://api.example", [].into(), Box::new(same.clone()));
    let trouble = hoster.balance().err().map(|trouble| trouble.why().to_owned());
    let requests = same.0.lock().unwrap().clone();
    (trouble, requests)
}

fn reply(catalog: usize) -> Value {
    let balance = json!({ "amount": "1", "currency": "EUR" });
    json!({ "token": "usual-token", "catalog": "x".repeat(catalog), "balance": balance })
}

fn tokens(request: &Request) -> Vec<&str> {
    let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("x-auth-token");
    request.headers.iter().filter(named).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_request_may_have_a_token_of_its_own() {
    let usual = json!({ "method": "GET", "path": "/balance" });
    let (trouble, requests) = asked(reply(0), usual);
    assert_eq!(trouble, None);
    assert_eq!(tokens(&requests[1]), ["usual-token"]);

    let own = json!({ "method": "GET", "path": "/b", "headers": { "x-AUTH-token": "other" } });
    let (trouble, requests) = asked(reply(0), own);
    assert_eq!(trouble, None);
    assert_eq!(tokens(&requests[1]), ["other"]);
}

#[test]
fn a_login_may_save_a_large_catalogue_but_no_endless_one() {
    let balance = json!({ "method": "GET", "path": "/balance" });
    let (trouble, requests) = asked(reply(60_000), balance.clone());
    assert_eq!((trouble, requests.len()), (None, 2));
    let (trouble, requests) = asked(reply(70_000), balance);
    let why = trouble.expect("it is too large");
    assert_eq!(why, "/auth/steps/0/save/catalog: the reply has more than 65536 bytes there");
    assert_eq!(requests.len(), 1);
}
