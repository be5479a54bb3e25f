//! Measuring: one after the other in the same loop, so that what disturbs one disturbs all.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each that are not counted.
const WARM_UPS: usize = 10;

/// Runs each so many times, in turn, and returns the median of each. Who comes first changes: what one
/// has written may be what the next waits for.
pub(crate) fn in_turn<const N: usize>(
    runs: usize,
    each: [&mut dyn FnMut() -> Duration; N],
) -> [Duration; N] {
    let mut each = each.map(|measure| (measure, Vec::new()));
    for run in 0..runs + WARM_UPS {
        for place in 0..N {
            let which = if run % 2 == 0 { place } else { N - 1 - place };
            let (measure, times) = &mut each[which];
            let time = measure();
            if run >= WARM_UPS {
                times.push(time);
            }
        }
    }
    each.map(|(_, times)| median(times))
}

/// Runs a program as the panel does, and reads its answer to the end.
pub(crate) fn spawn(program: &Path, words: &[&str]) -> Duration {
    let mut command = Command::new(program);
    command.args(words).env_clear();
    time(&mut command)
}

/// Times a command whose answer is read to the end.
pub(crate) fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("runs");
    let mut answer = Vec::new();
    let mut output = child.stdout.take().expect("a pipe");
    std::io::Read::read_to_end(&mut output, &mut answer).expect("reads");
    let status = child.wait().expect("ends");
    let time = begun.elapsed();
    assert!(status.success() && !answer.is_empty(), "{command:?} failed");
    time
}

/// Returns the middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
