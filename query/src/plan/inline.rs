//! A plan that begins with an aggregate over the database: `where`, `extend` and `fields` before it become part of its
//! condition, keys and arguments, so that it can be run over columns without making rows. `distinct` is one too: its
//! columns are keys, and its rows are put in the order of the first event of each.

use std::collections::HashMap;

use super::scalar::{Condition, Scalar};
use super::step::{BoundAggregate, Plan, Stats, Step};
use crate::cells::Slot;
use crate::datum::Datum;
use crate::syntax::ast::{AggregateFunction, Span};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Inlined {
    /// Which events are aggregated.
    pub(crate) condition: Condition,
    /// How; of events as they are recorded.
    pub(crate) stats: Stats,
    /// How many steps of the plan it stands for.
    pub(crate) steps: usize,
    /// What its rows go through before the steps that follow.
    pub(crate) then: Vec<Step>,
}

/// What columns are, in terms of those of events.
struct Columns {
    defined: HashMap<Slot, Scalar>,
    /// Whether columns that are not defined are those of events; otherwise they are missing.
    open: bool,
}

impl Inlined {
    /// The aggregate that a plan begins with, if it does.
    pub(crate) fn of(plan: &Plan) -> Option<Inlined> {
        let mut columns = Columns { defined: HashMap::new(), open: true };
        let mut conditions = vec![plan.filter.clone()];
        for (index, step) in plan.steps.iter().enumerate() {
            match step {
                Step::Where(condition) => conditions.push(columns.condition(condition)),
                Step::Extend(items) => {
                    for (slot, scalar) in items {
                        let scalar = columns.scalar(scalar);
                        columns.defined.insert(*slot, scalar);
                    }
                }
                Step::Fields(items) => {
                    let defined =
                        items.iter().map(|(slot, scalar)| (*slot, columns.scalar(scalar))).collect();
                    columns = Columns { defined, open: false };
                }
                Step::FieldsExcept(slots) => {
                    for slot in slots {
                        columns.defined.insert(*slot, Scalar::Constant(Datum::Null));
                    }
                }
                Step::Stats(stats) => {
                    let stats = columns.stats(stats)?;
                    let (condition, steps) = (Condition::all(conditions), index + 1);
                    return Some(Inlined { condition, stats, steps, then: Vec::new() });
                }
                // For the first few, those are read that come first.
                Step::Distinct(_) if matches!(plan.steps.get(index + 1), Some(Step::Head(_))) => return None,
                Step::Distinct(items) => {
                    let (stats, then) = columns.distinct(items)?;
                    let (condition, steps) = (Condition::all(conditions), index + 1);
                    return Some(Inlined { condition, stats, steps, then });
                }
                _ => return None,
            }
        }
        None
    }
}

impl Columns {
    fn scalar(&self, scalar: &Scalar) -> Scalar {
        let boxed = |scalar: &Scalar| Box::new(self.scalar(scalar));
        match scalar {
            Scalar::Constant(_) => scalar.clone(),
            Scalar::Column(slot) => match self.defined.get(slot) {
                Some(defined) => defined.clone(),
                None if self.open => scalar.clone(),
                None => Scalar::Constant(Datum::Null),
            },
            Scalar::Negate(inner, span) => Scalar::Negate(boxed(inner), *span),
            Scalar::Binary { op, left, right, span } => {
                Scalar::Binary { op: *op, left: boxed(left), right: boxed(right), span: *span }
            }
            Scalar::Call { function, arguments, span } => {
                let arguments = arguments.iter().map(|argument| self.scalar(argument)).collect();
                Scalar::Call { function: function.clone(), arguments, span: *span }
            }
            Scalar::If { condition, then, otherwise } => Scalar::If {
                condition: Box::new(self.condition(condition)),
                then: boxed(then),
                otherwise: boxed(otherwise),
            },
        }
    }

    fn condition(&self, condition: &Condition) -> Condition {
        let parts = |parts: &[Condition]| parts.iter().map(|part| self.condition(part)).collect();
        match condition {
            Condition::Always | Condition::Never => condition.clone(),
            Condition::All(all) => Condition::All(parts(all)),
            Condition::Any(any) => Condition::Any(parts(any)),
            Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner))),
            Condition::Column { slot, test } => match self.scalar(&Scalar::Column(*slot)) {
                Scalar::Column(slot) => Condition::Column { slot, test: test.clone() },
                scalar => Condition::Computed { scalar, test: test.clone() },
            },
            Condition::Computed { scalar, test } => {
                Condition::Computed { scalar: self.scalar(scalar), test: test.clone() }
            }
            Condition::Relation { left, op, right } => {
                Condition::Relation { left: self.scalar(left), op: *op, right: self.scalar(right) }
            }
        }
    }

    /// The values of the columns, each with the time and seq of its first event, and what makes rows of them.
    fn distinct(&self, items: &[(Slot, Scalar)]) -> Option<(Stats, Vec<Step>)> {
        let takes_slot = |slot: Slot| items.iter().any(|(own, _)| *own == slot);
        if items.is_empty() || takes_slot(Slot::TS) || takes_slot(Slot::SEQ) {
            return None;
        }
        let first = |slot| BoundAggregate {
            function: AggregateFunction::First,
            arguments: vec![Scalar::Column(slot)],
            condition: Condition::Always,
            slot,
            span: Span::default(),
        };
        let keys = items.iter().map(|(slot, scalar)| (*slot, self.scalar(scalar))).collect();
        let aggregates = vec![first(Slot::TS), first(Slot::SEQ)];
        let by_first = [Slot::TS, Slot::SEQ].map(|slot| (Scalar::Column(slot), false)).to_vec();
        let only = items.iter().map(|(slot, _)| (*slot, Scalar::Column(*slot))).collect();
        let then = vec![Step::Sort { keys: by_first, limit: None }, Step::Fields(only)];
        Some((Stats { aggregates, keys, bin_seconds: None }, then))
    }

    /// `None` if the order of rows or their time matters and is not that of events any more.
    fn stats(&self, stats: &Stats) -> Option<Stats> {
        let needs_time = stats.aggregates.iter().any(|aggregate| aggregate.function.needs_time());
        if needs_time && (!self.open || self.defined.contains_key(&Slot::TS)) {
            return None;
        }
        let mut stats = stats.clone();
        for (_, key) in &mut stats.keys {
            *key = self.scalar(key);
        }
        for aggregate in &mut stats.aggregates {
            aggregate.condition = self.condition(&aggregate.condition);
            for argument in &mut aggregate.arguments {
                *argument = self.scalar(argument);
            }
        }
        Some(stats)
    }
}
