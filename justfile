# Short names for what `.ci/run` does in full; `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# Format, lints, shell scripts, dependencies and leftovers
[group('before a commit')]
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    shellcheck install.sh .ci/run bin/forbid bin/fuzz bin/prove bin/release benches/plugin.sh docs/virsh.sh tests/samples/command/hoster.sh tests/samples/command/virsh
    bin/forbid
    if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; else echo "cargo-deny is not installed: skipped"; fi

# All tests
[group('before a commit')]
test:
    cargo test --locked

# The tests whose name contains NAME
[group('before a commit')]
test-one NAME:
    cargo test --locked -- {{ quote(NAME) }}

# Everything that CI does
[group('before a commit')]
ci:
    bash .ci/run

# Write schemas/ anew from the types
[group('making')]
schemas:
    UPDATE=1 cargo test --locked schema

# The static executable, as install.sh builds it
[group('making')]
build:
    cargo build --release --locked --target "$(uname -m)-unknown-linux-musl"

# The manual anew from the commands
[group('making')]
manual:
    UPDATE=1 cargo test --locked --lib manual

# What a release consists of, into target/dist/
[group('making')]
release:
    bin/release

# Each fuzz target for so many SECONDS; needs nightly and cargo-fuzz
[group('trying')]
fuzz SECONDS:
    bin/fuzz {{ quote(SECONDS) }}

# Ratios against a minimal C program, scripts, a raw durable write, and more; PARTS: some of them
[group('trying')]
bench *PARTS:
    cargo bench --locked --bench ratios -- {{ PARTS }}

# Every proof in full, for hours, with a table at its end; SUITES: some of them
[group('trying')]
prove *SUITES:
    bin/prove {{ SUITES }}

# Install the provider `demo` under target/webdir and order a server
[group('trying')]
demo:
    ./install.sh --demo
