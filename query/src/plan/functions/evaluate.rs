//! Calls of functions with their arguments at hand.

use chrono::{Datelike, Timelike};
use smol_str::{StrExt, ToSmolStr};

use super::{Function, numbers, texts};
use crate::datum::{Datum, DatumRef};
use crate::error::{ErrorKind, QueryError, Result};
use crate::time::{bins, point, zone};

/// The value of a function. Missing where one of its arguments is, but for those that look for one that is not.
///
/// # Errors
/// Arguments of kinds that the function does not take, and values that do not fit.
pub(crate) fn call(function: &Function, arguments: &[Datum]) -> Result<Datum> {
    match function {
        Function::Coalesce => return Ok(present(arguments).next().cloned().unwrap_or_default()),
        Function::MinOf => return Ok(present(arguments).min().cloned().unwrap_or_default()),
        // Of equal values the first is given, as by `min_of`; `max` alone would give the last.
        Function::MaxOf => return Ok(present(arguments).rev().max().cloned().unwrap_or_default()),
        _ if arguments.iter().any(Datum::is_null) => return Ok(Datum::Null),
        _ => {}
    }
    let result = match function {
        Function::Concat(zone) => Some(Datum::Str(texts::concat(arguments, *zone)?)),
        Function::ToText(zone) => Some(Datum::Str(texts::to_text(&arguments[0], *zone))),
        Function::ToNumber => Some(texts::to_number(&arguments[0])),
        Function::Bin(zone) => Some(bin(arguments[0].borrow(), arguments[1].borrow(), *zone)?),
        Function::Date(_) | Function::TimeOfDay(_) | Function::Hour(_) | Function::Minute(_) => {
            on_clock(function, &arguments[0])
        }
        Function::Weekday(_) => on_clock(function, &arguments[0]),
        Function::Abs
        | Function::Round
        | Function::Floor
        | Function::Ceil
        | Function::Sqrt
        | Function::Ln
        | Function::Exp
        | Function::Pow
        | Function::Sign
        | Function::Seconds
        | Function::Millis
        | Function::Micros
        | Function::Nanos => of_number(function, arguments)?,
        _ => of_text(function, arguments)?,
    };
    result.ok_or_else(|| {
        let kinds: Vec<&str> = arguments.iter().map(|argument| argument.borrow().kind_name()).collect();
        let message = format!("'{}' does not take {}", function.name(), kinds.join(", "));
        QueryError::new(ErrorKind::Type, message)
    })
}

fn present(arguments: &[Datum]) -> impl DoubleEndedIterator<Item = &Datum> {
    arguments.iter().filter(|argument| !argument.is_null())
}

fn bin(value: DatumRef<'_>, width: DatumRef<'_>, zone: chrono_tz::Tz) -> Result<Datum> {
    match (value, width) {
        (DatumRef::Time(ts), DatumRef::Duration(width_ns)) => {
            bins::of_time(ts, width_ns, zone).map(Datum::Time)
        }
        _ => bins::of_value(value, width),
    }
}

/// What the local clock shows; `None` if the argument is no time.
fn on_clock(function: &Function, argument: &Datum) -> Option<Datum> {
    let wall = |zone: &chrono_tz::Tz| argument.as_timestamp().map(|ts| zone::wall(ts, *zone));
    Some(match function {
        Function::Date(zone) => Datum::Str(wall(zone)?.date().to_smolstr()),
        Function::TimeOfDay(zone) => Datum::Duration(point::time_of_day_ns(wall(zone)?.time())),
        Function::Hour(zone) => Datum::Int(wall(zone)?.hour().into()),
        Function::Minute(zone) => Datum::Int(wall(zone)?.minute().into()),
        Function::Weekday(zone) => Datum::Int(wall(zone)?.weekday().number_from_monday().into()),
        other => unreachable!("'{}' does not look at the clock", other.name()),
    })
}

fn of_number(function: &Function, arguments: &[Datum]) -> Result<Option<Datum>> {
    let x = &arguments[0];
    Ok(match function {
        Function::Abs => numbers::abs(x.borrow())?,
        Function::Round => {
            let Some(digits) = arguments.get(1).map_or(Some(0), Datum::as_i64) else { return Ok(None) };
            numbers::round(x.borrow(), digits)?
        }
        Function::Floor => numbers::whole(x.borrow(), rust_decimal::Decimal::floor, f64::floor),
        Function::Ceil => numbers::whole(x.borrow(), rust_decimal::Decimal::ceil, f64::ceil),
        Function::Sqrt => numbers::float(x, f64::sqrt),
        Function::Ln => numbers::float(x, f64::ln),
        Function::Exp => numbers::float(x, f64::exp),
        Function::Pow => numbers::pow(x, &arguments[1])?,
        Function::Sign => numbers::sign(x.borrow()),
        Function::Seconds => numbers::in_unit(x.borrow(), 1_000_000_000),
        Function::Millis => numbers::in_unit(x.borrow(), 1_000_000),
        Function::Micros => numbers::in_unit(x.borrow(), 1_000),
        Function::Nanos => numbers::in_unit(x.borrow(), 1),
        other => unreachable!("'{}' is not of numbers", other.name()),
    })
}

/// `None` if an argument is not of the kind that the function takes.
fn of_text(function: &Function, arguments: &[Datum]) -> Result<Option<Datum>> {
    if let Function::Replace = function {
        let texts = [&arguments[0], &arguments[1], &arguments[2]].map(Datum::as_str);
        let [Some(text), Some(from), Some(to)] = texts else { return Ok(None) };
        return texts::replace(text, from, to).map(|text| Some(Datum::Str(text)));
    }
    Ok(of_text_within(function, arguments))
}

/// Functions whose text is about as long as that of their arguments at most.
fn of_text_within(function: &Function, arguments: &[Datum]) -> Option<Datum> {
    let text = arguments[0].as_str()?;
    Some(match function {
        Function::Lower => Datum::Str(text.to_lowercase_smolstr()),
        Function::Upper => Datum::Str(text.to_uppercase_smolstr()),
        Function::Trim => Datum::Str(text.trim().into()),
        Function::Length => Datum::Int(text.chars().count() as i64),
        Function::Substring => {
            let length = match arguments.get(2) {
                Some(length) => Some(length.as_i64()?),
                None => None,
            };
            Datum::Str(texts::substring(text, arguments[1].as_i64()?, length))
        }
        Function::StartsWith => Datum::Bool(text.starts_with(arguments[1].as_str()?)),
        Function::EndsWith => Datum::Bool(text.ends_with(arguments[1].as_str()?)),
        Function::Split => {
            texts::split(text, arguments[1].as_str()?, arguments[2].as_i64()?).map_or(Datum::Null, Datum::Str)
        }
        Function::Extract(pattern, group) => {
            texts::extract(text, pattern, *group).map_or(Datum::Null, Datum::Str)
        }
        other => unreachable!("'{}' is not of text", other.name()),
    })
}

#[cfg(test)]
mod tests {
    use blotter_engine::dec;
    use blotter_engine::event::{Level, Timestamp};
    use chrono_tz::Tz;
    use regex::Regex;

    use super::super::{Make, SIGNATURES, names};
    use super::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;

    fn check(function: Function, arguments: &[Datum], expected: &str) {
        let found = match call(&function, arguments) {
            Ok(Datum::Null) => "null".to_owned(),
            Ok(datum) => datum.to_string(),
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(found, expected, "{function:?} {arguments:?}");
    }

    macro_rules! data {
        ($($value:expr),*) => { &[$(Datum::from($value)),*] };
    }

    #[test]
    fn functions_of_numbers_are_exact_where_their_arguments_are() {
        check(Function::Abs, data![-3], "3");
        check(Function::Abs, data![i64::MIN], "9223372036854775808");
        check(Function::Abs, data![dec!(-1.50)], "1.50");
        check(Function::Abs, &[Datum::Duration(-5)], "5ns");
        check(Function::Abs, data!["a"], "'abs' does not take text");
        check(Function::Abs, &[Datum::Null], "null");
        check(Function::Round, data![dec!(2.345), 2], "2.35");
        check(Function::Round, data![dec!(-2.5)], "-3");
        check(Function::Round, data![1250, -2], "1300");
        check(Function::Round, data![1250, -200], "0");
        check(Function::Round, data![0.125, 2], "0.13");
        check(Function::Round, data![1.5, 1000], "1.5");
        check(Function::Round, data![1.5, dec!(0.5)], "'round' does not take a number, a number");
        check(Function::Floor, data![dec!(-1.5)], "-2");
        check(Function::Ceil, data![1.25], "2.0");
        check(Function::Ceil, data![7], "7");
        check(Function::Sqrt, data![16], "4.0");
        check(Function::Sqrt, data![-1], "null");
        check(Function::Ln, data![0], "null");
        check(Function::Exp, data![1000], "null");
        check(Function::Pow, data![2, 10], "1024");
        check(Function::Pow, data![dec!(1.5), 2], "2.25");
        check(Function::Pow, data![2, -1], "0.5");
        check(Function::Pow, data![10, 400], "the result of 'pow' does not fit");
        check(Function::Pow, data![1, i64::MAX], "1");
        check(Function::Pow, data![2.0, 0.5], "1.4142135623730951");
        check(Function::Sign, data![dec!(-0.00)], "0");
        check(Function::Sign, data![-0.5], "-1");
        check(Function::MinOf, &[Datum::Null, Datum::Int(3), Datum::Float(2.5)], "2.5");
        check(Function::MaxOf, &[Datum::Int(1), Datum::Decimal(dec!(1.0)), Datum::Null], "1");
        check(Function::MaxOf, &[Datum::Null], "null");
        check(Function::Coalesce, &[Datum::Null, Datum::from("a"), Datum::Int(1)], "a");
        check(Function::Seconds, &[Datum::Duration(1_500_000_000)], "1.5");
        check(Function::Millis, &[Datum::Duration(1_500_000_000)], "1500");
        check(Function::Micros, &[Datum::Duration(1)], "0.001");
        check(Function::Nanos, &[Datum::Duration(1)], "1");
        check(Function::Nanos, data![1], "'nanos' does not take a number");
    }

    #[test]
    fn functions_of_text_count_characters_from_one() {
        check(Function::Lower, data!["ÄB"], "äb");
        check(Function::Upper, &[Datum::Level(Level::Warn)], "WARN");
        check(Function::Trim, data![" a "], "a");
        check(Function::Length, data!["äöü"], "3");
        check(Function::Length, data![5], "'length' does not take a number");
        check(Function::Substring, data!["äöüß", 2, 2], "öü");
        check(Function::Substring, data!["abc", 0], "abc");
        check(Function::Substring, data!["abc", 4], "");
        check(Function::Substring, data!["abc", 2, -1], "");
        check(Function::Substring, data!["abc", i64::MIN, i64::MAX], "abc");
        check(Function::Replace, data!["a.b.c", ".", "/"], "a/b/c");
        check(Function::Replace, data!["abc", "", "/"], "abc");
        let long = "a".repeat(3_000);
        check(Function::Replace, data![&*long, "a", &*long], "'replace' makes a text of more than 4 MiB");
        let half = "a".repeat(2_500_000);
        check(Function::Concat(Tz::UTC), data![&*half, &*half], "'concat' makes a text of more than 4 MiB");
        check(Function::StartsWith, data!["abc", "ab"], "true");
        check(Function::EndsWith, data!["abc", "ab"], "false");
        check(Function::Split, data!["a_b_c", "_", 2], "b");
        check(Function::Split, data!["a_b_c", "_", 4], "null");
        check(Function::Split, data!["a_b_c", "_", 0], "null");
        check(Function::Split, data!["abc", "", 1], "abc");
        check(Function::Extract(Regex::new("[0-9]+").unwrap(), 0), data!["a12b34"], "12");
        check(Function::Extract(Regex::new("b([0-9]+)").unwrap(), 1), data!["a12b34"], "34");
        check(Function::Extract(Regex::new("x(y)?").unwrap(), 1), data!["x"], "null");
        check(Function::ToNumber, data![" 1.50 "], "1.50");
        check(Function::ToNumber, data!["1.5x"], "null");
        check(Function::ToNumber, data![true], "null");
        check(Function::ToText(Tz::UTC), data![dec!(1.50)], "1.50");
        check(
            Function::Concat(NEW_YORK),
            data!["at ", Timestamp(0)],
            "at 1969-12-31T19:00:00.000000000-05:00",
        );
        check(Function::Concat(Tz::UTC), &[Datum::from("a"), Datum::Null], "null");
    }

    #[test]
    fn functions_of_time_follow_the_clock_of_their_zone() {
        let ts: Timestamp = "2026-03-09T01:05:30.5Z".parse().unwrap();
        check(Function::Date(NEW_YORK), data![ts], "2026-03-08");
        check(Function::Date(Tz::UTC), data![ts], "2026-03-09");
        check(Function::TimeOfDay(NEW_YORK), data![ts], "21h5m30.5s");
        check(Function::Hour(NEW_YORK), data![ts], "21");
        check(Function::Minute(NEW_YORK), data![ts], "5");
        check(Function::Weekday(NEW_YORK), data![ts], "7");
        check(Function::Weekday(Tz::UTC), data![ts], "1");
        check(Function::Hour(Tz::UTC), data![5], "'hour' does not take a number");
        check(
            Function::Bin(NEW_YORK),
            &[Datum::Time(ts), Datum::Duration(86_400_000_000_000)],
            "2026-03-08T05:00:00.000000000Z",
        );
        check(Function::Bin(NEW_YORK), data![dec!(17.5), 5], "15.0");
        check(Function::Bin(NEW_YORK), data![ts, 5], "'bin' does not take a time and a number");
    }

    #[test]
    fn the_table_is_sorted_and_agrees_with_the_functions() {
        assert!(names().is_sorted());
        for signature in SIGNATURES {
            let name = match signature.make {
                Make::Plain(function) => function.name(),
                Make::Zoned(make) => make(Tz::UTC).name(),
                Make::Extract | Make::Now | Make::If => signature.name,
            };
            assert_eq!(name, signature.name);
            assert!(signature.takes.len() >= signature.required.min(1), "{name}");
            assert!(signature.example.contains(&format!("{name}(")), "{name}");
        }
    }
}
