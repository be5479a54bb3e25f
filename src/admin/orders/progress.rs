//! The bars of `orders wait`: pure. A state is told by its word, never by colour alone.

use std::time::Duration;

use crate::admin::human::{cut, duration, width};
use crate::clock::{self, Timestamp};
use crate::line::one_line;
use crate::order::{Order, State};
use crate::story::{self, Expected};

/// The room for a state's word, in columns, and that for the times.
const WORD: usize = 9;
const TIMES: usize = 18;

/// What the bars keep clear of, in columns: a terminal may begin a new line in its last one.
const MARGIN: usize = 1;

/// Returns the line of one order for a terminal so wide, in columns; `step` is what it waits for.
pub(super) fn line(
    order: &Order,
    expected: &Expected,
    step: &str,
    now: Timestamp,
    columns: usize,
) -> String {
    let columns = columns.saturating_sub(MARGIN);
    let bar = bar(order, expected, now, length(columns));
    let head = format!("order {} {:WORD$}", order.task_id, order.state.word());
    let parts = [head, bar, format!("{:TIMES$}", times(order, expected, now)), words(order, step)];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    cut(parts.join("  ").trim_end(), columns)
}

/// Returns the line that stands for orders which the terminal has no room for.
pub(super) fn rest(orders: &[&Order], columns: usize) -> String {
    let ended = orders.iter().filter(|order| order.state.has_ended()).count();
    let line = format!("… and {} more, {ended} of them ended", orders.len());
    cut(&line, columns.saturating_sub(MARGIN))
}

/// Returns how many rows of a terminal lines take that it may have broken, being narrower now.
pub(super) fn rows(lines: &[String], columns: usize) -> usize {
    lines.iter().map(|line| width(line).div_ceil(columns.max(1)).max(1)).sum()
}

/// Returns the columns of the bar: what is said is worth more than what is drawn.
const fn length(columns: usize) -> usize {
    match columns {
        110.. => 30,
        75..110 => 16,
        50..75 => 8,
        _ => 0,
    }
}

fn bar(order: &Order, expected: &Expected, now: Timestamp, length: usize) -> String {
    if length == 0 {
        return String::new();
    }
    let share = expected.share(order, now).unwrap_or_else(|| by_state(order.state));
    let done = filled(share, length);
    format!("[{}{}]", "#".repeat(done), "-".repeat(length - done))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a few columns"
)]
fn filled(share: f64, length: usize) -> usize {
    ((share * length as f64) as usize).min(length)
}

/// Where no order was finished before, the stages are all that is known.
const fn by_state(state: State) -> f64 {
    match state {
        State::Accepted => 0.0,
        State::Buying | State::Unknown => 0.25,
        State::Building => 0.5,
        State::Checking => 0.75,
        State::Finished | State::Failed | State::Cancelled | State::Released => 1.0,
    }
}

/// Returns how long the order takes, and how long it should.
fn times(order: &Order, expected: &Expected, now: Timestamp) -> String {
    let elapsed = clock::age(order.created_at, story::ended_at(order).unwrap_or(now));
    match expected.total {
        Some(total) if !order.state.has_ended() => {
            format!("{} of ~{}", whole(elapsed), duration(total))
        }
        None if !order.state.has_ended() => whole(elapsed),
        _ => duration(elapsed),
    }
}

/// Returns a time that still grows, without parts of a second that nobody can read.
fn whole(time: Duration) -> String {
    if time.as_secs() < 60 { format!("{}s", time.as_secs()) } else { duration(time) }
}

fn words(order: &Order, step: &str) -> String {
    let words = match order.state {
        State::Finished => order.server.as_deref(),
        state if state.has_ended() => order.reason.as_deref(),
        _ => None,
    };
    one_line(words.unwrap_or(step), 500)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(state: State) -> Order {
        let mut order = story::tests::finished(3, 105, 125);
        if !state.has_ended() {
            order.events.pop();
            order.purchase.as_mut().unwrap().built_at = None;
        }
        order.state = state;
        order
    }

    fn at(order: &Order, seconds: u64) -> Timestamp {
        order.created_at + Duration::from_secs(seconds)
    }

    #[test]
    fn a_line_has_state_bar_times_and_step_and_gives_up_the_least_first() {
        let (open, past) = (order(State::Building), order(State::Finished));
        let expected = Expected::of([&past]);
        let line =
            |columns| line(&open, &expected, "the hoster calls it `new`", at(&open, 62), columns);
        assert_eq!(
            line(80),
            "order 7 building   [#######---------]  1m 02s of ~2m 05s   the hoster calls it…"
        );
        assert_eq!(line(40), "order 7 building   1m 02s of ~2m 05s  …");
        assert_eq!(line(10), "order 7 …");
        assert_eq!(line(0), "");
    }

    #[test]
    fn an_order_that_has_ended_has_a_full_bar_and_says_with_what() {
        let finished = order(State::Finished);
        let line = line(&finished, &Expected::default(), "a step", at(&finished, 9000), 80);
        assert_eq!(line, "order 7 finished   [################]  2m 05s              192.0.2.1");
    }

    #[test]
    fn a_line_that_a_narrower_terminal_has_broken_takes_more_rows() {
        let lines = ["a".repeat(79), String::new()];
        assert_eq!((rows(&lines, 80), rows(&lines, 40), rows(&lines, 0)), (2, 3, 80));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_terminal(
            step in "[a-zё云🚀\\n\u{1b} ]{0,99}", columns in 0_usize..200, seconds in 0_u64..100_000,
        ) {
            for state in [State::Accepted, State::Unknown, State::Checking, State::Failed] {
                let order = order(state);
                let line = line(&order, &Expected::default(), &step, at(&order, seconds), columns);
                prop_assert!(width(&line) <= columns.saturating_sub(1), "{line}");
                prop_assert!(!line.contains('\n'));
            }
        }
    }
}
