//! Arguments of `blotter report`.

use std::path::PathBuf;
use std::time::Duration;

use blotter::desk::report::{ReportKind, ReportOptions};
use blotter::event::Decimal;
use chrono_tz::Tz;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};

use super::period::During;
use super::values;
use crate::render::style::ColorChoice;

/// How to print a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people: figures with their units, rounded, tables and sparklines
    Text,
    /// For programs: one JSON object, decimals with every digit, times in RFC 3339, durations in ns
    Json,
    /// For spreadsheets: one line a value, or, with --section, one section as it is
    Csv,
    /// To mail and to keep: a page with charts that needs nothing else
    Html,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without a time it is about today. Days and hours are those of --tz. What is counted, and how, is in docs/reports.md. With --compare every figure is
shown beside that of the period before: as many days, or as much time. Exit status: 1 if nothing is recorded of the
period or a part of the database could not be read.

Examples:
  blotter report desk.blotter daily --tz America/New_York
  blotter report desk.blotter daily --date 2026-01-05 --compare
  blotter report desk.blotter trades --from 2026-01-05 --to 2026-01-09 --format json | jq .figures.trading
  blotter report desk.blotter errors --since 2026-01-05T14:30:00Z --until 2026-01-05T15:00:00Z
  blotter report desk.blotter strategies --section by_strategy --format csv -o strategies.csv
  blotter report desk.blotter missed --within 2s --score-min 0.9")]
pub(crate) struct Report {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// What it is about
    #[arg(value_parser = kinds())]
    pub(crate) kind: ReportKind,
    /// When; today if not given
    #[command(flatten)]
    pub(crate) during: During,
    /// Zone of days and hours, and of times shown
    #[arg(long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = values::zone)]
    pub(crate) zone: Tz,
    /// Show every figure beside that of the period before
    #[arg(long)]
    pub(crate) compare: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Print this section only
    #[arg(long, value_name = "NAME")]
    pub(crate) section: Option<String>,
    /// Write to a file instead of the standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Most rows of a table of single trades, signals or times [default: 50]
    #[arg(long, value_name = "COUNT")]
    pub(crate) rows: Option<usize>,
    /// losing: a loss closed so soon is a quick stop [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) quick_stop: Option<Duration>,
    /// losing: a loss so many times the average loss is a large one [default: 3]
    #[arg(long, value_name = "TIMES", value_parser = times)]
    pub(crate) large_loss: Option<Decimal>,
    /// losing: so many losses in a row are a streak [default: 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) streak: Option<u64>,
    /// system: so long without a health check is down [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) health_gap: Option<Duration>,
    /// missed: signals from this score on [default: the threshold of each]
    #[arg(long, value_name = "SCORE")]
    pub(crate) score_min: Option<Decimal>,
    /// missed: so long after a signal an order answers it [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) within: Option<Duration>,
    /// Memory that each of its queries may take [default: 512MiB]
    #[arg(long = "memory", value_name = "SIZE", value_parser = values::size)]
    pub(crate) memory_bytes_max: Option<usize>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

fn kinds() -> impl TypedValueParser<Value = ReportKind> {
    let kinds = ReportKind::ALL
        .iter()
        .map(|kind| PossibleValue::new(kind.name()).help(kind.description().trim_end_matches('.')));
    PossibleValuesParser::new(kinds)
        .map(|name| ReportKind::from_name(&name).expect("only names of kinds are possible"))
}

fn times(text: &str) -> Result<Decimal, String> {
    let number: Option<Decimal> = text.parse().ok();
    number.filter(|number| *number > Decimal::ZERO).ok_or_else(|| format!("'{text}' is no number above zero"))
}

impl Report {
    /// The same for the query package.
    pub(crate) fn to_options(&self) -> ReportOptions {
        let mut options = ReportOptions { compare: self.compare, ..ReportOptions::default() };
        options.rows_max = self.rows.unwrap_or(options.rows_max);
        options.quick_stop_within = self.quick_stop.unwrap_or(options.quick_stop_within);
        options.large_loss_times = self.large_loss.unwrap_or(options.large_loss_times);
        options.losing_streak_trades_min = self.streak.unwrap_or(options.losing_streak_trades_min);
        options.health_gap_max = self.health_gap.unwrap_or(options.health_gap_max);
        options.signal_score_min = self.score_min.or(options.signal_score_min);
        options.missed_within = self.within.unwrap_or(options.missed_within);
        options.query.memory_bytes_max = self.memory_bytes_max.unwrap_or(options.query.memory_bytes_max);
        options
    }
}
