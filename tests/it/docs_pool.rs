//! The page on joining the pool: its program sees when the web environment is on a server.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::blocks::blocks;
use crate::support::page::at_root;
use crate::support::place::Place;

/// Writes the page's program onto the panel's machine; returns what calls it.
fn program(place: &Place) -> serde_json::Value {
    let page = std::fs::read_to_string(at_root("docs/pool.md")).unwrap();
    let found = blocks(&page).into_iter().find(|block| {
        block.language == "sh" && block.mark("file").is_some_and(|path| path.contains("is-there"))
    });
    let settings = place.panel.path("ansible.cfg");
    let key = place.panel.path("pool").display().to_string();
    std::fs::write(&settings, format!("[defaults]\nprivate_key_file = {key}\n")).unwrap();
    let text = found.unwrap().text;
    let text = text.replace("/etc/ansible/ansible.cfg", &settings.display().to_string());
    let path = place.panel.path("web-environment-is-there");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    json!({ "command": [path] })
}

/// Puts onto the server what the page's installation ends with.
fn install(place: &Place) {
    let keys = place.host.authorized_keys();
    let home = keys.parent().and_then(|folder| folder.parent()).unwrap();
    std::fs::write(home.join("web-environment.done"), "").unwrap();
}

#[test]
fn the_pages_program_waits_for_the_web_environment_by_password() {
    let Some(mut place) = Place::new(&json!({})) else { return };
    let ready = program(&place);
    place.configure("ready", &ready);
    let (id, password) = place.buy();
    place.host.set_password(&password);
    place.host.start();
    place.waits_for(&id, "`ready.command` ended with 1", &password);
    install(&place);
    place.handed_over(&id, &password);
    place.joins(&password);
}

#[test]
fn the_pages_program_waits_for_the_web_environment_by_the_pools_key() {
    let Some(mut place) = Place::of("fake-token", &json!({})) else { return };
    let ready = program(&place);
    place.configure("ready", &ready);
    place.plugin().write_private("pool.pub", &format!("{}\n", place.panel.key()));
    place.configure("access", &json!("key"));
    place.configure("public_key", &json!({ "file": "pool.pub" }));
    let (id, _) = place.buy();
    place.host.authorize(&place.panel.key());
    place.host.start();
    place.waits_for(&id, "`ready.command` ended with 1", "no password");
    install(&place);
    assert_eq!(place.plugin().finished(&id), place.host.address());
}
