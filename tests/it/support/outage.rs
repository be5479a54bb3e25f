//! Sweeps over power cuts: a command is killed as it begins a system call that can have an effect,
//! the power fails, the machine comes up again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::power::{Cut, Disk, Kind};
use super::sweep::AS_ROOT;
use super::tracer::{self, Run};

/// The rows of the table of `docs/reliability.md`.
pub(crate) const SCENARIOS: [&str; 24] = [
    "order, the first ever",
    "order, a worker lives",
    "order --key, a worker lives",
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
    "install.sh, upgrade",
];

/// How many runs in a row end before their point when all have been tried.
const MISSES: usize = 4;

/// How many points go wrong before a sweep is given up.
const VIOLATIONS: usize = 3;

/// How many disks there are at once.
const DISKS: usize = 2;

/// A sweep over power cuts.
pub(crate) struct Outages<'a> {
    /// The row's name in `docs/reliability.md`.
    pub(crate) name: &'a str,
    /// CI tries one of so many points.
    pub(crate) stride: usize,
}

/// Runs a command until its point, and cuts the power.
pub(crate) struct Outage<'a> {
    pub(crate) disk: &'a Disk,
    at: usize,
    lost: Cut,
}

impl Outage<'_> {
    /// Kills the command with all that it started, and cuts the power; what `held` holds until then
    /// is let go of. One that ends before its point does so with `status`.
    pub(crate) fn strikes<T>(&self, command: Command, status: i32, held: T) -> Run {
        let run = tracer::kill_at_effect(command, self.at);
        assert!(run.killed || run.status == Some(status), "{run:?}");
        drop(held);
        self.disk.cut_power(self.lost);
        run
    }
}

impl Outages<'_> {
    /// Tries the points on each file system that can be had: `trial` tries one, and panics where what
    /// must hold does not.
    #[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
    pub(crate) fn run(&self, trial: impl Fn(&Outage<'_>) -> Run + Sync) {
        let row = self.name.strip_suffix(AS_ROOT).unwrap_or(self.name);
        assert!(SCENARIOS.contains(&row), "{row} is no row of the table");
        let mut cells = Vec::new();
        let (mut points, mut violations) = (0, 0);
        for kind in Kind::ALL {
            if !kind.can_be_had() {
                cells.push("-".to_owned());
                continue;
            }
            let figures = self.on(kind, &trial);
            cells.push(figures.points.to_string());
            points += figures.points;
            violations += figures.violations;
        }
        eprintln!("| {} | {} | {violations} |", self.name, cells.join(" | "));
        super::proved(points);
        assert_eq!(violations, 0, "points that went wrong");
    }

    #[expect(clippy::print_stderr, reason = "a failed check says where")]
    fn on(&self, kind: Kind, trial: &(impl Fn(&Outage<'_>) -> Run + Sync)) -> Figures {
        let stride = super::one_of(self.stride);
        // Who tries every point loses both at each; else they take turns.
        let cuts = if stride == 1 { Cut::EACH.len() } else { 1 };
        let (next, figures) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
        let work = || {
            let disk = Disk::new(kind);
            let is_over =
                |figures: &Figures| figures.misses >= MISSES || figures.violations >= VIOLATIONS;
            while !is_over(&figures.lock().expect("no lane panicked")) {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let lost = Cut::EACH[turn % Cut::EACH.len()];
                let at = 1 + self.name.len() % stride + stride * (turn / cuts);
                let outage = Outage { disk: &disk, at, lost };
                let tried = catch_unwind(AssertUnwindSafe(|| trial(&outage)));
                let mut figures = figures.lock().expect("no lane panicked");
                match tried {
                    Ok(run) if run.killed => {
                        figures.points += 1;
                        figures.misses = 0;
                    }
                    Ok(run) => figures.ended(&run),
                    Err(_) => {
                        figures.violations += 1;
                        let (name, disk) = (self.name, kind.name());
                        eprintln!("WRONG {name} on {disk}: cut at call {at}, lost: {lost:?}");
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..DISKS {
                scope.spawn(work);
            }
        });
        let figures = figures.into_inner().expect("no lane panicked");
        if figures.violations == 0 {
            let name = format!("{} on {}", self.name, kind.name());
            super::assert_enough(&name, figures.points / cuts, figures.calls, stride);
        }
        figures
    }
}

/// What a sweep has seen.
#[derive(Default)]
struct Figures {
    points: usize,
    /// How many runs in a row ended before their point.
    misses: usize,
    violations: usize,
    /// How many calls there were in the longest run that came to its end.
    calls: usize,
}

impl Figures {
    /// Notes a run that ended by itself.
    fn ended(&mut self, run: &Run) {
        self.calls = self.calls.max(run.calls);
        self.misses += 1;
    }
}
