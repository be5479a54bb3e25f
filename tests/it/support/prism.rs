//! Servers made of a vendor's own description of its API: they refuse what it does not describe.
//!
//! Prism (<https://github.com/stoplightio/prism>, npm `@stoplight/prism-cli`) keeps no state: a
//! server that was created does not show up in a list, and one that was removed is still there.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::mount::has;
use super::{skip, wait_until};

/// A running Prism; it ends with the value.
#[derive(Debug)]
pub(crate) struct Prism {
    child: Child,
    port: u16,
}

impl Prism {
    /// Serves a description out of `../shared/openapi`. Says why where that cannot be, and returns
    /// none.
    pub(crate) fn serve(description: &str) -> Option<Self> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openapi").join(description);
        if !file.exists() {
            skip(&format!("{} is not there", file.display()));
            return None;
        }
        let Some(program) = program() else {
            skip("Prism is not installed: `PRISM` names no program, and npm did not install it");
            return None;
        };
        // Whoever takes the port in between makes Prism end, and the wait below fail.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(["mock", "--errors", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prism starts");
        let prism = Self { child, port };
        wait_until("Prism listens", || prism.connect().is_ok());
        Some(prism)
    }

    /// Where it listens, as a hoster's `base_url`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port))
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds Prism: what `PRISM` names, else what npm installs below the target folder.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| {
        if let Some(named) = std::env::var_os("PRISM") {
            return Some(named.into());
        }
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools");
        let program = tools.join("node_modules/.bin/prism");
        if !program.exists() && has("npm") {
            std::fs::create_dir_all(&tools).ok()?;
            let installed = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--prefix"])
                .arg(&tools)
                .arg("@stoplight/prism-cli@5")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            installed.ok().filter(std::process::ExitStatus::success)?;
        }
        program.exists().then_some(program)
    });
    found.as_deref()
}
