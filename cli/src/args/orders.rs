//! Arguments of the commands about orders.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use clap::{Args, ValueHint};

use super::{RowFormat, values};
use crate::render::style::ColorChoice;

/// How orders are shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Showing {
    /// How to print
    #[arg(long, value_enum, default_value_t = RowFormat::Table)]
    pub(crate) format: RowFormat,
    /// Zone of times shown to people
    #[arg(long = "tz", value_name = "ZONE", default_value = "UTC", value_parser = values::zone)]
    pub(crate) zone: Tz,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Args)]
#[command(after_help = "\
ID is an order id or a correlation id: every event that belongs to it with the time since the one before, what
became of each order, its parents, slices and replacements, errors on the way, and steps that may not follow each
other. --format json is one object with everything, csv the timeline.

With --orphans, --open or --illegal orders are listed instead, one a row, and ID is a filter: those of which no
event says that they were created, those that never ended, those with a step that may not follow the one before.
Exit status 1 if nothing was found or a part of the database could not be read.

Examples:
  blotter lifecycle desk.blotter A-1
  blotter lifecycle desk.blotter momentum_8e094bf80740 --format json | jq '.orders[].status'
  blotter lifecycle desk.blotter --open 'strategy = momentum on 2026-01-05'
  blotter query desk.blotter 'last 1h | lifecycle | stats count() by status'")]
pub(crate) struct Lifecycle {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// The id, whole and exact; with --orphans, --open or --illegal a filter
    #[arg(allow_hyphen_values = true, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// List orders of which no event says that they were created
    #[arg(long)]
    pub(crate) orphans: bool,
    /// List orders that never ended
    #[arg(long)]
    pub(crate) open: bool,
    /// List orders with a step that may not follow the one before
    #[arg(long)]
    pub(crate) illegal: bool,
    #[command(flatten)]
    pub(crate) showing: Showing,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The events of the order and all that belong to it, in between the quotes and trades of its symbol within the window
around each of its events, errors and warnings of risk; then what could be bought and sold at when it was decided
and at each fill, and how well it was executed. Figures in bps are of the price they are measured against.

--step goes through it in the terminal: n, space and the arrows move, N and P go from one event of the order to the
next, g and G to the ends, q leaves.

Examples:
  blotter replay desk.blotter A-1
  blotter replay desk.blotter A-1 --window 500ms --step
  blotter replay desk.blotter A-1 --format json | jq .quality.slippage_bps")]
pub(crate) struct Replay {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// The order id, whole and exact
    #[arg(allow_hyphen_values = true)]
    pub(crate) order_id: String,
    /// How much of the market to show before and after each event of the order
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::duration_or_zero)]
    pub(crate) window: Duration,
    /// Quotes and trades to show at most; one at each event of the order is always shown
    #[arg(long = "market-events", value_name = "COUNT", default_value_t = 1_000)]
    pub(crate) market_events_max: usize,
    /// Go through it step by step in the terminal
    #[arg(long)]
    pub(crate) step: bool,
    #[command(flatten)]
    pub(crate) showing: Showing,
}
