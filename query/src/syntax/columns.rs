//! The columns that rows have after a pipeline, as far as the text tells; for completion.

use super::ast::{Aggregate, Named, Query, Stage};
use super::names;

/// The columns after a query that reads events with these fields. Those that the query makes come first.
pub(super) fn after(query: &Query, fields: &[String]) -> Vec<String> {
    let mut columns = fields.to_vec();
    for stage in &query.stages {
        match &stage.node {
            Stage::Fields(items) => columns = named(items),
            Stage::Distinct(items) if !items.is_empty() => columns = named(items),
            Stage::FieldsExcept(without) => {
                columns.retain(|column| without.iter().all(|name| name.node != *column))
            }
            Stage::Extend(items) => {
                add(&mut columns, items.iter().map(|(name, _)| name.node.clone()).collect())
            }
            Stage::Top { key, by, .. } => {
                columns = named(std::slice::from_ref(key));
                columns.push(by.as_ref().map_or_else(|| "count".to_owned(), names::of_aggregate));
            }
            Stage::Stats { aggregates, by } => columns = stats(aggregates, by),
            Stage::Bin { expr, name } => {
                let name = name.as_ref().map_or_else(|| names::of_expr(expr), |name| name.node.clone());
                add(&mut columns, vec![name]);
            }
            Stage::Histogram { .. } => columns = owned(&["from", "to", "count"]),
            Stage::Timeline { by, .. } => {
                columns = owned(&["ts"]);
                columns.extend(by.as_ref().map(names::of_named));
                columns.push("count".to_owned());
            }
            Stage::Shift { kind, items, .. } => {
                add(&mut columns, items.iter().map(|item| names::of_shifted(*kind, item)).collect());
            }
            Stage::Sessions { by, .. } => {
                columns = named(by);
                columns.extend(owned(&[
                    "start",
                    "end",
                    "duration",
                    "count",
                    "first_event",
                    "last_event",
                    "level",
                ]));
            }
            Stage::Related { .. } => columns = fields.to_vec(),
            Stage::Context { .. } => {
                columns = fields.to_vec();
                add(&mut columns, owned(&["matched"]));
            }
            Stage::Asof { query, .. } => {
                add(&mut columns, owned(&["asof_ts"]));
                append(&mut columns, after(&query.node, fields));
            }
            Stage::Join { query, .. } => append(&mut columns, after(&query.node, fields)),
            Stage::Lifecycle { .. } => {
                columns =
                    crate::orders::columns::COLUMNS.iter().map(|column| column.name.to_owned()).collect();
            }
            Stage::Gaps => {
                columns = owned(&["kind", "producer", "first", "last", "count", "after_ts", "before_ts"]);
            }
            Stage::Where(_)
            | Stage::Sort(_)
            | Stage::Head(_)
            | Stage::Tail(_)
            | Stage::Distinct(_)
            | Stage::Sample(_)
            | Stage::Zone(_)
            | Stage::Explain => {}
        }
    }
    columns
}

fn named(items: &[Named]) -> Vec<String> {
    items.iter().map(names::of_named).collect()
}

fn owned(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| (*column).to_owned()).collect()
}

fn stats(aggregates: &[Aggregate], by: &[Named]) -> Vec<String> {
    let mut columns = named(by);
    for aggregate in aggregates {
        let name =
            names::free(names::of_aggregate(aggregate), |name| columns.iter().any(|column| column == name));
        columns.push(name);
    }
    columns
}

/// New columns before the others.
fn add(columns: &mut Vec<String>, new: Vec<String>) {
    columns.retain(|column| !new.contains(column));
    columns.splice(0..0, new);
}

/// Columns of other rows, where there is none of that name.
fn append(columns: &mut Vec<String>, other: Vec<String>) {
    for column in other {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
}
