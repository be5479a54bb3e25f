//! Running another program for a bounded time, with bounded output.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::system;

/// Where programs are looked for: ours is started from anywhere, with any `PATH` or none.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much of each output is kept at most, in bytes.
pub(super) const KEPT: usize = 64 * 1024;

/// How often a running program is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// How long the end of an output is waited for after its program has ended: something that left the
/// group may hold it open.
const GRACE: Duration = Duration::from_millis(500);

/// What became of a program.
#[derive(Debug)]
pub(super) struct Ended {
    /// How it ended; none where its time was up.
    pub(super) status: Option<ExitStatus>,
    /// The end of its standard output.
    pub(super) stdout: Vec<u8>,
    /// The end of its standard error.
    pub(super) stderr: Vec<u8>,
}

impl Ended {
    /// Whether it ended with 0 in time.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Returns a command that inherits nothing: no variables but `PATH`, no input, no folder.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command
}

/// Runs a command in a process group of its own; all of the group is ended with it, or when its
/// time is up.
///
/// # Errors
/// Where it cannot be started.
pub(super) fn run(command: &mut Command, timeout: Duration) -> io::Result<Ended> {
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let outputs = (child.stdout.take().map(listen), child.stderr.take().map(listen));
    let status = wait(&mut child, timeout);
    // Whatever it left running has nothing to do any more, and holds the outputs open.
    system::kill_group(child.id());
    if status.is_none() {
        let _ = child.wait();
    }
    Ok(Ended { status, stdout: heard(outputs.0), stderr: heard(outputs.1) })
}

fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if started.elapsed() < timeout => thread::sleep(INTERVAL),
            _ => return None,
        }
    }
}

/// Reads an output to its end in a thread of its own, keeping the last of it.
fn listen(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut block = [0; 4096];
        loop {
            match output.read(&mut block) {
                Ok(0) => break,
                Ok(count) => kept.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            if kept.len() > 2 * KEPT {
                kept.drain(..kept.len() - KEPT);
            }
        }
        kept.drain(..kept.len().saturating_sub(KEPT));
        // Whoever waited may have given up.
        let _ = sender.send(kept);
    });
    receiver
}

fn heard(output: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    output.and_then(|output| output.recv_timeout(GRACE).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{KEPT, command, run};

    fn shell(script: &str, timeout: Duration) -> super::Ended {
        run(command("sh").args(["-c", script]), timeout).unwrap()
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_program_gets_no_input_and_no_variables_but_the_path() {
        let ended = shell("cat; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd", LONG);
        assert!(ended.is_success());
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), "LC_ALL PATH PWD /\n");
    }

    #[test]
    fn the_last_of_a_long_output_is_kept() {
        let ended = shell("head -c 1000000 /dev/zero; echo end; echo problem >&2; exit 3", LONG);
        assert_eq!(ended.status.unwrap().code(), Some(3));
        assert_eq!(ended.stdout.len(), KEPT);
        assert!(ended.stdout.ends_with(b"end\n"));
        assert_eq!(ended.stderr, b"problem\n");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_all_that_it_started() {
        let began = Instant::now();
        let ended = shell("sleep 600 & echo $!; sleep 600", Duration::from_millis(300));
        assert_eq!(ended.status, None);
        assert!(began.elapsed() < Duration::from_secs(30));
        let child: u32 = String::from_utf8(ended.stdout).unwrap().trim().parse().unwrap();
        // Until it is reaped, an ended process is a zombie.
        let runs = || {
            let status = std::fs::read_to_string(format!("/proc/{child}/status"));
            status
                .is_ok_and(|status| !status.contains("State:\tZ") && !status.contains("State:\tX"))
        };
        while runs() {
            assert!(began.elapsed() < Duration::from_secs(30));
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_program_leaves_running_keeps_nobody_waiting() {
        let began = Instant::now();
        let ended = shell("sleep 600 & echo done", LONG);
        assert_eq!(ended.stdout, b"done\n");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
