//! The hoster of the tests sells as it should: what other tests find is then the program's doing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::hand::read;
use crate::support::hoster::client::{ask, ask_with, bearer, wish};
use crate::support::hoster::fault::Verb;
use crate::support::hoster::mode::{Listed, Mode, Outcome};
use crate::support::hoster::provider::{DEFINITIONS, definition};
use crate::support::hoster::{Hoster, LOGIN_PASSWORD, SESSION, TOKEN, USER};
use crate::support::plugin::{CANARY, Plugin};
use crate::support::wait_until;

/// Buys a server; returns its id.
#[track_caller]
fn bought(hoster: &Hoster, name: &str) -> u64 {
    let (status, answer) = ask(hoster, "POST /servers", &wish(name));
    assert_eq!(status, 201, "{answer}");
    answer["server"]["id"].as_u64().unwrap()
}

/// Looks at a server; returns its status, or the error's code.
#[track_caller]
fn look(hoster: &Hoster, id: u64) -> Value {
    let (_, answer) = ask(hoster, &format!("GET /servers/{id}"), &Value::Null);
    answer.pointer("/server/status").or(answer.pointer("/error/code")).unwrap().clone()
}

/// Returns the ids on a page of a list, and the next page.
#[track_caller]
fn listed(hoster: &Hoster, query: &str) -> (Vec<u64>, Value) {
    let (status, answer) = ask(hoster, &format!("GET /servers{query}"), &Value::Null);
    assert_eq!(status, 200, "{answer}");
    let servers = answer["servers"].as_array().unwrap();
    let ids = servers.iter().map(|server| server["id"].as_u64().unwrap()).collect();
    (ids, answer["meta"]["next_page"].clone())
}

#[test]
fn a_unique_name_is_sold_once_however_many_ask_at_once() {
    let hoster = Hoster::start(Mode::unique());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let (status, answer) = ask(&hoster, "POST /servers", &wish("a"));
                assert!(status == 201 || answer["error"]["code"] == "uniqueness_error");
            });
        }
    });
    let purchases = hoster.purchases();
    assert_eq!((purchases.len(), purchases[0].creates), (1, 16), "{purchases:?}");
    // Names are free again once their server is gone.
    assert_eq!(ask(&hoster, "DELETE /servers/1001", &Value::Null).0, 204);
    assert_eq!(bought(&hoster, "a"), 1002);
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (2, 1));
}

#[test]
fn where_names_are_not_unique_the_same_request_buys_again() {
    let hoster = Hoster::start(Mode::plain());
    assert_eq!((bought(&hoster, "a"), bought(&hoster, "a")), (1001, 1002));
    let (status, answer) = ask(&hoster, "POST /servers", &json!({ "name": "a", "plan": "old" }));
    assert_eq!((status, &answer["error"]["code"]), (422, &json!("invalid_input")));
    assert_eq!(hoster.alive().len(), 2);
}

#[test]
fn a_key_that_was_met_is_answered_as_the_first_time() {
    let hoster = Hoster::start(Mode::token());
    let buy = |key: &str, name: &str| {
        let key = format!("Idempotency-Key: {key}");
        ask_with(&hoster, "POST /servers", &[&bearer(), &key], &wish(name).to_string())
    };
    let first = buy("k", "a");
    assert_eq!(first.0, 201);
    assert_eq!(buy("k", "a"), first);
    assert_eq!(buy("k", "b").1["error"]["code"], "idempotency_mismatch");
    assert_eq!(hoster.purchases().len(), 1);
    assert_eq!(buy("l", "a").0, 201);
    assert_eq!(hoster.purchases().len(), 2);
}

#[test]
fn a_server_is_absent_built_running_and_gone() {
    let mode = Mode { absent_polls: 1, building_polls: 2, removing_polls: 1, ..Mode::unique() };
    let hoster = Hoster::start(mode);
    let id = bought(&hoster, "a");
    let states: Vec<Value> = (0..4).map(|_| look(&hoster, id)).collect();
    assert_eq!(states, ["not_found", "building", "building", "running"]);
    let (_, answer) = ask(&hoster, "GET /servers/1001", &Value::Null);
    assert_eq!(
        (&answer["server"]["ip"], &answer["server"]["private_ip"]),
        (&json!("127.0.0.1"), &json!("10.0.0.1"))
    );
    assert_eq!(ask(&hoster, "DELETE /servers/1001", &Value::Null).0, 204);
    assert_eq!((hoster.alive().len(), hoster.purchases()[0].removed), (0, true));
    assert_eq!((look(&hoster, id), look(&hoster, id)), (json!("deleting"), json!("not_found")));
    assert_eq!(ask(&hoster, "DELETE /servers/1001", &Value::Null).0, 404);
    assert_eq!(hoster.purchases()[0].requests, 7, "those that found nothing do not count");
}

#[test]
fn what_a_hoster_does_can_be_changed_while_it_works() {
    let hoster = Hoster::start(Mode { reuses_ids: true, ..Mode::unique() });
    hoster.change(|mode| {
        mode.building_polls = 0;
        mode.outcome = Outcome::Fails;
    });
    let id = bought(&hoster, "a");
    assert_eq!(look(&hoster, id), "error");
    hoster.change(|mode| {
        mode.outcome = Outcome::Runs;
        mode.address = Some("192.0.2.7".to_owned());
        mode.delay = Duration::from_millis(50);
    });
    let (_, answer) = ask(&hoster, &format!("GET /servers/{id}"), &Value::Null);
    assert_eq!(answer["server"]["ip"], "192.0.2.7");
    let seen = hoster.requests_to(Verb::Get);
    assert!(seen[1].at >= hoster.purchases()[0].at, "{seen:?}");
    // Its id goes to the next one.
    ask(&hoster, &format!("DELETE /servers/{id}"), &Value::Null);
    assert_eq!(bought(&hoster, "b"), id);
}

#[test]
fn servers_have_addresses_of_their_own() {
    let hoster = Hoster::start(Mode { building_polls: 0, ..Mode::unique() });
    let addresses: BTreeSet<IpAddr> = (0..300)
        .map(|number| {
            let id = bought(&hoster, &number.to_string());
            let (_, answer) = ask(&hoster, &format!("GET /servers/{id}"), &Value::Null);
            answer["server"]["ip"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(addresses.len(), 300);
    assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
}

#[test]
fn lists_come_in_pages_and_can_be_late() {
    let hoster = Hoster::start(Mode::plain());
    for name in ["a", "b", "a"] {
        bought(&hoster, name);
    }
    assert_eq!(listed(&hoster, "?per_page=2"), (vec![1001, 1002], json!(2)));
    assert_eq!(listed(&hoster, "?per_page=2&page=2"), (vec![1003], Value::Null));
    assert_eq!(listed(&hoster, "?name=a"), (vec![1001, 1003], Value::Null));
    assert_eq!(listed(&hoster, "?name=%61&per_page=1"), (vec![1001], json!(2)));

    let late = Hoster::start(Mode { listed: Listed::AfterLists(2), ..Mode::plain() });
    let planted = late.plant("somebody");
    let id = bought(&late, "a");
    assert_eq!((late.planted().len(), late.purchases().len()), (1, 1));
    let counts: Vec<Vec<u64>> = (0..3).map(|_| listed(&late, "").0).collect();
    assert_eq!(counts, [vec![planted], vec![planted], vec![planted, id]]);

    let late = Hoster::start(Mode { listed: Listed::After(Duration::MAX), ..Mode::plain() });
    bought(&late, "a");
    assert!(listed(&late, "").0.is_empty());
    late.change(|mode| mode.listed = Listed::After(Duration::from_millis(50)));
    wait_until("it is listed", || listed(&late, "").0 == [1001]);
    assert!(late.purchases()[0].at.elapsed() >= Duration::from_millis(50));
}

#[test]
fn who_is_not_known_gets_nothing() {
    let hoster = Hoster::start(Mode::unique());
    for headers in [&[][..], &["Authorization: Bearer bogus"], &["X-Auth-Token: bogus"]] {
        let answer = ask_with(&hoster, "POST /servers", headers, &wish("a").to_string());
        assert_eq!((answer.0, &answer.1["error"]["code"]), (401, &json!("unauthorized")));
    }
    assert!(hoster.purchases().is_empty());
    assert_eq!(hoster.requests_to(Verb::Create).len(), 3);
}

#[test]
fn a_login_yields_tokens_that_can_expire_and_the_hoster_chooses_passwords() {
    let hoster = Hoster::start(Mode::login());
    let buy = |token: &str, name: &str| {
        let token = format!("X-Auth-Token: {token}");
        ask_with(&hoster, "POST /servers", &[&token], &wish(name).to_string())
    };
    let log_in = |password: &str| {
        let body = json!({ "user": USER, "password": password });
        ask_with(&hoster, "POST /login", &[], &body.to_string()).0
    };
    assert_eq!(log_in("bogus"), 401);
    let (first, second) = (format!("{SESSION}1"), format!("{SESSION}2"));
    assert_eq!(buy(&first, "a").0, 401);
    assert_eq!(log_in(LOGIN_PASSWORD), 201);
    let (status, answer) = buy(&first, "a");
    assert_eq!((status, &answer["server"]["root_password"]), (201, &json!("canaryPassword1001x1")));
    hoster.expire_tokens();
    assert_eq!(buy(&first, "b").0, 401);
    assert_eq!(log_in(LOGIN_PASSWORD), 201);
    assert_eq!(buy(&second, "b").0, 201);

    let token = format!("X-Auth-Token: {second}");
    let reset = "POST /servers/1001/reset_password";
    let (_, answer) = ask_with(&hoster, reset, &[&token], "");
    assert_eq!(answer["root_password"], json!(hoster.purchases()[0].password));
    assert!(answer["root_password"].as_str().unwrap().starts_with(CANARY), "{answer}");
}

#[test]
fn a_server_can_be_bought_in_three_steps() {
    let hoster = Hoster::start(Mode { building_polls: 0, ..Mode::plain() });
    let (status, answer) = ask(&hoster, "POST /orders", &wish("a"));
    assert_eq!((status, &answer["server"]["status"]), (201, &json!("stopped")));
    assert_eq!(look(&hoster, 1001), "stopped");
    let put = || ask_with(&hoster, "PUT /servers/1001/user_data", &[&bearer()], "#cloud-config\n");
    assert_eq!(put().0, 204);
    assert_eq!(ask(&hoster, "POST /servers/1001/start", &Value::Null).0, 202);
    assert_eq!(put().0, 409, "it is too late for that");
    assert_eq!(look(&hoster, 1001), "running");
    let (_, answer) = ask(&hoster, "GET /servers/1001/network", &Value::Null);
    assert_eq!(answer["network"], json!({ "public": ["127.0.0.1"], "private": ["10.0.0.1"] }));
    let purchase = hoster.purchases().remove(0);
    assert_eq!((purchase.user_data.as_deref(), purchase.stopped), (Some("#cloud-config\n"), false));
    assert_eq!(ask(&hoster, "POST /servers/1001/stop", &Value::Null).0, 202);
    assert_eq!(look(&hoster, 1001), "stopped");
}

#[test]
fn it_tells_what_it_sells() {
    let hoster = Hoster::start(Mode::plain());
    for (path, list) in [("/plans", "plans"), ("/images", "images"), ("/regions", "regions")] {
        let (_, answer) = ask(&hoster, &format!("GET {path}"), &Value::Null);
        assert!(answer[list][0]["name"].is_string(), "{answer}");
    }
    assert_eq!(ask(&hoster, "GET /balance", &Value::Null).1["balance"]["currency"], "EUR");
    assert_eq!(ask(&hoster, "GET /bogus", &Value::Null).0, 404);
}

#[test]
fn a_provider_is_connected_to_a_hoster() {
    for name in DEFINITIONS {
        let hoster = Hoster::start(Mode::of(name));
        let plugin = Plugin::with_hoster(&hoster, name);
        let config = read(&plugin.etc("demo.conf"));
        assert_eq!(config["base_url"], json!(hoster.url()));
        assert_eq!(config["configurations"][0]["parameters"]["plan"], "small");
        let file = config["definition"].as_str().unwrap();
        assert_eq!(read(&plugin.etc(file)), definition(name));
        for entry in std::fs::read_dir(plugin.etc("")).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(format!("{mode:o}"), "600", "{}", entry.path().display());
        }
        let token = std::fs::read_to_string(plugin.etc("hoster.token")).unwrap();
        assert_eq!(token, TOKEN);
    }
}

/// Collects what every request of a definition is about.
fn verbs(value: &Value, into: &mut BTreeSet<Verb>) {
    if let (Some(method), Some(path)) = (value["method"].as_str(), value["path"].as_str()) {
        into.insert(Verb::of(method, &path.replace("{{ server_id }}", "1001")));
    }
    let children = value.as_object().into_iter().flat_map(serde_json::Map::values);
    for child in children.chain(value.as_array().into_iter().flatten()) {
        verbs(child, into);
    }
}

#[test]
fn definitions_ask_for_what_there_is_and_between_them_for_all_of_it() {
    let mut all = BTreeSet::new();
    for name in DEFINITIONS {
        verbs(&definition(name), &mut all);
        assert!(!all.contains(&Verb::Unknown), "{name}");
    }
    assert_eq!(all.len(), 12, "{all:?}");
}
