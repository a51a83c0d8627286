//! Functions of expressions: one table, from which they are bound, explained and completed.

mod evaluate;
mod numbers;
mod table;
mod texts;

use chrono_tz::Tz;
use regex::Regex;

pub(crate) use evaluate::call;
pub(crate) use table::SIGNATURES;

use super::kinds::Kinds;

/// A bound function of expressions.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    Abs,
    Round,
    Floor,
    Ceil,
    Sqrt,
    Ln,
    Exp,
    Pow,
    Sign,
    MinOf,
    MaxOf,
    Coalesce,
    Lower,
    Upper,
    Trim,
    Length,
    Substring,
    Replace,
    Concat(Tz),
    StartsWith,
    EndsWith,
    Split,
    /// With the pattern and the number of the group that is taken.
    Extract(Regex, usize),
    ToNumber,
    ToText(Tz),
    Date(Tz),
    TimeOfDay(Tz),
    Hour(Tz),
    Minute(Tz),
    Weekday(Tz),
    Bin(Tz),
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Function {
    /// As it is written.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Function::Abs => "abs",
            Function::Round => "round",
            Function::Floor => "floor",
            Function::Ceil => "ceil",
            Function::Sqrt => "sqrt",
            Function::Ln => "ln",
            Function::Exp => "exp",
            Function::Pow => "pow",
            Function::Sign => "sign",
            Function::MinOf => "min_of",
            Function::MaxOf => "max_of",
            Function::Coalesce => "coalesce",
            Function::Lower => "lower",
            Function::Upper => "upper",
            Function::Trim => "trim",
            Function::Length => "length",
            Function::Substring => "substring",
            Function::Replace => "replace",
            Function::Concat(_) => "concat",
            Function::StartsWith => "starts_with",
            Function::EndsWith => "ends_with",
            Function::Split => "split",
            Function::Extract(..) => "extract",
            Function::ToNumber => "to_number",
            Function::ToText(_) => "to_text",
            Function::Date(_) => "date",
            Function::TimeOfDay(_) => "time_of_day",
            Function::Hour(_) => "hour",
            Function::Minute(_) => "minute",
            Function::Weekday(_) => "weekday",
            Function::Bin(_) => "bin",
            Function::Seconds => "seconds",
            Function::Millis => "millis",
            Function::Micros => "micros",
            Function::Nanos => "nanos",
        }
    }
}

/// How a call becomes a bound one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Make {
    /// As it is.
    Plain(&'static Function),
    /// With a zone: that of the query, or one written out as an argument after those of the signature.
    Zoned(fn(Tz) -> Function),
    /// With a pattern, written out as the second argument, and a group, written out as the third.
    Extract,
    /// A constant.
    Now,
    /// Part of the syntax: its first argument is a filter.
    If,
}

/// What a function gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gives {
    /// One of these kinds.
    Kinds(Kinds),
    /// What its first argument is.
    Same,
    /// What one of its arguments is.
    AnyOf,
}

/// What is known of a function.
#[derive(Debug)]
pub(crate) struct Signature {
    /// As it is written.
    pub(crate) name: &'static str,
    /// Its arguments as they are explained: `x[, digits]`.
    pub(crate) arguments: &'static str,
    /// The kinds that its arguments may be of, in order; the last holds for any further ones.
    pub(crate) takes: &'static [Kinds],
    /// Arguments that it needs at least.
    pub(crate) required: usize,
    /// Whether it takes any number of arguments from there on.
    pub(crate) is_variadic: bool,
    /// What it gives.
    pub(crate) gives: Gives,
    /// How it is bound.
    pub(crate) make: Make,
    /// What it gives, in one line.
    pub(crate) description: &'static str,
    /// A stage that uses it.
    pub(crate) example: &'static str,
}

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.name == name)
}

/// The names of all functions, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SIGNATURES.iter().map(|signature| signature.name)
}
