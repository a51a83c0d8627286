//! Amounts as people read them. Programs get them exact, in JSON.

/// `12.3 s`, `450 ms`, `2 h 5 min`.
pub(crate) use blotter::desk::report::shown::duration;
use blotter::event::Timestamp;
use blotter::ledger::Budget;
use chrono::SecondsFormat;

/// `1.23 GB`: three digits, decimal units.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64 / 1000.0;
    let mut unit = 0;
    // What would be rounded to 1000 has the next unit.
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let digits = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.digits$} {}", UNITS[unit])
}

/// `1 event`, `2 events`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// `30 d`, `5 y` for whole years of 365 days, `never`.
pub(crate) fn age(days: Option<u32>) -> String {
    match days {
        None => "never".to_owned(),
        Some(days) if days > 0 && days % 365 == 0 => format!("{} y", days / 365),
        Some(days) => format!("{days} d"),
    }
}

/// To the second, which is how people act.
pub(crate) fn second(at_ns: i64) -> String {
    Timestamp(at_ns).to_datetime().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `80% of the volume`, `500 GB`, `unlimited`.
pub(crate) fn budget(budget: Budget) -> String {
    match budget {
        Budget::Unlimited => "unlimited".to_owned(),
        Budget::Bytes(limit) => bytes(limit),
        Budget::Percent(percent) => format!("{percent}% of the volume"),
    }
}

/// How much smaller: `3.42x`; a dash without both.
pub(crate) fn ratio(before: u64, after: u64) -> String {
    if before == 0 || after == 0 { "-".to_owned() } else { format!("{:.2}x", before as f64 / after as f64) }
}

/// Bytes per event; a dash without events.
pub(crate) fn per_event(bytes: u64, events: u64) -> String {
    if events == 0 { "-".to_owned() } else { format!("{:.1}", bytes as f64 / events as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (size, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_996, "10.0 kB"),
            (99_960, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (1_234_567_890, "1.23 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }

    #[test]
    fn ages_are_in_the_unit_that_fits() {
        for (days, expected) in [
            (None, "never"),
            (Some(0), "0 d"),
            (Some(364), "364 d"),
            (Some(730), "2 y"),
            (Some(731), "731 d"),
        ] {
            assert_eq!(age(days), expected);
        }
        assert_eq!(
            (ratio(300, 100), ratio(0, 1), per_event(5, 2)),
            ("3.00x".into(), "-".into(), "2.5".into())
        );
    }
}
