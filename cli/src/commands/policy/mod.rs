//! `blotter policy`: how long what is kept.

mod apply;
mod categories;
mod file;
mod show;

use std::path::{Component, Path};

use blotter::Reader;
use blotter::control::{By, Request, Response};
use blotter::ledger::{Ledger, Policy as Kept};
use blotter::maintain::{Foresight, foresee};

pub(crate) use self::categories::Categories;
use super::Output;
use crate::administer::{administer, unexpected};
use crate::args::Format;
use crate::args::administer::{Policy, PolicyAction, PolicySet};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::{amount, ledger};

/// Runs the command.
pub(crate) fn run(arguments: &Policy) -> Result<Outcome, Failure> {
    let directory = &arguments.directory;
    match &arguments.action {
        PolicyAction::Show { format } => show::run(directory, *format),
        PolicyAction::Set(set) => run_set(directory, set),
        PolicyAction::Apply { file, dry_run, new_category, by } => {
            let by = by.by(&format!("applied from {}", file.display()));
            apply::run(directory, file, *dry_run, *new_category, &by)
        }
        PolicyAction::Budget { budget, by } => {
            let by = by.by("budget set");
            set_budget(directory, *budget, &by)?;
            let outcome = said(&format!("the budget is {}", amount::budget(*budget)))?;
            say_if_exceeded(directory);
            Ok(outcome)
        }
        PolicyAction::ColdDirectory { path, by } => {
            let path = cold_directory(path).map_err(Failure::Usage)?;
            set_cold_directory(directory, path.clone(), &by.by("cold directory set"))?;
            said(&match path {
                Some(path) => format!("cold segments go to {path}"),
                None => "cold segments go to the database's own directory".to_owned(),
            })
        }
    }
}

fn run_set(directory: &Path, set: &PolicySet) -> Result<Outcome, Failure> {
    let reader = Reader::open(directory)?;
    let ledger = reader.ledger()?;
    Categories::of(&reader.snapshot()?, &ledger).check(&set.category, set.new_category)?;
    let before = ledger.policy(&set.category).policy;
    let after = changed(before, set).ok_or_else(|| {
        Failure::Usage("nothing to change; give --hot, --warm, --delete, --keep-at-least, --destroy-after, --priority or --lock".to_owned())
    })?;
    let version = set_policy(directory, &set.category, after, &set.by.by())?;
    let difference = ledger::policy_change(&before, &after);
    let difference = if difference.is_empty() { "as before".to_owned() } else { difference };
    said(&format!("{}: {difference} (version {version})", set.category))
}

/// The policy with what was given; `None` if nothing was.
fn changed(before: Kept, set: &PolicySet) -> Option<Kept> {
    let is_given = set.hot.is_some()
        || set.warm.is_some()
        || set.delete.is_some()
        || set.keep_at_least.is_some()
        || set.destroy_after.is_some()
        || set.priority.is_some()
        || set.lock;
    is_given.then(|| Kept {
        hot_days: set.hot.unwrap_or(before.hot_days),
        warm_days: set.warm.unwrap_or(before.warm_days),
        delete_days: set.delete.map_or(before.delete_days, |age| age.0),
        keep_at_least_days: set.keep_at_least.unwrap_or(before.keep_at_least_days),
        destroy_after_days: set.destroy_after.map_or(before.destroy_after_days, |age| age.0),
        priority: set.priority.unwrap_or(before.priority),
        locked: before.locked || set.lock,
    })
}

/// `none`, or a path that means the same wherever the engine runs.
fn cold_directory(path: &Path) -> Result<Option<String>, String> {
    if path == Path::new("none") {
        return Ok(None);
    }
    let shown = path.display();
    let is_plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !is_plain {
        return Err(format!(
            "the cold directory '{shown}' is no absolute path without '..'; write /mnt/archive/desk, or none"
        ));
    }
    match path.to_str() {
        Some(path) => Ok(Some(path.to_owned())),
        None => Err(format!("the cold directory '{shown}' is not UTF-8")),
    }
}

fn set_policy(directory: &Path, category: &str, policy: Kept, by: &By) -> Result<u64, Failure> {
    let request = Request::SetPolicy { category: category.to_owned(), policy };
    match administer(directory, &request, by)? {
        Response::PolicySet { version } => Ok(version),
        _ => Err(unexpected(directory)),
    }
}

fn set_budget(directory: &Path, budget: blotter::ledger::Budget, by: &By) -> Result<(), Failure> {
    match administer(directory, &Request::SetBudget(budget), by)? {
        Response::BudgetSet => Ok(()),
        _ => Err(unexpected(directory)),
    }
}

fn set_cold_directory(directory: &Path, path: Option<String>, by: &By) -> Result<(), Failure> {
    match administer(directory, &Request::SetColdDirectory(path), by)? {
        Response::ColdDirectorySet => Ok(()),
        _ => Err(unexpected(directory)),
    }
}

/// Says so if the next run will make room, before it does.
fn say_if_exceeded(directory: &Path) {
    // The budget is set whether or not it can be told what comes of it.
    if let Ok(Foresight { plan, .. }) = foresee(directory, None, false)
        && plan.over_budget_bytes > 0
    {
        let over = amount::bytes(plan.over_budget_bytes);
        say(format_args!(
            "note: {over} over it now; `blotter maintain {} --dry-run` shows what the next run does about it",
            escaped(&directory.display().to_string())
        ));
    }
}

/// Says what was done.
fn said(text: &str) -> Result<Outcome, Failure> {
    let mut output = Output::new(Format::Text);
    output.line(crate::render::escape::escaped(text))?;
    output.flush()?;
    Ok(Outcome::Yes)
}

/// The policy of each category that has events or a policy, and of the built-in ones.
fn policies<'a>(
    ledger: &Ledger,
    categories: &'a Categories,
) -> Vec<(&'a str, blotter::ledger::PolicyVersion)> {
    categories.names().map(|name| (name, ledger.policy(name))).collect()
}
