//! A bound query: what is read, and the steps its rows go through.

use blotter_engine::event::Timestamp;
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::scalar::{Condition, Scalar};
use crate::cells::Slot;
use crate::syntax::ast::{AggregateFunction, ShiftKind, Span};

/// A bound query.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Which events are read.
    pub(crate) filter: Condition,
    /// What becomes of them, in order.
    pub(crate) steps: Vec<Step>,
    /// The columns of the result.
    pub(crate) output: Output,
    /// Whether the plan, not the rows, was asked for.
    pub(crate) explain: bool,
    /// The zone that times are shown in.
    pub(crate) zone: Tz,
    /// How the rows are best shown.
    pub(crate) picture: Picture,
}

/// The columns of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    /// Those that each row has.
    Open,
    /// These, in this order.
    Listed(Vec<Slot>),
}

/// How rows are best shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Picture {
    /// As a table.
    #[default]
    Table,
    /// Columns are a time, then perhaps a key, then `count`, of bins of one width, none left out.
    Timeline,
    /// Columns are `from`, `to` and `count`.
    Histogram,
}

/// One step. Each gives its rows in a stated order: that of its input unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Keeps rows.
    Where(Condition),
    /// Makes rows of these columns only.
    Fields(Vec<(Slot, Scalar)>),
    /// Removes columns.
    FieldsExcept(Vec<Slot>),
    /// Sets columns, one after the other.
    Extend(Vec<(Slot, Scalar)>),
    /// Sorts, stable; null last. With a limit only the first rows are kept.
    Sort { keys: Vec<(Scalar, bool)>, limit: Option<u64> },
    /// The first rows.
    Head(u64),
    /// The last rows.
    Tail(u64),
    /// The first row of each combination.
    Distinct(Vec<(Slot, Scalar)>),
    /// Rows chosen by a hash of seq, or of their place where they have none.
    Sample(SampleSize),
    /// Aggregates; sorted by its keys in order, null last.
    Stats(Stats),
    /// Adds the bins without rows, with a count of 0, for each key.
    FillTimeline {
        ts: Slot,
        key: Option<Slot>,
        count: Slot,
        width_ns: i64,
        zone: Tz,
        range: (Option<Timestamp>, Option<Timestamp>),
    },
    /// Rows per range of values.
    Histogram { value: Scalar, width: Option<Decimal>, from: Slot, to: Slot, count: Slot, span: Span },
    /// Values of neighbouring rows.
    Shift { kind: ShiftKind, items: Vec<(Slot, Scalar)>, by: Vec<Scalar>, span: Span },
    /// One row per stretch of activity.
    Sessions(Sessions),
    /// All events that share a value with the rows.
    /// `is_recorded`: `from` holds what the rows' own events hold in it.
    Related { from: Slot, to: Slot, is_recorded: bool },
    /// All events around the rows.
    Context { before_ns: i64, after_ns: i64, filter: Condition, by: Slot },
    /// The latest row before each. Columns that both sides have stay those of the left; `renamed` are those of the right
    /// that later steps name with a prefix, with the slot of that name.
    Asof { plan: Box<Plan>, by: Vec<Slot>, within_ns: Option<i64>, renamed: Vec<(Slot, Slot)> },
    /// Rows of another query that agree; `renamed` as of `Asof`.
    Join { plan: Box<Plan>, on: Vec<(Slot, Slot)>, keep_unmatched: bool, renamed: Vec<(Slot, Slot)> },
    /// One row per order, sorted by its first event.
    Lifecycle(Lifecycle),
    /// What is missing from the database, as far as it may have happened between these times, both included. It reads
    /// the database itself, whatever rows come.
    Gaps { range: (Option<Timestamp>, Option<Timestamp>) },
}

impl Step {
    /// Whether each row of its result is made of one row, whatever the others are.
    pub(crate) fn is_by_row(&self) -> bool {
        matches!(self, Step::Where(_) | Step::Fields(_) | Step::FieldsExcept(_) | Step::Extend(_))
    }

    /// Whether it gives rows as they come and holds on to none.
    pub(crate) fn is_streaming(&self) -> bool {
        self.is_by_row() || matches!(self, Step::Head(_))
    }
}

impl Stats {
    /// The columns it needs.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> = self.keys.iter().flat_map(|(_, key)| key.slots()).collect();
        for aggregate in &self.aggregates {
            slots.extend(aggregate.arguments.iter().flat_map(Scalar::slots));
            slots.extend(aggregate.condition.slots());
            slots.extend(aggregate.function.needs_time().then_some(Slot::TS));
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }
}

/// `lifecycle`.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    pub(crate) of: Lives,
    /// The columns that are wanted, by their places in [`COLUMNS`](crate::orders::columns::COLUMNS).
    pub(crate) columns: Vec<usize>,
}

/// Whose lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lives {
    /// Those of all orders of the database; whatever rows come are not looked at.
    All,
    /// Those of the orders whose id the rows have in that column, with all their events in the database.
    Ids(Slot),
    /// What the rows tell, which are events in the order of (`ts`, `seq`).
    Rows,
}

/// How much is sampled.
#[derive(Clone, Debug)]
pub(crate) enum SampleSize {
    /// That many rows.
    Rows(u64),
    /// That share of them, of 1.
    Share(f64),
}

/// `stats`.
#[derive(Clone, Debug)]
pub(crate) struct Stats {
    /// What is computed.
    pub(crate) aggregates: Vec<BoundAggregate>,
    /// What it is computed for.
    pub(crate) keys: Vec<(Slot, Scalar)>,
    /// Seconds of one bin, if a key is a bin of `ts`, for `rate`.
    pub(crate) bin_seconds: Option<f64>,
}

/// One aggregate.
#[derive(Clone, Debug)]
pub(crate) struct BoundAggregate {
    pub(crate) function: AggregateFunction,
    pub(crate) arguments: Vec<Scalar>,
    pub(crate) condition: Condition,
    pub(crate) slot: Slot,
    pub(crate) span: Span,
}

/// `sessions`.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pub(crate) by: Vec<(Slot, Scalar)>,
    pub(crate) max_span_ns: Option<i64>,
    pub(crate) max_pause_ns: Option<i64>,
    /// First time, last time, their difference, events, first event name, last event name, highest level.
    pub(crate) start: Slot,
    pub(crate) end: Slot,
    pub(crate) duration: Slot,
    pub(crate) count: Slot,
    pub(crate) first_event: Slot,
    pub(crate) last_event: Slot,
    pub(crate) level: Slot,
}
