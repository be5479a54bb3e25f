//! What our commands cost beside the least that any program could do, and beside what people use
//! today, as ratios: `cargo bench`.
//!
//! `cargo bench --bench ratios -- NAME…` runs a part; `--svg FOLDER` draws the plots, `--most N`
//! (or `BENCH_MOST=N`) says how many orders are stored at most. docs/performance.md says what the
//! tables mean. Absolute times drift with the machine; the reference runs in the same loop, in turn
//! with what is measured. Nothing here asserts a time.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a developer's tool: it prints, and it writes its own scratch files"
)]

mod deliveries;
mod lists;
mod load;
mod memory;
mod order;
mod pending;
mod plot;
mod provider;
mod raw;
mod server;
mod setting;
mod start;
mod stored;
mod table;
mod time;

use std::path::PathBuf;
use std::time::Instant;

use setting::Setting;

/// What measures.
type Part = fn(&mut Setting);

/// The parts, by the names that they are asked for by.
const PARTS: [(&str, Part); 10] = [
    ("start", start::run),
    ("scripts", start::scripts),
    ("order", order::run),
    ("callers", order::callers),
    ("pending", pending::run),
    ("stored", stored::run),
    ("load", load::run),
    ("deliveries", deliveries::run),
    ("lists", lists::run),
    ("memory", memory::run),
];

/// How many orders are stored at most where nothing else is said.
const MOST: usize = 100_000;

/// What was asked for.
struct Wanted {
    parts: Vec<String>,
    most: usize,
    svg: Option<PathBuf>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((raw::WORD, rest)) = words.split_first().map(|(first, rest)| (&**first, rest)) {
        return raw::run(rest);
    }
    let wanted = wanted(words);
    let Some(binary) = setting::binary() else {
        println!(
            "no static executable: build it with\n  \
             cargo build --release --locked --target {}-unknown-linux-musl",
            std::env::consts::ARCH
        );
        return;
    };
    let begun = Instant::now();
    let mut setting = Setting::new(binary, wanted.most);
    for (name, run) in PARTS {
        if wanted.parts.is_empty() || wanted.parts.iter().any(|part| part == name) {
            run(&mut setting);
        }
    }
    println!("\nall of it took {:.0} s", begun.elapsed().as_secs_f64());
    if let Some(folder) = wanted.svg {
        plot::draw(&folder, &setting);
    }
}

/// Reads the arguments; cargo adds one of its own.
fn wanted(words: Vec<String>) -> Wanted {
    let most = std::env::var("BENCH_MOST").ok().map_or(MOST, |most| number(&most));
    let mut wanted = Wanted { parts: Vec::new(), most, svg: None };
    let mut words = words.into_iter().filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match &*word {
            "--svg" => wanted.svg = Some(value().into()),
            "--most" => wanted.most = number(&value()),
            name => {
                let names = PARTS.map(|(name, _)| name);
                assert!(names.contains(&name), "`{name}` is none of {names:?}");
                wanted.parts.push(word);
            }
        }
    }
    wanted
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}
