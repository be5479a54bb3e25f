//! A story as a table with bars: pure.

use std::time::Duration;

use crate::admin::{human, table};
use crate::clock::{self, Timestamp};
use crate::story::{Kind, Part, Span};

/// The columns of the bar, of the time before it and of the time that it took.
const BAR: usize = 20;
const OFFSET: usize = 8;
const TOOK: usize = 7;

/// From when to when the bars of a chapter go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) begin: Timestamp,
    /// At least a millisecond, so that there is something to divide by.
    pub(super) length: Duration,
}

impl Axis {
    /// Returns that of a chapter; none for one without anything. What is planned is not on it, for
    /// it may be a day away; nor is the last line of the log, which comes after the end.
    pub(super) fn of(spans: &[Span], now: Timestamp) -> Option<Self> {
        let is_echo = |span: &Span| span.kind == Kind::Step && span.end == Some(span.begin);
        let counts = |span: &&Span| span.kind != Kind::Planned && !is_echo(span);
        let first = spans.iter().filter(counts).map(|span| span.begin).min();
        let last = spans.iter().filter(counts).map(|span| span.end.unwrap_or(now)).max();
        let begin = first.or(spans.first().map(|span| span.begin))?;
        let end = last.unwrap_or(begin);
        Some(Self { begin, length: clock::age(begin, end).max(Duration::from_millis(1)) })
    }

    /// Returns where something begins and how long it is, both as shares of the axis.
    pub(super) fn place(&self, span: &Span, now: Timestamp) -> (f64, f64) {
        let share =
            |at| (clock::age(self.begin, at).as_secs_f64() / self.length.as_secs_f64()).min(1.0);
        let begin = share(span.begin);
        (begin, share(span.end.unwrap_or(now).max(span.begin)) - begin)
    }
}

/// Returns what a chapter is called.
pub(super) const fn heading(part: Part) -> &'static str {
    match part {
        Part::Order => "timeline",
        Part::Afterwards => "afterwards",
        Part::Deliveries => "deliveries",
    }
}

/// Returns the chapters that have something in them.
pub(super) fn chapters(spans: &[Span]) -> impl Iterator<Item = (Part, &[Span])> {
    spans.chunk_by(|one, other| one.part == other.part).map(|all| (all[0].part, all))
}

/// Returns when something began, after the order was accepted.
pub(super) fn offset(created_at: Timestamp, span: &Span) -> String {
    format!("+{}", human::duration(clock::age(created_at, span.begin)))
}

/// Returns how long something took; with `…` while it goes on, nothing for a moment.
pub(super) fn took(span: &Span, now: Timestamp) -> String {
    match (span.kind, span.end) {
        (Kind::Event | Kind::Planned, _) => String::new(),
        (Kind::Step, Some(end)) if end == span.begin => String::new(),
        (_, Some(end)) => human::duration(clock::age(span.begin, end)),
        (_, None) => format!("{}…", human::duration(clock::age(span.begin, now))),
    }
}

/// Draws a story for a terminal so wide, in columns; without one, no line is broken.
pub(super) fn text(
    spans: &[Span],
    created_at: Timestamp,
    now: Timestamp,
    columns: Option<u16>,
) -> String {
    let mut text = String::new();
    for (part, spans) in chapters(spans) {
        text.push_str(heading(part));
        text.push('\n');
        let axis = Axis::of(spans, now);
        let rows = spans.iter().map(|span| {
            let indent = if span.kind == Kind::Step { "  " } else { "" };
            let words = crate::line::one_line(&span.words, usize::MAX);
            vec![
                format!("{:>OFFSET$}", offset(created_at, span)),
                format!("{:>TOOK$}", took(span, now)),
                axis.map_or(String::new(), |axis| bar(&axis, span, now)),
                format!("{indent}{words}"),
            ]
        });
        let fixed = [OFFSET, TOOK, BAR].map(|width| u16::try_from(width).unwrap_or(0));
        text.push_str(&table::render_fixed(columns.unwrap_or(u16::MAX), &fixed, rows));
    }
    text
}

/// Draws one bar; the kinds differ in shape, not in colour.
fn bar(axis: &Axis, span: &Span, now: Timestamp) -> String {
    if span.kind == Kind::Planned {
        return format!("{:>BAR$}", "›");
    }
    let shape = match (span.kind, span.failed) {
        (Kind::Step, _) => '─',
        (Kind::Event, false) => '◆',
        (Kind::Event, true) => '✗',
        (_, false) => '█',
        (_, true) => '░',
    };
    let (begin, length) = axis.place(span, now);
    let length = columns(length).clamp(1, BAR);
    let begin = columns(begin).min(BAR - length);
    let drawn: String = std::iter::repeat_n(shape, length).collect();
    " ".repeat(begin) + &drawn
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "0 to 1, times 20"
)]
fn columns(share: f64) -> usize {
    (share * BAR as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::delivery::{Attempt, Delivery, State};
    use crate::store::LogLine;
    use crate::story::{self, tests::finished};

    /// An order of a hoster, with a delivery that took two attempts.
    fn story() -> (Timestamp, Vec<Span>) {
        let order = finished(3, 105, 125);
        let at = |millis: u64| order.created_at + Duration::from_millis(millis);
        let log: Vec<LogLine> = [
            (1000, "the request that buys is sent"),
            (2900, "the hoster sold server 4711"),
            (3000, "server 4711 is bought"),
            (3200, "the hoster calls the server `provisioning`"),
            (105_000, "the hoster calls the server `active`, at 192.0.2.1"),
            (105_400, "192.0.2.1:22 does not answer: connection refused"),
            (125_050, "server 192.0.2.1 handed over"),
        ]
        .map(|(millis, message)| LogLine {
            at: at(millis),
            task_id: Some(order.task_id),
            message: message.to_owned(),
        })
        .into();
        let event = order.events[1].clone();
        let mut delivery = Delivery::new("billing", event, 1, None, at(0), |_| Duration::ZERO);
        delivery.state = State::Delivered;
        delivery.next_attempt_at = None;
        let attempts = [(1, 125_200, 2100, 503, Some("busy")), (2, 132_700, 180, 204, None)];
        delivery.attempts = attempts
            .map(|(number, millis, milliseconds, status, error)| Attempt {
                number,
                at: at(millis),
                milliseconds,
                http_status: Some(status),
                error: error.map(str::to_owned),
                response: None,
            })
            .into();
        (order.created_at, story::tell(&order, &log, &[delivery]))
    }

    /// `UPDATE=1 cargo test --lib timeline` writes the blocks that this compares.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a developer's switch, not the product's")]
    fn the_pages_show_a_story_as_it_is_drawn() {
        let (created_at, spans) = story();
        let drawn = text(&spans, created_at, created_at, Some(100));
        let begin = "<!-- drawn -->\n```text\n";
        for page in ["docs/orders.md", "docs/state.md"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
            let found = std::fs::read_to_string(&path).unwrap();
            let (before, rest) = found.split_once(begin).unwrap();
            let (_, after) = rest.split_once("```\n").unwrap();
            let wanted = format!("{before}{begin}{drawn}```\n{after}");
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &wanted).unwrap();
            } else {
                assert!(found == wanted, "{page}: run `UPDATE=1 cargo test --lib timeline`");
            }
        }
    }

    #[test]
    fn a_timeline_keeps_to_eighty_columns_and_is_whole_in_a_pipe() {
        let (created_at, mut spans) = story();
        spans[1].words = "Сервер ещё не готов ".repeat(12);
        for columns in [50, 80, 160] {
            let text = text(&spans, created_at, created_at, Some(columns));
            for line in text.lines() {
                assert!(human::width(line) <= usize::from(columns), "{line}");
            }
            assert_eq!(text.matches("Сервер").count(), 12, "{text}");
        }
        let text = text(&spans, created_at, created_at, None);
        assert!(text.contains(spans[1].words.trim_end()), "{text}");
    }

    #[test]
    fn a_chapter_of_one_moment_and_one_that_is_only_planned_are_drawn() {
        let (created_at, spans) = story();
        let moment = Span { end: Some(spans[0].begin), ..spans[0].clone() };
        let planned = Span { kind: Kind::Planned, end: None, ..moment.clone() };
        for span in [moment, planned] {
            let text = text(&[span], created_at, created_at, Some(80));
            assert!(text.lines().count() == 2 && text.ends_with("buying\n"), "{text}");
        }
    }
}
