//! A terminal that shows nothing of what is typed.

use std::io::{self, Read};

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// The longest line that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Ctrl-C, which is a key like others while nothing is shown: a signal would end the program and
/// leave the terminal mute.
const INTERRUPT: u8 = 0x03;
/// Ctrl-D.
const END: u8 = 0x04;
/// Ctrl-U.
const KILL: u8 = 0x15;
const BACKSPACE: [u8; 2] = [0x08, 0x7f];

/// Reads a line from the terminal on standard input and shows nothing of it; none where whoever
/// types gives up.
///
/// `ask` is called once nothing is shown any more: who types, or pastes, as soon as they are asked is
/// not shown either.
pub(crate) fn read_hidden(ask: impl FnOnce()) -> io::Result<Option<String>> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut mute = before.clone();
    // Key by key, for the kernel cuts whole lines off at 4096 bytes.
    mute.local_flags
        .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
    tcsetattr(&stdin, SetArg::TCSADRAIN, &mute)?;
    ask();
    let read = line(&mut stdin.lock());
    tcsetattr(&stdin, SetArg::TCSADRAIN, &before)?;
    read
}

fn line(keys: &mut impl Read) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut key = [0];
    loop {
        match keys.read(&mut key) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match key[0] {
            b'\r' | b'\n' => break,
            INTERRUPT | END => return Ok(None),
            KILL => line.clear(),
            one if BACKSPACE.contains(&one) => {
                // All bytes of a character.
                while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            other if line.len() < LONGEST => line.push(other),
            _ => return Err(io::Error::other("the line is too long")),
        }
    }
    String::from_utf8(line).map(Some).map_err(|_| io::Error::other("it is no text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn keys_make_a_line_and_can_be_taken_back() {
        let read = |keys: &str| line(&mut keys.as_bytes()).unwrap();
        assert_eq!(read("abc\nd"), Some("abc".to_owned()));
        assert_eq!(read("xy\u{15}abé\u{7f}\u{8}c\r"), Some("ac".to_owned()));
        assert_eq!(read("abc\u{3}\n"), None);
        assert_eq!(read("abc"), None);
    }
}
