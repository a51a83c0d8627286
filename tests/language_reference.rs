//! Every example of `docs/query-language.md` is asked of a generated session, and must be understood and answered.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use blotter::{Options, QueryOptions, Queryable, RecorderOptions};
use blotter_workload::{Session, SessionOptions};

const REFERENCE: &str = include_str!("../docs/query-language.md");
const EVENTS: usize = 20_000;

/// The examples: blocks marked `query`, and what stands in backticks in the last column of tables with examples.
fn examples() -> Vec<String> {
    let mut examples = Vec::new();
    let mut block: Option<String> = None;
    let mut in_table = false;
    for line in REFERENCE.lines() {
        match (&mut block, line) {
            (None, "```query") => block = Some(String::new()),
            (Some(text), "```") => {
                examples.push(std::mem::take(text));
                block = None;
            }
            (Some(text), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, line) => {
                in_table = line.ends_with("| example |") || in_table && line.starts_with('|');
                let cell = line.trim_end_matches(" |").rsplit("| ").next().unwrap_or_default();
                if let (true, Some(example)) =
                    (in_table, cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')))
                {
                    examples.push(example.replace("\\|", "|"));
                }
            }
        }
    }
    examples
}

#[test]
fn every_function_is_listed() {
    let rows = blotter::query::functions().map(|function| {
        let example = function.example.replace('|', "\\|");
        format!(
            "| `{}({})` | {} | `\\| {example}` |\n",
            function.name, function.arguments, function.description
        )
    });
    let table: String = ["| function | gives | example |\n", "|---|---|---|\n"]
        .map(str::to_owned)
        .into_iter()
        .chain(rows)
        .collect();
    assert!(REFERENCE.contains(&table), "the table of functions should be:\n{table}");
}

#[test]
fn every_example_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.blotter");
    let db = Options::new().open(&path).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new().service("oms")).unwrap();
    let mut last = None;
    for (number, event) in Session::new(1, SessionOptions::default()).take(EVENTS).enumerate() {
        assert!(event.record(&mut recorder).is_accepted());
        last = Some(event.ts);
        if number == EVENTS / 2 {
            db.seal().unwrap();
        }
    }
    // A field of the tables that a session has none of.
    assert!(recorder.system("probe").field("is_final", true).emit().is_accepted());
    db.flush().unwrap();
    let options = QueryOptions { now: last, ..QueryOptions::default() };
    let examples = examples();
    assert!(examples.len() > 75, "{} examples", examples.len());
    let mut wrong = Vec::new();
    for example in &examples {
        let answered = db.query_with_options(example, &options).and_then(|rows| {
            let mut rows = rows;
            let found: Result<Vec<_>, _> = rows.by_ref().collect();
            assert!(rows.unreadable().is_empty(), "{example}");
            found
        });
        if let Err(error) = answered {
            wrong.push(format!("{example}\n{}", error.render(false)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
}
