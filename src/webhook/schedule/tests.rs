use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn webhook(settings: &Value) -> Webhook {
    let mut whole = json!({ "name": "n", "kind": "generic", "url": "http://h/" });
    whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn plan(settings: &Value) -> Plan {
    let webhook = webhook(settings);
    check(&webhook).unwrap();
    Plan::of(&webhook)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Asserts that the waits of a plan are these seconds, give or take a fifth, and no more.
#[track_caller]
fn waits(plan: &Plan, expected: &[f64]) {
    for (made, seconds) in expected.iter().enumerate() {
        let wait = plan.wait_after(u32::try_from(made).unwrap(), "id").unwrap().as_secs_f64();
        assert!((wait - seconds).abs() <= seconds * 0.2 + 1e-6, "{made}: {wait}, {seconds}");
    }
    assert_eq!(plan.wait_after(u32::try_from(expected.len()).unwrap(), "id"), None);
    assert_eq!(plan.wait_after(u32::MAX, "id"), None);
}

/// Returns so many seconds as `5 min` or the like has them.
fn told(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, "s"));
    let unit = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        other => panic!("{other}"),
    };
    number.parse::<u64>().unwrap() * unit
}

#[test]
fn the_page_has_the_same_schedules() {
    let page = include_str!("../../../docs/webhooks.md");
    for (name, known) in [("standard", STANDARD.as_slice()), ("svix", SVIX.as_slice())] {
        let (_, row) = page.split_once(&format!("\n| `{name}` | ")).unwrap();
        let (waits, rest) = row.split_once(" | ").unwrap();
        assert_eq!(waits.split(", ").map(told).collect::<Vec<_>>(), known);
        let all: u64 = known.iter().sum();
        let total =
            format!("{} tries in {} h {} min |", known.len(), all / 3_600, all % 3_600 / 60);
        assert!(rest.starts_with(&total), "{total}");
    }
}

#[test]
fn the_named_schedules_are_those_of_their_makers() {
    let standard = [0., 5., 300., 1800., 7200., 18000., 36000., 50400., 72000., 86400.].as_slice();
    waits(&plan(&json!({})), standard);
    waits(&plan(&json!({ "schedule": "standard" })), standard);
    let svix = [0., 5., 300., 1800., 7200., 18000., 36000., 36000.].as_slice();
    waits(&plan(&json!({ "schedule": "svix" })), svix);
    waits(&plan(&json!({ "kind": "cloudstack" })), &standard[..3]);
    waits(&plan(&json!({ "kind": "cloudstack", "tries": 1 })), &standard[..1]);
}

#[test]
fn the_last_wait_of_a_list_serves_for_all_that_follow() {
    waits(&plan(&json!({ "schedule": [1, 0.5], "tries": 4 })), &[1., 0.5, 0.5, 0.5]);
    waits(&plan(&json!({ "schedule": [7] })), &[7.]);
    waits(&plan(&json!({ "schedule": [1, 2, 3], "tries": 2 })), &[1., 2.]);
}

#[test]
fn waits_differ_between_deliveries_and_attempts_but_not_between_calls() {
    let plan = plan(&json!({ "schedule": [100], "tries": 100 }));
    let all: std::collections::BTreeSet<Duration> =
        (0..100).filter_map(|made| plan.wait_after(made, "one")).collect();
    assert!(all.len() > 90, "{all:?}");
    assert!(all.first().unwrap().as_secs_f64() < 85. && all.last().unwrap().as_secs() > 115);
    assert_eq!(plan.wait_after(1, "one"), plan.wait_after(1, "one"));
    assert_ne!(plan.wait_after(1, "one"), plan.wait_after(1, "two"));
}

#[test]
fn an_attempt_may_take_ten_seconds_where_nothing_is_said() {
    assert_eq!(plan(&json!({})).timeout(), Duration::from_secs(10));
    let short = plan(&json!({ "timeout_seconds": 0.25 }));
    assert_eq!(short.timeout(), Duration::from_millis(250));
}

#[test]
fn numbers_that_make_no_plan_are_named() {
    for (settings, expected) in [
        (json!({ "tries": 0 }), "tries: 0 is not between 1 and 100"),
        (json!({ "tries": 101 }), "tries: 101 is not between 1 and 100"),
        (json!({ "timeout_seconds": 0 }), "timeout_seconds: 0 is not between 0.001 and 600"),
        (json!({ "timeout_seconds": 601 }), "timeout_seconds: 601 is not between 0.001 and"),
        (json!({ "schedule": [] }), "schedule: the list is empty"),
        (json!({ "schedule": [0, -1] }), "schedule[1]: -1 is not between 0 and 2592000"),
        (json!({ "schedule": [2_592_001] }), "schedule[0]: 2592001 is not between 0 and"),
        (json!({ "schedule": vec![1; 101] }), "schedule: 101 waits are more than the 100"),
    ] {
        let message = check(&webhook(&settings)).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    }
    for seconds in [f64::NAN, f64::INFINITY] {
        let schedule = Some(Schedule::Seconds(vec![seconds]));
        let webhook = Webhook { schedule, timeout_seconds: Some(seconds), ..webhook(&json!({})) };
        check(&webhook).unwrap_err();
        assert_eq!(Plan::of(&webhook).wait_after(0, "id"), Some(Duration::ZERO));
    }
}

#[test]
fn an_attempt_is_due_when_its_time_has_come() {
    let (before, next) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T05:00:00Z"));
    assert_eq!(due(next, before, before), Duration::from_hours(5));
    assert_eq!(due(next, before, at("2026-01-01T04:59:59Z")), Duration::from_secs(1));
    assert_eq!(due(next, before, next), Duration::ZERO);
    assert_eq!(due(next, before, at("2099-01-01T00:00:00Z")), Duration::ZERO);
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_for_long() {
    let (before, next) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T05:00:00Z"));
    assert_eq!(due(next, before, at("2016-01-01T00:00:00Z")), Duration::ZERO);
    assert_eq!(due(next, before, at("2025-12-31T23:00:00Z")), Duration::from_hours(5));
    // A clock that is set right by a moment does not hurry what waits for seconds.
    let soon = at("2026-01-01T00:00:05Z");
    assert_eq!(due(soon, before, at("2025-12-31T23:59:30Z")), Duration::from_secs(5));
    // What was put down while the clock was ahead by years.
    assert_eq!(due(at("2036-01-01T05:00:00Z"), at("2036-01-01T00:00:00Z"), next), Duration::ZERO);
    assert_eq!(due(at("2036-01-01T05:00:00Z"), before, before), LONGEST_MEANT);
    assert_eq!(due(before, next, before), Duration::ZERO);
}

proptest! {
    #[test]
    fn every_wait_is_within_a_fifth_and_there_are_as_many_as_tries(
        list in proptest::collection::vec(0.0..=LONGEST_WAIT, 1..100),
        tries in 1..=MOST_TRIES, id: String,
    ) {
        let webhook = Webhook {
            schedule: Some(Schedule::Seconds(list.clone())),
            tries: Some(tries),
            ..webhook(&json!({}))
        };
        prop_assert_eq!(check(&webhook), Ok(()));
        let plan = Plan::of(&webhook);
        for made in 0..tries {
            let meant = list[(made as usize).min(list.len() - 1)];
            let wait = plan.wait_after(made, &id).unwrap();
            prop_assert!((wait.as_secs_f64() - meant).abs() <= meant * JITTER + 1e-6);
            prop_assert!(wait < LONGEST_MEANT);
        }
        prop_assert_eq!(plan.wait_after(tries, &id), None);
    }

    #[test]
    fn nothing_is_waited_for_longer_than_twice_what_was_meant(
        before in -1_000_000_000..4_000_000_000_i64, meant in 0..3_000_000_i64,
        now in -1_000_000_000..4_000_000_000_i64,
    ) {
        let at = |second| Timestamp::from_second(second).unwrap();
        let next = at(before + meant);
        let meant = Duration::from_secs(meant.unsigned_abs());
        // Asked again whenever the wait is over, while the clock goes on.
        let (mut now, mut total) = (at(now), Duration::ZERO);
        loop {
            let wait = due(next, at(before), now);
            prop_assert!(wait <= meant);
            if wait.is_zero() {
                break;
            }
            (now, total) = (now + wait, total + wait);
            prop_assert!(total <= meant + meant.max(SLACK), "{:?}", total);
        }
    }
}
