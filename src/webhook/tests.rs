//! What becomes of deliveries over days, with the clock passed in.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::file::Webhook;
use super::kinds;
use super::schedule::Plan;
use crate::clock::{Timestamp, age};
use crate::delivery::{Attempt, Delivery, Health, PATIENCE, State, Verdict};
use crate::event::{Event, EventAuthor, EventType, Facts, OrderId, OrderedConfiguration};
use crate::event::{Provider, Server};

/// What is kept of a 410.
const GONE: &str = "answered with status 410: the receiver wants no more";

/// How long each attempt takes.
const TOOK: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn after(time: Duration) -> Timestamp {
    start() + time
}

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

fn event(at: Timestamp, number: u128) -> Event {
    let facts = Facts {
        provider: Provider { name: "demo".to_owned() },
        configuration: OrderedConfiguration { id: "1".to_owned(), name: "one".to_owned() },
        order: OrderId { id: number.to_string(), key: Uuid::from_u128(number).to_string() },
        server: Server::default(),
        error_log: String::new(),
        author: EventAuthor { name: "root".to_owned(), email: String::new() },
        account: std::collections::BTreeMap::new(),
    };
    Event::new(Uuid::from_u128(1000 + number), EventType::Finished, at, facts)
}

fn webhook(settings: &Value) -> Webhook {
    let mut webhook = json!({ "name": "hook", "kind": "generic", "url": "http://h/" });
    webhook.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value(webhook).unwrap()
}

/// What a receiver says: a status, and when to come again.
type Reply = (u16, Option<String>);

const fn status(status: u16) -> Reply {
    (status, None)
}

/// A webhook with what is to be sent to it.
struct World {
    webhook: Webhook,
    deliveries: Vec<Delivery>,
    health: Health,
    now: Timestamp,
}

impl World {
    /// A webhook with one delivery, made just now.
    fn new(settings: &Value) -> Self {
        let mut this = Self {
            webhook: webhook(settings),
            deliveries: Vec::new(),
            health: Health::default(),
            now: start(),
        };
        this.happens();
        this
    }

    /// An order ends.
    fn happens(&mut self) {
        let number = 1 + self.deliveries.len() as u128;
        let event = event(self.now, number);
        let plan = Plan::of(&self.webhook);
        let first = |id: &str| plan.wait_after(0, id).unwrap_or_default();
        let made = Delivery::new("hook", event, 1, Some(String::new()), self.now, first);
        self.deliveries.push(made);
    }

    /// Makes every attempt that comes before `end`, as a worker does that never sleeps too long:
    /// with what a receiver says at a time.
    fn goes_on(&mut self, end: Timestamp, says: impl Fn(Timestamp) -> Reply) {
        while self.health.disabled.is_none() {
            let pending = self.deliveries.iter_mut().filter(|one| one.state == State::Pending);
            let Some(next) = pending.min_by_key(|one| one.next_attempt_at) else { break };
            let due = next.next_attempt_at.expect("it is tried again").max(self.now);
            if due >= end {
                break;
            }
            self.now = due + TOOK;
            let (http_status, retry_after) = says(due);
            let headers = retry_after.map(|value| ("retry-after".to_owned(), value));
            let headers = headers.into_iter().collect();
            let verdict = kinds::judge(&self.webhook, http_status, &headers, b"", self.now);
            let number = 1 + u32::try_from(next.attempts.len()).unwrap();
            let error = (verdict != Verdict::Delivered).then(|| http_status.to_string());
            let attempt = Attempt {
                number,
                at: due,
                milliseconds: 1000,
                http_status: Some(http_status),
                error,
                response: None,
            };
            let (id, plan) = (next.id.to_string(), Plan::of(&self.webhook));
            next.attempted(attempt, &verdict, self.now, |made| plan.wait_after(made, &id));
            self.health.heard(&verdict, self.now);
        }
        self.now = self.now.max(end);
    }

    fn only(&self) -> &Delivery {
        let [delivery] = self.deliveries.as_slice() else { panic!("{}", self.deliveries.len()) };
        delivery
    }

    /// Returns how long after the start each attempt for the first delivery was.
    fn times(&self) -> Vec<Duration> {
        self.deliveries[0].attempts.iter().map(|attempt| age(start(), attempt.at)).collect()
    }
}

/// Checks that each attempt came so many seconds after the one before, give or take a fifth.
#[track_caller]
fn assert_waits(times: &[Duration], expected: &[f64]) {
    assert_eq!(times.len(), expected.len(), "{times:?}");
    let mut before = Duration::ZERO;
    for (time, wait) in times.iter().zip(expected) {
        let waited = time.saturating_sub(before).as_secs_f64();
        assert!((waited - wait).abs() <= wait * 0.2 + 0.001, "{waited} instead of {wait}");
        before = *time + TOOK;
    }
}

#[test]
fn a_receiver_that_is_broken_for_hours_gets_the_event_once_it_is_mended() {
    let mut world = World::new(&json!({}));
    let mended = after(hours(6));
    world.goes_on(after(hours(100)), |now| if now < mended { status(500) } else { status(200) });
    let delivery = world.only();
    assert_eq!((delivery.state, delivery.next_attempt_at), (State::Delivered, None));
    assert_waits(&world.times(), &[0., 5., 300., 1800., 7200., 18000.]);
    let numbers: Vec<u32> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(world.health, Health::default(), "it fares well");
}

#[test]
fn a_receiver_that_stays_broken_is_given_up_after_the_last_try_and_not_disabled() {
    let mut world = World::new(&json!({}));
    world.goes_on(after(hours(2000)), |_| status(500));
    let delivery = world.only();
    assert_eq!((delivery.state, delivery.next_attempt_at), (State::Dead, None));
    let waits = [0., 5., 300., 1800., 7200., 18000., 36000., 50400., 72000., 86400.];
    assert_waits(&world.times(), &waits);
    assert_eq!(world.health.failing_since, Some(start() + TOOK));
    assert_eq!(world.health.disabled, None, "a single event is no five days");

    let mut world = World::new(&json!({ "kind": "cloudstack" }));
    world.goes_on(after(hours(2000)), |_| status(500));
    assert_waits(&world.times(), &waits[..3]);
    assert_eq!(world.only().state, State::Dead);
}

#[test]
fn five_days_of_nothing_but_failures_disable_a_webhook_and_hold_what_is_pending() {
    let mut world = World::new(&json!({}));
    for day in 1..20 {
        world.goes_on(after(hours(24 * day)), |_| status(500));
        world.happens();
    }
    let disabled = world.health.disabled.clone().expect("it is disabled");
    let failed_for = age(world.health.failing_since.unwrap(), disabled.at);
    assert!(failed_for >= PATIENCE && failed_for < PATIENCE + hours(24), "{failed_for:?}");
    assert!(disabled.reason.ends_with("status 500"), "{}", disabled.reason);
    let last = world.deliveries.iter().flat_map(|one| &one.attempts).map(|one| one.at).max();
    assert_eq!(last.map(|at| at + TOOK), Some(disabled.at), "nothing is tried after that");
    let pending = world.deliveries.iter().filter(|one| one.state == State::Pending).count();
    assert!(pending > 14, "what happened since is held: {pending}");

    // Somebody mends the receiver and enables the webhook.
    world.health = Health::default();
    world.goes_on(after(hours(24 * 20)), |_| status(200));
    let states: Vec<State> = world.deliveries.iter().map(|one| one.state).collect();
    let dead = states.len() - pending;
    let delivered = |state: &State| *state == State::Delivered;
    assert!(states[dead..].iter().all(delivered), "{states:?}");
    assert!(states[..dead].iter().all(|state| *state == State::Dead), "{states:?}");
    assert_eq!(world.health, Health::default());
}

#[test]
fn a_webhook_of_which_nothing_was_heard_for_months_is_not_disabled_by_its_next_failure() {
    let mut world = World::new(&json!({}));
    world.goes_on(after(hours(24 * 60)), |_| status(500));
    assert_eq!(world.only().state, State::Dead);
    world.happens();
    world.goes_on(after(hours(24 * 61)), |_| status(500));
    assert_eq!(world.health.disabled, None);
    assert!(world.deliveries[1].attempts.len() > 4, "it is tried as any other");
}

#[test]
fn one_success_in_five_days_is_enough() {
    let mut world = World::new(&json!({}));
    for day in 1..30 {
        // Good for an hour every fourth day.
        world.goes_on(after(hours(24 * day)), |now| {
            let hour = age(start(), now).as_secs() / 3600;
            if hour.is_multiple_of(96) { status(200) } else { status(500) }
        });
        world.happens();
    }
    assert_eq!(world.health.disabled, None);
}

#[test]
fn a_receiver_that_wants_no_more_holds_even_the_delivery_that_it_said_so_to() {
    let mut world = World::new(&json!({}));
    world.goes_on(after(hours(48)), |_| status(410));
    let delivery = world.only();
    assert_eq!((delivery.state, delivery.attempts.len()), (State::Pending, 1));
    assert_eq!(world.health.disabled.as_ref().unwrap().reason, GONE);
    assert_eq!(world.health.disabled.as_ref().unwrap().at, start() + TOOK);
    world.health = Health::default();
    world.goes_on(after(hours(49)), |_| status(200));
    assert_eq!((world.only().state, world.only().attempts.len()), (State::Delivered, 2));
    assert_eq!(world.times()[1], hours(48), "as soon as it is enabled");
}

#[test]
fn what_a_receiver_refuses_for_good_is_not_tried_again() {
    let settings = json!({ "kind": "gitlab-ci", "project_id": "7", "ref": "main" });
    let mut world = World::new(&settings);
    world.goes_on(after(hours(48)), |_| status(400));
    let delivery = world.only();
    assert_eq!((delivery.state, delivery.attempts.len()), (State::Dead, 1));
    assert_eq!((delivery.next_attempt_at, world.health.disabled.is_none()), (None, true));
}

#[test]
fn a_receiver_that_says_when_to_come_again_is_asked_then_and_not_sooner_than_the_schedule_has_it() {
    // What is answered to the first attempt, and how long after that the second one comes.
    let date = |text: &str| Some(text.to_owned());
    let cases = [
        (429, date("3600"), 3600.0..=3600.0),
        (503, date("3600"), 3600.0..=3600.0),
        (500, date("3600"), 3600.0..=3600.0),
        (404, date("3600"), 3600.0..=3600.0),
        // An hour after the second in which the answer came.
        (429, date("Fri, 02 Jan 2026 04:04:06 GMT"), 3600.0..=3600.0),
        (429, date("Friday, 02-Jan-26 04:04:06 GMT"), 3600.0..=3600.0),
        (429, date("Fri Jan  2 04:04:06 2026"), 3600.0..=3600.0),
        // A week is too long.
        (429, date("604800"), 86400.0..=86400.0),
        (429, date("Fri, 09 Jan 2026 03:04:06 GMT"), 86400.0..=86400.0),
        // Sooner than the schedule, in the past, or no time at all.
        (429, date("1"), 800.0..=1200.0),
        (429, date("Thu, 01 Jan 2026 03:04:06 GMT"), 800.0..=1200.0),
        (429, date("soon"), 800.0..=1200.0),
        (429, None, 800.0..=1200.0),
    ];
    for (code, retry_after, wait) in cases {
        let mut world = World::new(&json!({ "schedule": [0, 1000] }));
        world.goes_on(after(hours(100)), |now| {
            if now > start() { status(200) } else { (code, retry_after.clone()) }
        });
        assert_eq!(world.only().state, State::Delivered);
        let waited = world.times()[1].saturating_sub(TOOK).as_secs_f64();
        assert!(wait.contains(&waited), "{code} {retry_after:?}: {waited}");
    }
    // And where the tries are over there is no time to come again.
    let mut world = World::new(&json!({ "tries": 1 }));
    world.goes_on(after(hours(48)), |_| (429, Some("3600".to_owned())));
    assert_eq!((world.only().state, world.only().next_attempt_at), (State::Dead, None));
}

#[test]
fn another_delivery_of_an_event_begins_anew_with_the_same_event_and_body() {
    let mut world = World::new(&json!({ "tries": 1 }));
    world.goes_on(after(hours(48)), |_| status(500));
    let again = world.only().again(2, world.now);
    assert_eq!(again.id.to_string(), format!("{}~2", world.only().id));
    assert_eq!((&again.event, &again.body), (&world.only().event, &world.only().body));
    assert_eq!(again.redelivery_of.as_ref(), Some(&world.only().id));
    assert_eq!((again.state, again.attempts.len()), (State::Pending, 0));
    assert_eq!(again.id.event(), world.only().event.data.webhook.id);
    world.deliveries.push(again);
    world.goes_on(after(hours(96)), |_| status(200));
    assert_eq!(world.deliveries.pop().unwrap().state, State::Delivered);
    assert_eq!(world.only().state, State::Dead, "the first stays what it is");
}

#[test]
fn however_often_it_is_tried_a_file_of_a_delivery_can_be_read() {
    let mut world = World::new(&json!({ "tries": 100, "schedule": [0] }));
    world.goes_on(after(hours(1)), |_| status(500));
    let (worst, mut delivery) = ("\u{1}".repeat(4096), world.deliveries.remove(0));
    let attempts = std::mem::take(&mut delivery.attempts);
    for attempt in attempts {
        let attempt = Attempt { response: Some(worst.clone()), ..attempt };
        let verdict = Verdict::Refused { why: String::new() };
        delivery.attempted(attempt, &verdict, start(), |_| None);
    }
    assert_eq!(delivery.attempts.len(), 100);
    assert_eq!(delivery.attempts.last().unwrap().response, Some(worst));
    let size = serde_json::to_vec_pretty(&delivery).unwrap().len() as u64;
    assert!(size < crate::json::LARGEST, "{size}");
}
