//! What all parts of one running query share.

use std::sync::Arc;

use blotter_engine::Snapshot;
use blotter_engine::event::Timestamp;

use super::budget::Budget;
use super::report::Report;
use crate::cells::{Cells, Names, Slot};
use crate::error::Result;
use crate::plan::scalar::Condition;

/// Rows on their way through a step.
pub(crate) type RowStream = Box<dyn Iterator<Item = Result<Cells>> + Send>;

/// What a scan is asked for: events in (`ts`, `seq`) order.
#[derive(Clone, Debug)]
pub(crate) struct ScanRequest {
    /// Times, both included.
    pub(crate) between: (Timestamp, Timestamp),
    /// Which events.
    pub(crate) condition: Condition,
    /// Which fields are wanted; all if none are named.
    pub(crate) fields: Option<Vec<Slot>>,
    /// Latest first.
    pub(crate) backwards: bool,
}

/// Where rows come from.
pub(crate) trait Source: Send + Sync {
    /// Streams the events that match, in order; reads no further than is asked for.
    fn scan(&self, request: ScanRequest) -> Result<RowStream>;

    /// All events that match, in order, found by all threads at once. Takes memory of the budget.
    fn collect(&self, request: ScanRequest) -> Result<Vec<Cells>>;

    /// Runs a bound query of its own, as the right side of a join.
    fn run(&self, plan: &crate::plan::step::Plan) -> Result<RowStream>;
}

/// See the module.
pub(crate) struct Execution {
    /// What is read.
    pub(crate) snapshot: Snapshot,
    /// Its names.
    pub(crate) names: Arc<Names>,
    /// What it may take.
    pub(crate) budget: Budget,
    /// What it met.
    pub(crate) report: Report,
    /// Threads it may use.
    pub(crate) threads: usize,
    /// Whether what it met is told in the end, so that things are counted that cost time.
    pub(crate) explains: bool,
}
