//! Expressions: names become columns, calls functions, constants are computed.

use blotter_engine::event::Timestamp;
use chrono_tz::Tz;

use super::arithmetic::{not_taken, result_kinds};
use super::comparand::{comparable_with, datum};
use super::scope::{Column, is_word_field};
use super::{Pipeline, named_zone};
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::nearest::did_you_mean;
use crate::plan::evaluate::NoColumns;
use crate::plan::functions::{self, Function, Gives, Make, Signature};
use crate::plan::kinds::Kinds;
use crate::plan::scalar::{Condition, Scalar};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Filter, LiteralKind, Name, Span, Spanned};
use crate::syntax::names;
use crate::time::{TimePoint, parse_point, point, unit};

/// A bound expression, and what it can give.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) scalar: Scalar,
    pub(super) kinds: Kinds,
}

impl Bound {
    fn constant(datum: Datum) -> Bound {
        Bound { kinds: Kinds::of(datum.borrow()), scalar: Scalar::Constant(datum) }
    }

    /// The value, if it is known already.
    pub(super) fn as_constant(&self) -> Option<&Datum> {
        match &self.scalar {
            Scalar::Constant(datum) => Some(datum),
            _ => None,
        }
    }
}

impl Pipeline<'_> {
    /// A bound expression.
    ///
    /// # Errors
    /// Unknown names, kinds that do not fit, constants that cannot be computed.
    pub(super) fn expression(&self, expr: &Expr) -> Result<Bound> {
        let span = expr.span;
        match &expr.node {
            ExprKind::Literal(literal) => Ok(Bound::constant(datum(literal))),
            ExprKind::Parameter(name) => {
                self.parameter(name, span).map(|datum| Bound::constant(datum.clone()))
            }
            ExprKind::Field(name) => {
                let column = self.resolve(&Name::new(name.clone(), span))?;
                Ok(Bound { scalar: Scalar::Column(column.slot), kinds: column.kinds })
            }
            ExprKind::Negate(inner) => self.negate(inner, span),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span),
            ExprKind::Call { function, arguments } => self.call(expr, function, arguments),
            ExprKind::If { condition, then, otherwise } => self.choice(condition, then, otherwise),
        }
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// None was given.
    pub(super) fn parameter(&self, name: &str, span: Span) -> Result<&Datum> {
        let parameters = &self.context.options.parameters;
        parameters.get(name).ok_or_else(|| {
            let error = QueryError::new(ErrorKind::UnknownName, format!("no value is given for ${name}"))
                .with_place(span, "a parameter without a value");
            match did_you_mean(name, parameters.keys().map(String::as_str)) {
                Some(hint) => error.with_hint(hint),
                None => error.with_hint("text that starts with a $ stands in quotes"),
            }
        })
    }

    fn negate(&self, inner: &Expr, span: Span) -> Result<Bound> {
        let bound = self.operand(inner)?;
        let taken = Kinds::NUMBER.or(Kinds::DURATION);
        if !bound.kinds.may_be(taken) {
            let message = format!("'-' does not take {}", bound.kinds.describe());
            return Err(QueryError::new(ErrorKind::Type, message)
                .with_place(inner.span, "a number or a duration goes here"));
        }
        let kinds = if bound.kinds.meets(Kinds::INT) { bound.kinds.or(Kinds::DECIMAL) } else { bound.kinds };
        let kinds = kinds.and(taken);
        let is_constant = bound.as_constant().is_some();
        fold(Scalar::Negate(Box::new(bound.scalar), span), kinds, is_constant)
    }

    /// An operand of arithmetic. What a well-known field of words holds is asked for, since a mistake is likely.
    pub(super) fn operand(&self, expr: &Expr) -> Result<Bound> {
        let mut bound = self.expression(expr)?;
        if let ExprKind::Field(name) = &expr.node
            && is_word_field(name)
            && self.scope.has_event_field(name)
            && self.context.schema.types(name).is_text()
        {
            bound.kinds = Kinds::TEXT;
        }
        Ok(bound)
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Result<Bound> {
        let (mut left_bound, mut right_bound) = (self.operand(left)?, self.operand(right)?);
        self.take_as_time(right, &mut right_bound, left_bound.kinds)?;
        self.take_as_time(left, &mut left_bound, right_bound.kinds)?;
        let kinds = result_kinds(op, left_bound.kinds, right_bound.kinds);
        let is_null = left_bound.kinds == Kinds::NONE || right_bound.kinds == Kinds::NONE;
        if kinds == Kinds::NONE && !is_null {
            return Err(not_taken(op, (left, left_bound.kinds), (right, right_bound.kinds), span));
        }
        let is_constant = left_bound.as_constant().is_some() && right_bound.as_constant().is_some();
        let (left, right) = (Box::new(left_bound.scalar), Box::new(right_bound.scalar));
        fold(Scalar::Binary { op, left, right, span }, kinds, is_constant)
    }

    /// Text in quotes beside a time is a point in time; beside a duration, a time of day.
    fn take_as_time(&self, expr: &Expr, bound: &mut Bound, beside: Kinds) -> Result<()> {
        let ExprKind::Literal(literal) = &expr.node else { return Ok(()) };
        let temporal = Kinds::TIME.or(Kinds::DURATION);
        if literal.kind != LiteralKind::Quoted || !beside.is_within(temporal) {
            return Ok(());
        }
        let datum = match parse_point(&literal.text) {
            None => return Ok(()),
            Some(TimePoint::TimeOfDay(time)) if !beside.meets(Kinds::TIME) => {
                Datum::Duration(point::time_of_day_ns(time))
            }
            Some(point) => {
                let time = point.resolve(self.zone, self.context.now);
                Datum::Time(time.map_err(|error| error.or_place(expr.span))?)
            }
        };
        *bound = Bound::constant(datum);
        Ok(())
    }

    fn choice(&self, condition: &Filter, then: &Expr, otherwise: &Expr) -> Result<Bound> {
        let condition = self.filter(condition)?;
        let (then, otherwise) = (self.expression(then)?, self.expression(otherwise)?);
        Ok(match condition {
            Condition::Always => then,
            Condition::Never => otherwise,
            condition => Bound {
                kinds: then.kinds.or(otherwise.kinds),
                scalar: Scalar::If {
                    condition: Box::new(condition),
                    then: Box::new(then.scalar),
                    otherwise: Box::new(otherwise.scalar),
                },
            },
        })
    }

    fn call(&self, expr: &Expr, function: &Name, arguments: &[Expr]) -> Result<Bound> {
        let span = expr.span;
        let name = function.node.to_ascii_lowercase();
        let Some(signature) = functions::find(&name) else {
            return self
                .aggregate_column(expr, function)
                .map(|column| Bound { scalar: Scalar::Column(column.slot), kinds: column.kinds });
        };
        let (arguments, zone) = self.with_zone(signature, arguments)?;
        check_count(signature, arguments.len(), span)?;
        let mut bound = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let taken = signature.takes[at.min(signature.takes.len() - 1)];
            bound.push(self.argument(signature, argument, taken)?);
        }
        let function = match signature.make {
            Make::Now => return Ok(Bound::constant(Datum::Time(self.context.now))),
            Make::If => {
                let hint = "write if(condition, then, otherwise)";
                return Err(QueryError::at(ErrorKind::Syntax, span, "'if' needs a condition").with_hint(hint));
            }
            Make::Plain(function) => function.clone(),
            Make::Zoned(make) => make(zone),
            Make::Extract => {
                let function = self.extract(arguments, &bound)?;
                bound.truncate(1);
                function
            }
        };
        if let Function::Bin(_) = function {
            self.check_bin(arguments, &mut bound)?;
        }
        let kinds = match signature.gives {
            Gives::Kinds(kinds) => kinds,
            Gives::Same => match signature.takes.first() {
                Some(taken) => bound[0].kinds.and(*taken),
                None => Kinds::ANY,
            },
            Gives::AnyOf => bound.iter().fold(Kinds::NONE, |kinds, bound| kinds.or(bound.kinds)),
        };
        let is_constant = bound.iter().all(|bound| bound.as_constant().is_some());
        let arguments = bound.into_iter().map(|bound| bound.scalar).collect();
        fold(Scalar::Call { function, arguments, span }, kinds, is_constant)
    }

    /// The arguments without a zone at their end, and the zone.
    fn with_zone<'e>(&self, signature: &Signature, arguments: &'e [Expr]) -> Result<(&'e [Expr], Tz)> {
        let takes_zone = matches!(signature.make, Make::Zoned(_)) && !signature.is_variadic;
        let Some((last, before)) = arguments.split_last().filter(|_| takes_zone) else {
            return Ok((arguments, self.zone));
        };
        if before.len() < signature.takes.len() {
            return Ok((arguments, self.zone));
        }
        match self.expression(last)?.as_constant() {
            Some(Datum::Str(zone)) => Ok((before, named_zone(&Spanned::new(zone.to_string(), last.span))?)),
            _ => Err(QueryError::new(ErrorKind::Type, "a time zone is written out")
                .with_place(last.span, "text in quotes goes here")
                .with_hint(format!("write {}(ts, \"America/New_York\")", signature.name))),
        }
    }

    fn argument(&self, signature: &Signature, expr: &Expr, taken: Kinds) -> Result<Bound> {
        let mut bound = if taken.meets(Kinds::WORDS) { self.expression(expr)? } else { self.operand(expr)? };
        if taken.meets(Kinds::TIME) && !taken.meets(Kinds::TEXT) {
            self.take_as_time(expr, &mut bound, Kinds::TIME)?;
        }
        if bound.kinds.may_be(taken) {
            return Ok(bound);
        }
        let name = signature.name;
        let message = format!("'{name}' takes {}, not {}", taken.describe(), bound.kinds.describe());
        let error = QueryError::new(ErrorKind::Type, message)
            .with_place(expr.span, format!("not {}", taken.describe()));
        Err(error.with_hint(format!("{name}({}): {}", signature.arguments, signature.description)))
    }

    /// `extract(s, "regex"[, group])`: without a group, the first one of the pattern, or all that it matches.
    fn extract(&self, arguments: &[Expr], bound: &[Bound]) -> Result<Function> {
        let Some(Datum::Str(text)) = bound[1].as_constant() else {
            return Err(QueryError::new(ErrorKind::Type, "the pattern of 'extract' is written out")
                .with_place(arguments[1].span, "text in quotes goes here"));
        };
        let regex = self.regex(text, arguments[1].span)?;
        let groups = regex.captures_len() - 1;
        let group = match bound.get(2).map(Bound::as_constant) {
            None => usize::from(groups > 0),
            Some(group) => {
                let number = group.and_then(Datum::as_i64).and_then(|number| usize::try_from(number).ok());
                number.filter(|number| *number <= groups).ok_or_else(|| {
                    QueryError::new(ErrorKind::Value, format!("the pattern has {groups} groups"))
                        .with_place(arguments[2].span, "not the number of a group")
                        .with_hint("0 is all that the pattern matches")
                })?
            }
        };
        Ok(Function::Extract(regex, group))
    }

    /// The width of a bin: of the kind of what is binned, in the unit of the field, and above zero.
    fn check_bin(&self, arguments: &[Expr], bound: &mut [Bound]) -> Result<()> {
        if let ExprKind::Literal(width) = &arguments[1].node
            && unit::has_unit(&width.kind)
            && !bound[0].kinds.meets(Kinds::TIME.or(Kinds::DURATION))
            && let Some(number) = unit::number_in(&width.kind, self.unit(&arguments[0]))
        {
            bound[1] = Bound::constant(Datum::Decimal(number));
        }
        let temporal = Kinds::TIME.or(Kinds::DURATION);
        let (value, width) = (bound[0].kinds, bound[1].kinds);
        let problem = if value.is_within(temporal) && !width.may_be(Kinds::DURATION) {
            Some(("a duration", "write a duration, such as 5m"))
        } else if !value.meets(temporal) && !width.may_be(Kinds::NUMBER) {
            Some(("a number", "write a number; the field has no unit by its name"))
        } else {
            None
        };
        if let Some((expected, hint)) = problem {
            return Err(QueryError::new(ErrorKind::Type, format!("the width of these bins is {expected}"))
                .with_place(arguments[1].span, format!("not {expected}"))
                .with_hint(hint));
        }
        let is_positive = match bound[1].as_constant().map(Datum::borrow) {
            Some(DatumRef::Duration(ns)) => ns > 0,
            Some(number) => number.compare(DatumRef::Int(0)).is_none_or(|order| order.is_gt()),
            None => true,
        };
        if is_positive {
            return Ok(());
        }
        Err(QueryError::new(ErrorKind::Value, "the width of a bin must be above zero")
            .with_place(arguments[1].span, "not above zero"))
    }

    /// The column that a call of an aggregate stands for.
    pub(super) fn aggregate_column(&self, call: &Expr, function: &Name) -> Result<Column> {
        let written = &function.node;
        if crate::syntax::is_aggregate(written) {
            let name = names::of_expr(call);
            return self.scope.aggregate(&name).cloned().ok_or_else(|| {
                QueryError::new(ErrorKind::UnknownName, format!("no column '{name}' here"))
                    .with_place(function.span, "an aggregate is computed by stats")
                    .with_hint(format!("put a stage before: | stats {written}(...) by ..."))
            });
        }
        let error = QueryError::new(ErrorKind::UnknownName, format!("unknown function '{written}'"))
            .with_place(function.span, "not a function");
        Err(match did_you_mean(written, functions::names()) {
            Some(hint) => error.with_hint(hint),
            None => error
                .with_hint(format!("functions are {}", functions::names().collect::<Vec<_>>().join(", "))),
        })
    }
}

/// Computes what is constant.
fn fold(scalar: Scalar, kinds: Kinds, is_constant: bool) -> Result<Bound> {
    if is_constant { scalar.evaluate(&NoColumns).map(Bound::constant) } else { Ok(Bound { scalar, kinds }) }
}

fn check_count(signature: &Signature, found: usize, span: Span) -> Result<()> {
    let most = if signature.is_variadic { usize::MAX } else { signature.takes.len() };
    if (signature.required..=most).contains(&found) {
        return Ok(());
    }
    let (name, arguments) = (signature.name, signature.arguments);
    let count = match (signature.required, most) {
        (0, 0) => "no value".to_owned(),
        (1, 1) => "one value".to_owned(),
        (least, most) if least == most => format!("{least} values"),
        (least, usize::MAX) => format!("{least} or more values"),
        (least, most) => format!("{least} to {most} values"),
    };
    Err(QueryError::new(ErrorKind::Type, format!("'{name}' takes {count}, not {found}"))
        .with_place(span, format!("{name}({arguments})"))
        .with_hint(format!("for example: {}", signature.example)))
}

/// Whether values of two kinds can compare.
pub(super) fn can_compare(left: Kinds, right: Kinds) -> bool {
    left == Kinds::NONE || right.may_be(comparable_with(left))
}

/// The width of the bins of `ts` that an expression gives the start of.
pub(super) fn bin_width(pipeline: &Pipeline<'_>, expr: &Expr, bound: &Bound) -> Option<i64> {
    match (&bound.scalar, &expr.node) {
        (Scalar::Call { function: Function::Bin(_), arguments, .. }, _) => match arguments.as_slice() {
            [Scalar::Column(slot), Scalar::Constant(Datum::Duration(width_ns))]
                if *slot == crate::cells::Slot::TS =>
            {
                Some(*width_ns)
            }
            _ => None,
        },
        (Scalar::Column(_), ExprKind::Field(name)) => {
            pipeline.scope.column(name).and_then(|column| column.bin_ns)
        }
        _ => None,
    }
}

/// The nanoseconds of a literal that the parser has seen to be a duration.
pub(super) fn duration_ns(literal: &crate::syntax::ast::Literal) -> i64 {
    match literal.kind {
        LiteralKind::Duration(ns) => ns,
        _ => unreachable!("the parser takes nothing but a duration here"),
    }
}

/// The time that long before another.
pub(super) fn before(ts: Timestamp, ns: i64) -> Timestamp {
    Timestamp(ts.0.saturating_sub(ns))
}
