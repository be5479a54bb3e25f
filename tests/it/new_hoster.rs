//! A hoster that the program does not know is added by a file of JSON, and by nothing else.

use serde_json::{Value, json};

use crate::support::hoster::fault::{Fault, Reply, RetryAfter, Verb};
use crate::support::hoster::mode::{Auth, Mode, Outcome};
use crate::support::hoster::provider::{config, definition};
use crate::support::hoster::request::Seen;
use crate::support::hoster::{Hoster, LOGIN_PASSWORD, USER};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// The file's name, as `etc/demo.conf` has it.
const FILE: &str = "./newcomer.json";

/// Returns a hoster that wants a login and sells in three steps.
fn newcomer() -> Mode {
    Mode { auth: Auth::Login, ..Mode::plain() }
}

/// Returns its definition: a token that a reply's header has, and three requests to a server.
fn by_login_in_three_steps() -> Value {
    let mut new = definition("fake-three-steps");
    let login = definition("fake-login");
    new["title"] = "Newcomer".into();
    new["credentials"] = login["credentials"].clone();
    new["auth"] = login["auth"].clone();
    new["errors"]["when"] = "{{ reply.error is defined }}".into();
    let recordings = new["recordings"].as_array_mut().expect("a list");
    recordings.insert(0, login["recordings"][0].clone());
    assert_eq!(recordings[0]["of"], "login");
    recordings.push(json!({
        "name": "an error inside a 200", "of": "create",
        "replies": [{ "json": { "error": { "code": "refused", "message": "no money" } } }],
        "expect": { "outcome": "rejected", "reason": "no money" },
    }));
    new
}

/// Installs a provider, and adds nothing to it but what an administrator writes.
fn provider(hoster: &Hoster, definition: &Value) -> Plugin {
    let plugin = Plugin::installed();
    plugin.write_private("newcomer.json", &definition.to_string());
    plugin.write_private("hoster.password", LOGIN_PASSWORD);
    let mut written = config(hoster, "fake-three-steps");
    written["definition"] = FILE.into();
    written["credentials"] = json!({ "user": USER, "password": { "file": "hoster.password" } });
    plugin.write_private("demo.conf", &written.to_string());
    plugin
}

#[test]
fn a_file_is_all_that_it_takes_to_sell_what_a_hoster_has() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let told = plugin.run(&["check"]).stdout;
    assert!(told.contains("Newcomer takes the credentials"), "{told}");
    assert!(!told.contains("/create") && told.contains("12.5 EUR"), "{told}");
    let id = plugin.order();
    assert_eq!(plugin.finished(&id), "127.0.0.1");
    plugin.filed(&id);
    let creation: Vec<Verb> = hoster.requests().iter().map(Seen::verb).collect();
    let bought = creation.iter().position(|verb| *verb == Verb::Create).expect("it was bought");
    assert_eq!(
        creation[bought - 1..bought + 3],
        [Verb::Login, Verb::Create, Verb::Configure, Verb::Start]
    );
    let password = plugin.status(&id)["server_password"].as_str().expect("a password").to_owned();
    let user_data = hoster.purchases()[0].user_data.clone().expect("it was configured");
    assert!(user_data.contains(&password), "{user_data}");
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0));
}

#[test]
fn an_order_of_a_new_hoster_is_called_off_and_its_server_removed() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..newcomer() });
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let id = plugin.order();
    wait_until("the server is started", || hoster.requests_to(Verb::Start).len() == 1);
    let said = plugin.run(&["orders", "cancel", &id]).prints().to_owned();
    assert!(said.contains("is cancelled"), "{said}");
    assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0));
}

#[test]
fn a_token_that_expires_is_renewed_once_and_buys_once() {
    let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..newcomer() });
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let first = plugin.order();
    wait_until("the server is started", || hoster.requests_to(Verb::Start).len() == 1);
    assert_eq!(hoster.requests_to(Verb::Login).len(), 1);
    // Nobody asks with the old token between these two.
    hoster.expire_tokens();
    let second = plugin.order();
    wait_until("both are started", || hoster.requests_to(Verb::Start).len() == 2);
    assert_eq!(hoster.requests_to(Verb::Login).len(), 2, "a token serves all orders");
    hoster.change(|mode| mode.building_polls = 0);
    plugin.finished(&first);
    plugin.finished(&second);
    let purchases = hoster.purchases();
    assert_eq!(purchases.len(), 2, "{purchases:?}");
    assert!(purchases.iter().all(|purchase| purchase.creates == 1), "{purchases:?}");
}

#[test]
fn a_token_that_expires_before_the_request_that_buys_is_renewed_for_it() {
    let mut steps = by_login_in_three_steps();
    // A step that only looks comes first, so that a token is there by then.
    let look = json!({ "name": "look", "wait_until": "{{ reply.plans | length > 0 }}",
        "request": { "method": "GET", "path": "/plans" } });
    steps["create"].as_array_mut().expect("a list").insert(0, look);
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &steps);
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(401)), 1);
    plugin.finished(&plugin.order());
    let (logins, creates) = (hoster.requests_to(Verb::Login), hoster.requests_to(Verb::Create));
    assert_eq!((logins.len(), creates.len(), hoster.purchases().len()), (2, 2, 1));
    let token = |seen: usize| creates[seen].headers["x-auth-token"].clone();
    assert_ne!(token(0), token(1));
}

#[test]
fn a_login_that_is_refused_fails_the_order_with_the_hosters_reason() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    plugin.write_private("hoster.password", "wrong-one");
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("unable to authenticate"), "{reason}");
    assert_eq!(hoster.purchases().len(), 0);
}

#[test]
fn a_lost_server_is_found_on_the_last_page() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    for number in 0..4 {
        hoster.plant(&format!("other-{number}"));
    }
    hoster.fault(Verb::Create, Fault::Done(Reply::BrokenJson), 1);
    let id = plugin.order();
    plugin.finished(&id);
    let pages: Vec<String> =
        hoster.requests_to(Verb::List).iter().filter_map(|seen| seen.query("page")).collect();
    assert_eq!(pages, ["1", "2", "3"]);
    let purchases = hoster.purchases();
    assert_eq!(purchases.len(), 1, "{purchases:?}");
    assert_eq!(plugin.stored(&id)["server_id"], purchases[0].id.to_string());
    assert!(!purchases[0].stopped, "the other steps were taken");
}

#[test]
fn a_server_that_its_hoster_does_not_know_yet_is_waited_for_but_not_for_long() {
    let mut patient = by_login_in_three_steps();
    patient["poll"]["grace_seconds"] = 60.into();
    let hoster = Hoster::start(Mode { absent_polls: 3, ..newcomer() });
    let plugin = provider(&hoster, &patient);
    plugin.finished(&plugin.order());
    assert!(hoster.requests_to(Verb::Get).len() > 3);

    let hoster = Hoster::start(Mode { absent_polls: usize::MAX, ..newcomer() });
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("the hoster knows it no more"), "{reason}");
    assert!(reason.contains(&format!("server {}", hoster.purchases()[0].id)), "{reason}");
}

#[test]
fn a_status_that_no_file_lists_means_that_the_server_is_being_built() {
    let mut silent = by_login_in_three_steps();
    silent["poll"]["states"] = json!({ "running": "ready" });
    let hoster = Hoster::start(Mode { building_polls: 3, ..newcomer() });
    let plugin = provider(&hoster, &silent);
    plugin.finished(&plugin.order());
    assert!(hoster.requests_to(Verb::Get).len() > 3);
}

#[test]
fn a_server_that_fails_says_why() {
    let hoster = Hoster::start(Mode { outcome: Outcome::Fails, ..newcomer() });
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("the image is broken"), "{reason}");
}

#[test]
fn a_hoster_that_names_a_time_is_left_alone_until_then() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    hoster.fault(Verb::Create, Fault::Undone(Reply::Busy(429, RetryAfter::Date(3))), 1);
    plugin.finished(&plugin.order());
    let all = hoster.requests();
    let refused = all.iter().position(|seen| seen.verb() == Verb::Create).expect("a create");
    // The date is in whole seconds, so it may be one less.
    let pause = all[refused + 1].at.duration_since(all[refused].at);
    assert!((1.9..10.0).contains(&pause.as_secs_f64()), "{pause:?}");
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn an_error_inside_a_success_fails_the_order_with_its_reason() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    hoster.fault(Verb::Create, Fault::Undone(Reply::Status(200)), 1);
    let reason = plugin.failed(&plugin.order());
    assert_eq!(reason, "the account is blocked");
    assert_eq!(hoster.purchases().len(), 0);
}

#[test]
fn the_catalogue_of_a_new_hoster_is_a_list_of_configurations() {
    let hoster = Hoster::start(newcomer());
    let plugin = provider(&hoster, &by_login_in_three_steps());
    let offer = plugin.run(&["catalog", "--json", "--set", "image=alma-9"]).json();
    let sold = offer["configurations"].as_array().expect("a list");
    let plans: Vec<&Value> = sold.iter().map(|one| &one["parameters"]["plan"]).collect();
    assert_eq!(plans, [&json!("small"), &json!("large")], "what is not available is not sold");
    assert_eq!(sold[0]["parameters"]["image"], "alma-9");
    let told = plugin.run(&["catalog"]).prints().to_owned();
    for word in ["small: 1 vCPU, 2 GB", "4.15", "EUR", "AlmaLinux 9", "South"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn a_file_that_cannot_be_right_is_refused_with_the_place_of_its_fault() {
    let hoster = Hoster::start(newcomer());
    let buys = |step: usize| (format!("/create/{step}/buys"), json!(true));
    let cases = [
        (("/pol".to_owned(), json!({})), "pol"),
        (("/create/1/request/methd".to_owned(), json!("GET")), "create[1].request"),
        (("/create/1/request/method".to_owned(), json!("FETCH")), "create[1].request.method"),
        (("/password".to_owned(), json!("by_mail")), "password"),
        (("/poll/states/running".to_owned(), json!("done")), "poll.states.running"),
        (buys(1), "create: 2 steps have `buys`"),
        (("/create/0/buys".to_owned(), json!(false)), "create: 0 steps have `buys`"),
    ];
    for ((place, value), told) in cases {
        let plugin = provider(&hoster, &with_fault(&place, value));
        for words in [&["configs"][..], &["order", "1"]] {
            let message = plugin.run(words).fails("definition_invalid", 4);
            assert!(message.contains(FILE) && message.contains(told), "{place}: {message}");
        }
        let found = plugin.run(&["check"]);
        assert_eq!(found.status, Some(1), "{found:?}");
        assert!(found.stdout.contains(FILE) && found.stdout.contains(told), "{found:?}");
    }
    assert_eq!(hoster.requests().len(), 0);
}

#[test]
fn check_finds_what_else_is_wrong_with_a_file_and_where() {
    let hoster = Hoster::start(newcomer());
    let path = "/create/2/request/path";
    let cases = [
        (path, json!("/servers/{{ servr_id }}/start"), "nothing is called `servr_id`"),
        (path, json!("/servers/{{ order.name }}/start"), "nothing is called `order.name`"),
        (path, json!("/servers/{{ saved.id }}/start"), "nothing is called `saved.id`"),
        (path, json!("/servers/{{ parameters.colour }}"), "nothing is called `parameters.colour`"),
        (path, json!("/servers/{{ server_id | upcase }}/start"), "upcase"),
        (path, json!("/servers/{{ server_id + }}/start"), path),
        ("/create/2/reason", json!("{{ reply.why }}"), "no recording comes to this expression"),
        ("/parameters/colour", json!({ "description": "The case." }), "no expression reads it"),
        ("/catalog/plan", json!("size"), "`size` has no choices"),
        ("/recordings/0/expect/saved.token", json!("other"), "/recordings/0"),
        ("/cancel", json!([]), "nothing removes a server"),
    ];
    for (place, value, told) in cases {
        let plugin = provider(&hoster, &with_fault(place, value));
        let report = plugin.run(&["check", "--json"]).stdout;
        let report: Value = serde_json::from_str(&report).expect("a document");
        let mut findings = report["findings"].as_array().expect("a list").iter();
        let message = |finding: &Value| finding["message"].as_str().unwrap_or_default().to_owned();
        let found = findings.any(|finding| {
            let text = message(finding);
            let place = place.strip_suffix("/saved.token").unwrap_or(place);
            finding["subject"] == "definition"
                && finding["level"] != "ok"
                && text.contains(told)
                && text.contains(place.strip_suffix("/expect").unwrap_or(place))
        });
        assert!(found, "{place}: {report:#}");
    }
}

/// Returns the definition with something else in one place.
#[track_caller]
fn with_fault(place: &str, value: Value) -> Value {
    let mut faulty = by_login_in_three_steps();
    let (parent, name) = place.rsplit_once('/').expect("a place");
    faulty.pointer_mut(parent).expect("it is there")[name] = value;
    faulty
}
