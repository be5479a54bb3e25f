//! Sweeps: a command is killed at each of its system calls in turn, or they fail, every time on a
//! fresh copy of one prepared provider, and what is left must be whole.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::answer::Answer;
use super::book::assert_due;
use super::errno::{Errnos, MANY};
use super::outage::Outages;
use super::plugin::{Held, Plugin};
pub(crate) use super::template::Template;
use super::tracer::{self, Run};

/// After how many runs in a row that ended before their point a sweep is over: where a worker runs beside
/// its starter, the number of system calls varies a little.
const MISSES: usize = 4;

/// Who a provider belongs to that root comes to; the system need not know that user.
pub(crate) const OWNER: u32 = 65534;

/// What is added to the name of a sweep by [`By::AsRoot`].
pub(crate) const AS_ROOT: &str = ", as root";

/// A sweep; see [`Sweep::run`].
#[derive(Clone, Copy)]
pub(crate) struct Sweep<'a> {
    pub(crate) name: &'a str,
    pub(crate) template: &'a Template,
    pub(crate) words: &'a [&'a str],
    /// Whether somebody else holds the worker's lock until the command is dead.
    pub(crate) worker_elsewhere: bool,
    /// The command's exit status where it is left alone.
    pub(crate) status: i32,
}

/// What is done to a command.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// It is killed at each of its system calls.
    Kill,
    /// The same; CI tries one of so many points.
    KillSome(usize),
    /// Its system calls fail; CI tries one of so many points.
    Errno(usize),
    /// It is killed, and the power fails; CI tries one of so many points.
    Outage(usize),
    /// The same by root, over a provider of another owner.
    AsRoot(&'static Self),
}

impl Sweep<'_> {
    /// Does it to the command, at one point after the other, and hands each outcome to `check`.
    pub(crate) fn by(&self, by: By, check: impl Fn(&Plugin, &Run) + Sync) {
        match by {
            By::Kill => self.run(check),
            By::KillSome(stride) => {
                self.run_beside(
                    super::one_of(stride),
                    |_| (),
                    |_, ()| (),
                    |plugin, run, ()| check(plugin, run),
                );
            }
            By::Errno(stride) => self.fail(stride, check),
            By::Outage(stride) => self.cut(stride, check),
            By::AsRoot(by) => {
                let template = &self.template.given_to(OWNER);
                let name = &format!("{}{AS_ROOT}", self.name);
                Sweep { name, template, ..*self }.by(*by, check);
            }
        }
    }

    /// Lets the command's system calls fail, and hands each outcome to `check`.
    fn fail(&self, stride: usize, check: impl Fn(&Plugin, &Run) + Sync) {
        let works = !self.worker_elsewhere;
        // A worker that tries again and again waits most of the time.
        let errnos =
            Errnos { name: self.name, stride, threads: if works { MANY } else { 2 }, works };
        errnos.run(|injection| {
            let plugin = self.template.copy();
            let held = self.worker_elsewhere.then(|| hold_worker_lock(&plugin));
            let run = errnos.meets(&plugin, bare(&plugin, self.words), injection);
            drop(held);
            if injection.is_to_be_repeated() && !injection.for_ever {
                assert_eq!((run.status, run.stderr.as_str()), (Some(self.status), ""), "{run:?}");
            }
            if self.words[0] == "order" || self.words[0] == "order_status" {
                assert!(!run.stdout.is_empty() || run.status != Some(0), "{run:?}");
            }
            check(&plugin, &run);
            plugin.settled();
            self.template.assert_owned(&plugin);
            run
        });
    }

    /// Kills the command as the power fails, and hands each outcome to `check`.
    fn cut(&self, stride: usize, check: impl Fn(&Plugin, &Run) + Sync) {
        Outages { name: self.name, stride }.run(|outage| {
            let plugin = self.template.copy_into(outage.disk.root());
            outage.disk.sync();
            let held = self.worker_elsewhere.then(|| hold_worker_lock(&plugin));
            let run = outage.strikes(bare(&plugin, self.words), self.status, held);
            check(&plugin, &run);
            plugin.settled();
            self.template.assert_owned(&plugin);
            run
        });
    }

    /// Kills the command at every system call in turn, and hands each outcome to `check`.
    pub(crate) fn run(&self, check: impl Fn(&Plugin, &Run) + Sync) {
        self.run_beside(1, |_| (), |_, ()| (), |plugin, run, ()| check(plugin, run));
    }

    /// The same at one of `stride` calls, after `before` and while somebody else does `beside`.
    pub(crate) fn run_beside<B: Send, T: Send>(
        &self,
        stride: usize,
        before: impl Fn(&Plugin) -> B + Sync,
        beside: impl Fn(&Plugin, B) -> T + Sync,
        check: impl Fn(&Plugin, &Run, T) + Sync,
    ) {
        let (next, figures) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
        let work = || {
            while figures.lock().is_ok_and(|figures| figures.misses < MISSES) {
                let call = 1 + stride * next.fetch_add(1, Ordering::Relaxed);
                let _point = Point { sweep: self.name, call, figures: &figures };
                let plugin = self.template.copy();
                let stored = count(&plugin);
                let begun = before(&plugin);
                let held = self.worker_elsewhere.then(|| hold_worker_lock(&plugin));
                let (run, other) = std::thread::scope(|scope| {
                    let other = scope.spawn(|| beside(&plugin, begun));
                    let run = tracer::kill_at(bare(&plugin, self.words), call);
                    (run, other.join().expect("the other one is not killed"))
                });
                drop(held);
                let more = count(&plugin) > stored;
                check(&plugin, &run, other);
                plugin.settled();
                self.template.assert_owned(&plugin);
                figures.lock().expect("no check failed").add(&run, more, self.status);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
            scope.spawn(work);
        });
        figures.into_inner().expect("no check failed").print(self.name, stride);
    }
}

/// Returns how many orders are stored; a worker may move them meanwhile.
fn count(plugin: &Plugin) -> usize {
    let files = plugin.files();
    let places = ["accepted/", "active/", "done/"];
    let names = files.iter().filter_map(|file| places.iter().find_map(|at| file.strip_prefix(at)));
    names.collect::<std::collections::BTreeSet<_>>().len()
}

/// What a sweep has seen.
#[derive(Default)]
struct Figures {
    points: usize,
    answered: usize,
    stored: usize,
    misses: usize,
    /// How many system calls there were in the longest run that came to its end.
    calls: usize,
}

impl Figures {
    fn add(&mut self, run: &Run, stored: bool, status: i32) {
        if run.killed {
            self.points += 1;
            self.misses = 0;
            self.answered += usize::from(!run.stdout.is_empty());
            self.stored += usize::from(stored);
        } else {
            assert_eq!((run.status, run.stderr.as_str()), (Some(status), ""), "{run:?}");
            self.calls = self.calls.max(run.calls);
            self.misses += 1;
        }
    }

    #[expect(clippy::print_stderr, reason = "a sweep says how far it went")]
    fn print(&self, name: &str, stride: usize) {
        let Self { points, answered, stored, calls, .. } = self;
        super::assert_enough(name, *points, *calls, stride);
        eprintln!("{name}: {points} points, {answered} answered, {stored} stored");
        super::proved(*points);
    }
}

/// Says which point of a sweep a failed check was about, and ends the sweep.
struct Point<'a> {
    sweep: &'a str,
    call: usize,
    figures: &'a Mutex<Figures>,
}

impl Drop for Point<'_> {
    #[expect(clippy::print_stderr, reason = "a failed check says where")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: killed at system call {}", self.sweep, self.call);
            if let Ok(mut figures) = self.figures.lock() {
                figures.misses = MISSES;
            }
        }
    }
}

/// Calls the provider.
#[track_caller]
pub(crate) fn call(plugin: &Plugin, words: &[&str]) -> Answer {
    let output = bare(plugin, words).output().expect("the provider runs");
    Answer::of(words.iter().map(|word| (*word).to_owned()).collect(), &output)
}

/// Calls `order` with `words`; returns the order's number.
#[track_caller]
pub(crate) fn order(plugin: &Plugin, words: &[&str]) -> String {
    call(plugin, words).succeeds()["task_id"].as_str().expect("a task id").to_owned()
}

/// Asks for an order's status, does what is due, and asks again; returns the last answer.
#[track_caller]
pub(crate) fn outcome(plugin: &Plugin, id: &str) -> Value {
    assert_due(plugin);
    let first = call(plugin, &["order_status", id]).succeeds();
    assert_ne!(first["status"], "error", "{first}");
    call(plugin, &["work"]).prints();
    call(plugin, &["order_status", id]).succeeds()
}

/// Returns a command that calls the provider without a shell: one would be traced too.
pub(crate) fn bare(plugin: &Plugin, words: &[&str]) -> Command {
    let mut command = Command::new(plugin.executable());
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

/// Keeps workers from starting until what is returned is dropped; calls nobody.
pub(crate) fn hold_worker_lock(plugin: &Plugin) -> Held {
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(plugin.state("worker.lock")).expect("the lock file opens");
    // As if the owner had made it.
    let owner = plugin.state("").metadata().expect("it is there");
    fchown(&file, Some(owner.uid()), Some(owner.gid())).expect("it is given away");
    fs2::FileExt::lock_exclusive(&file).expect("the lock is free");
    Held(file)
}

/// Returns the number in an answer of `order` that was read whole.
pub(crate) fn task_id(run: &Run) -> Option<String> {
    let line = run.stdout.strip_suffix('\n')?;
    let answer: Value = serde_json::from_str(line).expect("the answer is JSON");
    if answer.get("error").is_some() {
        assert!(run.status.is_some_and(|status| status != 0), "{run:?}");
        return None;
    }
    Some(answer["task_id"].as_str().expect("a task id").to_owned())
}
