//! Who owns the provider's files, and who else can reach them.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown};
use std::path::{Path, PathBuf};

use super::Report;
use crate::error::Error;
use crate::home::Home;
use crate::store;
use crate::system::{self, OPEN_PLAINLY};

/// How large a file in `bin/` or `etc/` may be that is copied, in bytes.
const LARGEST_RENEWED: u64 = 64 << 20;

/// Root runs the executable for the panel, so whoever can change it is root.
pub(super) fn owner(holder: &Path, caller: u32, report: &mut Report) {
    let Ok(metadata) = holder.metadata() else {
        return;
    };
    let uid = metadata.uid();
    let name = system::user_name(uid).unwrap_or_else(|| uid.to_string());
    if uid == 0 || caller != 0 {
        report.ok("owner", format!("{} belongs to {name}", holder.display()));
        return;
    }
    report.warning(
        "owner",
        format!(
            "{} belongs to {name}, as the panel's own installation leaves it: root runs a program \
             that {name} can replace",
            holder.display()
        ),
        "run `check --fix` as root; if you do not trust that user, install bin/ anew as well",
    );
}

/// The panel takes a provider without an executable for none.
pub(super) fn executable(home: &Home, report: &mut Report) {
    let subject = "executable";
    let Some(path) = home.holder.as_ref().map(|holder| holder.join("bin").join(&home.name)) else {
        return;
    };
    match path.metadata() {
        Err(error) => report.error(
            subject,
            format!("{}: {error}", path.display()),
            "install the provider with install.sh",
        ),
        Ok(metadata) if metadata.mode() & 0o111 == 0 => report.error(
            subject,
            format!("{} is not executable, so the panel does not see it", path.display()),
            "run `check --fix`",
        ),
        Ok(_) => report.ok(subject, format!("version {}", env!("CARGO_PKG_VERSION"))),
    }
}

/// Passwords and tokens are for the owner alone.
pub(super) fn permissions(home: &Home, holder: &Path, report: &mut Report) {
    let subject = "permissions";
    let owner = holder.metadata().map(|metadata| metadata.uid()).ok();
    walk(home, holder, &mut |path, metadata| {
        if owner.is_some_and(|owner| owner != metadata.uid()) {
            let message = format!("{} belongs to user {}", path.display(), metadata.uid());
            report.warning(subject, message, "run `check --fix` as root");
        }
        let open = metadata.mode() & 0o7777 & !allowed(home, path, metadata);
        if metadata.is_symlink() || open == 0 {
            return;
        }
        let message = format!("{} has mode {:04o}", path.display(), metadata.mode() & 0o7777);
        report.warning(subject, message, "run `check --fix`");
    });
    if report.is_clean(subject) {
        report.ok(subject, "only the owner can read the provider's files");
    }
}

/// Returns the permissions that a file or folder of ours may have.
fn allowed(home: &Home, path: &Path, metadata: &Metadata) -> u32 {
    let bin = home.holder.as_ref().map(|holder| holder.join("bin"));
    let public = home.holder.as_deref() == Some(path)
        || bin.as_deref().is_some_and(|bin| path == bin || path.parent() == Some(bin));
    // A definition may name a program that stands beside it.
    let program = path.starts_with(&home.etc) && metadata.mode() & 0o100 != 0;
    match (public, metadata.is_dir() || program) {
        (true, _) => 0o755,
        (false, true) => 0o700,
        (false, false) => 0o600,
    }
}

/// Gives the holder to whoever runs this, root where it is root, and closes what is open.
///
/// From the top down, each folder before what is in it: from then on nobody else can swap what is
/// mended next. Links, and files with another name elsewhere, are left alone and told of.
pub(super) fn mend(home: &Home, holder: &Path, report: &mut Report) -> Result<(), Error> {
    let own = system::effective_uid();
    let owner = holder.metadata().map_err(|error| Error::state(holder, "look at", &error))?.uid();
    if own != 0 && own != owner {
        return Err(Error::NotOwner { path: holder.to_owned(), owner, caller: own });
    }
    let mut count = 0;
    walk(home, holder, &mut |path, metadata| {
        if metadata.is_symlink() && home.state.as_path() == holder_of_link(path) {
            // Claims and keys are links of our own; nothing follows them.
            let _ = lchown(path, Some(own), Some(own));
            return;
        }
        if metadata.is_symlink() || (metadata.is_file() && metadata.nlink() > 1) {
            let message = format!("{} is a link and was left alone", path.display());
            report.warning("fix", message, "remove it by hand if it is not yours");
            return;
        }
        let allowed = allowed(home, path, metadata);
        // What is in state/ stays itself, as do other locks: they are held.
        let is_lock =
            ["config.lock", "webhooks.lock"].iter().any(|name| *path == home.etc.join(name));
        let is_renewed = metadata.is_file() && !path.starts_with(&home.state) && !is_lock;
        match mend_one(path, metadata, own, (allowed, is_renewed)) {
            Ok(changed) => count += u32::from(changed),
            Err(error) => {
                let message = format!("{}: {error}", path.display());
                report.error("fix", message, "mend it by hand");
            }
        }
    });
    report.ok("fix", format!("{count} files and folders mended"));
    Ok(())
}

/// Returns the folder of the folder that a link is in.
fn holder_of_link(path: &Path) -> &Path {
    path.parent().and_then(Path::parent).unwrap_or(path)
}

fn mend_one(
    path: &Path,
    before: &Metadata,
    own: u32,
    (allowed, is_renewed): (u32, bool),
) -> io::Result<bool> {
    let wanted =
        if allowed == 0o755 && before.is_file() { 0o755 } else { before.mode() & 0o7777 & allowed };
    if before.uid() == own && before.mode() & 0o7777 == wanted {
        return Ok(false);
    }
    let file = File::options().read(true).custom_flags(OPEN_PLAINLY).open(path)?;
    if before.uid() != own {
        if is_renewed {
            return renew(path, &file, wanted).map(|()| true);
        }
        fchown(&file, Some(own), Some(own))?;
    }
    file.set_permissions(Permissions::from_mode(wanted))?;
    Ok(true)
}

/// Puts a copy in the place of a file that its owner before may have kept open.
fn renew(path: &Path, file: &File, mode: u32) -> io::Result<()> {
    let mut bytes = Vec::new();
    file.take(LARGEST_RENEWED + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_RENEWED {
        return Err(io::Error::other("it is too large to be copied, and stays its owner's"));
    }
    let (read, there) = (file.metadata()?, path.symlink_metadata()?);
    if (read.dev(), read.ino()) != (there.dev(), there.ino()) {
        return Err(io::Error::other("somebody has just changed it: run this once more"));
    }
    store::renew(path, &bytes, mode).map_err(io::Error::other)
}

/// Visits the holder and everything in it but the panel's `tasks/`, folders first.
fn walk(home: &Home, path: &Path, visit: &mut impl FnMut(&Path, &Metadata)) {
    let Ok(metadata) = path.symlink_metadata() else {
        return;
    };
    visit(path, &metadata);
    if !metadata.is_dir() {
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths.iter().filter(|path| **path != home.tasks) {
        walk(home, path, visit);
    }
}
