//! Many callers and workers, killed at random, with hosters and receivers that go wrong at random:
//! what is promised holds of the whole history.
//!
//! CI does a little of it. `SOAK_ORDERS=10000` and `SOAK_SECONDS=600` ask for more answered orders or
//! for more time, of which the longer one counts, `SOAK_CALLERS=32` for more at once, and `SOAK_SEED=N` makes the same choices
//! again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::proved;
use crate::support::soak::{Size, run};

/// Returns a number that the environment asks for.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn what_is_promised_holds_of_everything_that_happens_at_random() {
    let small = asked("SOAK_ORDERS").is_none() && asked("SOAK_SECONDS").is_none();
    let number = |name, usual: usize| {
        asked(name).map_or(usual, |number| usize::try_from(number).expect("it fits"))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let size = Size {
        callers: number("SOAK_CALLERS", if small { 8 } else { 32 }),
        orders: number("SOAK_ORDERS", if small { 300 } else { 0 }),
        time: Duration::from_secs(asked("SOAK_SECONDS").unwrap_or(0)),
        seed: asked("SOAK_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos())),
        patient: !small,
    };
    eprintln!("SOAK_SEED={} and {} callers", size.seed, size.callers);
    let figures = run(size);
    eprintln!("{}", figures.line());
    proved(figures.answered);
    assert!(figures.violations.is_empty(), "{:#?}", figures.violations);
    assert!(figures.missing().is_empty(), "none: {:?}", figures.missing());
}
