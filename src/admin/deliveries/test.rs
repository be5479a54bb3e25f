//! `deliveries test`: a made-up event, sent to a webhook at once; nothing is stored.

use std::fmt::Write as _;
use std::time::Instant;

use serde::Serialize;

use super::request::shown;
use crate::admin::webhooks::{self, Draft, Input};
use crate::admin::{become_owner, printed};
use crate::answer;
use crate::cli::TestWebhook;
use crate::clock;
use crate::config::Config;
use crate::delivery::{State, Verdict};
use crate::error::Error;
use crate::event::{Event, EventType};
use crate::home::Home;
use crate::webhook::address::Policy;
use crate::webhook::kinds;
use crate::webhook::load::Side;
use crate::webhook::mask::Mask;
use crate::webhook::message::Target;
use crate::webhook::schedule::Plan;
use crate::webhook::send::{self, Sender};

/// What stands for the name of a webhook that is not saved.
const UNSAVED: &str = "test";

/// The exit status of a test that was not delivered.
const NOT_DELIVERED: u8 = 1;

/// The answer to `deliveries test --json`.
#[derive(Debug, Serialize)]
struct Outcome {
    /// The event's id, which the receiver was told.
    event_id: String,
    /// What the event says that happened.
    event: EventType,
    /// Whether it has arrived.
    state: State,
    /// How long it took.
    milliseconds: u64,
    /// The status of the reply; null where there was none.
    http_status: Option<u16>,
    /// Why it failed; null where it did not.
    error: Option<String>,
    /// The first 4 KiB of the reply; null where there was none.
    response: Option<String>,
}

pub(super) fn run(home: &Home, options: TestWebhook) -> Result<u8, Error> {
    let input = Input::read(&options.settings)?;
    become_owner(home)?;
    let name = options.name.as_ref().or(options.named.as_ref());
    let mut draft = match (name, options.kind) {
        (Some(name), None) => {
            let webhook = webhooks::named(home, name)?;
            let side = Side::of(&webhook);
            Draft::of(webhook, side, &side.folder(home).unwrap_or_default())
        }
        (name, Some(kind)) => {
            let name = name.map_or(UNSAVED, String::as_str);
            Draft::new(name, kind, Side::Local, &home.etc)?
        }
        (None, None) => return Err(Error::usage("name a webhook, or give --kind")),
    };
    let mut settings = options.settings;
    let kind = match std::mem::take(&mut settings.selection.event).as_slice() {
        [] => EventType::Finished,
        [kind] => *kind,
        _ => return Err(Error::usage("--event can be given once: one event is sent")),
    };
    let side = Side::of(&draft.webhook);
    draft.apply(settings, input)?;
    webhooks::checked(home, &draft, side).map_err(Error::usage)?;
    let target = draft.target().map_err(Error::usage)?;
    let config = Config::load(home);
    let account = config.as_ref().map(|config| config.account.clone()).unwrap_or_default();
    let event = webhooks::sample_event(home, kind, account);
    if options.dry_run {
        let request = shown(&target, &event, clock::now()).map_err(Error::usage)?;
        return printed(if options.output.json {
            answer::pretty_json(&request)
        } else {
            answer::text(&request.text())
        });
    }
    let outcome = sent(webhooks::policy(&config?).map_err(Error::usage)?, &target, &event)?;
    if options.output.json {
        printed(answer::pretty_json(&outcome))?;
    } else {
        printed(answer::text(&text(&outcome)))?;
    }
    Ok(if outcome.state == State::Delivered { 0 } else { NOT_DELIVERED })
}

/// Makes one attempt.
fn sent(policy: Policy, target: &Target, event: &Event) -> Result<Outcome, Error> {
    let now = clock::now();
    let message = kinds::message(target, event, None, now).map_err(Error::usage)?;
    // Some receivers repeat what they were sent.
    let mask = Mask::of(target, &message.own_headers);
    let begun = Instant::now();
    let timeout = Plan::of(&target.webhook).timeout();
    let (reply, verdict) = match Sender::new(policy).send(target, &message, timeout) {
        Ok(reply) => {
            let verdict = mask.judge(&target.webhook, &reply, clock::now());
            (Some(reply), verdict)
        }
        Err(fault) => {
            let why = mask.hide(&fault.why);
            (fault.reply, Verdict::Failed { why, after: None })
        }
    };
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let error = verdict.why().map(str::to_owned);
    Ok(Outcome {
        event_id: event.data.webhook.id.clone(),
        event: event.kind,
        state: if error.is_none() { State::Delivered } else { State::Dead },
        milliseconds,
        http_status: reply.as_ref().map(|reply| reply.status),
        error,
        response: reply.map(|reply| {
            let whole = mask.hide(&String::from_utf8_lossy(&reply.body));
            send::shown(whole.as_bytes())
        }),
    })
}

fn text(outcome: &Outcome) -> String {
    let word = match &outcome.error {
        None => "delivered".to_owned(),
        Some(why) => format!("not delivered: {why}"),
    };
    let mut text = format!("{word}\nit took {} ms\n", outcome.milliseconds);
    if let Some(status) = outcome.http_status {
        let _ = writeln!(text, "status {status}");
    }
    match outcome.response.as_deref() {
        None | Some("") => {}
        Some(response) => {
            let _ = writeln!(text, "response:\n{}", response.trim_end());
        }
    }
    text
}
