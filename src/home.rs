//! Where things are.
//!
//! A provider's holder is `…/NAME` where the executable was called as `…/NAME/bin/NAME`; `--home`
//! names another. Anywhere else the user's own folders serve for looking around.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::error::Error;
use crate::system;

/// The name of the program where it is not a provider's executable.
const PROGRAM: &str = "webdir-provider";

/// The places of one provider.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The provider's name.
    pub(crate) name: String,
    /// The directory whose owner we act as; absent outside a holder.
    pub(crate) holder: Option<PathBuf>,
    /// Configuration, credentials, inventory.
    pub(crate) etc: PathBuf,
    /// All that changes.
    pub(crate) state: PathBuf,
    /// The panel's own records of orders.
    pub(crate) tasks: PathBuf,
    /// The executable that workers are started from and that an upgrade replaces.
    pub(crate) executable: PathBuf,
}

impl Home {
    /// Finds the places from the name the process was called by and the argument of `--home`.
    pub(crate) fn find(called_as: &OsStr, dir: Option<OsString>) -> Self {
        let executable = executable(called_as);
        if let Some(dir) = dir {
            let holder = absolute(Path::new(&dir));
            let own = file_name(&holder).map(|name| holder.join("bin").join(name));
            // Root runs nothing in its own session that the holder's owner can replace.
            let is_his = system::is_to_become_owner_of(&holder);
            let own = own.filter(|path| !is_his && path.exists());
            let executable = own.unwrap_or(executable);
            return Self::in_holder(holder, executable);
        }
        match holder_of(&executable).map(Path::to_owned) {
            Some(holder) => Self::in_holder(holder, executable),
            None => Self::of_user(executable),
        }
    }

    fn in_holder(holder: PathBuf, executable: PathBuf) -> Self {
        Self {
            name: file_name(&holder).unwrap_or(PROGRAM).to_owned(),
            etc: holder.join("etc"),
            state: holder.join("state"),
            tasks: holder.join("tasks"),
            holder: Some(holder),
            executable,
        }
    }

    fn of_user(executable: PathBuf) -> Self {
        let places = ProjectDirs::from("", "", PROGRAM);
        let below = |known: Option<&Path>| {
            known.map_or_else(|| PathBuf::from("/nonexistent"), Path::to_owned)
        };
        let data = below(places.as_ref().map(ProjectDirs::data_dir));
        Self {
            name: PROGRAM.to_owned(),
            holder: None,
            etc: below(places.as_ref().map(ProjectDirs::config_dir)),
            state: data.join("state"),
            tasks: data.join("tasks"),
            executable,
        }
    }

    /// Opens the panel's `tasks/` where this process is about to become the holder's owner: the panel
    /// makes it as root, and the owner may not be able to look into it.
    pub(crate) fn open_tasks(&self) -> Option<File> {
        let holder = self.holder.as_deref().filter(|holder| system::is_to_become_owner_of(holder));
        holder.and_then(|_| system::open_folder(&self.tasks).ok())
    }

    /// Refuses to act where no holder was named.
    ///
    /// # Errors
    /// `usage`, asking for `--home`.
    pub(crate) fn require_holder(&self) -> Result<&Path, Error> {
        self.holder.as_deref().ok_or_else(|| {
            Error::usage(format!(
                "{} is not a provider's executable (…/NAME/bin/NAME): name the provider with \
                 `--home …/NAME` before the command",
                self.executable.display()
            ))
        })
    }

    /// The configuration file, `etc/NAME.conf`.
    pub(crate) fn config(&self) -> PathBuf {
        self.etc.join(format!("{}.conf", self.name))
    }
}

/// Returns the absolute path of the program that was called.
///
/// A name without a slash was found through `PATH`; only the kernel knows where.
fn executable(called_as: &OsStr) -> PathBuf {
    let called = Path::new(called_as);
    if called.components().count() > 1 || called.is_absolute() {
        let path = absolute(called);
        if holder_of(&path).is_some() {
            return path;
        }
    }
    std::env::current_exe().unwrap_or_else(|_| absolute(called))
}

/// Returns `…/NAME` of `…/NAME/bin/NAME`.
fn holder_of(executable: &Path) -> Option<&Path> {
    let bin = executable.parent()?;
    let holder = bin.parent()?;
    let same = holder.file_name()? == executable.file_name()?;
    (same && bin.file_name()? == "bin").then_some(holder)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name().and_then(OsStr::to_str)
}

/// Makes `path` absolute, without `.` and `..` and without asking the disk about links.
fn absolute(path: &Path) -> PathBuf {
    let joined = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if !joined.components().any(|part| part.as_os_str() == "..") {
        return joined;
    }
    // `..` behind a link leads elsewhere than the text says: let the kernel resolve it.
    joined.canonicalize().unwrap_or(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(called_as: &str, dir: Option<&str>) -> Home {
        Home::find(OsStr::new(called_as), dir.map(OsString::from))
    }

    #[test]
    fn the_holder_is_two_above_an_executable_of_the_same_name() {
        let home = find("/opt/webdir/providers/hz/bin/hz", None);
        assert_eq!(home.name, "hz");
        assert_eq!(home.holder.as_deref(), Some(Path::new("/opt/webdir/providers/hz")));
        assert_eq!(home.config(), Path::new("/opt/webdir/providers/hz/etc/hz.conf"));
        assert_eq!(home.executable, Path::new("/opt/webdir/providers/hz/bin/hz"));
    }

    #[test]
    fn home_names_another_holder() {
        let home = find("/usr/bin/webdir-provider", Some("/srv/p/one/"));
        assert_eq!(home.name, "one");
        assert_eq!(home.state, Path::new("/srv/p/one/state"));
    }

    #[test]
    fn elsewhere_there_is_no_holder_and_it_is_asked_for() {
        let home = find("/usr/bin/webdir-provider", None);
        assert_eq!(home.holder, None);
        let message = home.require_holder().unwrap_err().to_string();
        assert!(message.contains("--home"), "{message}");
    }
}
