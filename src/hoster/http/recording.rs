//! Runs a definition on recorded replies, through the same code that asks a hoster.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::build::Built;
use super::create::{Outcome, Prepared};
use super::poll::Seen;
use super::remove::Removed;
use super::sample::{self, PASSWORD};
use super::{Hoster, Purpose, Trouble, scope_of};
use crate::clock::Timestamp;
use crate::definition::http::{Credential, Http, Phase, RecordedReply, Recording};
use crate::expression::{Expressions, Scope};
use crate::http::{self, Failure, Transport};
use crate::order::{Order, Removal};
use crate::pace::Pacer;

/// The installation that a definition without a `base_url` is tried on.
const PANEL: &str = "https://panel.example";

/// What a part came to, by the names that `expect` has for it.
type Actual = BTreeMap<String, Value>;

/// Replies that were recorded, in their turn.
#[derive(Clone, Default)]
struct Replay(Arc<Mutex<VecDeque<RecordedReply>>>);

impl Replay {
    fn replies(&self) -> std::sync::MutexGuard<'_, VecDeque<RecordedReply>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Replay {
    fn send(&self, request: &http::Request) -> Result<http::Reply, Failure> {
        let Some(reply) = self.replies().pop_front() else {
            let path = request.url.split('?').next().unwrap_or_default();
            let why = format!("no reply is recorded for {:?} {path}", request.method);
            return Err(Failure::Unknown(why));
        };
        let mut headers: BTreeMap<String, String> = reply
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let cookie = headers.remove("set-cookie").unwrap_or_default();
        let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
        let cookies = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = match reply.xml {
            Some(text) => {
                headers.entry("content-type".to_owned()).or_insert_with(|| "text/xml".to_owned());
                text.into_bytes()
            }
            None if reply.json.is_null() => Vec::new(),
            None => reply.json.to_string().into(),
        };
        Ok(http::Reply {
            status: reply.status,
            headers,
            cookies: cookies.into_iter().collect(),
            body,
        })
    }
}

/// Runs every recording; returns what is wrong, and the places that were evaluated.
pub(super) fn run(definition: &Http) -> (Vec<String>, BTreeSet<String>) {
    let mut runner = Runner::new(definition);
    let mut problems = Vec::new();
    for (index, recording) in definition.recordings.iter().enumerate() {
        let place = format!("/recordings/{index} ({})", recording.name);
        problems.extend(runner.run(recording).into_iter().map(|why| format!("{place}: {why}")));
    }
    (problems, runner.hoster.expressions.used())
}

/// Runs one recording with one of its replies replaced, whatever that comes to; returns the words in
/// which it is told.
#[cfg(any(test, fuzzing))]
pub(crate) fn run_with(
    definition: &Http,
    recording: usize,
    at: usize,
    reply: RecordedReply,
) -> String {
    let Some(mut recording) = definition.recordings.get(recording).cloned() else {
        return String::new();
    };
    if let Some(place) = recording.replies.get_mut(at) {
        *place = reply;
    }
    let mut runner = Runner::new(definition);
    *runner.replay.replies() = recording.replies.iter().cloned().collect();
    match scope_of(&runner.hoster, &runner.order) {
        Ok(scope) => format!(
            "{:?}",
            runner.part(&recording, &scope).map_err(|trouble| trouble.why().to_owned())
        ),
        Err(why) => why,
    }
}

struct Runner {
    hoster: Hoster,
    replay: Replay,
    order: Order,
}

impl Runner {
    fn new(definition: &Http) -> Self {
        let mut definition = definition.clone();
        definition.pace.interval_seconds = 0.0;
        let text = |(name, of): (&String, &Credential)| {
            (name.clone(), of.sample.clone().unwrap_or_else(|| format!("sample-{name}")))
        };
        let credentials = definition.credentials.iter().map(text).collect();
        let replay = Replay::default();
        let base_url = definition.base_url.clone().unwrap_or_else(|| PANEL.to_owned());
        let mut hoster =
            Hoster::new(Arc::new(definition), &base_url, credentials, Box::new(replay.clone()));
        hoster.expressions = Expressions::recording();
        hoster.purpose = Purpose::Recorded;
        let order = sample(&hoster.definition);
        Self { hoster, replay, order }
    }

    fn run(&mut self, recording: &Recording) -> Vec<String> {
        // What one reply asked for is nothing to the next recording.
        self.hoster.pacer = Pacer::new(Duration::ZERO);
        *self.replay.replies() = recording.replies.iter().cloned().collect();
        let actual = match scope_of(&self.hoster, &self.order) {
            Ok(scope) => self.part(recording, &scope),
            Err(why) => return vec![why],
        };
        let actual = match actual {
            Ok(actual) => actual,
            Err(trouble) => BTreeMap::from([("trouble".to_owned(), Value::from(trouble.why()))]),
        };
        let mut problems: Vec<String> = recording
            .expect
            .iter()
            .filter(|(name, expected)| !is_same(actual.get(*name), expected))
            .map(|(name, expected)| {
                let shown = json!(actual);
                format!("`{name}` is not {expected}: {shown}")
            })
            .collect();
        let left = self.replay.replies().len();
        if left > 0 {
            problems.push(format!("{left} of {} replies were not used", recording.replies.len()));
        }
        if recording.expect.is_empty() {
            problems.push("`expect` says nothing".to_owned());
        }
        problems
    }

    fn part(&mut self, recording: &Recording, scope: &Scope) -> Result<Actual, Trouble> {
        match recording.of.as_str() {
            "create" => self.create(scope),
            "login" => self.login(),
            "find" => {
                let found = self.hoster.find_all(scope)?;
                let ids: Vec<String> = found.into_iter().map(|one| one.server_id).collect();
                Ok(Actual::from([("found".to_owned(), json!(ids))]))
            }
            "poll" => self.poll(scope),
            "cancel" => self.cancel(scope),
            "recover" => {
                let password = self.hoster.recover(&mut <_>::default(), scope)?;
                Ok(Actual::from([("password".to_owned(), json!(password))]))
            }
            "balance" => {
                let left = self.hoster.balance()?;
                let (amount, currency) = left.map(|left| (left.amount, left.currency)).unzip();
                Ok(actual([("amount", json!(amount)), ("currency", json!(currency))]))
            }
            other => match other.strip_prefix("catalog.") {
                Some(parameter) => self.catalog(parameter, scope),
                None => Err(Trouble::Definition(format!("`{other}` is no part of a definition"))),
            },
        }
    }

    fn login(&self) -> Result<Actual, Trouble> {
        self.hoster.log_out();
        self.hoster.log_in()?;
        let saved = self.hoster.session_saved();
        Ok(saved.into_iter().map(|(name, value)| (format!("saved.{name}"), value)).collect())
    }

    fn create(&mut self, scope: &Scope) -> Result<Actual, Trouble> {
        let attempt = match self.hoster.prepare(scope, None)? {
            Prepared::Ready(attempt) => attempt,
            Prepared::Waiting => return Ok(actual([("outcome", "waiting".into())])),
            Prepared::Failed(why) => {
                return Ok(actual([("outcome", "failed".into()), ("reason", why.into())]));
            }
        };
        let outcome = self.hoster.buy(&attempt, Some(PASSWORD));
        let bought = matches!(outcome, Outcome::Bought(_));
        let (outcome, reason) = match outcome {
            Outcome::Bought(bought) => {
                let mut order = sample(&self.hoster.definition);
                order.intend(
                    &self.hoster.base_url,
                    String::new(),
                    attempt.saved,
                    Timestamp::UNIX_EPOCH,
                );
                order.own(self.hoster.buying_step(), String::new(), bought, Timestamp::UNIX_EPOCH);
                self.order = order;
                self.take_the_other_steps()?
            }
            Outcome::Nothing { why, .. } => ("busy", Some(why)),
            Outcome::Rejected(why) => ("rejected", Some(why)),
            Outcome::Conflict(why) => ("conflict", Some(why)),
            Outcome::Unknown(why) => ("unknown", Some(why)),
        };
        let mut actual = actual([("outcome", outcome.into()), ("reason", json!(reason))]);
        if bought {
            actual.insert("server_id".to_owned(), json!(self.order.server_id));
            let password = self.order.password.as_ref().filter(|text| text.expose() != PASSWORD);
            actual.insert("password".to_owned(), json!(password));
            let saved = self.order.purchase.clone().unwrap_or_default().saved;
            actual.extend(saved.into_iter().map(|(name, value)| (format!("saved.{name}"), value)));
        }
        Ok(actual)
    }

    /// Takes the steps after the one that buys, as far as replies are recorded.
    fn take_the_other_steps(&mut self) -> Result<(&'static str, Option<String>), Trouble> {
        loop {
            if self.replay.replies().is_empty() {
                return Ok(("bought", None));
            }
            let last = self.order.purchase.as_ref().and_then(|purchase| purchase.step.clone());
            let scope = scope_of(&self.hoster, &self.order).map_err(Trouble::Definition)?;
            match self.hoster.take_next(last.as_deref().unwrap_or_default(), &scope)? {
                Built::Step { name, saved, password } => {
                    self.order.take_step(&name, saved, password, Timestamp::UNIX_EPOCH);
                }
                Built::Waiting(step) => return Ok(("waiting", Some(step))),
                Built::Failed(why) => return Ok(("failed", Some(why))),
                Built::All => return Ok(("bought", None)),
            }
        }
    }

    fn poll(&self, scope: &Scope) -> Result<Actual, Trouble> {
        Ok(match self.hoster.poll(scope)? {
            Seen::Gone(why) => actual([("phase", "gone".into()), ("reason", why.into())]),
            Seen::Server(seen) => actual([
                (
                    "phase",
                    match seen.phase {
                        Phase::Building => "building",
                        Phase::Ready => "ready",
                        Phase::Failed => "failed",
                        Phase::Gone => "gone",
                    }
                    .into(),
                ),
                ("reason", json!(seen.reason)),
                ("public", json!(seen.public)),
                ("private", json!(seen.private)),
                ("password", json!(seen.password)),
            ]),
        })
    }

    fn cancel(&self, scope: &Scope) -> Result<Actual, Trouble> {
        let mut removal = Removal::default();
        loop {
            match self.hoster.remove_next(&removal, scope) {
                Ok(Removed::Step(next)) => removal = next,
                Ok(Removed::All) => return Ok(actual([("outcome", "removed".into())])),
                Ok(Removed::Waiting) => return Ok(actual([("outcome", "waiting".into())])),
                Ok(Removed::Never(why)) | Err(Trouble::Refused { why, .. }) => {
                    return Ok(actual([("outcome", "refused".into()), ("reason", why.into())]));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn catalog(&self, parameter: &str, scope: &Scope) -> Result<Actual, Trouble> {
        let catalog = self.hoster.definition.catalog.as_ref();
        let choices = catalog.and_then(|catalog| catalog.parameters.get(parameter));
        let Some(choices) = choices else {
            return Err(Trouble::Definition(format!("the catalogue has no `{parameter}`")));
        };
        let all = self.hoster.choices(parameter, choices, scope)?;
        let prices = all.iter().map(|one| one.price.as_ref().map(|price| price.amount.as_str()));
        Ok(actual([
            ("values", all.iter().map(|one| one.value.clone()).collect::<Value>()),
            ("labels", all.iter().map(|one| one.label.as_str()).collect::<Value>()),
            ("prices", json!(prices.collect::<Vec<_>>())),
        ]))
    }
}

/// A figure is the same whether it is written as a number or as a text.
fn is_same(actual: Option<&Value>, expected: &Value) -> bool {
    match (actual.unwrap_or(&Value::Null), expected) {
        (Value::String(text), Value::Number(number)) => *text == number.to_string(),
        (Value::Array(all), Value::Array(expected)) => {
            all.len() == expected.len()
                && all.iter().zip(expected).all(|(one, expected)| is_same(Some(one), expected))
        }
        (actual, expected) => actual == expected,
    }
}

fn actual<const N: usize>(pairs: [(&str, Value); N]) -> Actual {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn sample(definition: &Http) -> Order {
    sample::order(&definition.example.descr, definition.example.parameters.clone())
}
