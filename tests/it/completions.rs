//! `completions`: scripts that shells take, under the name that the program was called by.

use std::process::Command;

use crate::support::plugin::Plugin;
use crate::support::skip;

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Returns the script for a shell, in a file.
fn script(plugin: &Plugin, shell: &str) -> std::path::PathBuf {
    let path = plugin.root().join(shell);
    std::fs::write(&path, plugin.run(&["completions", shell]).prints()).unwrap();
    path
}

#[test]
fn every_script_is_one_that_its_shell_takes() {
    let plugin = Plugin::installed();
    for shell in SHELLS {
        let path = script(&plugin, shell);
        match Command::new(shell).arg("-n").arg(&path).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(_) => skip(&format!("{shell} is not installed")),
        }
    }
}

#[test]
fn scripts_know_the_words_of_both_doors_and_the_providers_name() {
    let plugin = Plugin::installed();
    for shell in SHELLS {
        let answer = plugin.run(&["completions", shell]);
        let text = answer.prints();
        for word in ["demo", "order_status", "orders", "preview", "redeliver", "--home"] {
            assert!(text.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes_a_command_by_its_script() {
    let plugin = Plugin::installed();
    let path = script(&plugin, "bash");
    let line = "source \"$0\"; COMP_WORDS=(demo orders pre) COMP_CWORD=2
        _demo demo pre orders; printf '%s\\n' \"${COMPREPLY[@]}\"";
    match Command::new("bash").args(["-c", line]).arg(path).output() {
        Ok(output) => assert_eq!(String::from_utf8(output.stdout).unwrap(), "preview\n"),
        Err(_) => skip("bash is not installed"),
    }
}

#[test]
fn a_shell_that_is_not_known_is_refused_with_those_that_are() {
    let answer = Plugin::installed().run(&["completions", "csh"]);
    let complaint = answer.complains(2);
    for word in ["csh", "bash", "zsh", "fish"] {
        assert!(complaint.contains(word), "{complaint}");
    }
}
