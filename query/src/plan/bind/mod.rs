//! Syntax tree to bound plan: names become slots, literals get types from what they are compared with, and what is
//! wrong is said before anything is read.
//!
//! - `scope`: which columns there are at each stage, and which was meant where there is none of a name
//! - `expression`, `arithmetic`, `filter`: values and conditions
//! - `comparand`, `pattern`: what literals mean
//! - `rows`, `summary`, `others`: the stages

mod arithmetic;
mod comparand;
mod expression;
mod filter;
mod others;
mod pattern;
mod rows;
mod scope;
mod summary;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use blotter_engine::event::Timestamp;
use chrono_tz::Tz;

use self::scope::Scope;
use super::scalar::Condition;
use super::schema::Schema;
use super::step::{Output, Picture, Plan, Step};
use crate::api::QueryOptions;
use crate::cells::{Names, Slot};
use crate::error::{ErrorKind, QueryError, Result};
use crate::nearest::did_you_mean;
use crate::syntax::ast::{Query, Spanned, Stage};
use crate::time::zone;

/// Binds a query. Slots are given out in `names`; all queries that meet in one result share them.
///
/// # Errors
/// Names that are not known, values of types that do not fit together, and values that cannot be used.
pub(crate) fn bind(
    query: &Query,
    names: &Arc<Names>,
    schema: &dyn Schema,
    options: &QueryOptions,
    now: Timestamp,
) -> Result<Plan> {
    let context = Context { names, schema, options, now, patterns: Cell::new(0) };
    Pipeline::bind(&context, query, options.zone).map(|(plan, _)| plan)
}

/// What all parts of a query share.
struct Context<'a> {
    names: &'a Names,
    schema: &'a dyn Schema,
    options: &'a QueryOptions,
    now: Timestamp,
    /// Patterns compiled so far.
    patterns: Cell<usize>,
}

/// A query being bound, up to some stage.
struct Pipeline<'a> {
    context: &'a Context<'a>,
    /// The columns at this stage.
    scope: Scope,
    /// The zone at this stage.
    zone: Tz,
    steps: Vec<Step>,
    picture: Picture,
    explain: bool,
    /// Times that events can have, both included, as far as conditions say.
    range: (Option<Timestamp>, Option<Timestamp>),
    /// Columns of other queries that were named with a prefix: the step that brings them, their own slot, and the slot
    /// of the name with the prefix.
    renamed: RefCell<Vec<(usize, Slot, Slot)>>,
}

impl<'a> Pipeline<'a> {
    fn new(context: &'a Context<'a>, zone: Tz) -> Pipeline<'a> {
        Pipeline {
            context,
            scope: Scope::events(),
            zone,
            steps: Vec::new(),
            picture: Picture::Table,
            explain: false,
            range: (None, None),
            renamed: RefCell::default(),
        }
    }

    /// A bound query, and the columns of its rows.
    fn bind(context: &'a Context<'a>, query: &Query, zone: Tz) -> Result<(Plan, Scope)> {
        let mut pipeline = Pipeline::new(context, zone);
        let filter = match &query.filter {
            Some(filter) => pipeline.filter(filter)?,
            None => Condition::Always,
        };
        pipeline.narrow(&filter);
        let mut stages = query.stages.iter().enumerate();
        while let Some((at, stage)) = stages.next() {
            let next = query.stages.get(at + 1).map(|stage| &stage.node);
            match (&stage.node, next) {
                (Stage::Sort(keys), Some(Stage::Head(limit))) => {
                    pipeline.sort(keys, Some(limit.node))?;
                    stages.next();
                }
                (Stage::Gaps, _) => pipeline.gaps(query, at, stage)?,
                (Stage::Lifecycle { of_rows }, _) => pipeline.lifecycle(&filter, *of_rows, stage.span)?,
                _ => pipeline.stage(stage)?,
            }
        }
        Ok(pipeline.finish(filter))
    }

    fn stage(&mut self, stage: &Spanned<Stage>) -> Result<()> {
        if !matches!(stage.node, Stage::Zone(_) | Stage::Explain) {
            self.picture = Picture::Table;
        }
        match &stage.node {
            Stage::Where(filter) => {
                let condition = self.filter(filter)?;
                self.narrow(&condition);
                self.steps.push(Step::Where(condition));
            }
            Stage::Fields(columns) => self.fields(columns)?,
            Stage::FieldsExcept(columns) => self.fields_except(columns)?,
            Stage::Extend(columns) => self.extend(columns)?,
            Stage::Sort(keys) => self.sort(keys, None)?,
            Stage::Head(count) => self.steps.push(Step::Head(count.node)),
            Stage::Tail(count) => self.steps.push(Step::Tail(count.node)),
            Stage::Distinct(columns) => self.distinct(columns)?,
            Stage::Sample(sample) => self.sample(sample),
            Stage::Shift { kind, items, by } => self.shift(*kind, items, by, stage.span)?,
            Stage::Bin { expr, name } => self.bin(expr, name.as_ref())?,
            Stage::Top { count, key, by } => self.top(count.node, key, by.as_ref(), stage.span)?,
            Stage::Stats { aggregates, by } => self.stats(aggregates, by, stage.span)?,
            Stage::Histogram { expr, width } => self.histogram(expr, width.as_ref(), stage.span)?,
            Stage::Timeline { span, zone, by } => {
                self.timeline(span.as_ref(), zone.as_ref(), by.as_ref(), stage.span)?;
            }
            Stage::Sessions { by, max_span, max_pause } => {
                self.sessions(by, max_span.as_ref(), max_pause.as_ref(), stage.span)?;
            }
            Stage::Related { from, to } => self.related(from.as_ref(), to.as_ref(), stage.span)?,
            Stage::Context { before, after, filter, by } => {
                self.context(before, after, filter.as_ref(), by.as_ref(), stage.span)?;
            }
            Stage::Asof { query, by, within } => self.asof(query, by, within.as_ref(), stage.span)?,
            Stage::Join { query, on, keep_unmatched } => self.join(query, on, *keep_unmatched)?,
            Stage::Gaps | Stage::Lifecycle { .. } => {
                unreachable!("they are bound with the query around them")
            }
            Stage::Zone(zone) => self.zone = named_zone(zone)?,
            Stage::Explain => self.explain = true,
        }
        Ok(())
    }

    fn finish(mut self, filter: Condition) -> (Plan, Scope) {
        for (at, own, prefixed) in self.renamed.take() {
            let (Step::Asof { renamed, .. } | Step::Join { renamed, .. }) = &mut self.steps[at] else {
                unreachable!("only asof and join bring columns of other queries");
            };
            if !renamed.contains(&(own, prefixed)) {
                renamed.push((own, prefixed));
            }
        }
        let output = if self.scope.is_open() { Output::Open } else { Output::Listed(self.scope.slots()) };
        let plan = Plan {
            filter,
            steps: self.steps,
            output,
            explain: self.explain,
            zone: self.zone,
            picture: self.picture,
        };
        (plan, self.scope)
    }

    fn slot(&self, name: &str) -> Slot {
        self.context.names.slot(name)
    }

    /// Takes note of the times that a condition leaves, while `ts` is that of the events.
    fn narrow(&mut self, condition: &Condition) {
        if self.scope.has_event_field("ts") {
            let (first, last) = super::times::bounds(condition);
            self.range.0 = self.range.0.max(first);
            self.range.1 = [self.range.1, last].into_iter().flatten().min();
        }
    }
}

/// The zone of a name.
///
/// # Errors
/// A name that is none.
fn named_zone(name: &Spanned<String>) -> Result<Tz> {
    zone::parse(&name.node).ok_or_else(|| {
        let error = QueryError::new(ErrorKind::UnknownName, format!("unknown time zone '{}'", name.node))
            .with_place(name.span, "not a zone of the tz database");
        // People write the city only.
        let underscored = name.node.replace(' ', "_");
        let city = zone::names().find(|zone| {
            zone.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&underscored))
        });
        let hint = match city {
            Some(zone) => Some(format!("did you mean '{zone}'?")),
            None => did_you_mean(&underscored, zone::names()),
        };
        error.with_hint(
            hint.unwrap_or_else(|| "zones are called UTC, America/New_York, Europe/London".to_owned()),
        )
    })
}
