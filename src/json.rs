//! Reading JSON that people wrote: errors name the place, the key and the nearest known one.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Deserialize;

use crate::line::one_line;
use crate::system::MET_A_LINK;

/// The largest file that is read where nothing else is said, in bytes.
pub(crate) const LARGEST: u64 = 1 << 20;

/// How many characters of a key that is not known are looked at and repeated.
const LONGEST_KEY: usize = 80;

/// How many characters of a place are named.
const LONGEST_PLACE: usize = 400;

/// Parses `bytes`.
///
/// # Errors
/// One sentence that names the place as a path of keys, and what is wrong there.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    // Of a text known to be UTF-8 no string has to be looked at again. Only a file with a fault is
    // read once more, with its path.
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .map_or_else(|| parse_with_path(bytes), Ok)
}

fn parse_with_path<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // What breaks off has no key to name: the place is the part before it.
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let path = one_line(path, LONGEST_PLACE);
        let problem = in_words(&with_nearest_key(&without_value(&error.inner().to_string())));
        if path.is_empty() { problem } else { format!("{path}: {problem}") }
    })?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Says what is expected as JSON calls it, not as Rust does.
fn in_words(message: &str) -> String {
    if message == "EOF while parsing a value at line 1 column 0" {
        return "there is nothing in it".to_owned();
    }
    if let Some(place) = message.strip_prefix("key must be a string") {
        return format!("a key has to stand in straight double quotes{place}");
    }
    let Some((found, rest)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let (expected, place) =
        rest.find(" at line ").map_or((rest, ""), |at| (&rest[..at], &rest[at..]));
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    };
    let found = found.replace("invalid type: map", "invalid type: object");
    let found = found.replace("invalid type: sequence", "invalid type: list");
    format!("{found}, expected {expected}{place}")
}

/// Takes the value out of an error about one: it may be a password or a token.
fn without_value(message: &str) -> String {
    let about_a_value =
        message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    match (message.find(['`', '"']), message.rfind(", expected ")) {
        (Some(value), Some(rest)) if about_a_value && value < rest => {
            format!("{}{}", message[..value].trim_end(), &message[rest..])
        }
        _ => message.to_owned(),
    }
}

/// Adds the nearest known key to an error about an unknown one.
fn with_nearest_key(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else {
        return message.to_owned();
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else {
        return message.to_owned();
    };
    // What is compared takes memory for each pair of letters.
    let unknown = &*one_line(unknown, LONGEST_KEY);
    let nearest = quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        // Whoever wrote a part of a key meant that key, however much is missing.
        .min_by_key(|(distance, known)| (unknown.len() < 4 || !known.contains(unknown), *distance));
    let place = message.rfind(" at line ").map_or("", |at| &message[at..]);
    match nearest {
        Some((distance, known)) if distance <= unknown.len().max(3) / 2 => {
            format!("unknown key `{unknown}`{place}: did you mean `{known}`?")
        }
        Some((_, known)) => {
            format!("unknown key `{unknown}`{place}: the nearest known key is `{known}`")
        }
        None => format!("unknown key `{unknown}`{place}"),
    }
}

/// Returns the known word that is nearest to one that is not known.
pub(crate) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let unknown = one_line(unknown, LONGEST_KEY);
    known.min_by_key(|known| strsim::damerau_levenshtein(&unknown, known))
}

/// Reads a whole file of bounded size, without waiting on anything that is not a regular file.
///
/// `flags` are those of the open, one of the two sets that `system` offers.
pub(crate) fn read_file(path: &Path, flags: i32, largest: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(MET_A_LINK) => {
            return Err(io::Error::other("it is a symbolic link"));
        }
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > largest {
        return Err(io::Error::other(format!(
            "it has {} bytes, and the largest that is read here has {largest}",
            metadata.len()
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    // A file that grows while it is read stays bounded all the same.
    (&mut file).take(largest).read_to_end(&mut bytes)?;
    Ok((bytes, metadata))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only parsed")]
        limits: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only parsed")]
        open_orders: Option<u64>,
        #[expect(dead_code, reason = "only parsed")]
        orders_per_day: Option<u64>,
    }

    fn problem(text: &str) -> String {
        super::parse::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        let message = problem(r#"{"limits":{"open_order":1}}"#);
        assert!(message.starts_with("limits.open_order: "), "{message}");
        assert!(message.contains("unknown key `open_order`"), "{message}");
        assert!(message.ends_with("did you mean `open_orders`?"), "{message}");
    }

    #[test]
    fn a_part_of_a_key_leads_to_that_key() {
        let message = problem(r#"{"limits":{"orders":1}}"#);
        assert!(message.ends_with("the nearest known key is `open_orders`"), "{message}");
        let message = problem(r#"{"limits":{"per_day":1}}"#);
        assert!(message.ends_with("the nearest known key is `orders_per_day`"), "{message}");
    }

    #[test]
    fn what_is_no_json_is_told_in_words() {
        assert_eq!(problem(""), "there is nothing in it");
        let message = problem("{ \u{201c}limits\u{201d}: 1 }");
        assert!(
            message.starts_with("a key has to stand in straight double quotes at line 1"),
            "{message}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_place() {
        let message = problem(r#"{"limits":{"open_orders":"many"}}"#);
        let expected =
            "limits.open_orders: invalid type: string, expected a whole number at line 1";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_repeated() {
        for value in [r#""canary, expected x""#, "12345678", r#""a`b\"canary""#] {
            let message = problem(&format!(r#"{{"limits":{value}}}"#));
            assert!(!message.contains("canary") && !message.contains("12345678"), "{message}");
            assert!(message.contains(", expected an object"), "{message}");
        }
    }

    #[test]
    fn text_after_the_document_is_an_error() {
        let message = problem(r#"{"limits":{}} {}"#);
        assert!(message.contains("trailing characters"), "{message}");
    }
}
