//! Risk: what was checked, how much of the limits was used, heat, and what was warned of.

use super::activity::count_of;
use super::build::{Bucket, chart, figures, share, table};
use super::inquiry::Inquiry;
use super::{ChartForm, Section, Unit};
use crate::datum::Datum;
use crate::error::Result;
use crate::rows::Row;

const CHECKS: &str = "stats count() as checks, count(where status = passed) as passed, \
                      count(where status = failed) as failed, last(ts where status = failed) as last_failed";

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let risk = format!("category = risk and {}", inquiry.period.condition());
    let checks = inquiry.row(&format!("{risk} and event = risk_check | {CHECKS}"))?;
    let used = format!("{risk} and event = risk_limit");
    // The greatest of texts and numbers may be a text, and a mean is of numbers only: that there are texts shows by it.
    let limits = inquiry.row_of_numbers(
        &used,
        &["used_percent"],
        "stats max(used_percent) as used_max, avg(used_percent) as used_mean",
    )?;
    let warnings = inquiry.row(&format!("{risk} and level >= warn | stats count()"))?;
    let heat = inquiry.row_of_numbers(
        &format!("{risk} and event = portfolio_heat_warning"),
        &["heat_percent"],
        "stats count(), max(heat_percent) as max, avg(heat_percent) as mean, last(heat_percent) as last",
    )?;
    let of = |row: &Option<Row>, name: &str| row.as_ref().map_or(Datum::Null, |row| row.get(name).clone());
    let count = |name: &str| checks.as_ref().map_or(0, |row| count_of(row, name));
    let summary = [
        ("checks", "checks", Unit::Count, of(&checks, "checks")),
        ("checks_passed", "passed", Unit::Count, of(&checks, "passed")),
        ("checks_failed", "failed", Unit::Count, of(&checks, "failed")),
        ("check_failure_rate", "failure rate", Unit::Share, share(count("failed"), count("checks"))),
        ("limit_used_max_percent", "most of a limit used", Unit::Percent, of(&limits, "used_max")),
        ("warnings", "warnings", Unit::Count, of(&warnings, "count")),
        ("heat_warnings", "warnings of heat", Unit::Count, of(&heat, "count")),
        ("heat_max_percent", "highest heat", Unit::Percent, of(&heat, "max")),
        ("heat_mean_percent", "mean heat of warnings", Unit::Percent, of(&heat, "mean")),
        ("heat_last_percent", "last heat", Unit::Percent, of(&heat, "last")),
    ];
    let other = count("checks") - count("passed").min(count("checks"));
    let other = other.saturating_sub(count("failed"));
    if other > 0 {
        inquiry.note(format!("{other} risk checks say neither passed nor failed"));
    }
    Ok(vec![
        figures("risk", "Risk", summary),
        by_check(inquiry, &risk)?,
        limits_used(inquiry, &risk)?,
        heat_by_strategy(inquiry, &risk)?,
        warned(inquiry, &risk)?,
        heat_over_time(inquiry, &risk)?,
    ])
}

fn cells(rows: &[Row], names: &[&str]) -> Vec<Vec<Datum>> {
    rows.iter().map(|row| names.iter().map(|name| row.get(name).clone()).collect()).collect()
}

fn by_check(inquiry: &mut Inquiry<'_>, risk: &str) -> Result<Section> {
    let rows = inquiry.rows(&format!("{risk} and event = risk_check | {CHECKS} by `check`, strategy"))?;
    let rows = rows.iter().map(|row| {
        let mut cells =
            cells(std::slice::from_ref(row), &["check", "strategy", "checks", "passed", "failed"]).remove(0);
        cells.push(share(count_of(row, "failed"), count_of(row, "checks")));
        cells.push(row.get("last_failed").clone());
        cells
    });
    let columns = [
        ("check", "check", Unit::None),
        ("strategy", "strategy", Unit::None),
        ("checks", "checks", Unit::Count),
        ("passed", "passed", Unit::Count),
        ("failed", "failed", Unit::Count),
        ("failure_rate", "failure rate", Unit::Share),
        ("last_failed_ts", "last failed", Unit::None),
    ];
    Ok(table("by_check", "Checks", &columns, rows.collect()))
}

fn limits_used(inquiry: &mut Inquiry<'_>, risk: &str) -> Result<Section> {
    let rows = inquiry.rows_of_numbers(
        &format!("{risk} and event = risk_limit"),
        &["used_percent"],
        "stats count() as reports, last(value) as value, last(`limit`) as limit_last, \
         last(used_percent) as used_last, max(used_percent) as used_max, arg_max(used_percent, ts) as used_max_ts, \
         avg(used_percent) as used_mean by limit_name, strategy",
    )?;
    let names =
        ["limit_name", "strategy", "reports", "value", "limit_last", "used_last", "used_max", "used_max_ts"];
    let columns = [
        ("limit_name", "limit", Unit::None),
        ("strategy", "strategy", Unit::None),
        ("reports", "reports", Unit::Count),
        ("value", "last value", Unit::Quantity),
        ("limit", "last limit", Unit::Quantity),
        ("used_last_percent", "last used", Unit::Percent),
        ("used_max_percent", "most used", Unit::Percent),
        ("used_max_ts", "when most", Unit::None),
    ];
    Ok(table("limits", "Limits", &columns, cells(&rows, &names)))
}

fn heat_by_strategy(inquiry: &mut Inquiry<'_>, risk: &str) -> Result<Section> {
    let rows = inquiry.rows_of_numbers(
        &format!("{risk} and event = portfolio_heat_warning"),
        &["heat_percent"],
        "stats count() as warnings, max(heat_percent) as heat_max, \
         avg(heat_percent) as heat_mean, last(heat_percent) as heat_last, last(ts) as last by strategy",
    )?;
    let names = ["strategy", "warnings", "heat_max", "heat_mean", "heat_last", "last"];
    let columns = [
        ("strategy", "strategy", Unit::None),
        ("warnings", "warnings", Unit::Count),
        ("heat_max_percent", "highest", Unit::Percent),
        ("heat_mean_percent", "mean", Unit::Percent),
        ("heat_last_percent", "last", Unit::Percent),
        ("last_ts", "last warning", Unit::None),
    ];
    Ok(table("heat_by_strategy", "Portfolio heat", &columns, cells(&rows, &names)))
}

fn warned(inquiry: &mut Inquiry<'_>, risk: &str) -> Result<Section> {
    let rows = inquiry.rows(&format!(
        "{risk} and level >= warn | stats count(), first(ts) as first, last(ts) as last, last(message) as message \
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
    Ok(table("warnings", "Warnings", &columns, cells(&rows, &names)))
}

fn heat_over_time(inquiry: &mut Inquiry<'_>, risk: &str) -> Result<Section> {
    let bucket = Bucket::of(&inquiry.period);
    let rows = inquiry.rows_of_numbers(
        &format!("{risk} and event = portfolio_heat_warning"),
        &["heat_percent"],
        &format!("stats max(heat_percent) as heat, avg(heat_percent) as mean by {}", bucket.key()),
    )?;
    let times = bucket.all(&inquiry.period, rows.iter().filter_map(|row| row.get("ts").as_timestamp()))?;
    let heat = times.iter().map(|ts| {
        let found = rows.iter().find(|row| row.get("ts").as_timestamp() == Some(*ts));
        found.map_or(Datum::Null, |row| row.get("heat").clone())
    });
    let heat = heat.collect();
    let name = if bucket == Bucket::Hour { "heat_by_hour" } else { "heat_by_day" };
    let x = times.iter().map(|ts| Datum::Time(*ts)).collect();
    let title = format!("Highest portfolio heat by {}", bucket.name());
    Ok(chart(name, title, ChartForm::Line, Unit::Percent, x, vec![("heat", heat)]))
}
