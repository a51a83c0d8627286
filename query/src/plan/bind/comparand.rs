//! What a literal means against a column, and whether it can mean anything.

use blotter_engine::event::Level;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::Pipeline;
use super::scope::{Column, is_word_field};
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::nearest::did_you_mean;
use crate::plan::kinds::Kinds;
use crate::plan::scalar::Comparand;
use crate::syntax::ast::{Literal, LiteralKind, Span};
use crate::time::unit::{self, Unit};
use crate::time::{TimePoint, parse_point, point};

/// What a literal is compared with.
pub(super) struct Target {
    /// The name of the column, if it is one.
    name: Option<String>,
    kinds: Kinds,
    unit: Option<Unit>,
    /// Whether text compares in any ASCII case.
    pub(super) folded: bool,
    /// Whether the values are those recorded, so that the database knows their types.
    is_recorded: bool,
}

impl Target {
    /// A column.
    pub(super) fn column(column: &Column) -> Target {
        Target {
            kinds: column.kinds,
            unit: column.unit,
            folded: matches!(column.name.as_str(), "category" | "level" | "side" | "status" | "order_type"),
            is_recorded: column.is_recorded,
            name: Some(column.name.clone()),
        }
    }

    /// A computed value.
    pub(super) fn computed(kinds: Kinds) -> Target {
        Target { name: None, kinds, unit: None, folded: false, is_recorded: false }
    }

    /// Its name in sentences.
    fn called(&self) -> String {
        self.name.as_ref().map_or_else(|| "this".to_owned(), |name| format!("'{name}'"))
    }
}

impl Pipeline<'_> {
    /// What a literal means against a column.
    ///
    /// # Errors
    /// It means nothing against any value that the column can have.
    pub(super) fn comparand(&self, literal: &Literal, target: &Target, span: Span) -> Result<Comparand> {
        let text = if target.folded { literal.text.to_ascii_lowercase() } else { literal.text.clone() };
        let mut comparand = Comparand {
            text: Some(text),
            folded: target.folded,
            printed: !target.folded
                && target.is_recorded
                && target.name.as_ref().is_some_and(|name| self.context.schema.is_indexed(name)),
            number: unit::number_in(&literal.kind, target.unit),
            ..Comparand::default()
        };
        if let LiteralKind::Bool(truth) = literal.kind {
            comparand.truth = Some(truth);
        }
        if target.kinds.meets(Kinds::TIME.or(Kinds::DURATION)) {
            if let LiteralKind::Duration(ns) = literal.kind {
                comparand.duration = Some(ns);
            }
            match parse_point(&literal.text) {
                Some(TimePoint::TimeOfDay(time)) if target.kinds.is_within(Kinds::DURATION) => {
                    comparand.duration = Some(point::time_of_day_ns(time));
                }
                Some(point) => {
                    if let TimePoint::TimeOfDay(time) = point {
                        comparand.duration = Some(point::time_of_day_ns(time));
                    }
                    let time = point.resolve(self.zone, self.context.now);
                    comparand.time = Some(time.map_err(|error| error.or_place(span))?);
                }
                None => {}
            }
        }
        if target.kinds.meets(Kinds::LEVEL) {
            comparand.level = literal.text.parse().ok();
        }
        self.check(&comparand, literal, target, span)?;
        self.check_category(literal, target, span)?;
        Ok(comparand)
    }

    /// What a value given beside the text, or computed before running, means against a column.
    ///
    /// # Errors
    /// As [`Pipeline::comparand`]; null.
    pub(super) fn comparand_of(&self, datum: &Datum, target: &Target, span: Span) -> Result<Comparand> {
        let kind = match datum {
            Datum::Null => {
                return Err(QueryError::new(ErrorKind::Type, "nothing compares with null")
                    .with_place(span, "this is null")
                    .with_hint("to find rows without a field, write: missing field"));
            }
            Datum::Bool(truth) => LiteralKind::Bool(*truth),
            Datum::Int(value) => LiteralKind::Number((*value).into()),
            Datum::Decimal(value) => LiteralKind::Number(*value),
            Datum::Float(value) => LiteralKind::Number(Decimal::from_f64(*value).ok_or_else(|| {
                QueryError::new(
                    ErrorKind::Value,
                    format!("{value:?} is beyond the numbers that can be compared"),
                )
                .with_place(span, "too large")
            })?),
            Datum::Duration(ns) => LiteralKind::Duration(*ns),
            Datum::Str(_) => LiteralKind::Quoted,
            Datum::Time(_) | Datum::Level(_) | Datum::Category(_) => LiteralKind::Word,
        };
        let literal = Literal { text: datum.to_string(), kind };
        if let Datum::Time(ts) = datum {
            let comparand = Comparand { time: Some(*ts), ..Comparand::default() };
            self.check(&comparand, &literal, target, span)?;
            return Ok(comparand);
        }
        self.comparand(&literal, target, span)
    }

    /// Whether a category is not one that is known, but nearly: a slip of the fingers would find nothing in silence.
    fn check_category(&self, literal: &Literal, target: &Target, span: Span) -> Result<()> {
        let is_category = target.is_recorded && target.name.as_deref() == Some("category");
        if !is_category || self.context.options.allow_unknown_fields {
            return Ok(());
        }
        let text = literal.text.to_ascii_lowercase();
        let schema = self.context.schema;
        if schema.values("category", &text, 1).contains(&text) {
            return Ok(());
        }
        let known = schema.values("category", "", usize::MAX);
        match did_you_mean(&text, known.iter().map(String::as_str)) {
            Some(hint) if !known.contains(&text) => {
                let message = format!("no event has category '{}'", literal.text);
                let error =
                    QueryError::new(ErrorKind::UnknownName, message).with_place(span, "not a category");
                Err(error.with_hint(hint))
            }
            _ => Ok(()),
        }
    }

    /// Whether the comparand means anything against some value of the target.
    fn check(&self, comparand: &Comparand, literal: &Literal, target: &Target, span: Span) -> Result<()> {
        let against = [
            (comparand.text.is_some(), Kinds::TEXT.or(Kinds::CATEGORY)),
            (comparand.number.is_some(), Kinds::NUMBER),
            (comparand.truth.is_some(), Kinds::BOOL),
            (comparand.time.is_some(), Kinds::TIME),
            (comparand.duration.is_some(), Kinds::DURATION),
            (comparand.level.is_some(), Kinds::LEVEL),
        ];
        let possible = against
            .iter()
            .filter(|(is_given, _)| *is_given)
            .fold(Kinds::NONE, |possible, (_, kinds)| possible.or(*kinds));
        if !target.kinds.may_be(possible) {
            return Err(self.never(target.kinds, literal, target, span));
        }
        // The types of a field may take long to find, so they are asked for only where they can be an error.
        let Some(field) = target.name.as_ref().filter(|_| target.is_recorded) else { return Ok(()) };
        if possible.meets(Kinds::NUMBER) || !target.kinds.meets(Kinds::NUMBER) || is_word_field(field) {
            return Ok(());
        }
        let types = self.context.schema.types(field);
        if types.is_numeric() {
            return Err(self.never(Kinds::NUMBER, literal, target, span));
        }
        if types.is_bool() && comparand.truth.is_none() {
            return Err(self.never(Kinds::BOOL, literal, target, span));
        }
        Ok(())
    }

    /// The error for a literal that means nothing against values of these kinds.
    fn never(&self, kinds: Kinds, literal: &Literal, target: &Target, span: Span) -> QueryError {
        let (called, text) = (target.called(), &literal.text);
        let error =
            |message: String, label: &str| QueryError::new(ErrorKind::Type, message).with_place(span, label);
        if kinds.is_within(Kinds::NUMBER) && unit::has_unit(&literal.kind) {
            let example = "write a number";
            return match target.unit {
                Some(unit) => {
                    let message = format!("{called} is {} by its name, and '{text}' is not", unit.name());
                    error(message, "of another unit").with_hint(example)
                }
                None => error(format!("{called} has no unit; write a number"), "a number with a unit")
                    .with_hint("units are understood against names such as latency_us, size_kb, fee_bps"),
            };
        }
        if kinds.is_within(Kinds::LEVEL) {
            let names = || Level::ALL.iter().map(|level| level.name());
            let hint = did_you_mean(text, names());
            return error(format!("'{text}' is not a level"), "not a level")
                .with_hint(hint.unwrap_or_else(|| names().collect::<Vec<_>>().join(", ")));
        }
        if kinds.is_within(Kinds::TIME) {
            let hint = match literal.kind {
                LiteralKind::Duration(_) => format!("for that long ago, write -{text}"),
                _ => format!("write {}", point::FORMS),
            };
            return error(format!("'{text}' is not a point in time"), "not a time").with_hint(hint);
        }
        let looks_like_number =
            text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        if literal.kind == LiteralKind::Word && looks_like_number && text.parse::<f64>().is_ok() {
            return QueryError::new(
                ErrorKind::Value,
                format!("'{text}' is beyond the numbers that can be compared"),
            )
            .with_place(span, "at most 28 digits");
        }
        let expected = kinds.describe();
        let found = match literal.kind {
            LiteralKind::Number(_) => "a number",
            LiteralKind::Quoted => "text",
            LiteralKind::Bool(_) => "a truth value",
            _ => "a word",
        };
        let error =
            error(format!("{called} is {expected}, and '{text}' is {found}"), &format!("not {expected}"));
        let is_field = || self.context.schema.knows(text) || self.scope.column(text).is_some();
        if kinds.is_within(Kinds::BOOL) {
            return error.with_hint("write true or false");
        }
        if kinds.is_within(Kinds::DURATION) {
            return error.with_hint("write a duration, such as 5s or 1h30m, or a time of day, such as 09:30");
        }
        match literal.kind {
            LiteralKind::Quoted if text.parse::<Decimal>().is_ok() => {
                error.with_hint(format!("write {text} without quotes"))
            }
            LiteralKind::Word if is_field() => {
                error.with_hint(format!("to compare with the field '{text}', write {{{text}}}"))
            }
            _ => error.with_hint(format!("write {expected}")),
        }
    }
}

/// The kinds that values of some kinds compare with.
pub(super) fn comparable_with(kinds: Kinds) -> Kinds {
    let mut with = kinds;
    if kinds.meets(Kinds::NUMBER) {
        with = with.or(Kinds::NUMBER);
    }
    if kinds.meets(Kinds::TEXT) {
        with = with.or(Kinds::WORDS);
    }
    if kinds.meets(Kinds::WORDS) {
        with = with.or(Kinds::TEXT);
    }
    with
}

/// A literal as a value of arithmetic: sizes in bytes, shares of one.
pub(super) fn datum(literal: &Literal) -> Datum {
    let number = |number: Decimal| match i64::try_from(number.mantissa()) {
        Ok(whole) if number.scale() == 0 => Datum::Int(whole),
        _ => Datum::Decimal(number),
    };
    match &literal.kind {
        LiteralKind::Quoted | LiteralKind::Word => DatumRef::Str(&literal.text).to_datum(),
        LiteralKind::Number(value) | LiteralKind::Size(value) => number(*value),
        LiteralKind::Bool(truth) => Datum::Bool(*truth),
        LiteralKind::Null => Datum::Null,
        LiteralKind::Duration(ns) => Datum::Duration(*ns),
        LiteralKind::Percent(value) => number((*value / Decimal::ONE_HUNDRED).normalize()),
        LiteralKind::BasisPoints(value) => number((*value / Decimal::from(10_000)).normalize()),
    }
}
