use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::delivery::Attempt;
use crate::order::{Author, Bought, NewOrder, Ordered, Removal, Wish};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn order() -> Order {
    let new = NewOrder {
        task_id: "7".parse().unwrap(),
        key: Uuid::nil(),
        caller_key: None,
        provider: "demo".to_owned(),
        definition: "hetzner".to_owned(),
        configuration: Ordered {
            id: "1".to_owned(),
            descr: "one".to_owned(),
            parameters: BTreeMap::new(),
            user_data: None,
        },
        author: Author { uid: 0, name: "root".to_owned(), sudo_user: None },
        account: BTreeMap::new(),
    };
    Order::accept(new, Uuid::nil(), at(0))
}

/// Returns order 7, at 192.0.2.1, that went its way: sent after a second, bought, built, finished at these times.
pub(crate) fn finished(bought: i64, built: i64, end: i64) -> Order {
    let mut order = order();
    order.intend("https://hoster.example", "a".to_owned(), BTreeMap::new(), at(1));
    let server = Bought { server_id: "11".to_owned(), ..Bought::default() };
    order.own("create", "a".to_owned(), server, at(bought));
    order.built("192.0.2.1".to_owned(), Vec::new(), at(built));
    order.finish(Uuid::nil(), at(end));
    order
}

fn line(seconds: i64, message: &str) -> LogLine {
    let task_id = Some("7".parse().unwrap());
    LogLine { at: at(seconds), task_id, message: message.to_owned() }
}

/// Returns spans as `part kind begin..end words`, in seconds.
fn told(spans: &[Span]) -> Vec<String> {
    let of = |time: Timestamp| time.as_second() - at(0).as_second();
    spans
        .iter()
        .map(|span| {
            let end = span.end.map_or("…".to_owned(), |end| of(end).to_string());
            let failed = if span.failed { " !" } else { "" };
            let Span { part, kind, words, .. } = span;
            format!("{part:?} {kind:?} {}..{end} {words}{failed}", of(span.begin))
        })
        .collect()
}

#[test]
fn a_story_has_stages_the_log_within_them_and_the_end() {
    let log = [
        line(1, "the request that buys is sent"),
        line(3, "server 11 is bought"),
        line(40, "the hoster calls the server `on`"),
        line(60, "handed over"),
    ];
    assert_eq!(
        told(&tell(&finished(3, 40, 60), &log, &[])),
        [
            "Order Stage 0..3 buying",
            "Order Step 1..3 the request that buys is sent",
            "Order Stage 3..40 building",
            "Order Step 3..40 server 11 is bought",
            "Order Stage 40..60 checking",
            "Order Step 40..60 the hoster calls the server `on`",
            "Order Step 60..60 handed over",
            "Order Event 60..60 finished",
        ]
    );
}

#[test]
fn what_is_not_over_has_no_end() {
    let mut order = order();
    assert_eq!(told(&tell(&order, &[], &[])), ["Order Stage 0..… accepted"]);
    order.intend("https://hoster.example", "a".to_owned(), BTreeMap::new(), at(1));
    order.lose_sight("no reply".to_owned(), at(9));
    assert_eq!(
        told(&tell(&order, &[line(9, "looking")], &[])),
        ["Order Stage 0..9 buying", "Order Stage 9..… unknown", "Order Step 9..… looking"]
    );
}

#[test]
fn a_server_that_is_given_back_later_is_a_chapter_of_its_own() {
    let mut order = finished(3, 40, 60);
    order.ask(Wish::Release, at(9000)).unwrap();
    order.removing(Removal::default(), at(9001));
    let log = [line(9001, "step delete is done")];
    let open = told(&tell(&order, &log, &[]));
    assert_eq!(open[4], "Afterwards Removal 9001..… giving the server back");
    order.release(Uuid::nil(), at(9010));
    assert_eq!(
        told(&tell(&order, &log, &[]))[3..],
        [
            "Order Event 60..60 finished",
            "Afterwards Removal 9001..9010 giving the server back",
            "Afterwards Step 9001..9001 step delete is done",
            "Afterwards Event 9010..9010 released",
        ]
    );
}

#[test]
fn a_failure_says_why_and_a_cancelled_order_removes_what_it_bought() {
    let mut failed = order();
    failed.fail("sold out".to_owned(), Uuid::nil(), at(4));
    assert_eq!(
        told(&tell(&failed, &[], &[])),
        ["Order Stage 0..4 accepted", "Order Event 4..4 failed: sold out !"]
    );
    let mut order = order();
    order.intend("https://hoster.example", "a".to_owned(), BTreeMap::new(), at(1));
    order.own("create", "a".to_owned(), Bought::default(), at(2));
    order.ask(Wish::Cancel, at(5)).unwrap();
    order.removing(Removal::default(), at(6));
    order.cancel(Uuid::nil(), at(8));
    assert_eq!(
        told(&tell(&order, &[], &[])),
        [
            "Order Stage 0..2 buying",
            "Order Stage 2..6 building",
            "Order Removal 6..8 giving the server back",
            "Order Event 8..8 cancelled",
        ]
    );
}

#[test]
fn every_attempt_of_a_delivery_is_told_and_the_one_that_is_to_come() {
    let order = finished(3, 40, 60);
    let event = order.events[1].clone();
    let mut delivery = Delivery::new("billing", event, 1, None, at(60), |_| Duration::ZERO);
    delivery.attempts = vec![Attempt {
        number: 1,
        at: at(61),
        milliseconds: 2000,
        http_status: Some(503),
        error: Some("busy".to_owned()),
        response: None,
    }];
    delivery.next_attempt_at = Some(at(366));
    let told = |delivery: &Delivery| self::told(&tell(&order, &[], std::slice::from_ref(delivery)));
    assert_eq!(
        told(&delivery)[4..],
        [
            "Deliveries Attempt 61..63 billing: order.finished: 503 busy !",
            "Deliveries Planned 366..… billing: order.finished, attempt 2 is to come",
        ]
    );
    delivery.state = Sent::Dead;
    delivery.next_attempt_at = None;
    let last = told(&delivery).pop().unwrap();
    assert!(last.ends_with("503 busy (not tried any more) !"), "{last}");
}

#[test]
fn an_order_takes_as_long_as_the_middle_of_those_before_it() {
    let past = [finished(3, 40, 60), finished(5, 50, 90), finished(4, 900, 1000), order()];
    let expected = Expected::of(&past);
    assert_eq!(expected.total, Some(Duration::from_secs(90)));
    let mut open = order();
    open.intend("https://hoster.example", "a".to_owned(), BTreeMap::new(), at(1));
    // Buying takes 4 s, building 45 s, checking 40 s.
    let share = |order: &Order, now: i64| (expected.share(order, at(now)).unwrap() * 100.0).round();
    assert!((share(&open, 0) - 0.0).abs() < 1.0);
    assert!((share(&open, 2) - 2.0).abs() < 1.0, "{}", share(&open, 2));
    assert!((share(&open, 5000) - 98.0).abs() < 2.0, "it is never said to be done");
    open.own("create", "a".to_owned(), Bought::default(), at(100));
    assert!((share(&open, 100) - 54.0).abs() < 1.0, "{}", share(&open, 100));
    assert_eq!(expected.share(&finished(1, 2, 3), at(0)), Some(1.0));
    assert_eq!(Expected::of(&[order()]).share(&open, at(0)), None, "nobody knows");
}

fn seconds() -> impl Strategy<Value = i64> {
    -100_000..100_000_i64
}

proptest! {
    #[test]
    fn stages_follow_each_other_whatever_the_clock_did(
        bought in seconds(), built in seconds(), end in seconds(),
        unknown in proptest::option::of(seconds()), removal in proptest::option::of(seconds()),
        now in seconds(), lines in proptest::collection::vec(seconds(), 0..8),
    ) {
        let mut order = finished(bought, built, end);
        if let Some(purchase) = &mut order.purchase {
            purchase.unknown_since = unknown.map(at);
            purchase.removal = removal.map(|begun| Removal {
                begun_at: Some(at(begun)),
                ..Removal::default()
            });
        }
        let mut last = order.created_at;
        for (_, begin, end) in stages(&order) {
            prop_assert_eq!(begin, last);
            last = end.unwrap_or(begin);
            prop_assert!(last >= begin);
        }
        let log: Vec<LogLine> = lines.into_iter().map(|seconds| line(seconds, "a line")).collect();
        for span in tell(&order, &log, &[]) {
            prop_assert!(span.end.is_none_or(|end| end >= span.begin), "{:?}", span);
        }
        let past = Expected::of([&order]);
        for order in [&order, &self::order()] {
            prop_assert!(past.share(order, at(now)).is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }
}
