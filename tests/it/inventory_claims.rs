//! Who holds which server, after a hand was in `state/`: none is sold twice.

use crate::support::plugin::Plugin;

/// Expects that the servers of `orders` are not sold again, and that the last one still is.
#[track_caller]
fn only_the_last_is_left(plugin: &Plugin, orders: &[(String, String)]) {
    let (_, server) = plugin.sold();
    let sold: Vec<&String> = orders.iter().map(|(_, server)| server).collect();
    assert!(!sold.contains(&&server), "{server} is sold twice: {orders:?}");
    plugin.settled();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    for (id, server) in orders {
        assert_eq!(plugin.claimant(server), *id);
        assert_eq!(plugin.finished(id), *server);
    }
}

/// Sells all servers but one.
#[track_caller]
fn nearly_sold_out(servers: usize) -> (Plugin, Vec<(String, String)>) {
    let plugin = Plugin::with_servers(servers);
    let orders = (1..servers).map(|_| plugin.sold()).collect();
    plugin.settled();
    (plugin, orders)
}

#[test]
fn claims_that_were_deleted_are_made_anew_out_of_the_orders() {
    let delete_one = |plugin: &Plugin| {
        std::fs::remove_file(plugin.state("claims/10.0.0.0")).unwrap();
    };
    let empty = |plugin: &Plugin| {
        for name in plugin.names("claims") {
            std::fs::remove_file(plugin.state(&format!("claims/{name}"))).unwrap();
        }
    };
    let delete_all = |plugin: &Plugin| std::fs::remove_dir_all(plugin.state("claims")).unwrap();
    let delete_sequence = |plugin: &Plugin| std::fs::remove_file(plugin.state("sequence")).unwrap();
    let delete_both = |plugin: &Plugin| {
        delete_all(plugin);
        delete_sequence(plugin);
    };
    let hands: [&dyn Fn(&Plugin); 5] =
        [&delete_one, &empty, &delete_all, &delete_sequence, &delete_both];
    for hand in hands {
        let (plugin, orders) = nearly_sold_out(4);
        hand(&plugin);
        only_the_last_is_left(&plugin, &orders);
    }
}

#[test]
fn folders_that_were_deleted_are_made_anew() {
    for folder in ["tmp", "keys", "log", "accepted", "active", "claims"] {
        let (plugin, orders) = nearly_sold_out(2);
        std::fs::remove_dir_all(plugin.state(folder)).unwrap();
        let id = plugin.run(&["order", "1", "--key", folder]).succeeds()["task_id"].clone();
        assert_eq!(plugin.finished(id.as_str().unwrap()), "10.0.0.1", "{folder}");
        plugin.settled();
        assert_eq!(plugin.claimant("10.0.0.0"), orders[0].0, "{folder}");
    }
}

#[test]
fn a_claim_that_was_edited_to_name_another_order_frees_nothing() {
    // Another order that exists, one of the same state, and one that never was.
    for named in ["2", "3", "77"] {
        let (plugin, orders) = nearly_sold_out(4);
        plugin.relink("claims/10.0.0.0", named);
        only_the_last_is_left(&plugin, &orders);
    }
}

#[test]
fn an_open_order_keeps_its_server_although_its_claim_was_deleted_or_edited() {
    let delete = |plugin: &Plugin| std::fs::remove_file(plugin.state("claims/10.0.0.0")).unwrap();
    let edit = |plugin: &Plugin| plugin.relink("claims/10.0.0.0", "77");
    let hands: [&dyn Fn(&Plugin); 2] = [&delete, &edit];
    for hand in hands {
        for place in ["active", "accepted"] {
            let plugin = Plugin::with_servers(2);
            let worker = plugin.hold_worker_lock();
            let id = plugin.order();
            if place == "accepted" {
                plugin.move_order(&id, "active", place);
            }
            hand(&plugin);
            let other = plugin.order();
            plugin.run(&["order", "1"]).fails("out_of_stock", 3);
            drop(worker);
            assert_eq!(plugin.finished(&id), "10.0.0.0", "{place}");
            assert_eq!(plugin.finished(&other), "10.0.0.1", "{place}");
        }
    }
}

#[test]
fn a_claim_whose_order_is_gone_is_void_once_nothing_else_is_left() {
    let (plugin, orders) = nearly_sold_out(2);
    std::fs::remove_file(plugin.state(&format!("done/{}.json", orders[0].0))).unwrap();
    // As long as other servers are free, nobody looks.
    assert_eq!(plugin.sold().1, "10.0.0.1");
    plugin.settled();
    assert_eq!(plugin.sold().1, "10.0.0.0");
    plugin.settled();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
}

#[test]
fn a_claim_whose_order_holds_another_server_is_void() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    std::os::unix::fs::symlink("1", plugin.state("claims/10.0.0.1")).unwrap();
    assert_eq!(plugin.sold().1, "10.0.0.1");
    plugin.settled();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
}

#[test]
fn a_damaged_claim_counts_as_held() {
    for text in ["x", "01", "../done/1.json", "1 "] {
        let plugin = Plugin::with_servers(2);
        plugin.sold();
        plugin.settled();
        plugin.relink("claims/10.0.0.0", text);
        assert_eq!(plugin.sold().1, "10.0.0.1", "{text}");
        plugin.settled();
        plugin.run(&["order", "1"]).fails("out_of_stock", 3);
        let left = std::fs::read_link(plugin.state("claims/10.0.0.0")).unwrap();
        assert_eq!(left.to_str(), Some(text), "a person may still want to look at it");
    }
}

#[test]
fn a_claim_that_is_no_link_counts_as_held() {
    for text in ["", "1", "{}"] {
        let plugin = Plugin::with_servers(2);
        std::fs::write(plugin.etc("claim"), text).unwrap();
        plugin.sold();
        plugin.settled();
        std::fs::rename(plugin.etc("claim"), plugin.state("claims/10.0.0.0")).unwrap();
        assert_eq!(plugin.sold().1, "10.0.0.1", "{text}");
        plugin.settled();
        plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    }
}

#[test]
fn a_damaged_order_keeps_its_server() {
    let (plugin, orders) = nearly_sold_out(3);
    std::fs::write(plugin.state("done/1.json"), "{").unwrap();
    std::fs::remove_file(plugin.state("sequence")).unwrap();
    assert_eq!(plugin.sold().1, "10.0.0.2");
    plugin.settled();
    plugin.run(&["order", "1"]).fails("out_of_stock", 3);
    assert_eq!(plugin.claimant(&orders[0].1), orders[0].0);
}

#[test]
fn of_two_open_orders_edited_to_hold_one_server_the_one_without_the_claim_fails() {
    let plugin = Plugin::with_servers(3);
    let worker = plugin.hold_worker_lock();
    let (first, second) = (plugin.order(), plugin.order());
    plugin.edit(&format!("active/{second}.json"), |order| order["server"] = "10.0.0.0".into());
    drop(worker);
    assert_eq!(plugin.failed(&second), format!("server 10.0.0.0 is held by order {first}"));
    assert_eq!(plugin.finished(&first), "10.0.0.0");
    plugin.settled();
    // What the second one held before is free again.
    assert_eq!([plugin.sold().1, plugin.sold().1], ["10.0.0.2", "10.0.0.1"]);
}

#[test]
fn an_open_order_edited_to_hold_a_finished_orders_server_fails_even_without_claims() {
    let plugin = Plugin::with_servers(2);
    let (first, server) = plugin.sold();
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    let second = plugin.order();
    plugin.edit(&format!("active/{second}.json"), |order| order["server"] = server.clone().into());
    std::fs::remove_dir_all(plugin.state("claims")).unwrap();
    drop(worker);
    assert_eq!(plugin.failed(&second), format!("server {server} is held by order {first}"));
    assert_eq!(plugin.finished(&first), server);
}
