//! The command line: what can be asked and how it is spelt.

pub(crate) mod administer;
mod detect;
mod orders;
mod period;
mod query;
mod report;
pub(crate) mod values;

use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::render::style::ColorChoice;
pub(crate) use detect::{Detect, Watch};
pub(crate) use orders::{Lifecycle, Replay, Showing};
pub(crate) use query::{Query, Repl, RowFormat};
pub(crate) use report::{Report, ReportFormat};

const EXAMPLES: &str = "\
Examples:
  blotter demo                                 record a synthetic session, then ask it things
  blotter import desk.blotter day.jsonl.zst    record a file of JSON lines
  engine | blotter import desk.blotter -       record a pipe as its lines come
  blotter get desk.blotter A-1                 everything that happened to order A-1
  blotter query desk.blotter 'level >= error last 1h | top 10 message'
  blotter lifecycle desk.blotter A-1           what became of order A-1, step by step
  blotter replay desk.blotter A-1 --step       the same with the market around it, in the terminal
  blotter repl desk.blotter                    ask one thing after the other
  blotter report desk.blotter daily            what today amounts to
  blotter tail desk.blotter -n 20 -f           the latest 20 events, then those to come
  blotter detect desk.blotter --date 2026-01-05   what looks wrong on a day
  blotter watch desk.blotter --config alerts.toml
  blotter policy desk.blotter show             how long what is kept
  blotter maintain desk.blotter --dry-run      what is due, and what is kept all the same
  blotter backup desk.blotter /mnt/backup/desk
  blotter verify desk.blotter                  check every byte

Data goes to the standard output, messages and progress to the standard error.
Exit status: 0 yes, 1 no (damage, bad records, nothing found), 2 wrong usage.";

/// The flight recorder of a trading engine.
#[derive(Debug, Parser)]
#[command(name = "blotter", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Record a synthetic trading session, then ask it things
    Demo(Demo),
    /// Record events from files or a pipe
    Import(Import),
    /// Show every event that carries an id, in order
    Get(Get),
    /// Show the latest events, and those to come
    Tail(Tail),
    /// Ask in the query language
    Query(Query),
    /// Show what became of an order, step by step, with the orders it belongs to
    Lifecycle(Lifecycle),
    /// Show an order once more with the market around it, and how well it was executed
    Replay(Replay),
    /// Ask one thing after the other, with completion, history and live results
    Repl(Repl),
    /// Say what a day or a longer time amounts to
    Report(Report),
    /// Find what looks wrong
    Detect(Detect),
    /// Raise alerts as events are recorded
    Watch(Watch),
    /// Show what a database holds
    Stats(Stats),
    /// Say how long what is kept
    Policy(administer::Policy),
    /// Keep events for a case, whatever policies say
    Hold(administer::Hold),
    /// Merge, compress and delete what is due
    Maintain(administer::Maintain),
    /// Delete a day of a category by hand
    Delete(administer::Delete),
    /// Show who decided what, and what was deleted
    History(administer::History),
    /// Back a database up, beside whatever records into it
    Backup(administer::Backup),
    /// Make a database of a backup
    Restore(administer::Restore),
    /// Check every byte of a database
    #[command(after_help = "\
Writes nothing and works beside a live writer. Each finding is a line: damage, or a note of something that the
next writer will tidy up by itself. Exit status 1 if anything is damaged.

Examples:
  blotter verify desk.blotter")]
    Verify(Directory),
    /// Bring a damaged database back to what can be read
    #[command(after_help = "\
Sets aside what cannot be read, saves what can be read from it, and rebuilds the catalog. Deletes nothing. Nobody
may be recording meanwhile. Exit status 1 if events are lost.

Examples:
  blotter verify desk.blotter || blotter repair desk.blotter")]
    Repair(Directory),
    /// Print what makes a shell complete this command
    #[command(after_help = "\
Examples:
  blotter completions bash > ~/.local/share/bash-completion/completions/blotter
  blotter completions zsh > ~/.zfunc/_blotter
  blotter completions fish > ~/.config/fish/completions/blotter.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line, decimals with every digit, times in RFC 3339
    Json,
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// One JSON object a line
    Jsonl,
    /// LOBSTER order messages: time,type,order id,size,price,direction
    Lobster,
    /// The log of a Hummingbot instance, with its EVENT_LOG records and tracebacks
    Hummingbot,
    /// FIX messages, 4.0 to 5.0, separated by SOH, | or ^A, also behind the time a log put before them
    Fix,
    /// CSV and other lines of text or JSON, as the file of --mapping says
    Csv,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The session is the same for the same --seed, --recorders and --events: strategies decide, orders live and
end, positions change, now and then something fails. Its times are those of the session, not of the run.

Examples:
  blotter demo                                 a million events into a temporary directory, which is kept
  blotter demo desk.blotter --events 5000000   more of them, kept where you say
  blotter demo desk.blotter --rate 200000      at the pace of a busy engine: watch it with `blotter tail -f`")]
pub(crate) struct Demo {
    /// Database directory; a new temporary one if none is given
    pub(crate) directory: Option<PathBuf>,
    /// Events to record
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) events: u64,
    /// Events per second, all recorders together; as fast as they go if not given
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) rate: Option<u64>,
    /// Threads that record
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) recorders: u32,
    /// Seed of the session
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
JSON lines: the time is under timestamp, ts, time or @timestamp (RFC 3339, or epoch s, ms, us or ns); members
of data, metadata, fields and extra are lifted to the top; other objects get dotted names; unknown keys are
fields; numbers keep every digit; arrays are kept as their JSON text, and a null is no field. A line that cannot
be kept so is reported and not recorded. What is imported twice is recorded twice.

LOBSTER: --symbol and --date are needed; times are seconds after midnight in New York.

Hummingbot and FIX: times of the log without a zone are those of --tz. CSV, and other lines of text or JSON: the
mapping says what columns mean; docs/import.md has its settings and what each line of each format becomes.

Examples:
  blotter import desk.blotter monday.jsonl tuesday.jsonl.zst
  engine | blotter import desk.blotter -
  blotter import desk.blotter AMZN_message.csv --format lobster --symbol AMZN --date 2012-06-21
  blotter import desk.blotter bot.log.zst --format hummingbot --tz Europe/Paris
  blotter import desk.blotter session.log --format fix
  blotter import desk.blotter orders.csv --format csv --mapping orders.toml
  blotter import desk.blotter day.jsonl --dry-run      only say what is wrong with it")]
pub(crate) struct Import {
    /// Database directory, created if there is none
    pub(crate) directory: PathBuf,
    /// Files, plain or compressed with zstd or gzip; - is the standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, default_value_t = InputFormat::Jsonl)]
    pub(crate) format: InputFormat,
    /// Symbol of a LOBSTER file
    #[arg(long, required_if_eq("format", "lobster"), value_parser = symbol)]
    pub(crate) symbol: Option<String>,
    /// Day of a LOBSTER file, as 2012-06-21
    #[arg(long, required_if_eq("format", "lobster"))]
    pub(crate) date: Option<NaiveDate>,
    /// Zone of times that a Hummingbot or FIX log wrote without one; UTC if not given
    #[arg(long = "tz", value_name = "ZONE", value_parser = values::zone)]
    pub(crate) zone: Option<Tz>,
    /// What the columns of --format csv mean, in TOML
    #[arg(long, required_if_eq("format", "csv"), value_name = "TOML", value_hint = ValueHint::FilePath)]
    pub(crate) mapping: Option<PathBuf>,
    /// Read and check everything, record nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn symbol(text: &str) -> Result<String, &'static str> {
    let is_symbol = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic());
    if is_symbol {
        Ok(text.to_owned())
    } else {
        Err("a symbol is 1 to 64 printable characters without spaces")
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
ID is looked for in every indexed field: order_id, correlation_id, symbol, and those the database was made with.

Examples:
  blotter get desk.blotter A-1
  blotter get desk.blotter momentum_8e094bf80740 --format json")]
pub(crate) struct Get {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// The id, whole and exact
    #[arg(allow_hyphen_values = true)]
    pub(crate) id: String,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without -f the events are the latest by their time; with it, those to come follow as they are recorded. FILTER
is the filter of a query, without stages.

Examples:
  blotter tail desk.blotter -n 100
  blotter tail desk.blotter 'level >= warn or category = fill' -f
  blotter tail desk.blotter -n 0 -f --format json | alert")]
pub(crate) struct Tail {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Which events; all if not given
    pub(crate) filter: Option<String>,
    /// How many of the latest events to show
    #[arg(short = 'n', long = "lines", default_value_t = 10)]
    pub(crate) count: usize,
    /// Go on with events as they are recorded, until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Zone of days and times of day in the filter, and of times shown as text
    #[arg(long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = values::zone)]
    pub(crate) zone: Tz,
    /// Take a field that no event has as missing, not as a mistake
    #[arg(long)]
    pub(crate) allow_unknown_fields: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blotter stats desk.blotter
  blotter stats desk.blotter --days
  blotter stats desk.blotter --format json | jq .lost_events")]
pub(crate) struct Stats {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Show every day of every category, too
    #[arg(long)]
    pub(crate) days: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Directory {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
