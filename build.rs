//! How the static executable is linked.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script through its environment"
)]

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "musl") {
        // Position independence costs a relocation per pointer at every start; packed relative
        // relocations make the table a twentieth of the size, and `src/start.rs` brings in the
        // pages that they change (`cargo bench` shows both).
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs,-z,noseparate-code");
        println!("cargo:rustc-link-arg-bins=-Wl,-e,start_populated");
    }
}
