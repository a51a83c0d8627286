//! What maintenance did and how long each kind of step took, as its progress told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use blotter::ledger::{JobRecord, TierChange};
use blotter::maintain::Progress;

/// Sums over runs.
#[derive(Default)]
pub(crate) struct Work {
    /// By the first word of the step.
    times: BTreeMap<String, Duration>,
    under_way: Option<(String, Instant)>,
    compacted: TierChange,
    warmed: TierChange,
    cooled: TierChange,
    dropped: TierChange,
}

impl Work {
    /// A step begins, and so the one before has ended.
    pub(crate) fn told(&mut self, progress: &Progress) {
        self.step_ended();
        let kind = progress.step.split(' ').next().unwrap_or_default().to_owned();
        self.under_way = Some((kind, Instant::now()));
    }

    /// A run has ended.
    pub(crate) fn did(&mut self, job: &JobRecord) {
        self.step_ended();
        self.compacted.add(&job.compacted);
        self.warmed.add(&job.warmed);
        self.cooled.add(&job.cooled);
        self.dropped.add(&job.dropped);
    }

    fn step_ended(&mut self) {
        if let Some((kind, began)) = self.under_way.take() {
            *self.times.entry(kind).or_default() += began.elapsed();
        }
    }

    fn time(&self, kind: &str) -> Duration {
        self.times.get(kind).copied().unwrap_or_default()
    }

    /// Events that were deleted.
    pub(crate) fn rows_dropped(&self) -> u64 {
        self.dropped.rows
    }

    /// A line for each kind of step that there was. Megabytes are those of segment files.
    pub(crate) fn print(&self, figure: &str) {
        let kinds = [
            ("compaction", "compact", self.compacted),
            ("warming", "warm", self.warmed),
            ("cooling", "cool", self.cooled),
            ("dropping", "delete", self.dropped),
        ];
        for (name, kind, change) in kinds.into_iter().filter(|(.., change)| change.partitions > 0) {
            let seconds = self.time(kind).as_secs_f64();
            let mega = |count: u64| count as f64 / 1e6;
            println!(
                "{figure} {name}: {:.3} M events/s, {:.1} MB/s read, {:.1} MB/s written ({} events of {} partitions, \
                 {} segments to {}, {:.1} MB to {:.1}, {:.2} to {:.2} bytes per event, in {seconds:.2} s)",
                mega(change.rows) / seconds,
                mega(change.bytes_before) / seconds,
                mega(change.bytes_after) / seconds,
                change.rows,
                change.partitions,
                change.segments_before,
                change.segments_after,
                mega(change.bytes_before),
                mega(change.bytes_after),
                change.bytes_before as f64 / change.rows as f64,
                change.bytes_after as f64 / change.rows as f64,
            );
        }
        println!(
            "{figure} removing what was replaced, and the record of the run: {:.2?}",
            self.time("remove")
        );
    }
}
