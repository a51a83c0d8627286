//! Events that are missing.
//!
//! The recorder's own count and the seq of the database both go on without a gap. Where one is, events were lost: most
//! often since a ring was full, which the recording tells of itself by an event `events_lost`; that one is then the
//! finding. Any other gap is one by itself, unless events of those days were deleted as the policies say.

use std::collections::{BTreeMap, VecDeque};

use blotter_engine::event::{Day, Seq, Timestamp, names};
use serde::{Deserialize, Serialize};

use super::detector::{Detector, Order, saved_state};
use super::episode::Episode;
use super::finding::{Changes, Figure, Finding};
use super::seen::Seen;
use super::settings::SequenceGap;
use super::toml_values::nanos;

/// Gaps that wait for the event that tells of them, and such events that wait for their gap.
const PENDING_MAX: usize = 1024;
/// Recorders whose count is known; of the others the one that was heard longest ago is forgotten.
const PRODUCERS_MAX: usize = 10_000;

pub(crate) struct Detect {
    settings: SequenceGap,
    events_named: usize,
    /// Days of which events were deleted.
    deleted: Vec<Day>,
    state: State,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    next_seq: Option<u64>,
    last_ts: Timestamp,
    producers: BTreeMap<u32, Producer>,
    pending: VecDeque<Gap>,
    told: VecDeque<(u32, u64, u64)>,
    /// What is missing of each recorder, and of the database (`None`), as one finding each.
    open: Vec<Open>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Producer {
    next_pseq: u64,
    last_ts: Timestamp,
    last_seq: Seq,
}

/// A gap before an event.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Gap {
    /// `None`: of the database.
    producer: Option<u32>,
    first: u64,
    count: u64,
    before: (Timestamp, Seq),
    after: (Timestamp, Seq),
    found_at: Timestamp,
}

#[derive(Clone, Serialize, Deserialize)]
struct Open {
    producer: Option<u32>,
    /// Whether the recording told of it itself.
    is_told: bool,
    missing: u64,
    first: u64,
    episode: Episode,
    last_at: Timestamp,
}

impl Detect {
    pub(crate) fn new(settings: &SequenceGap, events_named: usize) -> Detect {
        Detect { settings: settings.clone(), events_named, deleted: Vec::new(), state: State::default() }
    }

    /// With days of which events were deleted, sorted.
    pub(crate) fn with_deleted(mut self, deleted: &[Day]) -> Detect {
        self.deleted = deleted.to_vec();
        self
    }

    fn is_deleted(&self, gap: &Gap) -> bool {
        let (one, other) = (gap.before.0.day(), gap.after.0.day());
        let (first, last) = (one.min(other), one.max(other));
        let at = self.deleted.partition_point(|day| *day < first);
        self.deleted.get(at).is_some_and(|day| *day <= last)
    }

    /// A gap that nobody told of in time.
    fn settle(&mut self, now: Timestamp, changes: &mut Changes) {
        let join_ns = nanos(self.settings.join);
        while let Some(gap) = self.state.pending.front().copied() {
            let is_full = self.state.pending.len() > PENDING_MAX;
            if !is_full && now.nanos().saturating_sub(gap.found_at.nanos()).saturating_abs() <= join_ns {
                break;
            }
            self.state.pending.pop_front();
            self.miss(gap.producer, false, gap.first, gap.count, [gap.before, gap.after], now, changes);
        }
        let is_over = |open: &Open| now.nanos().saturating_sub(open.last_at.nanos()) > join_ns;
        let (over, open): (Vec<Open>, Vec<Open>) = self.state.open.drain(..).partition(is_over);
        self.state.open = open;
        over.into_iter().for_each(|open| changes.ended(finding(&self.settings, &open)));
    }

    #[expect(clippy::too_many_arguments, reason = "what is missing, and where")]
    fn miss(
        &mut self,
        producer: Option<u32>,
        is_told: bool,
        first: u64,
        missing: u64,
        around: [(Timestamp, Seq); 2],
        now: Timestamp,
        changes: &mut Changes,
    ) {
        let known = |open: &&mut Open| open.producer == producer && open.is_told == is_told;
        if let Some(open) = self.state.open.iter_mut().find(known) {
            open.missing += missing;
            open.last_at = now;
            let (ts, seq) = around[1];
            open.episode.add(ts, seq, self.events_named);
            return;
        }
        let mut episode = Episode::new(around[0].0.min(around[1].0), around[0].1);
        if around[1].1 != around[0].1 {
            episode.add(around[1].0, around[1].1, self.events_named);
        }
        let open = Open { producer, is_told, missing, first, episode, last_at: now };
        changes.begun(finding(&self.settings, &open));
        self.state.open.push(open);
    }

    fn observe_lost(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let whole = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let lost = (whole(seen.lost_producer), whole(seen.lost_first_pseq), whole(seen.lost_count));
        let (Some(producer), Some(first), Some(count)) = lost else { return };
        let producer = u32::try_from(producer).unwrap_or(u32::MAX);
        let place = (seen.ts, seen.seq);
        self.miss(Some(producer), true, first, count, [place, place], seen.at, changes);
        let explains = |gap: &Gap| explains((producer, first, count), gap);
        self.state.pending.retain(|gap| !explains(gap));
        self.state.told.push_back((producer, first, count));
        if self.state.told.len() > PENDING_MAX {
            self.state.told.pop_front();
        }
    }

    fn note(&mut self, gap: Gap) {
        if !self.state.told.iter().any(|told| explains(*told, &gap)) && !self.is_deleted(&gap) {
            self.state.pending.push_back(gap);
        }
    }
}

/// Whether what was told covers a gap.
fn explains((producer, first, count): (u32, u64, u64), gap: &Gap) -> bool {
    gap.producer == Some(producer)
        && gap.first >= first
        && gap.first + gap.count <= first.saturating_add(count)
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "sequence_gap"
    }

    fn order(&self) -> Order {
        Order::Recording
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let place = (seen.ts, seen.seq);
        let state = &mut self.state;
        let mut found: [Option<Gap>; 2] = [None, None];
        let gap = |producer: Option<u32>, first: u64, next: u64, before: (Timestamp, Seq)| {
            let count = next - first;
            Gap { producer, first, count, before, after: place, found_at: seen.at }
        };
        if let Some(next) = state.next_seq.filter(|next| seen.seq.0 > *next) {
            found[0] = Some(gap(None, next, seen.seq.0, (state.last_ts, Seq(next.saturating_sub(1)))));
        }
        state.next_seq = Some(state.next_seq.unwrap_or(0).max(seen.seq.0 + 1));
        state.last_ts = seen.ts;
        let now = Producer { next_pseq: seen.pseq + 1, last_ts: seen.ts, last_seq: seen.seq };
        match state.producers.get_mut(&seen.producer.0) {
            Some(known) => {
                if seen.pseq > known.next_pseq {
                    let before = (known.last_ts, known.last_seq);
                    found[1] = Some(gap(Some(seen.producer.0), known.next_pseq, seen.pseq, before));
                }
                *known = Producer { next_pseq: known.next_pseq.max(now.next_pseq), ..now };
            }
            None => {
                if state.producers.len() >= PRODUCERS_MAX {
                    let oldest = state.producers.iter().min_by_key(|(_, known)| known.last_seq);
                    let oldest = oldest.map(|(number, _)| *number);
                    oldest.map(|number| state.producers.remove(&number));
                }
                state.producers.insert(seen.producer.0, now);
            }
        }
        found.into_iter().flatten().for_each(|gap| self.note(gap));
        if seen.event == names::EVENTS_LOST {
            self.observe_lost(seen, changes);
        }
    }

    fn tick(&mut self, now: Timestamp, changes: &mut Changes) {
        self.settle(now, changes);
    }

    fn finish(&mut self, _now: Timestamp, changes: &mut Changes) {
        self.settle(Timestamp::MAX, changes);
        self.settle(Timestamp::MAX, changes);
        for open in std::mem::take(&mut self.state.open) {
            changes.ended(finding(&self.settings, &open));
        }
    }

    saved_state!();
}

fn finding(settings: &SequenceGap, open: &Open) -> Finding {
    let Open { producer, is_told, missing, first, episode, .. } = open;
    let (subject, of, count) = match producer {
        Some(producer) => {
            (vec![("producer".into(), producer.to_string())], format!("recorder {producer}"), "pseq")
        }
        None => (Vec::new(), "the database".to_owned(), "seq"),
    };
    let why =
        if *is_told { "were lost, since its ring was full" } else { "are missing, and nothing tells why" };
    Finding {
        rule: "sequence_gap".to_owned(),
        level: settings.level,
        first_ts: episode.first_ts,
        last_ts: episode.last_ts,
        subject,
        sentence: format!("{missing} events of {of} {why}, from {count} {first} on"),
        figures: vec![Figure::new("missing", *missing, 1_u64)],
        events: episode.events.clone(),
    }
}
