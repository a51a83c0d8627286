//! Expressions on one row, as the language reference has them.

use std::collections::BTreeMap;

use blotter::event::parse_decimal;
use blotter::query::syntax::ast::{BinaryOp, Expr, ExprKind, Literal, LiteralKind};
use chrono_tz::Tz;
use regex::Regex;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::clock;
use crate::filter;
use crate::names;
use crate::value::ModelValue::{self, *};

/// A row: what it has by name.
pub type ModelRow = BTreeMap<String, ModelValue>;

/// Why the model has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelError {
    Type,
    Value,
    UnknownName,
}

pub type ModelResult<T> = Result<T, ModelError>;

/// What an expression sees beside its row.
#[derive(Clone)]
pub struct Scope {
    pub zone: Tz,
    pub now: i64,
    /// Fields of which only the printed form is compared.
    pub indexed: Vec<String>,
    pub parameters: BTreeMap<String, ModelValue>,
}

impl Scope {
    pub fn value(&self, expr: &Expr, row: &ModelRow) -> ModelResult<ModelValue> {
        match &expr.node {
            ExprKind::Literal(literal) => Ok(constant(literal)),
            ExprKind::Parameter(name) => self.parameters.get(name).cloned().ok_or(ModelError::UnknownName),
            ExprKind::Field(name) => Ok(row.get(name).cloned().unwrap_or(Null)),
            ExprKind::Negate(inner) => match self.value(inner, row)? {
                Null => Ok(Null),
                Int(value) => Ok(value.checked_neg().map_or(ModelValue::Decimal(-Decimal::from(value)), Int)),
                ModelValue::Decimal(value) => Ok(ModelValue::Decimal(-value)),
                Float(value) => Ok(Float(-value)),
                Duration(ns) => ns.checked_neg().map(Duration).ok_or(ModelError::Value),
                _ => Err(ModelError::Type),
            },
            ExprKind::Binary { op, left, right } => {
                binary(*op, &self.value(left, row)?, &self.value(right, row)?)
            }
            ExprKind::If { condition, then, otherwise } => {
                let chosen = if filter::holds(self, condition, row)? { then } else { otherwise };
                self.value(chosen, row)
            }
            ExprKind::Call { function, arguments } => {
                if names::is_aggregate(&function.node) {
                    return Ok(row.get(&names::of_expr(expr)).cloned().unwrap_or(Null));
                }
                let values = arguments.iter().map(|argument| self.value(argument, row));
                self.call(&function.node, &values.collect::<ModelResult<Vec<ModelValue>>>()?)
            }
        }
    }

    fn call(&self, function: &str, arguments: &[ModelValue]) -> ModelResult<ModelValue> {
        let present = || arguments.iter().filter(|argument| !argument.is_null());
        match function {
            "now" => return Ok(Time(self.now)),
            "coalesce" => return Ok(present().next().cloned().unwrap_or(Null)),
            "min_of" | "max_of" => {
                let mut best = Null;
                for value in present() {
                    let order = value.order(&best);
                    if best.is_null() || if function == "min_of" { order.is_lt() } else { order.is_gt() } {
                        best = value.clone();
                    }
                }
                return Ok(best);
            }
            _ if arguments.iter().any(ModelValue::is_null) => return Ok(Null),
            _ => {}
        }
        let x = &arguments[0];
        let text = || x.words().ok_or(ModelError::Type);
        let text_of = |at: usize| arguments[at].words().ok_or(ModelError::Type);
        let whole_of = |at: usize| match arguments[at].exact() {
            Some(value) if value.is_integer() => value.to_i64().ok_or(ModelError::Type),
            _ => Err(ModelError::Type),
        };
        let zone = || match arguments.get(1) {
            Some(zone) => zone.to_string().parse::<Tz>().map_err(|_| ModelError::UnknownName),
            None => Ok(self.zone),
        };
        let time = || match x {
            Time(ns) => Ok(*ns),
            _ => Err(ModelError::Type),
        };
        let of_float = |function: fn(f64) -> f64| {
            x.float().map(|value| ModelValue::finite(function(value))).ok_or(ModelError::Type)
        };
        let in_unit = |unit: i64| match x {
            Duration(ns) => Ok(ModelValue::Decimal((Decimal::from(*ns) / Decimal::from(unit)).normalize())),
            _ => Err(ModelError::Type),
        };
        match function {
            "abs" => match x {
                Int(value) => {
                    Ok(value.checked_abs().map_or_else(|| ModelValue::Decimal(-Decimal::from(*value)), Int))
                }
                ModelValue::Decimal(value) => Ok(ModelValue::Decimal(value.abs())),
                Float(value) => Ok(Float(value.abs())),
                Duration(ns) => ns.checked_abs().map(Duration).ok_or(ModelError::Value),
                _ => Err(ModelError::Type),
            },
            "sign" => match (x, x.exact()) {
                (_, Some(value)) => Ok(Int(value.cmp(&Decimal::ZERO) as i64)),
                (Float(value), _) => Ok(Int(i64::from(*value > 0.0) - i64::from(*value < 0.0))),
                (Duration(ns), _) => Ok(Int(ns.signum())),
                _ => Err(ModelError::Type),
            },
            "floor" | "ceil" => {
                let down = function == "floor";
                match x {
                    Int(value) => Ok(Int(*value)),
                    ModelValue::Decimal(value) => {
                        Ok(ModelValue::Decimal(if down { value.floor() } else { value.ceil() }))
                    }
                    Float(value) => Ok(Float(if down { value.floor() } else { value.ceil() })),
                    _ => Err(ModelError::Type),
                }
            }
            "round" => round(x, if arguments.len() > 1 { whole_of(1)? } else { 0 }),
            "sqrt" => of_float(f64::sqrt),
            "ln" => of_float(f64::ln),
            "exp" => of_float(f64::exp),
            "pow" => power(x, &arguments[1]),
            "seconds" => in_unit(1_000_000_000),
            "millis" => in_unit(1_000_000),
            "micros" => in_unit(1_000),
            "nanos" => in_unit(1),
            "lower" => Ok(Text(text()?.to_lowercase())),
            "upper" => Ok(Text(text()?.to_uppercase())),
            "trim" => Ok(Text(text()?.trim().to_owned())),
            "length" => Ok(Int(text()?.chars().count() as i64)),
            "substring" => {
                let skipped = (whole_of(1)? - 1).max(0) as usize;
                let taken = if arguments.len() > 2 { whole_of(2)?.max(0) as usize } else { usize::MAX };
                Ok(Text(text()?.chars().skip(skipped).take(taken).collect()))
            }
            "replace" if text_of(1)?.is_empty() => Ok(Text(text()?.to_owned())),
            "replace" => Ok(Text(text()?.replace(text_of(1)?, text_of(2)?))),
            "starts_with" => Ok(Bool(text()?.starts_with(text_of(1)?))),
            "ends_with" => Ok(Bool(text()?.ends_with(text_of(1)?))),
            "split" => {
                let (nth, separator) = (whole_of(2)?, text_of(1)?);
                let part = match nth {
                    ..=0 => None,
                    _ if separator.is_empty() => (nth == 1).then(&text).transpose()?,
                    _ => text()?.split(separator).nth(nth as usize - 1),
                };
                Ok(part.map_or(Null, |part| Text(part.to_owned())))
            }
            "extract" => {
                let regex = Regex::new(text_of(1)?).map_err(|_| ModelError::Value)?;
                let group = if arguments.len() > 2 { whole_of(2)? as usize } else { 0 };
                let found = regex.captures(text()?).and_then(|found| found.get(group));
                Ok(found.map_or(Null, |found| Text(found.as_str().to_owned())))
            }
            "concat" => Ok(Text(arguments.iter().map(|part| part.print(self.zone)).collect())),
            "to_text" => Ok(Text(x.print(self.zone))),
            "to_number" => Ok(match x {
                Int(_) | Float(_) | ModelValue::Decimal(_) => x.clone(),
                Text(text) => parse_decimal("", text.trim()).map_or(Null, ModelValue::Decimal),
                _ => Null,
            }),
            "date" => Ok(Text(clock::wall(time()?, zone()?).date().to_string())),
            "time_of_day" => Ok(Duration(clock::time_of_day_ns(time()?, zone()?))),
            "hour" => Ok(Int(clock::time_of_day_ns(time()?, zone()?) / clock::HOUR_NS)),
            "minute" => Ok(Int(clock::time_of_day_ns(time()?, zone()?) / (60 * clock::SECOND_NS) % 60)),
            "weekday" => Ok(Int(clock::weekday(time()?, zone()?))),
            "bin" => {
                let zone = match arguments.get(2) {
                    Some(zone) => zone.to_string().parse::<Tz>().map_err(|_| ModelError::UnknownName)?,
                    None => self.zone,
                };
                bin(x, &arguments[1], zone)
            }
            other => panic!("the model does not know the function '{other}'"),
        }
    }
}

/// A literal of an expression.
fn constant(literal: &Literal) -> ModelValue {
    match &literal.kind {
        LiteralKind::Quoted | LiteralKind::Word => Text(literal.text.clone()),
        LiteralKind::Number(number) => match (number.scale(), number.to_i64()) {
            (0, Some(whole)) => Int(whole),
            _ => ModelValue::Decimal(*number),
        },
        LiteralKind::Bool(value) => Bool(*value),
        LiteralKind::Null => Null,
        LiteralKind::Duration(ns) => Duration(*ns),
        LiteralKind::Size(bytes) => ModelValue::Decimal(*bytes),
        LiteralKind::Percent(number) => ModelValue::Decimal(*number / Decimal::ONE_HUNDRED),
        LiteralKind::BasisPoints(number) => ModelValue::Decimal(*number / Decimal::from(10_000)),
    }
}

fn is_number(value: &ModelValue) -> bool {
    matches!(value, Int(_) | Float(_) | ModelValue::Decimal(_))
}

pub fn binary(op: BinaryOp, left: &ModelValue, right: &ModelValue) -> ModelResult<ModelValue> {
    use BinaryOp::{Add, Divide, Multiply, Remainder, Subtract};
    let takes = |value: &ModelValue| is_number(value) || matches!(value, Null | Time(_) | Duration(_));
    if !takes(left) || !takes(right) {
        return Err(ModelError::Type);
    }
    if left.is_null() || right.is_null() {
        return Ok(Null);
    }
    let fits = |value: Option<i64>| value.ok_or(ModelError::Value);
    match (op, left, right) {
        (_, Int(a), Int(b)) if op != Divide => {
            let result = match op {
                Add => a.checked_add(*b),
                Subtract => a.checked_sub(*b),
                Multiply => a.checked_mul(*b),
                _ if *b == 0 => return Ok(Null),
                _ => Some(a.wrapping_rem(*b)),
            };
            match result {
                Some(result) => Ok(Int(result)),
                None => exact(op, Decimal::from(*a), Decimal::from(*b)),
            }
        }
        _ if is_number(left) && is_number(right) => match (left.exact(), right.exact()) {
            (Some(a), Some(b)) => exact(op, a, b),
            _ => {
                let (a, b) = (left.float().expect("a number"), right.float().expect("a number"));
                Ok(ModelValue::finite(match op {
                    Add => a + b,
                    Subtract => a - b,
                    Multiply => a * b,
                    Divide => a / b,
                    Remainder => a % b,
                }))
            }
        },
        (Subtract, Time(a), Time(b)) => fits(a.checked_sub(*b)).map(Duration),
        (Add, Time(ts), Duration(ns)) | (Add, Duration(ns), Time(ts)) => fits(ts.checked_add(*ns)).map(Time),
        (Subtract, Time(ts), Duration(ns)) => fits(ts.checked_sub(*ns)).map(Time),
        (Add, Duration(a), Duration(b)) => fits(a.checked_add(*b)).map(Duration),
        (Subtract, Duration(a), Duration(b)) => fits(a.checked_sub(*b)).map(Duration),
        (Divide, Duration(a), Duration(b)) => exact(op, Decimal::from(*a), Decimal::from(*b)),
        (Remainder, Duration(_), Duration(0)) => Ok(Null),
        (Remainder, Duration(a), Duration(b)) => Ok(Duration(a.wrapping_rem(*b))),
        (Multiply, Duration(ns), number)
        | (Multiply, number, Duration(ns))
        | (Divide, Duration(ns), number)
            if is_number(number) =>
        {
            scaled(op, *ns, number)
        }
        _ => Err(ModelError::Type),
    }
}

/// A stretch of time times or by a number, to the nearest nanosecond.
fn scaled(op: BinaryOp, ns: i64, number: &ModelValue) -> ModelResult<ModelValue> {
    let result = match number {
        Float(_) => binary(op, &Float(ns as f64), number)?,
        _ => exact(op, Decimal::from(ns), number.exact().expect("it is exact"))?,
    };
    let rounded = match result {
        Float(ns) => ns.round().to_i64(),
        ModelValue::Decimal(ns) => {
            ns.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()
        }
        other => return Ok(other),
    };
    rounded.map(Duration).ok_or(ModelError::Value)
}

fn exact(op: BinaryOp, left: Decimal, right: Decimal) -> ModelResult<ModelValue> {
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        _ if right.is_zero() => return Ok(Null),
        BinaryOp::Divide => left.checked_div(right).map(|quotient| quotient.normalize()),
        BinaryOp::Remainder => left.checked_rem(right),
    };
    result.map(ModelValue::Decimal).ok_or(ModelError::Value)
}

fn round(x: &ModelValue, digits: i64) -> ModelResult<ModelValue> {
    match x {
        Int(value) if digits >= 0 => Ok(Int(*value)),
        Float(value) => {
            let factor = 10f64.powi(digits as i32);
            Ok(Float((value * factor).round() / factor))
        }
        Int(_) | ModelValue::Decimal(_) => {
            let value = x.exact().expect("it is exact");
            let strategy = RoundingStrategy::MidpointAwayFromZero;
            if digits >= 0 {
                return Ok(ModelValue::Decimal(value.round_dp_with_strategy(digits as u32, strategy)));
            }
            let unit = Decimal::from(10i64.pow(digits.unsigned_abs() as u32));
            let rounded = (value / unit).round_dp_with_strategy(0, strategy) * unit;
            Ok(match x {
                Int(_) => Int(rounded.to_i64().ok_or(ModelError::Value)?),
                _ => ModelValue::Decimal(rounded),
            })
        }
        _ => Err(ModelError::Type),
    }
}

/// Exact for a whole exponent that is not negative, else as floats.
fn power(x: &ModelValue, y: &ModelValue) -> ModelResult<ModelValue> {
    let (Some(base), Some(exponent)) = (x.float(), y.float()) else { return Err(ModelError::Type) };
    let times = y.exact().filter(|times| times.is_integer() && !times.is_sign_negative());
    match (x, times) {
        (Int(_) | ModelValue::Decimal(_), Some(times)) => {
            let mut result = Int(1);
            for _ in 0..times.to_u64().ok_or(ModelError::Value)? {
                result = binary(BinaryOp::Multiply, &result, x)?;
            }
            Ok(result)
        }
        _ => Ok(ModelValue::finite(base.powf(exponent))),
    }
}

fn bin(x: &ModelValue, width: &ModelValue, zone: Tz) -> ModelResult<ModelValue> {
    match (x, width) {
        (Time(ns), Duration(width)) if *width > 0 => Ok(Time(clock::bin(*ns, *width, zone))),
        (Duration(ns), Duration(width)) if *width > 0 => Ok(Duration(ns - ns.rem_euclid(*width))),
        (Time(_) | Duration(_), Duration(_)) => Err(ModelError::Value),
        _ if !is_number(x) || !is_number(width) => Err(ModelError::Type),
        _ => match (x.exact(), width.exact()) {
            (_, Some(width)) if width <= Decimal::ZERO => Err(ModelError::Value),
            (Some(x), Some(width)) => {
                let bins = (x / width).floor();
                let start = bins.checked_mul(width).ok_or(ModelError::Value)?;
                Ok(ModelValue::Decimal(start))
            }
            _ => {
                let (x, width) = (x.float().expect("a number"), width.float().expect("a number"));
                Ok(Float((x / width).floor() * width))
            }
        },
    }
}
