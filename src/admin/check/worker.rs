//! The worker: whether there is one where there is work, and whether it moves.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Report;
use crate::home::Home;
use crate::store::Store;
use crate::worker;

const SUBJECT: &str = "worker";

/// How long one that was just started has to take its lock, and one that was replaced to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Work that nobody does is started here, as any command would.
pub(super) fn look(home: &Home, store: &Store, report: &mut Report) {
    if let Some(id) = store.worker_process().filter(|_| store.worker_lives()) {
        if is_stopped(id) {
            let cure = format!("let it go on by `kill -CONT {id}`, or end it by `kill -KILL {id}`");
            let message = format!("the worker, process {id}, is stopped: nothing moves");
            return report.error(SUBJECT, message, &cure);
        }
        // A worker notices by itself that there is a new program, and lets that go on.
        let has_ended = || !store.worker_lives() || store.worker_process() != Some(id);
        if runs_no_file(id) && !within_patience(has_ended) {
            let cure = format!(
                "wait a minute, for its requests come to their end first; then `kill -KILL {id}`: the \
                 next one goes on where it was"
            );
            let message = format!(
                "the worker, process {id}, runs a program that was replaced, and does not end"
            );
            return report.warning(SUBJECT, message, &cure);
        }
    }
    if !store.is_due() {
        return report.ok(SUBJECT, "nothing to do");
    }
    if let Err(error) = worker::start(home, store) {
        let cure = "run `work` by hand to see what is wrong";
        return report.error(SUBJECT, error.to_string(), cure);
    }
    if within_patience(|| store.worker_lives() || !store.is_due()) {
        report.ok(SUBJECT, "at work");
    } else {
        let message = "there is work, and a worker that is started ends at once";
        report.error(SUBJECT, message, "run `work` by hand to see what is wrong");
    }
}

fn within_patience(condition: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !condition() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Returns whether a process was stopped by a signal or a debugger.
fn is_stopped(id: u32) -> bool {
    // The name, in brackets, may hold anything; the state follows it: proc_pid_stat(5).
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    matches!(state, Some('T' | 't'))
}

/// Returns whether the file that a process runs is there no more.
fn runs_no_file(id: u32) -> bool {
    let file: Option<PathBuf> = std::fs::read_link(format!("/proc/{id}/exe")).ok();
    file.is_some_and(|file| file.to_string_lossy().ends_with(" (deleted)"))
}
