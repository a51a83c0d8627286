//! Questions that desks ask, as queries, with their answers: over events made by hand, whose answers were worked out by
//! hand, and over a generated session, whose answers are counted here in another way.
#![allow(clippy::unwrap_used, unreachable_pub)] // in a test a panic is the failure report

mod by_hand;
mod session;

use blotter::{QueryOptions, Queryable, Timestamp};

/// An answer as a table: columns with ` | ` between them, `-` for nothing. Rows without common columns are listed by
/// the names of their fields.
fn table(database: &impl Queryable, query: &str, now: &str) -> String {
    let options = QueryOptions { now: Some(now.parse::<Timestamp>().unwrap()), ..QueryOptions::default() };
    let answer =
        database.query_with_options(query, &options).unwrap_or_else(|error| panic!("{query}: {error}"));
    let zone = answer.zone();
    let columns = answer.columns().map(<[_]>::to_vec);
    let mut lines: Vec<String> = columns.iter().map(|columns| columns.join(" | ")).collect();
    for row in answer {
        let row = row.unwrap_or_else(|error| panic!("{query}: {error}"));
        let cells: Vec<String> = match &columns {
            Some(columns) => {
                let cell = |name: &std::sync::Arc<str>| match row.get(name) {
                    datum if datum.is_null() => "-".to_owned(),
                    datum => datum.display(zone).to_string(),
                };
                columns.iter().map(cell).collect()
            }
            None => {
                let mut cells: Vec<String> =
                    row.iter().map(|(name, datum)| format!("{name}={}", datum.display(zone))).collect();
                cells.sort();
                cells
            }
        };
        lines.push(cells.join(" | "));
    }
    lines.join("\n")
}

/// A question, the query that asks it, and the answer; lines of a table begin after white space.
struct Question {
    asks: &'static str,
    query: &'static str,
    answer: &'static str,
}

fn check(database: &impl Queryable, place: &str, questions: &[Question], now: &str) {
    let wrong: Vec<String> = questions
        .iter()
        .filter_map(|Question { asks, query, answer }| {
            let expected = answer.trim().lines().map(str::trim).collect::<Vec<&str>>().join("\n");
            let found = table(database, query, now);
            (found != expected)
                .then(|| format!("{asks}\n{query}\n--- found\n{found}\n--- expected\n{expected}\n"))
        })
        .collect();
    assert!(wrong.is_empty(), "{place}:\n{}", wrong.join("\n"));
}
