//! Sweeps over orders of a hoster: a worker is killed at its system calls, each time with a hoster
//! and a provider of its own; the next worker goes on, and what is left is looked at.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::book::assert_due;
use super::errno::{Errnos, MANY};
use super::hoster::Hoster;
use super::hoster::fault::{Fault, Verb};
use super::hoster::mode::Mode;
use super::hoster_start::Start;
use super::inject::Injection;
use super::outage::Outages;
use super::plugin::Plugin;
use super::promise::{self, End, Ended};
use super::sweep::bare;
use super::tracer::{self, Run};

/// How many points are tried at once: most of the time they wait.
const THREADS: usize = 32;

/// Into how many parts a sweep of each point is cut, so that threads can share it.
const LANES: usize = 4;

/// How many runs in a row end before their point when all have been tried: a few calls more or
/// less are made from run to run.
const MISSES: usize = 2;

/// How long a worker may take to come to its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many calls that count a worker makes at least that has anything to do.
const LEAST: usize = 20;

/// How many points go wrong before a sweep is given up.
const VIOLATIONS: usize = 5;

/// Which system calls a worker is killed at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Points {
    /// All.
    Every,
    /// One of so many; which ones depends on the sweep's name.
    OneOf(usize),
}

/// What a killed worker left, before the next one begins.
pub(crate) struct Left<'a> {
    pub(crate) plugin: &'a Plugin,
    pub(crate) hoster: &'a Hoster,
    /// Which of its system calls it was killed at.
    pub(crate) at: usize,
}

/// Something that happens between the killed worker and the one that goes on; returns whether the
/// order is called off by then.
pub(crate) type Between = fn(&Left<'_>) -> bool;

/// A sweep.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) start: &'a Start,
    pub(crate) mode: Mode,
    /// What becomes of the first request of this kind.
    pub(crate) verb: Verb,
    pub(crate) fault: Fault,
    /// Whether the definition says that ids are given again.
    pub(crate) reuses_ids: bool,
    pub(crate) points: Points,
    /// What happens between the two workers.
    pub(crate) between: Between,
    /// What must hold then; the last is what `between` has returned.
    pub(crate) check: fn(&Ended, bool),
}

impl Case<'_> {
    /// Tries one point; returns whether there is such a point, or the worker came to its end before.
    fn point(&self, at: usize, figures: &mut Figures) -> bool {
        let (plugin, hoster) = self.start.copy(&self.mode, self.reuses_ids);
        hoster.fault(self.verb, self.fault, 1);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.kill(at, &plugin, &hoster)));
        figures.doubled += promise::doubled(&hoster);
        if let Ok((run, end)) = outcome {
            figures.add(end, &run);
            return run.killed;
        }
        let lost = catch_unwind(AssertUnwindSafe(|| promise::lost(&plugin, &hoster)));
        figures.lost += lost.unwrap_or_default();
        figures.points += 1;
        figures.violations += 1;
        self.tell(at, &plugin, &hoster);
        true
    }

    fn kill(&self, at: usize, plugin: &Plugin, hoster: &Hoster) -> (Run, End) {
        let run = tracer::kill_at_effect(bare(plugin, &["work"]), at);
        assert!(run.killed || run.status == Some(0), "{run:?}");
        let end = self.go_on(plugin, hoster, at).end;
        (run, end)
    }

    /// Lets the worker's system calls fail; CI tries one of `stride` points.
    pub(crate) fn fail(&self, stride: usize) {
        let errnos = Errnos { name: &self.name, stride, threads: MANY, works: true };
        errnos.run(|injection| self.fail_so(&errnos, injection));
    }

    /// Lets some of the worker's system calls fail, and the next worker go on.
    pub(crate) fn fail_so(&self, errnos: &Errnos<'_>, injection: &Injection) -> Run {
        let (plugin, hoster) = self.start.copy(&self.mode, self.reuses_ids);
        hoster.fault(self.verb, self.fault, 1);
        let run = errnos.meets(&plugin, bare(&plugin, &["work"]), injection);
        let told = catch_unwind(AssertUnwindSafe(|| self.go_on(&plugin, &hoster, injection.nth)));
        told.unwrap_or_else(|panic| {
            self.tell(injection.nth, &plugin, &hoster);
            resume_unwind(panic)
        });
        run
    }

    /// Cuts the power; CI tries one of `stride` points.
    pub(crate) fn cut(&self, stride: usize) {
        Outages { name: &self.name, stride }.run(|outage| {
            let (plugin, hoster) = self.start.copy_into(outage.disk.root(), &self.mode);
            hoster.fault(self.verb, self.fault, 1);
            outage.disk.sync();
            let run = outage.strikes(bare(&plugin, &["work"]), 0, ());
            let told = catch_unwind(AssertUnwindSafe(|| self.go_on(&plugin, &hoster, run.calls)));
            told.unwrap_or_else(|panic| {
                self.tell(run.calls, &plugin, &hoster);
                resume_unwind(panic)
            });
            run
        });
    }

    /// Lets the next worker go on to the end, and looks at what is left.
    fn go_on(&self, plugin: &Plugin, hoster: &Hoster, at: usize) -> Ended {
        assert_due(plugin);
        let unwanted = (self.between)(&Left { plugin, hoster, at });
        let before = promise::only_order(plugin).1;
        let foreign = hoster.planted().len();
        work(plugin);
        plugin.settled();
        let ended = promise::ended(plugin, hoster, &before);
        assert_eq!(hoster.planted().len(), foreign, "somebody else's server was removed");
        (self.check)(&ended, unwanted);
        ended
    }

    /// Tells what there is to know about a point that went wrong.
    #[expect(clippy::print_stderr, reason = "a failed check says where, and what was there")]
    fn tell(&self, at: usize, plugin: &Plugin, hoster: &Hoster) {
        let order = catch_unwind(AssertUnwindSafe(|| promise::only_order(plugin)));
        let (place, order) = order.unwrap_or_default();
        let log = std::fs::read_to_string(plugin.state("log/provider.log")).unwrap_or_default();
        let requests: Vec<String> = hoster
            .requests()
            .into_iter()
            .map(|seen| format!("{:?} {} {}", seen.at, seen.method, seen.path))
            .collect();
        eprintln!(
            "WRONG {}: killed at call {at}\n{place}: {order:#}\n{log}\n{requests:#?}",
            self.name
        );
    }
}

/// Works until nothing is left to do.
fn work(plugin: &Plugin) {
    let mut command = bare(plugin, &["work"]);
    let mut worker = command.stdout(Stdio::null()).spawn().expect("the provider runs");
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = worker.try_wait().expect("the worker is ours") {
            assert!(status.success(), "{status}");
            return;
        }
        if Instant::now() >= deadline {
            worker.kill().expect("the worker is ours");
            worker.wait().expect("the worker is ours");
            panic!("a worker that does not come to its end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a sweep has seen.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) points: usize,
    pub(crate) finished: usize,
    pub(crate) undecided: usize,
    pub(crate) failed: usize,
    pub(crate) gone: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) violations: usize,
    /// How many calls that count there were in the longest run that came to its end.
    calls: usize,
}

impl Figures {
    fn add(&mut self, end: End, run: &Run) {
        if !run.killed {
            self.calls = self.calls.max(run.calls);
            return;
        }
        self.points += 1;
        match end {
            End::Finished => self.finished += 1,
            End::Undecided => self.undecided += 1,
            End::Failed => self.failed += 1,
            End::Gone => self.gone += 1,
        }
    }

    fn row(&self, name: &str) -> String {
        let Self { points, finished, undecided, failed, gone, lost, doubled, .. } = self;
        format!(
            "| {name} | {points} | {finished} | {undecided} | {failed} | {gone} | {lost} | {doubled} |"
        )
    }

    fn merge(&mut self, other: &Self) {
        self.points += other.points;
        self.finished += other.finished;
        self.undecided += other.undecided;
        self.failed += other.failed;
        self.gone += other.gone;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.violations += other.violations;
        self.calls = self.calls.max(other.calls);
    }
}

/// A part of a sweep: one thread tries its points one after the other.
struct Lane<'a> {
    case: &'a Case<'a>,
    first: usize,
    step: usize,
    misses: usize,
}

impl Lane<'_> {
    fn run(&self, given_up: impl Fn() -> bool) -> Figures {
        let (mut figures, mut at, mut misses) = (Figures::default(), self.first, 0);
        while misses < self.misses && figures.violations < VIOLATIONS && !given_up() {
            let there = self.case.point(at, &mut figures);
            misses = if there { 0 } else { misses + 1 };
            at += self.step;
        }
        if figures.points == 0 && self.first <= self.step && figures.calls > 1 {
            // The first was beyond the end, as may be where one of many points is tried.
            self.case.point(1 + self.first % (figures.calls / 2), &mut figures);
        }
        figures
    }
}

fn lanes<'a>(case: &'a Case<'a>) -> Vec<Lane<'a>> {
    let lane = |first, step, misses| Lane { case, first, step, misses };
    match case.points {
        Points::Every => (1..=LANES).map(|first| lane(first, LANES, MISSES)).collect(),
        Points::OneOf(step) => {
            let seed = case
                .name
                .bytes()
                .fold(0, |seed: usize, byte| seed.wrapping_mul(31).wrapping_add(usize::from(byte)));
            vec![lane(1 + seed % step, step, 1)]
        }
    }
}

/// Runs sweeps side by side; returns what each has seen, and prints it.
pub(crate) fn run(cases: &[Case<'_>]) -> BTreeMap<String, Figures> {
    let lanes: Vec<Lane<'_>> = cases.iter().flat_map(lanes).collect();
    let (next, all) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<String, Figures>::new()));
    let broken = AtomicUsize::new(0);
    let work = || {
        while let Some(lane) = lanes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let figures = lane.run(|| broken.load(Ordering::Relaxed) >= VIOLATIONS);
            broken.fetch_add(figures.violations, Ordering::Relaxed);
            let mut all = all.lock().expect("no lane panicked");
            all.entry(lane.case.name.clone()).or_default().merge(&figures);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let all = all.into_inner().expect("no lane panicked");
    print(cases, &all);
    all
}

/// Prints a table, as `docs/reliability.md` has it.
#[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
#[track_caller]
fn print(cases: &[Case<'_>], all: &BTreeMap<String, Figures>) {
    let mut sum = Figures::default();
    eprintln!("| | points | finished | look for | failed | given back | lost | doubled |");
    eprintln!("|---|---|---|---|---|---|---|---|");
    for case in cases {
        if let Some(figures) = all.get(&case.name) {
            eprintln!("{}", figures.row(&case.name));
            sum.merge(figures);
        }
    }
    eprintln!("{}", sum.row("all"));
    super::proved(sum.points);
    assert_eq!(sum.violations, 0, "points that went wrong");
    for case in cases {
        let Figures { points, calls, .. } = all[&case.name];
        assert!(calls >= LEAST, "{}: {calls} calls, so there was nothing to do", case.name);
        let stride = match case.points {
            Points::Every => 1,
            Points::OneOf(stride) => stride,
        };
        super::assert_enough(&case.name, points, calls, stride);
    }
}
