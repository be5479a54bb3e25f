//! Handing out servers: whatever happens to the inventory file, none is sold twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::plugin::{Plugin, inventory};

/// Returns an inventory of these servers for configuration `1`.
fn of(servers: &[&str]) -> Value {
    let servers: Vec<Value> =
        servers.iter().map(|server| json!({ "server": server, "configurations": ["1"] })).collect();
    json!({ "servers": servers })
}

/// Orders until nothing is left; returns the servers.
#[track_caller]
fn sell_out(plugin: &Plugin) -> Vec<String> {
    let mut servers = Vec::new();
    loop {
        plugin.settled();
        let answer = plugin.run(&["order", "1"]);
        if answer.status != Some(0) {
            answer.fails("out_of_stock", 3);
            return servers;
        }
        servers.push(plugin.finished(answer.document()["task_id"].as_str().unwrap()));
    }
}

#[test]
fn servers_are_handed_out_in_the_order_of_the_file_each_once() {
    let plugin = Plugin::installed();
    plugin.write_inventory(&of(&["192.0.2.9", "192.0.2.1", "node.example", "192.0.2.5"]));
    assert_eq!(sell_out(&plugin), ["192.0.2.9", "192.0.2.1", "node.example", "192.0.2.5"]);
}

#[test]
fn callers_at_the_same_time_get_different_servers() {
    let plugin = Plugin::with_servers(24);
    let children: Vec<_> = (0..24)
        .map(|_| {
            let mut command = plugin.command(&["order", "1"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ids: BTreeSet<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            answer["task_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 24);
    let servers: BTreeSet<String> = ids.iter().map(|id| plugin.finished(id)).collect();
    assert_eq!(servers.len(), 24);
    assert!(sell_out(&plugin).is_empty());
}

#[test]
fn servers_may_be_added_reordered_and_removed_while_orders_exist() {
    let plugin = Plugin::installed();
    plugin.write_inventory(&of(&["a.example", "b.example", "c.example"]));
    let (first, server) = plugin.sold();
    assert_eq!(server, "a.example");
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let second = plugin.order();

    plugin.write_inventory(&of(&["d.example", "c.example", "b.example", "a.example"]));
    let third = plugin.order();
    plugin.write_inventory(&of(&[]));
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    drop(worker);
    // An order keeps its server although the file no longer lists it.
    assert_eq!(plugin.finished(&second), "b.example");
    assert_eq!(plugin.finished(&third), "d.example");
    assert_eq!(plugin.finished(&first), "a.example");
    plugin.write_inventory(&of(&["a.example", "b.example", "c.example", "d.example"]));
    assert_eq!(sell_out(&plugin), ["c.example"]);
}

#[test]
fn a_password_is_copied_when_the_server_is_ordered() {
    let plugin = Plugin::with_servers(1);
    let (id, _) = plugin.sold();
    let mut changed = inventory(1);
    changed["servers"][0]["server_password"] = "another".into();
    plugin.write_inventory(&changed);
    assert_eq!(plugin.status(&id)["server_password"], "canaryPassword0");
}

#[test]
fn a_server_is_the_same_in_upper_and_lower_case() {
    let plugin = Plugin::installed();
    plugin.write_inventory(&of(&["Node-1.Example"]));
    assert_eq!(plugin.sold().1, "Node-1.Example");
    plugin.settled();
    for server in ["node-1.example", "NODE-1.EXAMPLE"] {
        plugin.write_inventory(&of(&[server]));
        plugin.run(&["order", "1"]).fails("out_of_stock", 3);
        // Nor when claims are made anew.
        std::fs::remove_file(plugin.state("claims/node-1.example")).unwrap();
        plugin.run(&["order", "1"]).fails("out_of_stock", 3);
        assert_eq!(plugin.claimant("node-1.example"), "1");
    }
}

#[test]
fn a_server_that_is_listed_twice_is_refused_by_name_and_place() {
    let plugin = Plugin::installed();
    for second in ["a.example", "A.EXAMPLE"] {
        plugin.write_inventory(&of(&["a.example", "b.example", second]));
        let message = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
        for part in ["etc/inventory.json", "servers[2].server", &format!("`{second}`")] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
        assert!(plugin.names("claims").is_empty() && plugin.names("accepted").is_empty());
    }
}

#[test]
fn a_server_whose_name_could_lead_elsewhere_is_refused_by_name() {
    let plugin = Plugin::installed();
    for server in ["", ".", "..", "../lock", "a/b", "-a", "a b", "a\n", "ä.example", "*"] {
        plugin.write_inventory(&of(&[server]));
        let message = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
        assert!(message.contains(&format!("`{server}`")), "{message}");
    }
    let longest = "a".repeat(253);
    for server in ["2001:db8::1", "::1", &longest] {
        plugin.write_inventory(&of(&[server]));
        assert_eq!(plugin.sold().1, server);
    }
}

#[test]
fn an_inventory_that_cannot_be_read_is_named_and_nothing_is_taken() {
    let plugin = Plugin::installed();
    let path = plugin.etc("inventory.json");
    let faults: [(&str, &dyn Fn()); 4] = [
        ("cut off", &|| std::fs::write(&path, "{\"servers\":[").unwrap()),
        ("an unknown key", &|| std::fs::write(&path, r#"{"servers":[],"server":[]}"#).unwrap()),
        ("huge", &|| std::fs::write(&path, vec![b' '; 17 << 20]).unwrap()),
        ("missing", &|| std::fs::remove_file(&path).unwrap()),
    ];
    for (fault, make) in faults {
        make();
        let message = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
        assert!(message.contains("etc/inventory.json"), "{fault}: {message}");
        assert!(plugin.names("claims").is_empty() && plugin.names("accepted").is_empty());
    }
}

#[test]
fn a_cancelled_order_frees_its_server_at_once() {
    let plugin = Plugin::with_servers(1);
    let worker = plugin.hold_worker_lock();
    let id = plugin.order();
    assert_eq!(plugin.run(&["orders", "cancel", &id, "--timeout", "0"]).status, Some(124));
    drop(worker);
    assert_eq!(plugin.failed(&id), "the order was cancelled");
    assert_eq!(sell_out(&plugin), ["10.0.0.0"]);
}

#[test]
fn a_released_server_waits_until_it_is_said_to_be_clean() {
    let plugin = Plugin::with_servers(1);
    let (id, server) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    plugin.settled();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    // Nor does anything that makes claims anew forget it.
    std::fs::remove_file(plugin.state("sequence")).unwrap();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    plugin.run(&["orders", "release", &id, "--clean"]).prints();
    assert_eq!(plugin.sold().1, server);
    // Said once more, it frees nobody else's server.
    plugin.settled();
    plugin.run(&["orders", "release", &id, "--clean"]).prints();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
}
