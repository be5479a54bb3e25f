//! The pages that people follow: their commands do what the pages say, in the order of the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::blocks::{Block, blocks, is_as_shown};
use crate::support::mount::has;
use crate::support::page::at_root;
use crate::support::plugin::BINARY;
use crate::support::skip;

/// The pages whose blocks of shell each say whether they are run.
pub(crate) const PAGES: [&str; 13] = [
    "README.md",
    "README.ru.md",
    "SECURITY.md",
    "docs/README.md",
    "docs/faq.md",
    "docs/operations.md",
    "docs/orders.md",
    "docs/performance.md",
    "docs/pool.md",
    "docs/quickstart.md",
    "docs/ru/quickstart.md",
    "docs/security.md",
    "docs/troubleshooting.md",
];

/// Those of them in Russian.
const RUSSIAN: [&str; 2] = ["README.ru.md", "docs/ru/quickstart.md"];

/// Where the pages say that the web environment is.
const WEBDIR: &str = "/opt/webdir";

/// Returns a page of the repository.
pub(crate) fn page(name: &str) -> String {
    std::fs::read_to_string(at_root(name)).unwrap()
}

/// A machine on which a page is followed; it is gone when this is dropped.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    /// Returns a text of a page with the places of this machine.
    fn here(&self, text: &str) -> String {
        let root = self.root.path().display().to_string();
        let installer = format!("sh {} --root {root}", at_root("install.sh").display());
        let lines = text.lines().map(|line| {
            let from = if line.contains("--uninstall") { "" } else { &format!(" --from {BINARY}") };
            let line = line.replace(" --from ./webdir-provider", "").replace("sudo ", "");
            line.replace("./install.sh", &format!("{installer}{from}")).replace(WEBDIR, &root)
                + "\n"
        });
        lines.collect()
    }

    /// Returns the folder of the provider that a text names, else of the first one, else that of the
    /// web environment.
    fn folder(&self, text: &str) -> PathBuf {
        let providers = self.root.path().join("providers");
        let named = text.split_whitespace().filter_map(|word| word.strip_prefix("bin/"));
        let named = named.map(|name| providers.join(name)).find(|folder| folder.is_dir());
        let first = || {
            let all = std::fs::read_dir(&providers).ok()?.flatten().map(|entry| entry.path());
            all.min()
        };
        named.or_else(first).unwrap_or_else(|| self.root.path().to_owned())
    }

    fn write(&self, path: &str, text: &str) {
        let target = match path.strip_prefix(WEBDIR) {
            Some(below) => self.root.path().join(below.trim_start_matches('/')),
            None => self.folder("").join(path),
        };
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(&target, self.here(text)).unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn run(&self, script: &str) -> Output {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-euc", &self.here(script)]).current_dir(self.folder(script)).env_clear();
        shell.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        shell.env("HOME", self.root.path().join("home")).stdin(Stdio::null());
        shell.output().unwrap()
    }

    /// Returns an output with the places of the page.
    fn told(&self, output: &[u8]) -> String {
        let root = self.root.path().display().to_string();
        String::from_utf8(output.to_vec()).unwrap().replace(&root, WEBDIR)
    }
}

/// Does what a page says, from its beginning; returns how many blocks were run.
fn follow(name: &str) -> usize {
    let (machine, mut said, mut count) = (Machine::new(), String::new(), 0);
    for block in blocks(&page(name)) {
        let place = format!("{name}:{}", block.line);
        if let Some(path) = block.mark("file") {
            machine.write(path, &block.text);
        }
        let script = block.mark("run instead").unwrap_or(&block.text);
        if let Some(wanted) = block.mark("run").or(block.mark("run instead").map(|_| "")) {
            let status = wanted.strip_prefix("status ").map_or(0, |word| word.parse().unwrap());
            let output = machine.run(script);
            said = machine.told(&output.stdout);
            let complaint = machine.told(&output.stderr);
            assert_eq!(output.status.code(), Some(status), "{place}:\n{said}{complaint}");
            count += 1;
        }
        if block.mark("output").is_some() {
            assert!(is_as_shown(&said, &block.text), "{place}: it prints\n{said}");
        }
    }
    count
}

#[test]
fn whoever_follows_a_page_sees_what_it_shows() {
    let ran: BTreeMap<&str, usize> = std::thread::scope(|scope| {
        let follow = |name| scope.spawn(move || (name, follow(name)));
        // The Russian pages show the same blocks, which another test looks at.
        let pages = PAGES.into_iter().filter(|name| !RUSSIAN.contains(name));
        let all: Vec<_> = pages.map(follow).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for name in ["README.md", "docs/quickstart.md", "docs/operations.md", "docs/pool.md"] {
        assert!(ran[name] > 1, "{ran:?}");
    }
}

#[test]
fn every_block_of_shell_is_run_or_says_why_not() {
    for name in PAGES {
        for block in blocks(&page(name)) {
            let marks = ["run", "not run", "file"].map(|mark| block.mark(mark));
            let said = marks.iter().flatten().count();
            assert_eq!(block.language == "sh", said == 1 && is_shell(&block), "{name}: {block:?}");
            assert!(block.mark("not run").is_none_or(|why| why.len() > 9), "{name}: {block:?}");
        }
    }
}

/// A file may be of any language; what is run, or could be, is shell.
fn is_shell(block: &Block) -> bool {
    block.mark("file").is_none() || block.language == "sh"
}

#[test]
fn what_the_pages_tell_a_shell_is_sound() {
    if !has("shellcheck") {
        return skip("there is no shellcheck");
    }
    for name in PAGES {
        for block in blocks(&page(name)) {
            let scripts = match &*block.language {
                "sh" => vec![block.text.clone()],
                "yaml" => scripts_in(&block.text),
                _ => continue,
            };
            for script in scripts {
                let mut child = Command::new("shellcheck")
                    .args(["--shell=sh", "--exclude=SC2164", "-"])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
                let output = child.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(output.status.success(), "{name}:{}: {said}", block.line);
            }
        }
    }
}

/// Returns the scripts that a cloud-config writes to files.
fn scripts_in(yaml: &str) -> Vec<String> {
    let texts = yaml.split("content: |\n").skip(1).map(|rest| {
        let first = rest.lines().next().unwrap_or_default();
        let indent = first.len() - first.trim_start().len();
        let lines =
            rest.lines().take_while(|line| line.is_empty() || line.starts_with(&first[..indent]));
        lines.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect()
    });
    texts.filter(|text: &String| text.starts_with("#!")).collect()
}

#[test]
fn the_russian_pages_show_what_the_english_ones_do() {
    let shown = |name| {
        let of_page = blocks(&page(name)).into_iter();
        of_page.map(|block| (block.language, block.text)).collect::<Vec<_>>()
    };
    for (russian, english) in RUSSIAN.iter().zip(["README.md", "docs/quickstart.md"]) {
        assert_eq!(shown(russian), shown(english));
    }
}

#[test]
fn every_picture_is_there_with_a_text_and_for_a_dark_page_too() {
    let mut seen = BTreeSet::new();
    for name in PAGES.iter().chain(&["docs/state.md", "docs/webhooks.md"]) {
        let text = page(name);
        for rest in text.split("![").skip(1) {
            let (words, rest) = rest.split_once("](").unwrap();
            let target = rest.split(')').next().unwrap();
            assert!(words.len() > 20, "{name}: {target} has no text for those who do not see it");
            let path = at_root(name).parent().unwrap().join(target).canonicalize().unwrap();
            seen.insert(path.file_name().unwrap().to_owned());
        }
    }
    let mut there = BTreeSet::new();
    for entry in std::fs::read_dir(at_root("docs/images")).unwrap() {
        let path = entry.unwrap().path();
        let picture = std::fs::read_to_string(&path).unwrap();
        assert!(roxmltree::Document::parse(&picture).is_ok(), "{}", path.display());
        for part in ["<title", "<desc", "<text", "prefers-color-scheme: dark", "viewBox"] {
            assert!(picture.contains(part), "{} has no {part}", path.display());
        }
        assert!(!picture.contains("href"), "{} needs something from elsewhere", path.display());
        there.insert(path.file_name().unwrap().to_owned());
    }
    assert_eq!(seen, there);
}
