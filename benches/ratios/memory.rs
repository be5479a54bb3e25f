//! How much memory a call takes at most, beside a script that does the same.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::setting::Setting;
use crate::start::{compile, installed};
use crate::table::Table;

/// Compares the largest resident sets.
pub(crate) fn run(setting: &mut Setting) {
    let folder = setting.folder("memory");
    let provider = setting.provider("memory", 250);
    let id = provider.finished_order();
    provider.settled();
    let _lock = provider.be_the_worker();
    let ruler = compile(&folder, "memory", &[]);
    let words = |word: &str| match word {
        "order" => vec!["order".to_owned(), "1".to_owned()],
        "order_status" => vec![word.to_owned(), id.clone()],
        word => word.split(' ').map(str::to_owned).collect(),
    };
    let ours = |word: &str| {
        let mut command = Command::new(&provider.executable);
        peak(&ruler, command.args(words(word)))
    };
    // The least of C is too little for the kernel to count.
    let least = peak(&ruler, Command::new("/bin/sh").args(["-c", ":"]));
    let mut table = Table::new("memory at most", "idle sh");
    for word in ["help", "configs", "order_status", "order", "work --once", "orders list", "check"]
    {
        table.add(word, ours(word), least, "KiB");
    }
    setting.keep("memory", table);
    let mut table = Table::new("memory at most, a script that does the same", "script");
    for script in installed(&folder, &provider, &id) {
        for word in ["help", "order"] {
            let theirs = peak(&ruler, script.command().args(words(word)));
            table.add(&format!("{word}, {}", script.language), ours(word), theirs, "KiB");
        }
    }
    setting.keep("memory scripts", table);
}

/// Returns how many KiB a command took at most, what it started and waited for included.
fn peak(ruler: &Path, command: &mut Command) -> f64 {
    let mut measured = Command::new(ruler);
    measured.arg(command.get_program()).args(command.get_args());
    measured.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    let output = measured.output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().last().and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}
