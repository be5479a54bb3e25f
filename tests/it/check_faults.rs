//! `check` on a set-up that is broken: each fault is named in one finding, with its cure.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use nix::sys::statvfs::statvfs;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::support::hand::parsed;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::mount::{Mount, has};
use crate::support::plugin::{BINARY, Plugin};
use crate::support::receiver::Receiver;
use crate::support::sweep::Template;
use crate::support::{is_root, skip, wait_until};

/// Checks by the executable under test, whatever became of the provider's own.
#[track_caller]
fn findings(plugin: &Plugin) -> Vec<Value> {
    let mut command = Command::new(BINARY);
    command.arg("--home").arg(plugin.holder()).args(["check", "--json"]).env_clear();
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    parsed(&text)["findings"].as_array().unwrap().clone()
}

/// Expects just one finding of that subject and level whose message holds `part`, with a cure that
/// holds `cure`.
#[track_caller]
fn finds(plugin: &Plugin, [subject, level, part, cure]: [&str; 4]) {
    let all = findings(plugin);
    let holds = |value: &Value, part: &str| value.as_str().is_some_and(|text| text.contains(part));
    let fitting = all.iter().filter(|one| {
        one["subject"] == subject && one["level"] == level && holds(&one["message"], part)
    });
    let cured = fitting.clone().filter(|one| holds(&one["cure"], cure)).count();
    assert_eq!((fitting.count(), cured), (1, 1), "{subject}, {level}, {part}, {cure}: {all:#?}");
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_hoster_that_does_not_know_the_token_is_told_with_its_cure() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    plugin.write_private("hoster.token", "wrong");
    finds(&plugin, ["account", "error", "refused", "correct `credentials`"]);
    std::fs::remove_file(plugin.etc("hoster.token")).unwrap();
    finds(&plugin, ["configuration", "error", "credentials.token", "correct the file"]);
}

#[test]
fn an_authority_whose_file_cannot_be_read_is_told_with_its_cure() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let mut config = config(&hoster, "fake-unique");
    config["tls"] = json!({ "ca_file": "gone.pem" });
    plugin.write_private("demo.conf", &config.to_string());
    finds(&plugin, ["configuration", "error", "tls.ca_file: cannot read", "correct the file"]);
}

/// Returns an authority's certificate in PEM, and a server of it whose certificate has expired.
fn expired() -> (String, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let text = BASE64_STANDARD.encode(issuer.as_ref().der());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let text = lines.join("\n");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    (pem, Arc::new(config))
}

#[test]
fn a_hoster_whose_certificate_has_expired_is_told_with_its_cure() {
    let hoster = Hoster::start(Mode::of("fake-unique"));
    let plugin = Plugin::with_hoster(&hoster, "fake-unique");
    let (pem, tls) = expired();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&hoster, "fake-unique");
    config["base_url"] = format!("https://{}", listener.local_addr().unwrap()).into();
    config["tls"] = json!({ "ca_file": "ca.pem" });
    plugin.write_private("ca.pem", &pem);
    plugin.write_private("demo.conf", &config.to_string());
    // It ends with the tests: nobody connects any more.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&tls)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let _ = stream.read(&mut [0]);
            let _ = stream.flush();
        }
    });
    finds(&plugin, ["account", "error", "expired", "have it renewed, set this machine's clock"]);
}

#[test]
fn webhooks_that_cannot_be_used_are_told_with_their_cure() {
    let plugin = Plugin::with_servers(1);
    let receiver = Receiver::start();
    let url = plugin.private("url", &receiver.url());
    let words = ["webhooks", "create", "--name", "page", "--kind", "template", "--url-file", &url];
    plugin.run(&[&words[..], &["--form", "text=x"]].concat()).prints();
    let copies = std::fs::read_dir(plugin.etc("webhooks")).unwrap().flatten();
    let copy = copies.map(|entry| entry.path()).find(|path| path.is_file()).unwrap();
    std::fs::remove_file(copy).unwrap();
    finds(&plugin, ["webhooks", "error", "nothing can be sent to `page`", "correct the file"]);
    std::fs::write(plugin.etc("webhooks.json"), "{\"webhooks\":[{}]}").unwrap();
    chmod(&plugin.etc("webhooks.json"), 0o600);
    finds(&plugin, ["webhooks", "error", "etc/webhooks.json: ", "until then nothing is sent"]);
}

/// Copies a provider into a file system of its own.
fn in_memory(plugin: Plugin, options: &str) -> (Plugin, Mount, Template) {
    let template = Template::of(plugin);
    let mount = Mount::memory(options);
    let root = tempfile::tempdir_in(mount.path()).unwrap();
    (template.copy_into(root), mount, template)
}

#[test]
fn a_disk_that_is_full_is_told_with_its_cure() {
    if !is_root() {
        return skip("only root can mount a file system");
    }
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.settled();
    let (plugin, mount, _template) = in_memory(plugin, "size=3m,nr_inodes=2000");
    finds(&plugin, ["disk", "warning", "MiB are free", "free space"]);
    let free = fs2::available_space(mount.path()).unwrap();
    let ballast = mount.path().join("ballast");
    std::fs::write(&ballast, vec![0; usize::try_from(free).unwrap()]).unwrap();
    finds(&plugin, ["disk", "error", "the disk is full: 0 bytes are free", "free space or files"]);
    std::fs::remove_file(&ballast).unwrap();
    let files = statvfs(&mount.path()).unwrap().files_available();
    for number in 0..files {
        std::fs::write(mount.path().join(format!("ballast{number}")), "").unwrap();
    }
    finds(&plugin, ["disk", "error", "0 files can still be made", "free space or files"]);
    mount.remount("ro");
    finds(&plugin, ["disk", "error", "mounted for reading only", "mount it anew"]);
    mount.remount("rw");
}

#[test]
fn a_file_system_on_which_nothing_runs_is_told_with_its_cure() {
    if !is_root() {
        return skip("only root can mount a file system");
    }
    let (plugin, mount, _template) = in_memory(Plugin::with_servers(1), "size=200m");
    mount.remount("noexec");
    finds(&plugin, ["panel", "error", "is mounted `noexec`", "mount it without `noexec`"]);
}

#[test]
fn whoever_can_put_another_program_in_our_place_is_told_of() {
    let plugin = Plugin::with_servers(1);
    let providers = plugin.root().join("providers");
    chmod(&providers, 0o777);
    let found = ["executable", "error", "/providers can be changed by everybody", "chmod go-w"];
    finds(&plugin, found);
    chmod(&providers, 0o1777);
    assert!(
        findings(&plugin).iter().all(|one| one["subject"] != "executable" || one["level"] == "ok")
    );
    if !is_root() {
        return skip("only root can give folders away");
    }
    chmod(&providers, 0o755);
    std::os::unix::fs::chown(&providers, Some(12345), Some(12345)).unwrap();
    let found = ["executable", "error", "/providers can be changed by user 12345", "chown root"];
    finds(&plugin, found);
    std::os::unix::fs::chown(&providers, Some(0), Some(12345)).unwrap();
    chmod(&providers, 0o775);
    finds(&plugin, ["executable", "error", "can be changed by group 12345", "chmod go-w"]);
}

#[test]
fn a_file_of_another_user_is_told_with_its_cure() {
    if !is_root() {
        return skip("only root can give files away");
    }
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    std::os::unix::fs::chown(plugin.state("done/1.json"), Some(12345), None).unwrap();
    finds(&plugin, ["permissions", "warning", "done/1.json belongs to user 12345", "check --fix"]);
    finds(&plugin, ["orders", "error", "belongs to user 12345, not to 0", "mend the file"]);
}

#[test]
fn orders_of_the_future_are_told_of() {
    let plugin = Plugin::with_servers(2);
    plugin.sold();
    plugin.sold();
    plugin.settled();
    plugin.edit("done/2.json", |order| order["updated_at"] = "2199-01-01T00:00:00Z".into());
    finds(&plugin, ["clock", "warning", "order 2 was changed at 2199-01-01", "by NTP"]);
}

/// A process that holds the worker's lock and has signed it; it is ended when this is dropped.
struct Holder(Child);

impl Holder {
    /// Runs a copy of `sleep` that stands in `program`.
    fn of(plugin: &Plugin, program: &Path) -> Self {
        plugin.run(&["orders", "list"]).prints();
        drop(plugin.hold_worker_lock());
        std::fs::copy("/bin/sleep", program).unwrap();
        let path = plugin.state("worker.lock");
        let child = Command::new("flock").arg("--no-fork").args([&path, program]).arg("60").spawn();
        let child = child.unwrap();
        let text = format!("process {} (worker) since 2026-01-02T03:04:05Z", child.id());
        std::fs::write(&path, format!("{text:<95}\n")).unwrap();
        let exe = format!("/proc/{}/exe", child.id());
        wait_until("it holds the lock", || {
            plugin.worker_lives() && std::fs::read_link(&exe).is_ok_and(|file| file == program)
        });
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_that_does_not_move_is_told_with_its_cure() {
    if !has("flock") {
        return skip("there is no flock");
    }
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    let program = plugin.root().canonicalize().unwrap().join("worker");
    let holder = Holder::of(&plugin, &program);
    let id = nix::unistd::Pid::from_raw(holder.0.id().cast_signed());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let stat = format!("/proc/{id}/stat");
    wait_until("it is stopped", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
    let cure = format!("`kill -CONT {id}`");
    finds(&plugin, ["worker", "error", &format!("process {id}, is stopped"), &cure]);
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGCONT).unwrap();
    std::fs::remove_file(&program).unwrap();
    let cure = format!("`kill -KILL {id}`");
    finds(&plugin, ["worker", "warning", "runs a program that was replaced", &cure]);
}

#[test]
fn a_worker_that_cannot_live_is_told_with_its_cure() {
    let plugin = Plugin::with_servers(1);
    let held = plugin.hold_worker_lock();
    plugin.order();
    std::fs::copy("/bin/true", plugin.root().join("true")).unwrap();
    std::fs::rename(plugin.root().join("true"), plugin.executable()).unwrap();
    drop(held);
    let found = ["worker", "error", "a worker that is started ends at once", "run `work` by hand"];
    finds(&plugin, found);
}
