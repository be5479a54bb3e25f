//! What the static executable does not do at its start. In a virtual machine each CPUID traps to
//! the hypervisor, and a C library that asks what the processor can do asks dozens of times.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::plugin::{BINARY, Plugin};
use crate::support::skip;
use crate::support::sweep::bare;

/// Builds the executable that is shipped; none where its target is not installed.
fn shipped() -> Option<PathBuf> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let libraries = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", &target])
        .output()
        .expect("rustc runs");
    if !Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        skip(&format!("the target {target} is not installed"));
        return None;
    }
    // …/target/debug/webdir-provider
    let folder = Path::new(BINARY).ancestors().nth(2).expect("a target folder");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--target", &target, "--target-dir"])
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success());
    Some(folder.join(target).join("release/webdir-provider"))
}

/// Returns the type of an ELF file and the types of its program headers.
fn elf(path: &Path) -> (u16, Vec<u32>) {
    let bytes = std::fs::read(path).expect("the executable is there");
    assert_eq!(bytes[..5], [0x7f, b'E', b'L', b'F', 2], "no 64-bit ELF file");
    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let word =
        |at: usize| bytes[at..at + 4].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let (first, size, count) = (word(32) as usize, usize::from(half(54)), usize::from(half(56)));
    (half(16), (0..count).map(|index| word(first + index * size)).collect())
}

#[test]
fn the_shipped_executable_is_static_position_independent_and_asks_nothing_of_the_processor() {
    const SHARED_OBJECT: u16 = 3;
    const INTERPRETER: u32 = 3;
    let Some(executable) = shipped() else { return };
    let (kind, headers) = elf(&executable);
    assert_eq!(kind, SHARED_OBJECT, "it is not position-independent");
    assert!(!headers.contains(&INTERPRETER), "it is not static");
    // What a dynamic executable looks like.
    #[cfg(target_env = "gnu")]
    assert!(elf(Path::new(BINARY)).1.contains(&INTERPRETER));

    let plugin = Plugin::with_servers(1);
    plugin.sold();
    plugin.settled();
    std::fs::remove_file(plugin.executable()).unwrap();
    std::fs::copy(&executable, plugin.executable()).unwrap();
    for words in [&["help"][..], &["configs"], &["order_status", "1"]] {
        let _ = plugin.run(words).succeeds();
        asks_nothing(&plugin, words);
    }
}

#[cfg(target_arch = "x86_64")]
fn asks_nothing(plugin: &Plugin, words: &[&str]) {
    use crate::support::tracer::instructions;

    let (all, cpuid) = instructions(bare(plugin, words));
    assert!(all > 1000, "{words:?}: only {all} instructions");
    assert_eq!(cpuid, 0, "{words:?}: {cpuid} of {all} instructions are CPUID");
}

#[cfg(not(target_arch = "x86_64"))]
fn asks_nothing(_: &Plugin, _: &[&str]) {
    skip("only this family of processors has CPUID");
}

/// The counter sees what there is to see: the usual C library asks.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn instructions_that_ask_the_processor_are_counted() {
    let (all, cpuid) = crate::support::tracer::instructions(Command::new("/bin/true"));
    assert!(cpuid > 0, "none of {all}");
}
