//! Where in `state/` things are.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::atomic;
use super::deliveries::Shelf;
use crate::delivery::DeliveryId;
use crate::error::Error;
use crate::order::TaskId;
use crate::system;

/// The folder that an order's file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its number has not reached its caller, as far as we know.
    Accepted,
    /// It is driven by the worker.
    Active,
    /// It has ended.
    Done,
}

impl Place {
    /// Every place.
    pub(crate) const ALL: [Self; 3] = [Self::Accepted, Self::Active, Self::Done];

    const fn folder(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Active => "active",
            Self::Done => "done",
        }
    }
}

/// The folders below `state/`.
const FOLDERS: [&str; 7] = ["accepted", "active", "done", "claims", "keys", "log", "tmp"];

/// Those of deliveries, which are made when the first is.
const DELIVERIES: [&str; 5] =
    ["deliveries", "deliveries/pending", "deliveries/done", "deliveries/tmp", "webhooks"];

/// The places below `state/`, and the panel's `tasks/`.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    state: PathBuf,
    tasks: PathBuf,
    /// `tasks/`, opened by somebody who may look into it.
    opened_tasks: Option<Arc<File>>,
}

impl Layout {
    pub(super) fn new(state: &Path, tasks: &Path) -> Self {
        Self { state: state.to_owned(), tasks: tasks.to_owned(), opened_tasks: None }
    }

    pub(super) fn with_tasks(self, opened: Option<File>) -> Self {
        Self { opened_tasks: opened.map(Arc::new), ..self }
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn folder(&self, place: Place) -> PathBuf {
        self.state.join(place.folder())
    }

    pub(super) fn order(&self, place: Place, id: TaskId) -> PathBuf {
        let mut path = self.state.join(place.folder());
        path.push(format!("{id}.json"));
        path
    }

    pub(super) fn claims(&self) -> PathBuf {
        self.state.join("claims")
    }

    /// Returns the file of a server's claim; host names mean the same in either case.
    pub(super) fn claim(&self, server: &str) -> PathBuf {
        self.claims().join(server.to_ascii_lowercase())
    }

    pub(super) fn shelf(&self, which: Shelf) -> PathBuf {
        self.state.join("deliveries").join(which.folder())
    }

    pub(super) fn delivery(&self, on: Shelf, id: &DeliveryId) -> PathBuf {
        self.shelf(on).join(format!("{id}.json"))
    }

    /// Returns the folder where the worker makes new files of deliveries.
    pub(super) fn deliveries_tmp(&self) -> PathBuf {
        self.state.join("deliveries").join("tmp")
    }

    /// Returns the file that says how a webhook fares.
    pub(super) fn health(&self, webhook: &str) -> PathBuf {
        self.state.join("webhooks").join(format!("{webhook}.json"))
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.state.join("keys")
    }

    pub(super) fn key(&self, hash: &str) -> PathBuf {
        self.keys().join(hash)
    }

    pub(super) fn sequence(&self) -> PathBuf {
        self.state.join("sequence")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    pub(super) fn worker_lock(&self) -> PathBuf {
        self.state.join("worker.lock")
    }

    /// Returns the folder of the calls of programs that are under way; made when the first is.
    pub(super) fn calls(&self) -> PathBuf {
        self.state.join("commands")
    }

    pub(super) fn due(&self) -> PathBuf {
        self.state.join("due")
    }

    /// Returns the file that says when stored orders were last looked through.
    pub(super) fn swept(&self) -> PathBuf {
        self.state.join("swept")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.state.join("tmp")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.state.join("log").join("provider.log")
    }

    /// Returns the panel's record of an order.
    pub(super) fn task(&self, id: TaskId) -> PathBuf {
        self.tasks.join(id.to_string())
    }

    /// Returns the names in `tasks/`, as far as this process may look.
    pub(super) fn task_names(&self) -> Vec<String> {
        if let Ok(listed) = std::fs::read_dir(&self.tasks) {
            return listed
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect();
        }
        let opened = self.opened_tasks.as_ref();
        opened.and_then(|opened| system::names_in(opened).ok()).unwrap_or_default()
    }

    /// Returns whether every folder is there.
    pub(super) fn is_complete(&self) -> bool {
        FOLDERS.iter().all(|folder| self.state.join(folder).is_dir())
    }

    /// Makes the folders that are missing, surely.
    pub(super) fn make(&self) -> Result<(), Error> {
        atomic::make_folder(&self.state)?;
        for folder in FOLDERS {
            atomic::make_folder(&self.state.join(folder))?;
        }
        atomic::sync_folder(&self.state)?;
        self.state.parent().map_or(Ok(()), atomic::sync_folder)
    }

    /// Makes the folders of deliveries and of webhooks that are missing, surely; a provider without
    /// webhooks has none.
    pub(super) fn make_deliveries(&self) -> Result<(), Error> {
        if DELIVERIES.iter().all(|folder| self.state.join(folder).is_dir()) {
            return Ok(());
        }
        for folder in DELIVERIES {
            atomic::make_folder(&self.state.join(folder))?;
        }
        atomic::sync_folder(&self.state.join("deliveries"))?;
        atomic::sync_folder(&self.state)
    }
}
