//! Where the parts of the bench work, and what they leave for the plots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::provider::Provider;
use crate::table::{Row, Table};

/// Where the parts of the bench work, and what they leave for the plots.
pub(crate) struct Setting {
    scratch: TempDir,
    binary: PathBuf,
    /// How many orders are stored at most.
    pub(crate) most: usize,
    /// The tables by name.
    pub(crate) tables: BTreeMap<&'static str, Vec<Row>>,
}

impl Setting {
    /// Makes a scratch folder, which is gone when this is dropped.
    pub(crate) fn new(binary: PathBuf, most: usize) -> Self {
        let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder");
        Self { scratch, binary, most, tables: BTreeMap::new() }
    }

    /// Returns a folder of that name.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Makes a provider that sells so many servers.
    pub(crate) fn provider(&self, name: &str, servers: usize) -> Provider {
        Provider::new(&self.folder(name), &self.binary, servers)
    }

    /// Keeps a table for the plots.
    pub(crate) fn keep(&mut self, name: &'static str, table: Table) {
        self.tables.insert(name, table.rows());
    }
}

/// Returns the executable that is shipped.
pub(crate) fn binary() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let name = format!("{}-unknown-linux-musl/release/webdir-provider", std::env::consts::ARCH);
    Some(target.join(name)).filter(|path| path.exists())
}
