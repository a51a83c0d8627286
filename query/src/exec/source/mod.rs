//! Where rows come from: the sealed segments, read by column, and what is unsealed, read by record.
//!
//! ```text
//! condition ─▶ prune (times, categories, levels, index) ─▶ segments ─▶ blocks ─▶ filter ─▶ rows
//!                                                      └─▶ unsealed parts ─▶ records ──────┘
//! ```

pub(crate) mod columns;
mod filter;
mod messages;
mod ordered;
mod parallel;
pub(crate) mod prune;
mod ranges;
pub(crate) mod records;
mod row_set;
pub(crate) mod segment_rows;
pub(crate) mod top;
pub(crate) mod unsealed_rows;

use std::collections::HashSet;
use std::sync::Arc;

use blotter_engine::view::{SegmentPart, UnsealedPart};

pub(crate) use self::filter::SegmentFilter;
use self::ordered::OrderedRows;
pub(crate) use self::parallel::{Unit, each_unit, units};
use self::prune::Pruning;
use self::segment_rows::SegmentRows;
use super::execution::{Execution, RowStream, ScanRequest, Source};
use super::report::Count;
use crate::cells::Cells;
use crate::error::Result;
use crate::plan::scalar::Condition;
use crate::plan::step::Plan;

impl Execution {
    /// The segments that may hold a match.
    pub(crate) fn segment_parts(&self, pruning: &Pruning) -> Vec<SegmentPart> {
        let parts = self.snapshot.segment_parts(&pruning.predicate);
        if self.explains {
            let partitions: HashSet<_> =
                parts.iter().map(|part| (part.meta().day, part.meta().category.as_str())).collect();
            self.report.add(Count::PartitionsConsidered, partitions.len() as u64);
        }
        self.report.add(Count::Scans, 1);
        self.report.add(Count::SegmentsConsidered, parts.len() as u64);
        parts
    }

    /// What is unsealed and may hold a match.
    pub(crate) fn unsealed_parts(&self, pruning: &Pruning) -> Vec<UnsealedPart> {
        self.snapshot.unsealed_parts(&pruning.predicate)
    }

    /// Opens a segment; `None` if it holds no match.
    ///
    /// # Errors
    /// IO errors and damage.
    pub(crate) fn open(
        &self,
        part: &SegmentPart,
        condition: &Condition,
        pruning: &Pruning,
    ) -> Result<Option<SegmentRows>> {
        SegmentRows::open(part.open()?, condition, pruning, &self.names, &self.report)
    }
}

/// The database as a source of rows.
pub(crate) struct Database(pub(crate) Arc<Execution>);

impl Source for Database {
    fn scan(&self, request: ScanRequest) -> Result<RowStream> {
        Ok(Box::new(OrderedRows::new(&self.0, request)?))
    }

    fn collect(&self, request: ScanRequest) -> Result<Vec<Cells>> {
        parallel::collect(&self.0, request)
    }

    fn run(&self, plan: &Plan) -> Result<RowStream> {
        super::driver::run(plan, &self.0)
    }
}
