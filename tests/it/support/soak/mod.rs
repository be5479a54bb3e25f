//! A soak: callers order, ask, cancel and release for as long as is wanted, while they and the
//! workers are killed and hosters and receivers go wrong, all at random; then the workers come to an
//! end, and the history is checked.

mod dice;
mod end;
mod part;
mod provider;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use self::dice::Dice;
use self::provider::{Mood, Provider};
use super::history::Call;

/// The definitions that are sold by, side by side: of an inventory, of a hoster that refuses a
/// second server of a name, and of one that does not.
const DEFINITIONS: [&str; 3] = ["inventory", "fake-unique", "fake-plain"];

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) callers: usize,
    /// How many orders are answered at least.
    pub(crate) orders: usize,
    /// For how long orders are placed at least.
    pub(crate) time: Duration,
    pub(crate) seed: u64,
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
}

/// What a soak has seen.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The calls of `order`, refused and repeated ones too.
    pub(crate) asked: usize,
    /// The orders that were answered, each once.
    pub(crate) answered: usize,
    pub(crate) finished: usize,
    pub(crate) bought: usize,
    pub(crate) killed_callers: usize,
    pub(crate) killed_workers: usize,
    /// The requests to hosters that went wrong.
    pub(crate) hoster_faults: usize,
    pub(crate) outages: usize,
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
    };
    std::thread::scope(|scope| {
        let soak = &soak;
        let others =
            [scope.spawn(move || soak.kill_workers()), scope.spawn(move || soak.make_trouble())];
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
        answered < self.size.orders || self.begun.elapsed() < self.size.time
    }
}

impl Figures {
    /// Returns the names of what never happened: a soak without it proves nothing of it.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("answered", self.answered),
            ("finished", self.finished),
            ("bought", self.bought),
            ("killed callers", self.killed_callers),
            ("killed workers", self.killed_workers),
            ("faults of hosters", self.hoster_faults),
            ("faults of receivers", self.receiver_faults),
            ("messages again", self.again),
        ];
        all.into_iter().filter(|(_, number)| *number == 0).map(|(name, _)| name).collect()
    }

    /// Returns the one line that the pages show.
    pub(crate) fn line(&self) -> String {
        format!(
            "{} orders asked for, {} answered, {} finished, {} servers bought, {} callers killed, \
             {} workers killed, {} faults of hosters, {} outages, {} faults of receivers, \
             {} messages, {} of them again, {} violations",
            self.asked,
            self.answered,
            self.finished,
            self.bought,
            self.killed_callers,
            self.killed_workers,
            self.hoster_faults,
            self.outages,
            self.receiver_faults,
            self.messages,
            self.again,
            self.violations.len()
        )
    }
}
