//! What the engine measured of itself: the metrics that it recorded, by name.

use super::build::{figures, table};
use super::inquiry::Inquiry;
use super::{Section, Unit};
use crate::datum::Datum;
use crate::error::Result;

const VALUES: &str = "stats count(value) as count, avg(value) as mean, stddev(value) as deviation, p50(value) as p50, \
                      p99(value) as p99, min(value) as min, max(value) as max, last(value) as last";
const NAMES: [&str; 8] = ["count", "mean", "deviation", "p50", "p99", "min", "max", "last"];
const COLUMNS: [(&str, &str, Unit); 8] = [
    ("count", "count", Unit::Count),
    ("mean", "mean", Unit::Quantity),
    ("stddev", "deviation", Unit::Quantity),
    ("p50", "median", Unit::Quantity),
    ("p99", "p99", Unit::Quantity),
    ("min", "min", Unit::Quantity),
    ("max", "max", Unit::Quantity),
    ("last", "last", Unit::Quantity),
];

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let measured =
        format!("category = performance and exists metric_name and {}", inquiry.period.condition());
    let all = inquiry.row(&format!(
        "{measured} | stats count() as measurements, distinct(metric_name) as metrics, count(where missing value) as bare"
    ))?;
    let of_all = |name: &str| all.as_ref().map_or(Datum::Null, |row| row.get(name).clone());
    if let Some(bare @ 1..) = of_all("bare").as_i64() {
        inquiry.note(format!("{bare} measurements have no value: they are in no figure"));
    }
    let summary = [
        ("measurements", "measurements", Unit::Count, of_all("measurements")),
        ("metrics", "metrics", Unit::Count, of_all("metrics")),
    ];
    Ok(vec![
        figures("performance", "Performance", summary),
        by(inquiry, &measured, "by_metric", "By metric", &["metric_name", "unit"])?,
        by(
            inquiry,
            &format!("{measured} and exists segment"),
            "by_segment",
            "By metric and segment",
            &["metric_name", "segment", "unit"],
        )?,
    ])
}

fn by(
    inquiry: &mut Inquiry<'_>,
    condition: &str,
    name: &'static str,
    title: &str,
    keys: &[&'static str],
) -> Result<Section> {
    let rows = inquiry.rows_of_numbers(condition, &["value"], &format!("{VALUES} by {}", keys.join(", ")))?;
    let cells = rows.iter().map(|row| {
        let names = keys.iter().chain(&NAMES);
        names.map(|name| row.get(name).clone()).collect()
    });
    let label = |key: &&'static str| (*key, if *key == "metric_name" { "metric" } else { *key }, Unit::None);
    let columns: Vec<_> = keys.iter().map(label).chain(COLUMNS).collect();
    Ok(table(name, title, &columns, cells.collect()))
}
