//! Hosters that want requests signed, or a token that is asked for in several steps.

use serde_json::{Value, json};

use crate::support::hoster::fault::{Fault, Reply, Verb};
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::hoster::{Hoster, LOGIN_PASSWORD};
use crate::support::plugin::Plugin;
use crate::support::wait_until;

/// Definitions that sign each request.
const SIGNED: [&str; 2] = ["fake-cloudstack", "fake-sigv4"];

/// Definitions that ask for a token first.
const LOGGED_IN: [&str; 2] = ["fake-jwt", "fake-chain"];

/// What has to be encoded, in more than one way.
const AWKWARD: &str = "a b  c+d*e~f&g=h?i#j/k%25[0] ÄÖ Привет 漢字 😀 'q' \"r\" <s> (t)! UPPER";

/// Installs a provider that sells configuration `1`, called so.
fn provider(hoster: &Hoster, definition: &str, descr: &str) -> Plugin {
    let plugin = Plugin::with_hoster(hoster, definition);
    plugin.edit_etc("demo.conf", |config| config["configurations"][0]["descr"] = descr.into());
    plugin
}

#[test]
fn a_server_is_bought_and_removed_whatever_is_signed() {
    for definition in SIGNED {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = provider(&hoster, definition, AWKWARD);
        let told = plugin.run(&["check"]).stdout;
        assert!(told.contains("takes the credentials") && told.contains("12.5 EUR"), "{told}");
        let id = plugin.order();
        plugin.finished(&id);
        let create = &hoster.requests_to(Verb::Create)[0];
        let arrived = create.json();
        let text = arrived["details[0].note"].as_str().or(arrived["Tag.1.Value"].as_str());
        assert_eq!(text, Some(AWKWARD), "{definition}");
        plugin.run(&["orders", "release", &id, "--yes"]).prints();
        assert_eq!((hoster.purchases().len(), hoster.alive().len()), (1, 0), "{definition}");
        let offer = plugin.run(&["catalog", "--json"]).json();
        assert_eq!(offer["configurations"].as_array().map(Vec::len), Some(2), "{offer}");
    }
}

#[test]
fn a_wrong_key_is_refused_with_the_hosters_reason_and_buys_nothing() {
    for definition in SIGNED.into_iter().chain(LOGGED_IN) {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let wrong = match definition {
            "fake-chain" => ("hoster.password", "wrong-one"),
            "fake-jwt" => ("hoster.pem", include_str!("../samples/keys/other.pem")),
            _ => ("hoster.token", "wrong-one"),
        };
        plugin.write_private(wrong.0, wrong.1);
        let reason = plugin.failed(&plugin.order());
        assert!(reason.contains("unable to authenticate"), "{definition}: {reason}");
        let told = plugin.run(&["check"]).stdout;
        assert!(told.contains("refused: unable to authenticate"), "{definition}: {told}");
        assert_eq!(hoster.purchases().len(), 0);
    }
}

#[test]
fn a_lost_server_is_found_on_the_last_page_of_a_signed_list() {
    for definition in SIGNED {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        for number in 0..4 {
            hoster.plant(&format!("other-{number}"));
        }
        hoster.fault(Verb::Create, Fault::Done(Reply::Html(502)), 1);
        let id = plugin.order();
        plugin.finished(&id);
        let purchases = hoster.purchases();
        assert_eq!(purchases.len(), 1, "{definition}: {purchases:?}");
        assert_eq!(plugin.stored(&id)["server_id"], purchases[0].id.to_string());
    }
}

#[test]
fn a_page_in_the_place_of_a_list_in_xml_is_not_an_empty_list() {
    let hoster = Hoster::start(Mode::of("fake-sigv4"));
    let plugin = Plugin::with_hoster(&hoster, "fake-sigv4");
    hoster.fault(Verb::Create, Fault::Done(Reply::Html(502)), 1);
    hoster.fault(Verb::List, Fault::Undone(Reply::Html(200)), 5);
    plugin.finished(&plugin.order());
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn a_token_serves_all_orders_and_is_renewed_once_where_it_is_refused() {
    for definition in LOGGED_IN {
        let hoster = Hoster::start(Mode { building_polls: usize::MAX, ..Mode::of(definition) });
        let plugin = Plugin::with_hoster(&hoster, definition);
        let logins = || {
            let all = hoster.requests_to(Verb::Login);
            all.iter().filter(|seen| seen.method == "POST").count()
        };
        let first = plugin.order();
        wait_until("it is bought", || hoster.purchases().len() == 1);
        assert_eq!(logins(), 1, "{definition}");
        hoster.expire_tokens();
        let second = plugin.order();
        wait_until("both are bought", || hoster.purchases().len() == 2);
        assert_eq!(logins(), 2, "{definition}");
        hoster.change(|mode| mode.building_polls = 0);
        plugin.finished(&first);
        plugin.finished(&second);
        let purchases = hoster.purchases();
        assert!(purchases.iter().all(|purchase| purchase.creates <= 2), "{purchases:?}");
        assert_eq!(purchases.len(), 2, "{definition}");
    }
}

#[test]
fn a_token_is_renewed_before_its_end() {
    for definition in LOGGED_IN {
        let mode = Mode { building_polls: usize::MAX, tokens_last: 2, ..Mode::of(definition) };
        let hoster = Hoster::start(mode);
        let plugin = Plugin::with_hoster(&hoster, definition);
        let id = plugin.order();
        let logins =
            || hoster.requests_to(Verb::Login).iter().filter(|seen| seen.method == "POST").count();
        wait_until("there were three logins", || logins() >= 3);
        hoster.change(|mode| mode.building_polls = 0);
        plugin.finished(&id);
        let all = hoster.requests();
        let first = all.first().expect("a login").at;
        let last = all.last().expect("a look").at;
        let seconds = last.duration_since(first).as_secs_f64();
        assert!(
            f64::from(u32::try_from(logins()).expect("few")) <= seconds / 1.5 + 2.0,
            "{seconds}"
        );
        assert_eq!(hoster.purchases().len(), 1);
    }
}

#[test]
fn requests_go_where_the_login_says_for_the_region() {
    let hoster = Hoster::start(Mode::of("fake-chain"));
    let plugin = Plugin::with_hoster(&hoster, "fake-chain");
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 1 });
        config["configurations"][0]["parameters"]["region"] = "south".into();
    });
    // There is no such host.
    plugin.failed(&plugin.order());
    assert_eq!(hoster.purchases().len(), 0);
    let parameters = |config: &mut Value| {
        config["limits"] = json!({ "order_timeout_seconds": 60 });
        config["configurations"][0]["parameters"]["region"] = "north".into();
    };
    plugin.edit_etc("demo.conf", parameters);
    plugin.finished(&plugin.order());
    assert_eq!(hoster.purchases().len(), 1);
}

#[test]
fn an_address_with_expressions_goes_where_the_parameters_say() {
    let hoster = Hoster::start(Mode::of("fake-sigv4"));
    let plugin = Plugin::with_hoster(&hoster, "fake-sigv4");
    let url = format!(
        "{{{{ 'http://127.0.0.1:' ~ {} if parameters.region == 'north' }}}}",
        hoster.port()
    );
    plugin.edit_etc("demo.conf", |config| config["base_url"] = url.into());
    plugin.finished(&plugin.order());
}

#[test]
fn a_private_key_that_is_none_is_told_before_anything_is_ordered() {
    let hoster = Hoster::start(Mode::of("fake-jwt"));
    let plugin = Plugin::with_hoster(&hoster, "fake-jwt");
    plugin.write_private("hoster.pem", LOGIN_PASSWORD);
    let message = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
    assert!(message.contains("credentials.private_key"), "{message}");
    assert!(message.contains("no private key in PEM"), "{message}");
    assert_eq!(hoster.requests().len(), 0);
}

#[test]
fn a_preview_shows_signed_requests_without_a_secret_and_asks_nobody() {
    for definition in SIGNED.into_iter().chain(LOGGED_IN) {
        let hoster = Hoster::start(Mode::of(definition));
        let plugin = Plugin::with_hoster(&hoster, definition);
        let told = plugin.run(&["orders", "preview", "1"]).prints().to_owned();
        let sign = match definition {
            "fake-cloudstack" => "signature",
            "fake-sigv4" => "AWS4-HMAC-SHA256 Credential=HIDDEN/",
            "fake-jwt" => "assertion=ASSERTION",
            _ => "https://KNOWN-AFTER-LOGIN/servers",
        };
        assert!(told.contains(sign), "{definition}: {told}");
        assert_eq!(hoster.requests().len(), 0);
    }
}

#[test]
fn check_finds_what_an_auth_lacks() {
    let hoster = Hoster::start(Mode::of("fake-cloudstack"));
    let cases = [
        ("fake-cloudstack", "/auth/secret_key", json!("literal"), "reads no credential"),
        ("fake-cloudstack", "/auth/api_key", json!("{{ credentials.key }}"), "credentials.key"),
        ("fake-chain", "/auth/base_url", json!("{{ session.nova }}"), "session.nova"),
        ("fake-chain", "/auth/steps/0/request/path", json!("/{{ order.key }}"), "for all of them"),
        ("fake-chain", "/poll/state", json!("{{ session.token }}"), "session.token"),
        ("fake-chain", "/auth/steps/0/request/json/user", json!("{{ assertion }}"), "assertion"),
        ("fake-sigv4", "/auth/region", json!("{{ parameters.zone }}"), "parameters.zone"),
    ];
    for (definition, place, value, told) in cases {
        let plugin = Plugin::with_hoster(&hoster, definition);
        plugin.write_private("demo.conf", &config(&hoster, definition).to_string());
        plugin.edit_etc(&format!("{definition}.json"), |definition| {
            *definition.pointer_mut(place).expect("it is there") = value;
        });
        let report = plugin.run(&["check", "--json"]).stdout;
        let report: Value = serde_json::from_str(&report).expect("a document");
        let mut findings = report["findings"].as_array().expect("a list").iter();
        let found = findings.any(|finding| {
            let text = finding["message"].as_str().unwrap_or_default();
            text.contains(place) && text.contains(told)
        });
        assert!(found, "{place}: {report:#}");
    }
}
