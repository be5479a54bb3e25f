//! Amazon EC2 as moto plays it, with signatures looked at; boto3 says what is there.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::moto::Moto;
use crate::support::plugin::Plugin;
use crate::support::wait_until;

fn key_of(plugin: &Plugin, id: &str) -> String {
    plugin.stored(id)["key"].as_str().expect("a key").to_owned()
}

#[test]
fn an_order_ends_with_an_instance_that_boto3_sees_too_and_its_release_terminates_it() {
    let Some(moto) = Moto::start() else { return };
    let plugin = moto.provider(&moto.url());
    let id = plugin.order();
    let server = plugin.finished(&id);
    let order = plugin.stored(&id);
    let key = key_of(&plugin, &id);
    let found = moto.instances(&key);
    assert_eq!(found.len(), 1, "{found:?}");
    let instance = &found[0];
    assert_eq!(instance["address"], server, "{instance}");
    assert_eq!(instance["id"], order["server_id"], "{instance}");
    let told = [&instance["state"], &instance["type"], &instance["image"]];
    assert_eq!(told, ["running", "t3.small", moto.image()]);
    let hostname = order["hostname"].as_str().expect("a host name");
    let tags = json!({ "Name": hostname, "webdir-order": key, "team": "web&mail" });
    assert_eq!(instance["tags"], tags);
    let user_data = instance["user_data"].as_str().expect("user-data");
    assert!(user_data.starts_with("#cloud-config\n"), "{user_data}");
    let password = plugin.status(&id)["server_password"].clone();
    assert!(user_data.contains(password.as_str().expect("a password")), "{user_data}");
    let volumes = instance["volumes"].as_array().expect("a list");
    assert!(!volumes.is_empty() && volumes.iter().all(|deleted| deleted == true), "{volumes:?}");

    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    wait_until("it is released", || {
        plugin.run(&["orders", "show", &id, "--json"]).json()["state"] == "released"
    });
    assert_eq!(moto.instances(&key)[0]["state"], "terminated");
}

#[test]
fn check_and_catalog_ask_moto_and_tell_no_secret() {
    let Some(moto) = Moto::start() else { return };
    let plugin = moto.provider(&moto.url());
    let check = plugin.run(&["check"]).stdout;
    assert!(check.contains("takes the credentials"), "{check}");
    let catalog = plugin.run(&["catalog", "--json"]).json();
    let text = catalog.to_string();
    for value in ["t3.small", moto.image(), "us-east-1a", "eu-central-1", "subnet-", "sg-"] {
        assert!(text.contains(value), "no {value}: {catalog:#}");
    }
    let preview = plugin.run(&["orders", "preview", "1"]).prints().to_owned();
    for said in [check, text, preview] {
        assert!(!said.contains(moto.secret()), "{said}");
    }
}

#[test]
fn a_wrong_secret_is_refused_by_moto_in_words_and_buys_nothing() {
    let Some(moto) = Moto::start() else { return };
    let plugin = moto.provider(&moto.url());
    plugin.write_private("aws.secret", "wrong-one");
    let id = plugin.order();
    let reason = plugin.failed(&id);
    assert!(reason.contains("AuthFailure") && reason.contains("credentials"), "{reason}");
    let check = plugin.run(&["check"]).stdout;
    assert!(check.contains("AuthFailure"), "{check}");
    assert_eq!(moto.instances(&key_of(&plugin, &id)), Vec::<Value>::new());
}

#[test]
fn lost_replies_buy_one_instance_where_the_client_token_is_ignored() {
    let Some(moto) = Moto::start() else { return };
    // How many requests of a kind came, and how many replies of it are lost from the first on.
    let seen = Arc::new(Mutex::new([("RunInstances", 0, 1), ("DescribeInstances", 0, 2)]));
    let counted = Arc::clone(&seen);
    let front = moto.behind(move |request| {
        let parameters = request.parameters();
        let action = parameters.iter().find(|(name, _)| name == "Action");
        let mut kinds = counted.lock().expect("nobody panicked");
        let kind = kinds.iter_mut().find(|kind| action.is_some_and(|(_, is)| is == kind.0));
        kind.is_some_and(|(_, came, lost)| {
            *came += 1;
            *came <= *lost
        })
    });
    let plugin = moto.provider(&front.url());
    let id = plugin.order();
    let server = plugin.finished(&id);
    let found = moto.instances(&key_of(&plugin, &id));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["address"], server);
    assert_eq!(seen.lock().expect("nobody panicked")[0], ("RunInstances", 1, 1));
}
