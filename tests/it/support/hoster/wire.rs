//! Connections: requests are read from them, and answers go out as whole as they are told to.

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::fault::{Ending, Point, Verb};
use super::request::Seen;
use super::response::Response;
use super::state::State;

/// How long lies between two bytes that drip.
const DRIP: Duration = Duration::from_secs(1);

/// How long, and how often, to wait for the rest of what tells what a request is about.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSES: usize = 1000;

/// Answers all requests of a connection.
///
/// # Errors
/// Where the client is gone.
pub(crate) fn serve(stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    while let Some(verb) = peek(stream, state)? {
        if state.lock().expect("no connection panicked").stays_unread(verb) {
            return reset(stream);
        }
        let mut reader = BufReader::new(stream);
        let Some(seen) = Seen::read(&mut reader)? else {
            return Ok(());
        };
        assert_eq!(reader.buffer(), b"", "no request before the answer to the last one");
        let stays =
            seen.headers.get("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
        let (response, early_end, delay) =
            state.lock().expect("no connection panicked").handle(&seen);
        if !delay.is_zero() && left_within(stream, Some(delay))? {
            return Ok(());
        }
        if !send(stream, &response, early_end)? {
            return Ok(());
        }
        if !stays {
            return stream.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// Waits for a request and tells what it is about, without reading it; none where the client has
/// closed the connection.
fn peek(stream: &TcpStream, state: &Mutex<State>) -> io::Result<Option<Verb>> {
    let mut buffer = vec![0; 64 * 1024];
    stream.set_read_timeout(None)?;
    for _ in 0..PAUSES {
        let length = match stream.peek(&mut buffer) {
            Err(error) if error.kind() == Interrupted => continue,
            outcome => outcome?,
        };
        if length == 0 {
            return Ok(None);
        }
        let verb = state.lock().expect("no connection panicked").verb(&buffer[..length]);
        if verb.is_some() {
            return Ok(verb);
        }
        std::thread::sleep(PAUSE);
    }
    Err(TimedOut.into())
}

/// Sends an answer; returns whether the connection is still good.
fn send(
    mut stream: &TcpStream,
    response: &Response,
    early_end: Option<(Ending, Point)>,
) -> io::Result<bool> {
    let (bytes, before) = response.bytes(early_end.map_or(Point::AfterBody, |(_, point)| point));
    let (sent, rest) = bytes.split_at(before);
    stream.write_all(sent)?;
    match early_end.map(|(ending, _)| ending) {
        None => return Ok(true),
        // An answer of which nothing is missing is one, and the connection may be used again.
        Some(Ending::Stall | Ending::Drip) if rest.is_empty() => return Ok(true),
        Some(Ending::Reset) => {
            reset(stream)?;
            return Ok(false);
        }
        Some(Ending::Close) => {}
        Some(Ending::Stall) => while !left_within(stream, None)? {},
        Some(Ending::Drip) => {
            for byte in rest {
                if left_within(stream, Some(DRIP))? {
                    break;
                }
                stream.write_all(&[*byte])?;
            }
        }
    }
    stream.shutdown(Shutdown::Both)?;
    Ok(false)
}

/// Returns whether the client leaves within that time; none waits until it does.
fn left_within(mut stream: &TcpStream, time: Option<Duration>) -> io::Result<bool> {
    let deadline = time.map(|time| Instant::now() + time);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        stream.set_read_timeout(left)?;
        match stream.read(&mut [0]) {
            Ok(0) => return Ok(true),
            Ok(_) => panic!("no request before the answer to the last one"),
            // A read with a timeout is not begun again by the kernel after a signal, signal(7).
            Err(error) if [WouldBlock, TimedOut, Interrupted].contains(&error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Lets the connection be reset as soon as nobody uses it any more.
fn reset(stream: &TcpStream) -> io::Result<()> {
    let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
    Ok(setsockopt(&stream, sockopt::Linger, &at_once)?)
}
