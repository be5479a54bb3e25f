//! Packages of `PyPI`, installed once for all test runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// Tells which versions of some packages are there.
const VERSIONS: &str = "
import sys
from importlib.metadata import version
print(*(f'{name}=={version(name)}' for name in sys.argv[1:]))
";

/// Returns a Python that has these packages, `NAME==VERSION` each with `[EXTRA]` behind the name
/// where it has some, from the folder of that name below `target/tools`.
///
/// # Errors
/// Why they cannot be had, in a line.
pub(crate) fn python_with(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().expect("nobody panicked");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder").join("tools");
    let folder = tools.join(name);
    if !has_them(&folder, packages) {
        // Nobody takes half of it for the whole.
        let new = tools.join(format!("{name}.{}", std::process::id()));
        std::fs::create_dir_all(&tools).map_err(|why| format!("{}: {why}", tools.display()))?;
        let outcome = install(&new, packages);
        if outcome.is_ok() {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(&new, &folder).expect("one folder becomes the other");
        }
        let _ = std::fs::remove_dir_all(&new);
        outcome?;
    }
    Ok(python(&folder))
}

fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

fn has_them(folder: &Path, packages: &[&str]) -> bool {
    let plain = |package: &&str| {
        let (name, version) = package.split_once("==").expect("a version");
        let name = name.split('[').next().unwrap_or_default().to_owned();
        (name.clone(), format!("{name}=={version}"))
    };
    let (names, wanted): (Vec<_>, Vec<_>) = packages.iter().map(plain).unzip();
    let output = Command::new(python(folder)).args(["-c", VERSIONS]).args(names).output();
    output.is_ok_and(|output| output.stdout == format!("{}\n", wanted.join(" ")).as_bytes())
}

fn install(folder: &Path, packages: &[&str]) -> Result<(), String> {
    done(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--retries", "1"];
    done(Command::new(python(folder)).args(pip).args(packages))
}

/// Runs a command; says in a line what went wrong.
fn done(command: &mut Command) -> Result<(), String> {
    let shown = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|why| format!("{shown}: {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    // venv complains on standard output.
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| line.contains("ERROR") || line.contains("Error"));
    Err(format!("{shown}: {}", line.or(said.lines().last()).unwrap_or_default()))
}
