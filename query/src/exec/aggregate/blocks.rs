//! Aggregates over the database itself: by unit, block by block.

use std::sync::Arc;

use blotter_engine::event::{Category, Level};
use blotter_engine::segment::{ColumnVector, Decimals, Presence, Values};
use blotter_engine::view::SegmentPart;

use super::accumulator::Accumulator;
use super::groups::{Groups, accumulators, add_arguments, group_bytes};
use super::keys::{KeyCodes, Pairs};
use crate::cells::{Cells, Slot};
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::exec::execution::{Execution, ScanRequest};
use crate::exec::report::Count;
use crate::exec::source::columns::{Block, BlockColumn, vector_value};
use crate::exec::source::prune::Pruning;
use crate::exec::source::records::Record;
use crate::exec::source::segment_rows::{Matches, SegmentRows};
use crate::exec::source::unsealed_rows::fields_of;
use crate::exec::source::{SegmentFilter, Unit, each_unit, units};
use crate::plan::scalar::{Condition, Scalar};
use crate::plan::step::{BoundAggregate, Stats};
use crate::syntax::ast::AggregateFunction;

/// Most groups for which a block's sums are kept apart before they are added up.
const LOCAL_GROUPS_MAX: usize = 4096;

/// Aggregates the events that match, by all threads.
///
/// # Errors
/// Wrong values, and the bounds of the query.
pub(crate) fn blocks(execution: &Arc<Execution>, request: &ScanRequest, stats: &Stats) -> Result<Vec<Cells>> {
    let pruning = Pruning::new(&request.condition, request.between, &execution.names, &execution.snapshot);
    let units = units(execution, &pruning);
    let counting = Counting::of(stats);
    let work = Work { execution, condition: &request.condition, pruning: &pruning, stats, counting };
    let found = each_unit(execution, &units, |unit, result: &mut UnitResult| work.run(unit, result))?;
    let mut groups = Groups::new(stats);
    for mut unit in found {
        for (number, keys) in unit.keys.into_iter().enumerate() {
            let group = groups.group(keys, execution)?;
            let pairs = groups.accumulators.iter_mut().zip(&mut unit.accumulators).zip(&stats.aggregates);
            for ((own, other), aggregate) in pairs {
                own.merge(group, other, number).map_err(|error| error.or_place(aggregate.span))?;
            }
        }
        execution.budget.release(unit.bytes);
    }
    groups.finish(execution)
}

/// What a unit gives: its groups, and their accumulators.
#[derive(Default)]
struct UnitResult {
    keys: Vec<Box<[Datum]>>,
    accumulators: Vec<Accumulator>,
    /// Memory taken for both until they are merged.
    bytes: usize,
}

struct Work<'q> {
    execution: &'q Arc<Execution>,
    condition: &'q Condition,
    pruning: &'q Pruning,
    stats: &'q Stats,
    counting: Option<Counting>,
}

/// What is counted, where counts of the catalog and of blocks answer without looking at rows.
#[derive(Clone, Copy, Debug)]
struct Counting {
    by_level: bool,
}

impl Counting {
    fn of(stats: &Stats) -> Option<Counting> {
        let counts_all = |aggregate: &BoundAggregate| {
            aggregate.function == AggregateFunction::Count
                && aggregate.arguments.is_empty()
                && matches!(aggregate.condition, Condition::Always)
        };
        let is_fixed = |(_, key): &(Slot, Scalar)| {
            matches!(key, Scalar::Column(Slot::CATEGORY | Slot::LEVEL) | Scalar::Constant(_))
        };
        let by_level = stats.keys.iter().any(|(_, key)| matches!(key, Scalar::Column(Slot::LEVEL)));
        (stats.aggregates.iter().all(counts_all) && stats.keys.iter().all(is_fixed))
            .then_some(Counting { by_level })
    }
}

impl Work<'_> {
    fn run(&self, unit: &Unit, result: &mut UnitResult) -> Result<()> {
        match unit {
            Unit::Segment(part) => self.segment(part, result),
            Unit::Unsealed(part) => {
                let needed = self.stats.slots();
                let fields = fields_of(self.condition, Some(&needed), &self.execution.names);
                let mut groups = Groups::new(self.stats);
                let mut records = 0u32;
                let read = part.each(|_, event| -> Result<()> {
                    if !self.pruning.admits_event(event.ts, event.category, event.level) {
                        return Ok(());
                    }
                    records += 1;
                    if records.is_multiple_of(1024) {
                        self.execution.budget.check()?;
                    }
                    self.execution.report.record();
                    let record = Record::read(event, &self.execution.names, &fields)?;
                    if self.condition.holds(&record)? {
                        self.execution.report.matched(1);
                        groups.add(&record, (event.ts.nanos(), event.seq.0), self.execution)?;
                    }
                    Ok(())
                });
                (result.keys, result.accumulators, result.bytes) = groups.into_parts();
                read
            }
        }
    }

    fn segment(&self, part: &SegmentPart, result: &mut UnitResult) -> Result<()> {
        let meta = part.meta();
        let report = &self.execution.report;
        if let Some(Counting { by_level: false }) = self.counting
            && self.pruning.covers(meta)
            && let Some(category) = Category::custom(&meta.category)
        {
            // Its rows are counted in the catalog, but what is not there must not be.
            part.check()?;
            report.add(Count::SegmentsCounted, 1);
            report.matched(meta.rows as usize);
            self.count(category, None, meta.rows, result);
            return Ok(());
        }
        let Some(mut rows) = self.execution.open(part, self.condition, self.pruning)? else { return Ok(()) };
        if self.counting.is_some() && rows.matches_all() {
            return self.count_blocks(&rows, result);
        }
        let mut unit = UnitGroups::new(self.stats);
        let read = self.aggregate(&mut rows, &mut unit);
        *result = unit.finish();
        let bytes: usize = result.accumulators.iter_mut().map(Accumulator::shrink).sum();
        self.execution.budget.take(bytes)?;
        read
    }

    fn aggregate(&self, rows: &mut SegmentRows, unit: &mut UnitGroups<'_>) -> Result<()> {
        while let Some(matches) = rows.next(false, &self.execution.report)? {
            self.execution.budget.check()?;
            unit.add(&matches, self.execution)?;
        }
        Ok(())
    }

    /// Counts the rows of a segment that all match, by level.
    fn count_blocks(&self, rows: &SegmentRows, result: &mut UnitResult) -> Result<()> {
        let segment = &rows.columns.segment;
        let mut counts = [0u64; Level::ALL.len()];
        for block in 0..segment.block_count() {
            for (count, rows) in counts.iter_mut().zip(segment.level_counts(block)?) {
                *count += u64::from(rows);
            }
        }
        let report = &self.execution.report;
        report.add(Count::SegmentsCounted, 1);
        report.matched(segment.rows() as usize);
        for (level, count) in Level::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.count(rows.columns.category, Some(level), count, result);
        }
        Ok(())
    }

    fn count(&self, category: Category, level: Option<Level>, count: u64, result: &mut UnitResult) {
        let key = |(_, scalar): &(Slot, Scalar)| match scalar {
            Scalar::Column(Slot::CATEGORY) => Datum::Category(category),
            Scalar::Column(Slot::LEVEL) => level.map_or(Datum::Null, Datum::Level),
            Scalar::Constant(datum) => datum.clone(),
            _ => unreachable!("only these keys are counted without looking at rows"),
        };
        let keys: Box<[Datum]> = self.stats.keys.iter().map(key).collect();
        if result.accumulators.is_empty() {
            result.accumulators = accumulators(&self.stats.aggregates);
        }
        let number = result.keys.iter().position(|known| *known == keys).unwrap_or_else(|| {
            result.keys.push(keys);
            result.keys.len() - 1
        });
        for accumulator in &mut result.accumulators {
            accumulator.resize(number + 1);
            if let Accumulator::Count(counts) = accumulator {
                counts[number] += count;
            }
        }
    }
}

/// The groups of one segment.
struct UnitGroups<'p> {
    stats: &'p Stats,
    keys: Vec<KeyCodes>,
    /// Each combines the keys before with one more.
    pairs: Vec<Pairs>,
    accumulators: Vec<Accumulator>,
    /// The columns needed.
    slots: Vec<Slot>,
    groups: usize,
    /// Memory taken for them.
    bytes: usize,
    // Room used again for each block.
    group_of_row: Vec<u32>,
    codes: Vec<u32>,
}

impl<'p> UnitGroups<'p> {
    fn new(stats: &'p Stats) -> UnitGroups<'p> {
        UnitGroups {
            stats,
            keys: stats.keys.iter().map(|(_, scalar)| KeyCodes::new(scalar)).collect(),
            pairs: stats.keys.iter().skip(1).map(|_| Pairs::default()).collect(),
            accumulators: accumulators(&stats.aggregates),
            slots: stats.slots(),
            groups: 0,
            bytes: 0,
            group_of_row: Vec::new(),
            codes: Vec::new(),
        }
    }

    fn add(&mut self, matches: &Matches, execution: &Execution) -> Result<()> {
        let Matches { block, rows } = matches;
        // All that is needed is decoded before anything is added: of a damaged block no aggregate has more than others.
        block.prepare(&self.slots)?;
        let mut group_of_row = std::mem::take(&mut self.group_of_row);
        self.number_groups(block, rows, &mut group_of_row)?;
        let before = self.groups;
        let greatest = group_of_row.iter().max().map_or(0, |greatest| *greatest as usize + 1);
        self.groups = self.groups.max(greatest);
        if self.groups > before {
            // Their keys are looked at when the unit is done; ids are as long as this, about.
            let bytes = (self.groups - before)
                * group_bytes(&vec![Datum::Null; self.keys.len()], self.accumulators.len());
            execution.budget.take(bytes)?;
            self.bytes += bytes;
            self.accumulators.iter_mut().for_each(|accumulator| accumulator.resize(self.groups));
        }
        let mut bytes = 0;
        for (aggregate, accumulator) in self.stats.aggregates.iter().zip(&mut self.accumulators) {
            let added = if matches!(aggregate.condition, Condition::Always) {
                accumulate(aggregate, accumulator, block, rows, &group_of_row)
            } else {
                let mut filter = SegmentFilter::new(&aggregate.condition, &block.columns);
                let holds = filter.rows_of(block)?;
                let taken = rows.iter().zip(&group_of_row).filter(|(row, _)| holds.contains(**row as usize));
                let (rows, groups): (Vec<u32>, Vec<u32>) = taken.map(|(row, group)| (*row, *group)).unzip();
                accumulate(aggregate, accumulator, block, &rows, &groups)
            };
            bytes += added.map_err(|error| error.or_place(aggregate.span))?;
        }
        self.group_of_row = group_of_row;
        if bytes > 0 { execution.budget.take(bytes) } else { Ok(()) }
    }

    fn number_groups(&mut self, block: &Block, rows: &[u32], groups: &mut Vec<u32>) -> Result<()> {
        let Some((first, others)) = self.keys.split_first_mut() else {
            groups.clear();
            groups.resize(rows.len(), 0);
            return Ok(());
        };
        first.encode(block, rows, groups)?;
        for (key, pairs) in others.iter_mut().zip(&mut self.pairs) {
            key.encode(block, rows, &mut self.codes)?;
            pairs.number(groups, &self.codes);
        }
        Ok(())
    }

    fn finish(self) -> UnitResult {
        let key = |group: usize| -> Box<[Datum]> {
            let mut codes = vec![0; self.keys.len()];
            let mut number = group as u32;
            for (at, pairs) in self.pairs.iter().enumerate().rev() {
                let (before, code) = pairs.get(number);
                codes[at + 1] = code;
                number = before;
            }
            if let Some(first) = codes.first_mut() {
                *first = number;
            }
            let keys = self.keys.iter().zip(codes);
            keys.map(|(key, code)| key.value(code).clone()).collect()
        };
        let keys = (0..self.groups).map(key).collect();
        UnitResult { keys, accumulators: self.accumulators, bytes: self.bytes }
    }
}

/// Adds the rows of a block to an aggregate; gives the bytes kept.
fn accumulate(
    aggregate: &BoundAggregate,
    accumulator: &mut Accumulator,
    block: &Block,
    rows: &[u32],
    groups: &[u32],
) -> Result<usize> {
    if aggregate.arguments.is_empty()
        && let Accumulator::Count(counts) = accumulator
    {
        groups.iter().for_each(|group| counts[*group as usize] += 1);
        return Ok(0);
    }
    let order_of =
        |row: u32| -> Result<(i64, u64)> { Ok((block.times()?[row as usize], block.seqs()?[row as usize])) };
    if let [Scalar::Column(slot)] = aggregate.arguments[..]
        && !matches!(accumulator, Accumulator::Rate { .. })
        && let BlockColumn::Fields(vectors) = block.column(slot)?
    {
        let mut bytes = 0;
        for vector in vectors {
            if accumulate_vector(accumulator, vector, rows, groups)? {
                continue;
            }
            for (row, group) in rows.iter().zip(groups) {
                if vector.presence.has(*row as usize) {
                    let value = vector_value(vector, *row as usize);
                    bytes += accumulator.add(*group as usize, order_of(*row)?, value, DatumRef::Null)?;
                }
            }
        }
        return Ok(bytes);
    }
    let mut needed: Vec<Slot> = aggregate.arguments.iter().flat_map(Scalar::slots).collect();
    needed.push(Slot::TS);
    block.prepare(&needed)?;
    let mut bytes = 0;
    for (row, group) in rows.iter().zip(groups) {
        let (order, cells) = (order_of(*row)?, block.row(*row as usize));
        bytes += add_arguments(aggregate, accumulator, *group as usize, &cells, order)?;
    }
    Ok(bytes)
}

/// Sums of the numbers of a block.
struct LocalSums {
    sums: Vec<i128>,
    counts: Vec<u64>,
}

impl LocalSums {
    fn of(values: &[i64], presence: &Presence, rows: &[u32], groups: &[u32], count: usize) -> LocalSums {
        let mut local = LocalSums { sums: vec![0; count], counts: vec![0; count] };
        each_present(presence, rows, groups, |row, group| {
            local.sums[group] += i128::from(values[row]);
            local.counts[group] += 1;
        });
        local
    }

    fn nonempty(self) -> impl Iterator<Item = (usize, i128, u64)> {
        let sums = self.sums.into_iter().zip(self.counts).enumerate();
        sums.filter(|(_, (_, count))| *count > 0).map(|(group, (sum, count))| (group, sum, count))
    }
}

#[inline]
fn each_present(presence: &Presence, rows: &[u32], groups: &[u32], mut take: impl FnMut(usize, usize)) {
    match presence {
        Presence::None => {}
        Presence::All => {
            for (row, group) in rows.iter().zip(groups) {
                take(*row as usize, *group as usize);
            }
        }
        presence => {
            for (row, group) in rows.iter().zip(groups) {
                if presence.has(*row as usize) {
                    take(*row as usize, *group as usize);
                }
            }
        }
    }
}

/// Adds a vector of a block in one go, if the accumulator has a way for its kind.
fn accumulate_vector(
    accumulator: &mut Accumulator,
    vector: &ColumnVector,
    rows: &[u32],
    groups: &[u32],
) -> Result<bool> {
    let ColumnVector { presence, values } = vector;
    match (accumulator, values) {
        (Accumulator::Count(counts), _) => {
            each_present(presence, rows, groups, |_, group| counts[group] += 1);
        }
        (Accumulator::Sum(totals) | Accumulator::Mean(totals), Values::I64(values))
            if totals.len() <= LOCAL_GROUPS_MAX =>
        {
            for (group, sum, count) in LocalSums::of(values, presence, rows, groups, totals.len()).nonempty()
            {
                totals[group].add_ints(sum, count)?;
            }
        }
        (
            Accumulator::Sum(totals) | Accumulator::Mean(totals),
            Values::Decimal(Decimals::Scaled { mantissas, scale, .. }),
        ) if totals.len() <= LOCAL_GROUPS_MAX => {
            let local = LocalSums::of(mantissas, presence, rows, groups, totals.len());
            for (group, sum, count) in local.nonempty() {
                totals[group].add_scaled(sum, *scale, count)?;
            }
        }
        (Accumulator::Percentile { values: quantiles, .. }, Values::I64(values)) => {
            each_present(presence, rows, groups, |row, group| quantiles[group].add_int(values[row]));
        }
        _ => return Ok(false),
    }
    Ok(true)
}
