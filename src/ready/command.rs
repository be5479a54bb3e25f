//! The configuration's own test of a server: a command that must end with 0.

use super::{Facts, Wanted};
use crate::process::{self, Ended};

/// How much of a failed command's output a reason has, in bytes.
const SHOWN: usize = 4 * 1024;

/// Runs the command once.
///
/// Its environment is `PATH`, `LC_ALL=C`, `HOME` (the owner's), `SERVER` (the address),
/// `SSH_PORT`, `TASK_ID`, `HOSTNAME` (the server's), and where they are known `SERVER_PASSWORD` and
/// `SERVER_ID`. It starts in `/` without input; whatever it leaves running is ended.
pub(super) fn run(
    words: &[String],
    address: &str,
    password: Option<&str>,
    wanted: &Wanted,
    facts: Facts<'_>,
) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("`ready.command` is empty".to_owned());
    };
    let mut command = process::command(program);
    command
        .args(arguments)
        .env("HOME", &wanted.home)
        .env("SERVER", address)
        .env("SSH_PORT", wanted.ssh_port.to_string())
        .env("TASK_ID", facts.task_id)
        .env("HOSTNAME", facts.hostname)
        .envs(password.map(|password| ("SERVER_PASSWORD", password)))
        .envs(facts.server_id.map(|id| ("SERVER_ID", id)));
    let ended = process::run(&mut command, wanted.timeout)
        .map_err(|error| format!("`ready.command` cannot be started: {program}: {error}"))?;
    if ended.is_success() {
        return Ok(());
    }
    let how = ended.how(wanted.timeout);
    let said = said(&ended, password);
    let separator = if said.is_empty() { "" } else { ": " };
    Err(format!("`ready.command` {how}{separator}{said}"))
}

/// What a command said last, on standard error if it said something there, as one line without the
/// password.
fn said(ended: &Ended, password: Option<&str>) -> String {
    let output = if ended.stderr.trim_ascii().is_empty() { &ended.stdout } else { &ended.stderr };
    shown(output, password)
}

/// The last of an output without the password.
fn shown(output: &[u8], password: Option<&str>) -> String {
    // Of an output that was cut already, the beginning may be half a password.
    let half = if output.len() >= process::KEPT { password.map_or(0, str::len) } else { 0 };
    let text = String::from_utf8_lossy(output.get(half..).unwrap_or_default());
    // All of it is searched before any is cut off, so that no half of a password remains.
    let text = match password.filter(|password| !password.is_empty()) {
        Some(password) => text.replace(password, "***"),
        None => text.into_owned(),
    };
    let text: String =
        text.trim().chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    let mut from = text.len().saturating_sub(SHOWN);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Facts, SHOWN, Wanted, run, shown};

    const FACTS: Facts<'_> =
        Facts { task_id: "17", hostname: "webdir-17-b302099a8057", server_id: Some("4711") };

    fn shell(script: &str) -> Result<(), String> {
        let wanted = Wanted {
            ssh_port: 2222,
            known_hosts: None,
            login: false,
            command: None,
            timeout: Duration::from_millis(1500),
            home: PathBuf::from("/home/owner"),
        };
        let words = ["sh", "-c", script].map(str::to_owned);
        run(&words, "192.0.2.1", Some("canaryPassword"), &wanted, FACTS)
    }

    #[test]
    fn a_command_is_told_of_the_server_and_its_order() {
        let script = "set -e; test $SERVER:$SSH_PORT = 192.0.2.1:2222; test $TASK_ID = 17; \
                      test $SERVER_PASSWORD = canaryPassword; test $SERVER_ID = 4711; \
                      test $HOSTNAME = webdir-17-b302099a8057; test $HOME = /home/owner";
        assert_eq!(shell(script), Ok(()));
    }

    #[test]
    fn a_failed_command_says_why_without_the_password() {
        let problem =
            shell("echo out; echo no login with $SERVER_PASSWORD >&2; exit 4").unwrap_err();
        assert_eq!(problem, "`ready.command` ended with 4: no login with ***");
        assert_eq!(shell("echo out; exit 1").unwrap_err(), "`ready.command` ended with 1: out");
        assert_eq!(shell("kill -9 $$").unwrap_err(), "`ready.command` was ended by signal 9");
    }

    #[test]
    fn a_command_without_an_end_is_ended() {
        assert_eq!(shell("sleep 600").unwrap_err(), "`ready.command` took longer than 1.5 s");
    }

    #[test]
    fn a_command_that_does_not_exist_is_named() {
        let wanted = Wanted {
            ssh_port: 22,
            known_hosts: None,
            login: false,
            command: None,
            timeout: Duration::from_secs(1),
            home: PathBuf::from("/"),
        };
        let run = |words: &[String]| run(words, "192.0.2.1", None, &wanted, FACTS).unwrap_err();
        let problem = run(&["/no/such/program".to_owned()]);
        assert!(problem.contains("cannot be started: /no/such/program"), "{problem}");
        assert!(run(&[]).contains("is empty"));
    }

    proptest! {
        #[test]
        fn no_output_shows_the_password_or_part_of_it_at_its_cut(
            before in "[a-z \n\\PC]{0,40}", fill in 0_usize..5000,
        ) {
            let text = format!("{before}canaryPassword{}canaryPassword", "x".repeat(fill));
            let shown = shown(text.as_bytes(), Some("canaryPassword"));
            prop_assert!(!shown.contains("assword"));
            prop_assert!(shown.len() <= SHOWN && shown.ends_with("***"));
        }
    }
}
