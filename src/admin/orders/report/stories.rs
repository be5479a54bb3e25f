//! The section of the page that tells one order after the other.

use super::html::Html;
use super::page::moment;
use super::sections::{begin, end, note};
use super::tally::age;
use super::{Story, Told};
use crate::admin::orders::timeline::{Axis, chapters, heading, offset, took};
use crate::clock::Timestamp;
use crate::story::{Kind, Span, ended_at};

/// How many rows of a chapter are shown: a hoster that was away for a day was asked a thousand times.
const ROWS: usize = 80;

/// How many stories are laid open.
const OPEN: usize = 3;

/// The newest orders.
pub(super) fn tell(page: &mut Html, told: &Told) {
    begin(page, "Orders, newest first");
    if told.orders > told.stories.len() {
        note(page, &format!("The newest {} of {}.", told.stories.len(), told.orders));
    }
    if told.stories.is_empty() {
        note(page, "No orders.");
    }
    for (index, story) in told.stories.iter().enumerate() {
        self::story(page, story, told.now, index < OPEN);
    }
    end(page);
}

fn story(page: &mut Html, story: &Story, now: Timestamp, open: bool) {
    let order = &story.order;
    let opened = [("open", "open")];
    page.open("details", if open { &opened } else { &[] });
    page.open("summary", &[]);
    page.element("b", &[], &format!("Order {}", order.task_id));
    let class = if order.state.has_ended() { order.state.word() } else { "open" };
    page.element("span", &[("class", &format!("state {class}"))], order.state.word());
    page.open("span", &[]);
    page.foreign(&order.configuration.id);
    page.close("span");
    page.element("span", &[], &moment(order.created_at));
    page.element("span", &[], &age(order.created_at, ended_at(order).unwrap_or(now)));
    page.close("summary");
    page.open("dl", &[]);
    let reason = order.reason.as_deref();
    let facts = [
        ("server", order.server.as_deref()),
        ("server id", order.server_id.as_deref()),
        ("host name", order.hostname.as_deref()),
        ("reason", reason),
        ("panel", story.panel.as_deref()),
        ("author", Some(order.author.display_name())),
    ];
    for (name, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            page.element("dt", &[], name);
            page.open("dd", &[]);
            page.foreign(value);
            page.close("dd");
        }
    }
    page.close("dl");
    for (part, spans) in chapters(&story.timeline) {
        page.element("h3", &[], heading(part));
        timeline(page, spans, order.created_at, now);
    }
    page.close("details");
    page.line();
}

fn timeline(page: &mut Html, spans: &[Span], created_at: Timestamp, now: Timestamp) {
    let axis = Axis::of(spans, now);
    page.open("table", &[("class", "timeline")]);
    page.open("tbody", &[]);
    for span in spans.iter().take(ROWS) {
        page.open("tr", &[("class", word(span.kind))]);
        page.element("td", &[("class", "n")], &offset(created_at, span));
        page.element("td", &[("class", "n")], &took(span, now));
        page.open("td", &[("class", "bar")]);
        if let Some(axis) = &axis {
            bar(page, axis, span, now);
        }
        page.close("td");
        page.open("td", &[]);
        page.foreign(&span.words);
        page.close("td");
        page.close("tr");
    }
    page.close("tbody");
    page.close("table");
    if spans.len() > ROWS {
        note(page, &format!("… and {} more rows", spans.len() - ROWS));
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Stage | Kind::Removal => "stage",
        Kind::Step => "step",
        Kind::Event => "event",
        Kind::Attempt => "attempt",
        Kind::Planned => "planned",
    }
}

fn bar(page: &mut Html, axis: &Axis, span: &Span, now: Timestamp) {
    if span.kind == Kind::Planned {
        return;
    }
    let (begin, length) = axis.place(span, now);
    // A moment is still to be seen.
    let length = length.max(0.006);
    let begin = begin.min(1.0 - length);
    let [x, width] = [begin, length].map(|share| format!("{:.1}", share * 1000.0));
    let class = match (span.failed, span.end) {
        (true, _) => "bad",
        (false, None) => "open",
        (false, Some(_)) => "done",
    };
    let frame =
        [("viewBox", "0 0 1000 10"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")];
    page.open("svg", &frame);
    let place = [("x", &*x), ("y", "0"), ("width", &*width), ("height", "10")];
    page.empty("rect", &[&[("class", class)], &place[..]].concat());
    page.close("svg");
}
