//! What can go wrong, in one enum, and what the caller is told of it, in one table.
//!
//! Inner layers return [`Error`]; nothing below the two doors exits, or prints anything but what the log
//! could not take. A message is safe
//! for the panel's user: it names the bad value, never a secret. `docs/protocol.md` holds the same
//! table as [`Code`], and a test compares the two.

use std::path::{Path, PathBuf};

use crate::order::TaskId;

/// The word that a script tells errors apart by, with its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    ConfigurationInvalid,
    DefinitionInvalid,
    Disabled,
    DiskFull,
    HosterRefused,
    HosterUnreachable,
    Internal,
    KeyConflict,
    LimitReached,
    NotOwner,
    OutOfStock,
    StateBusy,
    StateNewer,
    StateUnreadable,
    UnknownConfiguration,
    UnknownTask,
    Usage,
}

impl Code {
    /// Every code, for the documentation's table.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 17] = [
        Self::Usage,
        Self::UnknownConfiguration,
        Self::UnknownTask,
        Self::OutOfStock,
        Self::LimitReached,
        Self::Disabled,
        Self::KeyConflict,
        Self::ConfigurationInvalid,
        Self::DefinitionInvalid,
        Self::HosterRefused,
        Self::HosterUnreachable,
        Self::StateBusy,
        Self::StateUnreadable,
        Self::StateNewer,
        Self::DiskFull,
        Self::NotOwner,
        Self::Internal,
    ];

    /// The word on the wire and the exit status.
    pub(crate) const fn row(self) -> (&'static str, u8) {
        match self {
            Self::Usage => ("usage", 2),
            Self::UnknownConfiguration => ("unknown_configuration", 3),
            Self::UnknownTask => ("unknown_task", 3),
            Self::OutOfStock => ("out_of_stock", 3),
            Self::LimitReached => ("limit_reached", 3),
            Self::Disabled => ("disabled", 3),
            Self::KeyConflict => ("key_conflict", 3),
            Self::ConfigurationInvalid => ("configuration_invalid", 4),
            Self::DefinitionInvalid => ("definition_invalid", 4),
            Self::HosterRefused => ("hoster_refused", 5),
            Self::HosterUnreachable => ("hoster_unreachable", 6),
            Self::StateBusy => ("state_busy", 7),
            Self::StateUnreadable => ("state_unreadable", 7),
            Self::StateNewer => ("state_newer", 7),
            Self::DiskFull => ("disk_full", 7),
            Self::NotOwner => ("not_owner", 7),
            Self::Internal => ("internal", 70),
        }
    }

    /// The word on the wire.
    pub(crate) const fn word(self) -> &'static str {
        self.row().0
    }

    /// The exit status.
    pub(crate) const fn exit(self) -> u8 {
        self.row().1
    }
}

/// A call that failed, with what its message must name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: {problem}", path.display())]
    ConfigurationInvalid { path: PathBuf, problem: String },
    #[error("definition `{name}`: {problem}")]
    DefinitionInvalid { name: String, problem: String },
    #[error("provider `{name}` is disabled: `status` in its configuration says so")]
    Disabled { name: String },
    #[error("the disk is full: {problem}")]
    DiskFull { problem: String },
    #[error("{hoster} refused: {problem}")]
    HosterRefused { hoster: String, problem: String },
    #[error("{hoster} cannot be asked: {problem}")]
    HosterUnreachable { hoster: String, problem: String },
    #[error("internal error: {problem}")]
    Internal { problem: String },
    #[error(
        "key `{key}` was used for configuration `{configuration}` (order {task_id}): \
         one key, one configuration"
    )]
    KeyConflict { key: String, configuration: String, task_id: TaskId },
    #[error("`limits.{limit}` allows {allowed}, and {count} {what}")]
    LimitReached { limit: &'static str, allowed: u64, count: u64, what: &'static str },
    #[error("{} belongs to user {owner}, and this is user {caller}: run as its owner or as root", path.display())]
    NotOwner { path: PathBuf, owner: u32, caller: u32 },
    #[error("no free server for configuration `{configuration}` in {}", path.display())]
    OutOfStock { configuration: String, path: PathBuf },
    #[error("the state is locked by {holder}; waited {seconds} s")]
    StateBusy { holder: String, seconds: u64 },
    #[error(
        "{}: format {format} is newer than this program's format {known}: upgrade the program",
        path.display()
    )]
    StateNewer { path: PathBuf, format: u64, known: u64 },
    #[error("{}: {problem}", path.display())]
    StateUnreadable { path: PathBuf, problem: String },
    /// What the kernel refuses now and may not refuse the next time.
    #[error("{}: {problem}", path.display())]
    StateRefused { path: PathBuf, problem: String },
    #[error("{problem}")]
    Unanswerable { problem: String },
    #[error("no configuration `{id}`; `configs` lists those that can be ordered")]
    UnknownConfiguration { id: String },
    #[error("no order `{id}`")]
    UnknownTask { id: String },
    #[error("{problem}")]
    Usage { problem: String },
}

impl Error {
    /// A malformed call.
    pub(crate) fn usage(problem: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into() }
    }

    /// A failure to read or write below `state/`; a full disk keeps its own code.
    pub(crate) fn state(path: &Path, action: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            return Self::DiskFull {
                problem: format!("cannot {action} {}: {error}", path.display()),
            };
        }
        let (path, problem) = (path.to_owned(), format!("cannot {action} it: {error}"));
        match error.raw_os_error() {
            Some(_) => Self::StateRefused { path, problem },
            None => Self::StateUnreadable { path, problem },
        }
    }

    /// Returns whether a file has to be mended: to read it again changes nothing.
    pub(crate) const fn is_lasting(&self) -> bool {
        matches!(self, Self::StateUnreadable { .. } | Self::StateNewer { .. })
    }

    /// The error's code.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::ConfigurationInvalid { .. } => Code::ConfigurationInvalid,
            Self::DefinitionInvalid { .. } => Code::DefinitionInvalid,
            Self::Disabled { .. } => Code::Disabled,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::HosterRefused { .. } => Code::HosterRefused,
            Self::HosterUnreachable { .. } => Code::HosterUnreachable,
            Self::KeyConflict { .. } => Code::KeyConflict,
            Self::LimitReached { .. } => Code::LimitReached,
            Self::NotOwner { .. } => Code::NotOwner,
            Self::OutOfStock { .. } => Code::OutOfStock,
            Self::StateBusy { .. } => Code::StateBusy,
            Self::StateNewer { .. } => Code::StateNewer,
            Self::StateUnreadable { .. } | Self::StateRefused { .. } => Code::StateUnreadable,
            Self::Internal { .. } | Self::Unanswerable { .. } => Code::Internal,
            Self::UnknownConfiguration { .. } => Code::UnknownConfiguration,
            Self::UnknownTask { .. } => Code::UnknownTask,
            Self::Usage { .. } => Code::Usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn the_documented_error_table_is_the_programs_own() {
        let page = include_str!("../docs/protocol.md");
        let documented: Vec<(String, u8)> = page
            .lines()
            .skip_while(|line| !line.starts_with("| `error_code` | Exit status |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                (cells[1].trim_matches('`').to_owned(), cells[2].parse().unwrap())
            })
            .collect();
        let known: Vec<(String, u8)> =
            Code::ALL.iter().map(|code| (code.word().to_owned(), code.exit())).collect();
        assert_eq!(documented, known);
    }

    #[test]
    fn what_to_do_about_each_error_is_told_in_the_tables_order() {
        let page = include_str!("../docs/troubleshooting.md");
        let (_, section) = page.split_once("\n## By error word\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let told: Vec<&str> = section.split("\n### `").skip(1).collect();
        let words: Vec<&str> = told.iter().filter_map(|text| text.split('`').next()).collect();
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words, known);
        for text in told {
            for part in ["\n* **What it means.** ", "\n* **Look.** `", "\n* **Cure.** "] {
                assert!(text.contains(part), "no {part} in {text}");
            }
        }
    }
}
