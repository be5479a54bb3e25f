//! What `bin/release` makes: the same bytes anywhere, and a provider out of each package.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::page::at_root;
use crate::support::plugin::BINARY;
use crate::support::{is_root, skip};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a package lays its installer.
const INSTALLER: &str = "usr/share/webdir-provider/install.sh";

fn there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap();
    found.status.success()
}

/// Returns whether all programs are there, and says which one is not.
fn all_there(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !there(program));
    if let Some(program) = missing {
        skip(&format!("{program} is not installed"));
    }
    missing.is_none()
}

/// Runs a command and returns what it prints.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|why| panic!("{why}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{told}{complained}", output.status);
    told
}

/// Runs a line of shell in a folder.
#[track_caller]
fn shell(folder: &Path, line: &str) -> String {
    run(Command::new("sh").args(["-ec", line]).current_dir(folder))
}

fn machine() -> (&'static str, &'static str) {
    if cfg!(target_arch = "aarch64") { ("aarch64", "arm64") } else { ("x86_64", "amd64") }
}

/// Returns the script's name of what it makes here.
fn formats() -> &'static str {
    if there("rpmbuild") { "exe,tar,deb,rpm,panel" } else { "exe,tar,deb,panel" }
}

/// Makes the release of the tests' own executable, once.
fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        // Nothing removes it at the end of the tests: it is for `cargo clean` to do.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        // What helps a debugger makes most of the executable, and would all be compressed.
        let executable = folder.join("stripped");
        run(Command::new("strip").arg("-o").arg(&executable).arg(BINARY));
        run(Command::new(at_root("bin/release"))
            .args(["--formats", formats(), "--executable"])
            .arg(executable)
            .arg("--output")
            .arg(folder.join("dist")));
        folder.join("dist")
    })
}

fn made(file: &str) -> PathBuf {
    let path = release().join(file);
    assert!(path.is_file(), "{}", path.display());
    path
}

fn deb() -> PathBuf {
    made(&format!("webdir-provider_{VERSION}_{}.deb", machine().1))
}

/// Makes the provider of the demo by an installer that lies beside no sources, orders a server from
/// it, then installs and checks one of another name.
#[track_caller]
fn makes_a_provider(installer: &Path) {
    let place = tempfile::tempdir().unwrap();
    // Neither cargo nor the folder of the sources is to be found.
    let call = |words: &[&str]| {
        run(Command::new(installer)
            .args(words)
            .current_dir(place.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
    };
    let told = call(&["--demo"]);
    for wanted in [r#""name":"demo""#, "192.0.2.11", r#""status":"finished""#] {
        assert!(told.contains(wanted), "{told}");
    }
    let demo = place.path().join("webdir-demo/providers/demo/bin/demo");
    assert!(run(Command::new(demo).args(["orders", "list"])).contains("finished"));
    call(&["--name", "mine", "--root", "webdir", "--definition", "hetzner"]);
    let etc =
        || shell(place.path(), "ls webdir/providers/mine/etc; cat webdir/providers/mine/etc/*");
    let before = etc();
    let told = call(&["--name", "mine", "--root", "webdir"]);
    assert!(told.contains("unchanged       etc/"), "{told}");
    assert_eq!(etc(), before, "an upgrade changed the configuration");
    let mine = place.path().join("webdir/providers/mine/bin/mine");
    assert!(run(Command::new(mine).arg("help")).contains(r#""name":"mine""#));
}

/// A stand-in keeps the packages small: what is packed does not matter here.
fn stand_in(folder: &Path) -> PathBuf {
    let path = folder.join("stand-in");
    std::fs::write(&path, format!("#!/bin/sh\nexec '{BINARY}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    path
}

#[test]
fn packages_are_the_same_bytes_wherever_and_by_whomever_they_are_made() {
    if !at_root(".git").exists() {
        return skip("not a clone: the release takes its time from the last commit");
    }
    let place = tempfile::tempdir().unwrap();
    let executable = stand_in(place.path());
    let sums = ["a", "another/folder with a longer name"].map(|name| {
        let clone = place.path().join(name);
        run(Command::new("git")
            .args(["clone", "--quiet", "--shared"])
            .arg(at_root(""))
            .arg(&clone));
        // What was changed since the last commit counts too.
        let copy = "git ls-files -z | xargs -0 cp --parents -t \"$0\"";
        run(Command::new("sh").args(["-ec", copy]).arg(&clone).current_dir(at_root("")));
        let zone = if name == "a" { "UTC" } else { "Asia/Kamchatka" };
        let umask = if name == "a" { "0022" } else { "0077" };
        run(Command::new("sh")
            .args([
                "-ec",
                "umask \"$0\"; exec bin/release --formats \"$1\" --executable \"$2\"",
                umask,
            ])
            .arg(formats())
            .arg(&executable)
            .current_dir(&clone)
            .env("TZ", zone));
        let sums = std::fs::read_to_string(clone.join("target/dist/SHA256SUMS")).unwrap();
        shell(&clone.join("target/dist"), "sha256sum --check --quiet SHA256SUMS");
        sums
    });
    assert_eq!(sums[0], sums[1]);
    assert_eq!(sums[0].lines().count(), formats().split(',').count(), "{}", sums[0]);
}

#[test]
fn the_tar_gz_makes_a_provider_and_has_the_guide_manual_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("webdir-provider-{VERSION}-{}-linux", machine().0);
    let file = made(&format!("{name}.tar.gz"));
    run(Command::new("tar").arg("xzf").arg(&file).arg("-C").arg(folder.path()));
    let top = folder.path().join(&name);
    for part in [
        "LICENSE-MIT",
        "README.md",
        "completions/_webdir-provider",
        "docs/configuration.md",
        "docs/man/webdir-provider.1",
        "providers/hetzner.json",
        "schemas/order.json",
    ] {
        assert!(top.join(part).is_file(), "{part}");
    }
    let owners = run(Command::new("tar").args(["tvzf", file.to_str().unwrap(), "--numeric-owner"]));
    assert!(owners.lines().all(|line| line.contains(" 0/0 ")), "{owners}");
    makes_a_provider(&top.join("install.sh"));
}

#[test]
fn the_deb_has_no_scripts_and_makes_a_provider() {
    if !all_there(&["dpkg-deb"]) {
        return;
    }
    let file = deb();
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb").arg("--raw-extract").arg(&file).arg(folder.path()));
    shell(folder.path(), "md5sum --check --quiet DEBIAN/md5sums");
    let control: Vec<_> = std::fs::read_dir(folder.path().join("DEBIAN")).unwrap().collect();
    assert_eq!(control.len(), 2, "{control:?}");
    let fields = run(Command::new("dpkg-deb").arg("--field").arg(&file));
    assert!(fields.contains(&format!("Version: {VERSION}\n")), "{fields}");
    assert!(!fields.contains("Depends"), "{fields}");
    makes_a_provider(&folder.path().join(INSTALLER));
}

/// Removes the package whatever becomes of the test.
struct Installed;

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = Command::new("dpkg").args(["--purge", "webdir-provider"]).output();
    }
}

#[test]
fn the_deb_is_installed_and_removed_by_dpkg_and_providers_outlive_it() {
    if std::env::var_os("CI").is_none() || !is_root() {
        return skip("changes the system: only as root, in CI");
    }
    if !all_there(&["dpkg"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let installed = Installed;
    run(Command::new("dpkg").arg("--install").arg(deb()));
    makes_a_provider(&Path::new("/").join(INSTALLER));
    let program = run(Command::new("/usr/bin/webdir-provider").arg("--version"));
    assert_eq!(program, format!("webdir-provider {VERSION}\n"));
    run(Command::new(Path::new("/").join(INSTALLER))
        .args(["--name", "mine", "--root"])
        .arg(place.path()));
    drop(installed);
    for path in ["/usr/bin/webdir-provider", "/usr/share/webdir-provider"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    let mine = place.path().join("providers/mine/bin/mine");
    assert!(run(Command::new(mine).arg("help")).contains(r#""name":"mine""#));
}

#[test]
fn the_rpm_is_one_that_enterprise_linux_7_can_read_and_makes_a_provider() {
    if !all_there(&["rpmbuild", "rpm2cpio", "cpio"]) {
        return;
    }
    let file = made(&format!("webdir-provider-{VERSION}-1.{}.rpm", machine().0));
    let query = |words: &[&str]| run(Command::new("rpm").arg("-qp").args(words).arg(&file));
    // Nothing but what rpm 4.11 says of itself: https://rpm.org/docs/latest/man/rpm-payloadflags.7
    let mut needs: Vec<String> = query(&["--requires"]).lines().map(str::to_owned).collect();
    needs.sort();
    needs.retain(|need| need != "rpmlib(CompressedFileNames) <= 3.0.4-1");
    let known =
        ["FileDigests) <= 4.6.0-1", "PayloadFilesHavePrefix) <= 4.0-1", "PayloadIsXz) <= 5.2-1"];
    assert_eq!(needs, known.map(|need| format!("rpmlib({need}")));
    assert_eq!(query(&["--scripts"]), "");
    let tags = query(&["--queryformat", "%{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO} %{BUILDHOST}"]);
    assert_eq!(tags, "xz 8 localhost");
    let owners = query(&["--queryformat", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]"]);
    assert!(owners.lines().all(|owner| owner == "root:root"), "{owners}");
    let digests = run(Command::new("rpm").args(["-Kv", "--nosignature"]).arg(&file));
    assert!(digests.contains("MD5 digest: OK") && !digests.contains("BAD"), "{digests}");
    let folder = TempDir::new().unwrap();
    let unpack = "rpm2cpio \"$0\" | cpio --quiet -idm";
    run(Command::new("sh").args(["-ec", unpack]).arg(&file).current_dir(folder.path()));
    assert!(folder.path().join("usr/share/man/man1/webdir-provider.1.gz").is_file());
    makes_a_provider(&folder.path().join(INSTALLER));
}

#[test]
fn the_panels_archive_holds_a_provider() {
    let file = made(&format!("webdir-provider-{VERSION}-{}-panel.tar.gz", machine().0));
    let listed = run(Command::new("tar").arg("tzf").arg(file));
    let names = ["bin/webdir-provider", "etc/inventory.json", "etc/webdir-provider.conf"];
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
}

#[test]
fn a_call_of_the_script_that_cannot_be_right_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (words, named) in [
        (&["--bogus"][..], "--bogus"),
        (&["--formats", "zip"], "zip"),
        (&["--target", "sparc-unknown-linux-musl"], "sparc"),
        (&["--output"], "--output"),
        (&["--executable", "/nonexistent/program"], "/nonexistent/program"),
        (&["--executable", "/bin/true"], "another version"),
    ] {
        let mut command = Command::new(at_root("bin/release"));
        let output = command.args(words).current_dir(folder.path()).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && complaint.contains(named), "{words:?}: {complaint}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_manual_is_well_formed() {
    if !all_there(&["man"]) {
        return;
    }
    let page = at_root("docs/man/webdir-provider.1");
    let mut command = Command::new("man");
    command.args(["--warnings", "--local-file"]).arg(page).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(String::from_utf8(output.stdout).unwrap().contains("EXIT STATUS"));
}
