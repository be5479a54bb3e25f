//! The numbers of orders: they rise, and one that is in use anywhere is never given again.

use crate::support::plugin::Plugin;

/// Orders a server; returns the number.
#[track_caller]
fn next(plugin: &Plugin) -> u64 {
    plugin.order().parse().unwrap()
}

/// Copies a stored order under another number.
fn copy(plugin: &Plugin, from: &str, to: &str, id: &str) {
    let text = std::fs::read_to_string(plugin.state(from)).unwrap();
    let text = text.replace("\"task_id\": \"1\"", &format!("\"task_id\": \"{id}\""));
    std::fs::write(plugin.state(to), text).unwrap();
}

#[test]
fn numbers_begin_at_one_and_rise() {
    let plugin = Plugin::with_servers(12);
    for expected in 1..=12 {
        assert_eq!(next(&plugin), expected);
    }
}

#[test]
fn a_number_that_the_panel_has_a_record_of_is_not_given() {
    let plugin = Plugin::with_servers(4);
    // Left by an earlier installation whose state was purged.
    plugin.write_task("1", "complete: 192.0.2.1");
    plugin.write_task("2", "");
    plugin.write_task("notes.txt", "");
    assert_eq!(next(&plugin), 3);
    plugin.write_task("4", "");
    plugin.write_task("40", "");
    assert_eq!(next(&plugin), 41);
    assert_eq!(next(&plugin), 42);
}

#[test]
fn a_number_that_an_order_in_any_place_has_is_not_given() {
    let plugin = Plugin::with_servers(6);
    plugin.sold();
    plugin.settled();
    let _worker = plugin.hold_worker_lock();
    for (place, id, following) in [("done", "2", 3), ("active", "4", 5), ("accepted", "6", 7)] {
        copy(&plugin, "done/1.json", &format!("{place}/{id}.json"), id);
        assert_eq!(next(&plugin), following, "{place}");
    }
}

#[test]
fn a_number_whose_file_is_damaged_is_not_given() {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.settled();
    std::fs::write(plugin.state("done/2.json"), "").unwrap();
    std::fs::create_dir(plugin.state("active/3.json")).unwrap();
    assert_eq!(next(&plugin), 4);
}

#[test]
fn numbers_rise_although_the_sequence_is_lost_damaged_or_old() {
    let plugin = Plugin::with_servers(9);
    plugin.sold();
    plugin.settled();
    let path = plugin.state("sequence");
    let old = std::fs::read(&path).unwrap();
    let mut expected = 2;
    assert_eq!(next(&plugin), expected);
    let faults: [(&str, &dyn Fn()); 5] = [
        ("lost", &|| std::fs::remove_file(&path).unwrap()),
        ("empty", &|| std::fs::write(&path, "").unwrap()),
        ("damaged", &|| std::fs::write(&path, "{\"format\":1,").unwrap()),
        ("of zeros", &|| std::fs::write(&path, [0; 256]).unwrap()),
        ("old", &|| std::fs::write(&path, &old).unwrap()),
    ];
    for (fault, make) in faults {
        plugin.settled();
        make();
        expected += 1;
        assert_eq!(next(&plugin), expected, "the sequence was {fault}");
    }
}

#[test]
fn a_sequence_of_a_later_release_is_refused_and_left_alone() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    plugin.edit("sequence", |cache| cache["format"] = 2.into());
    let before = std::fs::read(plugin.state("sequence")).unwrap();
    let message = plugin.run(&["order", "1"]).fails("state_newer", 7);
    assert!(message.contains("sequence"), "{message}");
    assert_eq!(std::fs::read(plugin.state("sequence")).unwrap(), before);
}

#[test]
fn keys_that_were_removed_are_restored_from_the_orders() {
    let plugin = Plugin::with_servers(3);
    let ask = || plugin.run(&["order", "1", "--key", "k"]).succeeds()["task_id"].clone();
    let first = ask();
    plugin.settled();
    // A worker that a call started would restore things under this test's hands.
    let _held = plugin.hold_worker_lock();
    std::fs::remove_dir_all(plugin.state("keys")).unwrap();
    assert_eq!(ask(), first);
    std::fs::remove_dir_all(plugin.state("keys")).unwrap();
    std::fs::remove_file(plugin.state("sequence")).unwrap();
    assert_eq!(ask(), first);
}

#[test]
fn an_old_copy_of_an_order_that_moved_on_changes_nothing() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    let sold = plugin.finished("1");
    copy(&plugin, "done/1.json", "accepted/1.json", "1");
    plugin.edit("accepted/1.json", |order| {
        order["state"] = "accepted".into();
        order["created_at"] = "2020-01-01T00:00:00Z".into();
    });
    copy(&plugin, "accepted/1.json", "active/1.json", "1");
    plugin.run(&["work", "--once"]).prints();
    assert_eq!(plugin.finished("1"), sold);
    assert_ne!(plugin.finished(&plugin.order()), sold);
    assert!(!plugin.state("accepted/1.json").exists());
    assert!(!plugin.state("active/1.json").exists());
}

#[test]
fn an_old_sequence_is_noticed_by_the_orders_even_if_no_server_was_claimed_since() {
    let plugin = Plugin::with_servers(3);
    plugin.sold();
    plugin.settled();
    // Orders that hold no server leave `claims/` as it is.
    for id in ["2", "3"] {
        copy(&plugin, "done/1.json", &format!("done/{id}.json"), id);
        plugin.edit(&format!("done/{id}.json"), |order| order["state"] = "failed".into());
    }
    assert_eq!(next(&plugin), 4);
}

#[test]
fn a_number_whose_order_was_withdrawn_is_not_given_again() {
    let plugin = Plugin::with_servers(2);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = plugin.command(&["order", "1"]);
    let output = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    assert_eq!(next(&plugin), 2);
}

#[test]
fn when_no_number_is_left_orders_are_refused() {
    let plugin = Plugin::with_servers(2);
    plugin.write_task(&u64::MAX.to_string(), "");
    plugin.run(&["work", "--once"]).prints();
    let message = plugin.run(&["order", "1"]).fails("state_unreadable", 7);
    assert!(message.contains("largest id"), "{message}");
    assert!(plugin.names("accepted").is_empty() && plugin.names("claims").is_empty());
}
