//! Zones, points in time and bins, by way of chrono alone.

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;

pub const SECOND_NS: i64 = 1_000_000_000;
pub const HOUR_NS: i64 = 3_600 * SECOND_NS;
pub const DAY_NS: i64 = 24 * HOUR_NS;

pub fn wall(ns: i64, zone: Tz) -> NaiveDateTime {
    DateTime::from_timestamp_nanos(ns).with_timezone(&zone).naive_local()
}

fn offset_ns(ns: i64, zone: Tz) -> i64 {
    let utc = DateTime::from_timestamp_nanos(ns).naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * SECOND_NS
}

fn ns_of(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp_nanos_opt().expect("the times of tests fit 64 bits")
}

/// The instant of a local time: the earlier of two; of none, the end of the gap.
pub fn instant(local: NaiveDateTime, zone: Tz) -> i64 {
    if let Some(time) = zone.from_local_datetime(&local).earliest() {
        return time.timestamp_nanos_opt().expect("the times of tests fit 64 bits");
    }
    // The first instant at which the wall clock has come past it.
    let (mut before, mut after) = (ns_of(local) - 30 * HOUR_NS, ns_of(local) + 30 * HOUR_NS);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if wall(middle, zone) < local { before = middle } else { after = middle }
    }
    after
}

pub fn day_start(date: NaiveDate, zone: Tz) -> i64 {
    instant(date.and_time(NaiveTime::MIN), zone)
}

pub fn time_of_day_ns(ns: i64, zone: Tz) -> i64 {
    let time = wall(ns, zone).time();
    i64::from(time.num_seconds_from_midnight()) * SECOND_NS + i64::from(time.nanosecond())
}

/// What a literal says about time.
pub enum Point {
    Instant(i64),
    /// The instant of its midnight.
    Date(NaiveDate),
    /// Nanoseconds since midnight, today.
    TimeOfDay(i64),
}

/// Reads `2026-01-02`, `2026-01-02T14:30[:05[.5]][Z|+01:00]`, `14:30[:05[.5]]`, `-2h`, `now`, `today`, `yesterday`.
pub fn point(text: &str, zone: Tz, now: i64) -> Option<Point> {
    match text.to_ascii_lowercase().as_str() {
        "now" => return Some(Point::Instant(now)),
        "today" => return Some(Point::Date(wall(now, zone).date())),
        "yesterday" => return wall(now, zone).date().pred_opt().map(Point::Date),
        _ => {}
    }
    if text.starts_with(['-', '+'])
        && let Ok(blotter::query::syntax::Query { filter: Some(filter), .. }) =
            blotter::query::syntax::parse(&format!("ts > {text}"))
        && let blotter::query::syntax::ast::FilterKind::Compare { right, .. } = filter.node
        && let blotter::query::syntax::ast::ExprKind::Literal(literal) = right.node
        && let blotter::query::syntax::ast::LiteralKind::Duration(ns) = literal.kind
    {
        return Some(Point::Instant(now + ns));
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(Point::Date(date));
    }
    for format in ["%H:%M", "%H:%M:%S%.f"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, format) {
            let seconds = i64::from(time.num_seconds_from_midnight());
            return Some(Point::TimeOfDay(seconds * SECOND_NS + i64::from(time.nanosecond())));
        }
    }
    let text = text.replace(' ', "T");
    for format in ["%Y-%m-%dT%H:%M%:z", "%Y-%m-%dT%H:%M:%S%.f%:z"] {
        let with_offset = text.strip_suffix('Z').map_or(text.clone(), |text| format!("{text}+00:00"));
        if let Ok(time) = DateTime::parse_from_str(&with_offset, format) {
            return time.timestamp_nanos_opt().map(Point::Instant);
        }
    }
    for format in ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(&text, format) {
            return Some(Point::Instant(instant(local, zone)));
        }
    }
    None
}

impl Point {
    pub fn instant(&self, zone: Tz, now: i64) -> i64 {
        match self {
            Point::Instant(ns) => *ns,
            Point::Date(date) => day_start(*date, zone),
            Point::TimeOfDay(ns) => {
                let time = NaiveTime::MIN + TimeDelta::nanoseconds(*ns);
                instant(wall(now, zone).date().and_time(time), zone)
            }
        }
    }
}

/// The start of the bin that an instant lies in.
pub fn bin(ns: i64, width: i64, zone: Tz) -> i64 {
    if width % DAY_NS == 0 {
        let days = width / DAY_NS;
        let date = wall(ns, zone).date();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("it is a date");
        // Weeks begin on Mondays, and 1970 began on a Thursday.
        let from = if days % 7 == 0 { epoch - TimeDelta::days(3) } else { epoch };
        let back = (date - from).num_days().rem_euclid(days);
        return day_start(date - TimeDelta::days(back), zone);
    }
    if DAY_NS % width != 0 {
        return ns - ns.rem_euclid(width);
    }
    let mut at = ns;
    loop {
        let offset = offset_ns(at, zone);
        let local = at + offset;
        let multiple = local - local.rem_euclid(width);
        let change = last_change(at, zone);
        let start = multiple - offset;
        match change {
            Some(change) if start < change => {
                // Either the clock jumped over the multiple, or the bin goes on from before the change.
                if multiple >= change + offset_ns(change - 1, zone) {
                    return change;
                }
                at = change - 1;
            }
            _ => return start,
        }
    }
}

/// When, within the last two days, the wall clock last changed.
fn last_change(ns: i64, zone: Tz) -> Option<i64> {
    let offset = offset_ns(ns, zone);
    let steps = (0..2 * 24 * 4).map(|step| ns - step * HOUR_NS / 4);
    let mut before = steps.skip(1).find(|at| offset_ns(*at, zone) != offset)?;
    let mut after = before + HOUR_NS / 4;
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if offset_ns(middle, zone) == offset { after = middle } else { before = middle }
    }
    Some(after)
}

/// The starts of all bins from that of one instant to that of another.
pub fn bins(first: i64, last: i64, width: i64, zone: Tz) -> Vec<i64> {
    let (first, last) = (bin(first, width, zone), bin(last, width, zone));
    let mut starts = vec![first];
    let mut at = first;
    while let Some(start) = starts.last().copied().filter(|start| *start < last) {
        // Steps of at most a quarter of an hour miss no bin, for clocks change by a quarter of an hour or more.
        at += width.min(HOUR_NS / 4);
        let next = bin(at, width, zone);
        if next > start {
            starts.push(next);
        }
    }
    starts
}

pub fn weekday(ns: i64, zone: Tz) -> i64 {
    i64::from(wall(ns, zone).weekday().number_from_monday())
}
