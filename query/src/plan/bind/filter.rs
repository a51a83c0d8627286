//! Conditions: comparisons with what literals mean against their column, words in the message, terms of time.

use super::comparand::Target;
use super::expression::{self, Bound};
use super::scope::Column;
use super::{Pipeline, named_zone};
use crate::cells::Slot;
use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
use crate::plan::functions;
use crate::plan::needle::Needle;
use crate::plan::scalar::{Comparand, Condition, Scalar, Test};
use crate::syntax::ast::{CompareOp, Expr, ExprKind, Filter, FilterKind, Name, Span, Spanned, TimeTerm};
use crate::time::{TimePoint, parse_point, point, zone};

/// The left of a comparison.
struct Left {
    bound: Bound,
    target: Target,
}

/// The right of a comparison.
enum Right {
    Comparand(Comparand),
    Computed(Bound),
}

impl Pipeline<'_> {
    /// A bound condition.
    ///
    /// # Errors
    /// Unknown names, literals that can mean nothing against their column, patterns that are none.
    pub(super) fn filter(&self, filter: &Filter) -> Result<Condition> {
        match &filter.node {
            FilterKind::And(parts) => {
                let parts: Result<Vec<Condition>> = parts.iter().map(|part| self.filter(part)).collect();
                Ok(Condition::all(parts?))
            }
            FilterKind::Or(parts) => {
                let parts: Result<Vec<Condition>> = parts.iter().map(|part| self.filter(part)).collect();
                Ok(any(parts?))
            }
            FilterKind::Not(part) => Ok(not(self.filter(part)?)),
            FilterKind::Compare { left, op, right } => {
                let left = self.left(left)?;
                let compared = self.right(&left, right)?;
                Ok(self.compare(&left, *op, compared))
            }
            FilterKind::In { left, values, negated } => self.within(left, values, *negated),
            FilterKind::Between { left, low, high } => self.between(left, low, high),
            FilterKind::Regex { left, pattern, negated } => {
                let regex = self.regex(&pattern.node, pattern.span)?;
                Ok(test(self.left(left)?.bound, Test::Regex { regex, negated: *negated }))
            }
            FilterKind::Like { left, pattern } => {
                let left = self.left(left)?;
                let regex = self.like(pattern, left.target.folded)?;
                Ok(test(left.bound, Test::Regex { regex, negated: false }))
            }
            FilterKind::Contains { left, text } => {
                let left = self.left(left)?;
                let text =
                    if left.target.folded { Needle::folded(&text.node) } else { Needle::exact(&text.node) };
                Ok(test(left.bound, Test::Contains { text }))
            }
            FilterKind::Exists(name) => {
                Ok(Condition::Column { slot: self.resolve(name)?.slot, test: Test::Exists })
            }
            FilterKind::Missing(name) => {
                Ok(Condition::Column { slot: self.resolve(name)?.slot, test: Test::Missing })
            }
            FilterKind::Word { text, prefix } => self.words(text, *prefix, filter.span),
            FilterKind::Phrase(text) => self.words(text, false, filter.span),
            FilterKind::Last(literal) => {
                let from = expression::before(self.context.now, expression::duration_ns(literal));
                self.at(CompareOp::GreaterOrEqual, from, filter.span)
            }
            FilterKind::Since(term) => self.at(CompareOp::GreaterOrEqual, self.instant(term)?, filter.span),
            FilterKind::Until(term) => self.at(CompareOp::Less, self.instant(term)?, filter.span),
            FilterKind::On(term) => self.on(term, filter.span),
        }
    }

    fn left(&self, expr: &Expr) -> Result<Left> {
        if let ExprKind::Field(name) = &expr.node {
            return Ok(of_column(&self.resolve(&Name::new(name.clone(), expr.span))?));
        }
        if let ExprKind::Call { function, .. } = &expr.node
            && functions::find(&function.node.to_ascii_lowercase()).is_none()
        {
            return Ok(of_column(&self.aggregate_column(expr, function)?));
        }
        let bound = self.expression(expr)?;
        Ok(Left { target: Target::computed(bound.kinds), bound })
    }

    fn right(&self, left: &Left, expr: &Expr) -> Result<Right> {
        match &expr.node {
            ExprKind::Literal(literal) => {
                self.comparand(literal, &left.target, expr.span).map(Right::Comparand)
            }
            ExprKind::Parameter(name) => {
                let datum = self.parameter(name, expr.span)?;
                self.comparand_of(datum, &left.target, expr.span).map(Right::Comparand)
            }
            _ => {
                let bound = self.expression(expr)?;
                if let Some(datum) = bound.as_constant() {
                    return self.comparand_of(datum, &left.target, expr.span).map(Right::Comparand);
                }
                if expression::can_compare(left.bound.kinds, bound.kinds) {
                    return Ok(Right::Computed(bound));
                }
                let (left, right) = (left.bound.kinds.describe(), bound.kinds.describe());
                Err(QueryError::new(ErrorKind::Type, format!("{left} does not compare with {right}"))
                    .with_place(expr.span, format!("this is {right}")))
            }
        }
    }

    fn compare(&self, left: &Left, op: CompareOp, right: Right) -> Condition {
        match right {
            Right::Comparand(value) => test(left.bound.clone(), Test::Compare { op, value }),
            Right::Computed(right) => {
                Condition::Relation { left: left.bound.scalar.clone(), op, right: right.scalar }
            }
        }
    }

    /// Values known before running are one test; each other is a comparison of its own.
    fn within(&self, left: &Expr, values: &[Expr], negated: bool) -> Result<Condition> {
        let left = self.left(left)?;
        let (mut known, mut parts) = (Vec::new(), Vec::new());
        let op = if negated { CompareOp::NotEqual } else { CompareOp::Equal };
        for value in values {
            match self.right(&left, value)? {
                Right::Comparand(comparand) => known.push(comparand),
                computed => parts.push(self.compare(&left, op, computed)),
            }
        }
        if !known.is_empty() {
            parts.insert(0, test(left.bound, Test::In { values: known.into(), negated }));
        }
        Ok(if negated { Condition::all(parts) } else { any(parts) })
    }

    fn between(&self, left: &Expr, low: &Expr, high: &Expr) -> Result<Condition> {
        let left = self.left(left)?;
        match (self.right(&left, low)?, self.right(&left, high)?) {
            (Right::Comparand(low), Right::Comparand(high)) => {
                Ok(test(left.bound, Test::Between { low, high }))
            }
            (low, high) => Ok(Condition::all(vec![
                self.compare(&left, CompareOp::GreaterOrEqual, low),
                self.compare(&left, CompareOp::LessOrEqual, high),
            ])),
        }
    }

    /// Words are looked for in the message.
    fn words(&self, text: &str, prefix: bool, span: Span) -> Result<Condition> {
        let message = Name::new("message".to_owned(), span);
        let column = self.resolve(&message).map_err(|_| {
            QueryError::new(ErrorKind::UnknownName, "there is no message here to look for words in")
                .with_place(span, "a word")
                .with_hint("compare a column with it: column = ..., or column contains \"...\"")
        })?;
        Ok(Condition::Column { slot: column.slot, test: Test::Words { text: Needle::folded(text), prefix } })
    }

    fn at(&self, op: CompareOp, ts: blotter_engine::event::Timestamp, span: Span) -> Result<Condition> {
        let column = self.resolve(&Name::new("ts".to_owned(), span)).map_err(|_| {
            QueryError::new(ErrorKind::UnknownName, "there is no 'ts' here that a time could be of")
                .with_place(span, "a time")
                .with_hint("put the time at the start of the query, or keep ts")
        })?;
        debug_assert_eq!(column.slot, Slot::TS);
        let value = Comparand { time: Some(ts), ..Comparand::default() };
        Ok(Condition::Column { slot: column.slot, test: Test::Compare { op, value } })
    }

    fn term_point(&self, term: &TimeTerm) -> Result<(TimePoint, chrono_tz::Tz)> {
        let zone = match &term.zone {
            Some(name) => named_zone(name)?,
            None => self.zone,
        };
        let point = parse_point(&term.point.node).ok_or_else(|| not_a_point(&term.point))?;
        Ok((point, zone))
    }

    fn instant(&self, term: &TimeTerm) -> Result<blotter_engine::event::Timestamp> {
        let (point, zone) = self.term_point(term)?;
        point.resolve(zone, self.context.now).map_err(|error| error.or_place(term.point.span))
    }

    /// All of a day.
    fn on(&self, term: &TimeTerm, span: Span) -> Result<Condition> {
        let (point, zone) = self.term_point(term)?;
        let date = point.date(zone, self.context.now).ok_or_else(|| {
            QueryError::new(ErrorKind::Value, format!("'{}' is not a day", term.point.node))
                .with_place(term.point.span, "a day goes here")
                .with_hint(
                    "write on 2026-01-02, on today or on yesterday; for other spans, since ... until ...",
                )
        })?;
        let (start, end) = zone::day(date, zone).map_err(|error| error.or_place(term.point.span))?;
        Ok(Condition::all(vec![
            self.at(CompareOp::GreaterOrEqual, start, span)?,
            self.at(CompareOp::Less, end, span)?,
        ]))
    }
}

fn not_a_point(point: &Spanned<String>) -> QueryError {
    QueryError::new(ErrorKind::Value, format!("'{}' is not a point in time", point.node))
        .with_place(point.span, "not a time")
        .with_hint(format!("write {}", point::FORMS))
}

fn of_column(column: &Column) -> Left {
    let bound = Bound { scalar: Scalar::Column(column.slot), kinds: column.kinds };
    Left { bound, target: Target::column(column) }
}

/// A test of a bound value; decided now if the value is constant.
fn test(bound: Bound, test: Test) -> Condition {
    match bound.scalar {
        Scalar::Column(slot) => Condition::Column { slot, test },
        Scalar::Constant(datum) => constant(&datum, &test),
        scalar => Condition::Computed { scalar, test },
    }
}

fn constant(datum: &Datum, test: &Test) -> Condition {
    if test.passes(datum.borrow()) { Condition::Always } else { Condition::Never }
}

/// One part holds at least.
fn any(parts: Vec<Condition>) -> Condition {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Condition::Always => return Condition::Always,
            Condition::Never => {}
            Condition::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 {
        flat.remove(0)
    } else if flat.is_empty() {
        Condition::Never
    } else {
        Condition::Any(flat)
    }
}

fn not(part: Condition) -> Condition {
    match part {
        Condition::Always => Condition::Never,
        Condition::Never => Condition::Always,
        Condition::Not(inner) => *inner,
        other => Condition::Not(Box::new(other)),
    }
}
