//! Arguments of the commands that find what looks wrong.

use std::path::PathBuf;

use blotter::event::Level;
use chrono_tz::Tz;
use clap::{Args, ValueHint};

use super::period::During;
use super::{Format, RowFormat, values};
use crate::render::style::ColorChoice;

#[derive(Debug, Args)]
#[command(after_help = "\
Each finding names the events that show it; `docs/alerts.md` says what each detector looks for. FILTER is the filter of
a query, without stages; with it, sequence_gap and clock_jump, which are about the recording as a whole, do not look.

A detector of your own is a query and a threshold that its rows must pass; a query without stages counts events:
  --define 'slow_fills = category = fill lifecycle_ms > 5s, count > 20'

Exit status: 0 if nothing is found, 1 if there are findings of --level or above or a part of the database could not be
read, 2 if the filter, a detector or the configuration is wrong.

Examples:
  blotter detect desk.blotter                      all that is recorded
  blotter detect desk.blotter 'strategy = momentum' --date 2026-01-05 --tz America/New_York
  blotter detect desk.blotter --only silence error_spike --since 2026-01-05T14:30:00Z --until 2026-01-05T21:00:00Z
  blotter detect desk.blotter --date yesterday --level error --format json | mail -E -s findings desk@example.com
  blotter detect --defaults > alerts.toml          every setting with its default, to begin with")]
pub(crate) struct Detect {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath, required_unless_present = "defaults")]
    pub(crate) directory: Option<PathBuf>,
    /// Which events; all if not given
    pub(crate) filter: Option<String>,
    /// File of settings and detectors of your own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// File of detectors of your own, one a line: detector NAME = QUERY, THRESHOLD
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) detectors: Option<PathBuf>,
    /// A detector of your own
    #[arg(long, value_name = "NAME = QUERY, THRESHOLD")]
    pub(crate) define: Vec<String>,
    /// Only these detectors
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) only: Vec<String>,
    /// When; all that is recorded if not given
    #[command(flatten)]
    pub(crate) during: During,
    /// Findings from this level on
    #[arg(long, default_value = "warn", value_parser = level)]
    pub(crate) level: Level,
    /// How to print
    #[arg(long, value_enum, default_value_t = RowFormat::Text)]
    pub(crate) format: RowFormat,
    /// Zone of days and times of day in the filter, and of times shown to people
    #[arg(long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = values::zone)]
    pub(crate) zone: Tz,
    /// Take a field that no event has as missing, not as a mistake
    #[arg(long)]
    pub(crate) allow_unknown_fields: bool,
    /// Print every setting with its default, and look at nothing
    #[arg(long)]
    pub(crate) defaults: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Follows what is recorded, by this machine's engine or none, until it is interrupted; prints alerts as they are raised,
and does what the configuration says about them. Without one, all detectors look with their defaults. It goes on where
it ended: what was recorded meanwhile is looked at, and nothing is raised twice.

Examples:
  blotter watch desk.blotter
  blotter watch desk.blotter --config alerts.toml --format json
  blotter watch /mnt/readonly/desk.blotter --state /var/lib/blotter/desk.json
  blotter watch desk.blotter --config alerts.toml --check     only say what is wrong with it")]
pub(crate) struct Watch {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// File of detectors, rules and actions
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// File of detectors of your own, one a line: detector NAME = QUERY, THRESHOLD
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) detectors: Option<PathBuf>,
    /// A detector of your own
    #[arg(long, value_name = "NAME = QUERY, THRESHOLD")]
    pub(crate) define: Vec<String>,
    /// Where to remember how far it came [default: watch/state.json in the database]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,
    /// The first time, begin with the first event there is rather than the next
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Read the configuration, say what is wrong with it, and end
    #[arg(long)]
    pub(crate) check: bool,
    /// How to print alerts
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

fn level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|error: blotter::event::ParseLevelError| error.to_string())
}
