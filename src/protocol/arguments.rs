//! The four words and what follows them.

use std::ffi::OsString;

use crate::error::Error;

/// A call that is well formed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    Help,
    Configs,
    Order { configuration: String, key: Option<String> },
    OrderStatus { task_id: String },
}

/// What every message about a malformed call ends with.
const WORDS: &str = "the words are: help, configs, order CONFIG_ID [--key KEY], order_status TASK_ID; `--help` lists \
     the other commands";

/// Parses the words of a call.
pub(super) fn parse(words: &[OsString]) -> Result<Word, Error> {
    let words: Vec<&str> = words
        .iter()
        .map(|word| {
            word.to_str().ok_or_else(|| {
                Error::usage(format!("argument `{}` is not UTF-8", word.to_string_lossy()))
            })
        })
        .collect::<Result<_, _>>()?;
    match words.as_slice() {
        [] => Err(Error::usage(format!("a word is missing; {WORDS}"))),
        ["help"] => Ok(Word::Help),
        ["configs"] => Ok(Word::Configs),
        ["order", rest @ ..] => order(rest),
        ["order_status", task_id] => Ok(Word::OrderStatus { task_id: (*task_id).to_owned() }),
        ["order_status"] => Err(Error::usage("`order_status` needs a TASK_ID")),
        [word @ ("help" | "configs" | "order_status"), .., extra] => {
            Err(Error::usage(format!("`{word}` has an argument too many: `{extra}`")))
        }
        [word, ..] => Err(Error::usage(format!("unknown word `{word}`; {WORDS}"))),
    }
}

fn order(mut rest: &[&str]) -> Result<Word, Error> {
    let (mut configuration, mut key) = (None, None);
    while let [first, more @ ..] = rest {
        rest = more;
        if *first == "--key" {
            let [value, more @ ..] = rest else {
                return Err(Error::usage("`--key` needs a KEY"));
            };
            rest = more;
            set(&mut key, value, "--key")?;
        } else if let Some(value) = first.strip_prefix("--key=") {
            set(&mut key, value, "--key")?;
        } else if first.starts_with("--") {
            return Err(Error::usage(format!("`order` has no option `{first}`")));
        } else {
            set(&mut configuration, first, "CONFIG_ID")?;
        }
    }
    match configuration {
        Some(configuration) => Ok(Word::Order { configuration, key }),
        None => Err(Error::usage("`order` needs a CONFIG_ID")),
    }
}

fn set(place: &mut Option<String>, value: &str, what: &str) -> Result<(), Error> {
    match place.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => {
            Err(Error::usage(format!("`order` takes one {what}; `{value}` is one too many")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(words: &[&str]) -> Result<Word, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_stands_before_or_after_the_configuration() {
        let expected = Ok(Word::Order { configuration: "1".into(), key: Some("k".into()) });
        assert_eq!(parsed(&["order", "1", "--key", "k"]), expected);
        assert_eq!(parsed(&["order", "--key", "k", "1"]), expected);
        assert_eq!(parsed(&["order", "--key=k", "1"]), expected);
    }

    #[test]
    fn a_malformed_call_names_what_is_wrong_with_it() {
        for (words, named) in [
            (&[][..], "missing"),
            (&["bogus"], "`bogus`"),
            (&["help", "me"], "`me`"),
            (&["order"], "CONFIG_ID"),
            (&["order", "1", "2"], "`2`"),
            (&["order", "1", "--key"], "KEY"),
            (&["order", "1", "--keys", "k"], "`--keys`"),
            (&["order", "1", "--key", "a", "--key", "b"], "`b`"),
            (&["order_status"], "TASK_ID"),
            (&["order_status", "1", "2"], "`2`"),
        ] {
            let message = parsed(words).unwrap_err();
            assert!(message.contains(named), "{words:?}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_parsed_or_refused_without_a_panic(words: Vec<String>) {
            let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            let _ = parse(&words);
        }
    }
}
