//! Times as a command line names them.

use crate::clock::{self, Timestamp};

/// What a time can be, for `--help`.
pub(super) const TIMES: &str = "\
A TIME is RFC 3339 as 2026-01-02T03:04:05Z, the beginning of a day (UTC) as 2026-01-02, or so long \
ago as 90s, 15m, 2h, 3d.";

/// Takes a time.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    moment(text, clock::now()).ok_or_else(|| TIMES.to_owned())
}

/// Returns the time that a text names.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(seconds) = ago(text) {
        return now.checked_sub(std::time::Duration::from_secs(seconds)).ok();
    }
    let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_day { format!("{text}T00:00:00Z").parse().ok() } else { text.parse().ok() }
}

/// Returns how many seconds ago `2h` or the like is.
fn ago(text: &str) -> Option<u64> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Option<String> {
        moment(text, "2026-01-10T12:00:00Z".parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_time_is_rfc_3339_a_day_or_so_long_ago() {
        for (text, expected) in [
            ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2h", "2026-01-10T10:00:00Z"),
            ("3d", "2026-01-07T12:00:00Z"),
            ("0s", "2026-01-10T12:00:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "h", "2", "-2h", "+2h", "2 h", "2026-13-01", "2026-01-02T03:04:05", "now"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none_without_a_panic(text in ".{0,24}", number: u64) {
            let _ = at(&text);
            for unit in ["s", "m", "h", "d"] {
                let _ = at(&format!("{number}{unit}"));
            }
        }
    }
}
