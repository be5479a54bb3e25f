//! Every request of a definition is one that the vendor's own description allows: Prism stands
//! between the provider and a hoster, and refuses any other.

use serde_json::{Value, json};

use crate::support::droplets::{ADDRESS, Droplets};
use crate::support::linodes::{self, Linodes};
use crate::support::plugin::Plugin;
use crate::support::vendor::Vendor;
use crate::support::wait_until;

/// User-data of a configuration.
const OWN: &str = "#cloud-config\npackages: [mc]\n";

fn digitalocean() -> Option<Vendor<Droplets>> {
    Vendor::start("digitalocean", |description| Droplets::new(description.clone()))
}

fn linode() -> Option<Vendor<Linodes>> {
    Vendor::start("linode", |description| {
        linodes::mend(description);
        Linodes::default()
    })
}

/// Returns a right request with one thing changed, or left out where that is null.
fn with(right: &Value, name: &str, value: Value) -> Value {
    let mut body = right.clone();
    let members = body.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    body
}

#[test]
fn every_request_of_digitalocean_is_one_that_the_vendor_describes() {
    let Some(vendor) = digitalocean() else { return };
    let all = json!({
        "size": "s-2vcpu-4gb", "image": "63663980", "region": "fra1",
        "ssh_keys": [289_794, "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"],
        "vpc_uuid": "760e09ef-dc84-11e8-981e-3cfdfeaae000", "tags": ["web", "env:prod"],
        "backups": true, "backup_policy": { "plan": "weekly", "weekday": "MON", "hour": 20 },
        "ipv6": true, "monitoring": true, "volumes": ["506f78a4-e098-11e5-ad9f-000f53306ae1"],
        "with_droplet_agent": true, "public_networking": true,
    });
    vendor.assert_every_parameter(&all);
    a_droplet_is_bought_and_released(&vendor, &vendor.provider(&all, Some(OWN)));
    let plugin = vendor.provider(&vendor.definition()["example"]["parameters"], None);
    the_lost_reply_of_a_droplet_is_found(&vendor, &plugin);
    a_droplet_is_cancelled(&vendor, &plugin);
    let told = plugin.run(&["check"]).stdout;
    assert!(told.contains("DigitalOcean takes the credentials"), "{told}");
    assert!(told.contains("12.5 USD"), "{told}");
    let catalog = plugin.run(&["catalog", "--json"]).json();
    assert_eq!(catalog["configurations"].as_array().map(Vec::len), Some(2), "{catalog}");
    vendor.assert_allowed();
    vendor.assert_all_were_seen();
}

fn a_droplet_is_bought_and_released(vendor: &Vendor<Droplets>, plugin: &Plugin) {
    let id = plugin.order();
    vendor.wait_for(plugin, &id, ADDRESS);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 1, "{bought:?}");
    let wish = &bought[0].wish;
    assert_eq!(wish["name"], plugin.stored(&id)["hostname"]);
    let user_data = wish["user_data"].as_str().expect("a text");
    assert!(user_data.contains("filename=\"own\""), "{user_data}");
    let _ = plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(vendor.back.bought()[0].removed);
}

fn the_lost_reply_of_a_droplet_is_found(vendor: &Vendor<Droplets>, plugin: &Plugin) {
    vendor.lose_a_reply();
    let id = plugin.order();
    vendor.wait_for(plugin, &id, ADDRESS);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 2, "{bought:?}");
    let stored = plugin.stored(&id);
    assert_eq!(stored["server_id"], bought[1].id.to_string());
    let user_data = bought[1].wish["user_data"].as_str().expect("a text");
    assert!(user_data.contains(stored["password"].as_str().expect("a password")), "{user_data}");
}

fn a_droplet_is_cancelled(vendor: &Vendor<Droplets>, plugin: &Plugin) {
    let id = plugin.order();
    wait_until("the Droplet is bought", || vendor.back.bought().len() == 3);
    let said = plugin.run(&["orders", "cancel", &id]).prints().to_owned();
    assert!(said.contains("cancelled"), "{said}");
    assert!(vendor.back.bought()[2].removed);
}

#[test]
fn every_request_of_linode_is_one_that_the_vendor_describes() {
    let Some(vendor) = linode() else { return };
    let all = json!({
        "type": "g6-standard-2", "region": "us-east", "image": "linode/debian11",
        "authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample one"],
        "authorized_users": ["myUser"], "tags": ["web"], "private_ip": true,
        "backups_enabled": true, "firewall_id": 17,
        "interfaces": [{ "purpose": "public", "primary": true }],
        "interface_generation": "legacy_config", "network_helper": true,
        "disk_encryption": "enabled", "placement_group": { "id": 5, "compliant_only": true },
        "maintenance_policy": "linode/migrate", "swap_size": 256, "kernel": "linode/grub2",
        "stackscript_id": 10079, "stackscript_data": { "gh_username": "linode" },
    });
    vendor.assert_every_parameter(&all);
    a_linode_is_bought_and_released(&vendor, &vendor.provider(&all, Some(OWN)));
    let plugin = vendor.provider(&vendor.definition()["example"]["parameters"], None);
    a_lost_linode_is_found_by_its_label(&vendor, &plugin);
    let hasty = vendor.hasty_provider(&vendor.definition()["example"]["parameters"]);
    a_linode_of_a_taken_label_is_not_bought_twice(&vendor, &hasty);
    let told = plugin.run(&["check"]).stdout;
    assert!(told.contains("Linode (Akamai) takes the credentials"), "{told}");
    assert!(told.contains("37.75 USD"), "{told}");
    let catalog = plugin.run(&["catalog", "--json"]).json();
    assert_eq!(catalog["configurations"].as_array().map(Vec::len), Some(2), "{catalog}");
    vendor.assert_allowed();
    vendor.assert_all_were_seen();
}

fn a_linode_is_bought_and_released(vendor: &Vendor<Linodes>, plugin: &Plugin) {
    let id = plugin.order();
    vendor.wait_for(plugin, &id, linodes::ADDRESS);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 1, "{bought:?}");
    let (wish, stored) = (&bought[0].wish, plugin.stored(&id));
    assert_eq!(wish["label"], stored["hostname"]);
    assert_eq!(wish["root_pass"], stored["password"]);
    assert_eq!(stored["addresses"], json!([linodes::ADDRESS, linodes::PRIVATE]), "{stored}");
    let user_data = wish["metadata"]["user_data"].as_str().expect("a text");
    assert!(user_data.len() > 100, "{user_data}");
    let _ = plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(vendor.back.bought()[0].removed);
}

fn a_lost_linode_is_found_by_its_label(vendor: &Vendor<Linodes>, plugin: &Plugin) {
    vendor.lose_a_reply();
    let id = plugin.order();
    vendor.wait_for(plugin, &id, linodes::ADDRESS);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 2, "{bought:?}");
    let stored = plugin.stored(&id);
    assert_eq!(stored["server_id"], bought[1].id.to_string());
    let seen = vendor.requests();
    let filter = json!({ "label": stored["hostname"] }).to_string();
    let filtered = |name: &str, value: &str| name == "x-filter" && value == filter;
    let met = seen.iter().any(|(seen, _)| seen.headers.iter().any(|(n, v)| filtered(n, v)));
    assert!(met, "nobody has asked for {filter}");
}

/// The hoster has made the server and does not show it: what was sent again is refused.
fn a_linode_of_a_taken_label_is_not_bought_twice(vendor: &Vendor<Linodes>, plugin: &Plugin) {
    vendor.back.hide_the_next();
    vendor.lose_a_reply();
    let id = plugin.order();
    vendor.wait_for(plugin, &id, linodes::ADDRESS);
    let bought = vendor.back.bought();
    assert_eq!(bought.len(), 3, "{bought:?}");
    assert_eq!(plugin.stored(&id)["server_id"], bought[2].id.to_string());
    assert_eq!(vendor.back.refused(), 1, "it was sent once more, and refused");
    let said = plugin.run(&["orders", "release", &id, "--yes"]).prints().to_owned();
    assert!(said.contains("released"), "{said}");
    assert!(vendor.back.bought()[2].removed);
}

#[test]
fn a_request_that_the_vendor_does_not_describe_is_refused() {
    let Some(vendor) = digitalocean() else { return };
    let right = json!({ "name": "a", "size": "s-2vcpu-4gb", "image": "almalinux-9-x64" });
    let post = "POST /v2/droplets";
    vendor.assert_refused(&[
        (post, with(&right, "size", Value::Null), "must have required property 'size'"),
        (post, with(&right, "backups", json!("yes")), "backups must be boolean"),
        (post, with(&right, "user_data", json!(5)), "user_data must be string"),
        ("GET /v2/droplets?per_page=500", Value::Null, "per_page must be <= 200"),
        ("GET /v2/droplets/one", Value::Null, "droplet_id must be integer"),
        ("GET /v2/servers", Value::Null, "hasn't been found"),
    ]);
    let judged = vendor.ask(post, &right);
    assert_eq!(judged.status, 202, "{judged:?}");
    assert_eq!(vendor.back.bought().len(), 1, "what is refused comes to nobody");
}

#[test]
fn a_request_that_linode_does_not_describe_is_refused() {
    let Some(vendor) = linode() else { return };
    let right = json!({ "label": "webdir-17-b302099a8057", "type": "g6-standard-2",
        "region": "us-east", "image": "linode/debian11", "root_pass": "SamplePassword1234567890" });
    let post = "POST /linode/instances";
    vendor.assert_refused(&[
        (post, with(&right, "region", Value::Null), "must have required property 'region'"),
        (post, with(&right, "root_pass", json!("short")), "root_pass must NOT have fewer than 7"),
        (post, with(&right, "label", json!("a--b")), "label must match pattern"),
        (post, with(&right, "label", json!("17")), "label must NOT have fewer than 3"),
        (post, with(&right, "private_ip", json!("yes")), "private_ip must be boolean"),
        ("GET /linode/instances?page_size=5", Value::Null, "page_size must be >= 25"),
        ("GET /linode/instances/one", Value::Null, "linodeid must be integer"),
        ("GET /linode/servers", Value::Null, "hasn't been found"),
    ]);
    let judged = vendor.ask(post, &right);
    assert_eq!(judged.status, 200, "{judged:?}");
    assert_eq!(vendor.back.bought().len(), 1, "what is refused comes to nobody");
}
