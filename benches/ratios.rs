//! What our commands cost beside the least that any program could do, as ratios: `cargo bench`.
//!
//! Absolute times drift with the machine; the reference runs in the same loop, in turn with what is
//! measured. Nothing here asserts a time.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a developer's tool: it prints, and it writes its own scratch files"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const RUNS: usize = 500;
const WARM_UPS: usize = 20;

fn main() {
    let Some(binary) = binary() else {
        println!(
            "no static executable: build it with\n  \
             cargo build --release --target {}-unknown-linux-musl",
            std::env::consts::ARCH
        );
        return;
    };
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder");
    let bench = Bench::new(scratch.path(), &binary);
    println!(
        "{:<44}{:>9}{:>11}{:>8}",
        "median of 500 spawns read to the end", "ours", "minimal C", "ratio"
    );
    bench.start_up();
    println!();
    println!("{:<44}{:>9}{:>11}{:>8}", "median of 200 orders", "ours", "2 commits", "beyond");
    bench.orders(true);
    bench.orders(false);
    println!();
    println!("{:<44}{:>9}{:>11}{:>8}", "median, run in turn", "1,000", "none", "ratio");
    pending(scratch.path(), &binary);
}

/// Compares a provider that has 1,000 pending deliveries with one that has none.
fn pending(folder: &Path, binary: &Path) {
    let [none, many] = ["none", "many"].map(|name| Bench::new(&folder.join(name), binary));
    many.put_off();
    let ids = [none.finished_order(), many.finished_order()];
    many.deliver(1_000);
    let name = "order_status, deliveries wait, a worker lives";
    compare(name, &[&many, &none].map(|bench| (bench, ["order_status", &ids[0]])));
    // Held, they keep no worker; ours does nothing, so nothing disturbs.
    many.hold();
    let locks = [&many, &none].map(Bench::be_the_worker);
    let name = "order_status, deliveries held";
    compare(name, &[&many, &none].map(|bench| (bench, ["order_status", &ids[1]])));
    compare("order, deliveries held", &[&many, &none].map(|bench| (bench, ["order", "1"])));
    drop(locks);
}

/// Prints the medians of two commands that are run in turn.
fn compare(name: &str, commands: &[(&Bench, [&str; 2]); 2]) {
    let mut times = [Vec::new(), Vec::new()];
    for run in 0..200 + WARM_UPS {
        for (all, (bench, words)) in times.iter_mut().zip(commands) {
            let time = spawn(&bench.executable, words);
            if run >= WARM_UPS {
                all.push(time);
            }
        }
    }
    let [many, none] = times.map(median);
    row(name, many, none);
}

/// Returns the executable that is shipped.
fn binary() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let name = format!("{}-unknown-linux-musl/release/webdir-provider", std::env::consts::ARCH);
    Some(target.join(name)).filter(|path| path.exists())
}

/// A provider in a scratch folder.
struct Bench {
    folder: PathBuf,
    holder: PathBuf,
    executable: PathBuf,
}

impl Bench {
    fn new(folder: &Path, binary: &Path) -> Self {
        let holder = folder.join("providers/bench");
        let executable = holder.join("bin/bench");
        for part in ["bin", "etc"] {
            std::fs::create_dir_all(holder.join(part)).expect("a folder");
        }
        std::fs::copy(binary, &executable).expect("a copy of the executable");
        let config = json!({ "configurations": [
            { "id": "1", "descr": "2 vCPU, 4 GB" }, { "id": "2", "descr": "4 vCPU, 8 GB" } ] });
        std::fs::write(holder.join("etc/bench.conf"), config.to_string()).expect("written");
        let bench = Self { folder: folder.to_owned(), holder, executable };
        bench.stock(250);
        bench
    }

    fn stock(&self, servers: usize) {
        let servers: Vec<Value> = (0..servers)
            .map(|number| {
                json!({ "server": format!("10.0.{}.{}", number / 250, number % 250 + 1),
                    "server_password": "aB3dE6gH9jK2mN5pQ8sT1vW4", "configurations": ["1"] })
            })
            .collect();
        let text = json!({ "servers": servers }).to_string();
        std::fs::write(self.holder.join("etc/inventory.json"), text).expect("written");
    }

    fn start_up(&self) {
        let id = self.finished_order();
        for words in [&["help"][..], &["configs"], &["order_status", &id]] {
            let (ours, minimal) = self.beside_minimal(words);
            row(&words.join(" "), ours, minimal);
        }
        let mut few = Duration::ZERO;
        for stored in [100_u64, 100_000] {
            self.store(&id, stored);
            let (ours, minimal) = self.beside_minimal(&["order_status", &id]);
            row(&format!("order_status, {stored} orders stored"), ours, minimal);
            if few.is_zero() {
                few = ours;
            } else {
                println!("{:<64}{:>8.2}", "  100000 stored beside 100", ratio(ours, few));
            }
        }
    }

    /// Returns the medians of ours and of a C program that prints the same bytes, run in turn.
    fn beside_minimal(&self, words: &[&str]) -> (Duration, Duration) {
        let answer = Command::new(&self.executable).args(words).output().expect("runs").stdout;
        let minimal = self.minimal(&answer);
        let mut times = [Vec::new(), Vec::new()];
        for run in 0..RUNS + WARM_UPS {
            let pair = [spawn(&self.executable, words), spawn(&minimal, &[])];
            if run >= WARM_UPS {
                for (all, one) in times.iter_mut().zip(pair) {
                    all.push(one);
                }
            }
        }
        let [ours, theirs] = times;
        (median(ours), median(theirs))
    }

    /// Compiles the reference: static, against musl where its compiler is there.
    fn minimal(&self, answer: &[u8]) -> PathBuf {
        let path = self.folder.join("minimal");
        let text = String::from_utf8_lossy(answer).replace('\\', "\\\\").replace('"', "\\\"");
        let define = format!("-DANSWER=\"{}\"", text.replace('\n', "\\n"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/minimal.c");
        let compile = |compiler: &str| {
            Command::new(compiler)
                .args(["-O2", "-static", &define, "-o"])
                .arg(&path)
                .arg(&source)
                .status()
        };
        if !compile("musl-gcc").is_ok_and(|status| status.success()) {
            println!("(no musl-gcc: the reference is linked against the system's C library)");
            assert!(compile("cc").expect("a C compiler").success());
        }
        path
    }

    fn finished_order(&self) -> String {
        let id = self.order();
        while !self.holder.join(format!("state/done/{id}.json")).exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        id
    }

    fn order(&self) -> String {
        let output = Command::new(&self.executable).args(["order", "1"]).output().expect("runs");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        answer["task_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Fills `done/` with copies of an order, under other numbers.
    fn store(&self, id: &str, count: u64) {
        let text = std::fs::read_to_string(self.holder.join(format!("state/done/{id}.json")));
        let text = text.expect("the order is done");
        for number in 0..count {
            let copy = 1_000_000 + number;
            let path = self.holder.join(format!("state/done/{copy}.json"));
            if !path.exists() {
                let text = text.replace(
                    &format!("\"task_id\": \"{id}\""),
                    &format!("\"task_id\": \"{copy}\""),
                );
                std::fs::write(path, text).expect("written");
            }
        }
    }

    /// Has a webhook whose deliveries wait for a day.
    fn put_off(&self) {
        self.webhook(true);
    }

    /// Disables the webhook, and waits until no worker lives.
    fn hold(&self) {
        self.webhook(false);
        drop(self.be_the_worker());
    }

    fn webhook(&self, enabled: bool) {
        let webhook = json!({ "name": "late", "kind": "generic", "enabled": enabled,
            "url": "http://127.0.0.1:9/", "schedule": [86_400] });
        let text = json!({ "webhooks": [webhook] }).to_string();
        std::fs::write(self.holder.join("etc/webhooks.json"), text).expect("written");
    }

    /// Holds the lock of a worker that lives, once nobody else does.
    fn be_the_worker(&self) -> File {
        let lock = File::open(self.holder.join("state/worker.lock")).expect("opens");
        fs2::FileExt::lock_exclusive(&lock).expect("locks");
        lock
    }

    /// Fills `deliveries/pending/` with copies of the one that is there, of other events.
    fn deliver(&self, count: u64) {
        let pending = self.holder.join("state/deliveries/pending");
        let only = std::fs::read_dir(&pending).expect("lists").next().expect("one").expect("reads");
        let name = only.file_name().into_string().expect("a plain name");
        let event = name.split('.').next().expect("an event's id").to_owned();
        let text = std::fs::read_to_string(only.path()).expect("reads");
        for number in 1..count {
            let copy = format!("{}{number:012}", &event[..24]);
            let path = pending.join(name.replace(&event, &copy));
            std::fs::write(path, text.replace(&event, &copy)).expect("written");
        }
    }

    /// Times `order` beside the raw durable commits of an order and its claim.
    fn orders(&self, worker_lives: bool) {
        std::fs::remove_dir_all(self.holder.join("state")).expect("removed");
        self.finished_order();
        while self.holder.join("state/due").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // A living worker is one who holds this lock; ours does nothing, so nothing disturbs.
        let _lock = worker_lives.then(|| self.be_the_worker());
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        for _ in 0..200 {
            if !worker_lives {
                while self.holder.join("state/due").exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            ours.push(spawn(&self.executable, &["order", "1"]));
            raw.push(self.commit() + self.commit());
        }
        let (ours, raw) = (median(ours), median(raw));
        let name = if worker_lives { "order, a worker lives" } else { "order, starting a worker" };
        let beyond = i128::try_from(ours.as_micros()).unwrap_or(0)
            - i128::try_from(raw.as_micros()).unwrap_or(0);
        println!("{name:<44}{:>6} us{:>8} us{beyond:>5} us", ours.as_micros(), raw.as_micros());
    }

    /// One raw durable commit of an order's size: write, fsync, rename, fsync the folder.
    fn commit(&self) -> Duration {
        let folder = self.folder.clone();
        let begun = Instant::now();
        let (from, to) = (folder.join("raw-new"), folder.join("raw"));
        let mut file = File::create(&from).expect("made");
        file.write_all(&[b'x'; 1600]).expect("written");
        file.sync_all().expect("synced");
        std::fs::rename(&from, &to).expect("renamed");
        File::open(&self.folder).and_then(|folder| folder.sync_all()).expect("synced");
        begun.elapsed()
    }
}

fn spawn(program: &Path, words: &[&str]) -> Duration {
    let mut command = Command::new(program);
    command.args(words).env_clear();
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().expect("runs");
    let mut answer = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut answer).expect("reads");
    child.wait().expect("ends");
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn row(name: &str, ours: Duration, minimal: Duration) {
    println!(
        "{name:<44}{:>6} us{:>8} us{:>8.2}",
        ours.as_micros(),
        minimal.as_micros(),
        ratio(ours, minimal)
    );
}
