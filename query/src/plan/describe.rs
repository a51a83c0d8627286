//! Bound plans in words, close to how they would be written: for `explain`, and to see what was bound.

use std::fmt::{self, Write};

use super::functions::Function;
use super::scalar::{Comparand, Condition, Scalar, Test};
use super::step::{BoundAggregate, Lives, Plan, SampleSize, Step};
use crate::cells::{Names, Slot};
use crate::datum::{Datum, DatumRef};
use crate::syntax::ast::CompareOp;
use crate::syntax::names;
use crate::time::duration::Printed;

impl Plan {
    /// One line for the filter and one for each step.
    pub(crate) fn describe(&self, names: &Names) -> Vec<String> {
        let filter = Words { names, text: String::new() }.say(|words| words.condition(&self.filter));
        let mut lines = vec![filter];
        lines.extend(self.steps.iter().map(|step| step.describe(names)));
        lines
    }
}

impl Step {
    /// In one line.
    pub(crate) fn describe(&self, names: &Names) -> String {
        Words { names, text: String::new() }.say(|words| words.step(self))
    }
}

/// A description on its way.
struct Words<'a> {
    names: &'a Names,
    text: String,
}

impl Words<'_> {
    fn say(mut self, what: impl FnOnce(&mut Self)) -> String {
        what(&mut self);
        self.text
    }

    fn add(&mut self, what: impl fmt::Display) {
        write!(self.text, "{what}").expect("a string takes whatever is written to it");
    }

    fn name(&mut self, slot: Slot) {
        let name = self.names.name(slot);
        self.add(name);
    }

    fn list<T>(&mut self, items: &[T], separator: &str, mut item: impl FnMut(&mut Self, &T)) {
        for (at, one) in items.iter().enumerate() {
            if at > 0 {
                self.add(separator);
            }
            item(self, one);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Always => self.add("all"),
            Condition::Never => self.add("none"),
            Condition::All(parts) => self.list(parts, " and ", Self::condition),
            Condition::Any(parts) => {
                self.add("(");
                self.list(parts, " or ", Self::condition);
                self.add(")");
            }
            Condition::Not(part) => {
                self.add("not (");
                self.condition(part);
                self.add(")");
            }
            Condition::Column { slot, test } => {
                let name = self.names.name(*slot);
                self.test(&name, test);
            }
            Condition::Computed { scalar, test } => {
                let computed =
                    Words { names: self.names, text: String::new() }.say(|words| words.scalar(scalar));
                self.test(&computed, test);
            }
            Condition::Relation { left, op, right } => {
                self.scalar(left);
                self.add(format_args!(" {} ", op_sign(*op)));
                self.scalar(right);
            }
        }
    }

    fn test(&mut self, what: &str, test: &Test) {
        match test {
            Test::Exists => return self.add(format_args!("exists {what}")),
            Test::Missing => return self.add(format_args!("missing {what}")),
            _ => self.add(what),
        }
        match test {
            Test::Compare { op, value } => {
                self.add(format_args!(" {} ", op_sign(*op)));
                self.comparand(value);
            }
            Test::In { values, negated } => {
                self.add(if *negated { " not in (" } else { " in (" });
                self.list(values, ", ", Self::comparand);
                self.add(")");
            }
            Test::Between { low, high } => {
                self.add(" between ");
                self.comparand(low);
                self.add(" and ");
                self.comparand(high);
            }
            Test::Regex { regex, negated } => {
                self.add(format_args!(" {} {:?}", if *negated { "!~" } else { "~" }, regex.as_str()));
            }
            Test::Contains { text } => self.add(format_args!(" contains {:?}", text.text())),
            Test::Words { text, prefix } => {
                self.add(format_args!(" has {:?}{}", text.text(), if *prefix { "*" } else { "" }));
            }
            Test::OneOf(set) => self.add(format_args!(" in {} values", set.len())),
            Test::Exists | Test::Missing => unreachable!("these have no operator"),
        }
    }

    /// The most particular of its meanings.
    fn comparand(&mut self, value: &Comparand) {
        if let Some(ts) = value.time {
            self.add(ts);
        } else if let Some(number) = value.number {
            self.add(number);
        } else if let Some(truth) = value.truth {
            self.add(truth);
        } else if let Some(level) = value.level {
            self.add(level);
        } else if let Some(ns) = value.duration {
            self.add(Printed(ns));
        } else {
            self.add(format_args!("{:?}", value.text.as_deref().unwrap_or_default()));
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        match scalar {
            Scalar::Constant(Datum::Null) => self.add("null"),
            Scalar::Constant(datum) => match datum.borrow() {
                DatumRef::Str(text) => self.add(format_args!("{text:?}")),
                other => self.add(other),
            },
            Scalar::Column(slot) => self.name(*slot),
            Scalar::Negate(inner, _) => {
                self.add("-");
                self.scalar(inner);
            }
            Scalar::Binary { op, left, right, .. } => {
                self.add("(");
                self.scalar(left);
                self.add(format_args!(" {} ", op.sign()));
                self.scalar(right);
                self.add(")");
            }
            Scalar::Call { function, arguments, .. } => {
                self.add(function.name());
                self.add("(");
                self.list(arguments, ", ", Self::scalar);
                match function {
                    Function::Extract(regex, group) => {
                        self.add(format_args!(", {:?}, {group}", regex.as_str()));
                    }
                    Function::Bin(zone)
                    | Function::Date(zone)
                    | Function::TimeOfDay(zone)
                    | Function::Hour(zone)
                    | Function::Minute(zone)
                    | Function::Weekday(zone)
                        if *zone != chrono_tz::Tz::UTC =>
                    {
                        self.add(format_args!(", {zone}"));
                    }
                    _ => {}
                }
                self.add(")");
            }
            Scalar::If { condition, then, otherwise } => {
                self.add("if(");
                self.condition(condition);
                self.add(", ");
                self.scalar(then);
                self.add(", ");
                self.scalar(otherwise);
                self.add(")");
            }
        }
    }

    /// `name = value`, or the name alone if the value is the column of that name.
    fn set(&mut self, (slot, scalar): &(Slot, Scalar)) {
        self.name(*slot);
        if !matches!(scalar, Scalar::Column(same) if same == slot) {
            self.add(" = ");
            self.scalar(scalar);
        }
    }

    fn aggregate(&mut self, aggregate: &BoundAggregate) {
        self.name(aggregate.slot);
        self.add(" = ");
        self.add(names::of_function(aggregate.function));
        self.add("(");
        self.list(&aggregate.arguments, ", ", Self::scalar);
        if !matches!(aggregate.condition, Condition::Always) {
            self.add(if aggregate.arguments.is_empty() { "where " } else { " where " });
            self.condition(&aggregate.condition);
        }
        self.add(")");
    }

    fn by(&mut self, keys: &[(Slot, Scalar)]) {
        if !keys.is_empty() {
            self.add(" by ");
            self.list(keys, ", ", Self::set);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Where(condition) => {
                self.add("where ");
                self.condition(condition);
            }
            Step::Fields(items) => {
                self.add("fields ");
                self.list(items, ", ", Self::set);
            }
            Step::FieldsExcept(slots) => {
                self.add("fields except ");
                self.list(slots, ", ", |words, slot| words.name(*slot));
            }
            Step::Extend(items) => {
                self.add("extend ");
                self.list(items, ", ", Self::set);
            }
            Step::Sort { keys, limit } => {
                self.add("sort ");
                self.list(keys, ", ", |words, (key, descending)| {
                    words.scalar(key);
                    words.add(if *descending { " desc" } else { "" });
                });
                if let Some(limit) = limit {
                    self.add(format_args!(", first {limit}"));
                }
            }
            Step::Head(count) => self.add(format_args!("head {count}")),
            Step::Tail(count) => self.add(format_args!("tail {count}")),
            Step::Distinct(items) => {
                self.add("distinct ");
                self.list(items, ", ", Self::set);
            }
            Step::Sample(SampleSize::Rows(count)) => self.add(format_args!("sample {count}")),
            Step::Sample(SampleSize::Share(share)) => self.add(format_args!("sample {}%", share * 100.0)),
            Step::Stats(stats) => {
                self.add("stats ");
                self.list(&stats.aggregates, ", ", Self::aggregate);
                self.by(&stats.keys);
            }
            Step::FillTimeline { width_ns, zone, .. } => {
                self.add(format_args!("fill timeline of {} in {zone}", Printed(*width_ns)));
            }
            Step::Histogram { value, width, .. } => {
                self.add("histogram of ");
                self.scalar(value);
                if let Some(width) = width {
                    self.add(format_args!(" by {width}"));
                }
            }
            Step::Shift { kind, items, by, .. } => {
                self.add(names::of_shift(*kind));
                self.add(" ");
                self.list(items, ", ", Self::set);
                if !by.is_empty() {
                    self.add(" by ");
                    self.list(by, ", ", Self::scalar);
                }
            }
            Step::Sessions(sessions) => {
                self.add("sessions");
                self.by(&sessions.by);
                for (word, ns) in [("maxspan", sessions.max_span_ns), ("maxpause", sessions.max_pause_ns)] {
                    if let Some(ns) = ns {
                        self.add(format_args!(" {word} {}", Printed(ns)));
                    }
                }
            }
            Step::Related { from, to, .. } => {
                self.add("related ");
                self.name(*from);
                self.add(" -> ");
                self.name(*to);
            }
            Step::Context { before_ns, after_ns, filter, by } => {
                self.add(format_args!("context {} {}", Printed(*before_ns), Printed(*after_ns)));
                if !matches!(filter, Condition::Always) {
                    self.add(" where ");
                    self.condition(filter);
                }
                self.add(" by ");
                self.name(*by);
            }
            Step::Asof { plan, by, within_ns, .. } => {
                self.add("asof (");
                self.plan(plan);
                self.add(") by ");
                self.list(by, ", ", |words, slot| words.name(*slot));
                if let Some(ns) = within_ns {
                    self.add(format_args!(" within {}", Printed(*ns)));
                }
            }
            Step::Join { plan, on, keep_unmatched, .. } => {
                self.add(if *keep_unmatched { "join left (" } else { "join (" });
                self.plan(plan);
                self.add(") on ");
                self.list(on, ", ", |words, (left, right)| {
                    words.name(*left);
                    words.add(" = ");
                    words.name(*right);
                });
            }
            Step::Lifecycle(lifecycle) => match lifecycle.of {
                Lives::All => self.add("lifecycle of all orders"),
                Lives::Ids(slot) => {
                    self.add("lifecycle of orders by ");
                    self.name(slot);
                }
                Lives::Rows => self.add("lifecycle of rows"),
            },
            Step::Gaps { .. } => self.add("gaps"),
        }
    }

    fn plan(&mut self, plan: &Plan) {
        let lines = plan.describe(self.names);
        self.add(lines.join(" | "));
    }
}

fn op_sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "=",
        CompareOp::NotEqual => "!=",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}
