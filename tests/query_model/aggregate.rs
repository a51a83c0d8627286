//! Aggregates over the rows of one group.

use blotter::query::syntax::ast::{Aggregate, AggregateFunction};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::expression::{ModelError, ModelResult, ModelRow, Scope};
use crate::filter;
use crate::value::ModelValue::{self, *};

/// The value of an aggregate over rows in incoming order. `bin_ns`: the width of the bin of time that the group is.
pub fn aggregate(
    scope: &Scope,
    aggregate: &Aggregate,
    rows: &[&ModelRow],
    bin_ns: Option<i64>,
) -> ModelResult<ModelValue> {
    use AggregateFunction as F;
    let mut taken: Vec<&ModelRow> = Vec::new();
    for row in rows {
        let passes = match &aggregate.condition {
            Some(condition) => filter::holds(scope, condition, row)?,
            None => true,
        };
        if passes {
            taken.push(row);
        }
    }
    // Each row that has the first argument, with its arguments.
    let mut found: Vec<Vec<ModelValue>> = Vec::new();
    for row in &taken {
        let values = aggregate.arguments.iter().map(|argument| scope.value(argument, row));
        let values = values.collect::<ModelResult<Vec<ModelValue>>>()?;
        if values.first().is_none_or(|first| !first.is_null()) {
            found.push(values);
        }
    }
    let values = || found.iter().map(|values| values[0].clone()).collect::<Vec<ModelValue>>();
    match aggregate.function {
        F::Count => Ok(Int(found.len() as i64)),
        F::Sum => sum(&values()),
        F::Avg => mean(&values()),
        F::Stddev => deviation(&values()),
        F::Min => Ok(values().into_iter().min_by(ModelValue::order).unwrap_or(Null)),
        // Of equal values the first, as for the least.
        F::Max => Ok(values().into_iter().rev().max_by(ModelValue::order).unwrap_or(Null)),
        F::Median => percentile(values(), Decimal::from(50)),
        F::Percentile(percent) => percentile(values(), percent),
        F::Distinct => {
            let mut values = values();
            values.sort_by(ModelValue::order);
            values.dedup_by(|left, right| left.order(right).is_eq());
            Ok(Int(values.len() as i64))
        }
        F::First => Ok(values().first().cloned().unwrap_or(Null)),
        F::Last => Ok(values().last().cloned().unwrap_or(Null)),
        F::ArgMax => {
            Ok(found.iter().rev().max_by(|a, b| a[0].order(&b[0])).map_or(Null, |values| values[1].clone()))
        }
        F::ArgMin => {
            Ok(found.iter().min_by(|a, b| a[0].order(&b[0])).map_or(Null, |values| values[1].clone()))
        }
        F::Rate => {
            let times: Vec<i64> = taken
                .iter()
                .filter_map(|row| match row.get("ts") {
                    Some(Time(ts)) => Some(*ts),
                    _ => None,
                })
                .collect();
            let covered = times.iter().max().zip(times.iter().min()).map(|(last, first)| last - first);
            let Some(ns) = bin_ns.or(covered).filter(|ns| *ns > 0) else { return Ok(Null) };
            let total = if aggregate.arguments.is_empty() {
                Some(found.len() as f64)
            } else {
                let sum = sum(&values())?;
                if matches!(sum, Duration(_)) {
                    return Err(ModelError::Type);
                }
                sum.float()
            };
            Ok(total.map_or(Null, |total| ModelValue::finite(total / (ns as f64 / 1e9))))
        }
    }
}

fn sum(values: &[ModelValue]) -> ModelResult<ModelValue> {
    let durations = values.iter().filter(|value| matches!(value, Duration(_))).count();
    if durations > 0 {
        if durations < values.len() {
            return Err(ModelError::Type);
        }
        let ns = values.iter().map(|value| if let Duration(ns) = value { i128::from(*ns) } else { 0 });
        return i64::try_from(ns.sum::<i128>()).map(Duration).map_err(|_| ModelError::Value);
    }
    if values.iter().any(|value| value.float().is_none()) {
        return Err(ModelError::Type);
    }
    if values.is_empty() {
        return Ok(Null);
    }
    let mut exact = Decimal::ZERO;
    for value in values.iter().filter_map(ModelValue::exact) {
        exact = exact.checked_add(value).ok_or(ModelError::Value)?;
    }
    if values.iter().any(|value| matches!(value, Float(_))) {
        let floats = values.iter().map(|value| if let Float(value) = value { *value } else { 0.0 });
        let exact = ModelValue::Decimal(exact).float().expect("it is a number");
        return Ok(ModelValue::finite(exact + floats.sum::<f64>()));
    }
    let all_whole = values.iter().all(|value| matches!(value, Int(_)));
    Ok(match exact.to_i64() {
        Some(sum) if all_whole => Int(sum),
        _ => ModelValue::Decimal(exact),
    })
}

fn mean(values: &[ModelValue]) -> ModelResult<ModelValue> {
    let count = values.len() as i64;
    Ok(match sum(values)? {
        Null => Null,
        // To the nearest nanosecond, halves up.
        Duration(ns) => Duration((2 * ns + count).div_euclid(2 * count)),
        Float(sum) => ModelValue::finite(sum / count as f64),
        sum => {
            let mean = sum.exact().expect("it is exact") / Decimal::from(count);
            ModelValue::finite(ModelValue::Decimal(mean).float().expect("it is a number"))
        }
    })
}

fn deviation(values: &[ModelValue]) -> ModelResult<ModelValue> {
    let numbers: Option<Vec<f64>> = values.iter().map(ModelValue::float).collect();
    let numbers = numbers.ok_or(ModelError::Type)?;
    if numbers.len() < 2 {
        return Ok(Null);
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let squares: f64 = numbers.iter().map(|number| (number - mean) * (number - mean)).sum();
    Ok(ModelValue::finite((squares / (numbers.len() - 1) as f64).sqrt()))
}

fn percentile(mut values: Vec<ModelValue>, percent: Decimal) -> ModelResult<ModelValue> {
    if values.iter().any(|value| value.float().is_none() && !matches!(value, Time(_) | Duration(_))) {
        return Err(ModelError::Type);
    }
    values.sort_by(ModelValue::order);
    let rank = (percent * Decimal::from(values.len()) / Decimal::ONE_HUNDRED).ceil();
    let rank = rank.to_usize().expect("a rank is a number").max(1);
    Ok(values.get(rank - 1).cloned().unwrap_or(Null))
}
