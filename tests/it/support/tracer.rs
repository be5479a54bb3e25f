//! Runs a command under ptrace(2), with all that it starts: counts its system calls, kills the
//! whole tree at one of them, makes one go wrong, or counts the instructions that a virtual machine
//! traps.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::effect;
use super::inject::{self, Fault, Injection, KINDS};

/// How long one run may take.
const PATIENCE: Duration = Duration::from_mins(1);
const PATIENT: Limits = Limits::of_each(PATIENCE);

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// How many of the system calls that count the tree began.
    pub(crate) calls: usize,
    /// Whether the tree was killed at the system call that was asked for.
    pub(crate) killed: bool,
    /// What the command wrote before it ended.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The command's exit status; none where a signal ended it.
    pub(crate) status: Option<i32>,
    /// How many calls of each of [`KINDS`] the tree began.
    pub(crate) kinds: [usize; KINDS.len()],
    /// How many of them went wrong.
    pub(crate) wrong: usize,
    /// Whether there was a call that was to go wrong: not each can go wrong in each way.
    pub(crate) reached: bool,
    /// The numbers of calls of which nobody has said whether they can fail.
    pub(crate) unlisted: BTreeSet<i64>,
    /// Whether time was up before the last of the tree ended.
    pub(crate) is_late: bool,
}

/// Runs `command` and kills it, and all that it started, as its `call`-th system call begins: that
/// call does not happen. With 0 it runs to its end.
///
/// The command's output has to fit into a pipe.
pub(crate) fn kill_at(command: Command, call: usize) -> Run {
    kill(command, call, |_| true)
}

/// As [`kill_at`], counting only the calls that can have an effect outside of the tree.
pub(crate) fn kill_at_effect(command: Command, call: usize) -> Run {
    kill(command, call, effect::has)
}

fn kill(command: Command, call: usize, counts: fn(Pid) -> bool) -> Run {
    let living = Living::default();
    let among = living.clone();
    let trace = move |child: &mut Child| Tree::of(child, among, counts).run(call);
    on_own_thread(command, PATIENT, &living, trace)
}

/// How long a tree may take; what lives longer is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The command itself.
    pub(crate) command: Duration,
    /// What it has started, after its end.
    pub(crate) rest: Duration,
    /// The same from the first call on that goes wrong.
    pub(crate) command_then: Duration,
    pub(crate) rest_then: Duration,
}

impl Limits {
    pub(crate) const fn of_each(limit: Duration) -> Self {
        Self { command: limit, rest: limit, command_then: limit, rest_then: limit }
    }

    const fn at(&self, stage: Stage) -> Duration {
        match (stage.has_ended, stage.is_wrong) {
            (false, false) => self.command,
            (true, false) => self.rest,
            (false, true) => self.command_then,
            (true, true) => self.rest_then,
        }
    }
}

/// How far a tree has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stage {
    /// The command itself has ended.
    has_ended: bool,
    /// A call was to go wrong.
    is_wrong: bool,
}

/// Runs `command` while system calls of it and of all that it starts go wrong.
///
/// The command's output has to fit into a pipe.
pub(crate) fn inject(command: Command, injection: Injection, limits: Limits) -> Run {
    let living = Living::default();
    let among = living.clone();
    on_own_thread(command, limits, &living, move |child| {
        let mut tree = Tree::of(child, among, |_| true);
        tree.injection = Some(injection);
        tree.run(0)
    })
}

/// Runs `command` instruction by instruction; returns how many there were and how many of them
/// were CPUID, which a virtual machine traps.
#[cfg(target_arch = "x86_64")]
pub(crate) fn instructions(command: Command) -> (usize, usize) {
    on_own_thread(command, PATIENT, &Living::default(), |child| {
        let pid = begun(child);
        let (mut all, mut cpuid) = (0, 0);
        loop {
            // Stopped before the instruction that the program counter points to.
            let place = ptrace::getregs(pid).expect("registers of a stopped process").rip;
            let word = ptrace::read(pid, place as ptrace::AddressType).expect("its text");
            all += 1;
            cpuid += usize::from(word.to_le_bytes()[..2] == [0x0f, 0xa2]);
            ptrace::step(pid, None).expect("a stopped process steps");
            match wait().expect("the process is ours") {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
                WaitStatus::Exited(..) => return (all, cpuid),
                other => panic!("{other:?} after {all} instructions"),
            }
        }
    })
}

/// The processes of a tree, and whether all are to end.
#[derive(Clone, Default)]
struct Living {
    pids: Arc<Mutex<BTreeSet<Pid>>>,
    are_to_end: Arc<AtomicBool>,
    stage: Arc<Mutex<Stage>>,
}

impl Living {
    fn pids(&self) -> MutexGuard<'_, BTreeSet<Pid>> {
        self.pids.lock().expect("nobody panicked with it")
    }

    fn end(&self) {
        self.are_to_end.store(true, Ordering::SeqCst);
        self.pids().iter().for_each(|pid| end(*pid));
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().expect("nobody panicked with it")
    }

    fn are_to_end(&self) -> bool {
        self.are_to_end.load(Ordering::SeqCst)
    }
}

/// Only the thread that starts a process may trace it, and a thread of its own waits for nobody
/// else's children.
fn on_own_thread<T: Send + 'static>(
    mut command: Command,
    limits: Limits,
    living: &Living,
    trace: impl FnOnce(&mut Child) -> T + Send + 'static,
) -> T {
    let shown = format!("{command:?}");
    let (sender, receiver) = mpsc::channel();
    let tracer = std::thread::spawn(move || {
        let mut child = spawn(&mut command);
        sender.send(trace(&mut child)).expect("somebody waits for the outcome");
    });
    let mut stage = Stage::default();
    let mut deadline = Instant::now() + limits.at(stage);
    let outcome = loop {
        match receiver.recv_timeout(LOOK) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            outcome => break outcome,
        }
        let now = *living.stage();
        if now != stage {
            stage = now;
            deadline = Instant::now() + limits.at(stage);
        }
        if Instant::now() >= deadline {
            living.end();
            break receiver.recv_timeout(PATIENCE);
        }
    };
    match outcome {
        Ok(outcome) => outcome,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end of {shown}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(tracer.join().expect_err("it panicked"))
        }
    }
}

#[expect(unsafe_code, reason = "a process can only ask for being traced between fork and exec")]
fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Sound: between fork and exec one system call is made, and nothing is allocated.
    unsafe {
        command.pre_exec(|| ptrace::traceme().map_err(std::io::Error::from));
    }
    command.spawn().expect("the command starts")
}

/// Waits until the command is about to run its first instruction.
fn begun(child: &Child) -> Pid {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    match wait() {
        Ok(WaitStatus::Stopped(stopped, Signal::SIGTRAP)) if stopped == pid => pid,
        other => panic!("{other:?} instead of a start"),
    }
}

/// Waits for a child of this very thread, or for whoever it traces.
fn wait() -> nix::Result<WaitStatus> {
    waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))
}

/// A traced process with all that it started.
struct Tree<'a> {
    child: &'a mut Child,
    root: Pid,
    living: Living,
    /// Those between the beginning and the end of a system call.
    in_call: BTreeSet<Pid>,
    /// Whether the call that a process is about to begin is counted.
    counts: fn(Pid) -> bool,
    calls: usize,
    killed: bool,
    status: Option<i32>,
    injection: Option<Injection>,
    kinds: [usize; KINDS.len()],
    unlisted: BTreeSet<i64>,
    wrong: usize,
    /// What calls that are under way are to say.
    lies: BTreeMap<Pid, i64>,
    /// Those whose program is being loaded: nothing of that goes wrong.
    loading: BTreeSet<Pid>,
    /// Those that run another program than the command.
    foreign: BTreeSet<Pid>,
    /// The command's own program.
    program: Option<PathBuf>,
}

impl<'a> Tree<'a> {
    fn of(child: &'a mut Child, living: Living, counts: fn(Pid) -> bool) -> Self {
        let root = begun(child);
        living.pids().insert(root);
        let follow = Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC;
        let mark = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(root, follow | mark).expect("options for a stopped process");
        ptrace::syscall(root, None).expect("a stopped process goes on");
        Self {
            child,
            root,
            living,
            in_call: BTreeSet::new(),
            counts,
            calls: 0,
            killed: false,
            status: None,
            injection: None,
            kinds: [0; KINDS.len()],
            unlisted: BTreeSet::new(),
            wrong: 0,
            lies: BTreeMap::new(),
            loading: BTreeSet::from([root]),
            foreign: BTreeSet::new(),
            program: program(root),
        }
    }

    fn run(mut self, call: usize) -> Run {
        loop {
            match wait() {
                Ok(status) => self.follow(status, call),
                Err(Errno::ECHILD) => break,
                Err(errno) => panic!("cannot wait: {errno}"),
            }
        }
        let mut run = Run {
            calls: self.calls,
            killed: self.killed,
            stdout: String::new(),
            stderr: String::new(),
            status: self.status,
            kinds: self.kinds,
            unlisted: self.unlisted,
            wrong: self.wrong,
            reached: self.living.stage().is_wrong,
            is_late: self.living.are_to_end(),
        };
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        stdout.expect("a pipe").read_to_string(&mut run.stdout).expect("text");
        stderr.expect("a pipe").read_to_string(&mut run.stderr).expect("text");
        run
    }

    fn follow(&mut self, status: WaitStatus, call: usize) {
        let (pid, signal) = match status {
            WaitStatus::Exited(pid, code) => {
                self.living.pids().remove(&pid);
                if pid == self.root {
                    self.status = Some(code);
                    self.living.stage().has_ended = true;
                }
                return;
            }
            WaitStatus::Signaled(pid, ..) => {
                self.living.pids().remove(&pid);
                return;
            }
            WaitStatus::PtraceSyscall(pid) => {
                // The stops at the beginning and at the end of a call look alike, and alternate.
                if self.in_call.remove(&pid) {
                    if let Some(said) = self.lies.remove(&pid) {
                        inject::end(pid, said);
                    }
                } else if !self.killed {
                    self.in_call.insert(pid);
                    self.begins(pid, call);
                }
                (pid, None)
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                if event == Event::PTRACE_EVENT_EXEC as i32 {
                    self.loading.insert(pid);
                    // Whatever else it runs has faults of its own.
                    self.see_whose(pid);
                    // The call that loaded it has yet to end, which is reported of some only.
                    self.in_call.remove(&pid);
                    if self.stops_at_calls(pid) {
                        self.in_call.insert(pid);
                    }
                }
                (pid, None)
            }
            // A new process or thread reports itself by this signal.
            WaitStatus::Stopped(pid, Signal::SIGSTOP) if self.living.pids().insert(pid) => {
                self.see_whose(pid);
                (pid, None)
            }
            WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
            other => panic!("unexpected: {other:?}"),
        };
        if self.killed || self.living.are_to_end() {
            end(pid);
            return;
        }
        let go_on: fn(_, Option<Signal>) -> _ =
            if self.stops_at_calls(pid) { ptrace::syscall } else { ptrace::cont };
        match go_on(pid, signal) {
            // It was killed by somebody else; its end is reported next.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => panic!("{pid} does not go on: {errno}"),
        }
    }

    /// Returns whether the calls of a process are looked at.
    fn stops_at_calls(&self, pid: Pid) -> bool {
        self.injection.is_none() || !self.foreign.contains(&pid)
    }

    /// Notes whether a process runs the command's own program.
    fn see_whose(&mut self, pid: Pid) {
        if program(pid) == self.program {
            self.foreign.remove(&pid);
        } else {
            self.foreign.insert(pid);
        }
    }

    /// Looks at a call that a process is about to begin.
    fn begins(&mut self, pid: Pid, call: usize) {
        let counts = (self.counts)(pid);
        self.calls += usize::from(counts);
        self.killed = counts && self.calls == call;
        if self.killed {
            self.living.pids().iter().for_each(|pid| end(*pid));
        }
        let Some(injection) = self.injection else { return };
        if self.loading.contains(&pid) {
            if !inject::is_first_of_program(pid) {
                return;
            }
            self.loading.remove(&pid);
        }
        self.unlisted.extend(inject::unlisted(pid));
        let Some(kind) = inject::kind(pid) else { return };
        self.kinds[kind] += 1;
        if kind == injection.kind && injection.calls().contains(&self.kinds[kind]) {
            self.living.stage().is_wrong = true;
            let fault = inject::begin(&injection, pid);
            self.wrong += usize::from(fault.is_some());
            if let Some(Fault { said: Some(said) }) = fault {
                self.lies.insert(pid, said);
            }
        }
    }
}

fn program(pid: Pid) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn end(pid: Pid) {
    match signal::kill(pid, Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => panic!("{pid} cannot be killed: {errno}"),
    }
}
