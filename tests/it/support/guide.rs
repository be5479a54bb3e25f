//! What the pages on webhooks show: their commands, the files that these name, the bodies of
//! templates.

use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::answer::Answer;
use super::plugin::{NAME, Plugin};

/// What files hold that a page names but does not show, by how their names end.
const FILES: [(&str, &str); 5] = [
    ("url", "https://receiver.example/services/T0/B0/x\n"),
    ("token", "sampleToken\n"),
    ("secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n"),
    ("headers", "Authorization: Bearer sampleToken\n"),
    ("params", r#"{ "secret": "sampleSecret" }"#),
];

/// Returns the commands on webhooks in a page's blocks of shell, those on several lines in one.
pub(crate) fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let text: String = blocks.map(|block| block.replace("\\\n", " ") + "\n").collect();
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    let ours = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| word.starts_with("bin/"))
            && words.next().is_some_and(|word| word == "webhooks" || word == "deliveries")
    };
    lines.filter(ours).map(ToOwned::to_owned).collect()
}

/// Returns the bodies of templates that a page shows, by name.
pub(crate) fn templates(page: &str) -> Vec<(&str, &str)> {
    let marked = page.split("<!-- template: ").skip(1);
    marked
        .map(|rest| {
            let (name, rest) = rest.split_once(" -->\n<!-- schema: none -->\n```json\n").unwrap();
            (name, rest.split("\n```").next().unwrap_or_default())
        })
        .collect()
}

/// Lays the files that the commands of a page name into the provider's folder.
pub(crate) fn write_files(plugin: &Plugin, page: &str) {
    let write = |name: &str, text: &str| {
        std::fs::write(plugin.holder().join(name), text).expect("the file is written");
    };
    for (name, body) in templates(page) {
        write(&format!("{name}.json"), body);
    }
    let certificate = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    let text = STANDARD.encode(certificate.cert.der());
    write("shop.pem", &format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"));
    for command in commands(page) {
        for word in command.split([' ', '=']) {
            let known = FILES.iter().find(|(ending, _)| word.ends_with(&format!(".{ending}")));
            if let Some((_, text)) = known {
                write(word, text);
            }
        }
    }
}

/// Runs a page's command in the provider's folder as a shell does; a test of a webhook sends
/// nothing.
pub(crate) fn run(plugin: &Plugin, command: &str) -> Answer {
    let program = command.split_whitespace().next().unwrap_or_default();
    let mut line = command.replacen(program, &format!("bin/{NAME}"), 1);
    if line.contains(" deliveries test ") && !line.contains(" --dry-run") {
        line += " --dry-run";
    }
    let mut shell = plugin.program("/bin/sh");
    shell.args(["-c", &line]).current_dir(plugin.holder()).env_clear().stdin(Stdio::null());
    let output = shell.output().expect("a shell runs");
    Answer::of(vec![line], &output)
}
