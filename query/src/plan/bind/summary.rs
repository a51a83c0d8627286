//! Stages that bring many rows down to few: aggregates, bins, sessions.

use rust_decimal::Decimal;

use super::arithmetic::result_kinds;
use super::expression::{Bound, duration_ns};
use super::rows::taken;
use super::scope::{Column, Scope};
use super::{Pipeline, named_zone};
use crate::cells::Slot;
use crate::error::{ErrorKind, QueryError, Result};
use crate::limits::BINS_MAX;
use crate::plan::functions::Function;
use crate::plan::kinds::Kinds;
use crate::plan::scalar::{Condition, Scalar};
use crate::plan::step::{BoundAggregate, Picture, Sessions, Stats, Step};
use crate::syntax::ast::{
    Aggregate, AggregateFunction, BinaryOp, Expr, Literal, LiteralKind, Named, Span, Spanned,
};
use crate::syntax::names;
use crate::time::unit::{self, Unit};

const SECOND_NS: i64 = 1_000_000_000;

/// The widths of timelines without one, in seconds.
const TIMELINE_SECONDS: [i64; 25] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    2 * 60,
    5 * 60,
    10 * 60,
    15 * 60,
    30 * 60,
    3_600,
    2 * 3_600,
    3 * 3_600,
    6 * 3_600,
    12 * 3_600,
    86_400,
    2 * 86_400,
    7 * 86_400,
    14 * 86_400,
    28 * 86_400,
    91 * 86_400,
    364 * 86_400,
    3_640 * 86_400,
];

/// Bins of a timeline without a width, at most.
const TIMELINE_BINS_MAX: i64 = 60;

impl Pipeline<'_> {
    pub(super) fn stats(&mut self, aggregates: &[Aggregate], by: &[Named], span: Span) -> Result<()> {
        let (mut columns, keys) = self.named_list(by)?;
        let bin_seconds = bin_seconds(&columns);
        let mut bound = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            let (column, aggregate) = self.aggregate(aggregate, &columns, bin_seconds.is_some(), span)?;
            columns.push(column);
            bound.push(aggregate);
        }
        self.steps.push(Step::Stats(Stats { aggregates: bound, keys, bin_seconds }));
        self.scope = Scope::listed(columns);
        Ok(())
    }

    /// A bound aggregate and its column.
    fn aggregate(
        &self,
        aggregate: &Aggregate,
        before: &[Column],
        has_bins: bool,
        stage: Span,
    ) -> Result<(Column, BoundAggregate)> {
        let arguments: Result<Vec<Bound>> =
            aggregate.arguments.iter().map(|argument| self.operand(argument)).collect();
        let arguments = arguments?;
        check_kinds(aggregate, &arguments)?;
        let span = aggregate.arguments.first().map_or(stage, |argument| argument.span);
        if aggregate.function == AggregateFunction::Rate && !has_bins {
            self.needed("ts", "rate", span)?;
        }
        let condition = match &aggregate.condition {
            Some(filter) => self.filter(filter)?,
            None => Condition::Always,
        };
        let is_taken = |name: &str| before.iter().any(|column| column.name == name);
        let default_name = names::of_aggregate(&Aggregate { name: None, ..aggregate.clone() });
        let name = match &aggregate.name {
            Some(name) if is_taken(&name.node) => return Err(taken(name)),
            Some(name) => name.node.clone(),
            None => names::free(default_name.clone(), is_taken),
        };
        let slot = self.slot(&name);
        let mut column = Column::computed(&name, slot, gives(aggregate.function, &arguments));
        column.unit = match (gives_unit_of(aggregate.function), &aggregate.name) {
            (Some(at), _) => column.unit.or_else(|| self.unit(&aggregate.arguments[at])),
            (None, Some(_)) => column.unit,
            (None, None) => None,
        };
        if aggregate.condition.is_none() {
            column.default_name = Some(default_name);
        }
        let arguments = arguments.into_iter().map(|bound| bound.scalar).collect();
        Ok((column, BoundAggregate { function: aggregate.function, arguments, condition, slot, span }))
    }

    pub(super) fn top(&mut self, count: u64, key: &Named, by: Option<&Aggregate>, span: Span) -> Result<()> {
        let (key_column, key) = self.named(key, &[])?;
        let counting = Aggregate {
            function: AggregateFunction::Count,
            arguments: Vec::new(),
            condition: None,
            name: None,
        };
        let columns = [key_column];
        let bin_seconds = bin_seconds(&columns);
        let by = by.unwrap_or(&counting);
        let (column, aggregate) = self.aggregate(by, &columns, bin_seconds.is_some(), span)?;
        let [key_column] = columns;
        let greatest = Scalar::Column(column.slot);
        let keys = vec![(key_column.slot, key)];
        self.steps.push(Step::Stats(Stats { aggregates: vec![aggregate], keys, bin_seconds }));
        // Equal ones stay in the order of their keys, in which the aggregates come.
        self.steps.push(Step::Sort { keys: vec![(greatest, true)], limit: Some(count) });
        self.scope = Scope::listed(vec![key_column, column]);
        Ok(())
    }

    pub(super) fn histogram(&mut self, expr: &Expr, width: Option<&Literal>, span: Span) -> Result<()> {
        let value = self.operand(expr)?;
        let taken = Kinds::NUMBER.or(Kinds::DURATION);
        if !value.kinds.may_be(taken) {
            let message = format!("'histogram' does not take {}", value.kinds.describe());
            return Err(QueryError::new(ErrorKind::Type, message)
                .with_place(expr.span, "a number goes here")
                .with_hint("for bins of time, write timeline; for values of text, top 10 x"));
        }
        let width = width.map(|width| histogram_width(self.unit(expr), &value, width, span)).transpose()?;
        let [from, to, count] = ["from", "to", "count"].map(|name| self.slot(name));
        self.steps.push(Step::Histogram { value: value.scalar, width, from, to, count, span });
        self.scope = Scope::listed(vec![
            Column::computed("from", from, taken),
            Column::computed("to", to, taken),
            Column::computed("count", count, Kinds::INT),
        ]);
        self.picture = Picture::Histogram;
        Ok(())
    }

    pub(super) fn timeline(
        &mut self,
        width: Option<&Literal>,
        zone: Option<&Spanned<String>>,
        by: Option<&Named>,
        span: Span,
    ) -> Result<()> {
        let zone = zone.map_or(Ok(self.zone), named_zone)?;
        let ts = self.needed("ts", "timeline", span)?;
        if !ts.kinds.may_be(Kinds::TIME) {
            return Err(QueryError::new(ErrorKind::Type, "'timeline' needs times in 'ts'")
                .with_place(span, format!("'ts' is {} here", ts.kinds.describe())));
        }
        let width_ns = match width {
            Some(width) => duration_ns(width),
            None => self.timeline_width(),
        };
        if width_ns <= 0 {
            return Err(QueryError::at(ErrorKind::Value, span, "the width of a bin must be above zero"));
        }
        let range = match self.range {
            (Some(first), Some(last)) => (Some(first), Some(last)),
            _ => (None, None),
        };
        if let (Some(first), Some(last)) = range
            && (i128::from(last.0) - i128::from(first.0)) / i128::from(width_ns) >= i128::from(BINS_MAX)
        {
            return Err(QueryError::new(
                ErrorKind::TooComplex,
                format!("the timeline has more than {BINS_MAX} bins"),
            )
            .with_place(span, "too narrow for that time")
            .with_hint("make the bins wider, or the time shorter"));
        }
        let bin = Scalar::Call {
            function: Function::Bin(zone),
            arguments: vec![Scalar::Column(ts.slot), Scalar::Constant(crate::Datum::Duration(width_ns))],
            span,
        };
        let mut columns =
            vec![Column { bin_ns: Some(width_ns), ..Column::computed("ts", ts.slot, Kinds::TIME) }];
        let mut keys = vec![(ts.slot, bin)];
        if let Some(by) = by {
            let (column, scalar) = self.named(by, &columns)?;
            keys.push((column.slot, scalar));
            columns.push(column);
        }
        let key = columns.get(1).map(|column| column.slot);
        let name = names::free("count".to_owned(), |name| columns.iter().any(|column| column.name == name));
        let count = Column::computed(&name, self.slot(&name), Kinds::INT);
        let aggregate = BoundAggregate {
            function: AggregateFunction::Count,
            arguments: Vec::new(),
            condition: Condition::Always,
            slot: count.slot,
            span,
        };
        let bin_seconds = Some(width_ns as f64 / SECOND_NS as f64);
        self.steps.push(Step::Stats(Stats { aggregates: vec![aggregate], keys, bin_seconds }));
        self.steps.push(Step::FillTimeline { ts: ts.slot, key, count: count.slot, width_ns, zone, range });
        columns.push(count);
        self.scope = Scope::listed(columns);
        self.picture = Picture::Timeline;
        Ok(())
    }

    /// The least usual width with which the times of the query, or else those recorded, have few bins.
    fn timeline_width(&self) -> i64 {
        let recorded = match self.range {
            (Some(first), Some(last)) => Some((first, last)),
            _ => self.context.schema.time_range(),
        };
        let first = self.range.0.max(recorded.map(|(first, _)| first));
        let last = [self.range.1, recorded.map(|(_, last)| last)].into_iter().flatten().min();
        let (Some(first), Some(last)) = (first, last) else { return 60 * SECOND_NS };
        let seconds = (last.0.saturating_sub(first.0)).max(0) / SECOND_NS;
        // One bin may start before the first time.
        let fits = |width: &&i64| seconds / **width + 2 <= TIMELINE_BINS_MAX;
        let widest = TIMELINE_SECONDS[TIMELINE_SECONDS.len() - 1];
        TIMELINE_SECONDS.iter().find(fits).unwrap_or(&widest) * SECOND_NS
    }

    pub(super) fn sessions(
        &mut self,
        by: &[Named],
        max_span: Option<&Literal>,
        max_pause: Option<&Literal>,
        span: Span,
    ) -> Result<()> {
        self.needed("ts", "sessions", span)?;
        let (mut columns, keys) = self.named_list(by)?;
        let mut made = |name: &str, kinds: Kinds| -> Result<Slot> {
            if columns.iter().any(|column| column.name == name) {
                return Err(QueryError::new(
                    ErrorKind::UnknownName,
                    format!("two columns are called '{name}'"),
                )
                .with_place(span, format!("'sessions' makes a column '{name}'"))
                .with_hint("give the key another name with `as`"));
            }
            let slot = self.slot(name);
            columns.push(Column::computed(name, slot, kinds));
            Ok(slot)
        };
        let sessions = Sessions {
            by: keys,
            max_span_ns: max_span.map(duration_ns),
            max_pause_ns: max_pause.map(duration_ns),
            start: made("start", Kinds::TIME)?,
            end: made("end", Kinds::TIME)?,
            duration: made("duration", Kinds::DURATION)?,
            count: made("count", Kinds::INT)?,
            first_event: made("first_event", Kinds::TEXT)?,
            last_event: made("last_event", Kinds::TEXT)?,
            level: made("level", Kinds::LEVEL)?,
        };
        self.steps.push(Step::Sessions(sessions));
        self.scope = Scope::listed(columns);
        Ok(())
    }
}

fn bin_seconds(keys: &[Column]) -> Option<f64> {
    keys.iter().find_map(|column| column.bin_ns).map(|ns| ns as f64 / SECOND_NS as f64)
}

/// What an aggregate takes; any value if it only orders or counts.
fn takes(function: AggregateFunction) -> Kinds {
    use AggregateFunction as F;
    match function {
        F::Sum | F::Avg | F::Stddev => Kinds::NUMBER.or(Kinds::DURATION),
        F::Median | F::Percentile(_) => Kinds::NUMBER.or(Kinds::DURATION).or(Kinds::TIME),
        F::Rate => Kinds::NUMBER,
        F::Count | F::Min | F::Max | F::Distinct | F::First | F::Last | F::ArgMax | F::ArgMin => Kinds::ANY,
    }
}

fn gives(function: AggregateFunction, arguments: &[Bound]) -> Kinds {
    use AggregateFunction as F;
    let argument = |at: usize| arguments.get(at).map_or(Kinds::NONE, |bound: &Bound| bound.kinds);
    match function {
        F::Count | F::Distinct => Kinds::INT,
        F::Sum => result_kinds(BinaryOp::Add, argument(0), argument(0)),
        F::Avg | F::Stddev if argument(0).meets(Kinds::DURATION) => Kinds::FLOAT.or(Kinds::DURATION),
        F::Avg | F::Stddev => Kinds::FLOAT,
        F::Median | F::Percentile(_) => argument(0).and(takes(function)),
        F::Min | F::Max | F::First | F::Last => argument(0),
        F::ArgMax | F::ArgMin => argument(1),
        F::Rate => Kinds::NUMBER,
    }
}

/// Which argument's unit the values of an aggregate have; counts have none.
fn gives_unit_of(function: AggregateFunction) -> Option<usize> {
    use AggregateFunction as F;
    match function {
        F::Count | F::Distinct | F::Rate => None,
        F::ArgMax | F::ArgMin => Some(1),
        _ => Some(0),
    }
}

fn check_kinds(aggregate: &Aggregate, arguments: &[Bound]) -> Result<()> {
    let taken = takes(aggregate.function);
    let Some((expr, bound)) =
        aggregate.arguments.iter().zip(arguments).find(|(_, bound)| !bound.kinds.may_be(taken))
    else {
        return Ok(());
    };
    let name = names::of_function(aggregate.function);
    let (expected, found) = (taken.describe(), bound.kinds.describe());
    Err(QueryError::new(ErrorKind::Type, format!("'{name}' takes {expected}, not {found}"))
        .with_place(expr.span, format!("this is {found}"))
        .with_hint("min, max, first, last, count and distinct take any value"))
}

/// The width of the bins of a histogram, in the unit of the field.
fn histogram_width(field_unit: Option<Unit>, value: &Bound, width: &Literal, span: Span) -> Result<Decimal> {
    let number = match &width.kind {
        LiteralKind::Duration(ns) if value.kinds.is_within(Kinds::DURATION) => Some(Decimal::from(*ns)),
        kind => unit::number_in(kind, field_unit),
    };
    match number {
        Some(number) if number > Decimal::ZERO => Ok(number),
        Some(_) => Err(QueryError::at(ErrorKind::Value, span, "the width of a bin must be above zero")),
        None => Err(QueryError::new(ErrorKind::Type, format!("'{}' is no width of these bins", width.text))
            .with_place(span, "the unit does not fit the values")
            .with_hint("write a number")),
    }
}
