//! Asks a program as a hoster is asked over HTTP: one request on its standard input, one answer on
//! its standard output, both JSON. What an answer means is not decided here.
//!
//! What is known after a failure is what matters, as with [`crate::http`]: a program that could not be
//! started did nothing; whatever else goes wrong, it may have done what it was asked for.

mod answer;

#[cfg(any(test, fuzzing))]
pub(crate) use answer::check as check_answer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::http::Redactor;
use crate::clock;
use crate::http::{Failure, Reply, Request, Transport};
use crate::order::TaskId;
use crate::process::{self, Bounds, Ended};
use crate::store::{Begun, Call, Store};
use crate::system;

/// How long an answer may be, in bytes.
const LONGEST: usize = 1 << 20;

/// How many lines of what a program says on standard error are written into the log for each call.
const LINES: usize = 50;

/// Of how many questions it is remembered what was said last.
const REMEMBERED: usize = 256;

/// A program that sells servers.
pub(crate) struct Caller {
    program: PathBuf,
    arguments: Vec<String>,
    /// The owner's home directory.
    home: PathBuf,
    store: Store,
    redactor: Redactor,
    /// What was said on standard error to each question the last time: what is the same again, as
    /// of a server that is looked at every few seconds, is not worth a line.
    said: Mutex<BTreeMap<Question, Vec<String>>>,
}

/// Of which order what was asked.
type Question = (Option<Uuid>, String);

/// What has to be known of a request.
#[derive(Deserialize)]
struct Asked {
    verb: String,
    order: Option<OfOrder>,
}

/// What has to be known of an order.
#[derive(Deserialize)]
struct OfOrder {
    task_id: TaskId,
    #[serde(deserialize_with = "uuid")]
    key: Uuid,
    password: Option<String>,
}

/// What is part of a file's name is looked at before.
fn uuid<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

impl Caller {
    /// Makes one that keeps the values of `credentials` out of the log.
    pub(crate) fn new(
        program: PathBuf,
        arguments: &[String],
        store: Store,
        credentials: &BTreeMap<String, String>,
    ) -> Self {
        // A program that repeats its request repeats them as JSON has them.
        let quoted = credentials.values().map(|secret| {
            let text = serde_json::Value::from(secret.as_str()).to_string();
            text.trim_matches('"').to_owned()
        });
        system::heed_children();
        Self {
            program,
            arguments: arguments.to_vec(),
            home: system::home_dir().unwrap_or_else(|| PathBuf::from("/")),
            store,
            redactor: Redactor::new(credentials.values().cloned().chain(quoted)),
            said: Mutex::default(),
        }
    }

    fn command(&self) -> Command {
        let mut command = process::command(&self.program);
        command.args(&self.arguments).env_remove("LC_ALL").env("LANG", "C.UTF-8");
        command.env("HOME", &self.home);
        command
    }

    /// Begins a call; none where it belongs to no order of ours.
    fn begin(&self, order: Option<&OfOrder>, timeout: Duration) -> Result<Option<Call>, Failure> {
        let Some(order) = order.filter(|order| !super::http::is_sample(order.key)) else {
            return Ok(None);
        };
        let not_sent = |why: String| Failure::NotSent(why);
        match self.store.begin_call(order.key).map_err(|error| not_sent(error.to_string()))? {
            Begun::Call(call) => Ok(Some(call)),
            Begun::Earlier(age, file) => {
                let mut why = "an earlier call for this order still runs".to_owned();
                // Whose worker was killed is ended by nobody else.
                if age > timeout {
                    let count = system::end_holders_of(&file);
                    why = format!("{why}, for longer than it may: {count} processes were ended");
                    self.store.log(clock::now(), Some(order.task_id), why.clone());
                }
                Err(not_sent(why))
            }
        }
    }

    /// Writes what a program said on standard error into the log; returns the last line.
    fn tell(&self, asked: &Asked, stderr: &[u8]) -> Option<String> {
        let password = asked.order.as_ref().and_then(|order| order.password.as_deref());
        let text = String::from_utf8_lossy(stderr);
        // Of what was cut already, the first line may begin with half a secret.
        let cut = usize::from(stderr.len() >= process::KEPT);
        let lines = text.lines().skip(cut).filter(|line| !line.trim().is_empty());
        let mut lines: Vec<&str> = lines.collect();
        lines.drain(..lines.len().saturating_sub(LINES));
        let lines: Vec<String> =
            lines.into_iter().map(|line| self.redactor.redact(line, password)).collect();
        let last = lines.last().cloned();
        let order = asked.order.as_ref();
        let question = (order.map(|order| order.key), asked.verb.clone());
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(&question).is_some_and(|before| *before == lines) {
            return last;
        }
        let now = clock::now();
        for line in &lines {
            let line = format!("the command says to {}: {line}", asked.verb);
            self.store.log(now, order.map(|order| order.task_id), line);
        }
        if said.len() >= REMEMBERED {
            said.clear();
        }
        said.insert(question, lines);
        last
    }
}

impl Transport for Caller {
    fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let mut input = request.body.clone().unwrap_or_default();
        let asked: Asked = serde_json::from_slice(&input)
            .map_err(|error| Failure::NotSent(format!("no request for a command: {error}")))?;
        // So that a shell's `read` has a whole line.
        input.push(b'\n');
        let call = self.begin(asked.order.as_ref(), request.timeout)?;
        let bounds = Bounds {
            input: Some(input),
            inherits: call.as_ref().map(Call::file),
            timeout: request.timeout,
            stdout: LONGEST,
        };
        let ended = process::run_within(&mut self.command(), bounds).map_err(|error| {
            Failure::NotSent(format!("{} cannot be started: {error}", self.program.display()))
        })?;
        drop(call);
        let last = self.tell(&asked, &ended.stderr);
        let body = answered(&asked.verb, ended, request.timeout).map_err(|why| {
            let last = last.map(|last| format!(": {last}")).unwrap_or_default();
            Failure::Unknown(format!("the command {why}{last}"))
        })?;
        Ok(Reply { status: 200, headers: BTreeMap::new(), cookies: BTreeMap::new(), body })
    }
}

/// Returns the answer of a program that gave one.
fn answered(verb: &str, ended: Ended, timeout: Duration) -> Result<Vec<u8>, String> {
    if !ended.is_success() {
        return Err(ended.how(timeout));
    }
    if ended.stdout_was_cut {
        return Err(format!("answered more than {LONGEST} bytes"));
    }
    answer::check(verb, &ended.stdout)?;
    Ok(ended.stdout)
}
