//! A soak: callers order, ask, cancel and release for as long as is wanted, while they and the
//! workers are killed and hosters and receivers go wrong, all at random; then the workers come to an
//! end, and the history is checked.

mod clock;
mod dice;
mod end;
mod part;
mod provider;
mod seller;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::dice::Dice;
use self::provider::{Mood, Provider};
use super::faketime::Clock;
use super::history::Call;
use super::skip;

/// The definitions that are sold by, side by side: of an inventory, of a hoster that refuses a
/// second server of a name, of one that does not, and of a program.
const DEFINITIONS: [&str; 4] = ["inventory", "fake-unique", "fake-plain", "program"];

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) callers: usize,
    /// How many orders are answered at least.
    pub(crate) orders: usize,
    /// For how long orders are placed at least.
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    /// Whether orders of the program are called off: where its worker is killed just when the server
    /// is removed, the next one takes it for two minutes for one that the program does not know yet.
    pub(crate) patient: bool,
}

/// A soak that goes on.
struct Soak {
    size: Size,
    begun: Instant,
    providers: Vec<Provider>,
    mood: Arc<Mood>,
    /// What was called, of each provider.
    calls: Vec<Mutex<Vec<Call>>>,
    /// The orders that were answered, with the number of their provider.
    answered: Mutex<BTreeSet<(usize, String)>>,
    over: AtomicBool,
    killed_workers: AtomicUsize,
    outages: AtomicUsize,
    /// A clock that can be set, and the folder that it is in; none where libfaketime is not installed.
    clock: Option<(TempDir, Clock)>,
}

/// What a soak has seen.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The calls of `order`, refused and repeated ones too.
    pub(crate) asked: usize,
    /// The orders that were answered, each once.
    pub(crate) answered: usize,
    pub(crate) finished: usize,
    pub(crate) cancelled: usize,
    pub(crate) released: usize,
    pub(crate) bought: usize,
    pub(crate) killed_callers: usize,
    pub(crate) killed_workers: usize,
    /// How many requests to a hoster, or calls of a program, went wrong; by the definition.
    pub(crate) faults: BTreeMap<&'static str, usize>,
    pub(crate) outages: usize,
    /// How often a worker's clock was set; none where nothing is there to set it by.
    pub(crate) steps: Option<usize>,
    pub(crate) receiver_faults: usize,
    pub(crate) messages: usize,
    pub(crate) again: usize,
    pub(crate) violations: Vec<String>,
}

/// Does it.
pub(crate) fn run(size: Size) -> Figures {
    let mood = Mood::new(size.seed);
    let providers: Vec<_> =
        DEFINITIONS.into_iter().map(|name| Provider::new(name, &mood)).collect();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let clock = Clock::new(scratch.path().join("clock"));
    if clock.is_none() {
        skip("libfaketime is not installed: no clock is set");
    }
    let soak = Soak {
        size,
        begun: Instant::now(),
        calls: providers.iter().map(|_| Mutex::default()).collect(),
        providers,
        mood,
        answered: Mutex::default(),
        over: AtomicBool::new(false),
        killed_workers: AtomicUsize::new(0),
        outages: AtomicUsize::new(0),
        clock: clock.map(|clock| (scratch, clock)),
    };
    std::thread::scope(|scope| {
        let soak = &soak;
        let others = [
            scope.spawn(move || soak.kill_workers()),
            scope.spawn(move || soak.make_trouble()),
            scope.spawn(move || soak.step_clocks()),
        ];
        let callers: Vec<_> =
            (0..size.callers).map(|number| scope.spawn(move || soak.call(number))).collect();
        let ended: Vec<_> = callers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        soak.over.store(true, Ordering::SeqCst);
        for one in ended.into_iter().chain(others.map(std::thread::ScopedJoinHandle::join)) {
            one.expect("nobody panics");
        }
    });
    soak.end()
}

impl Soak {
    fn dice(&self, whose: usize) -> Dice {
        Dice::of(self.size.seed, u64::try_from(whose).expect("it fits"))
    }

    /// Returns whether another order is to be placed.
    ///
    /// Where both a number and a time are asked for, the orders are spread over the time.
    fn goes_on(&self) -> bool {
        let answered = self.answered.lock().expect("no caller panicked").len();
        let (orders, now) = (self.size.orders.max(1), answered.min(self.size.orders));
        let part = |number: usize| u32::try_from(number).expect("it fits");
        let due = self.size.time / part(orders) * part(now);
        std::thread::sleep(due.saturating_sub(self.begun.elapsed()));
        answered < self.size.orders
            || self.begun.elapsed() < self.size.time
            || self.steps() == Some(0)
    }

    /// Returns how often the clock of a worker was set; none where none can be.
    fn steps(&self) -> Option<usize> {
        self.clock.as_ref()?;
        Some(self.providers.iter().map(|one| one.steps.load(Ordering::SeqCst)).sum())
    }
}

impl Figures {
    /// Returns the names of what never happened: a soak without it proves nothing of it.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("answered", self.answered),
            ("finished", self.finished),
            ("cancelled", self.cancelled),
            ("released", self.released),
            ("bought", self.bought),
            ("killed callers", self.killed_callers),
            ("killed workers", self.killed_workers),
            ("faults of receivers", self.receiver_faults),
            ("messages again", self.again),
            ("steps of clocks", self.steps.unwrap_or(1)),
        ];
        let faults = self.faults.iter().map(|(name, number)| (*name, *number));
        let none = all.into_iter().chain(faults).filter(|(_, number)| *number == 0);
        none.map(|(name, _)| name).collect()
    }

    /// Returns the one line that the pages show.
    pub(crate) fn line(&self) -> String {
        let steps = match self.steps {
            Some(steps) => format!("{steps} steps of clocks"),
            None => "no steps of clocks, for libfaketime is not there".to_owned(),
        };
        format!(
            "{} orders asked for, {} answered, {} finished, {} cancelled, {} released, \
             {} servers bought, {} callers killed, \
             {} workers killed, {} faults of hosters, {} outages, {steps}, \
             {} faults of receivers, {} messages, {} of them again, {} violations",
            self.asked,
            self.answered,
            self.finished,
            self.cancelled,
            self.released,
            self.bought,
            self.killed_callers,
            self.killed_workers,
            self.faults.values().sum::<usize>(),
            self.outages,
            self.receiver_faults,
            self.messages,
            self.again,
            self.violations.len()
        )
    }
}
