//! `blotter policy DIR show`.

use std::path::Path;

use blotter::Reader;
use blotter::ledger::{Ledger, LedgerEntry};

use super::{Categories, policies};
use crate::args::Format;
use crate::commands::Output;
use crate::outcome::{Failure, Outcome};
use crate::render::amount::{age, budget, second};
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::json::Object;
use crate::render::ledger;

/// Shows the policy of every category, the budget and the cold directory. Reads the journal only, so it works beside
/// a live engine and on read-only media.
pub(super) fn run(directory: &Path, format: Format) -> Result<Outcome, Failure> {
    let reader = Reader::open(directory)?;
    let found = reader.ledger()?;
    let categories = Categories::of(&reader.snapshot()?, &found);
    let mut output = Output::new(format);
    match format {
        Format::Text => {
            for line in grid(&found, &categories).lines() {
                output.line(line)?;
            }
            output.line(format_args!("budget: {}", budget(found.budget())))?;
            let cold = found.cold_directory().unwrap_or("the database's own");
            output.line(format_args!("cold directory: {}", escaped(cold)))?;
        }
        Format::Json => {
            for (category, version) in policies(&found, &categories) {
                let object = ledger::policy_json(Object::new().text("category", category), &version.policy);
                let object = object.raw("version", version.version);
                let entry = entry(&found, version.version);
                let time = entry.map(|entry| blotter::Timestamp(entry.at_ns).to_string());
                let object = object.text_or_null("time", time.as_deref());
                let object = object.text_or_null("actor", entry.map(|entry| entry.actor.as_str()));
                output.line(object.text_or_null("reason", entry.map(|entry| entry.reason.as_str())).end())?;
            }
        }
    }
    output.flush()?;
    Ok(Outcome::Yes)
}

fn grid(found: &Ledger, categories: &Categories) -> Grid {
    let mut grid = Grid::new(&[
        ("category", Align::Left),
        ("hot", Align::Right),
        ("warm", Align::Right),
        ("delete", Align::Right),
        ("keep_at_least", Align::Right),
        ("destroy_after", Align::Right),
        ("priority", Align::Right),
        ("locked", Align::Left),
        ("version", Align::Right),
        ("set", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    for (category, version) in policies(found, categories) {
        let (policy, entry) = (version.policy, entry(found, version.version));
        grid.row([
            category.to_owned(),
            age(Some(policy.hot_days)),
            age(Some(policy.warm_days)),
            age(policy.delete_days),
            age(Some(policy.keep_at_least_days)),
            age(policy.destroy_after_days),
            policy.priority.to_string(),
            if policy.locked { "yes" } else { "no" }.to_owned(),
            version.version.to_string(),
            entry.map_or_else(|| "default".to_owned(), |entry| second(entry.at_ns)),
            entry.map(|entry| entry.actor.clone()).unwrap_or_default(),
            entry.map(|entry| entry.reason.clone()).unwrap_or_default(),
        ]);
    }
    grid
}

/// The entry that set a policy; none for the default.
fn entry(found: &Ledger, version: u64) -> Option<&LedgerEntry> {
    let at = found.entries().binary_search_by_key(&version, |entry| entry.number).ok()?;
    Some(&found.entries()[at])
}
