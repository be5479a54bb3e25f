//! `config show` and `config set`: what holds, and one value changed without touching the rest.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::answer::assert_valid;
use crate::support::hoster::TOKEN;
use crate::support::hoster::provider::definition;
use crate::support::plugin::Plugin;

/// A configuration as no program would lay it out.
const FILE: &str = r#"{   "definition" : "./fake-unique.json",
  "base_url": "https://panel.example",
	"credentials": {"token": {"file":"hoster.token"}},

  "configurations": [
    { "id": "1", "descr": "Сервер один", "parameters": { "plan": "small", "image": "alma-9" } },
    { "descr": "two", "id": "cx.2", "parameters": {"image": "a\/b", "plan": "large"}}
  ],
  "limits": { "open_orders":5, "order_timeout_seconds": 1e3 },
  "ready": null
}
"#;

/// Returns a provider with [`FILE`].
fn provider() -> Plugin {
    let plugin = Plugin::installed();
    plugin.write_private("fake-unique.json", &definition("fake-unique").to_string());
    plugin.write_private("hoster.token", TOKEN);
    plugin.write_private("demo.conf", FILE);
    plugin
}

fn text(plugin: &Plugin) -> String {
    std::fs::read_to_string(plugin.etc("demo.conf")).unwrap()
}

#[track_caller]
fn shown(plugin: &Plugin) -> Value {
    let shown = plugin.run(&["config", "show", "--json"]).json();
    assert_valid("configuration", &shown);
    shown
}

#[test]
fn what_is_set_is_shown_and_every_other_byte_is_as_it_was() {
    let plugin = provider();
    for (key, value, old, new, pointer, expected) in [
        ("limits.open_orders", "7", "\":5", "\":7", "/limits/open_orders", json!(7)),
        (
            "configurations.cx.2.descr",
            "zwei ü",
            "two",
            "zwei ü",
            "/configurations/1/descr",
            json!("zwei ü"),
        ),
        (
            "configurations.1.parameters.region",
            "south",
            "\"alma-9\" }",
            "\"alma-9\", \"region\": \"south\" }",
            "/configurations/0/parameters/region",
            json!("south"),
        ),
        (
            "ready.ssh_port",
            "2222",
            "null",
            "{ \"ssh_port\": 2222 }",
            "/ready/ssh_port",
            json!(2222),
        ),
        (
            "account.userEmail",
            "a@b.example",
            "2222 }",
            "2222 },\n  \"account\": { \"userEmail\": \"a@b.example\" }",
            "/account/userEmail",
            json!("a@b.example"),
        ),
    ] {
        let before = text(&plugin);
        assert_eq!(before.matches(old).count(), 1, "{old}");
        assert_eq!(plugin.run(&["config", "set", key, value]).prints(), format!("{key} is set\n"));
        assert_eq!(text(&plugin), before.replace(old, new));
        assert_eq!(shown(&plugin).pointer(pointer), Some(&expected));
        assert_eq!(
            plugin.run(&["config", "set", key, value]).prints(),
            format!("{key} was so already\n")
        );
    }
    let before = text(&plugin);
    plugin.run(&["config", "set", "worker.threads", "3"]).prints();
    assert_eq!(
        plugin.run(&["config", "set", "--unset", "worker.threads"]).prints(),
        "worker.threads is unset\n"
    );
    plugin.run(&["config", "set", "--unset", "worker"]).prints();
    assert_eq!(text(&plugin), before);
    let mode = plugin.etc("demo.conf").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn show_fills_in_defaults_of_the_program_and_of_the_definition() {
    let plugin = provider();
    let all = shown(&plugin);
    for (pointer, expected) in [
        ("/status", json!("enabled")),
        ("/access", json!("password")),
        ("/limits/order_timeout_seconds", json!(1000.0)),
        ("/ready", json!(null)),
        ("/worker", json!({ "poll_seconds": 5, "threads": 8 })),
        ("/configurations/0/parameters/region", json!("north")),
        ("/credentials/token", json!({ "file": "hoster.token" })),
    ] {
        assert_eq!(all.pointer(pointer), Some(&expected), "{pointer}");
    }
    let text = plugin.run(&["config", "show"]).prints().to_owned();
    for line in [
        "limits.open_orders: 5",
        "limits.orders_per_day: none (default)",
        "configurations.1.parameters.region: north (of the definition)",
        "worker.threads: 8 (default)",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    // What is shown holds what was written: it can be taken for the file.
    plugin.write_private("demo.conf", &all.to_string());
    assert_eq!(shown(&plugin), all);
}

#[test]
fn what_would_be_wrong_is_named_and_nothing_is_changed() {
    let plugin = provider();
    for (words, expected) in [
        (vec!["limits.open_order", "1"], "limits.open_order: unknown key `open_order`"),
        (vec!["limits.open_orders", "many"], "limits.open_orders: invalid type"),
        (vec!["worker.threads", "0"], "worker.threads: 0 is less than 1"),
        (vec!["webhooks.allow", "[\"10.0.0.0/99\"]"], "webhooks.allow[0]: `10.0.0.0/99` is"),
        (vec!["configurations.1.descr", "20"], "the text would be written '\"20\"'"),
        (vec!["configurations.1.id", "a b"], "configurations[0].id: `a b` cannot be an id"),
        (vec!["configurations.1.id", "cx.2"], "`cx.2` stands here twice"),
        (vec!["configurations.1.parameters.plans", "x"], "did you mean `plan`?"),
        (vec!["configurations.1.parameters.plan", "7"], "parameter `plan`: 7 is no text"),
        (
            vec!["configurations.3", "{\"descr\": \"x\"}"],
            "configurations.3: parameter `image` is missing",
        ),
        (vec!["configurations.3.descr", "x"], "there is no configuration `3` yet"),
        (vec!["--unset", "configurations.1.parameters.plan"], "parameter `plan` is missing"),
        (vec!["--unset", "credentials.token"], "credentials.token is missing"),
        (vec!["--unset", "base_url"], "base_url: "),
        (vec!["--unset", "limits.orders_per_day"], "`limits.orders_per_day` is not there"),
        (vec!["base_url", "ftp://x"], "base_url: `https://HOST/…` was expected"),
        (vec!["definition.x", "1"], "`definition` holds no further keys"),
        (vec!["credentials.tokn", "{\"file\": \"x\"}"], "did you mean `token`?"),
        (vec!["definition", "hetzner"], "unknown parameter `plan`"),
    ] {
        let words: Vec<&str> = ["config", "set"].into_iter().chain(words).collect();
        let answer = plugin.run(&words);
        let complaint = answer.complains(2);
        assert!(complaint.contains(expected), "{words:?}: {complaint}");
        assert_eq!(text(&plugin), FILE, "{words:?}");
    }
    plugin.run(&["config", "set", "definition", "hetzer"]).complains(4);
    plugin.write_private("demo.conf", "{ // comment\n}");
    plugin.run(&["config", "set", "status", "enabled"]).complains(4);
    std::fs::rename(plugin.etc("demo.conf"), plugin.etc("elsewhere.conf")).unwrap();
    std::os::unix::fs::symlink("elsewhere.conf", plugin.etc("demo.conf")).unwrap();
    plugin.write_private("elsewhere.conf", FILE);
    let answer = plugin.run(&["config", "set", "status", "enabled"]);
    assert!(answer.complains(4).contains("it is a symbolic link"));
    assert_eq!(shown(&plugin)["limits"]["open_orders"], 5);
}

#[test]
fn secrets_are_taken_from_files_only_and_shown_never() {
    let plugin = provider();
    for (key, value) in [
        ("credentials.token", "canary-in-argv"),
        ("credentials.token", "\"canary-in-argv\""),
        ("credentials.token", "12345"),
        ("credentials", "{\"token\": \"canary-in-argv\"}"),
        ("proxy", "http://me:canary-in-argv@proxy.example:3128"),
        ("configurations.1.user_data", "canary-in-argv"),
        ("configurations.1", "{\"descr\": \"x\", \"user_data\": \"canary-in-argv\"}"),
    ] {
        let answer = plugin.run(&["config", "set", key, value]);
        let complaint = answer.complains(2);
        assert!(complaint.contains("`--file -`") && !complaint.contains("canary"), "{complaint}");
        assert_eq!(text(&plugin), FILE);
    }
    for (key, value, shown_as) in [
        ("credentials.token", "4711\n", "credentials.token: HIDDEN"),
        ("configurations.1.user_data", "#cloud-config\n{}\n", "configurations.1.user_data: HIDDEN"),
        ("proxy", "http://me:canary@proxy.example:3128", "proxy: http://HIDDEN@proxy.example:3128"),
    ] {
        let file = plugin.private("given", value);
        plugin.run(&["config", "set", key, "--file", &file]).prints();
        let text = plugin.run(&["config", "show"]).prints().to_owned();
        assert!(text.lines().any(|line| line == shown_as), "{text}");
        let json = shown(&plugin).to_string();
        for secret in ["4711", "cloud-config", "canary"] {
            assert!(!text.contains(secret) && !json.contains(secret), "{text}");
        }
    }
    let stored: Value = serde_json::from_str(&text(&plugin)).unwrap();
    assert_eq!(stored["credentials"]["token"], "4711");
    plugin.run(&["config", "set", "credentials.token", "{\"file\": \"hoster.token\"}"]).prints();
    plugin.run(&["config", "set", "proxy", "http://proxy.example:3128"]).prints();
}

#[test]
fn many_at_once_lose_nothing_and_whoever_reads_meets_a_whole_file() {
    let plugin = provider();
    std::thread::scope(|scope| {
        for caller in 0..6 {
            let plugin = &plugin;
            scope.spawn(move || {
                for number in 0..5 {
                    let key = format!("account.k{caller}-{number}");
                    plugin.run(&["config", "set", &key, "1"]).prints();
                    plugin.run(&["configs"]).succeeds();
                }
            });
        }
    });
    let stored: Value = serde_json::from_str(&text(&plugin)).unwrap();
    assert_eq!(stored["account"].as_object().unwrap().len(), 30);
    assert_eq!(std::fs::read_dir(plugin.etc("config")).unwrap().count(), 0);
}

#[test]
fn another_hoster_is_told_what_it_needs_and_what_open_orders_make_of_it() {
    let plugin = Plugin::with_servers(1);
    let held = plugin.hold_worker_lock();
    plugin.order();
    let output = plugin.command(&["config", "set", "definition", "hetzner"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    for words in ["still to be done: credentials.token is missing", "1 open orders stand still"] {
        assert!(said.contains(words), "{said}");
    }
    plugin.command(&["config", "set", "definition", "inventory"]).output().unwrap();
    drop(held);
    plugin.finished("1");
}

/// What only a hoster, or a person, could answer is left out.
#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let plugin = Plugin::installed();
    let parameters = json!({ "server_type": "cx23", "image": "alma-9" });
    plugin.write_config(&json!({
        "definition": "hetzner",
        "credentials": { "token": { "file": "hetzner.token" } },
        "configurations": [{ "id": "1", "descr": "one", "parameters": parameters }],
        "limits": { "orders_per_day": 20 },
    }));
    std::fs::write(plugin.holder().join("token"), "a token\n").unwrap();
    let page = include_str!("../../docs/configuration.md");
    let section = page.split("## From the command line").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.contains(" config init "));
    let mut count = 0;
    for line in lines {
        let output = Command::new("sh")
            .args(["-c", &line.replace("NAME", "demo")])
            .current_dir(plugin.holder())
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        count += 1;
    }
    assert_eq!(count, 6);
    let found: Value = serde_json::from_str(&text(&plugin)).unwrap();
    assert_eq!(found["limits"], json!({ "open_orders": 10 }));
    assert_eq!(found["configurations"][0]["parameters"]["image"], "alma-10");
    assert_eq!(found["configurations"][1]["id"], "2");
    assert_eq!(found["credentials"]["token"], "a token");
}
