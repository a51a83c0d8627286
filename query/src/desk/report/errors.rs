//! What went wrong: by event, level and strategy, by message, and over time.

use std::collections::BTreeMap;

use blotter_engine::event::names::ALERT;
use blotter_engine::event::{Level, Timestamp};

use super::activity::count_of;
use super::build::{Bucket, chart, figures, table};
use super::inquiry::Inquiry;
use super::losing::cut;
use super::{ChartForm, Section, Unit};
use crate::datum::Datum;
use crate::error::Result;

/// Levels of the chart, the mildest first.
const LEVELS: [Level; 2] = [Level::Error, Level::Critical];

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    // Alerts are blotter's own, about what is counted already.
    let condition = format!(
        "(category = error or level >= error) and not (category = system and event = {ALERT}) and {}",
        inquiry.period.condition()
    );
    let all = inquiry.row_of_numbers(
        &condition,
        &["lost_count"],
        "stats count() as errors, count(where level = critical) as critical, \
         distinct(strategy) as strategies, distinct(event) as events, first(ts) as first, last(ts) as last, \
         sum(lost_count) as lost",
    )?;
    let of_all = |name: &str| all.as_ref().map_or(Datum::Null, |row| row.get(name).clone());
    let summary = [
        ("errors", "errors", Unit::Count, of_all("errors")),
        ("critical", "of them critical", Unit::Count, of_all("critical")),
        ("kinds", "kinds of events", Unit::Count, of_all("events")),
        ("strategies", "strategies concerned", Unit::Count, of_all("strategies")),
        ("first_ts", "first", Unit::None, of_all("first")),
        ("last_ts", "last", Unit::None, of_all("last")),
        ("lost_events", "events lost for want of room", Unit::Count, of_all("lost")),
    ];
    Ok(vec![
        figures("errors", "Errors", summary),
        by_event(inquiry, &condition)?,
        by_component(inquiry, &condition)?,
        by_message(inquiry, &condition)?,
        over_time(inquiry, &condition)?,
    ])
}

/// Cells of a row by name.
fn cells(row: &crate::rows::Row, names: &[&str]) -> Vec<Datum> {
    names.iter().map(|name| row.get(name).clone()).collect()
}

fn by_event(inquiry: &mut Inquiry<'_>, condition: &str) -> Result<Section> {
    let rows = inquiry.rows(&format!(
        "{condition} | stats count(), first(ts) as first, last(ts) as last, last(message) as message \
         by event, level, strategy | sort count desc, event, level, strategy"
    ))?;
    let names = ["event", "level", "strategy", "count", "first", "last", "message"];
    let columns = [
        ("event", "event", Unit::None),
        ("level", "level", Unit::None),
        ("strategy", "strategy", Unit::None),
        ("count", "count", Unit::Count),
        ("first_ts", "first", Unit::None),
        ("last_ts", "last", Unit::None),
        ("message", "last message", Unit::None),
    ];
    Ok(table("by_event", "By event", &columns, rows.iter().map(|row| cells(row, &names)).collect()))
}

fn by_component(inquiry: &mut Inquiry<'_>, condition: &str) -> Result<Section> {
    let rows = inquiry.rows(&format!(
        "{condition} and (exists component or exists operation or exists error_kind) \
         | stats count(), last(ts) as last, last(error_message) as message by component, operation, error_kind \
         | sort count desc, component, operation, error_kind"
    ))?;
    let names = ["component", "operation", "error_kind", "count", "last", "message"];
    let columns = [
        ("component", "component", Unit::None),
        ("operation", "operation", Unit::None),
        ("error_kind", "kind", Unit::None),
        ("count", "count", Unit::Count),
        ("last_ts", "last", Unit::None),
        ("error_message", "last error", Unit::None),
    ];
    let rows = rows.iter().map(|row| cells(row, &names)).collect();
    Ok(table("by_component", "By component and operation", &columns, rows))
}

fn by_message(inquiry: &mut Inquiry<'_>, condition: &str) -> Result<Section> {
    let shown = inquiry.options.rows_max;
    let messages = inquiry.row(&format!("{condition} | stats distinct(message) as messages"))?;
    let messages = messages.map_or(0, |row| count_of(&row, "messages"));
    let rows = inquiry.rows(&format!(
        "{condition} and exists message | stats count(), first(ts) as first, last(ts) as last by message \
         | sort count desc, message | head {shown}"
    ))?;
    cut(inquiry, "messages", "the most frequent", usize::try_from(messages).unwrap_or(usize::MAX), shown);
    let columns = [
        ("message", "message", Unit::None),
        ("count", "count", Unit::Count),
        ("first_ts", "first", Unit::None),
        ("last_ts", "last", Unit::None),
    ];
    let rows = rows.iter().map(|row| cells(row, &["message", "count", "first", "last"])).collect();
    Ok(table("by_message", "By message", &columns, rows))
}

fn over_time(inquiry: &mut Inquiry<'_>, condition: &str) -> Result<Section> {
    let bucket = Bucket::of(&inquiry.period);
    let mut counts: BTreeMap<(Timestamp, Option<Level>), u64> = BTreeMap::new();
    inquiry.each(&format!("{condition} | stats count() by {}, level", bucket.key()), |row| {
        // What is of category error, but no error by its level, is shown among the errors.
        let level = row.get("level").as_level().filter(|level| *level == Level::Critical);
        if let Some(ts) = row.get("ts").as_timestamp() {
            *counts.entry((ts, level)).or_default() += count_of(row, "count");
        }
        Ok(())
    })?;
    let times = bucket.all(&inquiry.period, counts.keys().map(|(ts, _)| *ts))?;
    let series = LEVELS.map(|level| {
        let key = (level == Level::Critical).then_some(level);
        let count = |ts: &Timestamp| Datum::from(counts.get(&(*ts, key)).copied().unwrap_or(0));
        (level.name(), times.iter().map(count).collect())
    });
    let name = if bucket == Bucket::Hour { "errors_by_hour" } else { "errors_by_day" };
    let x = times.iter().map(|ts| Datum::Time(*ts)).collect();
    let title = format!("Errors by {}", bucket.name());
    Ok(chart(name, title, ChartForm::Bars, Unit::Count, x, series.to_vec()))
}
