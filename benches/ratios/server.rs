//! A server of HTTP/1.1 that answers what it is told after a while, and counts.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Says what is answered to a method and a path: a body of JSON.
type Answers = dyn Fn(&str, &str) -> String + Send + Sync;

/// A server; it serves until the bench ends.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    /// Starts one that takes so long for an answer.
    pub(crate) fn start(
        latency: Duration,
        answers: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answers, noted): (Arc<Answers>, _) = (Arc::new(answers), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, noted) = (Arc::clone(&answers), Arc::clone(&noted));
                // Whoever has gone need not be told.
                std::thread::spawn(move || serve(&stream, latency, &*answers, &noted));
            }
        });
        Self { port, seen }
    }

    /// Returns what stands before the paths.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns how many requests have come.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Forgets the requests that have come, and returns when each did.
    pub(crate) fn take(&self) -> Vec<Instant> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(
    mut stream: &TcpStream,
    latency: Duration,
    answers: &Answers,
    seen: &Mutex<Vec<Instant>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        let mut words = first.split_whitespace();
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let body = answers(method, path);
        if !latency.is_zero() {
            std::thread::sleep(latency);
        }
        let status = if method == "POST" { 201 } else { 200 };
        let answer = format!(
            "HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes())?;
    }
}
