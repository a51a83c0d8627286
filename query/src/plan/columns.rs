//! Which columns of rows are needed, so that no others are read.
//!
//! Goes through the steps from the last to the first: what is wanted of the rows after a step, and what the step reads
//! itself, says what is wanted of the rows before it. `None` is every column.

use std::collections::BTreeSet;

use super::scalar::{Condition, Scalar};
use super::step::{Lifecycle, Lives, Output, Plan, Step};
use crate::cells::{Names, Slot};
use crate::orders::columns::{ALWAYS, COLUMNS};

/// Columns that are wanted; all if `None`.
type Wanted = Option<BTreeSet<Slot>>;

impl Plan {
    /// The fields of the events that it reads, those of its filter left out; all if `None`.
    pub(crate) fn required_fields(&self, names: &Names) -> Option<Vec<Slot>> {
        listed(required(&self.steps, wanted_of(&self.output), names))
    }

    /// What is wanted of the rows of the plan on the right of the `asof` or `join` at that step; all if `None`.
    pub(crate) fn required_right(&self, step: usize, names: &Names) -> Option<Vec<Slot>> {
        let after = required(&self.steps[step + 1..], wanted_of(&self.output), names);
        let (keys, renamed) = match &self.steps[step] {
            Step::Asof { by, renamed, .. } => {
                (by.iter().copied().chain([Slot::TS, Slot::SEQ]).collect::<Vec<_>>(), renamed)
            }
            Step::Join { on, renamed, .. } => (on.iter().map(|(_, right)| *right).collect(), renamed),
            other => panic!("{other:?} has no other query"),
        };
        listed(after.map(|mut after| {
            after.retain(|slot| !renamed.iter().any(|(_, prefixed)| prefixed == slot));
            after.extend(keys);
            after.extend(renamed.iter().map(|(own, _)| *own));
            after
        }))
    }
}

impl Plan {
    /// The columns of the lives that its `lifecycle` at that step gives which are wanted.
    pub(crate) fn required_lives(&self, step: usize, names: &Names) -> Vec<usize> {
        let after = required(&self.steps[step + 1..], wanted_of(&self.output), names);
        let is_wanted =
            |at: &usize| after.as_ref().is_none_or(|after| after.contains(&names.slot(COLUMNS[*at].name)));
        (0..COLUMNS.len()).filter(is_wanted).collect()
    }
}

impl Lifecycle {
    /// The columns of the rows before it that it reads.
    fn reads(&self, names: &Names) -> BTreeSet<Slot> {
        match self.of {
            Lives::All => BTreeSet::new(),
            Lives::Ids(slot) => BTreeSet::from([slot]),
            Lives::Rows => self.facts(names).into_iter().collect(),
        }
    }

    /// The fields of events from which the columns that are wanted are made.
    pub(crate) fn facts(&self, names: &Names) -> Vec<Slot> {
        let mut facts = ALWAYS.to_vec();
        facts.extend(self.columns.iter().flat_map(|at| COLUMNS[*at].facts));
        facts.sort_unstable();
        facts.dedup();
        let always = [Slot::TS, Slot::SEQ, Slot::CATEGORY, Slot::LEVEL];
        always.into_iter().chain(facts.into_iter().map(|fact| names.slot(fact.field()))).collect()
    }
}

fn listed(wanted: Wanted) -> Option<Vec<Slot>> {
    wanted.map(|wanted| wanted.into_iter().collect())
}

fn wanted_of(output: &Output) -> Wanted {
    match output {
        Output::Open => None,
        Output::Listed(slots) => Some(slots.iter().copied().collect()),
    }
}

/// What is wanted of the rows before some steps.
fn required(steps: &[Step], after: Wanted, names: &Names) -> Wanted {
    steps.iter().rev().fold(after, |wanted, step| before(step, wanted, names))
}

fn before(step: &Step, mut wanted: Wanted, names: &Names) -> Wanted {
    let mut reads = BTreeSet::new();
    match step {
        Step::Where(condition) => condition.reads(&mut reads),
        Step::Fields(items) => {
            items.iter().for_each(|(_, scalar)| scalar.reads(&mut reads));
            return Some(reads);
        }
        Step::FieldsExcept(slots) => {
            if let Some(wanted) = &mut wanted {
                wanted.retain(|slot| !slots.contains(slot));
            }
        }
        Step::Extend(items) => {
            for (slot, scalar) in items.iter().rev() {
                if let Some(wanted) = &mut wanted {
                    wanted.remove(slot);
                    scalar.reads(wanted);
                }
            }
        }
        Step::Sort { keys, .. } => keys.iter().for_each(|(scalar, _)| scalar.reads(&mut reads)),
        Step::Head(_) | Step::Tail(_) | Step::FillTimeline { .. } => {}
        Step::Distinct(items) if items.is_empty() => return None,
        Step::Distinct(items) => {
            items.iter().for_each(|(_, scalar)| scalar.reads(&mut reads));
            return Some(reads);
        }
        Step::Sample(_) => reads.extend([Slot::SEQ]),
        Step::Stats(stats) => {
            stats.keys.iter().for_each(|(_, scalar)| scalar.reads(&mut reads));
            for aggregate in &stats.aggregates {
                aggregate.arguments.iter().for_each(|scalar| scalar.reads(&mut reads));
                aggregate.condition.reads(&mut reads);
                if aggregate.function == crate::syntax::ast::AggregateFunction::Rate
                    && stats.bin_seconds.is_none()
                {
                    reads.insert(Slot::TS);
                }
            }
            return Some(reads);
        }
        Step::Histogram { value, .. } => {
            value.reads(&mut reads);
            return Some(reads);
        }
        Step::Shift { items, by, .. } => {
            if let Some(wanted) = &mut wanted {
                wanted.retain(|slot| !items.iter().any(|(set, _)| set == slot));
            }
            items.iter().for_each(|(_, scalar)| scalar.reads(&mut reads));
            by.iter().for_each(|scalar| scalar.reads(&mut reads));
        }
        Step::Sessions(sessions) => {
            sessions.by.iter().for_each(|(_, scalar)| scalar.reads(&mut reads));
            reads.extend([Slot::TS, Slot::LEVEL, names.slot("event")]);
            return Some(reads);
        }
        Step::Related { from, to, .. } => reads.extend([Slot::TS, Slot::SEQ, *from, *to]),
        Step::Context { filter, by, .. } => {
            filter.reads(&mut reads);
            reads.extend([Slot::TS, Slot::SEQ, *by]);
        }
        Step::Asof { by, renamed, .. } => {
            if let Some(wanted) = &mut wanted {
                wanted.retain(|slot| !renamed.iter().any(|(_, prefixed)| prefixed == slot));
            }
            reads.extend(by.iter().copied().chain([Slot::TS, Slot::SEQ]));
        }
        Step::Join { on, renamed, .. } => {
            if let Some(wanted) = &mut wanted {
                wanted.retain(|slot| !renamed.iter().any(|(_, prefixed)| prefixed == slot));
            }
            reads.extend(on.iter().map(|(left, _)| *left));
        }
        Step::Lifecycle(lifecycle) => return Some(lifecycle.reads(names)),
        Step::Gaps { .. } => return Some(BTreeSet::new()),
    }
    wanted.map(|mut wanted| {
        wanted.append(&mut reads);
        wanted
    })
}

impl Scalar {
    /// The columns that it reads, each once.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots = BTreeSet::new();
        self.reads(&mut slots);
        slots.into_iter().collect()
    }

    /// Adds the columns that it reads.
    pub(crate) fn reads(&self, slots: &mut BTreeSet<Slot>) {
        match self {
            Scalar::Constant(_) => {}
            Scalar::Column(slot) => slots.extend([*slot]),
            Scalar::Negate(inner, _) => inner.reads(slots),
            Scalar::Binary { left, right, .. } => {
                left.reads(slots);
                right.reads(slots);
            }
            Scalar::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.reads(slots)),
            Scalar::If { condition, then, otherwise } => {
                condition.reads(slots);
                then.reads(slots);
                otherwise.reads(slots);
            }
        }
    }
}

impl Condition {
    /// The columns that it reads, each once.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots = BTreeSet::new();
        self.reads(&mut slots);
        slots.into_iter().collect()
    }

    /// Adds the columns that it reads.
    pub(crate) fn reads(&self, slots: &mut BTreeSet<Slot>) {
        match self {
            Condition::Always | Condition::Never => {}
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.reads(slots)),
            Condition::Not(part) => part.reads(slots),
            Condition::Column { slot, .. } => slots.extend([*slot]),
            Condition::Computed { scalar, .. } => scalar.reads(slots),
            Condition::Relation { left, right, .. } => {
                left.reads(slots);
                right.reads(slots);
            }
        }
    }
}
