//! `orders wait`: until orders have ended, or time is up.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant, SystemTime};

use super::progress;
use super::view::{List, UNANSWERED, View};
use crate::admin::{printed, terminal};
use crate::cli::Wait;
use crate::error::Error;
use crate::home::Home;
use crate::order::{Order, State, TaskId};
use crate::store::{Found, Place, Store};
use crate::story::Expected;
use crate::{answer, clock, system, worker};

/// How often the orders are looked at, and bars are drawn.
const LOOK: Duration = Duration::from_millis(100);

/// How many past orders say how long an order takes, whichever configuration they were for.
const PAST: usize = 50;

/// The exit statuses of what is no error of the call: `timeout(1)` has the second.
pub(super) const NOT_FINISHED: u8 = 1;
pub(super) const TIME_IS_UP: u8 = 124;

pub(super) fn run(home: &Home, store: &Store, options: &Wait) -> Result<u8, Error> {
    let deadline = options.timeout.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let mut bars = Bars::on_terminal(store)?;
    // Bars on the same terminal say it already.
    let lines = !options.output.json && (bars.is_none() || !io::stdout().is_terminal());
    let mut seen: Vec<Option<State>> = vec![None; options.task_ids.len()];
    let status = loop {
        let mut found = Vec::with_capacity(seen.len());
        for (id, seen) in options.task_ids.iter().zip(&mut seen) {
            let one = read(store, *id)?;
            let state = one.order.state;
            if *seen != Some(state) && lines {
                printed(answer::text(&format!("order {id}: {}\n", state.word())))?;
            }
            *seen = Some(state);
            found.push(one);
        }
        if let Some(bars) = &mut bars {
            bars.draw(store, &found);
        }
        let open = seen.iter().flatten().any(|state| !state.has_ended());
        if !open {
            let all = seen.iter().flatten().all(|state| *state == State::Finished);
            break if all { 0 } else { NOT_FINISHED };
        }
        // The worker may have been killed meanwhile.
        worker::start_if_due(home, store);
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break TIME_IS_UP;
        }
        std::thread::sleep(LOOK);
    };
    if options.output.json {
        let orders = options
            .task_ids
            .iter()
            .map(|id| Ok(View::of(store, read(store, *id)?).0))
            .collect::<Result<_, Error>>()?;
        printed(answer::pretty_json(&List { orders }))?;
    }
    Ok(status)
}

/// Returns the order; one that was pruned meanwhile is unknown.
pub(super) fn read(store: &Store, id: TaskId) -> Result<Found, Error> {
    store.read(id)?.ok_or_else(|| Error::UnknownTask { id: id.to_string() })
}

/// The bars on standard error, one for each order, drawn over each other.
#[derive(Debug)]
struct Bars {
    /// How long orders take, by configuration.
    expected: BTreeMap<String, Expected>,
    /// What the log said last of each order, and when it was read.
    steps: BTreeMap<TaskId, String>,
    read_at: Option<(SystemTime, u64)>,
    /// The lines that stand on the terminal now.
    drawn: Vec<String>,
}

impl Bars {
    /// Returns bars where somebody looks; past orders are read now, and not again.
    fn on_terminal(store: &Store) -> Result<Option<Self>, Error> {
        if !io::stderr().is_terminal() || system::terminal_is_dumb() {
            return Ok(None);
        }
        let expected = expected(store)?;
        Ok(Some(Self { expected, steps: BTreeMap::new(), read_at: None, drawn: Vec::new() }))
    }

    fn draw(&mut self, store: &Store, found: &[Found]) {
        let changed_at = store.log_changed_at();
        if self.read_at.is_none() || changed_at != self.read_at {
            let ids: Vec<TaskId> = found.iter().map(|found| found.order.task_id).collect();
            let logs = store.logs_of(&ids).into_iter();
            self.steps =
                logs.filter_map(|(id, mut lines)| Some((id, lines.pop()?.message))).collect();
            self.read_at = changed_at;
        }
        let size = terminal::size(io::stderr());
        let lines = self.lines(found, size);
        if lines != self.drawn {
            let up =
                if self.drawn.is_empty() { 0 } else { progress::rows(&self.drawn, size.columns) };
            answer::redraw(&lines, up);
            self.drawn = lines;
        }
    }

    /// Returns as many lines as the terminal has room for.
    fn lines(&self, found: &[Found], size: terminal::Size) -> Vec<String> {
        // The last row is where the cursor is.
        let room = size.rows.saturating_sub(1).max(1);
        let shown = if found.len() > room { room - 1 } else { found.len() };
        let mut lines: Vec<String> =
            found[..shown].iter().map(|found| self.line(found, size.columns)).collect();
        if shown < found.len() {
            let rest: Vec<&Order> = found[shown..].iter().map(|found| &found.order).collect();
            lines.push(progress::rest(&rest, size.columns));
        }
        lines
    }

    fn line(&self, found: &Found, columns: usize) -> String {
        let order = &found.order;
        let none = Expected::default();
        let expected = self.expected.get(&order.configuration.id).unwrap_or(&none);
        let step = match found.place {
            Place::Accepted => UNANSWERED,
            _ => self.steps.get(&order.task_id).map_or("", String::as_str),
        };
        progress::line(order, expected, step, clock::now(), columns)
    }
}

/// Reads how long the newest orders took.
fn expected(store: &Store) -> Result<BTreeMap<String, Expected>, Error> {
    let mut past: BTreeMap<String, Vec<Order>> = BTreeMap::new();
    for id in store.ids(Place::Done)?.into_iter().rev().take(PAST) {
        // A damaged file says nothing, and is told of elsewhere.
        if let Ok(Some(order)) = store.read_in(Place::Done, id) {
            past.entry(order.configuration.id.clone()).or_default().push(order);
        }
    }
    Ok(past.into_iter().map(|(id, orders)| (id, Expected::of(&orders))).collect())
}
