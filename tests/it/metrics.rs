//! `metrics`: what Prometheus is told, and that its own tools take it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::hand::LONG_AGO;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::mount::has;
use crate::support::page::at_root;
use crate::support::plugin::Plugin;
use crate::support::receiver::{Receiver, Reply};
use crate::support::{hooks::SOON, is_root, skip};

/// Returns the page.
#[track_caller]
fn page(plugin: &Plugin, words: &[&str]) -> String {
    plugin.run(&[&["metrics"], words].concat()).prints().to_owned()
}

/// Returns the value of a sample, `NAME{LABELS}` without what they all begin with.
#[track_caller]
fn value(page: &str, sample: &str) -> f64 {
    let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
    let comma = if labels == "}" { "" } else { "," };
    let start = format!("webdir_provider_{name}{{provider=\"demo\"{comma}{labels} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {start}: {page}")).parse().unwrap()
}

/// Returns a tool of Prometheus: installed, or where `.ci/run` puts it.
fn promtool() -> Option<PathBuf> {
    let own = at_root("target/tools/promtool");
    let found = has("promtool").then(|| PathBuf::from("promtool")).or(own.exists().then_some(own));
    if found.is_none() {
        skip("there is no promtool, and .ci/run has brought none");
    }
    found
}

/// Expects that the tool has nothing to say about a page.
#[track_caller]
fn is_taken(page: &str) {
    let Some(tool) = promtool() else { return };
    let mut command = Command::new(tool);
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}: {page}");
}

#[test]
fn the_page_tells_of_orders_worker_and_disk() {
    let plugin = Plugin::with_servers(4);
    let empty = page(&plugin, &[]);
    assert_eq!(plugin.files(), [""; 0], "to look leaves nothing behind");
    is_taken(&empty);
    plugin.sold();
    let (released, _) = plugin.sold();
    plugin.run(&["orders", "release", &released, "--yes"]).prints();
    plugin.settled();
    let worker = plugin.hold_worker_lock();
    plugin.order();
    let unanswered = plugin.order();
    plugin.move_order(&unanswered, "active", "accepted");
    plugin.edit("active/3.json", |order| order["created_at"] = LONG_AGO.into());
    let text = page(&plugin, &[]);
    let of = |state, status| {
        format!("orders{{configuration=\"1\",state=\"{state}\",status=\"{status}\"}}")
    };
    for (sample, expected) in [
        (of("finished", "finished"), 1.0),
        (of("released", "error"), 1.0),
        (of("accepted", "in_progress"), 1.0),
        (of("failed", "error"), 0.0),
        ("orders_unanswered".to_owned(), 1.0),
        ("work_due".to_owned(), 1.0),
        ("worker_alive".to_owned(), 1.0),
        ("configuration_valid".to_owned(), 1.0),
        ("order_ready_duration_seconds_count{configuration=\"1\"}".to_owned(), 2.0),
        ("order_ready_duration_seconds_bucket{configuration=\"1\",le=\"+Inf\"}".to_owned(), 2.0),
        ("unreadable_files{kind=\"order\"}".to_owned(), 0.0),
    ] {
        assert_eq!(value(&text, &sample).to_string(), expected.to_string(), "{sample}: {text}");
    }
    assert!(value(&text, "oldest_open_order_age_seconds") > 86_400.0, "{text}");
    assert!(value(&text, "state_free_bytes") > 1e6, "{text}");
    is_taken(&text);
    drop(worker);
    std::fs::write(plugin.state("done/1.json"), "{").unwrap();
    plugin.write_config(&json!({ "bogus": 1 }));
    let text = page(&plugin, &[]);
    assert_eq!(value(&text, "unreadable_files{kind=\"order\"}").to_string(), "1");
    assert_eq!(value(&text, "configuration_valid").to_string(), "0");
    assert_eq!(value(&text, "worker_alive").to_string(), "0", "to look starts no worker");
}

#[test]
fn the_page_tells_of_deliveries_and_webhooks() {
    let plugin = Plugin::with_servers(1);
    let good = Receiver::answering(|_| Reply::status(200));
    let bad = Receiver::answering(|_| Reply::status(503));
    plugin.hook("good", "generic", &good, &SOON);
    plugin.hook("bad", "generic", &bad, &SOON);
    plugin.sold();
    plugin.are("good", 1, "delivered");
    plugin.are("bad", 1, "dead");
    plugin.settled();
    plugin.run(&["webhooks", "update", "good", "--disabled"]).prints();
    let text = page(&plugin, &[]);
    for (sample, expected) in [
        ("deliveries{webhook=\"good\",outcome=\"delivered\"}", 1),
        ("deliveries{webhook=\"good\",outcome=\"pending\"}", 0),
        ("deliveries{webhook=\"bad\",outcome=\"dead\"}", 1),
        ("delivery_attempts{webhook=\"good\",result=\"delivered\"}", 1),
        ("delivery_attempts{webhook=\"bad\",result=\"http_5xx\"}", 2),
        ("delivery_attempts{webhook=\"bad\",result=\"no_reply\"}", 0),
        ("oldest_pending_delivery_age_seconds{webhook=\"bad\"}", 0),
        ("webhook_disabled{webhook=\"good\",by=\"administrator\"}", 1),
        ("webhook_disabled{webhook=\"bad\",by=\"failures\"}", 0),
    ] {
        assert_eq!(value(&text, sample).to_string(), expected.to_string(), "{sample}: {text}");
    }
    is_taken(&text);
}

#[test]
fn the_balance_is_asked_for_only_where_it_is_wanted() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    assert!(!page(&plugin, &[]).contains("_balance"));
    assert!(hoster.requests().is_empty());
    let text = page(&plugin, &["--balance"]);
    assert_eq!(value(&text, "balance{currency=\"EUR\"}").to_string(), "12.5");
    assert_eq!(value(&text, "hoster_up").to_string(), "1");
    is_taken(&text);
    hoster.shut();
    let config = std::fs::read_to_string(plugin.etc("demo.conf")).unwrap();
    let nowhere = config.replace(&hoster.url(), "http://127.0.0.1:1");
    plugin.write_private("demo.conf", &nowhere);
    let text = page(&plugin, &["--balance"]);
    assert_eq!(value(&text, "hoster_up").to_string(), "0");
    assert!(!text.contains("webdir_provider_balance{"), "{text}");
    is_taken(&text);
    hoster.open();
}

#[test]
fn a_page_and_its_description_name_the_same_metrics_with_the_same_labels() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let receiver = Receiver::answering(|_| Reply::status(200));
    plugin.hook("hook", "generic", &receiver, &[]);
    drop(plugin.hold_worker_lock());
    let mut printed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in page(&plugin, &["--balance"]).lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once('{').unwrap();
        let name =
            ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| name.trim_end_matches(end));
        let labels = rest.split("=\"").map(|part| part.rsplit(['"', ',']).next().unwrap());
        let labels = labels.filter(|label| !["provider", "le"].contains(label));
        let labels = labels.filter(|label| !label.contains('}')).map(ToOwned::to_owned);
        printed.entry(name.to_owned()).or_default().extend(labels);
    }
    let described = std::fs::read_to_string(at_root("docs/monitoring/README.md")).unwrap();
    let rows = described.lines().filter(|line| line.starts_with("| `webdir_provider_"));
    let described: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let words = cells[2].split_whitespace().map(|word| word.trim_matches('`').to_owned());
            (cells[1].trim_matches('`').to_owned(), words.collect())
        })
        .collect();
    assert_eq!(printed, described);
}

#[test]
fn a_file_is_replaced_in_one_piece_and_anybody_may_read_it() {
    let plugin = Plugin::with_servers(1);
    let folder = plugin.root().join("collector");
    std::fs::create_dir(&folder).unwrap();
    let target = folder.join("webdir-demo.prom");
    let outside = plugin.root().join("outside");
    std::fs::write(&outside, "as it was").unwrap();
    std::os::unix::fs::symlink(&outside, &target).unwrap();
    let words = ["metrics", "--output", target.to_str().unwrap()];
    assert_eq!(plugin.run(&words).prints(), "");
    let metadata = target.symlink_metadata().unwrap();
    assert!(metadata.is_file(), "the link was replaced, not followed");
    assert_eq!(metadata.mode() & 0o7777, 0o644);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "as it was");
    is_taken(&std::fs::read_to_string(&target).unwrap());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");

    for wrong in [folder.join("no/such.prom"), folder.clone()] {
        let answer = plugin.run(&["metrics", "--output", wrong.to_str().unwrap()]);
        assert!(answer.stderr.contains(wrong.to_str().unwrap()), "{answer:?}");
        assert_eq!(answer.status, Some(2), "{answer:?}");
    }
}

#[test]
fn root_writes_the_file_and_the_owner_reads_the_provider() {
    if !is_root() {
        return skip("only root can give files away");
    }
    let plugin = Plugin::with_servers(2);
    chmod(plugin.root(), 0o755);
    plugin.sold();
    plugin.settled();
    let given = Command::new("chown").args(["-R", "12345:12345"]).arg(plugin.holder()).status();
    assert!(given.unwrap().success());
    let folder = plugin.root().join("collector");
    std::fs::create_dir(&folder).unwrap();
    chmod(&folder, 0o755);
    let target = folder.join("webdir-demo.prom");
    assert_eq!(plugin.run(&["metrics", "--output", target.to_str().unwrap()]).prints(), "");
    let metadata = target.metadata().unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (0, 0o644));
    let text = std::fs::read_to_string(&target).unwrap();
    let sample = "orders{configuration=\"1\",state=\"finished\",status=\"finished\"}";
    assert_eq!(value(&text, sample).to_string(), "1");
    for file in plugin.files() {
        let owner = plugin.state(&file).symlink_metadata().unwrap().uid();
        assert_eq!(owner, 12345, "state/{file}");
    }
    // What cannot be read is an error of the call, and the file stays as it was.
    std::fs::remove_dir_all(plugin.state("done")).unwrap();
    std::fs::write(plugin.state("done"), "").unwrap();
    let answer = plugin.run(&["metrics", "--output", target.to_str().unwrap()]);
    assert!(answer.status != Some(0) && answer.stderr.contains("done"), "{answer:?}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), text);
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_alerts_are_sound_fire_when_they_should_and_are_described() {
    let folder = at_root("docs/monitoring");
    let rules = std::fs::read_to_string(folder.join("alerts.yml")).unwrap();
    let alerts: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let told: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `Provider")?.split('`').next())
        .collect();
    let names: Vec<&str> = alerts.iter().filter_map(|name| name.strip_prefix("Provider")).collect();
    assert_eq!(told, names);
    let tests = std::fs::read_to_string(folder.join("alerts_test.yml")).unwrap();
    for alert in &alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
    let Some(tool) = promtool() else { return };
    for words in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let output = Command::new(&tool).args(words).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
}
