//! The panel's door: four words, each answered with one JSON object and a newline on standard
//! output, whatever happens.
//!
//! A few lines of its own rather than clap, for the panel runs two of our processes at each click
//! and waits for both.

mod arguments;
mod configs;
mod help;
mod order;
mod order_status;

use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use serde::Serialize;

use crate::answer;
use crate::error::{Code, Error};
use crate::home::Home;
use crate::store::Store;
use crate::system;
use arguments::Word;

#[cfg(test)]
pub(crate) use {
    configs::Answer as ConfigsAnswer, help::Answer as HelpAnswer, order::Answer as OrderAnswer,
    order_status::Answer as OrderStatusAnswer,
};

/// The answer to a call that failed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Answer to a call that failed"))]
pub(crate) struct ErrorAnswer {
    /// Always 1: the panel takes any other number for success.
    #[cfg_attr(test, schemars(extend("const" = 1)))]
    error: u8,
    /// The word that a script tells errors apart by.
    error_code: &'static str,
    /// What is wrong, for a person.
    error_message: String,
}

/// Reads the words of a call, and returns what is wrong with them.
#[cfg(any(test, fuzzing))]
pub(crate) fn fault_of(words: &[OsString]) -> Option<String> {
    arguments::parse(words).err().map(|error| error.to_string())
}

/// Answers the words.
pub(crate) fn run(home: &Home, words: &[OsString]) -> ExitCode {
    guarded(|| {
        let word = arguments::parse(words)?;
        let caller = system::caller();
        let tasks = matches!(word, Word::Order { .. }).then(|| home.open_tasks()).flatten();
        home.holder.as_deref().map_or(Ok(()), system::become_owner_of)?;
        match word {
            Word::Help => say(&help::answer(home)),
            Word::Configs => say(&configs::answer(home)?),
            Word::Order { configuration, key } => {
                order::run(home, &Store::of(home).with_tasks(tasks), configuration, key, caller)
            }
            Word::OrderStatus { task_id } => order_status::run(home, &task_id),
        }
    })
}

/// Answers a call that failed before it was known what it wanted.
pub(crate) fn refuse(error: &Error) -> ExitCode {
    let answer =
        ErrorAnswer { error: 1, error_code: error.code().word(), error_message: error.to_string() };
    if say(&answer).is_err() {
        answer::complain(&answer.error_message);
    }
    ExitCode::from(error.code().exit())
}

/// Runs `call`, which writes its own answer; one that failed or panicked is answered here.
fn guarded(call: impl FnOnce() -> Result<Answered, Error>) -> ExitCode {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(Answered)) => ExitCode::SUCCESS,
        Ok(Err(Error::Unanswerable { problem })) => {
            answer::complain(&problem);
            ExitCode::from(Code::Internal.exit())
        }
        Ok(Err(error)) => refuse(&error),
        // The place is on standard error by now; the panel's user has no use for it.
        Err(_) => refuse(&Error::Internal { problem: "a fault in the program".to_owned() }),
    }
}

/// Proof that the one answer was written.
struct Answered;

fn say(value: &impl Serialize) -> Result<Answered, Error> {
    answer::json(value).map(|()| Answered).map_err(|error| unanswerable(&error))
}

fn unanswerable(error: &io::Error) -> Error {
    Error::Unanswerable { problem: format!("cannot write the answer: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_as_internal_error() {
        let status = guarded(|| panic!("on purpose"));
        assert_eq!(format!("{status:?}"), format!("{:?}", ExitCode::from(70)));
    }
}
