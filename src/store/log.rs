//! `state/log/provider.log`: a line of JSON for each thing that happened in the background.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{atomic, lock};
use crate::clock::Timestamp;
use crate::json;
use crate::order::TaskId;
use crate::system::OPEN_PLAINLY;

/// The size that a log is put aside before it has, in bytes; one older one is kept. What several
/// write at once beyond that can still be read.
const LARGEST: u64 = json::LARGEST - 65_536;

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Line {
    /// When, RFC 3339 in UTC.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) at: Timestamp,
    /// The order it is about; null where it is about none.
    pub(crate) task_id: Option<TaskId>,
    /// What happened.
    pub(crate) message: String,
}

pub(super) fn append(path: &Path, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    loop {
        let mut file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OPEN_PLAINLY)
            .open(path)?;
        let length = file.metadata()?.len();
        if length == 0 || length + text.len() as u64 <= LARGEST {
            return file.write_all(&text);
        }
        put_aside(path, &file)?;
    }
}

/// Puts a full log aside, unless somebody else has done so since it was opened.
///
/// Whoever else writes into it now does so into the file put aside: nothing is lost.
fn put_aside(path: &Path, full: &File) -> io::Result<()> {
    lock::lock_open(full)?;
    let identity = |of: Metadata| (of.dev(), of.ino());
    if fs::metadata(path).map(identity).ok() == Some(identity(full.metadata()?)) {
        let older = path.with_extension("log.1");
        atomic::relocate(path, &older).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Returns the lines about orders that `wanted` lets through, oldest first.
pub(super) fn read(path: &Path, wanted: impl Fn(TaskId) -> bool) -> Vec<Line> {
    let older = path.with_extension("log.1");
    [older.as_path(), path]
        .iter()
        .filter_map(|path| json::read_file(path, OPEN_PLAINLY, json::LARGEST).ok())
        .flat_map(|(bytes, _)| {
            bytes
                .split(|byte| *byte == b'\n')
                // A line cut by a crash is no reason to hide the others.
                .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
                .filter(|line| line.task_id.is_some_and(&wanted))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_find_it_full_at_once_put_it_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provider.log");
        let line = Line {
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            task_id: Some("7".parse().unwrap()),
            message: "x".repeat(1000),
        };
        let size = serde_json::to_vec(&line).unwrap().len() as u64 + 1;
        let fit = LARGEST / size;
        for _ in 0..fit {
            append(&path, &line).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| append(&path, &line).unwrap());
            }
        });
        let aside = fs::metadata(path.with_extension("log.1")).unwrap().len();
        let all = aside + fs::metadata(&path).unwrap().len();
        assert_eq!(all, (fit + 8) * size, "{aside}");
        assert!(aside >= fit * size, "{aside}");
        assert_eq!(read(&path, |_| true).len() as u64, fit + 8);
    }

    #[test]
    fn a_full_log_is_put_aside_and_both_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provider.log");
        let line = |text: &str| Line {
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            task_id: Some("7".parse().unwrap()),
            message: text.to_owned(),
        };
        append(&path, &line("first")).unwrap();
        append(&path, &line(&"x".repeat(usize::try_from(LARGEST).unwrap()))).unwrap();
        append(&path, &line("last")).unwrap();
        assert!(path.with_extension("log.1").exists());
        let seven: TaskId = "7".parse().unwrap();
        let messages: Vec<String> =
            read(&path, |id| id == seven).into_iter().map(|line| line.message).collect();
        assert_eq!(messages.last().unwrap(), "last");
        assert!(read(&path, |id| id != seven).is_empty());
    }
}
