//! Arguments of the commands that decide what is kept, and of those that show what was decided.

use std::path::PathBuf;
use std::time::Duration;

use blotter::event::{Day, Timestamp};
use blotter::ledger::Budget;
use clap::{Args, Subcommand, ValueHint};

use super::Format;
use super::values::{self, AgeOrNever};

/// Who decides, and why: both stay in the ledger.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reasoned {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// Who; the login name if not given
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) actor: Option<String>,
}

/// The same, where there is something to say for no reason.
#[derive(Clone, Debug, Args)]
pub(crate) struct Signed {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// Who; the login name if not given
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) actor: Option<String>,
}

fn reason(text: &str) -> Result<String, String> {
    bounded(text, blotter::ledger::REASON_BYTES_MAX)
}

fn name(text: &str) -> Result<String, String> {
    bounded(text, blotter::ledger::NAME_BYTES_MAX)
}

fn bounded(text: &str, bytes_max: usize) -> Result<String, String> {
    match text.trim() {
        "" => Err("say something".to_owned()),
        text if text.len() > bytes_max => {
            Err(format!("it has {} bytes, the limit is {bytes_max}", text.len()))
        }
        text => Ok(text.to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Ages are whole UTC days: 30d, 2w, 5y (a year is 365 days). A day's events are hot until --hot, warm until --warm,
then cold, and deleted at --delete. --keep-at-least is a floor that neither shortage of space nor a hand breaks;
--destroy-after a ceiling that only a hold breaks. Works beside a live engine, which then does it itself.

Examples:
  blotter policy desk.blotter show
  blotter policy desk.blotter set market_data --hot 3d --delete 60d --reason 'vendor keeps it too'
  blotter policy desk.blotter set audit --keep-at-least 7y --lock --reason 'SEC 17a-4'
  blotter policy desk.blotter apply retention.toml --dry-run
  blotter policy desk.blotter budget 80%")]
pub(crate) struct Policy {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    #[command(subcommand)]
    pub(crate) action: PolicyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Show how long each category is kept, since when, and who said so
    Show {
        /// How to print
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Change how long a category is kept; what is not given stays
    Set(PolicySet),
    /// Bring all policies to what a TOML file says; all of it, or nothing if any of it makes no sense
    #[command(after_help = "\
The file has a table for each category, and [disk]; what it does not name stays as it is:
  [order]
  hot = \"30d\"
  warm = \"180d\"
  delete = \"3y\"              # or \"never\"
  keep_at_least = \"1y\"
  destroy_after = \"never\"
  priority = 6               # 0 to 9; under pressure the lowest goes first
  locked = true              # once true it stays, and the floor only rises
  [disk]
  budget = \"80%\"             # of the volume, or \"500GB\", or \"unlimited\"
  cold_directory = \"/mnt/archive/desk\"   # or \"none\"

Examples:
  blotter policy desk.blotter apply retention.toml --dry-run
  blotter policy desk.blotter apply retention.toml --reason 'review of 2026'")]
    Apply {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// Take categories that no event has yet
        #[arg(long)]
        new_category: bool,
        #[command(flatten)]
        by: Signed,
    },
    /// Limit what the database may take of the disk
    Budget {
        /// 80% of the volume, 500GB, or unlimited
        #[arg(value_parser = values::budget)]
        budget: Budget,
        #[command(flatten)]
        by: Signed,
    },
    /// Keep cold segments in another directory, on another volume perhaps
    ColdDirectory {
        /// The directory, absolute; none for the database's own
        #[arg(value_name = "PATH|none", value_hint = ValueHint::DirPath)]
        path: PathBuf,
        #[command(flatten)]
        by: Signed,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Ages are whole UTC days: 30d, 2w, 5y (a year is 365 days). --hot <= --warm <= --delete, and --keep-at-least <= --delete
<= --destroy-after; what contradicts that is refused.

Examples:
  blotter policy desk.blotter set market_data --hot 3d --delete 60d --reason 'vendor keeps it too'
  blotter policy desk.blotter set audit --keep-at-least 7y --lock --reason 'SEC 17a-4'")]
pub(crate) struct PolicySet {
    /// Name of the category
    pub(crate) category: String,
    /// Age from which events are warm
    #[arg(long, value_name = "AGE", value_parser = values::days)]
    pub(crate) hot: Option<u32>,
    /// Age from which they are cold
    #[arg(long, value_name = "AGE", value_parser = values::days)]
    pub(crate) warm: Option<u32>,
    /// Age at which they are deleted, or never
    #[arg(long, value_name = "AGE", value_parser = values::days_or_never)]
    pub(crate) delete: Option<AgeOrNever>,
    /// Age below which nothing deletes them
    #[arg(long, value_name = "AGE", value_parser = values::days)]
    pub(crate) keep_at_least: Option<u32>,
    /// Age at which they go whatever a hook says, or never
    #[arg(long, value_name = "AGE", value_parser = values::days_or_never)]
    pub(crate) destroy_after: Option<AgeOrNever>,
    /// When space is short the lowest goes first
    #[arg(long, value_name = "0-9", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) priority: Option<u8>,
    /// Lock it: from then on the floor can only be raised
    #[arg(long)]
    pub(crate) lock: bool,
    /// Take a category that no event has yet
    #[arg(long)]
    pub(crate) new_category: bool,
    #[command(flatten)]
    pub(crate) by: Reasoned,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Every day of a category that has an event which meets all criteria given is kept whole, whatever policies, budgets
and hands say, until the hold is released. Lists are met by any of their values.

Examples:
  blotter hold desk.blotter add --case 2026-17 --reason 'letter of 3 May' --order-id A-1 --order-id A-2
  blotter hold desk.blotter add --case 2026-18 --reason 'inquiry' --symbol AMZN --from 2026-05-01T00:00:00Z
  blotter hold desk.blotter list
  blotter hold desk.blotter release 12 --reason 'closed by counsel'")]
pub(crate) struct Hold {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    #[command(subcommand)]
    pub(crate) action: HoldAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldAction {
    /// Keep events whatever happens
    Add(Box<HoldAdd>),
    /// Show the holds in force
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// End a hold
    Release {
        /// Its number, as `list` shows it
        id: u64,
        #[command(flatten)]
        by: Reasoned,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  blotter hold desk.blotter add --case 2026-17 --reason 'letter of 3 May' --order-id A-1 --order-id A-2
  blotter hold desk.blotter add --case 2026-19 --reason 'all of them' --order-ids-from orders.txt
  blotter hold desk.blotter add --case 2026-20 --reason 'counsel' --category order --category fill --until 2026-05-31T23:59:59Z")]
pub(crate) struct HoldAdd {
    /// Name of the case
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) case: String,
    /// Events from this time on
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) from: Option<Timestamp>,
    /// Events up to this time, it included
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) until: Option<Timestamp>,
    /// Events of this category; may be given more than once, as the rest may
    #[arg(long = "category", value_name = "NAME")]
    pub(crate) categories: Vec<String>,
    /// Events with this symbol
    #[arg(long = "symbol", value_name = "SYMBOL")]
    pub(crate) symbols: Vec<String>,
    /// Events with this order_id
    #[arg(long = "order-id", value_name = "ID", allow_hyphen_values = true)]
    pub(crate) order_ids: Vec<String>,
    /// Events with an order_id of this file, one a line; - is the standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) order_ids_from: Option<PathBuf>,
    /// Events with this correlation_id
    #[arg(long = "correlation-id", value_name = "ID", allow_hyphen_values = true)]
    pub(crate) correlation_ids: Vec<String>,
    /// Events of this strategy
    #[arg(long = "strategy", value_name = "NAME")]
    pub(crate) strategies: Vec<String>,
    /// All events there are and will be
    #[arg(long)]
    pub(crate) all: bool,
    /// Take categories that no event has yet
    #[arg(long)]
    pub(crate) new_category: bool,
    #[command(flatten)]
    pub(crate) by: Reasoned,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Merges and compresses what has reached its age, deletes what is due, by the policies. It can be stopped at any
point; the next run goes on. Beside a live engine, the engine does it; one that starts meanwhile gets the database,
and goes on with it. Exit status 1 if it is incomplete, or if deletions are so large a share that they wait for --force.

Examples:
  blotter maintain desk.blotter --dry-run
  blotter maintain desk.blotter
  blotter maintain desk.blotter --dry-run --at 2027-01-01T00:00:00Z     what will be due by then
  0 2 * * *  blotter maintain /var/lib/desk.blotter       in a crontab")]
pub(crate) struct Maintain {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Do what is due at this time, as 2026-01-02T14:30:00Z; now if not given
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) at: Option<Timestamp>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Confirm deletions of a large share
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) force: bool,
    /// How long replaced files stay for readers that are about to open them; 60s if not given, 0s if nobody reads
    #[arg(long, value_name = "DURATION", value_parser = values::duration_or_zero)]
    pub(crate) grace: Option<Duration>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) by: Signed,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Deletes all events of a category and a UTC day for good, unless they are below the floor of their policy or held.
What stays is a tombstone: how many there were, of when, and a root over their content.

Examples:
  blotter delete desk.blotter market_data 2026-01-02 --reason 'a feed gone wild'")]
pub(crate) struct Delete {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Name of the category
    pub(crate) category: String,
    /// The day, as 2026-01-02
    #[arg(value_parser = values::day)]
    pub(crate) day: Day,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) by: Reasoned,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Policies, holds, deletions and jobs, each with its number, time, actor and reason; the newest last.

Examples:
  blotter history desk.blotter
  blotter history desk.blotter -n 0 --format json      all of it")]
pub(crate) struct History {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// How many of the latest entries to show; 0 for all
    #[arg(short = 'n', long = "lines", default_value_t = 50)]
    pub(crate) count: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Takes one moment of the database, whatever is recording into it, and needs nobody's help for it. DEST keeps the
backups of one database and nothing else; what is there from an earlier one is not copied again. What the database
has deleted is deleted there too.

Examples:
  blotter backup desk.blotter /mnt/backup/desk --keep 14
  blotter backup desk.blotter /mnt/backup/desk --list
  blotter backup desk.blotter /mnt/backup/desk --verify")]
pub(crate) struct Backup {
    /// Database directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Directory of its backups
    #[arg(value_name = "DEST", value_hint = ValueHint::DirPath)]
    pub(crate) destination: PathBuf,
    /// Give files a second name instead of copying them; on one volume only, and gone with its disk
    #[arg(long, conflicts_with_all = ["list", "verify"])]
    pub(crate) hard_links: bool,
    /// How many of the newest to keep; all if not given
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "verify"], value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
    /// Only show which there are
    #[arg(long, conflicts_with = "verify")]
    pub(crate) list: bool,
    /// Only check every byte of those there are
    #[arg(long)]
    pub(crate) verify: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Makes a database of a backup in a new or empty directory; every byte is checked on the way.

Examples:
  blotter restore /mnt/backup/desk desk.blotter
  blotter restore /mnt/backup/desk before.blotter --until 2026-01-02T14:30:00Z
  blotter restore /mnt/backup/desk tuesday.blotter --point 12")]
pub(crate) struct Restore {
    /// Directory of the backups
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) source: PathBuf,
    /// Directory of the database to make
    #[arg(value_name = "DEST", value_hint = ValueHint::DirPath)]
    pub(crate) destination: PathBuf,
    /// Leave out events after this time
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub(crate) until: Option<Timestamp>,
    /// Which backup, by its number; the newest if not given
    #[arg(long, value_name = "N")]
    pub(crate) point: Option<u64>,
    /// Give files a second name instead of copying them; on one volume only
    #[arg(long)]
    pub(crate) hard_links: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
