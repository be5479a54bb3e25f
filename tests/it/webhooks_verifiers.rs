//! What is sent can be verified by code that is not ours: the libraries of Standard Webhooks, the
//! command line of openssl, and what `docs/webhooks.md` tells receivers to write.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::hooks::SECRET;
use crate::support::hoster::request::Seen;
use crate::support::mount::has;
use crate::support::page::at_root;
use crate::support::plugin::Plugin;
use crate::support::receiver::Receiver;
use crate::support::skip;
use crate::support::verifiers::{Libraries, VERIFIED, fed, openssl};

const OTHER: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy";
const NO_MATCH: &str = "No matching signature found";

/// Returns what a webhook with that secret was sent about an order.
#[track_caller]
fn sent(kind: &str, secret: &str, more: &[&str]) -> (Plugin, Receiver, Seen) {
    let (plugin, receiver) = (Plugin::with_servers(2), Receiver::start());
    let file = plugin.private("hook.secret", secret);
    plugin.hook("hook", kind, &receiver, &[&["--secret-file", file.as_str()], more].concat());
    plugin.order();
    let seen = receiver.only();
    (plugin, receiver, seen)
}

#[test]
fn the_libraries_agree_with_the_known_vector() {
    let Some(libraries) = Libraries::new() else { return };
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1700000000"),
        ("webhook-signature", "v1,WUgAXU8H0NQ1/7M+TtMwKma2b74a3/TCgekiM3YUdN8="),
    ];
    let seen = Seen {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: b"{\"a\":1}".to_vec(),
        at: std::time::Instant::now(),
    };
    let since = 1_700_000_000 - jiff::Timestamp::now().as_second();
    assert_eq!(libraries.verify_later(&seen, SECRET, since), VERIFIED);
    assert_eq!(libraries.verify_later(&seen, OTHER, since), NO_MATCH);
    assert_eq!(libraries.verify(&seen, SECRET), "Message timestamp too old");
    let signed = openssl(b"{\"event\":\"order.finished\"}", "topsecret");
    assert_eq!(signed, "0e+2ufTnifhdNUE7KzJbmDc8TQrstOZrYf+LjhpPvvA=");
}

#[test]
fn every_kind_that_is_signed_verifies_with_the_right_key_in_time_and_unchanged() {
    let Some(libraries) = Libraries::new() else { return };
    let text = ["--form", "text={{ event.type }}"];
    let kinds = [("generic", &[][..]), ("cloudstack", &[]), ("solusvm2", &[]), ("template", &text)];
    for (kind, more) in kinds {
        let (_plugin, _receiver, mut seen) = sent(kind, SECRET, more);
        let later = |seconds| libraries.verify_later(&seen, SECRET, seconds);
        assert_eq!((kind, later(0).as_str()), (kind, VERIFIED));
        assert_eq!((kind, later(290).as_str()), (kind, VERIFIED));
        assert_eq!((kind, later(310).as_str()), (kind, "Message timestamp too old"));
        assert_eq!((kind, later(-310).as_str()), (kind, "Message timestamp too new"));
        assert_eq!((kind, libraries.verify(&seen, OTHER).as_str()), (kind, NO_MATCH));
        seen.body.push(b' ');
        assert_eq!((kind, libraries.verify(&seen, SECRET).as_str()), (kind, NO_MATCH));
        seen.body.pop();
        seen.headers.insert("webhook-id".to_owned(), "another".to_owned());
        assert_eq!((kind, libraries.verify(&seen, SECRET).as_str()), (kind, NO_MATCH));
    }
}

#[test]
fn a_text_that_is_no_whsec_is_the_key_as_it_stands() {
    let Some(libraries) = Libraries::new() else { return };
    let secret = "schlüssel ohne Vorsatz";
    let (_plugin, _receiver, seen) = sent("generic", secret, &[]);
    assert_eq!(libraries.verify(&seen, secret), VERIFIED);
    assert_eq!(libraries.verify(&seen, SECRET), NO_MATCH);
}

#[test]
fn both_keys_verify_during_a_rotation_and_the_old_one_no_longer_after_it() {
    let Some(libraries) = Libraries::new() else { return };
    let (plugin, receiver, _) = sent("generic", SECRET, &[]);
    let printed = plugin.run(&["webhooks", "rotate", "hook"]).prints().to_owned();
    let new = printed.split_whitespace().find(|word| word.starts_with("whsec_"));
    let new = new.expect("the new secret is shown once");
    plugin.order();
    let seen = receiver.wait_for(2).remove(1);
    for secret in [SECRET, new] {
        assert_eq!(libraries.verify(&seen, secret), VERIFIED);
    }
    assert_eq!(libraries.verify(&seen, OTHER), NO_MATCH);

    plugin.settled();
    plugin.edit_etc("webhooks.json", |file| {
        let secrets = file["webhooks"][0]["secrets"].as_array_mut().unwrap();
        assert_eq!(secrets.len(), 2);
        assert!(secrets[1]["expires_at"].is_string(), "the old one ends");
        secrets[1]["expires_at"] = "2026-01-02T03:04:05Z".into();
    });
    let id = plugin.deliveries().remove(0)["id"].as_str().unwrap().to_owned();
    plugin.run(&["deliveries", "redeliver", &id]).prints();
    let seen = receiver.wait_for(3).remove(2);
    assert_eq!(libraries.verify(&seen, new), VERIFIED);
    assert_eq!(libraries.verify(&seen, SECRET), NO_MATCH);
}

#[test]
fn the_signature_of_cloudstack_is_what_openssl_says() {
    for secret in ["topsecret", SECRET, "schlüssel"] {
        let (_plugin, _receiver, seen) = sent("cloudstack", secret, &[]);
        assert_eq!(seen.headers["x-cs-signature"], openssl(&seen.body, secret), "{secret}");
    }
}

/// A program of `docs/receivers.md` that ends with 0 where a message is genuine.
struct Program {
    interpreter: &'static str,
    file: tempfile::NamedTempFile,
}

impl Program {
    /// Returns the one of that name; none, with a line that says why, where it cannot be run.
    #[track_caller]
    fn named(name: &str) -> Option<Self> {
        Self::marked("verify", name)
    }

    /// As [`Program::named`], for what the page marks with another word.
    #[track_caller]
    fn marked(word: &str, name: &str) -> Option<Self> {
        let interpreter = match name.rsplit('-').next().unwrap() {
            "shell" => "sh",
            "php" => "php",
            _ => "python3",
        };
        if !has(interpreter) {
            skip(&format!("there is no {interpreter}"));
            return None;
        }
        let page = std::fs::read_to_string(at_root("docs/receivers.md")).unwrap();
        let mark = format!("<!-- {word}: {name} -->\n```");
        let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no `{mark}`"));
        let (_, rest) = rest.split_once('\n').unwrap();
        let (program, _) = rest.split_once("\n```\n").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, format!("{program}\n")).unwrap();
        Some(Self { interpreter, file })
    }

    /// Returns whether it finds a message genuine.
    #[track_caller]
    fn agrees(&self, seen: &Seen, secret: &str) -> bool {
        let mut command = Command::new(self.interpreter);
        command.arg(self.file.path()).env("WEBHOOK_SECRET", secret);
        for (name, value) in &seen.headers {
            let name = name.to_ascii_uppercase().replace('-', "_");
            command.env(format!("HTTP_{name}"), value);
        }
        let output = fed(&mut command, &seen.body);
        // A traceback would be a refusal too.
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
        match output.status.code() {
            Some(0) => true,
            Some(1) => false,
            _ => panic!("{output:?}"),
        }
    }
}

/// Returns the message as if it had been signed that many seconds from now.
fn signed_later(seen: &Seen, secret: &str, later: i64) -> Seen {
    let mut seen = seen.clone();
    let timestamp = (jiff::Timestamp::now().as_second() + later).to_string();
    let id = &seen.headers["webhook-id"];
    let text = [format!("{id}.{timestamp}.").as_bytes(), &seen.body].concat();
    let signature = format!("v1,{}", openssl(&text, secret));
    seen.headers.insert("webhook-timestamp".to_owned(), timestamp);
    seen.headers.insert("webhook-signature".to_owned(), signature);
    seen
}

#[test]
fn the_programs_of_the_documentation_verify() {
    // As it stands: then openssl can be asked for signatures of another time.
    const PLAIN: &str = "a plain secret";
    for name in ["shell", "php", "python"] {
        let Some(program) = Program::named(name) else { continue };
        let (plugin, receiver, mut seen) = sent("generic", SECRET, &[]);
        assert!(program.agrees(&seen, SECRET), "{name}");
        assert!(!program.agrees(&seen, OTHER), "{name}: another key");
        assert!(!program.agrees(&seen, ""), "{name}: no key");
        seen.body.push(b'\n');
        assert!(!program.agrees(&seen, SECRET), "{name}: another body");

        plugin.run(&["webhooks", "rotate", "hook"]).prints();
        plugin.order();
        let seen = receiver.wait_for(2).remove(1);
        assert!(program.agrees(&seen, SECRET), "{name}: both sign");

        let (_plugin, _receiver, mut seen) = sent("generic", PLAIN, &[]);
        assert!(program.agrees(&seen, PLAIN), "{name}");
        for (later, agrees) in [(0, true), (-200, true), (200, true), (-400, false), (400, false)] {
            let told = program.agrees(&signed_later(&seen, PLAIN, later), PLAIN);
            assert_eq!(told, agrees, "{name}: {later} s");
        }
        for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let value = seen.headers.remove(header).unwrap();
            assert!(!program.agrees(&seen, PLAIN), "{name}: no {header}");
            seen.headers.insert(header.to_owned(), value);
        }
    }
}

#[test]
fn the_programs_of_the_documentation_verify_what_cloudstack_sends() {
    for name in ["cloudstack-shell", "cloudstack-php", "cloudstack-python"] {
        let Some(program) = Program::named(name) else { continue };
        let (_plugin, _receiver, mut seen) = sent("cloudstack", SECRET, &[]);
        assert!(program.agrees(&seen, SECRET), "{name}");
        assert!(!program.agrees(&seen, OTHER), "{name}: another key");
        assert!(!program.agrees(&seen, ""), "{name}: no key");
        seen.body.push(b'\n');
        assert!(!program.agrees(&seen, SECRET), "{name}: another body");
        seen.headers.remove("x-cs-signature");
        assert!(!program.agrees(&seen, SECRET), "{name}: no header");
    }
}

#[test]
fn the_receiver_of_the_documentation_tells_what_is_genuine() {
    let Some(receiver) = Program::marked("receiver", "python") else { return };
    let Some(verifier) = Program::named("python") else { return };
    for (secret, word, state) in [(SECRET, "genuine", "delivered"), (OTHER, "REFUSED", "pending")] {
        let mut command = Command::new(receiver.interpreter);
        command.arg(receiver.file.path()).arg("0").arg(verifier.interpreter);
        command.arg(verifier.file.path()).env("WEBHOOK_SECRET", secret).stdout(Stdio::piped());
        let mut running = command.spawn().unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let url = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("{first}"));

        let plugin = Plugin::with_servers(1);
        let file = plugin.private("hook.secret", SECRET);
        let words = ["webhooks", "create", "--name", "try", "--kind", "generic", "--url", url];
        plugin.run(&[&words[..], &["--secret-file", &file]].concat()).prints();
        plugin.order();
        let line = lines.next().unwrap();
        let delivery = plugin.tried("try", 1);
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(line.starts_with(&format!("{word} ")), "{line}");
        assert!(line.contains("\"type\":\"order.finished\""), "{line}");
        assert_eq!(delivery["state"], state, "{delivery}");
    }
}
