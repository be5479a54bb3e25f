//! Reading files of `state/`: bounded, ours, of a known format, or a clear error for that file.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::format::NEWEST;
use crate::json;
use crate::system::{self, OPEN_PLAINLY};

/// Reads and parses a file of format 1; `None` where there is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let unreadable = |problem: String| Error::StateUnreadable { path: path.to_owned(), problem };
    let (bytes, metadata) = match json::read_file(path, OPEN_PLAINLY, json::LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Error::state(path, "read", &error))?,
    };
    let own = system::effective_uid();
    if metadata.uid() != own {
        let problem = format!("it belongs to user {}, not to {own}", metadata.uid());
        return Err(unreadable(problem));
    }
    if bytes.is_empty() {
        return Err(unreadable("it is empty".to_owned()));
    }
    // Only a file that does not parse is asked whether a later release wrote it.
    json::parse(&bytes).map(Some).map_err(|problem| match format_of(&bytes) {
        Some(format) if format > NEWEST => {
            Error::StateNewer { path: path.to_owned(), format, known: NEWEST }
        }
        _ => unreadable(problem),
    })
}

fn format_of(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct OnlyFormat {
        format: u64,
    }
    serde_json::from_slice::<OnlyFormat>(bytes).ok().map(|only| only.format)
}
