//! One line of JSON to one event.
//!
//! The rules, in the order they are applied:
//!
//! 1. The time is the first of `timestamp`, `ts`, `time`, `@timestamp` that is there; see [`super::time`].
//!    What it says beyond the nanosecond is kept by keeping the whole text in `ts_text`.
//! 2. `category` in any case, `raw` if there is none; `level` in any case and with the words of other
//!    loggers, `info` if there is none; `event`, also spelt `event_type`.
//! 3. Members of the objects `data`, `metadata`, `fields` and `extra` are lifted to the top. The top goes
//!    first: a lifted name that is taken is kept as `data.NAME`, or once if the values are equal. A
//!    lifted `level` or `category` that is not one is a field like any other, `data.level`.
//! 4. Other objects become fields with dotted names, arrays their compact JSON text, an object without
//!    members `{}`; `null` is the absence of a field.
//! 5. Names that every event has already (`seq`, `ts`, ...) are kept as `source.seq`.
//! 6. Numbers keep every digit: whole ones that fit 64 bits as such, others as exact decimals. Where an
//!    identifier is expected, a number stays the text it was written as.
//!
//! Whatever cannot be kept exactly makes the line a bad one: nothing is dropped or altered in silence.

use std::borrow::Cow;

use blotter::event::{Category, Field, FieldRef, Level, parse_decimal};
use blotter::limits::FIELDS_PER_EVENT_MAX;

use super::json::{self, Json};
use super::time::{self, ReadTime};
use super::{FieldValue, ParsedEvent};

const TIME_KEYS: [&str; 4] = ["timestamp", "ts", "time", "@timestamp"];
const LIFTED_KEYS: [&str; 4] = ["data", "metadata", "fields", "extra"];
const CATEGORY_DEFAULT: &str = "raw";

/// Reads one line, or says why it is not an event.
pub(crate) fn parse(line: &str) -> Result<ParsedEvent<'_>, String> {
    let mut members = lifted_to_the_top(line)?;
    let (time_key, time_value) = take_time(&mut members).ok_or_else(|| {
        format!("there is no time: none of {} is given", TIME_KEYS.map(|key| format!("'{key}'")).join(", "))
    })?;
    let (time, time_text) =
        read_time(&time_value).map_err(|reason| format!("'{time_key}' is not a time: {reason}"))?;
    let category = take_header(&mut members, "category", category_of)?;
    let level = take_header(&mut members, "level", level_of)?;

    let mut builder = Builder::default();
    if !time.is_exact {
        builder.insert(Cow::Borrowed("ts_text"), &Json::Text(time_text.into()), None)?;
    }
    // A lifted member that says again what one of these has said.
    let claimed = [
        Some((time_key, time_value)),
        category.as_ref().map(|(_, value)| (Cow::Borrowed("category"), value.clone())),
        level.as_ref().map(|(_, value)| (Cow::Borrowed("level"), value.clone())),
    ];
    builder.add_all(&members, &claimed)?;

    let default = || Category::custom(CATEGORY_DEFAULT).ok_or_else(|| refused_category(CATEGORY_DEFAULT));
    Ok(ParsedEvent {
        ts: time.ts,
        category: category.map_or_else(default, |(category, _)| Ok(category))?,
        level: level.map_or(Level::Info, |(level, _)| level),
        fields: builder.fields,
    })
}

/// A member of the line, or of an object lifted to the top.
struct Member<'a> {
    container: Option<Cow<'a, str>>,
    key: Cow<'a, str>,
    value: Json<'a>,
}

/// All members that have a value: those of the line itself, then those of each lifted object.
fn lifted_to_the_top(line: &str) -> Result<Vec<Member<'_>>, String> {
    let top =
        json::parse_object(line).map_err(|error| format!("column {}: {}", error.column, error.reason))?;
    let mut members = Vec::with_capacity(top.len() + 8);
    let mut lifted = Vec::new();
    for (key, value) in top {
        match value {
            Json::Null => {}
            Json::Object(inner) if LIFTED_KEYS.contains(&key.as_ref()) => lifted.push((key, inner)),
            value => members.push(Member { container: None, key, value }),
        }
    }
    for (container, inner) in lifted {
        for (key, value) in inner.into_iter().filter(|(_, value)| *value != Json::Null) {
            members.push(Member { container: Some(container.clone()), key, value });
        }
    }
    Ok(members)
}

/// Takes out the member that tells the time: the best key at the top, else the best that was lifted.
fn take_time<'a>(members: &mut Vec<Member<'a>>) -> Option<(Cow<'a, str>, Json<'a>)> {
    let rank = |member: &Member<'_>| TIME_KEYS.iter().position(|key| *key == member.key);
    let best = (0..members.len())
        .filter_map(|index| Some((members[index].container.is_some(), rank(&members[index])?, index)))
        .min()?;
    let member = members.remove(best.2);
    Some((member.key, member.value))
}

fn read_time(value: &Json<'_>) -> Result<(ReadTime, String), String> {
    let (read, text) = match value {
        Json::Text(text) => (time::parse_text(text), text.as_ref()),
        Json::Number(text) => (time::parse_number(text), *text),
        _ => return Err("it is neither text nor a number".to_owned()),
    };
    read.map(|time| (time, text.to_owned())).map_err(|reason| format!("{text:?}: {reason}"))
}

/// Takes out the member `key` and reads it. One that was lifted and cannot be read stays.
fn take_header<'a, T>(
    members: &mut Vec<Member<'a>>,
    key: &str,
    read: fn(&Json<'_>) -> Result<T, String>,
) -> Result<Option<(T, Json<'a>)>, String> {
    let Some(index) = members.iter().position(|member| member.key == key) else { return Ok(None) };
    match read(&members[index].value) {
        Ok(header) => Ok(Some((header, members.remove(index).value))),
        Err(reason) if members[index].container.is_none() => Err(reason),
        Err(_) => Ok(None),
    }
}

fn category_of(value: &Json<'_>) -> Result<Category, String> {
    let Json::Text(name) = value else { return Err("'category' is not text".to_owned()) };
    Category::known(name)
        .or_else(|| Category::custom(&name.to_ascii_lowercase()))
        .ok_or_else(|| refused_category(name))
}

fn refused_category(name: &str) -> String {
    format!(
        "{name:?} cannot be a category: it takes 1 to 48 of a-z, 0-9 and _, a letter first, and at most 255 \
         of them in all"
    )
}

fn level_of(value: &Json<'_>) -> Result<Level, String> {
    match value {
        Json::Text(word) => word.parse::<Level>().map_err(|error| error.to_string()),
        _ => Err("'level' is not text; hint: trace, debug, info, warn, error or critical".to_owned()),
    }
}

/// Collects fields under names that are each given once.
#[derive(Default)]
struct Builder<'a> {
    fields: Vec<(Cow<'a, str>, FieldValue<'a>)>,
}

impl<'a> Builder<'a> {
    fn add_all(
        &mut self,
        members: &[Member<'a>],
        claimed: &[Option<(Cow<'a, str>, Json<'a>)>],
    ) -> Result<(), String> {
        self.fields.reserve(members.len());
        let mut spelt_otherwise = Vec::new();
        for member in members {
            let container = member.container.as_deref();
            if let Some(container) = container {
                let before = claimed.iter().flatten().find(|(key, _)| *key == member.key);
                if before.is_some_and(|(_, value)| *value == member.value) {
                    continue;
                }
                if before.is_some() || matches!(member.key.as_ref(), "category" | "level") {
                    let name = Cow::Owned(format!("{container}.{}", member.key));
                    self.flatten(name, &member.value, None)?;
                    continue;
                }
            }
            if member.key == "event_type" {
                let has_event = self.value("event").is_some()
                    || members.iter().any(|m| m.key == "event" && m.container == member.container);
                if has_event {
                    spelt_otherwise.push(member);
                    continue;
                }
                self.flatten(Cow::Borrowed("event"), &member.value, container)?;
                continue;
            }
            self.flatten(member.key.clone(), &member.value, container)?;
        }
        for member in spelt_otherwise {
            let same = scalar("event", &member.value)?;
            if same.is_none() || same.as_ref() != self.value("event") {
                self.flatten(member.key.clone(), &member.value, member.container.as_deref())?;
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&FieldValue<'a>> {
        self.fields.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    fn flatten(
        &mut self,
        name: Cow<'a, str>,
        value: &Json<'a>,
        container: Option<&str>,
    ) -> Result<(), String> {
        match value {
            Json::Null => Ok(()),
            Json::Object(members) if members.is_empty() => {
                self.insert(name, &Json::Text(Cow::Borrowed("{}")), container)
            }
            Json::Object(members) => members.iter().try_for_each(|(key, value)| {
                self.flatten(Cow::Owned(format!("{name}.{key}")), value, container)
            }),
            value => self.insert(name, value, container),
        }
    }

    /// Adds one field, under another name where its own is taken and there is one.
    fn insert(
        &mut self,
        name: Cow<'a, str>,
        value: &Json<'a>,
        container: Option<&str>,
    ) -> Result<(), String> {
        let name = if Field::RESERVED.contains(&name.as_ref()) {
            Cow::Owned(format!("source.{name}"))
        } else {
            name
        };
        let Some(read) = scalar(&name, value)? else { return Ok(()) };
        match (self.value(&name), container) {
            (None, _) => {}
            (Some(given), _) if *given == read => return Ok(()),
            (Some(_), Some(container)) => {
                return self.insert(Cow::Owned(format!("{container}.{name}")), value, None);
            }
            (Some(given), None) => {
                return Err(format!("field '{name}' is given twice: as {given:?} and as {read:?}"));
            }
        }
        if self.fields.len() == FIELDS_PER_EVENT_MAX {
            return Err(format!("more than {FIELDS_PER_EVENT_MAX} fields in one event"));
        }
        self.fields.push((name, read));
        Ok(())
    }
}

/// The value of a field, or nothing for an object or null.
fn scalar<'a>(name: &str, value: &Json<'a>) -> Result<Option<FieldValue<'a>>, String> {
    let is_id = || matches!(FieldRef::new(name), FieldRef::Known(field) if field.is_id());
    Ok(Some(match value {
        Json::Null | Json::Object(_) => return Ok(None),
        Json::Text(text) => FieldValue::Text(text.clone()),
        Json::Array(array) => FieldValue::Text(json::compact(array)),
        Json::Bool(value) if is_id() => {
            FieldValue::Text(Cow::Borrowed(if *value { "true" } else { "false" }))
        }
        Json::Bool(value) => FieldValue::Bool(*value),
        Json::Number(text) if is_id() => FieldValue::Text(Cow::Borrowed(text)),
        Json::Number(text) => number(name, text)?,
    }))
}

fn number<'a>(name: &str, text: &str) -> Result<FieldValue<'a>, String> {
    // A whole number has no sign of its zero: "-0" is a decimal, like what has a point or an exponent.
    match text.parse::<i64>() {
        Ok(value) if text != "-0" => Ok(FieldValue::I64(value)),
        _ => parse_decimal(name, text).map(FieldValue::Decimal).map_err(|refused| refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write;

    use blotter::event::{Event, FieldKey, ProducerId, Seq};
    use blotter_workload::Prng;

    use super::*;
    use crate::render;

    /// The event as it prints once recorded.
    fn printed(parsed: &ParsedEvent<'_>) -> String {
        let fields = parsed.fields.iter();
        let event = Event {
            ts: parsed.ts,
            seq: Seq(0),
            producer: ProducerId(0),
            pseq: 0,
            category: parsed.category,
            level: parsed.level,
            fields: fields.map(|(name, value)| (FieldKey::new(name), value.borrow().to_value())).collect(),
        };
        let mut line = String::new();
        render::json::event(&mut line, &event);
        line
    }

    /// Checks what a line becomes: category, level and fields as JSON, or a part of the reason why not.
    fn check(line: &str, expected: Result<&str, &str>) {
        match (parse(line), expected) {
            (Ok(event), Ok(expected)) => {
                let text = printed(&event);
                let (_, rest) = text.split_once(",\"category\":").unwrap();
                assert_eq!(rest.trim_end_matches('}'), expected.trim_end_matches('}'), "{line}");
            }
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{line}: {reason}"),
            (found, expected) => panic!("{line}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn categories_levels_and_names() {
        check(r#"{"ts":1}"#, Ok(r#""raw","level":"info""#));
        check(r#"{"ts":1,"category":"Order","level":"WARNING"}"#, Ok(r#""order","level":"warn""#));
        check(r#"{"ts":1,"category":"training","level":"Fatal"}"#, Ok(r#""training","level":"critical""#));
        check(r#"{"ts":1,"category":null,"level":null,"x":null}"#, Ok(r#""raw","level":"info""#));
        check(r#"{"ts":1,"event_type":"a"}"#, Ok(r#""raw","level":"info","event":"a""#));
        check(r#"{"ts":1,"event_type":"a","event":"a"}"#, Ok(r#""raw","level":"info","event":"a""#));
        check(
            r#"{"ts":1,"event_type":"b","event":"a"}"#,
            Ok(r#""raw","level":"info","event":"a","event_type":"b""#),
        );
        check(r#"{"ts":1,"data":{"event_type":"b"}}"#, Ok(r#""raw","level":"info","event":"b""#));
        check(
            r#"{"ts":1,"event":"a","data":{"event_type":"b"}}"#,
            Ok(r#""raw","level":"info","event":"a","event_type":"b""#),
        );
        check(r#"{"ts":1,"category":"no spaces"}"#, Err("cannot be a category"));
        check(r#"{"ts":1,"category":5}"#, Err("'category' is not text"));
        check(r#"{"ts":1,"level":"loud"}"#, Err("'loud' is not a level"));
        check(r#"{"ts":1,"level":30}"#, Err("'level' is not text"));
    }

    #[test]
    fn times() {
        check(r#"{"x":1}"#, Err("there is no time"));
        check(r#"{"ts":"soon"}"#, Err("'ts' is not a time"));
        check(r#"{"ts":true}"#, Err("neither text nor a number"));
        check(r#"{"ts":1e40}"#, Err("outside 1677"));
        for line in [
            r#"{"timestamp":"1970-01-01T00:00:01Z"}"#,
            r#"{"ts":1}"#,
            r#"{"time":1e0}"#,
            r#"{"@timestamp":"1970-01-01 01:00:01+01:00"}"#,
            r#"{"data":{"ts":1}}"#,
            r#"{"ts":null,"time":1000000000000e-12}"#,
        ] {
            assert_eq!(parse(line).unwrap().ts.nanos(), 1_000_000_000, "{line}");
        }
        check(r#"{"ts":1.0000000001}"#, Ok(r#""raw","level":"info","ts_text":"1.0000000001""#));
        check(
            r#"{"ts":"2","timestamp":1,"time":3,"@timestamp":4}"#,
            Ok(r#""raw","level":"info","source.ts":"2","time":3,"@timestamp":4"#),
        );
        assert_eq!(parse(r#"{"data":{"timestamp":2},"time":1}"#).unwrap().ts.nanos(), 1_000_000_000);
    }

    #[test]
    fn containers_are_lifted_and_collisions_kept() {
        check(
            r#"{"ts":1,"data":{"a":1},"metadata":{"b":2},"fields":{"c":3},"extra":{"d":4}}"#,
            Ok(r#""raw","level":"info","a":1,"b":2,"c":3,"d":4"#),
        );
        check(r#"{"ts":1,"data":{"a":1,"b":2},"a":1}"#, Ok(r#""raw","level":"info","a":1,"b":2"#));
        check(r#"{"ts":1,"data":{"a":1},"a":1.0}"#, Ok(r#""raw","level":"info","a":1.0,"data.a":1"#));
        check(r#"{"ts":1,"data":{"a":1},"extra":{"a":2}}"#, Ok(r#""raw","level":"info","a":1,"extra.a":2"#));
        check(r#"{"ts":1,"data":{"a":{"b":1}},"a.b":2}"#, Ok(r#""raw","level":"info","a.b":2,"data.a.b":1"#));
        check(
            r#"{"ts":1,"data":5,"extra":[1, "x"]}"#,
            Ok(r#""raw","level":"info","data":5,"extra":"[1,\"x\"]""#),
        );
        check(r#"{"ts":1,"data":{"ts":1,"level":"info"}}"#, Ok(r#""raw","level":"info""#));
        check(r#"{"ts":1,"data":{"ts":2,"level":"error"}}"#, Ok(r#""raw","level":"error","data.ts":2"#));
        check(
            r#"{"ts":1,"level":"info","data":{"level":3,"category":"?"}}"#,
            Ok(r#""raw","level":"info","data.level":3,"data.category":"?""#),
        );
        check(r#"{"ts":1,"data":{"level":3}}"#, Ok(r#""raw","level":"info","data.level":3"#));
        check(r#"{"ts":1,"data":{"a":1},"a":2,"data.a":3}"#, Err("field 'data.a' is given twice"));
        check(r#"{"ts":1,"a":{"b":1},"a.b":2}"#, Err("field 'a.b' is given twice"));
        check(r#"{"ts":1,"a":{"b":1},"a.b":1}"#, Ok(r#""raw","level":"info","a.b":1"#));
    }

    #[test]
    fn values_keep_all_they_say() {
        check(
            r#"{"ts":1,"a":{"b":{"c":1,"d":null},"e":{}},"f":[ {"g": 1} ],"h":true,"i":"\u0000"}"#,
            Ok(r#""raw","level":"info","a.b.c":1,"a.e":"{}","f":"[{\"g\":1}]","h":true,"i":"\u0000""#),
        );
        check(
            r#"{"ts":1,"seq":9,"producer":"p","pseq":null,"source.ts":4}"#,
            Ok(r#""raw","level":"info","source.seq":9,"source.producer":"p","source.ts":4"#),
        );
        check(
            r#"{"ts":1,"a":-0,"b":-0.0,"c":1E3,"d":1.50e-7,"e":9223372036854775808,"f":-9223372036854775808}"#,
            Ok(concat!(
                r#""raw","level":"info","a":-0,"b":-0.0,"c":1000,"d":0.000000150,"#,
                r#""e":9223372036854775808,"f":-9223372036854775808"#
            )),
        );
        check(
            r#"{"ts":1,"order_id":0012e,"symbol":1}"#,
            Err("column 21: a number starts with a superfluous 0"),
        );
        check(
            r#"{"ts":1,"order_id":12.50,"correlation_id":1e2,"symbol":true}"#,
            Ok(r#""raw","level":"info","order_id":"12.50","correlation_id":"1e2","symbol":"true""#),
        );
        check(r#"{"ts":1,"price":1e40}"#, Err("field 'price': 1e40 does not fit"));
        check(r#"{"ts":1,"price":0.12345678901234567890123456789012}"#, Err("field 'price'"));
        check(
            r#"{"ts":1,"x":{"$serde_json::private::Number":"1"}}"#,
            Ok(r#""raw","level":"info","x.$serde_json::private::Number":"1""#),
        );
        check(r#"{"ts":1,"x":1}garbage"#, Err("column 15: something follows"));
        check("not json", Err("expected a JSON object"));
        let many: String = (0..600).map(|i| format!(",\"f{i}\":1")).collect();
        check(&format!("{{\"ts\":1{many}}}"), Err("more than 512 fields"));
    }

    /// A number as its sign, digits and exponent, free of how it was spelt.
    fn canonical(number: &str) -> String {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent = exponent.parse::<i64>().unwrap() - fraction.len() as i64;
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
        let digits = digits.trim_start_matches('0');
        // An exponent above zero is written out as digits.
        let zeros = if digits.is_empty() { 0 } else { exponent.max(0) as usize };
        format!("{sign}{digits}{}e{}", "0".repeat(zeros), if digits.is_empty() { 0 } else { exponent.min(0) })
    }

    /// The fields of an object by dotted name, as a general reader of JSON sees them.
    fn leaves(value: &serde_json::Value, name: &str, into: &mut BTreeMap<String, String>) {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::Object(members) if !members.is_empty() => {
                for (key, value) in members {
                    leaves(value, &if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, into);
                }
            }
            serde_json::Value::Number(number) => {
                into.insert(name.to_owned(), canonical(&number.to_string()));
            }
            serde_json::Value::String(text) => {
                into.insert(name.to_owned(), format!("text {text}"));
            }
            serde_json::Value::Object(_) | serde_json::Value::Array(_) => {
                into.insert(name.to_owned(), format!("text {value}"));
            }
            value => {
                into.insert(name.to_owned(), value.to_string());
            }
        }
    }

    fn random_value(random: &mut Prng, depth: u64, line: &mut String) {
        let bound = if depth == 0 { 7 } else { 8 };
        match random.below(bound) {
            0 => line.push_str("null"),
            1 => line.push_str("false"),
            2 => write!(line, "{}", random.next_u64() as i64 >> random.below(64)).unwrap(),
            3 => write!(line, "{}", random.next_u64()).unwrap(),
            4 => {
                let digits = random.next_u64() >> random.below(64);
                write!(line, "-{}.{digits:05}", random.below(1_000)).unwrap();
            }
            5 => write!(line, "{}.{}E{}", random.below(9) + 1, random.below(1_000), random.within(-9, 9))
                .unwrap(),
            6 => {
                let texts = ["", "plain", "quo\\\"te", "\\u00e9\\ud83d\\ude00", "é\\n\\u001b", "\\u202e"];
                write!(line, "\"{}\"", texts[random.below(6) as usize]).unwrap();
            }
            _ => {
                line.push('{');
                for index in 0..random.below(4) {
                    write!(line, "{}\"m{index}\":", if index > 0 { "," } else { "" }).unwrap();
                    random_value(random, depth - 1, line);
                }
                line.push('}');
            }
        }
    }

    /// Whatever is parsed prints back with the same fields, texts and digits.
    #[test]
    fn what_is_parsed_prints_back_equal() {
        let mut random = Prng::new(2);
        for _ in 0..20_000 {
            let mut line = String::from("{\"timestamp\":\"2026-01-02T03:04:05Z\"");
            for index in 0..random.below(8) {
                let key = ["price", "message", "side", "x", "y", "z", "strategy", "pnl"][index as usize];
                write!(line, ", \"{key}\" : ").unwrap();
                random_value(&mut random, 3, &mut line);
            }
            line.push('}');
            let parsed = parse(&line).unwrap_or_else(|reason| panic!("{line}: {reason}"));
            let (mut given, mut found) = (BTreeMap::new(), BTreeMap::new());
            leaves(&serde_json::from_str(&line).unwrap(), "", &mut given);
            leaves(&serde_json::from_str(&printed(&parsed)).unwrap(), "", &mut found);
            given.remove("timestamp");
            for name in ["ts", "seq", "producer", "pseq", "category", "level"] {
                found.remove(name);
            }
            assert_eq!(found, given, "{line}");
        }
    }

    /// No line makes the reader panic, and what it accepts the engine can name.
    #[test]
    fn damaged_lines_are_refused_or_read() {
        let line =
            r#"{"ts":"2026-01-02T03:04:05.5+01:00","order_id":7,"data":{"a":[1,{"b":null}],"level":"x"}}"#;
        let mut random = Prng::new(3);
        let mut refused = 0;
        for _ in 0..50_000 {
            let mut bytes = line.as_bytes().to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(3) {
                    0 => bytes.truncate(at + 1),
                    1 => bytes[at] = random.next_u64() as u8,
                    _ => bytes.insert(at, b"{}[]\",:\\0e-.+ZTn"[random.below(16) as usize]),
                }
            }
            let Ok(text) = std::str::from_utf8(&bytes) else { continue };
            refused += usize::from(parse(text).is_err());
        }
        assert!(refused > 10_000, "{refused}");
    }
}
