//! What `order` costs beside the durable commit that it makes: of the order's file. The claim's name
//! is made durable by the worker.

use std::time::Duration;

use crate::provider::Provider;
use crate::raw;
use crate::setting::Setting;
use crate::table::{Table, count};
use crate::time::median;

/// How many orders all callers of a row place in one turn.
const BURST: usize = 96;

/// Prints what `order` costs beyond the commit, with a worker that lives and without.
pub(crate) fn run(setting: &mut Setting) {
    let provider = setting.provider("order", 250);
    provider.finished_order();
    println!("\n{:<48}{:>11}{:>14}{:>9}", "median of 200 orders", "ours", "raw commit", "beyond");
    let mut rows = Vec::new();
    for worker_lives in [true, false] {
        let (ours, raw) = orders(setting, &provider, worker_lives);
        let name = if worker_lives { "order, a worker lives" } else { "order, starting a worker" };
        let beyond = ours.as_secs_f64() - raw.as_secs_f64();
        println!(
            "{name:<48}{:>8} us{:>11} us{:>6.0} us",
            ours.as_micros(),
            raw.as_micros(),
            beyond * 1e6
        );
        rows.push((name, ours, raw));
    }
    let mut table = Table::new("the same, as ratios", "raw commit");
    for (name, ours, raw) in rows {
        table.times(name, ours, raw);
    }
    setting.keep("order", table);
}

/// Times `order` beside a raw durable commit, in turn.
fn orders(setting: &Setting, provider: &Provider, worker_lives: bool) -> (Duration, Duration) {
    provider.begin_anew();
    let folder = setting.folder("order");
    let _lock = worker_lives.then(|| provider.be_the_worker());
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for run in 0..200 {
        if !worker_lives {
            provider.settled();
        }
        if run % 2 == 0 {
            raw.push(raw::commit(&folder, "raw"));
        }
        ours.push(provider.call(&["order", "1"]));
        if run % 2 == 1 {
            raw.push(raw::commit(&folder, "raw"));
        }
    }
    (median(ours), median(raw))
}

/// Has several callers order at once, beside as many processes that only commit.
pub(crate) fn callers(setting: &mut Setting) {
    let provider = setting.provider("callers", 250);
    provider.finished_order();
    let folder = setting.folder("callers");
    let mut table = Table::new("orders a second, a worker lives", "raw commits");
    for callers in [1, 2, 4, 8, 16, 32] {
        provider.begin_anew();
        let lock = provider.be_the_worker();
        let (mut ours, mut raw) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..2 {
            ours += burst(&provider, callers);
            raw += raw::processes(&folder, callers, BURST / callers);
        }
        drop(lock);
        let rate = |time: Duration| 2.0 * BURST as f64 / time.as_secs_f64();
        table.add(&format!("{} callers", count(callers)), rate(ours), rate(raw), "/s");
    }
    setting.keep("callers", table);
}

/// Places orders, so many at a time; returns how long it took.
fn burst(provider: &Provider, callers: usize) -> Duration {
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                for _ in 0..BURST / callers {
                    provider.call(&["order", "1"]);
                }
            });
        }
    });
    begun.elapsed()
}
