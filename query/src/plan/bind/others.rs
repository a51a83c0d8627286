//! Stages that bring in rows beside those of the filter.

use blotter_engine::event::Category;

use super::Pipeline;
use super::expression::{self, duration_ns};
use super::scope::{Column, Scope};
use crate::cells::Slot;
use crate::datum::DatumRef;
use crate::error::{ErrorKind, QueryError, Result};
use crate::orders::{self, columns::COLUMNS};
use crate::plan::kinds::Kinds;
use crate::plan::scalar::{Condition, Scalar};
use crate::plan::step::{Lifecycle, Lives, Step};
use crate::syntax::ast::{Expr, ExprKind, Filter, FilterKind, Literal, Name, Query, Span, Spanned, Stage};

impl Pipeline<'_> {
    /// Rows must be events as they were recorded, so that they are known again among all events.
    fn events_needed(&self, stage: &str, span: Span) -> Result<()> {
        if ["seq", "ts"].iter().all(|field| self.scope.has_event_field(field)) {
            return Ok(());
        }
        Err(QueryError::new(ErrorKind::Type, format!("'{stage}' needs events, and these rows are none"))
            .with_place(span, "ts and seq of the events are not there any more")
            .with_hint(format!("put '{stage}' before the stages that summarise or pick fields")))
    }

    pub(super) fn related(&mut self, from: Option<&Name>, to: Option<&Name>, span: Span) -> Result<()> {
        self.events_needed("related", span)?;
        let from = match from {
            Some(from) => self.resolve(from)?,
            None => self.needed("correlation_id", "related", span)?,
        };
        let events = Scope::events();
        let to = match to {
            Some(to) => self.resolve_in(&events, to)?,
            None => self.resolve_in(&events, &Name::new(from.name.clone(), span))?,
        };
        // Where another query brought columns, a value may be of its row.
        let is_recorded = from.is_recorded && !self.scope.has_others();
        self.steps.push(Step::Related { from: from.slot, to: to.slot, is_recorded });
        self.scope = events;
        self.range = (None, None);
        Ok(())
    }

    pub(super) fn context(
        &mut self,
        before: &Literal,
        after: &Literal,
        filter: Option<&Filter>,
        by: Option<&Name>,
        span: Span,
    ) -> Result<()> {
        self.events_needed("context", span)?;
        let by = match by {
            Some(by) => self.resolve(by)?,
            None => self.needed("symbol", "context", span)?,
        };
        if !by.is_recorded {
            return Err(QueryError::new(
                ErrorKind::Type,
                format!("'{}' was computed, so other events lack it", by.name),
            )
            .with_place(span, "'context' goes by a field of events"));
        }
        self.scope = Scope::events();
        let filter = match filter {
            Some(filter) => self.filter(filter)?,
            None => Condition::Always,
        };
        let (before_ns, after_ns) = (duration_ns(before), duration_ns(after));
        self.steps.push(Step::Context { before_ns, after_ns, filter, by: by.slot });
        self.scope.set(Column::computed("matched", self.slot("matched"), Kinds::BOOL));
        self.range.0 = self.range.0.map(|first| expression::before(first, before_ns));
        self.range.1 = self.range.1.map(|last| expression::before(last, after_ns.saturating_neg()));
        Ok(())
    }

    pub(super) fn asof(
        &mut self,
        query: &Spanned<Query>,
        by: &[Name],
        within: Option<&Literal>,
        span: Span,
    ) -> Result<()> {
        self.events_needed("asof", span)?;
        let (plan, other) = Pipeline::bind(self.context, &query.node, self.zone)?;
        if !["seq", "ts"].iter().all(|field| other.has_event_field(field)) {
            return Err(QueryError::new(
                ErrorKind::Type,
                "the rows of the other query are no events any more",
            )
            .with_place(query.span, "ts and seq of the events are not there")
            .with_hint("keep ts and seq among its fields, or use join"));
        }
        let mut slots = Vec::with_capacity(by.len());
        for name in by {
            let (left, right) = (self.resolve(name)?, self.resolve_in(&other, name)?);
            check_keys((name, left.kinds), (name, right.kinds))?;
            slots.push(left.slot);
        }
        let step = self.steps.len();
        let within_ns = within.map(duration_ns);
        self.steps.push(Step::Asof { plan: Box::new(plan), by: slots, within_ns, renamed: Vec::new() });
        let asof_ts = Column::computed("asof_ts", self.slot("asof_ts"), Kinds::TIME);
        self.scope.set(asof_ts);
        self.scope.add("asof", step, other);
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        query: &Spanned<Query>,
        on: &[(Name, Name)],
        keep_unmatched: bool,
    ) -> Result<()> {
        let (plan, other) = Pipeline::bind(self.context, &query.node, self.zone)?;
        let mut slots: Vec<(Slot, Slot)> = Vec::with_capacity(on.len());
        for (left_name, right_name) in on {
            let (left, right) = (self.resolve(left_name)?, self.resolve_in(&other, right_name)?);
            check_keys((left_name, left.kinds), (right_name, right.kinds))?;
            slots.push((left.slot, right.slot));
        }
        let step = self.steps.len();
        self.steps.push(Step::Join { plan: Box::new(plan), on: slots, keep_unmatched, renamed: Vec::new() });
        self.scope.add("right", step, other);
        // A row may come more than once, so that the place of an event is none of the row any more.
        if self.scope.has_event_field("seq") {
            self.scope.set(Column::computed("seq", Slot::SEQ, Kinds::EXACT));
        }
        Ok(())
    }

    pub(super) fn lifecycle(&mut self, filter: &Condition, of_rows: bool, span: Span) -> Result<()> {
        let of = if of_rows {
            self.events_needed("lifecycle of rows", span)?;
            let missing = ["category", "order_id"].into_iter().find(|name| !self.scope.has_event_field(name));
            if let Some(missing) = missing {
                let message = format!("'lifecycle of rows' needs '{missing}', and these rows lack it");
                return Err(QueryError::new(ErrorKind::Type, message)
                    .with_place(span, "not the events as they were recorded")
                    .with_hint("keep the field, or write lifecycle alone to read the events again"));
            }
            if !self.steps.iter().all(keeps_order) {
                let key = |slot| (Scalar::Column(slot), false);
                let keys = vec![key(Slot::TS), key(Slot::SEQ)];
                self.steps.push(Step::Sort { keys, limit: None });
            }
            Lives::Rows
        } else if self.steps.is_empty() && takes_all_order_events(filter) {
            Lives::All
        } else {
            Lives::Ids(self.needed("order_id", "lifecycle", span)?.slot)
        };
        self.steps.push(Step::Lifecycle(Lifecycle { of, columns: (0..COLUMNS.len()).collect() }));
        let column = |column: &orders::columns::Column| {
            Column::computed(column.name, self.slot(column.name), column.kinds)
        };
        self.scope = Scope::listed(COLUMNS.iter().map(column).collect());
        self.range = (None, None);
        self.picture = super::Picture::Table;
        Ok(())
    }

    pub(super) fn gaps(&mut self, query: &Query, at: usize, stage: &Spanned<Stage>) -> Result<()> {
        let error = |span: Span, message: &str, label: &str| {
            QueryError::new(ErrorKind::Type, message)
                .with_place(span, label)
                .with_hint("write the time, then gaps, then other stages: last 1h | gaps | where count > 10")
        };
        let is_first = query.stages[..at].iter().all(|stage| matches!(stage.node, Stage::Zone(_)));
        if !is_first {
            return Err(error(
                stage.span,
                "'gaps' looks at the whole database, so it comes first",
                "not the first",
            ));
        }
        if let Some(other) = query.filter.as_ref().and_then(not_of_time) {
            let message = "'gaps' looks at all events of a time, whatever they are";
            return Err(error(other, message, "not a condition on the time"));
        }
        let kinds = [
            ("kind", Kinds::TEXT),
            ("producer", Kinds::EXACT),
            ("first", Kinds::EXACT),
            ("last", Kinds::EXACT),
            ("count", Kinds::EXACT),
            ("after_ts", Kinds::TIME),
            ("before_ts", Kinds::TIME),
        ];
        let columns = kinds.map(|(name, kinds)| Column::computed(name, self.slot(name), kinds));
        self.scope = Scope::listed(columns.into());
        self.picture = super::Picture::Table;
        self.steps.push(Step::Gaps { range: self.range });
        Ok(())
    }
}

/// Whether a filter lets through every order event: there is none, or it is one of categories that has both.
fn takes_all_order_events(filter: &Condition) -> bool {
    match filter {
        Condition::Always => true,
        Condition::Column { slot: Slot::CATEGORY, test } => [Category::ORDER, Category::FILL]
            .iter()
            .all(|category| test.passes(DatumRef::Category(*category))),
        _ => false,
    }
}

/// Whether a step gives rows in the order of (`ts`, `seq`) if they come so.
fn keeps_order(step: &Step) -> bool {
    matches!(
        step,
        Step::Where(_)
            | Step::Fields(_)
            | Step::FieldsExcept(_)
            | Step::Extend(_)
            | Step::Head(_)
            | Step::Tail(_)
            | Step::Shift { .. }
            | Step::Related { .. }
            | Step::Context { .. }
            | Step::Asof { .. }
    )
}

/// The place of a part of a filter that is no condition on `ts` alone.
fn not_of_time(filter: &Filter) -> Option<Span> {
    let is_ts = |expr: &Expr| matches!(&expr.node, ExprKind::Field(name) if name == "ts");
    match &filter.node {
        FilterKind::And(parts) => parts.iter().find_map(not_of_time),
        FilterKind::Last(_) | FilterKind::Since(_) | FilterKind::Until(_) | FilterKind::On(_) => None,
        FilterKind::Compare { left, .. } | FilterKind::Between { left, .. } if is_ts(left) => None,
        _ => Some(filter.span),
    }
}

fn check_keys(left: (&Name, Kinds), right: (&Name, Kinds)) -> Result<()> {
    // Keys agree by the equality of groups, in which kinds stay apart.
    let alike = |kinds: Kinds| if kinds.meets(Kinds::NUMBER) { kinds.or(Kinds::NUMBER) } else { kinds };
    if left.1 == Kinds::NONE || right.1 == Kinds::NONE || alike(left.1).meets(right.1) {
        return Ok(());
    }
    let (found, other) = (left.1.describe(), right.1.describe());
    let message =
        format!("'{}' is {found} and '{}' is {other}, so they never agree", left.0.node, right.0.node);
    Err(QueryError::new(ErrorKind::Type, message).with_place(right.0.span, format!("this is {other}")))
}
