//! `blotter history`: who decided what, and what was done about it.

use std::collections::BTreeMap;

use blotter::Reader;
use blotter::ledger::{Change, Ledger, LedgerEntry, Policy};

use super::Output;
use crate::args::Format;
use crate::args::administer::History;
use crate::outcome::{Failure, Outcome};
use crate::render::amount::second;
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::ledger;

/// Runs the command.
pub(crate) fn run(arguments: &History) -> Result<Outcome, Failure> {
    let found = Reader::open(&arguments.directory)?.ledger()?;
    let count = if arguments.count == 0 { usize::MAX } else { arguments.count };
    let skipped = found.entries().len().saturating_sub(count);
    let mut output = Output::new(arguments.format);
    match arguments.format {
        Format::Json => {
            for entry in &found.entries()[skipped..] {
                output.line(ledger::entry_json(entry))?;
            }
        }
        Format::Text => {
            let grid = grid(&found, skipped);
            if grid.is_empty() {
                output.line("nothing was decided or done yet")?;
            }
            let lines = if grid.is_empty() { Vec::new() } else { grid.lines() };
            // Names and a rule come first.
            let entries = [None, None].into_iter().chain(found.entries()[skipped..].iter().map(Some));
            for (line, entry) in lines.iter().zip(entries) {
                output.line(line)?;
                if let Some(LedgerEntry { change: Change::JobDone(job), .. }) = entry {
                    for problem in &job.problems {
                        output.line(format_args!("        problem: {}", escaped(problem)))?;
                    }
                }
            }
        }
    }
    output.flush()?;
    Ok(Outcome::Yes)
}

fn grid(found: &Ledger, skipped: usize) -> Grid {
    let mut grid = Grid::new(&[
        ("number", Align::Right),
        ("time", Align::Left),
        ("actor", Align::Left),
        ("reason", Align::Left),
        ("change", Align::Left),
    ]);
    let mut policies: BTreeMap<&str, &Policy> = BTreeMap::new();
    for (index, entry) in found.entries().iter().enumerate() {
        let before = replaced(&mut policies, entry);
        if index >= skipped {
            grid.row([
                entry.number.to_string(),
                second(entry.at_ns),
                entry.actor.clone(),
                entry.reason.clone(),
                ledger::change(entry, before),
            ]);
        }
    }
    grid
}

/// The policy that an entry replaces.
fn replaced<'a>(policies: &mut BTreeMap<&'a str, &'a Policy>, entry: &'a LedgerEntry) -> Option<&'a Policy> {
    match &entry.change {
        Change::PolicySet { category, policy } => policies.insert(category, policy),
        _ => None,
    }
}
