//! How fast others are asked, and when again: pure, the clock is passed in.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Timestamp;

/// The longest wait that a hoster's reply may ask for: an order is waited for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The months as dates of HTTP name them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns how long a reply with this `Retry-After` wants us to wait, `longest` at most; none where
/// the value is malformed.
///
/// RFC 9110 section 10.2.3: a number of seconds or a date. A date that is past means no wait.
pub(crate) fn retry_after(value: &str, now: Timestamp, longest: Duration) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What does not fit is longer than the longest in any case.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(longest));
    }
    let wait = http_date(value)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO).min(longest))
}

/// Parses a date in any of the three forms that RFC 9110 section 5.6.7 wants understood.
///
/// The day of the week is not compared with the date.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (year, month, day, time): (u16, _, _, _) = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT, or Sun Nov  6 08:49:37 1994
        [_, day, month, year, time, "GMT"] | [_, month, day, time, year] => {
            (year.parse().ok()?, month, day, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [_, date, time, "GMT"] => {
            let mut parts = date.splitn(3, '-');
            let (day, month) = (parts.next()?, parts.next()?);
            let year: u16 = parts.next().filter(|year| year.len() == 2)?.parse().ok()?;
            // Dates that are waited for lie in this century; a past one means no wait anyway.
            (2000 + year, month, day, time)
        }
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    if time.len() != "08:49:37".len() {
        return None;
    }
    format!("{year:04}-{month:02}-{day:02}T{time}Z").parse().ok()
}

/// Waits that double from a shortest to a longest, each shortened by up to a half at random, so
/// that orders that failed together do not ask together again.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    longest: Duration,
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Begins with waits of about `shortest`; equal seeds give equal waits.
    pub(crate) fn new(shortest: Duration, longest: Duration, seed: u64) -> Self {
        Self { longest, next: shortest.min(longest), random: seed }
    }

    /// Returns the next wait: between a half and the whole of what is doubled each time.
    pub(crate) fn wait(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.longest);
        let half = whole / 2;
        half + half.mul_f64(self.fraction())
    }

    /// Returns a number from 0 to 1, by `SplitMix64` (Steele, Lea and Flood, 2014): nobody must be
    /// kept from guessing it.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

/// Keeps the requests of all threads to one hoster apart, first come, first served.
///
/// It does not sleep: it gives out times.
#[derive(Debug)]
pub(crate) struct Pacer {
    interval: Duration,
    times: Mutex<Times>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    /// The first time that is not given out.
    next: Option<Instant>,
    /// Before this nothing may be sent.
    pause: Option<Instant>,
}

impl Pacer {
    /// Makes a pacer that puts the beginnings of requests at least `interval` apart.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, times: Mutex::new(Times::default()) }
    }

    /// Returns when the caller may send, `now` at the earliest, and keeps that time for it.
    ///
    /// # Errors
    /// For how long nobody may send, where the other side asked for a pause.
    pub(crate) fn slot(&self, now: Instant) -> Result<Instant, Duration> {
        self.change(|times| {
            let pause = times.pause.map(|until| until.saturating_duration_since(now));
            if let Some(left) = pause.filter(|left| !left.is_zero()) {
                return Err(left);
            }
            let slot = now.max(times.next.unwrap_or(now));
            // An interval beyond the end of time is one that nobody can mean.
            times.next = Some(slot.checked_add(self.interval).unwrap_or(slot));
            Ok(slot)
        })
    }

    /// Lets nobody send before `until`, however many threads ask for less.
    pub(crate) fn pause_until(&self, until: Instant) {
        self.change(|times| times.pause = times.pause.max(Some(until)));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Times) -> T) -> T {
        // Times are whole at every moment, whoever panicked.
        change(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn seconds(value: &str) -> Option<u64> {
        retry_after(value, at("1994-11-06T08:49:07Z"), LONGEST_WAIT).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_number_is_seconds_of_an_hour_at_most() {
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 120\t"), Some(120));
        assert_eq!(seconds("3601"), Some(3600));
        assert_eq!(seconds("99999999999999999999999999"), Some(3600));
        for malformed in ["", "-1", "+1", "1.5", "1 s", "0x1", "soon", "\u{661}"] {
            assert_eq!(seconds(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_date_in_any_of_its_three_forms_is_a_wait_until_then() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun Nov  6 08:49:37 1994"), Some(30));
        let late = at("2026-11-06T08:49:07Z");
        let wait = retry_after("Friday, 06-Nov-26 08:49:37 GMT", late, LONGEST_WAIT);
        assert_eq!(wait, Some(Duration::from_secs(30)));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0));
        assert_eq!(seconds("Fri, 06 Nov 2099 08:49:37 GMT"), Some(3600));
        for malformed in [
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nev 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(seconds(malformed), None, "{malformed}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_wait_of_an_hour_at_most_or_none(text in "\\PC*", second in 0i64..1 << 33) {
            let now = Timestamp::from_second(second).unwrap();
            let wait = retry_after(&text, now, LONGEST_WAIT);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }

        #[test]
        fn anything_like_a_date_is_a_wait_of_an_hour_at_most_or_none(
            text in "[A-Z][a-z]{2}, [0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,5} [0-9:.+-]{0,9} (GMT)?",
        ) {
            let wait = retry_after(&text, at("1994-11-06T08:49:07Z"), LONGEST_WAIT);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }

        #[test]
        fn a_wait_stays_between_half_and_whole_of_what_doubles_to_the_longest(
            shortest in 1u64..10_000, longest in 1u64..10_000_000, seed: u64,
        ) {
            let longest = Duration::from_millis(longest);
            let mut whole = Duration::from_millis(shortest).min(longest);
            let mut backoff = Backoff::new(Duration::from_millis(shortest), longest, seed);
            for _ in 0..40 {
                let wait = backoff.wait();
                prop_assert!(whole / 2 <= wait && wait <= whole, "{wait:?} of {whole:?}");
                whole = (whole * 2).min(longest);
            }
        }

        #[test]
        fn slots_keep_their_distance_and_heed_pauses(
            calls in proptest::collection::vec((0u64..500, proptest::option::of(0u64..500)), 1..60),
        ) {
            let interval = Duration::from_millis(100);
            let pacer = Pacer::new(interval);
            let mut now = Instant::now();
            let (mut last, mut pause) = (None, now);
            for (passed, paused) in calls {
                now += Duration::from_millis(passed);
                if let Some(paused) = paused {
                    pacer.pause_until(now + Duration::from_millis(paused));
                    pause = pause.max(now + Duration::from_millis(paused));
                }
                match pacer.slot(now) {
                    Ok(slot) => {
                        prop_assert!(slot >= now && now >= pause);
                        prop_assert!(last.is_none_or(|last| slot >= last + interval));
                        last = Some(slot);
                    }
                    Err(left) => prop_assert_eq!(now + left, pause),
                }
            }
        }
    }

    #[test]
    fn the_longest_of_several_pauses_counts() {
        let second = Duration::from_secs(1);
        let pacer = Pacer::new(second);
        let now = Instant::now();
        let slots = [pacer.slot(now), pacer.slot(now), pacer.slot(now)];
        assert_eq!(slots, [Ok(now), Ok(now + second), Ok(now + 2 * second)]);
        pacer.pause_until(now + 10 * second);
        pacer.pause_until(now + 5 * second);
        assert_eq!(pacer.slot(now + 4 * second), Err(6 * second));
        assert_eq!(pacer.slot(now + 10 * second), Ok(now + 10 * second));
    }

    #[test]
    fn threads_that_ask_at_once_get_slots_of_their_own() {
        let pacer = Pacer::new(Duration::from_millis(5));
        let now = Instant::now();
        let mut slots: Vec<Instant> = std::thread::scope(|scope| {
            let ask = || (0..50).map(|_| pacer.slot(now).unwrap()).collect::<Vec<_>>();
            let threads = [(); 8].map(|()| scope.spawn(ask));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        slots.sort();
        let wanted: Vec<Instant> =
            (0..400).map(|step| now + Duration::from_millis(5) * step).collect();
        assert_eq!(slots, wanted);
    }

    #[test]
    fn an_interval_without_end_does_not_panic() {
        let pacer = Pacer::new(Duration::MAX);
        let now = Instant::now();
        assert_eq!((pacer.slot(now), pacer.slot(now)), (Ok(now), Ok(now)));
    }
}
