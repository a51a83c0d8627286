//! The columns of a record to an event, as the mapping says.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use blotter::event::{Category, Decimal, FieldRef, Level, parse_decimal};

use super::file::{Mistake, no_column};
use super::model::{Column, Condition, Mapping, Moved, Rule, Track};
use super::source::{Columns, cell, is_empty};
use super::value::{Kind, text_of};
use crate::import::draft::Draft;
use crate::import::json::Json;
use crate::import::{FieldValue, ParsedEvent};

/// The last values of the tracked column, by key.
pub(super) type Last = HashMap<String, Decimal>;

impl Mapping {
    /// Whether the columns a file has are those the mapping names.
    pub(super) fn check_header(&self, names: &[String]) -> Result<(), Mistake> {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        for (index, name) in known.iter().enumerate() {
            if name.is_empty() || known[..index].contains(name) {
                let what = if name.is_empty() { "has no name" } else { "is named twice" };
                let reason = format!(
                    "column {} of the file, '{name}', {what}; hint: name them all with columns in [source]",
                    index + 1
                );
                return Err(Mistake { line: 1, reason });
            }
        }
        let source = &self.source;
        // Members of an object are not known beforehand.
        let needed: Vec<_> = match &source.json {
            Some(json) => vec![json],
            None => self.named_columns().collect(),
        };
        match needed.into_iter().find(|named| !known.contains(&named.name.as_str())) {
            Some(named) => Err(Mistake { line: named.line, reason: no_column(&named.name, &known) }),
            None => Ok(()),
        }
    }

    /// The event of a record, or why it is none.
    pub(super) fn event<'a>(&self, columns: Columns<'a>, last: &mut Last) -> Result<ParsedEvent<'a>, String> {
        let mapping = self;
        let rule = rule_for(mapping, &columns, last)?;
        let (ts, ts_text, is_single) = time(mapping, &columns)?;

        let mut header = Header::default();
        let mut fields: Vec<(Cow<'a, str>, FieldValue<'a>)> = Vec::with_capacity(columns.len() + 8);
        for (name, cell) in &columns {
            if mapping.ignore.iter().any(|ignored| ignored.name == *name)
                || is_empty(cell, &mapping.source.empty)
            {
                continue;
            }
            match column(mapping, rule, name) {
                Some(column) => header.add(&mut fields, read(mapping, column, cell)?, &column.name)?,
                None if mapping.time.columns.iter().any(|time| time.name == *name) => {}
                None => {
                    let kind = if is_id(name) { Kind::Text } else { mapping.source.default_kind };
                    let value = kind.read(name, cell, is_id(name))?;
                    fields.push((name.clone(), value));
                }
            }
        }
        for column in parts(mapping, rule) {
            if let Some(cell) =
                cell(&columns, &column.from.name).filter(|cell| !is_empty(cell, &mapping.source.empty))
            {
                header.add(&mut fields, read(mapping, column, &cell)?, &column.name)?;
            }
        }
        if let Some(track) =
            mapping.track.as_ref().filter(|_| rule.is_some_and(|rule| rule.tracks || rule.ends))
        {
            let ends = rule.is_some_and(|rule| rule.ends);
            changes(track, last, &columns, ends, &mut fields)?;
        }

        let pick = |of: fn(&Rule) -> bool| rule.filter(|rule| of(rule)).unwrap_or(&mapping.base);
        let category = header.category.or(pick(|rule| rule.category.is_some()).category);
        let level = header.level.or(pick(|rule| rule.level.is_some()).level).unwrap_or(Level::Info);
        let event = match header.event {
            Some(event) => Some(event),
            None => pick(|rule| rule.event.is_some()).event.clone().map(Cow::Owned),
        };
        let category = match category {
            Some(category) => category,
            None => Category::custom("raw").ok_or("there are too many categories")?,
        };
        let mut draft = Draft::unnamed(ts, category, level);
        if let Some(event) = event {
            draft.add("event", FieldValue::Text(event));
        }
        // What a rule sets goes before what is set for all.
        let set = rule.into_iter().chain([&mapping.base]).flat_map(|rule| &rule.set);
        for (name, value) in set {
            if draft.value(name).is_none() {
                draft.add(name.clone(), value.clone());
            }
        }
        for (name, value) in fields {
            draft.add(name, value);
        }
        if let Some(text) = ts_text {
            draft.add("ts_text", FieldValue::Text(Cow::Owned(text)));
        }
        if !is_single {
            draft.add("ts_ambiguous", FieldValue::Bool(true));
        }
        Ok(draft.finish())
    }
}

/// What a column says of the event itself.
#[derive(Default)]
struct Header<'a> {
    category: Option<Category>,
    level: Option<Level>,
    event: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    fn add(
        &mut self,
        fields: &mut Vec<(Cow<'a, str>, FieldValue<'a>)>,
        value: FieldValue<'a>,
        name: &str,
    ) -> Result<(), String> {
        match (name, value) {
            ("category", FieldValue::Text(text)) => {
                let category = Category::custom(&text.to_ascii_lowercase());
                self.category = Some(category.ok_or_else(|| format!("{text:?} cannot be a category"))?);
            }
            ("level", FieldValue::Text(text)) => {
                self.level =
                    Some(text.parse().map_err(|error: blotter::event::ParseLevelError| error.to_string())?);
            }
            ("event", FieldValue::Text(text)) => self.event = Some(text),
            (name, value) => fields.push((Cow::Owned(name.to_owned()), value)),
        }
        Ok(())
    }
}

/// The first rule that matches. None, if there is one for all.
fn rule_for<'m>(
    mapping: &'m Mapping,
    columns: &Columns<'_>,
    last: &Last,
) -> Result<Option<&'m Rule>, String> {
    let matching = mapping.rules.iter().find(|rule| {
        rule.matches.iter().all(|condition| holds(condition, columns))
            && (rule.moved.is_empty()
                || moved(mapping, columns, last).is_some_and(|moved| rule.moved.contains(&moved)))
    });
    if matching.is_some() || mapping.rules.is_empty() || mapping.base.event.is_some() {
        return Ok(matching);
    }
    let mut names: Vec<&str> = Vec::new();
    for condition in mapping.rules.iter().flat_map(|rule| &rule.matches) {
        if !names.contains(&condition.column.name.as_str()) {
            names.push(&condition.column.name);
        }
    }
    let said = names.iter().map(|name| match cell(columns, name) {
        Some(cell) => format!("{name} = {:?}", text_of(&cell)),
        None => format!("{name} missing"),
    });
    let said = said.collect::<Vec<_>>().join(", ");
    Err(format!("no [[when]] is for {said}; hint: add one, or an event in [event] for all others"))
}

/// Equal as texts, or as numbers: `0` is `0.00`.
fn holds(condition: &Condition, columns: &Columns<'_>) -> bool {
    let Some(cell) = cell(columns, &condition.column.name) else { return false };
    let text = text_of(&cell);
    condition.values.iter().any(|value| {
        let number = |text: &str| parse_decimal("", text).ok();
        *value == text || number(value).is_some_and(|wanted| number(&text) == Some(wanted))
    })
}

/// What the rule, else the mapping, says of a column.
fn column<'m>(mapping: &'m Mapping, rule: Option<&'m Rule>, name: &str) -> Option<&'m Column> {
    let of = |rule: &'m Rule| rule.columns.iter().find(|column| column.from.name == name);
    rule.and_then(of).or_else(|| of(&mapping.base))
}

/// What they say of parts of columns.
fn parts<'m>(mapping: &'m Mapping, rule: Option<&'m Rule>) -> impl Iterator<Item = &'m Column> {
    let columns = rule.into_iter().chain([&mapping.base]).flat_map(|rule| &rule.columns);
    columns.filter(|column| column.from.name.contains('['))
}

fn read<'a>(mapping: &Mapping, column: &Column, cell: &Json<'a>) -> Result<FieldValue<'a>, String> {
    let reason = |reason: String| format!("column '{}': {reason}", column.from.name);
    let cell = if column.values.is_empty() {
        Cow::Borrowed(cell)
    } else {
        let text = text_of(cell);
        match column.values.iter().find(|(from, _)| *from == text) {
            Some((_, to)) => Cow::Owned(Json::Text(Cow::Owned(to.clone()))),
            None if column.keeps_others => Cow::Borrowed(cell),
            None => {
                let known: Vec<&str> = column.values.iter().map(|(from, _)| from.as_str()).collect();
                return Err(reason(format!("{text:?} is none of its values {}", known.join(", "))));
            }
        }
    };
    let is_id = is_id(&column.name);
    let kind = if is_id { Some(Kind::Text) } else { column.kind };
    kind.unwrap_or(mapping.source.default_kind).read(&column.name, &cell, kind.is_some()).map_err(reason)
}

fn is_id(name: &str) -> bool {
    matches!(FieldRef::new(name), FieldRef::Known(field) if field.is_id())
}

/// The time of a record, the text of it if it is finer than nanoseconds, and whether clocks showed it once.
fn time(
    mapping: &Mapping,
    columns: &Columns<'_>,
) -> Result<(blotter::event::Timestamp, Option<String>, bool), String> {
    let time = &mapping.time;
    let mut text = String::new();
    for named in &time.columns {
        let cell = cell(columns, &named.name).filter(|cell| !is_empty(cell, &mapping.source.empty));
        let cell = cell.ok_or_else(|| format!("there is no time: column '{}' is empty", named.name))?;
        if !text.is_empty() {
            text.push(' ');
        }
        text += &text_of(&cell);
    }
    let (read, is_single) = time.format.read(&text, time.zone)?;
    Ok((read.ts, (!read.is_exact).then_some(text), is_single))
}

/// The key of a record, and the value that is tracked.
fn tracked(track: &Track, columns: &Columns<'_>) -> Result<Option<(String, Decimal)>, String> {
    let text = |name: &str| cell(columns, name).map(|cell| text_of(&cell).into_owned());
    let (Some(key), Some(value)) = (text(&track.key.name), text(&track.column.name)) else { return Ok(None) };
    let value = parse_decimal(&track.column.name, &value).map_err(|refused| refused.to_string())?;
    Ok(Some((key, value)))
}

/// How the tracked column has changed, if the record before is known.
fn moved(mapping: &Mapping, columns: &Columns<'_>, last: &Last) -> Option<Moved> {
    let (key, value) = tracked(mapping.track.as_ref()?, columns).ok()??;
    Some(match value.cmp(last.get(&key)?) {
        Ordering::Greater => Moved::Up,
        Ordering::Less => Moved::Down,
        Ordering::Equal => Moved::Same,
    })
}

/// Adds what has changed since the record before with the same key.
fn changes<'a>(
    track: &Track,
    last: &mut Last,
    columns: &Columns<'a>,
    ends: bool,
    fields: &mut Vec<(Cow<'a, str>, FieldValue<'a>)>,
) -> Result<(), String> {
    let Some((key, value)) = tracked(track, columns)? else { return Ok(()) };
    let before = if ends { last.remove(&key) } else { last.insert(key, value) };
    let Some(change) = before.and_then(|before| value.checked_sub(before)) else { return Ok(()) };
    if let Some(name) = &track.change {
        fields.push((Cow::Owned(name.clone()), FieldValue::Decimal(change)));
    }
    if let (Some(name), true) = (&track.fall, change.is_sign_negative() && !change.is_zero()) {
        fields.push((Cow::Owned(name.clone()), FieldValue::Decimal(-change)));
    }
    Ok(())
}
