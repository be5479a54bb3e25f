//! What becomes of the lines of a `known_hosts`; pure.

/// A host key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Its algorithm, as `ssh-ed25519`.
    pub(super) kind: String,
    /// The key in base64.
    pub(super) blob: String,
}

/// A line that `ssh-keygen -F` found to be about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is, counted from 1.
    number: usize,
    /// The name that was looked for.
    name: String,
    /// The line, as ssh-keygen prints it.
    line: String,
}

/// Reads the answer of `ssh-keygen -F`: a comment with the line's number before each line.
pub(super) fn parse_found(answer: &str, name: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut number = None;
    for line in answer.lines() {
        if let Some(comment) = line.strip_prefix("# Host ") {
            number = comment
                .rsplit_once(" found: line ")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        } else if let Some(number) = number.take() {
            found.push(Found { number, name: name.to_owned(), line: line.to_owned() });
        }
    }
    found
}

/// Whether the lines that were found hold just these keys.
///
/// Markers and wildcards are somebody's rule about many hosts: they are neither counted nor
/// touched. A key of such a line next to the right one keeps ssh from asking no more than from
/// connecting.
pub(super) fn are_exactly(found: &[Found], name: &str, keys: &[Key]) -> bool {
    let mut known: Vec<Key> = found
        .iter()
        .filter(|found| stays(&found.line, name).as_deref() != Some(found.line.as_str()))
        .filter_map(|found| {
            let mut words = found.line.split_whitespace().skip(1);
            Some(Key { kind: words.next()?.to_owned(), blob: words.next()?.to_owned() })
        })
        .collect();
    known.sort();
    known.dedup();
    known == keys
}

/// The lines that make a host's keys known.
pub(super) fn lines(name: &str, keys: &[Key]) -> String {
    keys.iter().fold(String::new(), |lines, Key { kind, blob }| {
        lines + name + " " + kind + " " + blob + "\n"
    })
}

/// Returns a file's bytes without what was found in it; every other byte stays.
pub(super) fn without(file: &[u8], found: &[Found]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(file.len());
    for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let mut text = std::str::from_utf8(line).ok().map(str::to_owned);
        for one in found.iter().filter(|one| one.number == index + 1) {
            text = text.and_then(|text| stays(&text, &one.name));
        }
        match text {
            Some(text) => kept.extend_from_slice(text.as_bytes()),
            None if std::str::from_utf8(line).is_err() => kept.extend_from_slice(line),
            None => {}
        }
    }
    kept
}

/// What stays of a line that is about `name`: none if it is about nothing else.
fn stays(line: &str, name: &str) -> Option<String> {
    let begins = line.len() - line.trim_start().len();
    let ends = line[begins..].find([' ', '\t']).map_or(line.len(), |length| begins + length);
    let hosts = &line[begins..ends];
    if hosts.starts_with('@') || hosts.is_empty() {
        return Some(line.to_owned());
    }
    if hosts.starts_with("|1|") {
        // A hashed name stands alone (ssh-keygen(1), -H).
        return None;
    }
    let others: Vec<&str> =
        hosts.split(',').filter(|host| !host.eq_ignore_ascii_case(name)).collect();
    if others.is_empty() {
        return None;
    }
    Some(format!("{}{}{}", &line[..begins], others.join(","), &line[ends..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Found, Key, are_exactly, parse_found, without};

    const ANSWER: &str = "# Host 192.0.2.1 found: line 2 \n192.0.2.1 ssh-rsa AAAA comment\n\
                          # Host 192.0.2.1 found: line 3 CA\n@cert-authority 192.0.2.* ssh-rsa CCCC\n\
                          # Host 192.0.2.1 found: line 5\n|1|c2FsdA==|aGFzaA== ssh-ed25519 BBBB\n";

    fn key(kind: &str, blob: &str) -> Key {
        Key { kind: kind.to_owned(), blob: blob.to_owned() }
    }

    fn about(number: usize, name: &str) -> Found {
        Found { number, name: name.to_owned(), line: String::new() }
    }

    #[test]
    fn the_answer_of_old_and_new_releases_is_understood() {
        let found = parse_found(ANSWER, "192.0.2.1");
        assert_eq!(found.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 3, 5]);
        assert!(found[2].line.ends_with("BBBB"));
        assert_eq!(parse_found("no comment\n# Host x found: line y\nz\n", "x"), []);
    }

    #[test]
    fn keys_are_the_same_whatever_their_order_and_the_rules_beside_them() {
        let found = parse_found(ANSWER, "192.0.2.1");
        let (rsa, ed25519) = (key("ssh-rsa", "AAAA"), key("ssh-ed25519", "BBBB"));
        assert!(are_exactly(&found, "192.0.2.1", &[ed25519.clone(), rsa.clone()]));
        assert!(!are_exactly(&found, "192.0.2.1", &[rsa]));
        assert!(!are_exactly(&found, "192.0.2.1", &[ed25519, key("ssh-rsa", "DDDD")]));
    }

    #[test]
    fn a_stale_line_goes_and_what_it_says_of_other_hosts_stays() {
        let file = b"# mine\n192.0.2.1 k old\na,192.0.2.1,b k shared\n|1|s|h k hashed\n\
                     192.0.2.* k rule\n@revoked 192.0.2.1 k rule\n\xff\xfe\n192.0.2.10 k other";
        let found: Vec<Found> = (2..=7).map(|number| about(number, "192.0.2.1")).collect();
        let kept = without(file, &found);
        assert_eq!(
            kept,
            b"# mine\na,b k shared\n192.0.2.* k rule\n@revoked 192.0.2.1 k rule\n\xff\xfe\n\
              192.0.2.10 k other"
        );
    }

    proptest! {
        #[test]
        fn lines_that_were_not_found_keep_every_byte(
            lines in prop::collection::vec("[a-z0-9|@,. \t\r]{0,30}", 0..8), number in 1_usize..9,
        ) {
            let file = lines.join("\n");
            let kept = without(file.as_bytes(), &[about(number, "a")]);
            let kept = String::from_utf8(kept).unwrap();
            let before: String = file.split_inclusive('\n').take(number - 1).collect();
            let after: String = file.split_inclusive('\n').skip(number).collect();
            prop_assert!(kept.starts_with(&before) && kept.ends_with(&after));
            prop_assert_eq!(without(file.as_bytes(), &[]), file.into_bytes());
        }

        #[test]
        fn no_answer_makes_the_reader_fail(answer in "(# Host x found: line |[0-9a-z |,\n]){0,40}") {
            let _ = parse_found(&answer, "x");
        }
    }
}
