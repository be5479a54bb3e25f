use std::fs::{create_dir_all, read_to_string};
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Access, LARGEST, SCRIPT, compose};

const PASSWORD: Access<'_> = Access::Password("canaryPassword1234567890");
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8 it's";

/// The parts of a message: content type and decoded text.
fn parts(message: &str) -> Vec<(String, String)> {
    assert!(message.starts_with("Content-Type: multipart/mixed; boundary=\""), "{message}");
    assert!(message.contains("\nMIME-Version: 1.0\n"));
    let boundary = message.split('"').nth(1).unwrap();
    let end = format!("\n--{boundary}--\n");
    let body = message.strip_suffix(&end).unwrap();
    body.split(&format!("\n--{boundary}\n"))
        .skip(1)
        .map(|part| {
            let (headers, text) = part.split_once("\n\n").unwrap();
            let kind = headers.split(": ").nth(1).unwrap().split(';').next().unwrap();
            if headers.contains("base64") {
                assert!(text.lines().all(|line| line.len() <= 76));
                let bytes = STANDARD.decode(text.replace('\n', "")).unwrap();
                (kind.to_owned(), String::from_utf8(bytes).unwrap())
            } else {
                (kind.to_owned(), part.to_owned())
            }
        })
        .collect()
}

fn config(text: &str) -> Value {
    serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap()
}

#[test]
fn a_password_is_set_for_root_unexpired_in_the_words_of_old_and_new_releases() {
    let mut config = config(&compose(PASSWORD, "webdir-17", None).unwrap());
    let command = config["bootcmd"][0].take();
    assert_eq!(command[5], SCRIPT);
    assert_eq!(command[7], "password");
    assert_eq!(command[8], "canaryPassword1234567890");
    assert_eq!(
        config,
        json!({
            "hostname": "webdir-17", "bootcmd": [null], "ssh_pwauth": true, "disable_root": false,
            "chpasswd": {
                "expire": false,
                "list": ["root:canaryPassword1234567890"],
                "users": [{"name": "root", "password": "canaryPassword1234567890", "type": "text"}],
            },
        })
    );
}

#[test]
fn a_key_is_installed_for_root_and_no_password_is_set() {
    let text = compose(Access::Key(KEY), "webdir-17", None).unwrap();
    let config = config(&text);
    assert_eq!(config["ssh_authorized_keys"], json!([KEY]));
    assert_eq!(config["disable_root"], false);
    assert_eq!(config["bootcmd"][0][8], KEY);
    assert!(config.get("chpasswd").is_none() && config.get("ssh_pwauth").is_none());
}

#[test]
fn own_user_data_comes_first_and_what_the_pool_needs_is_patched_in_behind_it() {
    let text = compose(PASSWORD, "webdir-17", Some("#cloud-config\nssh_pwauth: false\n")).unwrap();
    let parts = parts(&text);
    let kinds: Vec<&str> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["text/plain", "text/cloud-config", "text/cloud-config-jsonp"]);
    assert_eq!(parts[0].1, "#cloud-config\nssh_pwauth: false\n");
    let merged = config(&parts[1].1);
    assert_eq!(merged["merge_how"][0], json!({"name": "list", "settings": ["append"]}));
    assert!(merged["bootcmd"].is_array() && merged.get("ssh_pwauth").is_none());
    let patch = parts[2].1.strip_prefix("#cloud-config-jsonp\n").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(patch).unwrap(),
        json!([
            {"op": "add", "path": "/chpasswd/expire", "value": false},
            {"op": "add", "path": "/disable_root", "value": false},
            {"op": "add", "path": "/ssh_pwauth", "value": true},
        ])
    );
}

#[test]
fn own_user_data_that_is_a_message_becomes_a_part_as_it_is() {
    for line_end in ["\n", "\r\n"] {
        let own = [
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=\"b\"",
            "",
            "--b",
            "Content-Type: text/x-shellscript",
            "",
            "#!/bin/sh",
            "--b--",
        ]
        .join(line_end);
        let text = compose(PASSWORD, "webdir-17", Some(&own)).unwrap();
        let boundary = text.split('"').nth(1).unwrap();
        assert!(text.contains(&format!("\n--{boundary}\n{own}\n--{boundary}\n")), "{text}");
    }
}

#[test]
fn every_beginning_that_cloud_init_knows_is_taken() {
    for own in [
        "#!/bin/sh\ntrue",
        "#Cloud-Config\n{}",
        "\n  #cloud-config-archive\n[]",
        "#include https://example.com/\n",
        "#include-once\nhttps://example.com/\n",
        "#cloud-boothook\n#!/bin/sh\n",
        "#part-handler\n",
        "## template: jinja\n#cloud-config\n{}",
        "#!/bin/sh\ncat <<E\nMIME-Version: 1.0\nE\n",
    ] {
        let text = compose(PASSWORD, "webdir-17", Some(own)).unwrap();
        assert_eq!(parts(&text)[0], ("text/plain".to_owned(), own.to_owned()));
    }
    assert!(compose(PASSWORD, "webdir-17", Some(" \n")).unwrap().starts_with("#cloud-config\n"));
}

#[test]
fn what_cloud_init_would_ignore_is_refused_with_what_it_knows_and_without_the_text() {
    for own in [
        "packages: [canary]",
        "canary",
        "Subject: canary\n\nMIME-Version: 1.0\n",
        "\n MIME-Version: 1.0\ncanary",
        "H4sIAAAcanary",
    ] {
        let problem = compose(PASSWORD, "webdir-17", Some(own)).unwrap_err();
        assert!(problem.contains("`#cloud-config`") && problem.contains("`## template: jinja`"));
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn what_no_hoster_takes_is_refused() {
    let own = format!("#!/bin/sh\n{}", "x".repeat(LARGEST));
    let problem = compose(PASSWORD, "webdir-17", Some(&own)).unwrap_err();
    assert!(problem.contains("16384"), "{problem}");
}

#[test]
fn passwords_keys_and_host_names_with_more_in_them_are_refused() {
    for password in ["", "a b", "canary'", "canary\n", "canaryÄ"] {
        let problem = compose(Access::Password(password), "webdir-17", None).unwrap_err();
        assert!(!problem.contains("canary"), "{problem}");
    }
    for key in ["", "ssh-ed25519 x", &format!("{KEY}\nmore")] {
        compose(Access::Key(key), "webdir-17", None).unwrap_err();
    }
    for name in ["", "-x", "a b", "a\nb", "ä"] {
        compose(PASSWORD, name, None).unwrap_err();
    }
}

/// Runs the script as a server does, in a folder instead of `/`.
fn run_script(root: &Path, kind: &str, value: &str) {
    let at = |path: &str| root.join(path).display().to_string();
    create_dir_all(at("etc/ssh")).unwrap();
    let stubs = "chpasswd() { cat >\"$ROOT/chpasswd\"; }\nsystemctl() { echo \"$@\" >>\"$ROOT/systemctl\"; }\n\
                 restorecon() { :; }\n";
    let script = SCRIPT.replace("/etc/ssh", &at("etc/ssh")).replace("/root", &at("root"));
    let ended = Command::new("sh")
        .args(["-c", &format!("{stubs}{script}"), "sh", kind, value])
        .env("ROOT", root)
        .output()
        .unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
fn put(path: &Path, text: &str) {
    create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What sshd makes of a configuration, in lower case; none where there is no sshd.
fn effective(main: &Path) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let keygen =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !keygen.is_ok_and(|status| status.success()) {
        return None;
    }
    let output = Command::new("/usr/sbin/sshd")
        .arg("-T")
        .arg("-f")
        .arg(main)
        .arg("-h")
        .arg(key)
        .output()
        .ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// An image's `sshd_config`, given its line that includes others.
type Main = fn(String) -> String;

#[test]
fn the_script_lets_root_in_whatever_the_images_sshd_config_says() {
    let include =
        |root: &Path| format!("Include {}/etc/ssh/sshd_config.d/*.conf\n", root.display());
    let images: [(&str, Main, bool); 5] = [
        (
            "comments only",
            |_| "#PermitRootLogin yes\n#Include /etc/ssh/sshd_config.d/*.conf\n".into(),
            false,
        ),
        (
            "no include",
            |_| {
                "PermitRootLogin no\nPasswordAuthentication no\nMatch User x\nPermitTTY no\n".into()
            },
            false,
        ),
        ("include first", |include| format!("# a\n{include}PasswordAuthentication no\n"), true),
        ("include too late", |include| format!("permitrootlogin=no\n{include}"), false),
        ("include behind a match", |include| format!("Match User x\n{include}"), false),
    ];
    for (image, main, by_file) in images {
        let root = tempfile::tempdir().unwrap();
        let config = root.path().join("etc/ssh/sshd_config");
        let main = main(include(root.path()));
        put(&config, &main);
        put(
            &root.path().join("etc/ssh/sshd_config.d/00-image.conf"),
            "PermitRootLogin no\nPasswordAuthentication no\n",
        );
        run_script(root.path(), "password", "canaryPassword");
        let once = read_to_string(&config).unwrap();
        run_script(root.path(), "password", "canaryPassword");
        assert_eq!(read_to_string(&config).unwrap(), once, "{image}: twice is once");
        assert_eq!(once == main, by_file, "{image}");
        assert!(once.ends_with(&main), "{image}: {once}");
        assert_eq!(read_to_string(root.path().join("chpasswd")).unwrap(), "root:canaryPassword\n");
        if let Some(effective) = effective(&config) {
            assert!(effective.contains("permitrootlogin yes\n"), "{image}");
            assert!(effective.contains("passwordauthentication yes\n"), "{image}");
        }
        let units = read_to_string(root.path().join("systemctl")).unwrap();
        assert!(units.starts_with(
            "--no-block try-restart ssh.service\n--no-block try-restart sshd.service\n"
        ));
    }
}

#[test]
fn the_script_installs_a_key_once_behind_those_that_are_there() {
    let root = tempfile::tempdir().unwrap();
    let keys = root.path().join("root/.ssh/authorized_keys");
    put(&keys, "ssh-rsa AAAA last line without an end");
    put(&root.path().join("etc/ssh/sshd_config"), "PermitRootLogin no\n");
    for _ in 0..2 {
        run_script(root.path(), "key", KEY);
        let text = read_to_string(&keys).unwrap();
        assert_eq!(text, format!("ssh-rsa AAAA last line without an end\n{KEY}\n"));
    }
    assert!(!root.path().join("chpasswd").exists());
    if let Some(effective) = effective(&root.path().join("etc/ssh/sshd_config")) {
        // Releases say it in either way.
        assert!(
            effective.contains("permitrootlogin without-password\n")
                || effective.contains("permitrootlogin prohibit-password\n")
        );
    }
}

proptest! {
    #[test]
    fn own_user_data_survives_whatever_is_in_it(
        first in prop::sample::select(vec!["#!", "#cloud-config", "## template: jinja", "#include"]),
        rest in "(\\PC|\n|\r|\t|--webdir-|\n\n){0,200}",
    ) {
        let own = format!("{first}{rest}");
        let text = compose(PASSWORD, "webdir-17", Some(&own)).unwrap();
        let parts = parts(&text);
        prop_assert_eq!(parts.len(), 3);
        prop_assert_eq!(&parts[0].1, &own);
        config(&parts[1].1);
    }

    #[test]
    fn no_user_data_makes_the_composer_fail(own in "(\\PC|MIME-Version:|\n|\r|:){0,100}") {
        let _ = compose(PASSWORD, "webdir-17", Some(&own));
    }
}
