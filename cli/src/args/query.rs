//! Arguments of the commands that ask in the query language.

use std::path::PathBuf;
use std::time::Duration;

use blotter::event::Timestamp;
use blotter::{Datum, QueryOptions};
use chrono_tz::Tz;
use clap::{Args, ValueEnum, ValueHint};

use super::values;
use crate::render::style::ColorChoice;

/// How to print rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// For people: columns, fitted to the terminal if there is one
    Table,
    /// For programs: one JSON object a line, decimals with every digit, times in RFC 3339, durations in ns
    Json,
    /// For spreadsheets: RFC 4180; what would be a formula there begins with '
    Csv,
    /// For people: one line a row, nothing cut
    Text,
}

impl RowFormat {
    /// Its name, as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RowFormat::Table => "table",
            RowFormat::Json => "json",
            RowFormat::Csv => "csv",
            RowFormat::Text => "text",
        }
    }
}

/// How queries are run and shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asking {
    /// How to print
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,
    /// Zone of days, bins and times of day
    #[arg(long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = values::zone)]
    pub(crate) zone: Tz,
    /// Memory that a query may take [default: 512MiB]
    #[arg(long = "memory", value_name = "SIZE", value_parser = values::size)]
    pub(crate) memory_bytes_max: Option<usize>,
    /// Time that a query may take [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Value of a $name in the query: a number, true, false, a time, or text (always text if "quoted")
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = values::parameter)]
    pub(crate) parameters: Vec<(String, Datum)>,
    /// What `now` is, in RFC 3339; the clock if not given
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) now: Option<Timestamp>,
    /// Take a field that no event has as missing, not as a mistake
    #[arg(long)]
    pub(crate) allow_unknown_fields: bool,
    /// Say how many rows there were and how long they took
    #[arg(long)]
    pub(crate) timer: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

impl Asking {
    /// The same for the query package.
    pub(crate) fn to_options(&self) -> QueryOptions {
        let defaults = QueryOptions::default();
        QueryOptions {
            parameters: self.parameters.iter().cloned().collect(),
            zone: self.zone,
            now: self.now,
            memory_bytes_max: self.memory_bytes_max.unwrap_or(defaults.memory_bytes_max),
            timeout: self.timeout,
            allow_unknown_fields: self.allow_unknown_fields,
            ..defaults
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
TEXT is a filter, then stages after | signs; a bare word searches messages. Quote it for the shell. Rows are
printed as they are found. CSV of whole events runs the query twice, first for the columns; `| fields ...` spares
that. Exit status: 1 if the query ran into a limit or a part of the database could not be read, 2 if it is wrong.

Examples:
  blotter query desk.blotter 'level >= error last 1h | top 10 message'
  blotter query desk.blotter 'symbol = AMZN category = fill | stats sum(fill_quantity), avg(fill_price) by strategy'
  blotter query desk.blotter 'correlation_id = $id | sort ts' --param id=trade_12345
  blotter query desk.blotter 'on 2026-01-02 | timeline 30m by category' --tz America/New_York
  blotter query desk.blotter @slow-fills.txt --format csv > slow-fills.csv
  echo 'latency_us > 5ms' | blotter query desk.blotter - --format json | jq .symbol
  blotter query desk.blotter 'order_id = A-1' --explain")]
pub(crate) struct Query {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// The query; - reads it from the standard input, @FILE from a file
    pub(crate) text: String,
    /// Show how the query is run instead of its rows
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Reads without a lock, beside whoever records: each query sees what is recorded up to then. `.help` lists the
commands. Ctrl-C ends a query, Ctrl-D the session. If the standard input is no terminal, queries are read from it
line by line; a line that ends in | or within brackets or quotes goes on with the next.

History is kept in $XDG_STATE_HOME/blotter/history or ~/.local/state/blotter/history, readable by you only;
BLOTTER_HISTORY names another file, and is empty for none. Saved queries are in the file of that name with
.saved at its end. Long results go through $PAGER, which is less -RFX if it is not set.

Examples:
  blotter repl desk.blotter
  blotter repl desk.blotter --tz America/New_York --timer
  blotter repl desk.blotter --format json < questions.txt > answers.jsonl")]
pub(crate) struct Repl {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) asking: Asking,
}
