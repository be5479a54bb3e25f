//! What the flags name: files, and standard input for one of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use serde_json::{Map, Value};

use crate::cli::Settings;
use crate::error::Error;
use crate::json;
use crate::secret::Secret;

/// The word for standard input.
const STDIN: &str = "-";

/// What was read of the files that flags name; absent where no flag did.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(super) url: Option<Secret>,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) secret: Option<Secret>,
    pub(super) token: Option<Secret>,
    pub(super) params: Map<String, Value>,
    pub(super) secret_variables: BTreeMap<String, Secret>,
    pub(super) body: Option<Value>,
}

impl Input {
    /// Reads the files, as whoever started the process: the holder's owner may not be allowed to.
    ///
    /// # Errors
    /// `usage`, naming the flag, the file and the fault, never what is in it.
    pub(crate) fn read(flags: &Settings) -> Result<Self, Error> {
        let (request, kind) = (&flags.request, &flags.kind);
        let single = [
            &request.url_file,
            &request.header_file,
            &request.secret_file,
            &kind.token_file,
            &kind.params_file,
            &kind.body_file,
        ];
        let files = single.into_iter().flatten();
        let files = files.chain(kind.secret_variable.iter().map(|(_, file)| file));
        if files.filter(|file| *file == STDIN).count() > 1 {
            return Err(Error::usage(
                "standard input can be one file only: there is more than one `-`",
            ));
        }
        let mut secret_variables = BTreeMap::new();
        for (name, file) in &kind.secret_variable {
            if secret_variables.insert(name.clone(), secret("--secret-variable", file)?).is_some() {
                return Err(Error::usage(format!("--secret-variable: `{name}` is given twice")));
            }
        }
        Ok(Self {
            url: one(request.url_file.as_deref(), "--url-file")?,
            headers: request.header_file.as_deref().map_or(Ok(Vec::new()), headers)?,
            secret: one(request.secret_file.as_deref(), "--secret-file")?,
            token: one(kind.token_file.as_deref(), "--token-file")?,
            params: kind
                .params_file
                .as_deref()
                .map_or(Ok(Map::new()), |file| parsed("--params-file", file))?,
            secret_variables,
            body: kind.body_file.as_deref().map(|file| parsed("--body-file", file)).transpose()?,
        })
    }
}

fn one(file: Option<&str>, flag: &str) -> Result<Option<Secret>, Error> {
    file.map(|file| secret(flag, file)).transpose()
}

/// Reads the one text that a file holds; the line break at its end is the editor's.
///
/// # Errors
/// `usage`, naming the flag, the file and the fault, never what is in it.
pub(crate) fn secret(flag: &str, file: &str) -> Result<Secret, Error> {
    let text = text(flag, file)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Error::usage(format!("{flag} {file}: it is empty")));
    }
    Ok(Secret::from(text.to_owned()))
}

fn headers(file: &str) -> Result<Vec<(String, Secret)>, Error> {
    let text = text("--header-file", file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| match line.split_once(':') {
            Some((name, value)) => {
                Ok((name.trim().to_owned(), Secret::from(value.trim().to_owned())))
            }
            None => Err(Error::usage(format!(
                "--header-file {file}: line {} is not NAME: VALUE",
                index + 1
            ))),
        })
        .collect()
}

fn parsed<T: serde::de::DeserializeOwned>(flag: &str, file: &str) -> Result<T, Error> {
    json::parse(text(flag, file)?.as_bytes())
        .map_err(|problem| Error::usage(format!("{flag} {file}: {problem}")))
}

/// Reads a file that need not be a regular one: `<(…)` of a shell is a pipe.
///
/// # Errors
/// `usage`, naming the flag, the file and the fault, never what is in it.
pub(crate) fn text(flag: &str, file: &str) -> Result<String, Error> {
    let fault = |problem: String| Error::usage(format!("{flag} {file}: {problem}"));
    let read = |source: &mut dyn Read| {
        let mut bytes = Vec::new();
        source.take(json::LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = match file {
        STDIN => read(&mut io::stdin().lock()),
        path => File::open(path).and_then(|mut file| read(&mut file)),
    };
    let bytes = bytes.map_err(|error| fault(format!("cannot read it: {error}")))?;
    if bytes.len() as u64 > json::LARGEST {
        return Err(fault(format!("it has more than {} bytes", json::LARGEST)));
    }
    String::from_utf8(bytes).map_err(|_| fault("it is no text in UTF-8".to_owned()))
}
