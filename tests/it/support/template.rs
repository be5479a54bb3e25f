//! A provider that is copied for each point of a sweep.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::book::{number, orders};
use super::plugin::Plugin;
use super::sweep::{bare, hold_worker_lock};
use super::tracer;

/// A provider that is copied for each point of a sweep.
pub(crate) struct Template {
    plugin: Plugin,
    /// Whether `claims/` looks changed by hand in a copy, so that it is made anew from the orders.
    claims_touched: bool,
    /// Who the copies belong to, where that is not who runs the tests.
    owner: Option<u32>,
    /// What this is a copy of: the executable is there.
    original: Option<Box<Self>>,
}

impl Template {
    pub(crate) fn of(plugin: Plugin) -> Self {
        Self { plugin, claims_touched: false, owner: None, original: None }
    }

    /// Returns a template whose copies look as if a hand had changed `claims/`.
    pub(crate) fn with_claims_touched(self) -> Self {
        Self { claims_touched: true, ..self }
    }

    /// Returns a template whose copies belong to that user; only root can give them away.
    pub(crate) fn given_to(&self, owner: u32) -> Self {
        let mut origin = Some(self);
        while let Some(template) = origin {
            open_to_all(template.plugin.root());
            origin = template.original.as_deref();
        }
        let claims_touched = self.claims_touched;
        let template = Self { owner: Some(owner), claims_touched, ..Self::of(self.copy()) };
        open_to_all(template.plugin.root());
        template
    }

    /// Gives a copy to its owner once more, after the tests have written files of it.
    pub(crate) fn give_away(&self, copy: &Plugin) {
        if let Some(owner) = self.owner {
            give_away(&copy.holder(), owner).expect("it is given away");
        }
    }

    /// Checks that all of a copy's state is its owner's.
    #[track_caller]
    pub(crate) fn assert_owned(&self, copy: &Plugin) {
        let Some(owner) = self.owner else { return };
        let mut paths = vec![copy.state("")];
        while let Some(path) = paths.pop() {
            let metadata = path.symlink_metadata().expect("it is there");
            let owners = (metadata.uid(), metadata.gid());
            assert_eq!(owners, (owner, owner), "{}", path.display());
            if metadata.is_dir() {
                let entries = std::fs::read_dir(&path).expect("it can be listed");
                paths.extend(entries.map(|entry| entry.expect("an entry").path()));
            }
        }
    }

    /// Returns a template of what became of one of its copies.
    pub(crate) fn followed_by(self, copy: Plugin) -> Self {
        Self { original: Some(Box::new(self)), ..Self::of(copy) }
    }

    /// Returns a template with one order more, whose number reached nobody, and that number.
    pub(crate) fn with_unanswered(self, words: &[&str]) -> (Self, String) {
        for call in 1.. {
            let plugin = self.copy();
            let held = hold_worker_lock(&plugin);
            let run = tracer::kill_at(bare(&plugin, words), call);
            drop(held);
            assert_eq!(
                (run.killed, run.stdout.as_str()),
                (true, ""),
                "not stored by then: {run:?}"
            );
            let last = orders(&plugin).pop().filter(|(place, _)| place == "accepted");
            if let Some((_, order)) = last {
                let number = number(&order).to_string();
                return (self.followed_by(plugin), number);
            }
        }
        unreachable!("calls have numbers without end")
    }

    /// Returns a provider like this one.
    pub(crate) fn copy(&self) -> Plugin {
        self.copy_into(scratch())
    }

    /// Returns a provider like this one, in `root`.
    pub(crate) fn copy_into(&self, root: TempDir) -> Plugin {
        copy(&self.plugin.root().join("providers"), &root.path().join("providers"))
            .expect("the provider is copied");
        let copy = Plugin::in_folder(root);
        if self.owner.is_some() {
            // Disks of the tests are mounted in folders of theirs.
            let tops = [Path::new("/dev/shm").to_owned(), std::env::temp_dir()];
            let is_below = |folder: &&Path| {
                tops.iter().any(|top| folder.starts_with(top) && *folder != top.as_path())
            };
            copy.root().ancestors().take_while(is_below).for_each(open_to_all);
        }
        self.give_away(&copy);
        let claims = copy.state("claims");
        if self.claims_touched && claims.exists() {
            let long_ago = std::time::SystemTime::UNIX_EPOCH;
            File::open(claims)
                .and_then(|open| open.set_modified(long_ago))
                .expect("its time is set");
        }
        copy
    }
}

/// Returns a folder in memory where there is such a place: a kill loses nothing that was written,
/// and thousands of writes to a disk take their time.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// Copies a folder, with the change times that tell whether somebody else was there.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(std::fs::read_link(path)?, target)?;
        } else if kind.is_dir() {
            copy(&path, &target)?;
        } else if from.ends_with("bin") {
            // Whoever is called by this name takes the copy for its home.
            symlink(path, target)?;
        } else {
            std::fs::copy(path, target)?;
        }
    }
    let metadata = from.metadata()?;
    std::fs::set_permissions(to, metadata.permissions())?;
    File::open(to)?.set_modified(metadata.modified()?)
}

/// Lets everybody go through a folder.
fn open_to_all(folder: &Path) {
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, permissions).expect("it is ours");
}

fn give_away(path: &Path, owner: u32) -> io::Result<()> {
    lchown(path, Some(owner), Some(owner))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_away(&entry?.path(), owner)?;
        }
    }
    Ok(())
}
