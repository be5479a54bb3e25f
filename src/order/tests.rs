use super::*;
use proptest::prelude::*;

pub(super) fn order() -> Order {
    let new = NewOrder {
        task_id: "7".parse().unwrap(),
        key: Uuid::nil(),
        caller_key: None,
        provider: "demo".to_owned(),
        definition: INVENTORY.to_owned(),
        configuration: Ordered {
            id: "1".to_owned(),
            descr: "one".to_owned(),
            parameters: BTreeMap::new(),
            user_data: None,
        },
        author: Author { uid: 0, name: "root".to_owned(), sudo_user: None },
        account: BTreeMap::new(),
    };
    let mut order = Order::accept(new, Uuid::nil(), Timestamp::UNIX_EPOCH);
    order.server = Some("192.0.2.1".to_owned());
    order.password = Some(Secret::from("canary".to_owned()));
    order
}

/// What can happen to an order, in any sequence.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Asked(Wish),
    Worked,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        Just(Happening::Asked(Wish::Cancel)),
        Just(Happening::Asked(Wish::Release)),
        Just(Happening::Worked),
    ];
    proptest::collection::vec(one, 0..12)
}

fn apply(order: &mut Order, happening: Happening) {
    let (event, now) = (Uuid::nil(), Timestamp::UNIX_EPOCH);
    match happening {
        Happening::Asked(wish) => drop(order.ask(wish, now)),
        Happening::Worked => match order.next() {
            Step::Cancel => order.cancel(event, now),
            Step::GoOn => order.finish(event, now),
            Step::Release => order.release(event, now),
            Step::File => {}
        },
    }
}

/// How far an order is: a status only moves forward.
fn rank(state: State) -> u8 {
    match state {
        State::Accepted | State::Buying | State::Unknown | State::Building | State::Checking => 0,
        State::Finished => 1,
        State::Failed | State::Cancelled | State::Released => 2,
    }
}

proptest! {
    #[test]
    fn an_order_only_moves_forward_and_each_move_is_one_event(all in happenings()) {
        let mut order = order();
        for happening in all {
            let (state, events) = (order.state, order.events.len());
            apply(&mut order, happening);
            prop_assert!(rank(order.state) >= rank(state));
            let moved = usize::from(order.state != state);
            prop_assert_eq!(order.events.len(), events + moved);
        }
    }

    #[test]
    fn a_stored_order_is_read_as_it_was_written(all in happenings()) {
        let mut order = order();
        for happening in all {
            apply(&mut order, happening);
        }
        let text = serde_json::to_string(&order).unwrap();
        prop_assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
    }
}

#[test]
fn no_event_holds_the_password() {
    let mut order = order();
    order.finish(Uuid::nil(), Timestamp::UNIX_EPOCH);
    order.release(Uuid::nil(), Timestamp::UNIX_EPOCH);
    let events = serde_json::to_string(&order.events).unwrap();
    assert!(!events.contains("canary"), "{events}");
}

#[test]
fn an_order_that_has_ended_cannot_be_asked_for_anything() {
    let mut order = order();
    order.cancel(Uuid::nil(), Timestamp::UNIX_EPOCH);
    for wish in [Wish::Cancel, Wish::Release] {
        let refusal = order.ask(wish, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refusal, "order 7 has ended: it is cancelled");
    }
}

#[test]
fn a_new_wish_has_all_of_its_time_and_a_repeated_one_does_not() {
    let long_ago = Some(Timestamp::UNIX_EPOCH);
    let removal = Removal { begun_at: long_ago, accepted: true, ..Removal::default() };
    let mut order = order();
    order.state = State::Failed;
    order.server_id = Some("42".to_owned());
    order.purchase = Some(Purchase {
        troubled_since: long_ago,
        removal: Some(removal.clone()),
        ..Purchase::default()
    });
    order.ask(Wish::Release, Timestamp::UNIX_EPOCH).unwrap();
    let purchase = order.purchase.as_mut().unwrap();
    assert_eq!(purchase.troubled_since, None);
    assert_eq!(purchase.removal, Some(Removal { begun_at: None, ..removal.clone() }));
    (purchase.troubled_since, purchase.removal) = (long_ago, Some(removal.clone()));
    order.ask(Wish::Release, Timestamp::UNIX_EPOCH).unwrap();
    let purchase = order.purchase.unwrap();
    assert_eq!((purchase.troubled_since, purchase.removal), (long_ago, Some(removal)));
}

#[test]
fn a_failed_order_whose_release_came_to_nothing_still_says_which_server_it_left() {
    let (mut order, now) = (order(), Timestamp::UNIX_EPOCH);
    order.server_id = Some("17".to_owned());
    order.troubled(Some(now));
    order.fail("no answer; server 17 (`webdir-7`) was bought".to_owned(), Uuid::nil(), now);
    for why in ["busy", "gone away"] {
        order.ask(Wish::Release, now).unwrap();
        assert_eq!(order.purchase.as_ref().unwrap().troubled_since, None);
        order.troubled(Some(now));
        order.refuse_wish(why.to_owned(), now);
    }
    let expected = "no answer; server 17 (`webdir-7`) was bought; not released: gone away";
    assert_eq!(order.reason.as_deref(), Some(expected));
}
