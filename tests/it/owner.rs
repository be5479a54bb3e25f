//! One owner: whoever calls, every file belongs to the holder's owner and to nobody else.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::answer::Answer;
use crate::support::book::{age, assert_private};
use crate::support::plugin::Plugin;
use crate::support::sweep::Template;
use crate::support::{is_root, skip, wait_until};

/// The holder's owner, and somebody else; the system need know neither.
const OWNER: u32 = 65534;
const STRANGER: u32 = 12345;

/// A provider that belongs to another user; root alone can make one.
fn of_another_user() -> Option<Plugin> {
    if !is_root() {
        skip("only root can give a holder away");
        return None;
    }
    let plugin = Plugin::with_servers(6);
    give_away(&plugin);
    Some(plugin)
}

fn give_away(plugin: &Plugin) {
    run("chmod", &["755"], plugin.root());
    run("chown", &["-R", &format!("{OWNER}:{OWNER}")], &plugin.holder());
}

fn run(program: &str, arguments: &[&str], path: &Path) {
    let status = Command::new(program).args(arguments).arg(path).status();
    assert!(status.expect("it runs").success(), "{program} {arguments:?}");
}

/// Calls the provider as that user.
fn call_as(user: u32, plugin: &Plugin, words: &[&str]) -> Answer {
    let output = Command::new("setpriv")
        .args([&format!("--reuid={user}"), &format!("--regid={user}")])
        .args(["--clear-groups", "--"])
        .arg(plugin.executable())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("setpriv runs");
    Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output)
}

#[track_caller]
fn assert_all_belong_to_the_owner(plugin: &Plugin) {
    let files = plugin.files();
    assert!(files.len() > 4, "{files:?}");
    let folders = std::fs::read_dir(plugin.state("")).expect("a folder").flatten();
    let files = files.iter().map(|file| plugin.state(file));
    for path in folders.map(|entry| entry.path()).chain(files) {
        let metadata = std::fs::symlink_metadata(&path).expect("it is there");
        let owner = (metadata.uid(), metadata.gid());
        assert_eq!(owner, (OWNER, OWNER), "{}", path.display());
    }
    assert_private(plugin);
}

/// The panel makes `tasks/` as root, for itself.
#[test]
fn a_number_that_the_panel_has_a_record_of_is_not_given_though_the_owner_cannot_look() {
    let Some(plugin) = of_another_user() else { return };
    plugin.write_task("2", "complete: 10.0.0.1");
    run("chmod", &["750"], &plugin.holder().join("tasks"));
    assert_eq!(plugin.order(), "3");
    // As a backup leaves it that is older than the panel's records.
    plugin.write_task("4", "");
    plugin.write_task("17", "error: none");
    assert_eq!(plugin.order(), "18");
    assert_all_belong_to_the_owner(&plugin);
}

#[test]
fn root_acts_as_the_owner_of_the_holder() {
    let Some(plugin) = of_another_user() else { return };
    let (id, _) = plugin.sold();
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    plugin.order();
    plugin.run(&["work"]).prints();
    assert_all_belong_to_the_owner(&plugin);

    // And the owner goes on with what root began, without root.
    let answer = call_as(OWNER, &plugin, &["order_status", "2"]).succeeds();
    assert_eq!(answer["status"], "finished");
    let answer = call_as(OWNER, &plugin, &["order", "1"]).succeeds();
    assert_eq!(answer["task_id"], "3");
    plugin.finished("3");
    plugin.settled();
    assert_all_belong_to_the_owner(&plugin);
}

#[test]
fn a_worker_that_root_started_has_no_right_but_the_owners() {
    let Some(plugin) = of_another_user() else { return };
    // An order that waits keeps its worker alive.
    let held = plugin.hold_worker_lock();
    give_away(&plugin);
    let id = plugin.order();
    plugin.relink("claims/10.0.0.0", "nobody knows");
    drop(held);
    plugin.status(&id);
    let mut status = String::new();
    wait_until("a worker lives", || {
        let lock = std::fs::read_to_string(plugin.state("worker.lock")).unwrap();
        let pid = lock.split(' ').nth(1).unwrap_or_default().to_owned();
        status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        plugin.worker_lives() && lock.contains("(worker)")
    });
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let owner = OWNER.to_string();
    assert_eq!(line("Uid:"), [&*owner; 4], "{status}");
    assert_eq!(line("Gid:"), [&*owner; 4], "{status}");
    assert_eq!(line("Groups:"), [&*owner], "{status}");
    assert_eq!(line("CapEff:"), ["0000000000000000"], "{status}");
}

#[test]
fn nobody_but_the_owner_and_root_may_use_a_provider() {
    let Some(plugin) = of_another_user() else { return };
    let (id, _) = plugin.sold();
    plugin.settled();
    // As readable as can be: it is no question of permissions.
    run("chmod", &["-R", "a+rX"], &plugin.holder());
    let before = plugin.files();
    let words: [&[&str]; 4] = [&["help"], &["configs"], &["order", "1"], &["order_status", &id]];
    for words in words {
        let message = call_as(STRANGER, &plugin, words).fails("not_owner", 7);
        for named in
            [&*OWNER.to_string(), &*STRANGER.to_string(), plugin.holder().to_str().unwrap()]
        {
            assert!(message.contains(named), "{message}");
        }
    }
    let words: [&[&str]; 9] = [
        &["orders", "list"],
        &["orders", "show", &id],
        &["orders", "wait", &id],
        &["orders", "cancel", &id],
        &["orders", "release", &id, "--yes"],
        &["orders", "prune", "--days", "0"],
        &["work"],
        &["work", "--once"],
        &["work", "--detached"],
    ];
    for words in words {
        let answer = call_as(STRANGER, &plugin, words);
        assert!(answer.complains(7).contains("not_owner"), "{answer:?}");
    }
    assert_eq!(plugin.files(), before);
}

#[test]
fn no_umask_changes_who_can_read_what() {
    let plugin = Plugin::with_servers(4);
    for umask in ["0777", "0000"] {
        // The very first files, and what a worker makes.
        std::fs::remove_dir_all(plugin.state("")).unwrap();
        for words in [&["order", "1", "--key", "k"][..], &["order_status", "1"], &["work"]] {
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let output = Command::new("/bin/sh")
                .args(["-c", &script])
                .arg(plugin.executable())
                .args(words)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        plugin.settled();
        let files = plugin.files();
        for name in ["done/1.json", "log/provider.log", "lock", "sequence", "worker.lock"] {
            assert!(files.iter().any(|file| file == name), "{name} is not among {files:?}");
        }
        assert_private(&plugin);
    }
}

#[test]
fn the_author_is_who_called_and_not_whom_we_act_as() {
    let Some(plugin) = of_another_user() else { return };
    let ids = [
        call_as(OWNER, &plugin, &["order", "1"]),
        call_as(0, &plugin, &["order", "1"]),
        Answer::of(
            vec!["order".to_owned()],
            &plugin.command(&["order", "1"]).env("SUDO_USER", "alice").output().unwrap(),
        ),
    ]
    .map(|answer| answer.succeeds()["task_id"].as_str().unwrap().to_owned());
    let list: Value =
        serde_json::from_str(plugin.run(&["orders", "list", "--json"]).prints()).unwrap();
    let author = |id: &str| {
        let orders = list["orders"].as_array().unwrap();
        orders.iter().find(|order| order["task_id"] == id).unwrap()["author"].clone()
    };
    let owner = nix::unistd::User::from_uid(OWNER.into()).unwrap();
    let owner = owner.map_or_else(|| OWNER.to_string(), |user| user.name);
    assert_eq!(ids.each_ref().map(|id| author(id)), [owner.as_str(), "root", "alice"]);
    // Both are kept: the account, and the person behind it.
    let stored = plugin.stored(&ids[2]);
    assert_eq!((&stored["author"]["uid"], &stored["author"]["name"]), (&0.into(), &"root".into()));
}

/// Where the panel's records cannot be looked at, an order may have been answered or not.
#[test]
fn an_old_order_is_neither_withdrawn_nor_acted_on_where_the_panels_records_are_out_of_reach() {
    if !is_root() {
        return skip("only root can give a holder away");
    }
    let (template, id) = Template::of(Plugin::with_servers(2)).with_unanswered(&["order", "1"]);
    let plugin = template.copy_into(tempfile::tempdir().unwrap());
    age(&plugin, &id);
    give_away(&plugin);
    let tasks = plugin.holder().join("tasks");
    std::fs::create_dir(&tasks).unwrap();
    run("chmod", &["700"], &tasks);
    for words in [["work"].as_slice(), &["work", "--once"]] {
        plugin.run(words).prints();
        assert_eq!(plugin.names("accepted"), [format!("{id}.json")]);
    }
    run("chmod", &["755"], &tasks);
    plugin.run(&["work"]).prints();
    assert_eq!(plugin.names("accepted").len() + plugin.names("done").len(), 0);
}
