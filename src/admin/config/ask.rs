//! Questions on a terminal: asked on standard error, answered on standard input.

use std::io::{self, IsTerminal};

use crate::answer;
use crate::error::Error;
use crate::secret::Secret;
use crate::system;

/// Whoever can be asked, if anybody.
pub(super) struct Dialog {
    /// Whether somebody sits at a terminal and wants to be asked.
    pub(super) asks: bool,
}

impl Dialog {
    pub(super) fn new(quiet: bool) -> Self {
        Self { asks: !quiet && io::stdin().is_terminal() }
    }

    /// Says something to whoever is asked; to a script nothing.
    pub(super) fn say(&self, text: &str) {
        if self.asks {
            answer::complain(text.trim_end());
        }
    }

    /// Asks for a text; where nobody is asked, or Enter is all they say, it is the proposal.
    pub(super) fn text(&self, what: &str, proposal: &str) -> Result<String, Error> {
        if !self.asks {
            return Ok(proposal.to_owned());
        }
        let line = line(&format!("{what} [{proposal}]: "))?;
        Ok(if line.is_empty() { proposal.to_owned() } else { line })
    }

    /// Asks for a number; where nobody is asked, it is the proposal.
    pub(super) fn number(&self, what: &str, proposal: u64) -> Result<u64, Error> {
        loop {
            let text = self.text(what, &proposal.to_string())?;
            match text.parse() {
                Ok(number) => return Ok(number),
                Err(_) => self.say(&format!("`{text}` is no whole number")),
            }
        }
    }

    /// Asks whether to do something; where nobody is asked, `otherwise` holds.
    pub(super) fn yes(&self, what: &str, otherwise: bool) -> Result<bool, Error> {
        if !self.asks {
            return Ok(otherwise);
        }
        let choice = if otherwise { "Y/n" } else { "y/N" };
        let line = line(&format!("{what} [{choice}] "))?.to_lowercase();
        Ok(match line.as_str() {
            "" => otherwise,
            line => line.starts_with('y'),
        })
    }
}

/// Reads one line, without the white space around it.
///
/// # Errors
/// `usage` where there is none: then nothing was done.
pub(super) fn line(prompt: &str) -> Result<String, Error> {
    answer::prompt(prompt);
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(read) if read > 0 => Ok(line.trim().to_owned()),
        _ => Err(given_up()),
    }
}

/// Asks for a secret, which the terminal does not show; none where Enter is all they say.
pub(super) fn secret(what: &str) -> Result<Option<Secret>, Error> {
    let read = system::read_hidden(|| answer::prompt(&format!("{what}: ")));
    answer::complain("");
    let line = read
        .map_err(|error| Error::usage(format!("cannot read what was typed: {error}")))?
        .ok_or_else(given_up)?;
    let line = line.trim();
    Ok((!line.is_empty()).then(|| Secret::from(line.to_owned())))
}

fn given_up() -> Error {
    Error::usage("not finished: nothing was done")
}
