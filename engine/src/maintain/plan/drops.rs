//! When deletions that are due wait: for a confirmation where they are too many or the clock is far ahead, and where
//! the clock went back.
//!
//! A clock that is wrong must not delete anything wholesale. A clock that went ahead is found by the time that passed
//! since the newest event and the last job; should events with its wrong time have been recorded meanwhile, by the
//! share of all events that would go.

use std::collections::BTreeSet;

use super::partitions::Holding;
use super::step::{Counted, Drop};
use super::{DAY_NS, Earlier};
use crate::catalog::ledger::{DropReason, JobKind, JobOutcome, JobRecord, Ledger};
use crate::event::{Day, Timestamp};

/// Days without event and job after which the clock is not believed without confirmation.
const QUIET_DAYS_MAX: i64 = 31;
/// Share of all events, in percent, beyond which a run's deletions need confirmation.
const SHARE_PERCENT_MAX: u64 = 20;
/// ... if they are of more days than these, or one was due longer ago than it takes to notice that nothing is maintained:
/// then they were not recorded lately, but brought here.
const SHARE_DAYS_MAX: usize = 3;
const OVERDUE_DAYS_MAX: u32 = 31;
const HINT: &str = "hint: check the clock and the policies, then run `blotter maintain DIR --force`";

/// What is wrong with going by a time that the clock has not reached.
pub(super) fn time_to_come(now_ns: i64, clock_ns: i64) -> Option<String> {
    if now_ns.saturating_sub(clock_ns) <= DAY_NS {
        return None;
    }
    let (now, clock) = (Timestamp(now_ns), Timestamp(clock_ns));
    Some(format!(
        "{now} is still to come, the clock says {clock}: nothing is deleted by it, confirmed or not; hint: with \
         `--dry-run` it shows what will be"
    ))
}

/// What is wrong with a clock that is more than a day behind the last run.
pub(super) fn clock_behind(ledger: &Ledger, now_ns: i64, is_forced: bool) -> Option<String> {
    let last = runs(ledger).next()?.at_ns;
    if last.saturating_sub(now_ns) <= DAY_NS {
        return None;
    }
    let (now, last) = (Timestamp(now_ns), Timestamp(last));
    let outcome = match is_forced {
        true => "what is due by this clock is deleted all the same, as was asked for",
        false => "nothing is deleted in this run; the next goes by this clock",
    };
    Some(format!(
        "the clock says {now}, which is before the last run at {last}: {outcome}; hint: check the clock"
    ))
}

/// What is doubtful about a clock that is long after the newest event and the last run.
pub(super) fn clock_ahead(ledger: &Ledger, holdings: &[Holding<'_>], now_ns: i64) -> Option<String> {
    // Events that are still to come say nothing of what time it is.
    let segments = holdings.iter().flat_map(|holding| &holding.segments);
    let newest =
        segments.filter(|segment| segment.ts_min <= now_ns).map(|segment| segment.ts_max.min(now_ns)).max();
    let known = newest.max(trusted_run(ledger).map(|job| job.at_ns))?;
    if now_ns.saturating_sub(known) <= QUIET_DAYS_MAX * DAY_NS {
        return None;
    }
    let (now, known) = (Timestamp(now_ns), Timestamp(known));
    Some(format!(
        "the clock says {now}, more than {QUIET_DAYS_MAX} days after the newest event and the last run, {known}: \
         nothing is deleted without confirmation; {HINT}"
    ))
}

/// What is wrong with deleting so much in one run.
pub(super) fn share_exceeded<'d>(
    ledger: &Ledger,
    holdings: &[Holding<'_>],
    today: Day,
    earlier: &'d Earlier,
    drops: impl Iterator<Item = &'d Drop>,
) -> Option<String> {
    let by_itself = |drop: &&Drop| drop.why != DropReason::Hand;
    let dropped_before = earlier.dropped.iter().filter(by_itself);
    let all: u64 = holdings.iter().map(|holding| holding.rows).sum::<u64>()
        + dropped_before.clone().map(|drop| drop.rows).sum::<u64>();
    let mut rows = 0;
    let (mut days, mut overdue_days) = (BTreeSet::new(), 0);
    for drop in dropped_before.chain(drops) {
        rows += drop.rows;
        days.insert(drop.partition.day);
        overdue_days = overdue_days.max(drop.overdue_days);
    }
    let days_max = if is_time_known(ledger, holdings, today) { SHARE_DAYS_MAX } else { 0 };
    let is_large = u128::from(rows) * 100 > u128::from(all) * u128::from(SHARE_PERCENT_MAX);
    if !is_large || days.len() <= days_max && overdue_days <= OVERDUE_DAYS_MAX {
        return None;
    }
    let (first, last) = (days.first()?, days.last()?);
    let percent = rows as f64 * 100.0 / all as f64;
    Some(format!(
        "{} of {all} would be deleted ({percent:.1} %), those of {} from {first} to {last}: more than \
         {SHARE_PERCENT_MAX} % are not deleted without confirmation; {HINT}",
        Counted(rows, "event"),
        Counted(days.len() as u64, "day"),
    ))
}

/// Whether events lead from the last run to today without a long pause. After one, even a few days of data are not
/// deleted wholesale: events recorded by a wrong clock make that clock look right.
fn is_time_known(ledger: &Ledger, holdings: &[Holding<'_>], today: Day) -> bool {
    let days = || holdings.iter().map(|holding| holding.partition.day).filter(|day| *day <= today);
    let Some(mut reached) =
        trusted_run(ledger).map(|job| Timestamp(job.at_ns).day()).or_else(|| days().next())
    else {
        return true;
    };
    let is_near = |from: Day, to: Day| i64::from(to.0) - i64::from(from.0) <= QUIET_DAYS_MAX;
    // Days come in their order.
    for day in days() {
        if !is_near(reached, day) {
            return false;
        }
        reached = reached.max(day);
    }
    is_near(reached, today)
}

/// Runs of maintenance, the last first.
fn runs(ledger: &Ledger) -> impl Iterator<Item = &JobRecord> {
    ledger.jobs().rev().map(|(job, _)| job).filter(|job| job.kind == JobKind::Maintain)
}

/// The last run whose clock nobody doubted: one that waits for confirmation must not confirm the next, nor one that was
/// interrupted, which does not tell whether it waited.
fn trusted_run(ledger: &Ledger) -> Option<&JobRecord> {
    runs(ledger).find(|job| matches!(job.outcome, JobOutcome::Done | JobOutcome::Incomplete))
}
