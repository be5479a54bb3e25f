//! Receivers that lead somewhere else or say back what they were sent: nothing is reached that must
//! not be, and nothing given away.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::support::hooks::{attempts, milliseconds, sent_to};
use crate::support::hoster::TOKEN;
use crate::support::hoster::request::Seen;
use crate::support::hoster::response::Response;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};

#[test]
fn a_redirect_is_not_followed_where_the_kind_does_not_say_so() {
    let elsewhere = Receiver::start();
    for (kind, tries) in [("generic", 2), ("cloudstack", 3)] {
        for status in [301, 302, 303, 307, 308] {
            let reply = Reply::redirect(status, &elsewhere.url());
            let (receiver, delivery) = sent_to(kind, &[], &reply);
            assert_eq!(delivery["state"], "dead", "{kind} {status}: {delivery:#}");
            assert_eq!(attempts(&delivery)[0]["http_status"], status);
            assert_eq!(receiver.requests().len(), tries);
        }
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn solusvm2_follows_redirects_and_takes_nothing_secret_along_to_another_host() {
    let header = ["--header", &format!("X-Token: {TOKEN}")].map(str::to_owned);
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
    {
        let elsewhere = Receiver::start();
        let to = format!("{}?there=1", elsewhere.url());
        let more = [header[0].as_str(), &header[1], "--param", "password=x"];
        let (receiver, delivery) = sent_to("solusvm2", &more, &Reply::redirect(status, &to));
        assert_eq!(delivery["state"], "delivered", "{status}: {delivery:#}");
        let (first, second) = (receiver.only(), elsewhere.only());
        assert_eq!(first.headers["x-token"], TOKEN);
        assert!(first.path.contains("password=x"), "{}", first.path);
        assert_eq!((second.method.as_str(), second.path.as_str()), (method, "/hook?there=1"));
        assert_eq!(second.headers.get("x-token"), None, "{status}: {second:?}");
        assert_eq!(second.body.len(), 0);
    }
    // On the same host they stay.
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::start();
    receiver.next([Reply::redirect(307, "/other")]);
    plugin.hook("hook", "solusvm2", &receiver, &header.each_ref().map(String::as_str));
    plugin.order();
    let seen = receiver.wait_for(2);
    assert_eq!((seen[1].path.as_str(), seen[1].headers["x-token"].as_str()), ("/other", TOKEN));
    plugin.settled();
}

#[test]
fn the_sixth_redirect_in_a_row_is_one_too_many() {
    let (receiver, delivery) = sent_to("solusvm2", &["--tries", "1"], &Reply::redirect(302, "/on"));
    assert_eq!(delivery["state"], "dead", "{delivery:#}");
    assert_eq!(receiver.requests().len(), 6);
}

#[test]
fn what_must_not_be_reached_is_refused_at_once_and_not_reached_by_a_redirect() {
    let plugin = Plugin::with_servers(1);
    let refused = [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", "169.254.169.254"),
        ("http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe"),
        ("http://[fe80::1]/", "fe80::1"),
        ("http://100.100.100.200/", "100.100.100.200"),
    ];
    for (url, named) in refused {
        let words = ["webhooks", "create", "--name", "hook", "--kind", "generic", "--url", url];
        let answer = plugin.run(&words);
        assert!(answer.complains(2).contains(named), "{answer:?}");
    }
    for to in ["http://169.254.169.254/hook", "http://[::ffff:169.254.169.254]/"] {
        let (receiver, delivery) =
            sent_to("solusvm2", &["--tries", "1"], &Reply::redirect(307, to));
        assert_eq!((delivery["state"].as_str(), receiver.requests().len()), (Some("dead"), 1));
        let attempt = &attempts(&delivery)[0];
        let error = attempt["error"].as_str().unwrap();
        assert!(error.contains("169.254.169.254"), "{error}");
        assert!(milliseconds(attempt) < 450, "it was waited for: {attempt:#}");
    }
}

#[test]
fn networks_are_denied_and_exempted_by_the_configuration() {
    let networks = [
        (json!({ "deny": ["127.0.0.0/8", "::1/128"] }), "dead"),
        (json!({ "deny": ["127.0.0.0/8"], "allow": ["127.0.0.1/32"] }), "delivered"),
    ];
    for (networks, state) in networks {
        let (plugin, receiver) = (Plugin::with_servers(1), Receiver::start());
        // By a name: nothing is looked up before there is something to send.
        let url = receiver.url().replace("127.0.0.1", "localhost");
        plugin.write_config(&json!({
            "status": "enabled",
            "definition": "inventory",
            "configurations": [{ "id": "1", "descr": "one" }],
            "webhooks": networks,
        }));
        let words = ["webhooks", "create", "--name", "hook", "--kind", "generic", "--url", &url];
        plugin.run(&[&words[..], &["--tries", "1"]].concat()).prints();
        plugin.order();
        let delivery = plugin.are("hook", 1, state).remove(0);
        let error = attempts(&delivery)[0]["error"].as_str().unwrap_or_default();
        assert_eq!(error.contains("webhooks.deny"), state == "dead", "{error}");
        assert_eq!(receiver.requests().len(), usize::from(state == "delivered"));
        plugin.settled();
    }
}

/// The webhooks that are told of something with a secret in it.
const WITH_SECRET: [&str; 7] = ["h", "p", "a", "g", "t", "b", "u"];

/// Starts a receiver that says back all that it was sent, the headers once more as PHP writes JSON.
fn echo(status: u16) -> Receiver {
    Receiver::answering(move |seen| {
        let php = json!(seen.headers).to_string().replace('/', r"\/");
        let told = format!("{} {:?} {php} ", seen.path, seen.headers).into_bytes();
        let body = seen.body.clone();
        Reply::Answer(Response::empty(status).with_body(move |_| [told, body].concat()))
    })
}

/// What follows `Basic` in a header that a template makes of the secret.
fn login() -> String {
    BASE64_STANDARD.encode(format!("u:{TOKEN}"))
}

/// Gives a provider webhooks with a secret each: in a header, a parameter, a token, a variable, a
/// header that is made of a variable, and the URL.
fn add_hooks_with_secrets(plugin: &Plugin, receiver: &Receiver) {
    let header = plugin.private("header", &format!("Authorization: Bearer a/{TOKEN}\n"));
    let basic = r#"Authorization: Basic {{ ("u:" ~ variables.KEY) | base64 }}"#;
    let basic = plugin.private("basic", basic);
    let params = plugin.private("params", &json!({ "secret": TOKEN }).to_string());
    let variable = format!("KEY={}", plugin.private("variable", TOKEN));
    let token = plugin.private("token", TOKEN);
    let url = plugin.private("url", &format!("{}/{TOKEN}", receiver.url()));
    let common = ["--tries", "2", "--schedule", "0,0.05"];
    let hook = |name, kind, more: &[&str]| {
        plugin.hook(name, kind, receiver, &[&common[..], more].concat());
    };
    hook("h", "generic", &["--header-file", &header]);
    hook("p", "solusvm2", &["--params-file", &params]);
    let secrets = ["--token-file", &token, "--secret-variable", &variable];
    let azure = ["--organization", "o", "--project", "p", "--pipeline-id", "7"];
    hook("a", "azure-pipelines", &[&azure[..], &secrets].concat());
    hook("g", "gitlab-ci", &[&["--project-id", "7", "--ref", "main"][..], &secrets].concat());
    let form = ["--secret-variable", &variable, "--form", "key={{ variables.KEY }}"];
    hook("t", "template", &form);
    let made = ["--secret-variable", &variable, "--header-file", &basic, "--form", "key=1"];
    hook("b", "template", &made);
    let by_file = ["webhooks", "create", "--name", "u", "--kind", "generic", "--url-file", &url];
    plugin.run(&[&by_file[..], &common].concat()).prints();
}

#[test]
fn what_a_receiver_says_back_gives_no_secret_away() {
    let login = login();
    // The fixture searches all that is printed, and all of `state/`, for the token as it stands.
    for status in [200, 401, 500] {
        let (plugin, receiver) = (Plugin::with_servers(1), echo(status));
        add_hooks_with_secrets(&plugin, &receiver);
        plugin.sold();
        plugin.settled();
        let deliveries = plugin.deliveries();
        assert_eq!(deliveries.len(), WITH_SECRET.len());
        for delivery in deliveries {
            assert!(attempts(&delivery)[0]["response"].is_string(), "{delivery:#}");
            let id = delivery["id"].as_str().unwrap();
            assert!(!plugin.run(&["deliveries", "show", id]).prints().contains(&login), "{id}");
            plugin.run(&["deliveries", "show", id, "--json"]).prints();
        }
        for name in WITH_SECRET {
            plugin.run(&["webhooks", "show", name, "--json"]).prints();
            plugin.run(&["webhooks", "show", name]).prints();
            let tested = plugin.run(&["deliveries", "test", name]);
            assert!(!tested.stdout.contains(&login), "{tested:?}");
            let _ = plugin.run(&["deliveries", "test", name, "--dry-run"]);
        }
        for words in [["webhooks", "list"], ["deliveries", "list"]] {
            plugin.run(&words).prints();
        }
        for file in plugin.files() {
            let text = std::fs::read(plugin.state(&file)).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&text).contains(&login), "state/{file}");
        }
        let sent = receiver.requests();
        let secret = |seen: &&Seen| {
            let told = format!("{} {:?}", seen.path, seen.headers);
            told.contains(TOKEN)
                || told.contains(&login)
                || String::from_utf8_lossy(&seen.body).contains(TOKEN)
        };
        // That of Azure is in Base64 in a header, and in a variable as it stands.
        let with = sent.iter().filter(secret).count();
        assert!(with >= WITH_SECRET.len(), "the receiver does get them: {sent:?}");
    }
}

#[test]
fn a_secret_where_a_message_is_cut_is_not_half_told() {
    let plugin = Plugin::with_servers(1);
    // Of such a message the first 300 characters are kept.
    let message = json!({ "message": format!("{} {TOKEN}", "x".repeat(290)) });
    let receiver = Receiver::answering(move |_| Reply::Answer(Response::json(400, &message)));
    let token = plugin.private("token", TOKEN);
    let flags = ["--project-id", "7", "--ref", "main", "--token-file", &token];
    plugin.hook("g", "gitlab-ci", &receiver, &flags);
    let (id, _) = plugin.sold();
    plugin.settled();
    let delivery = plugin.are("g", 1, "dead").remove(0);
    let error = attempts(&delivery)[0]["error"].as_str().unwrap();
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    let story = plugin.run(&["orders", "show", &id]).prints().to_owned();
    let tested = plugin.run(&["deliveries", "test", "g"]).stdout;
    for told in [error, &log, &tested] {
        assert!(told.contains("xx HIDDEN"), "{told}");
    }
    let half = &TOKEN[..TOKEN.len() / 3];
    for told in [error, &log, &tested, &story] {
        assert!(!told.contains(half), "{told}");
    }
}
