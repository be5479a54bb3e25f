//! Running another program for a bounded time, with bounded output.
//!
//! Programs are started here and nowhere else (but for the worker itself): one at a time, so that
//! what is handed to one program is not inherited by another that starts just then.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::system;

/// Where programs are looked for: ours is started from anywhere, with any `PATH` or none.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much of each output is kept at most where nothing else is said, in bytes.
pub(crate) const KEPT: usize = 64 * 1024;

/// How often a running program is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// How long the end of an output is waited for after its program has ended: something that left the
/// group may hold it open.
const GRACE: Duration = Duration::from_millis(500);

/// Held while a program is started.
static STARTING: Mutex<()> = Mutex::new(());

/// What a program gets, and what it may take.
pub(crate) struct Bounds<'a> {
    /// What its standard input has; none: it has none.
    pub(crate) input: Option<Vec<u8>>,
    /// A file that it inherits beyond its standard ones.
    pub(crate) inherits: Option<&'a File>,
    /// How long it may run.
    pub(crate) timeout: Duration,
    /// How much of its standard output is kept, from its end, in bytes.
    pub(crate) stdout: usize,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended; none where its time was up.
    pub(crate) status: Option<ExitStatus>,
    /// The end of its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Whether there was more of it.
    pub(crate) stdout_was_cut: bool,
    /// The end of its standard error.
    pub(crate) stderr: Vec<u8>,
}

impl Ended {
    /// Whether it ended with 0 in time.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Says how it ended; `timeout` is the time that it had.
    pub(crate) fn how(&self, timeout: Duration) -> String {
        match self.status.map(|status| (status.code(), status.signal())) {
            None => {
                format!("took longer than {} s", (10.0 * timeout.as_secs_f64()).round() / 10.0)
            }
            Some((Some(code), _)) => format!("ended with {code}"),
            Some((None, signal)) => format!("was ended by signal {}", signal.unwrap_or_default()),
        }
    }
}

/// Returns a command that inherits nothing: no variables but `PATH` and `LC_ALL`, no input, no
/// folder.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command
}

/// Runs a command without input in a process group of its own; all of the group is ended with it, or
/// when its time is up.
///
/// # Errors
/// Where it cannot be started.
pub(crate) fn run(command: &mut Command, timeout: Duration) -> io::Result<Ended> {
    run_within(command, Bounds { input: None, inherits: None, timeout, stdout: KEPT })
}

/// As [`run`], with other bounds.
///
/// # Errors
/// Where it cannot be started: surely nothing of it has run.
pub(crate) fn run_within(command: &mut Command, bounds: Bounds<'_>) -> io::Result<Ended> {
    // All that can fail here comes before the start: once it runs, nobody can say that it did not.
    let (stdin, (stdout, out), (stderr, err)) =
        (feed(bounds.input)?, listen(bounds.stdout)?, listen(KEPT)?);
    command.process_group(0).stdin(stdin).stdout(out).stderr(err);
    let child = start(command, bounds.inherits);
    // Our own ends of its pipes: an output ends when nobody can write to it any more.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child?;
    let in_time = wait(&child, bounds.timeout);
    // Whatever it left running has nothing to do any more, and holds the outputs open. The group is
    // surely its own as long as it is not reaped.
    system::kill_group(child.id());
    let status = child.wait().ok().filter(|_| in_time);
    let (stdout, stdout_was_cut) = heard(stdout);
    Ok(Ended { status, stdout, stdout_was_cut, stderr: heard(stderr).0 })
}

/// Returns what a program reads as its standard input.
///
/// A program need not read what it is given, and one that reads late keeps nobody waiting.
fn feed(input: Option<Vec<u8>>) -> io::Result<Stdio> {
    let Some(input) = input else { return Ok(Stdio::null()) };
    let (end, mut stdin) = io::pipe()?;
    thread::Builder::new().spawn(move || stdin.write_all(&input))?;
    Ok(end.into())
}

fn start(command: &mut Command, inherits: Option<&File>) -> io::Result<Child> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(file) = inherits else { return command.spawn() };
    system::set_inherited(file, true)?;
    let child = command.spawn();
    // It can be set where it could be taken away.
    let _ = system::set_inherited(file, false);
    child
}

/// Waits until a program has ended, without reaping it; returns whether it did in time.
fn wait(child: &Child, timeout: Duration) -> bool {
    let started = Instant::now();
    while !system::has_ended(child.id()) {
        if started.elapsed() >= timeout {
            return false;
        }
        thread::sleep(INTERVAL);
    }
    true
}

/// The end of an output, and whether there was more.
type Kept = Arc<Mutex<(Vec<u8>, bool)>>;

/// An output that a thread of its own reads.
struct Listening {
    kept: Kept,
    /// How much of it is kept, in bytes.
    most: usize,
    /// Has no other end once all is read.
    done: Receiver<()>,
}

/// Makes a pipe whose end a thread of its own reads, keeping the last of it; returns what a program
/// writes to.
fn listen(most: usize) -> io::Result<(Listening, Stdio)> {
    let (mut output, end) = io::pipe()?;
    let kept = Kept::default();
    let (sender, done) = channel();
    let all = Arc::clone(&kept);
    thread::Builder::new().spawn(move || {
        let _sender = sender;
        let mut block = [0; 4096];
        loop {
            match output.read(&mut block) {
                Ok(0) => break,
                Ok(count) => {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.0.extend_from_slice(&block[..count]);
                    if all.0.len() > 2 * most {
                        keep_last(&mut all, most);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    })?;
    Ok((Listening { kept, most, done }, end.into()))
}

fn keep_last((bytes, was_cut): &mut (Vec<u8>, bool), most: usize) {
    let more = bytes.len().saturating_sub(most);
    bytes.drain(..more);
    *was_cut |= more > 0;
}

/// Returns what was said, and whether it was cut. Something that left the group may hold the output
/// open: what came until then counts.
fn heard(Listening { kept, most, done }: Listening) -> (Vec<u8>, bool) {
    // Nothing is ever sent: this waits until the reader is gone.
    let _ = done.recv_timeout(GRACE);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    keep_last(&mut kept, most);
    std::mem::take(&mut *kept)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Bounds, KEPT, command, run, run_within};

    fn shell(script: &str, timeout: Duration) -> super::Ended {
        run(command("sh").args(["-c", script]), timeout).unwrap()
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_program_gets_no_input_and_no_variables_but_the_path() {
        let ended = shell("cat; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd", LONG);
        assert!(ended.is_success());
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), "LC_ALL PATH PWD /\n");
    }

    #[test]
    fn the_last_of_a_long_output_is_kept() {
        let ended = shell("head -c 1000000 /dev/zero; echo end; echo problem >&2; exit 3", LONG);
        assert_eq!(ended.status.unwrap().code(), Some(3));
        assert_eq!(ended.stdout.len(), KEPT);
        assert!(ended.stdout.ends_with(b"end\n"));
        assert_eq!(ended.stderr, b"problem\n");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_all_that_it_started() {
        let began = Instant::now();
        let ended = shell("sleep 600 & echo $!; sleep 600", Duration::from_millis(300));
        assert_eq!(ended.status, None);
        assert!(began.elapsed() < Duration::from_secs(30));
        let child: u32 = String::from_utf8(ended.stdout).unwrap().trim().parse().unwrap();
        // Until it is reaped, an ended process is a zombie.
        let runs = || {
            let status = std::fs::read_to_string(format!("/proc/{child}/status"));
            status
                .is_ok_and(|status| !status.contains("State:\tZ") && !status.contains("State:\tX"))
        };
        while runs() {
            assert!(began.elapsed() < Duration::from_secs(30));
            std::thread::yield_now();
        }
    }

    fn within(script: &str, bounds: Bounds<'_>) -> super::Ended {
        run_within(command("sh").args(["-c", script]), bounds).unwrap()
    }

    #[test]
    fn a_program_gets_its_input_whole_and_need_not_read_it() {
        let input = || Some(b"x".repeat(300_000));
        let bounds = |stdout| Bounds { input: input(), inherits: None, timeout: LONG, stdout };
        let ended = within("cat", bounds(1 << 20));
        assert_eq!((ended.stdout.len(), ended.stdout_was_cut), (300_000, false));
        let ended = within("cat", bounds(1000));
        assert_eq!((ended.stdout.len(), ended.stdout_was_cut), (1000, true));
        assert!(within("exec <&-; exit 0", bounds(0)).is_success());
    }

    #[test]
    fn what_left_the_group_does_not_keep_an_answer_back() {
        let ended = shell("setsid sleep 5 & echo said", LONG);
        assert_eq!(ended.stdout, b"said\n");
    }

    #[test]
    fn a_file_is_inherited_by_the_program_that_it_is_meant_for_alone() {
        let file = tempfile::tempfile().unwrap();
        let bounds = || Bounds { input: None, inherits: None, timeout: LONG, stdout: KEPT };
        let listed = |ended: super::Ended| String::from_utf8(ended.stdout).unwrap().lines().count();
        let without = listed(within("ls /proc/self/fd", bounds()));
        let with = listed(within("ls /proc/self/fd", Bounds { inherits: Some(&file), ..bounds() }));
        assert_eq!(with, without + 1);
        assert_eq!(listed(within("ls /proc/self/fd", bounds())), without);
    }

    #[test]
    fn what_a_program_leaves_running_keeps_nobody_waiting() {
        let began = Instant::now();
        let ended = shell("sleep 600 & echo done", LONG);
        assert_eq!(ended.stdout, b"done\n");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
