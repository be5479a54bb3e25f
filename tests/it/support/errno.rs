//! Sweeps over faults of system calls, after those of `SQLite`: the first call of a kind goes wrong,
//! then the second in a run of its own, and so on until a run has no such call any more; each with
//! every error, once and for ever.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::inject::{ERRNOS, Injection, KINDS, What};
use super::plugin::Plugin;
use super::sweep::AS_ROOT;
use super::tracer::{self, Limits, Run};

/// The rows of the table of `docs/reliability.md`.
pub(crate) const SCENARIOS: [&str; 25] = [
    "order, the first ever",
    "order, a worker lives",
    "order --key, a worker lives",
    "order --key, repeated before an answer",
    "order, root over an owner's holder",
    "order, it starts a worker",
    "order_status, it starts a worker",
    "orders cancel",
    "orders release",
    "orders release --clean",
    "orders retry",
    "orders prune",
    "webhooks create",
    "webhooks rotate",
    "deliveries redeliver",
    "work",
    "work, an order of a hoster",
    "work, an order whose reply is lost",
    "work, an order of a program",
    "work, a hoster's order is cancelled",
    "work, a hoster's server is given back",
    "work, a program's order is cancelled",
    "work, a program's server is given back",
    "work, three orders and six webhooks",
    "retention",
];

/// How long a tree may take to come to a call that is to go wrong, and to end by itself after that:
/// longer than anybody waits for a lock, on a machine that tries many at once. A worker may leave
/// something alone for longer, and says so.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a worker's log says that it waits: until it tries again, or as long as a new server may be
/// missing from what its hoster shows, which is two minutes.
const WAITS: [&str; 2] = [" for now: ", "does not know the server yet"];

/// How long a tree is watched from then on whose calls fail for ever: a worker may well go on trying.
const WATCHED: Duration = Duration::from_millis(700);

/// How many points are tried at once where there is a worker, which mostly waits.
pub(crate) const MANY: usize = 32;

/// How many points one thread tries one after the other.
const LONGEST: usize = 40;

/// In how many runs the calls of a worker are counted. On a busy machine one alone may have a tenth
/// more than most: how its threads meet, and how often it asks again, is not the same each time.
const COUNTED: usize = 3;

/// One of how many points may never be reached: some runs have fewer calls than those that they were
/// counted in.
const UNREACHED: usize = 50;

/// How many points go wrong before a sweep is given up.
const VIOLATIONS: usize = 5;

/// A sweep over the faults of a command.
pub(crate) struct Errnos<'a> {
    /// The row's name in `docs/reliability.md`.
    pub(crate) name: &'a str,
    /// CI tries one of so many points.
    pub(crate) stride: usize,
    /// How many points are tried at once.
    pub(crate) threads: usize,
    /// Whether the command is, or may start, a worker: that one tries again and again.
    pub(crate) works: bool,
}

impl Errnos<'_> {
    /// Runs a command with a fault, and looks at what holds of every command.
    #[track_caller]
    pub(crate) fn meets(&self, plugin: &Plugin, command: Command, injection: &Injection) -> Run {
        let endless = self.works && injection.has_no_end();
        let is_worker = command.get_args().next().is_some_and(|word| word == "work");
        let patient = Limits::of_each(PATIENCE);
        let limits = match endless {
            true if is_worker => Limits { command_then: WATCHED, rest_then: WATCHED, ..patient },
            true => Limits { rest_then: WATCHED, ..patient },
            false => patient,
        };
        let run = tracer::inject(command, *injection, limits);
        assert!(run.unlisted.is_empty(), "which of these can fail? {:?}", run.unlisted);
        assert_ne!(run.status, Some(101), "a panic: {run:?}");
        assert!(run.status.is_some() || run.is_late, "a signal ended it: {run:?}");
        assert!(!run.stderr.contains("panicked"), "{run:?}");
        let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap_or_default();
        assert!(!log.contains("a fault in the program"), "{log}");
        // A worker that waits says for what.
        let says = |why| log.contains(why) || run.stderr.contains(why);
        let waits = self.works && WAITS.into_iter().any(says);
        assert!(endless || waits || !run.is_late, "it hangs: {run:?}\n{log}");
        // Only a worker goes on trying.
        assert!(is_worker || run.status.is_some(), "it hangs: {run:?}\n{log}");
        run
    }

    /// Tries the points: `trial` tries one, and panics where what must hold does not.
    pub(crate) fn run(&self, trial: impl Fn(&Injection) -> Run + Sync) {
        let calls = self.count_calls(&trial);
        let figures = Mutex::new(Figures { calls: calls.iter().sum(), ..Figures::default() });
        let lanes = self.lanes(&calls);
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(lane) = lanes.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.try_lane(lane, &trial, &figures);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(work);
            }
        });
        self.try_alone(&trial, &figures);
        let row = self.name.strip_suffix(AS_ROOT).unwrap_or(self.name);
        assert!(SCENARIOS.contains(&row), "{row} is no row of the table");
        let tried = match super::one_of(self.stride) {
            1 => "all".to_owned(),
            stride => format!("1 of {stride}"),
        };
        figures.into_inner().expect("no lane panicked").print(self.name, &tried);
    }

    /// Returns how many calls of each kind a run has at least where none fails.
    fn count_calls(&self, trial: &impl Fn(&Injection) -> Run) -> [usize; KINDS.len()] {
        let runs = if self.works { COUNTED } else { 1 };
        let calm: Vec<_> = (0..runs).map(|_| trial(&Injection::NONE).kinds).collect();
        std::array::from_fn(|kind| calm.iter().map(|calls| calls[kind]).min().expect("one run"))
    }

    /// Returns the points, so cut into lanes that the last one of a kind and a fault is followed by
    /// those that only some runs have.
    fn lanes(&self, calls: &[usize]) -> Vec<Lane> {
        let mut lanes = Vec::new();
        let stride = super::one_of(self.stride);
        for (kind, calls) in calls.iter().enumerate() {
            let short = What::SHORT.iter().filter(|_| KINDS[kind] == "write");
            let fails = ERRNOS.into_iter().map(What::Fails);
            for what in fails.chain(short.copied()) {
                for for_ever in [false, true] {
                    let points = (1..=*calls).map(|nth| Injection { kind, nth, for_ever, what });
                    let points: Vec<Injection> = points.collect();
                    let parts = points.chunks(LONGEST);
                    let lane = |part: &[Injection]| Lane { points: part.to_vec(), goes_on: false };
                    lanes.extend(parts.map(lane));
                    if let Some(last) = lanes.last_mut() {
                        last.goes_on = stride == 1;
                    }
                }
            }
        }
        if stride > 1 {
            let mut at = self.name.len() % stride;
            for lane in &mut lanes {
                lane.points.retain(|_| {
                    at += 1;
                    at.is_multiple_of(stride)
                });
            }
        }
        lanes
    }

    fn try_lane(
        &self,
        lane: &Lane,
        trial: &(impl Fn(&Injection) -> Run + Sync),
        figures: &Mutex<Figures>,
    ) {
        let more = |last: &Injection| {
            let last = *last;
            (last.nth + 1..).map(move |nth| Injection { nth, ..last })
        };
        let beyond = lane.points.last().filter(|_| lane.goes_on).map(more);
        let known = lane.points.len();
        for (at, point) in
            lane.points.iter().copied().chain(beyond.into_iter().flatten()).enumerate()
        {
            match self.point(&point, trial, figures) {
                Outcome::GivenUp => return,
                Outcome::Unreached if at >= known => return,
                Outcome::Unreached => figures.lock().expect("no lane panicked").missed.push(point),
                Outcome::Tried => {}
            }
        }
    }

    /// Tries those once more, with nothing beside them, that were not reached.
    fn try_alone(&self, trial: &impl Fn(&Injection) -> Run, figures: &Mutex<Figures>) {
        let missed = std::mem::take(&mut figures.lock().expect("no lane panicked").missed);
        for point in missed {
            match self.point(&point, trial, figures) {
                Outcome::GivenUp => return,
                Outcome::Unreached => figures.lock().expect("no lane panicked").missed.push(point),
                Outcome::Tried => {}
            }
        }
    }

    fn point(
        &self,
        point: &Injection,
        trial: &impl Fn(&Injection) -> Run,
        figures: &Mutex<Figures>,
    ) -> Outcome {
        if figures.lock().expect("no lane panicked").violations >= VIOLATIONS {
            return Outcome::GivenUp;
        }
        let tried = catch_unwind(AssertUnwindSafe(|| trial(point)));
        let mut figures = figures.lock().expect("no lane panicked");
        match tried {
            Ok(run) if run.wrong > 0 => figures.add(point),
            // A pipe or a socket writes nothing short.
            Ok(run) if run.reached && !matches!(point.what, What::Fails(_)) => {}
            Ok(_) => return Outcome::Unreached,
            Err(_) => figures.tell(self.name, point),
        }
        Outcome::Tried
    }
}

/// What came of a point.
enum Outcome {
    Tried,
    /// No call was the one that is to go wrong.
    Unreached,
    /// Too many others went wrong.
    GivenUp,
}

/// Points that one thread tries one after the other.
struct Lane {
    points: Vec<Injection>,
    /// Whether calls beyond the last are tried until there is none.
    goes_on: bool,
}

/// What a sweep has seen.
#[derive(Default)]
struct Figures {
    /// How many calls that may fail there are where none does.
    calls: usize,
    /// How many points there were of each error, and of short writes.
    points: BTreeMap<String, usize>,
    /// Those that were not reached.
    missed: Vec<Injection>,
    violations: usize,
}

impl Figures {
    fn add(&mut self, point: &Injection) {
        *self.points.entry(column(point.what)).or_default() += 1;
    }

    #[expect(clippy::print_stderr, reason = "a failed check says where")]
    fn tell(&mut self, name: &str, point: &Injection) {
        self.violations += 1;
        eprintln!("WRONG {name}: {} {point:?}", KINDS[point.kind]);
    }

    /// Prints a row of the table of `docs/reliability.md`.
    #[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
    #[track_caller]
    fn print(&self, name: &str, tried: &str) {
        let Self { calls, points, missed, violations } = self;
        let missed = missed.len();
        let columns = ERRNOS.iter().map(|errno| column(What::Fails(*errno)));
        let cells: Vec<String> = columns
            .chain([column(What::Half)])
            .map(|column| points.get(&column).unwrap_or(&0).to_string())
            .collect();
        let all: usize = points.values().sum();
        let cells = cells.join(" | ");
        eprintln!("| {name} | {calls} | {tried} | {cells} | {all} | {missed} | {violations} |");
        super::proved(all);
        assert_eq!(*violations, 0, "points that went wrong");
        assert!(all > 0, "there is something to fail");
        assert!(missed <= 1 + all / UNREACHED, "{missed} points beside {all} were never reached");
    }
}

fn column(what: What) -> String {
    match what {
        What::Fails(errno) => format!("{errno:?}"),
        _ => "short".to_owned(),
    }
}
