//! Something that goes on: from when to when, and the events that show it.

use blotter_engine::event::{Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::finding::NamedEvents;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub(crate) first_ts: Timestamp,
    pub(crate) last_ts: Timestamp,
    pub(crate) events: NamedEvents,
    /// The worst that was measured.
    pub(crate) worst: f64,
    /// What it was held against when it began.
    pub(crate) threshold: f64,
}

impl Episode {
    /// Begins with an event.
    pub(crate) fn new(ts: Timestamp, seq: Seq) -> Episode {
        Episode { first_ts: ts, last_ts: ts, events: NamedEvents::one(seq), worst: 0.0, threshold: 0.0 }
    }

    /// Goes on with an event.
    pub(crate) fn add(&mut self, ts: Timestamp, seq: Seq, events_named: usize) {
        self.first_ts = self.first_ts.min(ts);
        self.last_ts = self.last_ts.max(ts);
        self.events.add(seq, events_named);
    }
}

/// The latest events of a kind, of which an episode is made when it is seen to have begun.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recent {
    events: std::collections::VecDeque<(Timestamp, Seq)>,
}

impl Recent {
    /// Remembers an event, and forgets the oldest of more than `max`.
    pub(crate) fn add(&mut self, at: Timestamp, seq: Seq, max: usize) {
        self.events.push_back((at, seq));
        while self.events.len() > max {
            self.events.pop_front();
        }
    }

    /// An episode of those in a window, of which the first is known, and the number.
    pub(crate) fn episode(&self, first: Option<(Timestamp, Seq)>, count: u64, max: usize) -> Option<Episode> {
        let (&(oldest_ts, oldest), &(last_ts, last)) = (self.events.front()?, self.events.back()?);
        let (first_ts, first) = first.unwrap_or((oldest_ts, oldest));
        let mut events = NamedEvents::one(first);
        for (at, seq) in &self.events {
            if *seq != first && *at >= first_ts && events.seqs.len() < max {
                events.seqs.push(*seq);
            }
        }
        (events.last, events.count) = (Some(last), count);
        Some(Episode { first_ts, last_ts, events, worst: 0.0, threshold: 0.0 })
    }
}
