//! What a call costs beside the least that any program could do, and beside what people would write.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::provider::Provider;
use crate::setting::Setting;
use crate::table::{Table, note};
use crate::time::{in_turn, spawn, time};

/// Languages of the scripts: what they are called, who runs them, and where they are.
const SCRIPTS: [(&str, &str, &str); 3] = [
    ("Perl", "perl", "plugin.pl"),
    ("Python", "python3", "plugin.py"),
    ("shell", "sh", "plugin.sh"),
];

/// Compares the words that change nothing with a C program that prints the same.
pub(crate) fn run(setting: &mut Setting) {
    let provider = setting.provider("start", 250);
    let id = provider.finished_order();
    let mut table = Table::new("median of 500 spawns read to the end", "minimal C");
    for words in [&["help"][..], &["configs"], &["order_status", &id]] {
        let (ours, minimal) = beside_minimal(&setting.folder("start"), &provider, words);
        table.times(&words.join(" "), ours, minimal);
    }
    setting.keep("start", table);
}

/// Returns the medians of ours and of a C program that prints the same bytes, run in turn.
pub(crate) fn beside_minimal(
    folder: &Path,
    provider: &Provider,
    words: &[&str],
) -> (Duration, Duration) {
    let minimal = minimal(folder, &provider.answer(words));
    let [ours, theirs] = in_turn(500, [&mut || provider.call(words), &mut || spawn(&minimal, &[])]);
    (ours, theirs)
}

/// Compiles the program that prints an answer.
pub(crate) fn minimal(folder: &Path, answer: &[u8]) -> PathBuf {
    let text = String::from_utf8_lossy(answer).replace('\\', "\\\\").replace('"', "\\\"");
    let define = format!("-DANSWER=\"{}\"", text.replace('\n', "\\n"));
    compile(folder, "minimal", &[&define])
}

/// Compiles a reference: static, against musl where its compiler is there.
pub(crate) fn compile(folder: &Path, name: &str, flags: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(name);
    let compile = |compiler: &str| {
        let mut command = Command::new(compiler);
        command.args(["-O2", "-static"]).args(flags).arg("-o").arg(&path);
        command.arg(source.with_extension("c")).status()
    };
    if !compile("musl-gcc").is_ok_and(|status| status.success()) {
        note("(no musl-gcc: the reference is linked against the system's C library)");
        assert!(compile("cc").expect("a C compiler").success());
    }
    path
}

/// Compares all four words with scripts that do the same.
pub(crate) fn scripts(setting: &mut Setting) {
    let provider = setting.provider("scripts", 250);
    let id = provider.finished_order();
    provider.settled();
    let _lock = provider.be_the_worker();
    let mut table = Table::new("median of 40, a script that does the same", "script");
    for word in ["help", "configs", "order_status", "order"] {
        for script in installed(&setting.folder("scripts"), &provider, &id) {
            let words: &[&str] = match word {
                "order" => &["order", "1"],
                "order_status" => &["order_status", &id],
                word => &[word],
            };
            let [ours, theirs] = in_turn(
                40,
                [&mut || provider.call(words), &mut || time(script.command().args(words))],
            );
            table.times(&format!("{word}, {}", script.language), ours, theirs);
        }
    }
    setting.keep("scripts", table);
}

/// A plugin that is a script, with its configuration file.
pub(crate) struct Script {
    pub(crate) language: &'static str,
    interpreter: PathBuf,
    path: PathBuf,
}

impl Script {
    /// Returns a command that calls it; its words are yet to come.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(&self.path).env_clear().env("PATH", "/usr/bin:/bin");
        command
    }
}

/// Installs the scripts beside a provider, with its configurations and its order.
pub(crate) fn installed(folder: &Path, provider: &Provider, id: &str) -> Vec<Script> {
    let mut scripts = Vec::new();
    for (language, interpreter, file) in SCRIPTS {
        let interpreter = Path::new("/usr/bin").join(interpreter);
        let needs_jq = language == "shell" && !Path::new("/usr/bin/jq").exists();
        if !interpreter.exists() || needs_jq {
            note(&format!(
                "(no {}: its script is left out)",
                if needs_jq { "jq" } else { language }
            ));
            continue;
        }
        let holder = folder.join(language);
        for part in ["bin", "etc", "orders"] {
            std::fs::create_dir_all(holder.join(part)).expect("a folder");
        }
        let path = holder.join("bin/plugin");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(file);
        std::fs::copy(source, &path).expect("a copy of the script");
        let config = provider.holder.join("etc/bench.conf");
        std::fs::copy(config, holder.join("etc/plugin.conf")).expect("a copy of it");
        let order = json!({ "task_id": id, "status": "finished", "server": "10.0.0.1",
            "server_password": "aB3dE6gH9jK2mN5pQ8sT1vW4" });
        let path_of_order = holder.join(format!("orders/{id}.json"));
        std::fs::write(path_of_order, order.to_string()).expect("written");
        scripts.push(Script { language, interpreter, path });
    }
    scripts
}
