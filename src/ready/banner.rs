//! Whether an SSH server introduces itself.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long a connection may take to come about, and how long the server may take to say `SSH-`.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much a server may say before it introduces itself, in bytes: RFC 4253, 4.2 sets no limit,
/// OpenSSH's clients stop after 1024 lines of 8 KiB.
const LARGEST: usize = 16 * 1024;

/// Returns the IPv4 address at which an SSH server introduced itself.
pub(super) fn look(address: &str, port: u16) -> Result<Ipv4Addr, String> {
    let found = (address, port)
        .to_socket_addrs()
        .map_err(|error| format!("the name {address} is not found: {error}"))?
        .find_map(|found| match found {
            SocketAddr::V4(found) => Some(found),
            SocketAddr::V6(_) => None,
        })
        .ok_or_else(|| format!("the name {address} has no IPv4 address"))?;
    let stream = TcpStream::connect_timeout(&found.into(), PATIENCE)
        .map_err(|error| format!("port {port} of {address} does not answer: {error}"))?;
    introduces_itself(stream).map_err(|why| format!("port {port} of {address} {why}"))?;
    Ok(*found.ip())
}

/// Reads up to a line that begins with `SSH-`; other lines may stand before it (RFC 4253, 4.2).
fn introduces_itself(mut stream: TcpStream) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    let mut said = Vec::new();
    let mut block = [0; 1024];
    while said.len() < LARGEST {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            break;
        }
        match stream.read(&mut block) {
            Ok(0) => return Err("closes the connection before it says `SSH-`".to_owned()),
            Ok(count) => said.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(format!("breaks off before it says `SSH-`: {error}")),
        }
        if says_ssh(&said) {
            return Ok(());
        }
    }
    Err(format!("does not say `SSH-` within {} s", PATIENCE.as_secs()))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn says_ssh(said: &[u8]) -> bool {
    said.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::look;

    /// Looks at a server that says these blocks to whoever connects, and then hangs up.
    fn look_at(blocks: &[&[u8]]) -> Result<Ipv4Addr, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                for block in blocks {
                    // The other side leaves once it has heard enough.
                    if stream.write_all(block).is_err() {
                        return;
                    }
                }
            });
            look("127.0.0.1", port)
        })
    }

    #[test]
    fn a_server_that_introduces_itself_is_found_at_its_address() {
        assert_eq!(look_at(&[b"SSH-2.0-OpenSSH_7.4\r\n"]), Ok(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn other_lines_may_come_first_and_in_pieces() {
        assert!(look_at(&[b"Welcome\r", b"\nto SSH-land\r\nSS", b"H-2.0-x\r\n"]).is_ok());
    }

    #[test]
    fn a_server_that_says_something_else_is_none() {
        for said in [&b""[..], b"Not allowed at this time\r\n", b"HTTP/1.1 400 SSH-2.0\r\n"] {
            let problem = look_at(&[said]).unwrap_err();
            assert!(problem.contains("before it says `SSH-`"), "{problem}");
        }
    }

    #[test]
    fn a_server_that_talks_on_is_not_listened_to_for_ever() {
        let much = vec![b'x'; 1 << 20];
        assert!(look_at(&[&much]).unwrap_err().contains("does not say `SSH-`"));
    }

    #[test]
    fn a_closed_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let problem = look("127.0.0.1", port).unwrap_err();
        assert!(
            problem.starts_with(&format!("port {port} of 127.0.0.1 does not answer")),
            "{problem}"
        );
    }
}
