//! How much a database holds and how old the newest of it is.

use blotter::event::Timestamp;
use blotter::segment::Projection;
use blotter::{Predicate, Snapshot};

use crate::commands::stats::first_unsealed_seq;

/// Unsealed events that are asked for their time, the last recorded: to ask all would take as long as a query.
const ASKED_EVENTS: u64 = 1_000;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freshness {
    events: u64,
    unsealed: u64,
    latest: Option<Timestamp>,
}

impl Freshness {
    /// Of a snapshot. Reads only the last of what is not sealed.
    pub(super) fn of(snapshot: &Snapshot) -> Freshness {
        let mut freshness =
            Freshness { events: 0, unsealed: snapshot.unsealed().0 + snapshot.left_in_rings(), latest: None };
        for segment in snapshot.segments() {
            freshness.events += segment.rows;
            freshness.latest = freshness.latest.max(Some(Timestamp(segment.ts_max)));
        }
        freshness.events += freshness.unsealed;
        if freshness.unsealed > 0 {
            let first = first_unsealed_seq(snapshot).max(snapshot.next_seq().0.saturating_sub(ASKED_EVENTS));
            let last_recorded = Predicate::all().seq_between(first, u64::MAX);
            let latest = snapshot.scan_backwards(&last_recorded, &Projection::fields([])).next();
            freshness.latest = freshness.latest.max(latest.map(|event| event.ts));
        }
        freshness
    }

    /// `1002 events, 2 of them not sealed yet, the latest of 2026-01-02T14:30:00.000000000Z, 3 s ago`
    pub(super) fn to_text(self, now: Timestamp) -> String {
        let Some(latest) = self.latest else { return "no events yet".to_owned() };
        let unsealed = match self.unsealed {
            0 => String::new(),
            unsealed => format!(", {unsealed} of them not sealed yet"),
        };
        let age = age(now.nanos().saturating_sub(latest.nanos()));
        let plural = if self.events == 1 { "event" } else { "events" };
        format!("{} {plural}{unsealed}, the latest of {latest}, {age}", self.events)
    }
}

/// About how long ago, in one unit.
fn age(nanos: i64) -> String {
    let seconds = nanos.unsigned_abs() / 1_000_000_000;
    let amount = match seconds {
        0 => format!("{} ms", nanos.unsigned_abs() / 1_000_000),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if nanos < 0 { format!("{amount} ahead of this clock") } else { format!("{amount} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        for (nanos, expected) in [
            (0, "0 ms ago"),
            (999_999_999, "999 ms ago"),
            (119_000_000_000, "119 s ago"),
            (120_000_000_000, "2 min ago"),
            (7_200_000_000_000, "2 h ago"),
            (172_800_000_000_000, "2 days ago"),
            (-5_000_000_000, "5 s ahead of this clock"),
            (i64::MIN, "106751 days ahead of this clock"),
        ] {
            assert_eq!(age(nanos), expected);
        }
    }

    #[test]
    fn freshness_reads_as_a_sentence() {
        let freshness = Freshness { events: 5, unsealed: 2, latest: Some(Timestamp(1)) };
        assert_eq!(
            freshness.to_text(Timestamp(3_000_000_001)),
            "5 events, 2 of them not sealed yet, the latest of 1970-01-01T00:00:00.000000001Z, 3 s ago"
        );
        let nothing = Freshness { events: 0, unsealed: 0, latest: None };
        assert_eq!(nothing.to_text(Timestamp(0)), "no events yet");
    }
}
