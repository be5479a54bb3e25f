//! Whether the panel finds us and can run us, and who could put another program in our place.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Report;
use crate::home::Home;
use crate::system::{self, Mounted};

const PANEL: &str = "panel";

/// Where the panel looks for providers.
const PROVIDERS: &str = "/opt/webdir/providers";

/// Who may call the panel's tool from its web pages.
const SUDOERS: &str = "/etc/sudoers.d/bitrix";

/// What in it stands for that tool.
const TOOL: &str = "bx-provider";

/// Looks at what lies around the holder; as the caller, since only root may read some of it.
pub(super) fn look(home: &Home, holder: &Path, report: &mut Report) {
    found(&home.name, holder, Path::new(PROVIDERS), report);
    if let Ok(text) = std::fs::read_to_string(SUDOERS) {
        web_pages(&text, report);
    }
    if system::mounted(&holder.join("bin")).is_ok_and(|mounted: Mounted| mounted.no_exec) {
        report.error(
            PANEL,
            format!(
                "the file system of {} is mounted `noexec`: the panel cannot run what is there",
                holder.join("bin").display()
            ),
            "mount it without `noexec`, or install the provider elsewhere",
        );
    }
    above(holder, report);
}

/// The panel takes every folder of its own folder for a provider, and looks nowhere else.
fn found(name: &str, holder: &Path, providers: &Path, report: &mut Report) {
    if !providers.is_dir() {
        return;
    }
    let expected = providers.join(name);
    let same =
        |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    match (expected.metadata(), holder.metadata()) {
        (Ok(there), Ok(here)) if same(&there, &here) => {}
        (there, _) => {
            let what = if there.is_ok() { "is another one" } else { "is not there" };
            report.warning(
                PANEL,
                format!(
                    "the panel looks for providers in {}, and {} {what}: it does not call this one",
                    providers.display(),
                    expected.display()
                ),
                "install it there with install.sh; nothing, where only scripts call it",
            );
        }
    }
}

/// In releases 9 of bitrix-env the lines for its web user are comments.
fn web_pages(sudoers: &str, report: &mut Report) {
    let mut lines =
        sudoers.lines().map(str::trim_start).filter(|line| line.contains(TOOL)).peekable();
    if lines.peek().is_none() || lines.any(|line| !line.starts_with('#')) {
        return;
    }
    report.warning(
        PANEL,
        format!("the web pages cannot call {TOOL}: its lines in {SUDOERS} are comments"),
        "nothing, where root orders on the command line; else docs/pool.md says what to uncomment, \
         and what that means",
    );
}

/// Whoever can rename a folder above the program can put another one in its place, and root runs it.
fn above(holder: &Path, report: &mut Report) {
    let Ok(owner) = holder.metadata().map(|metadata| metadata.uid()) else { return };
    let Ok(real) = holder.canonicalize() else { return };
    for folder in real.ancestors().skip(1) {
        let Ok(metadata) = folder.metadata() else { continue };
        let Some(who) = replacer(&metadata, owner) else { continue };
        report.error(
            "executable",
            format!(
                "{} can be changed by {who}, who can put another program in the place of ours; root \
                 runs it",
                folder.display()
            ),
            "give the folder to root and take the right to write from others: chown root, chmod go-w",
        );
    }
}

/// Returns who besides root and the holder's owner can rename what is in a folder.
fn replacer(folder: &Metadata, owner: u32) -> Option<String> {
    let (uid, mode) = (folder.uid(), folder.mode());
    if uid != 0 && uid != owner {
        return Some(system::user_name(uid).unwrap_or_else(|| format!("user {uid}")));
    }
    // A sticky folder keeps others from renaming what is not theirs.
    if mode & 0o1000 != 0 {
        return None;
    }
    if mode & 0o002 != 0 {
        return Some("everybody".to_owned());
    }
    (mode & 0o020 != 0 && folder.gid() != 0).then(|| format!("group {}", folder.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(look: impl FnOnce(&mut Report)) -> Vec<String> {
        let mut report = Report::default();
        look(&mut report);
        report.findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_provider_that_the_panel_does_not_find_is_told_of() {
        let root = tempfile::tempdir().unwrap();
        let (providers, elsewhere) = (root.path().join("providers"), root.path().join("mine"));
        std::fs::create_dir(&elsewhere).unwrap();
        let found = |name: &str, holder: &Path| {
            messages(|report| found(name, holder, &providers, report)).join("\n")
        };
        assert_eq!(found("mine", &elsewhere), "", "there is no panel");
        std::fs::create_dir_all(providers.join("one")).unwrap();
        assert!(found("mine", &elsewhere).contains("providers/mine is not there"));
        assert!(found("one", &elsewhere).contains("providers/one is another one"));
        assert_eq!(found("one", &providers.join("one")), "");
        std::os::unix::fs::symlink(&elsewhere, providers.join("mine")).unwrap();
        assert_eq!(found("mine", &elsewhere), "");
    }

    #[test]
    fn web_pages_that_may_not_call_the_panels_tool_are_told_of() {
        let of = |text: &str| messages(|report| web_pages(text, report)).len();
        assert_eq!(of("bitrix ALL=NOPASSWD: /opt/webdir/bin/bx-node *\n"), 0);
        assert_eq!(of("bitrix ALL=NOPASSWD: /opt/webdir/bin/bx-provider *\n"), 0);
        assert_eq!(of("#bitrix ALL=NOPASSWD: /opt/webdir/bin/bx-provider *\n"), 1);
        assert_eq!(of("# x bx-provider\n  #y bx-provider\nbitrix ALL=bx-provider\n"), 0);
    }
}
