//! The checker of histories finds nothing wrong with one that is whole, and each thing that is wrong
//! with another: one that cannot fail proves nothing.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::history::{Arrival, Call, History, Hook, Sold, violations};

const TYPES: [&str; 5] =
    ["order.accepted", "order.finished", "order.failed", "order.cancelled", "order.released"];

fn call(words: &str, at: u64, document: &Value) -> Call {
    let failed = document.get("error").is_some();
    Call {
        words: words.split(' ').map(str::to_owned).collect(),
        begun: Duration::from_secs(at),
        ended: Duration::from_secs(at + 1),
        killed: false,
        status: Some(if failed { 3 } else { 0 }),
        stdout: format!("{document}\n").into_bytes(),
    }
}

/// How an order of a history ends.
#[derive(Debug, Clone, Copy)]
enum Way {
    Finished,
    Failed,
    LookFor,
    Cancelled,
    Released,
    Unanswered,
}

const WAYS: [Way; 6] =
    [Way::Finished, Way::Failed, Way::LookFor, Way::Cancelled, Way::Released, Way::Unanswered];

/// One order: what the panel asked, what was bought, and what the webhook was told.
#[derive(Debug, Clone, Copy)]
struct Life {
    way: Way,
    of_hoster: bool,
    keyed: bool,
    again: bool,
}

impl Life {
    fn state(self) -> &'static str {
        match self.way {
            Way::Finished => "finished",
            Way::Failed | Way::LookFor => "failed",
            Way::Cancelled => "cancelled",
            Way::Released => "released",
            Way::Unanswered => "accepted",
        }
    }

    /// An inventory's order does not fail.
    fn possible(self) -> bool {
        self.of_hoster || !matches!(self.way, Way::Failed | Way::LookFor)
    }
}

fn add(history: &mut History, number: usize, life: Life) {
    let (id, at) = (number.to_string(), u64::try_from(number).unwrap() * 100);
    let name = format!("webdir-{id}-name");
    let state = life.state();
    let middle = matches!(life.way, Way::Released).then_some("order.finished");
    let last = (state != "accepted").then(|| format!("order.{state}"));
    let kinds: Vec<String> =
        ["order.accepted"].into_iter().chain(middle).map(str::to_owned).chain(last).collect();
    let events: Vec<Value> = kinds
        .iter()
        .map(
            |kind| json!({ "type": kind, "data": { "webhook": { "id": format!("{id}-{kind}") } } }),
        )
        .collect();
    let reason = matches!(life.way, Way::LookFor).then(|| format!("look for `{name}`"));
    let definition = if life.of_hoster { "fake" } else { "inventory" };
    let order = json!({
        "task_id": id, "definition": definition, "state": state, "wish": null, "reason": reason,
        "hostname": life.of_hoster.then_some(&name), "server_id": format!("s{id}"),
        "server": if life.of_hoster { format!("198.51.100.{id}") } else { "192.0.2.1".to_owned() },
        "events": events,
    });
    let answered = !matches!(life.way, Way::Unanswered);
    let place = if answered { "done" } else { "accepted" };
    history.orders.push((place.to_owned(), order.clone()));
    let words = if life.keyed { format!("order 1 --key k{id}") } else { "order 1".to_owned() };
    if answered {
        history.calls.push(call(&words, at, &json!({ "task_id": id })));
        follow(history, life, &id, at, &order);
    } else {
        let killed = call(&words, at, &Value::Null);
        history.calls.push(Call { killed: true, status: None, stdout: Vec::new(), ..killed });
    }
    if life.of_hoster && matches!(life.way, Way::Finished | Way::Released | Way::LookFor) {
        let there = !matches!(life.way, Way::Released);
        history.sold.push(Sold { id: format!("s{id}"), name, there });
    }
    for kind in kinds.iter().filter(|_| answered) {
        let arrival = arrived(&format!("{id}-{kind}"), kind.as_bytes());
        if life.again {
            history.hooks[0].arrivals.push(Arrival { taken: false, ..arrival.clone() });
        }
        history.hooks[0].arrivals.push(arrival);
    }
}

fn arrived(id: &str, body: &[u8]) -> Arrival {
    Arrival { id: id.to_owned(), body: body.to_vec(), taken: true, late: false }
}

/// Asks for an order until it has ended, and gives it up where that is its way.
fn follow(history: &mut History, life: Life, id: &str, at: u64, order: &Value) {
    if life.keyed {
        history.calls.push(call(
            &format!("order 1 --key k{id}"),
            at + 2,
            &json!({ "task_id": id }),
        ));
    }
    let asks = format!("order_status {id}");
    let is = |status: &str| json!({ "task_id": id, "status": status, "server": order["server"] });
    history.calls.push(call(&asks, at + 4, &is("in_progress")));
    if matches!(life.way, Way::Finished | Way::Released) {
        history.calls.push(call(&asks, at + 6, &is("finished")));
    }
    if !matches!(life.way, Way::Finished) {
        // Before another order may have its server; that of a finished one of an inventory stays.
        if matches!(life.way, Way::Cancelled | Way::Released) {
            history.calls.push(call(&format!("orders release {id} --yes"), at + 8, &json!({})));
        }
        history.calls.push(call(&asks, at + 10, &is("error")));
    }
}

fn of(lives: &[Life]) -> History {
    let types = TYPES.map(str::to_owned).to_vec();
    let hook = Hook { name: "hook".to_owned(), types, arrivals: Vec::new() };
    let mut history = History { hooks: vec![hook], ..History::default() };
    history.rest.files = vec![("lock".to_owned(), 0o600), ("done".to_owned(), 0o700)];
    let mut taken = false;
    for (number, life) in lives.iter().filter(|life| life.possible()).enumerate() {
        // The one server of the inventory is finished with once.
        let stays = !life.of_hoster && matches!(life.way, Way::Finished);
        if !taken || life.of_hoster {
            add(&mut history, number + 1, *life);
        }
        taken |= stays;
    }
    history
}

/// A history in which everything happens that may.
fn whole() -> History {
    let lives: Vec<Life> = [true, false]
        .into_iter()
        .flat_map(|of_hoster| {
            let ways =
                WAYS.into_iter().filter(move |way| of_hoster || !matches!(way, Way::Finished));
            ways.map(move |way| Life { way, of_hoster, keyed: of_hoster, again: of_hoster })
        })
        .chain([Life { way: Way::Finished, of_hoster: false, keyed: false, again: true }])
        .collect();
    of(&lives)
}

/// Returns where the order of a way is, and its number.
fn find(history: &History, state: &str, definition: &str) -> (usize, String) {
    let is =
        |(_, order): &(String, Value)| order["state"] == state && order["definition"] == definition;
    let at = history.orders.iter().position(is).unwrap();
    (at, history.orders[at].1["task_id"].as_str().unwrap().to_owned())
}

/// Breaks one thing, and expects just the sentence that is about it.
#[track_caller]
fn breaks(expected: &str, change: impl FnOnce(&mut History)) {
    let mut history = whole();
    assert_eq!(violations(&history), Vec::<String>::new());
    change(&mut history);
    let found = violations(&history);
    assert_eq!(found.len(), 1, "{expected}: {found:#?}");
    assert!(found[0].contains(expected), "{expected}: {found:#?}");
}

#[test]
fn an_answered_order_that_is_not_stored_is_lost() {
    breaks("was answered and is lost", |history| {
        let (at, id) = find(history, "cancelled", "inventory");
        history.orders.remove(at);
        history.hooks[0].arrivals.retain(|one| !one.id.starts_with(&format!("{id}-")));
    });
    breaks("stored twice", |history| {
        let (at, _) = find(history, "cancelled", "inventory");
        history.orders.push(history.orders[at].clone());
    });
}

#[test]
fn a_number_is_not_given_twice_and_a_key_has_one() {
    breaks("was given to several orders", |history| {
        let (_, id) = find(history, "cancelled", "inventory");
        history.calls.push(call("order 1", 9000, &json!({ "task_id": id })));
    });
    breaks("was given to several orders", |history| {
        let (_, id) = find(history, "cancelled", "fake");
        history.calls.push(call("order 1 --key other", 9000, &json!({ "task_id": id })));
    });
    breaks("key twice was answered with", |history| {
        for state in ["cancelled", "released"] {
            let (_, id) = find(history, state, "inventory");
            let words = call("order 1 --key twice", 0, &Value::Null).words;
            let answer = history.calls.iter_mut().find(|one| one.ordered().as_ref() == Some(&id));
            answer.unwrap().words = words;
        }
    });
}

#[test]
fn a_status_goes_forward_and_stays_with_its_server() {
    let says = |history: &mut History, state: &str, at: u64, status: &str, server: &str| {
        let (_, id) = find(history, state, "fake");
        let told = json!({ "task_id": id, "status": status, "server": server });
        history.calls.push(call(&format!("order_status {id}"), at, &told));
    };
    breaks("was finished and then in_progress", |history| {
        says(history, "finished", 9000, "in_progress", "");
    });
    breaks("was error and then finished", |history| {
        let (_, id) = find(history, "released", "fake");
        let (order, at) = (&history.orders, 9000);
        let server = order.iter().find(|(_, order)| order["task_id"] == id.as_str()).unwrap();
        let server = server.1["server"].as_str().unwrap().to_owned();
        says(history, "released", at, "finished", &server);
    });
    breaks("was error and is stored as finished", |history| {
        says(history, "finished", 9000, "error", "");
    });
    breaks("was finished and is \"failed\"", |history| {
        says(history, "failed", 0, "finished", "");
        // It says nothing of what was before and after.
        history.calls.last_mut().unwrap().ended = Duration::MAX;
    });
    breaks("on several servers", |history| says(history, "finished", 9000, "finished", "other"));
    breaks("with several passwords", |history| {
        let (_, id) = find(history, "finished", "fake");
        let told = |one: &&mut Call| one.words == ["order_status", id.as_str()];
        let last = history.calls.iter_mut().rfind(told).unwrap();
        let mut again = last.clone();
        for (call, password) in [(last, json!("one")), (&mut again, Value::Null)] {
            let mut said: Value = serde_json::from_slice(&call.stdout).unwrap();
            said["server_password"] = password;
            call.stdout = format!("{said}\n").into_bytes();
        }
        history.calls.push(again);
    });
    breaks("of an answered order said", |history| {
        let (_, id) = find(history, "finished", "fake");
        let unknown = json!({ "error": 1, "error_code": "unknown_task" });
        history.calls.push(call(&format!("order_status {id}"), 9000, &unknown));
    });
}

#[test]
fn a_call_says_one_document_and_its_status_agrees() {
    breaks("said no document", |history| {
        let silent = Call { stdout: Vec::new(), ..call("order 1", 9000, &Value::Null) };
        history.calls.push(silent);
    });
    breaks("said no document", |history| {
        let half = Call { stdout: b"{\"task".to_vec(), ..call("order 1", 9000, &Value::Null) };
        history.calls.push(Call { killed: true, status: None, ..half });
    });
    breaks("ended with Some(0) and said", |history| {
        let told = call("order 1", 9000, &json!({ "error": 1 }));
        history.calls.push(Call { status: Some(0), ..told });
    });
}

#[test]
fn what_is_bought_is_bought_once_and_for_an_answered_order() {
    let sell = |history: &mut History, state: &str, there: bool| {
        let (_, id) = find(history, state, "fake");
        let name = format!("webdir-{id}-name");
        history.sold.push(Sold { id: "more".to_owned(), name, there });
    };
    breaks("has bought 2 servers", |history| sell(history, "finished", false));
    breaks("has bought 2 servers", |history| sell(history, "released", false));
    breaks("never answered and has bought", |history| sell(history, "accepted", false));
    breaks("is lost", |history| sell(history, "cancelled", true));
    breaks("has bought no server", |history| {
        let (_, id) = find(history, "finished", "fake");
        history.sold.retain(|one| one.name != format!("webdir-{id}-name"));
    });
    breaks("its server is gone", |history| {
        let (_, id) = find(history, "finished", "fake");
        let name = format!("webdir-{id}-name");
        history.sold.iter_mut().find(|one| one.name == name).unwrap().there = false;
    });
    breaks("was bought for no order", |history| {
        history.sold.push(Sold { id: "x".to_owned(), name: "x".to_owned(), there: true });
    });
}

#[test]
fn an_answered_order_ends_and_another_is_left_alone() {
    breaks("does not come to an end", |history| {
        let (at, _) = find(history, "finished", "fake");
        history.orders[at].0 = "active".to_owned();
    });
    breaks("does not come to an end", |history| {
        let (at, _) = find(history, "finished", "fake");
        history.orders[at].1["wish"] = "release".into();
    });
    breaks("was not given back: ", |history| {
        let (at, _) = find(history, "finished", "fake");
        history.orders[at].1["reason"] = "the hoster does not answer".into();
    });
    breaks("was never answered and is in done/", |history| {
        let (at, _) = find(history, "accepted", "fake");
        history.orders[at].0 = "done".to_owned();
    });
    breaks("had a server to itself and failed", |history| {
        let (at, _) = find(history, "cancelled", "inventory");
        let order = &mut history.orders[at].1;
        (order["state"], order["events"][1]["type"]) = ("failed".into(), "order.failed".into());
    });
    for state in ["cancelled", "released"] {
        breaks("and nobody asked for it", |history| {
            let (_, id) = find(history, state, "fake");
            history.calls.retain(|call| call.words != ["orders", "release", &id, "--yes"]);
        });
    }
    breaks("is \"released\" after", |history| {
        let (at, id) = find(history, "released", "fake");
        history.orders[at].1["events"].as_array_mut().unwrap().remove(1);
        history.hooks[0].arrivals.retain(|one| one.id != format!("{id}-order.finished"));
    });
    breaks("is \"finished\" after", |history| {
        let (at, id) = find(history, "finished", "fake");
        let events = history.orders[at].1["events"].as_array_mut().unwrap();
        events.remove(0);
        history.hooks[0].arrivals.retain(|one| one.id != format!("{id}-order.accepted"));
    });
}

#[test]
fn an_event_arrives_in_its_order_and_is_always_the_same() {
    let of = |history: &History, state: &str| {
        let (_, id) = find(history, state, "inventory");
        format!("{id}-order.{state}")
    };
    breaks("was never told order.released", |history| {
        let id = of(history, "released");
        history.hooks[0].arrivals.retain(|one| one.id != id);
    });
    breaks("with two bodies", |history| {
        let id = of(history, "released");
        history.hooks[0].arrivals.push(arrived(&id, b"other"));
    });
    breaks("which is no event", |history| {
        history.hooks[0].arrivals.push(arrived("x", b""));
    });
    breaks("which is no event", |history| {
        let id = of(history, "accepted");
        history.hooks[0].arrivals.push(arrived(&id, b""));
    });
    breaks("got event 0 of order", |history| {
        let (_, id) = find(history, "released", "inventory");
        let first = format!("{id}-order.accepted");
        let again = history.hooks[0].arrivals.iter().find(|one| one.id == first).unwrap().clone();
        // Of a sender that was gone it would mean nothing.
        history.hooks[0].arrivals.push(Arrival { late: true, ..again.clone() });
        history.hooks[0].arrivals.push(again);
    });
    breaks("got order.released of order", |history| {
        let asked = |kind: &String| kind != "order.released";
        let (_, id) = find(history, "released", "fake");
        history.hooks[0].types.retain(asked);
        let told = |one: &Arrival| {
            !one.id.ends_with("order.released") || one.id.starts_with(&format!("{id}-"))
        };
        history.hooks[0].arrivals.retain(told);
    });
}

#[test]
fn an_event_that_no_receiver_took_is_lost() {
    let change = |history: &mut History, change: fn(&mut Arrival)| {
        let (_, id) = find(history, "finished", "fake");
        let of = format!("{id}-order.finished");
        history.hooks[0].arrivals.iter_mut().filter(|one| one.id == of).for_each(change);
    };
    // Refused, unanswered, or answered by half.
    breaks("never took order.finished", |history| change(history, |one| one.taken = false));
    // Taken when nobody was there any more to hear of it.
    breaks("never took order.finished", |history| change(history, |one| one.late = true));
}

#[test]
fn a_server_of_the_inventory_is_handed_to_one_order_at_a_time() {
    breaks("server 192.0.2.1 was handed to orders", |history| {
        let (_, id) = find(history, "released", "inventory");
        let gives_up = |call: &&mut Call| call.words == ["orders", "release", &id, "--yes"];
        history.calls.iter_mut().find(gives_up).unwrap().begun = Duration::MAX;
    });
}

#[test]
fn nothing_is_left_open_or_under_way() {
    let has = |path: &'static str, mode| {
        move |history: &mut History| history.rest.files.push((path.to_owned(), mode))
    };
    breaks("is open to others: 640", has("done/1.json", 0o640));
    breaks("is open to others: 711", has("done", 0o711));
    breaks("state/tmp/x is left", has("tmp/x", 0o600));
    breaks("state/deliveries/tmp/x is left", has("deliveries/tmp/x", 0o600));
    breaks("state/deliveries/pending/x is left", has("deliveries/pending/x", 0o600));
    breaks("state/due is left", has("due", 0o600));
    breaks("somebody holds", |history| history.rest.locks.push("worker.lock".to_owned()));
    breaks("somebody runs", |history| history.rest.processes.push("demo work".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_orders_there_were_a_whole_history_is_whole_and_one_that_lacks_a_call_or_order_is_not(
        lives in prop::collection::vec((0..WAYS.len(), any::<[bool; 3]>()), 1..20),
        at in any::<prop::sample::Index>(),
        second in any::<bool>(),
    ) {
        let lives: Vec<Life> = lives
            .into_iter()
            .map(|(way, [of_hoster, keyed, again])| Life { way: WAYS[way], of_hoster, keyed, again })
            .collect();
        let mut history = of(&lives);
        prop_assert_eq!(violations(&history), Vec::<String>::new());
        let answered: Vec<String> = history.answered().into_iter().collect();
        if !answered.is_empty() {
            let id = at.get(&answered);
            let own = |order: &Value| order["task_id"] == id.as_str();
            if second {
                history.orders.retain(|(_, order)| !own(order));
            } else {
                // Nobody was told of it: it was acted on all the same.
                history.calls.retain(|call| call.ordered().as_ref() != Some(id));
            }
            prop_assert!(!violations(&history).is_empty());
        }
    }
}
