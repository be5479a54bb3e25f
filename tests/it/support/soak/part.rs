//! Those who take part: callers, who kills workers, who makes trouble.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::Ordering;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::dice::Dice;
use super::provider::Provider;
use super::{DEFINITIONS, Soak};
use crate::support::history::Call;
use crate::support::sweep::bare;

/// How many of a hundred calls are killed.
const KILLED: usize = 10;

/// When a call that is killed is killed at the latest, in microseconds after its start.
const LATEST: usize = 12_000;

/// How many keys everybody shares.
const SHARED_KEYS: usize = 40;

/// How many of its own orders a caller remembers.
const MEMORY: usize = 30;

impl Soak {
    /// One caller.
    pub(super) fn call(&self, number: usize) {
        let mut dice = self.dice(number + 10);
        let mut own: Vec<(usize, String)> = Vec::new();
        while self.goes_on() {
            self.place(number, &mut dice, &mut own);
            if dice.chance(40) && !own.is_empty() {
                let (provider, id) = dice.one(&own).clone();
                self.run(&mut dice, provider, &["order_status", &id], KILLED / 5);
            }
            if dice.chance(60) && !own.is_empty() {
                let at = dice.below(own.len());
                let (provider, id) = own[at].clone();
                self.give_up(&mut dice, provider, &id);
            }
            while own.len() > MEMORY {
                own.swap_remove(dice.below(own.len()));
            }
        }
    }

    fn place(&self, number: usize, dice: &mut Dice, own: &mut Vec<(usize, String)>) {
        let provider = *dice.one(&[0, 0, 0, 1, 1, 1, 2, 2, 3]);
        let key = match dice.below(5) {
            0 => Some(format!("shared {}", dice.below(SHARED_KEYS))),
            1 => Some(format!("of {number}: {}", dice.below(1_000_000))),
            _ => None,
        };
        let mut words = vec!["order", "1"];
        if let Some(key) = &key {
            words.extend(["--key", key]);
        }
        let call = self.run(dice, provider, &words, KILLED);
        let call = if call.killed && key.is_some() && dice.chance(70) {
            self.run(dice, provider, &words, KILLED)
        } else {
            call
        };
        match call.ordered() {
            Some(id) => own.push((provider, id)),
            // The limit is reached, or all is sold out, or it was killed.
            None => std::thread::sleep(dice.micros(50_000)),
        }
    }

    fn give_up(&self, dice: &mut Dice, provider: usize, id: &str) {
        let mut words = vec!["orders", "release", id, "--yes"];
        let may_take_long = DEFINITIONS[provider] == "program";
        if dice.chance(20) && (self.size.patient || !may_take_long) {
            words = vec!["orders", "cancel", id];
        } else if provider == 0 {
            words.push("--clean");
        }
        // A server of the inventory is clean once it was given back.
        words.extend(["--timeout", if provider == 0 { "2" } else { "0" }]);
        self.run(dice, provider, &words, KILLED);
    }

    /// Calls a provider, perhaps kills the call, and writes down what it said.
    pub(super) fn run(
        &self,
        dice: &mut Dice,
        provider: usize,
        words: &[&str],
        killed: usize,
    ) -> Call {
        let kill_after = dice.chance(killed).then(|| dice.micros(LATEST));
        let begun = self.begun.elapsed();
        let mut command = bare(&self.providers[provider].plugin, words);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider runs");
        if let Some(after) = kill_after {
            std::thread::sleep(after);
            child.kill().expect("it is ours");
        }
        let (stdout, status) = said(&mut child);
        let call = Call {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            begun,
            ended: self.begun.elapsed(),
            killed: status.signal() == Some(Signal::SIGKILL as i32),
            status: status.code(),
            stdout,
        };
        if let Some(id) = call.ordered() {
            self.answered.lock().expect("no caller panicked").insert((provider, id));
        }
        self.calls[provider].lock().expect("no caller panicked").push(call.clone());
        call
    }

    /// Kills workers.
    pub(super) fn kill_workers(&self) {
        let mut dice = self.dice(1);
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(dice.micros(400_000));
            self.kill_detached(dice.one(&self.providers));
        }
    }

    /// Kills the worker that callers started.
    pub(super) fn kill_detached(&self, provider: &Provider) {
        for (pid, words) in provider.processes() {
            if words.iter().any(|word| word == "--detached")
                && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok()
            {
                self.killed_workers.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Lets hosters and programs go wrong.
    pub(super) fn make_trouble(&self) {
        let mut dice = self.dice(2);
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(dice.micros(150_000));
            let provider = 1 + dice.below(self.providers.len() - 1);
            let was_away = self.providers[provider].seller.go_wrong(&mut dice);
            self.outages.fetch_add(usize::from(was_away), Ordering::SeqCst);
        }
    }
}

/// Reads all that a child says, and waits for its end.
fn said(child: &mut Child) -> (Vec<u8>, ExitStatus) {
    let mut stdout = Vec::new();
    let pipe = child.stdout.as_mut().expect("it is piped");
    pipe.read_to_end(&mut stdout).expect("the pipe can be read");
    (stdout, child.wait().expect("it is ours"))
}
