//! `blotter policy DIR apply FILE`: all of it or nothing, as far as can be told before.

use std::path::Path;

use blotter::Reader;
use blotter::control::By;
use blotter::ledger::{Budget, Ledger, Policy};

use super::file::{self, Wanted};
use super::{Categories, set_budget, set_cold_directory, set_policy};
use crate::args::Format;
use crate::commands::Output;
use crate::outcome::{Failure, Outcome, say};
use crate::render::amount;
use crate::render::escape::escaped;
use crate::render::ledger::policy_change;

/// One change that a file asks for.
enum Change {
    Policy { category: String, before: Policy, after: Policy },
    Budget { before: Budget, after: Budget },
    ColdDirectory { before: Option<String>, after: Option<String> },
}

/// Applies a file, or only says what would change.
pub(super) fn run(
    directory: &Path,
    path: &Path,
    dry_run: bool,
    new_is_meant: bool,
    by: &By,
) -> Result<Outcome, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::io("read", path, source))?;
    let reader = Reader::open(directory)?;
    let ledger = reader.ledger()?;
    let categories = Categories::of(&reader.snapshot()?, &ledger);
    let checked = file::parse(&text, &categories, new_is_meant).and_then(|wanted| changes(&ledger, wanted));
    let changes = match checked {
        Ok(changes) => changes,
        Err(mistakes) => {
            let path = path.display().to_string();
            for mistake in mistakes {
                say(format_args!("error: {}:{}: {}", escaped(&path), mistake.line, escaped(&mistake.reason)));
            }
            say("nothing was changed");
            return Ok(Outcome::Wrong);
        }
    };
    let mut output = Output::new(Format::Text);
    for change in &changes {
        // Shown before it is made, so that after a failure it is known which were.
        output.line(escaped(&change.to_string()))?;
        output.flush()?;
        if !dry_run {
            change.make(directory, by)?;
        }
    }
    let count = changes.len();
    output.line(match (count, dry_run) {
        (0, _) => "nothing to change".to_owned(),
        (count, true) => format!("{count} would change"),
        (count, false) => format!("{count} changed"),
    })?;
    output.flush()?;
    Ok(Outcome::Yes)
}

/// What differs from what there is; what cannot be.
fn changes(ledger: &Ledger, wanted: Wanted) -> Result<Vec<Change>, Vec<file::Mistake>> {
    let (mut changes, mut mistakes) = (Vec::new(), Vec::new());
    // The one that can fail where nothing else does, so it comes first.
    let before = ledger.cold_directory().map(str::to_owned);
    if let Some(after) = wanted.cold_directory.filter(|after| *after != before) {
        changes.push(Change::ColdDirectory { before, after });
    }
    for (category, line, parts) in wanted.policies {
        let before = ledger.policy(&category).policy;
        let after = parts.apply_to(before);
        if let Err(conflict) = before.check_change(&after) {
            mistakes.push(file::Mistake { line, reason: format!("[{category}]: {conflict}") });
        }
        if before != after {
            changes.push(Change::Policy { category, before, after });
        }
    }
    if let Some(after) = wanted.budget.filter(|after| *after != ledger.budget()) {
        changes.push(Change::Budget { before: ledger.budget(), after });
    }
    if mistakes.is_empty() { Ok(changes) } else { Err(mistakes) }
}

impl Change {
    fn make(&self, directory: &Path, by: &By) -> Result<(), Failure> {
        match self {
            Change::Policy { category, after, .. } => {
                set_policy(directory, category, *after, by).map(|_version| ())
            }
            Change::Budget { after, .. } => set_budget(directory, *after, by),
            Change::ColdDirectory { after, .. } => set_cold_directory(directory, after.clone(), by),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::Policy { category, before, after } => {
                write!(f, "{category}: {}", policy_change(before, after))
            }
            Change::Budget { before, after } => {
                write!(f, "budget: {} to {}", amount::budget(*before), amount::budget(*after))
            }
            Change::ColdDirectory { before, after } => {
                let name = |path: &Option<String>| path.clone().unwrap_or_else(|| "none".to_owned());
                write!(f, "cold_directory: {} to {}", name(before), name(after))
            }
        }
    }
}
