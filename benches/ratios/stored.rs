//! Whether it matters how many orders are stored.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::provider::Provider;
use crate::setting::Setting;
use crate::start::beside_minimal;
use crate::table::{Table, count, note, number};
use crate::time::in_turn;

/// How many are few.
const FEW: usize = 100;

/// How many servers both providers sell: what all sizes order.
const SERVERS: usize = 1_000;

/// Compares providers with ever more orders with one that has few.
pub(crate) fn run(setting: &mut Setting) {
    let [few, many] = ["few", "many"].map(|name| setting.provider(name, SERVERS));
    let ids = [few.finished_order(), many.finished_order()];
    few.settled();
    many.settled();
    few.store(&ids[0], 0, FEW);
    let mut stored = 0;
    let mut table = Table::beside("median, run in turn", "so many", "100");
    let mut lists = Vec::new();
    let mut size = 10 * FEW;
    while size <= setting.most {
        many.store(&ids[1], stored, size);
        stored = size;
        for (name, ours, reference) in flat([&many, &few], [&ids[1], &ids[0]]) {
            table.times(&format!("{name}, {} orders stored", count(size)), ours, reference);
        }
        lists.push((size, list(&many)));
        size *= 10;
    }
    setting.keep("stored", table);
    let mut table = Table::new("time of one", "reading files");
    for (size, (ours, raw)) in lists {
        table.times(&format!("orders list, {} orders stored", count(size)), ours, raw);
    }
    setting.keep("orders list", table);
    let mut table = Table::new("median of 500 spawns read to the end", "minimal C");
    let mut times = Vec::new();
    for (provider, id, stored) in [(&few, &ids[0], FEW), (&many, &ids[1], stored)] {
        let words = ["order_status", id];
        let (ours, minimal) = beside_minimal(&setting.folder("few"), provider, &words);
        table.times(&format!("order_status, {stored} orders stored"), ours, minimal);
        times.push(ours.as_secs_f64());
    }
    note(&format!("{stored} stored beside {FEW}: {}", number(times[1] / times[0])));
    let begun = Instant::now();
    std::fs::remove_dir_all(&many.holder).expect("removed");
    note(&format!("(removing them took {:.0} s)", begun.elapsed().as_secs_f64()));
}

/// Compares what must not become slower.
fn flat(providers: [&Provider; 2], ids: [&str; 2]) -> Vec<(&'static str, Duration, Duration)> {
    let [many, few] = providers;
    let [a, b] = in_turn(100, [&mut || pass(many), &mut || pass(few)]);
    let mut rows = vec![("from order to finished, starting a worker", a, b)];
    let locks = providers.map(Provider::be_the_worker);
    let words = ids.map(|id| ["order_status", id]);
    let [a, b] = in_turn(300, [&mut || many.call(&words[0]), &mut || few.call(&words[1])]);
    rows.push(("order_status", a, b));
    let order = ["order", "1"];
    let [a, b] = in_turn(100, [&mut || many.call(&order), &mut || few.call(&order)]);
    rows.push(("order", a, b));
    drop(locks);
    // The open orders are not to be in the way of the next size.
    for provider in providers {
        provider.answer(&["work"]);
    }
    rows.reverse();
    rows
}

/// Orders, and returns how long it took until the order was finished; the worker has to start.
fn pass(provider: &Provider) -> Duration {
    let begun = Instant::now();
    let _ = provider.finished_order();
    let time = begun.elapsed();
    provider.settled();
    time
}

/// Times `orders list`, and reading the same files with nothing done to them.
fn list(provider: &Provider) -> (Duration, Duration) {
    let done = provider.state("done");
    let [ours, raw] = in_turn(
        1,
        [
            &mut || {
                let begun = Instant::now();
                provider.answer(&["orders", "list"]);
                begun.elapsed()
            },
            &mut || read_all(&done),
        ],
    );
    (ours, raw)
}

fn read_all(folder: &Path) -> Duration {
    let begun = Instant::now();
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).expect("lists") {
        bytes += std::fs::read(entry.expect("reads").path()).expect("reads").len();
    }
    assert!(bytes > 0);
    begun.elapsed()
}
