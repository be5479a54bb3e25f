//! The sections of the page that sum up.

use std::time::Duration;

use super::Told;
use super::html::Html;
use super::page::moment;
use super::tally::{BOUNDS, Sold, age, ninth};
use crate::admin::human;
use crate::story::median;

/// The numbers that one looks at first.
pub(super) fn numbers(page: &mut Html, told: &Told) {
    let tally = &told.tally;
    page.open("section", &[("class", "numbers")]);
    number(page, &told.orders.to_string(), "orders");
    for (state, count) in &tally.states {
        number(page, &count.to_string(), state);
    }
    if let Some((id, at, state)) = tally.oldest {
        let words = format!("age of the oldest open order, {id}, which is {}", state.word());
        number(page, &age(at, told.now), &words);
    }
    if told.unreadable > 0 {
        number(page, &told.unreadable.to_string(), "files that cannot be read: see `check`");
    }
    page.close("section");
    page.line();
}

fn number(page: &mut Html, number: &str, words: &str) {
    page.open("div", &[]);
    page.element("b", &[], number);
    page.element("span", &[], words);
    page.close("div");
}

/// How long orders took.
pub(super) fn ready(page: &mut Html, told: &Told) {
    begin(page, "Time to ready, by configuration");
    if told.tally.sold.is_empty() {
        note(page, "No orders.");
    }
    let headings = [
        "configuration",
        "#orders",
        "#open",
        "#failed",
        "#finished",
        "#median",
        "#9 of 10",
        "#longest",
    ];
    table(page, &headings, |page| {
        for (id, sold) in &told.tally.sold {
            let mut all = sold.ready.clone();
            all.sort_unstable();
            let time = |time: Option<Duration>| time.map_or("–".to_owned(), human::duration);
            page.open("tr", &[]);
            page.open("td", &[]);
            page.foreign(id);
            page.text(" ");
            page.open("small", &[]);
            page.foreign(&sold.descr);
            page.close("small");
            page.close("td");
            for count in [sold.orders, sold.open, sold.came_to_nothing, all.len()] {
                page.element("td", &[("class", "n")], &count.to_string());
            }
            let (ninth, last) = (ninth(&all), all.last().copied());
            for value in [median(all), ninth, last] {
                page.element("td", &[("class", "n")], &time(value));
            }
            page.close("tr");
        }
    });
    page.open("div", &[("class", "charts")]);
    for (id, sold) in told.tally.sold.iter().filter(|(_, sold)| !sold.ready.is_empty()) {
        histogram(page, id, sold);
    }
    page.close("div");
    end(page);
}

fn histogram(page: &mut Html, id: &str, sold: &Sold) {
    let bars = sold.bars();
    let most = bars.iter().max().copied().unwrap_or(0).max(1);
    page.open("figure", &[]);
    page.open("figcaption", &[]);
    page.text("How long orders of ");
    page.foreign(id);
    page.text(" took to finish");
    page.close("figcaption");
    let label = format!("Histogram of {} orders", sold.ready.len());
    page.open("svg", &[("viewBox", "0 0 330 112"), ("role", "img"), ("aria-label", &label)]);
    for (index, (count, (_, word))) in bars.iter().zip(BOUNDS).enumerate() {
        let middle = (index * 30 + 15).to_string();
        let height = count * 78 / most;
        if *count > 0 {
            let (x, y) = ((index * 30 + 3).to_string(), (94 - height.max(2)).to_string());
            let height = height.max(2).to_string();
            let place = [("x", &*x), ("y", &*y), ("width", "24"), ("height", &*height)];
            page.empty("rect", &[&[("class", "done")], &place[..]].concat());
            let y = (90 - count * 78 / most).to_string();
            page.element("text", &[("x", &middle), ("y", &y)], &count.to_string());
        }
        let word = if index + 1 == BOUNDS.len() { word.to_owned() } else { format!("≤{word}") };
        page.element("text", &[("x", &middle), ("y", "108"), ("class", "axis")], &word);
    }
    page.empty("path", &[("d", "M0 94.5H330"), ("class", "axis")]);
    page.close("svg");
    page.close("figure");
}

/// Why orders came to nothing.
pub(super) fn failures(page: &mut Html, told: &Told) {
    begin(page, "Failures, by reason");
    if told.tally.failed.is_empty() {
        note(page, "No order has failed.");
        return end(page);
    }
    let mut all: Vec<_> = told.tally.failed.iter().collect();
    all.sort_by_key(|(reason, failed)| (std::cmp::Reverse(failed.orders), *reason));
    table(page, &["reason", "#orders", "last"], |page| {
        for (reason, failed) in all {
            page.open("tr", &[]);
            page.open("td", &[]);
            page.foreign(reason);
            page.close("td");
            page.element("td", &[("class", "n")], &failed.orders.to_string());
            let last = failed.last.map(|(id, at)| format!("order {id}, {}", moment(at)));
            page.element("td", &[], &last.unwrap_or_default());
            page.close("tr");
        }
    });
    end(page);
}

/// How events were sent.
pub(super) fn deliveries(page: &mut Html, told: &Told) {
    begin(page, "Deliveries, by webhook");
    if told.tally.webhooks.is_empty() {
        note(page, "No deliveries.");
        return end(page);
    }
    let headings =
        ["webhook", "#delivered", "#pending", "#dead", "#attempts", "#median", "last error"];
    table(page, &headings, |page| {
        for (name, sent) in &told.tally.webhooks {
            page.open("tr", &[]);
            page.open("td", &[]);
            page.foreign(name);
            page.close("td");
            for count in [sent.delivered, sent.pending, sent.dead, sent.attempts] {
                page.element("td", &[("class", "n")], &count.to_string());
            }
            let took = median(sent.took.clone()).map_or("–".to_owned(), human::duration);
            page.element("td", &[("class", "n")], &took);
            page.open("td", &[]);
            if let Some((at, why)) = &sent.last_error {
                page.text(&format!("{}: ", moment(*at)));
                page.foreign(why);
            }
            page.close("td");
            page.close("tr");
        }
    });
    end(page);
}

/// Begins a section.
pub(super) fn begin(page: &mut Html, title: &str) {
    page.open("section", &[]);
    page.element("h2", &[], title);
}

/// Ends it.
pub(super) fn end(page: &mut Html) {
    page.close("section");
    page.line();
}

/// Says something in small print.
pub(super) fn note(page: &mut Html, words: &str) {
    page.element("p", &[("class", "note")], words);
}

fn table(page: &mut Html, headings: &[&str], rows: impl FnOnce(&mut Html)) {
    page.open("div", &[("class", "wide")]);
    page.open("table", &[]);
    page.open("thead", &[]);
    page.open("tr", &[]);
    for heading in headings {
        // Over numbers, at the side where they are.
        let (class, heading) = match heading.strip_prefix('#') {
            Some(heading) => ("n", heading),
            None => ("", *heading),
        };
        page.element("th", &[("scope", "col"), ("class", class)], heading);
    }
    page.close("tr");
    page.close("thead");
    page.open("tbody", &[]);
    rows(page);
    page.close("tbody");
    page.close("table");
    page.close("div");
}
