//! A program as a hoster: what it is given, what becomes of its answers, what it can and cannot do.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::hoster::TOKEN;
use crate::support::plugin::Plugin;
use crate::support::program::{Servers, with_script};
use crate::support::{skip, wait_until};

const MINIMAL: Value = Value::Null;

/// A program that answers so to each verb; `$request` is the request.
fn answering(create: &str, find: &str, poll: &str) -> String {
    format!(
        "read -r request\ncase $request in\n*'\"verb\":\"create\"'*) {create} ;;\n\
         *'\"verb\":\"find\"'*) {find} ;;\n*'\"verb\":\"poll\"'*) {poll} ;;\n*) echo '{{}}' ;;\nesac"
    )
}

#[test]
fn an_order_is_made_handed_over_and_given_back() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let id = plugin.order();
    assert_eq!(plugin.finished(&id), "127.0.0.1");
    let stored = plugin.stored(&id);
    assert_eq!(servers.alive(), [(1, stored["hostname"].as_str().unwrap().to_owned())]);
    assert_eq!(stored["server_id"], "1");
    assert_eq!(plugin.status(&id)["server_password"], stored["password"]);
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert_eq!((servers.made().len(), servers.alive().len()), (1, 0));
    let left = std::fs::read_dir(plugin.state("commands")).unwrap().count();
    assert_eq!(left, 0, "no lock of a call is left");
}

#[test]
fn an_order_is_cancelled_while_its_server_is_built() {
    let servers = Servers::none();
    let script = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/samples/command/hoster.sh"
    ));
    let script = script.unwrap().replace("\"ready\"", "\"building\"");
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    plugin.write_program("hoster.sh", &script);
    let id = plugin.order();
    plugin.reaches(&id, "building");
    plugin.run(&["orders", "cancel", &id]).prints();
    assert_eq!((servers.made().len(), servers.alive().len()), (1, 0));
}

#[test]
fn a_program_that_agreed_to_remove_a_server_need_not_answer_for_it_any_more() {
    let servers = Servers::none();
    let script = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/samples/command/hoster.sh"
    ));
    let script = script.unwrap().replace("echo '{\"status\":\"gone\"}'", "exit 1");
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    plugin.write_program("hoster.sh", &script);
    let id = plugin.order();
    plugin.finished(&id);
    plugin.run(&["orders", "release", &id, "--yes"]).prints();
    assert!(servers.alive().is_empty());
}

#[test]
fn a_refusal_fails_the_order_with_its_reason() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    servers.fault("rejected-before");
    let reason = plugin.failed(&plugin.order());
    assert_eq!(reason, "there is no room");
    assert!(servers.made().is_empty());
}

#[test]
fn a_server_that_cannot_be_built_fails_the_order_and_is_named() {
    let servers = Servers::none();
    let script = answering(
        "echo '{\"server_id\":\"vm-7\"}'",
        "echo '{\"servers\":[{\"server_id\":\"vm-7\"}]}'",
        "echo '{\"status\":\"failed\",\"reason\":\"no such image\"}'",
    );
    let plugin = with_script(&servers, &script, &MINIMAL);
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("no such image") && reason.contains("server vm-7"), "{reason}");
}

#[test]
fn a_program_gets_its_request_whole_and_nothing_else() {
    let servers = Servers::none();
    let script = "cat >$1/request.$$; env >$1/env.$$; pwd >$1/pwd; umask >$1/umask\n\
                  tr '\\0' ' ' <\"/proc/$$/cmdline\" >$1/cmdline; echo '{\"rejected\":\"no\"}'";
    let plugin = with_script(&servers, script, &MINIMAL);
    let id = plugin.order();
    plugin.failed(&id);
    let read = |name: &str| -> String {
        let all = std::fs::read_dir(servers.folder()).unwrap().map(|entry| entry.unwrap().path());
        let is = |path: &std::path::PathBuf| {
            path.file_name().unwrap().to_string_lossy().starts_with(name)
        };
        std::fs::read_to_string(all.into_iter().find(is).unwrap()).unwrap()
    };
    let stored = plugin.stored(&id);
    let text = read("request");
    assert!(text.ends_with('\n') && text.trim_end().lines().count() == 1, "a line by itself");
    let request: Value = serde_json::from_str(&text).unwrap();
    let mut expected = json!({
        "verb": "create",
        "order": {
            "task_id": id, "key": stored["key"], "hostname": stored["hostname"],
            "password": stored["password"], "public_key": null,
        },
        "parameters": { "plan": "small" },
        "credentials": { "token": TOKEN },
        "server_id": null,
    });
    expected["order"]["user_data"] = request["order"]["user_data"].clone();
    assert_eq!(request, expected);
    let user_data = request["order"]["user_data"].as_str().unwrap();
    assert!(user_data.starts_with("#cloud-config\n"), "{user_data}");
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let page = include_str!("../../docs/command.md");
    let block = page.split("<!-- request -->").nth(1).unwrap().split("```json\n").nth(1).unwrap();
    let shown: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    assert_eq!((keys(&shown), keys(&shown["order"])), (keys(&request), keys(&request["order"])));
    let mut names: Vec<String> =
        read("env").lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    // What the shell sets by itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(&name.as_str()));
    names.sort();
    assert_eq!(names, ["HOME", "LANG", "PATH"]);
    assert_eq!(read("pwd"), "/\n");
    let password = stored["password"].as_str().unwrap();
    for place in ["cmdline", "env"] {
        assert!(!read(place).contains(TOKEN) && !read(place).contains(password), "{place}");
    }
    for file in plugin.files() {
        let text = std::fs::read(plugin.state(&file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains(TOKEN), "{file}");
    }
}

#[test]
fn the_key_of_the_pool_and_declared_parameters_reach_the_program() {
    let servers = Servers::none();
    let extra = json!({
        "title": "The shed", "password": "none", "catalog": false,
        "credentials": { "token": { "description": "a word" },
                         "other": { "description": "one more", "optional": true } },
        "parameters": {
            "plan": { "description": "how large", "required": true, "pattern": "[a-z]+" },
            "disks": { "description": "how many", "type": "integer", "default": 2 },
        },
    });
    let script = "cat >$1/request; echo '{\"rejected\":\"no\"}'";
    let plugin = with_script(&servers, script, &extra);
    let refused = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
    assert!(refused.contains("The shed"), "{refused}");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUJAl1n9l9pnOpVz0CGUwTXa0xlEKq2OTtuuoiHiZNo";
    plugin.edit_etc("demo.conf", |config| {
        config["access"] = json!("key");
        config["public_key"] = json!(key);
    });
    plugin.failed(&plugin.order());
    let request = std::fs::read_to_string(servers.folder().join("request")).unwrap();
    let request: Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["parameters"], json!({ "plan": "small", "disks": 2 }));
    assert_eq!(request["credentials"], json!({ "token": TOKEN }));
    let given = (&request["order"]["public_key"], &request["order"]["password"]);
    assert_eq!(given, (&json!(key), &Value::Null));
    for (parameters, named) in [(json!({ "plan": "S" }), "plan"), (json!({ "plam": "s" }), "plam")]
    {
        plugin.edit_etc("demo.conf", |config| {
            config["configurations"][0]["parameters"] = parameters;
        });
        let refused = plugin.run(&["order", "1"]).fails("configuration_invalid", 4);
        assert!(refused.contains(named), "{refused}");
    }
}

#[test]
fn a_password_that_the_program_tells_is_the_one() {
    for way in ["request", "reply"] {
        let servers = Servers::none();
        let script = answering(
            "echo '{\"server_id\":1}'",
            "echo '{\"servers\":[]}'",
            "echo '{\"status\":\"ready\",\"server\":\"192.0.2.7\",\"private\":[\"10.0.0.7\"],\
             \"addresses\":[\"2001:db8::7\"],\"server_password\":\"canaryPasswordTold\"}'",
        );
        let plugin = with_script(&servers, &script, &json!({ "password": way }));
        let id = plugin.order();
        assert_eq!(plugin.finished(&id), "192.0.2.7");
        assert_eq!(plugin.status(&id)["server_password"], "canaryPasswordTold", "{way}");
        let addresses = &plugin.stored(&id)["addresses"];
        assert_eq!(addresses, &json!(["192.0.2.7", "2001:db8::7", "10.0.0.7"]));
    }
}

#[test]
fn what_a_program_says_on_standard_error_is_in_the_log_once_and_without_secrets() {
    let servers = Servers::none();
    let script = answering(
        "echo \"$request\" >&2; echo one >&2; echo two >&2; echo '{\"server_id\":1}'",
        "echo '{\"servers\":[]}'",
        "echo 'still at it' >&2; [ -e $1/on ] && echo '{\"status\":\"ready\",\"server\":\"192.0.2.7\"}' \
         || echo '{\"status\":\"building\"}'",
    );
    let plugin = with_script(&servers, &script, &MINIMAL);
    let id = plugin.order();
    plugin.logged(&id, "the command says to poll: still at it");
    std::fs::write(servers.folder().join("on"), "").unwrap();
    plugin.finished(&id);
    let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap();
    assert_eq!(log.matches("still at it").count(), 1, "{log}");
    assert!(log.contains("says to create: two") && log.contains("REDACTED"), "{log}");
    let password = plugin.stored(&id)["password"].as_str().unwrap().to_owned();
    assert!(!log.contains(TOKEN) && !log.contains(&password), "{log}");
}

#[test]
fn a_program_whose_time_is_up_is_ended_with_all_that_it_started() {
    let servers = Servers::none();
    let script = answering(
        "sleep 600 & echo $! >$1/pid; sleep 600",
        "echo '{\"servers\":[]}'",
        "echo '{\"status\":\"building\"}'",
    );
    let limits = json!({ "timeout_seconds": 0.5, "settle_seconds": 0.6 });
    let plugin = with_script(&servers, &script, &limits);
    let id = plugin.order();
    let reason = plugin.failed(&id);
    assert!(reason.contains("the command took longer than 0.5 s"), "{reason}");
    assert!(reason.contains("look for `webdir-"), "{reason}");
    let child = std::fs::read_to_string(servers.folder().join("pid")).unwrap();
    let status = format!("/proc/{}/status", child.trim());
    wait_until("its child is gone", || {
        std::fs::read_to_string(&status).map_or(true, |text| text.contains("State:\tZ"))
    });
}

#[test]
fn a_program_that_is_not_there_takes_no_orders() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let path = plugin.etc("hoster.sh");
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let refused = plugin.run(&["order", "1"]).fails("definition_invalid", 4);
    assert!(refused.contains("no executable"), "{refused}");
    plugin.run(&["configs"]).fails("definition_invalid", 4);
    std::fs::remove_file(&path).unwrap();
    plugin.run(&["order", "1"]).fails("definition_invalid", 4);
    let found = plugin.run(&["check"]);
    assert!(found.stdout.contains("hoster.sh: No such file"), "{found:?}");
}

#[test]
fn a_program_that_cannot_be_started_is_tried_again_and_has_bought_nothing() {
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let path = plugin.etc("hoster.sh");
    let good = std::fs::read_to_string(&path).unwrap();
    plugin.write_program("hoster.sh", "#!/no/such/shell\n");
    let id = plugin.order();
    plugin.logged(&id, "cannot be started");
    plugin.write_program("hoster.sh", &good);
    plugin.finished(&id);
    assert_eq!(servers.made().len(), 1);

    plugin.write_program("hoster.sh", "#!/no/such/shell\n");
    plugin.edit_etc("demo.conf", |config| {
        config["limits"] = json!({ "order_timeout_seconds": 1 });
    });
    let reason = plugin.failed(&plugin.order());
    assert!(reason.contains("cannot be started"), "{reason}");
    assert!(!reason.contains("look for"), "{reason}");
}

#[test]
fn an_order_whose_outcome_is_unknown_is_not_sent_to_another_command() {
    let servers = Servers::none();
    let script = answering(
        "echo once >>$1/asked; exit 1",
        "echo '{\"servers\":[]}'",
        "echo '{\"status\":\"building\"}'",
    );
    let extra = json!({
        "timeout_seconds": 3, "settle_seconds": 4,
        "idempotency": { "kind": "unique_name", "limits": "" },
    });
    let plugin = with_script(&servers, &script, &extra);
    let id = plugin.order();
    plugin.reaches(&id, "unknown");
    plugin.edit_etc("program.json", |definition| {
        definition["command"] = json!(["./hoster.sh", servers.folder(), "qemu+ssh://another"]);
    });
    let reason = plugin.failed(&id);
    assert!(reason.contains("look for `webdir-"), "{reason}");
    let asked = std::fs::read_to_string(servers.folder().join("asked")).unwrap();
    assert_eq!(asked, "once\n");
}

/// Whoever ignores its children, as a daemon in Perl may, hands that on to what it starts.
#[test]
fn a_caller_that_ignores_its_children_does_not_keep_answers_from_being_understood() {
    if !std::process::Command::new("python3")
        .arg("-V")
        .output()
        .is_ok_and(|run| run.status.success())
    {
        return skip("python3 is not installed");
    }
    let servers = Servers::none();
    let plugin = Plugin::with_program(&servers, &MINIMAL);
    let ignoring = "import os, signal, sys\n\
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n\
        os.execv(sys.argv[1], sys.argv[1:])\n";
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new("python3");
        command.args(["-c", ignoring]).arg(plugin.executable()).args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let sold = run(&["check"]);
    assert!(sold.contains("answers"), "{sold}");
    let order: Value = serde_json::from_str(&run(&["order", "1"])).unwrap();
    let id = order["task_id"].as_str().unwrap();
    assert_eq!(plugin.finished(id), "127.0.0.1");
    assert_eq!(servers.made().len(), 1);
}

#[test]
fn a_program_that_takes_its_time_keeps_no_other_order_waiting_in_a_single_pass() {
    let servers = Servers::none();
    let script = answering(
        "echo . >>$1/asked; while [ ! -e $1/go ]; do sleep 0.05; done; exit 1",
        "echo '{\"servers\":[]}'",
        "echo '{\"status\":\"building\"}'",
    );
    let plugin = with_script(&servers, &script, &json!({}));
    let held = plugin.hold_worker_lock();
    plugin.order();
    drop(held);
    let mut pass = plugin.command(&["work", "--once"]).spawn().unwrap();
    let asked = || std::fs::read(servers.folder().join("asked")).unwrap_or_default().len() / 2;
    wait_until("the first order is under way", || asked() == 1);
    plugin.order();
    wait_until("the second order is under way as well", || asked() == 2);
    std::fs::write(servers.folder().join("go"), "").unwrap();
    assert!(pass.wait().unwrap().success());
}
