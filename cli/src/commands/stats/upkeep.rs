//! What is kept where, what was done about it last, and what a run would do now.

use std::collections::BTreeMap;
use std::path::Path;

use blotter::event::Day;
use blotter::ledger::{JobKind, JobRecord, Ledger};
use blotter::maintain::plan::Plan;
use blotter::maintain::{Foresight, foresee};
use blotter::segment::{SegmentMeta, Tier};
use blotter::vfs::Space;
use blotter::{Reader, Result, Snapshot};

use super::Disk;
use crate::commands::{Output, hold, maintain};
use crate::outcome::Failure;
use crate::render::amount::{budget, bytes, per_event, ratio, second};
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::json::Object;
use crate::render::ledger::{budget_json, hold_query_json, job, job_json, tier_changes};

/// Steps of a run that are shown; the rest is counted.
const STEPS_SHOWN_MAX: usize = 20;

/// See the module.
pub(super) struct Upkeep {
    ledger: Ledger,
    space: Space,
    database_bytes: u64,
    cold_is_there: bool,
    plan: Plan,
}

impl Upkeep {
    /// Of a database. Reads the ledger, and the segments that holds may be on; writes nothing.
    pub(super) fn of(directory: &Path, reader: &Reader, disk: &Disk) -> Result<Upkeep> {
        let Foresight { plan, usage, cold_is_there } = foresee(directory, None, false)?;
        let (space, database_bytes) = (usage.volume, disk.total());
        Ok(Upkeep { ledger: reader.ledger()?, space, database_bytes, cold_is_there, plan })
    }

    fn last_job(&self) -> Option<&JobRecord> {
        self.ledger.jobs().rev().map(|(job, _)| job).find(|job| job.kind == JobKind::Maintain)
    }

    fn used_percent(&self) -> f64 {
        let used = self.space.total_bytes.saturating_sub(self.space.available_bytes);
        100.0 * used as f64 / self.space.total_bytes.max(1) as f64
    }

    pub(super) fn print(&self, output: &mut Output<'_>) -> std::result::Result<(), Failure> {
        let saved = saved(&self.ledger);
        if !saved.is_empty() {
            let text: Vec<String> = saved
                .iter()
                .map(|(name, before, after)| format!("{name} {}", ratio(*before, *after)))
                .collect();
            output.line(format_args!("smaller by tier changes so far: {}", text.join(", ")))?;
        }
        output.line(format_args!(
            "volume: {:.1}% used, {} free of {}; budget: {}; database: {}",
            self.used_percent(),
            bytes(self.space.available_bytes),
            bytes(self.space.total_bytes),
            budget(self.ledger.budget()),
            bytes(self.database_bytes)
        ))?;
        if let Some(cold) = self.ledger.cold_directory() {
            let state = if self.cold_is_there { "there" } else { "not there: is its volume mounted?" };
            output.line(format_args!("cold directory: {}, {state}", escaped(cold)))?;
        }
        output.line("")?;
        let holds = hold::grid(&self.ledger);
        if holds.is_empty() {
            output.line("holds: none")?;
        } else {
            holds.lines().iter().try_for_each(|line| output.line(line))?;
        }
        match self.last_job() {
            None => output.line("last maintenance: never")?,
            Some(last) => {
                let began = second(last.began_ns);
                output.line(format_args!("last maintenance: {began}, {}", escaped(&job(last))))?;
                for problem in &last.problems {
                    output.line(format_args!("  problem: {}", escaped(problem)))?;
                }
            }
        }
        output.line("")?;
        output.line("a run now would do:")?;
        maintain::print_plan(output, &self.plan, STEPS_SHOWN_MAX)
    }

    /// Members of a JSON object, with a comma before the first.
    pub(super) fn members(&self) -> String {
        let holds = self.ledger.holds().map(|(id, hold, entry)| {
            let object = Object::new().raw("hold", id).text("case", &hold.case);
            let object = object.text("time", &blotter::Timestamp(entry.at_ns).to_string());
            hold_query_json(object, &hold.query).end()
        });
        let saved = saved(&self.ledger).into_iter().fold(Object::new(), |object, (name, before, after)| {
            object.raw(name, Object::new().raw("bytes_before", before).raw("bytes_after", after).end())
        });
        let last_job = self.last_job().map(|last| job_json(Object::new(), last).end());
        let object = Object::new()
            .raw("tier_changes", saved.end())
            .raw("volume_bytes", self.space.total_bytes)
            .raw("volume_available_bytes", self.space.available_bytes);
        let object = budget_json(object, self.ledger.budget())
            .text_or_null("cold_directory", self.ledger.cold_directory())
            .raw("cold_directory_is_there", self.cold_is_there)
            .list("holds", holds)
            .number_or_null("last_maintenance", last_job)
            .raw("next_run", maintain::plan_json(&self.plan));
        format!(",{}", object.members())
    }
}

/// What tier changes have made of how many bytes, by all jobs: those that made warm and cold segments.
fn saved(ledger: &Ledger) -> Vec<(&'static str, u64, u64)> {
    let mut sums: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for (name, change) in ledger.jobs().flat_map(|(job, _)| tier_changes(job)) {
        if change.bytes_after > 0 {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + change.bytes_before, sum.1 + change.bytes_after);
        }
    }
    sums.into_iter().map(|(name, (before, after))| (name, before, after)).collect()
}

/// Segments that are counted together.
#[derive(Default)]
struct Sum {
    segments: u64,
    rows: u64,
    bytes: u64,
}

fn sums<K: Ord>(snapshot: &Snapshot, key: impl Fn(&SegmentMeta) -> K) -> BTreeMap<K, Sum> {
    let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
    for segment in snapshot.segments() {
        let sum = sums.entry(key(segment)).or_default();
        sum.segments += 1;
        sum.rows += segment.rows;
        sum.bytes += segment.file_bytes;
    }
    sums
}

/// How many bytes fewer an event takes than one of the hot tier; a dash without both.
fn to_hot(sum: &Sum, hot: Option<&Sum>) -> String {
    let per_event = |sum: &Sum| sum.bytes as f64 / sum.rows as f64;
    match hot {
        Some(hot) if hot.rows > 0 && sum.rows > 0 && sum.bytes > 0 => {
            format!("{:.2}x", per_event(hot) / per_event(sum))
        }
        _ => "-".to_owned(),
    }
}

fn by_tier(segment: &SegmentMeta) -> (Tier, String) {
    (segment.tier, segment.category.clone())
}

fn by_day(segment: &SegmentMeta) -> (Day, String, Tier) {
    (segment.day, segment.category.clone(), segment.tier)
}

/// A table of tiers and their categories.
pub(super) fn print_tiers(output: &mut Output<'_>, snapshot: &Snapshot) -> std::result::Result<(), Failure> {
    let mut grid = Grid::new(&[
        ("tier", Align::Left),
        ("category", Align::Left),
        ("segments", Align::Right),
        ("events", Align::Right),
        ("size", Align::Right),
        ("B/event", Align::Right),
        ("vs hot", Align::Right),
    ]);
    let (all, whole) = (sums(snapshot, by_tier), sums(snapshot, |segment| segment.tier));
    for (tier, total) in &whole {
        let mut row = |category: &str, sum: &Sum, hot: Option<&Sum>| {
            grid.row([
                tier.to_string(),
                category.to_owned(),
                sum.segments.to_string(),
                sum.rows.to_string(),
                bytes(sum.bytes),
                per_event(sum.bytes, sum.rows),
                to_hot(sum, hot),
            ]);
        };
        for ((_, category), sum) in all.iter().filter(|((of, _), _)| of == tier) {
            row(category, sum, all.get(&(Tier::Hot, category.clone())));
        }
        // Of other categories than the hot ones, all of a tier compare to nothing.
        row("all", total, None);
    }
    output.line("")?;
    grid.lines().iter().try_for_each(|line| output.line(line))
}

/// A table of days, their categories and tiers.
pub(super) fn print_days(output: &mut Output<'_>, snapshot: &Snapshot) -> std::result::Result<(), Failure> {
    let mut grid = Grid::new(&[
        ("day", Align::Left),
        ("category", Align::Left),
        ("tier", Align::Left),
        ("segments", Align::Right),
        ("events", Align::Right),
        ("size", Align::Right),
        ("B/event", Align::Right),
    ]);
    for ((day, category, tier), sum) in sums(snapshot, by_day) {
        grid.row([
            day.to_string(),
            category,
            tier.to_string(),
            sum.segments.to_string(),
            sum.rows.to_string(),
            bytes(sum.bytes),
            per_event(sum.bytes, sum.rows),
        ]);
    }
    output.line("")?;
    grid.lines().iter().try_for_each(|line| output.line(line))
}

/// The same tables as members of a JSON object.
pub(super) fn tiers_members(snapshot: &Snapshot, with_days: bool) -> String {
    let counted = |object: Object, sum: &Sum| {
        object.raw("segments", sum.segments).raw("events", sum.rows).raw("bytes", sum.bytes).end()
    };
    let tiers = sums(snapshot, by_tier).into_iter().map(|((tier, category), sum)| {
        counted(Object::new().text("tier", &tier.to_string()).text("category", &category), &sum)
    });
    let object = Object::new().list("tiers_by_category", tiers);
    if !with_days {
        return object.members();
    }
    let days = sums(snapshot, by_day).into_iter().map(|((day, category, tier), sum)| {
        let object = Object::new().text("day", &day.to_string()).text("category", &category);
        counted(object.text("tier", &tier.to_string()), &sum)
    });
    object.list("days", days).members()
}
