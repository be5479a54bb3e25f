//! What a file system can do at best: durable commits of an order's size, and nothing else.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The size of an order's file, in bytes.
const SIZE: usize = 1600;

/// The word that makes a process of this bench one that commits.
pub(crate) const WORD: &str = "--commit";

/// Makes one commit: write, fsync, rename, fsync the folder.
pub(crate) fn commit(folder: &Path, name: &str) -> Duration {
    let begun = Instant::now();
    let (from, to) = (folder.join(format!("{name}-new")), folder.join(name));
    let mut file = File::create(&from).expect("made");
    file.write_all(&[b'x'; SIZE]).expect("written");
    file.sync_all().expect("synced");
    std::fs::rename(&from, &to).expect("renamed");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("synced");
    begun.elapsed()
}

/// Has so many processes make so many commits each, all at once; returns how long it took.
pub(crate) fn processes(folder: &Path, number: usize, commits: usize) -> Duration {
    let this = std::env::current_exe().expect("a path");
    let begun = Instant::now();
    let start = |process: usize| {
        let mut command = Command::new(&this);
        command.arg(WORD).arg(folder).arg(format!("raw-{process}")).arg(commits.to_string());
        command.stdout(Stdio::null()).spawn().expect("runs")
    };
    let children: Vec<_> = (0..number).map(start).collect();
    for mut child in children {
        assert!(child.wait().expect("ends").success());
    }
    begun.elapsed()
}

/// What such a process does.
pub(crate) fn run(words: &[String]) {
    let [folder, name, commits] = words else { panic!("{words:?}") };
    for _ in 0..commits.parse::<usize>().expect("a number") {
        commit(Path::new(folder), name);
    }
}
