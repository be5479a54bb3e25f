//! The story of an order, told out of what is stored: what it went through, what was waited for, how
//! its deliveries went. Pure; nothing of it is stored a second time.

mod expected;
#[cfg(test)]
pub(crate) mod tests;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::delivery::{Delivery, State as Sent};
use crate::event::EventType;
use crate::order::{Order, State};
use crate::store::LogLine;

pub(crate) use expected::{Expected, median, time_to_ready};

/// How long after an order's end a line of the log may still be about the end, in milliseconds: the
/// worker writes the order first, and the line then.
const ECHO: i64 = 1000;

/// Which chapter of the story something belongs to; each has a scale of its own, for a server that
/// is given back after a year would leave nothing to see of the minute in which it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// From the order to what became of it.
    Order,
    /// What happened to its server later.
    Afterwards,
    /// How its events were sent.
    Deliveries,
}

/// What something is that took its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A stage of the order's life.
    Stage,
    /// The removal of its server.
    Removal,
    /// What the worker did or waited for within a stage, as the log has it.
    Step,
    /// A moment: the order came to its end.
    Event,
    /// One try to send a delivery.
    Attempt,
    /// A try that is still to come.
    Planned,
}

/// Something that took its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(crate) struct Span {
    /// Which chapter it belongs to.
    pub(crate) part: Part,
    /// What it is.
    pub(crate) kind: Kind,
    /// When it began, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) begin: Timestamp,
    /// When it ended, RFC 3339 in UTC; null while it goes on.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) end: Option<Timestamp>,
    /// Whether it came to nothing.
    pub(crate) failed: bool,
    /// What it was.
    pub(crate) words: String,
}

impl Span {
    /// Makes one that does not end before it began, whatever the clock did.
    fn new(
        part: Part,
        kind: Kind,
        begin: Timestamp,
        end: Option<Timestamp>,
        words: String,
    ) -> Self {
        Self { part, kind, begin, end: end.map(|end| end.max(begin)), failed: false, words }
    }
}

/// Returns when an order came to its end for the first time; none while it is open.
pub(crate) fn ended_at(order: &Order) -> Option<Timestamp> {
    let ends = [EventType::Finished, EventType::Failed, EventType::Cancelled];
    let end = order.events.iter().find(|event| ends.contains(&event.kind));
    end.map(|event| event.timestamp)
}

/// Returns the stages that an order went through, one after the other without a gap; the last one
/// goes on while the order is open.
pub(crate) fn stages(order: &Order) -> Vec<(State, Timestamp, Option<Timestamp>)> {
    let stop = match (ended_at(order), removal_began(order)) {
        (Some(end), Some(removal)) => Some(end.min(removal)),
        (end, removal) => end.or(removal),
    };
    let stop = stop.map(|stop| stop.max(order.created_at));
    // A clock that was set back gives no stage of less than no time.
    let mut at = order.created_at;
    let marks = marks(order).into_iter().map(|(state, begin)| {
        at = stop.map_or(begin.max(at), |stop| begin.max(at).min(stop));
        (state, at)
    });
    let mut marks = marks.collect::<Vec<_>>().into_iter().peekable();
    let mut stages = Vec::new();
    while let Some((state, begin)) = marks.next() {
        stages.push((state, begin, marks.peek().map(|(_, next)| *next).or(stop)));
    }
    stages
}

/// Returns when each stage began, as far as that is written down. When the request that buys was
/// sent is not: waiting for it counts as buying, once it was.
fn marks(order: &Order) -> Vec<(State, Timestamp)> {
    let Some(purchase) = &order.purchase else {
        return vec![(State::Accepted, order.created_at)];
    };
    let was_sent = purchase.base_url.is_some();
    let mut marks =
        vec![(if was_sent { State::Buying } else { State::Accepted }, order.created_at)];
    let before = |at: Timestamp, later: Option<Timestamp>| later.is_none_or(|later| at <= later);
    if let Some(at) = purchase.unknown_since.filter(|at| before(*at, purchase.bought_at)) {
        marks.push((State::Unknown, at));
        if matches!(order.state, State::Accepted | State::Buying) {
            marks.push((order.state, order.updated_at));
        }
    }
    marks.extend(purchase.bought_at.map(|at| (State::Building, at)));
    marks.extend(purchase.built_at.map(|at| (State::Checking, at)));
    marks
}

fn removal_began(order: &Order) -> Option<Timestamp> {
    order.purchase.as_ref()?.removal.as_ref()?.begun_at
}

/// Tells the whole story, each chapter in the order of time.
pub(crate) fn tell(order: &Order, log: &[LogLine], deliveries: &[Delivery]) -> Vec<Span> {
    let mut spans: Vec<Span> = stages(order)
        .into_iter()
        .map(|(state, begin, end)| {
            Span::new(Part::Order, Kind::Stage, begin, end, state.word().to_owned())
        })
        .collect();
    spans.extend(removal(order));
    spans.extend(ends(order));
    spans.extend(steps(order, log));
    for delivery in deliveries {
        spans.extend(attempts(delivery));
    }
    spans.sort_by_key(|span| (span.part, span.begin, span.kind));
    spans
}

/// Returns the chapter of what happened at that time.
fn part(order: &Order, at: Timestamp) -> Part {
    let later = |end: Timestamp| at.as_millisecond() > end.as_millisecond() + ECHO;
    if ended_at(order).is_some_and(later) { Part::Afterwards } else { Part::Order }
}

fn removal(order: &Order) -> Option<Span> {
    let begin = removal_began(order)?;
    let after = |kind| {
        let all = order.events.iter().filter(move |event| event.kind == kind);
        all.map(|event| event.timestamp).find(|at| *at >= begin)
    };
    let end = after(EventType::Released).or_else(|| after(EventType::Cancelled));
    let goes_on = order.wish.is_some();
    // A wish that could not be fulfilled is gone without an event.
    let end = end.or((!goes_on).then_some(order.updated_at));
    let words = "giving the server back".to_owned();
    // Also where it began at once: an order that has ended is cancelled no more.
    let part = match ended_at(order) {
        Some(at) if at <= begin => Part::Afterwards,
        _ => Part::Order,
    };
    Some(Span::new(part, Kind::Removal, begin, end, words))
}

fn ends(order: &Order) -> impl Iterator<Item = Span> {
    let ends = order.events.iter().filter(|event| event.kind != EventType::Accepted);
    ends.map(|event| {
        let part = match event.kind {
            EventType::Released => Part::Afterwards,
            _ => Part::Order,
        };
        let word = event.kind.word().trim_start_matches("order.");
        let words = match event.data.error_log.as_str() {
            "" => word.to_owned(),
            why => format!("{word}: {why}"),
        };
        let failed = event.kind == EventType::Failed;
        let span = Span::new(part, Kind::Event, event.timestamp, Some(event.timestamp), words);
        Span { failed, ..span }
    })
}

/// Each line of the log holds until the next one: it says what is being done or waited for.
fn steps(order: &Order, log: &[LogLine]) -> impl Iterator<Item = Span> {
    let ended = ended_at(order);
    log.iter().enumerate().map(move |(index, line)| {
        let next = log.get(index + 1).map(|next| next.at);
        let part = part(order, line.at);
        let end = match (next, ended) {
            _ if part == Part::Afterwards => Some(next.unwrap_or(line.at)),
            (Some(next), Some(ended)) => Some(next.min(ended)),
            (next, ended) => next.or(ended),
        };
        Span::new(part, Kind::Step, line.at, end, line.message.clone())
    })
}

fn attempts(delivery: &Delivery) -> Vec<Span> {
    let of = format!("{}: {}", delivery.webhook, delivery.event.kind.word());
    let mut spans: Vec<Span> = Vec::new();
    for attempt in &delivery.attempts {
        let took = std::time::Duration::from_millis(attempt.milliseconds);
        let end = attempt.at.checked_add(took).unwrap_or(attempt.at);
        let status = attempt.http_status.map(|status| status.to_string()).unwrap_or_default();
        let how = attempt.error.as_deref().unwrap_or("delivered");
        let number = match attempt.number {
            1 => String::new(),
            number => format!(", attempt {number}"),
        };
        let words = format!("{of}{number}: {}", format!("{status} {how}").trim());
        let span = Span::new(Part::Deliveries, Kind::Attempt, attempt.at, Some(end), words);
        spans.push(Span { failed: attempt.error.is_some(), ..span });
    }
    match (delivery.state, delivery.next_attempt_at) {
        (Sent::Pending, Some(next)) => {
            let words = format!("{of}, attempt {} is to come", delivery.attempts.len() + 1);
            spans.push(Span::new(Part::Deliveries, Kind::Planned, next, None, words));
        }
        (Sent::Dead, _) => {
            if let Some(last) = spans.last_mut() {
                last.words.push_str(" (not tried any more)");
            }
        }
        _ => {}
    }
    spans
}
