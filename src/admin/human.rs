//! Times and widths as people see them: pure.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// Returns a time in the two greatest units that it has.
pub(super) fn duration(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match seconds {
        0 => format!("{millis}ms"),
        1..10 => format!("{seconds}.{}s", millis / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Returns how many columns of a terminal a text takes: wide letters take two, accents none.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|one| one.width().unwrap_or(0)).sum()
}

/// Returns as much of a text as fits into so many columns; one that was cut ends in `…`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut short: String = text
        .chars()
        .take_while(|one| {
            let fits = one.width().unwrap_or(0) <= left;
            left = left.saturating_sub(one.width().unwrap_or(0));
            fits
        })
        .collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_has_its_two_greatest_units() {
        for (millis, expected) in [
            (0, "0ms"),
            (999, "999ms"),
            (4250, "4.2s"),
            (42_000, "42s"),
            (125_000, "2m 05s"),
            (7_500_000, "2h 05m"),
            (180_000_000, "2d 02h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    proptest! {
        #[test]
        fn what_was_cut_fits(text in "[a-zёи\u{306}云🚀 ]{0,40}", columns in 0_usize..30) {
            let short = cut(&text, columns);
            prop_assert!(width(&short) <= columns, "{short}");
            prop_assert!(width(&text) > columns || short == text);
        }
    }
}
