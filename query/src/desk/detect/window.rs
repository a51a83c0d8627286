//! Counts over a sliding window, in a bounded number of parts.
//!
//! A window of a minute in twenty parts slides by three seconds: it covers the current part and the nineteen before
//! it. What comes late is counted where it belongs as long as that part is still there.

use std::collections::VecDeque;
use std::time::Duration;

use blotter_engine::event::{Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::toml_values::nanos;

/// See the module. Counts two things side by side: what is looked for, and what it is a share of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Window {
    part_ns: i64,
    parts: i64,
    counts: VecDeque<Part>,
    /// Number of the newest part.
    newest: i64,
    found: u64,
    all: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Part {
    number: i64,
    found: u64,
    all: u64,
    /// The first one found.
    first: Option<(Timestamp, Seq)>,
}

impl Window {
    pub(crate) fn new(length: Duration, parts: i64) -> Window {
        let part_ns = (nanos(length) / parts).max(1);
        Window { part_ns, parts, counts: VecDeque::new(), newest: i64::MIN, found: 0, all: 0 }
    }

    /// Counts an event; `found`: it is what is looked for, `all`: it is one of those it is a share of.
    #[inline]
    pub(crate) fn add(&mut self, at: Timestamp, seq: Seq, found: bool, all: bool) {
        let number = at.nanos().div_euclid(self.part_ns);
        self.slide_to(number);
        if number <= self.newest - self.parts {
            return;
        }
        let place = match self.counts.back() {
            Some(part) if part.number == number => self.counts.len() - 1,
            _ => self.place_of(number),
        };
        let part = &mut self.counts[place];
        part.found += u64::from(found);
        part.all += u64::from(all);
        if found && part.first.is_none() {
            part.first = Some((at, seq));
        }
        self.found += u64::from(found);
        self.all += u64::from(all);
    }

    fn place_of(&mut self, number: i64) -> usize {
        let place = self.counts.partition_point(|part| part.number < number);
        if self.counts.get(place).is_none_or(|part| part.number != number) {
            self.counts.insert(place, Part { number, found: 0, all: 0, first: None });
        }
        place
    }

    /// Leaves behind what is older than the window.
    #[inline]
    pub(crate) fn slide(&mut self, now: Timestamp) {
        self.slide_to(now.nanos().div_euclid(self.part_ns));
    }

    #[inline]
    fn slide_to(&mut self, number: i64) {
        if number <= self.newest {
            return;
        }
        self.newest = number;
        while let Some(part) = self.counts.front().filter(|part| part.number <= number - self.parts) {
            self.found -= part.found;
            self.all -= part.all;
            self.counts.pop_front();
        }
    }

    /// Forgets everything: the clock has gone back.
    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        (self.newest, self.found, self.all) = (i64::MIN, 0, 0);
    }

    /// How many were found.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    /// How many there are of those it is a share of.
    pub(crate) fn all(&self) -> u64 {
        self.all
    }

    /// The first one found in the window.
    pub(crate) fn first(&self) -> Option<(Timestamp, Seq)> {
        self.counts.iter().find_map(|part| part.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_by_parts_and_takes_what_is_late_but_not_too_late() {
        let mut window = Window::new(Duration::from_nanos(100), 10);
        let mut seq = 0;
        let mut add = |window: &mut Window, at: i64, found: bool| {
            seq += 1;
            window.add(Timestamp(at), Seq(seq), found, true);
        };
        for at in [0, 5, 10, 95] {
            add(&mut window, at, at != 5);
        }
        assert_eq!((window.found(), window.all(), window.first()), (3, 4, Some((Timestamp(0), Seq(1)))));
        window.slide(Timestamp(100));
        assert_eq!((window.found(), window.all(), window.first()), (2, 2, Some((Timestamp(10), Seq(3)))));
        add(&mut window, 9, true);
        assert_eq!(window.found(), 2, "too late");
        add(&mut window, 11, true);
        add(&mut window, 50, true);
        assert_eq!((window.found(), window.first()), (4, Some((Timestamp(10), Seq(3)))));
        window.slide(Timestamp(1_000));
        assert_eq!((window.found(), window.all(), window.first()), (0, 0, None));
        window.clear();
        add(&mut window, -7, true);
        assert_eq!(window.found(), 1);
    }
}
