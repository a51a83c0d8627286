//! `blotter maintain` and `blotter delete`: what is due, and what is not.

use blotter::control::{Request, Response};
use blotter::ledger::{JobOutcome, JobRecord};
use blotter::maintain::plan::{Plan, Step};
use blotter::maintain::{MaintenanceReport, foresee};
use blotter::{Reader, Timestamp};

use super::Output;
use super::policy::Categories;
use crate::administer::{administer, unexpected};
use crate::args::Format;
use crate::args::administer::{Delete, Maintain};
use crate::outcome::{Failure, Outcome, say};
use crate::render::amount::{bytes, counted, duration, per_event, ratio};
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::json::Object;
use crate::render::ledger::{job_json, tier_changes, tombstone, tombstone_json};

/// Has a maintenance run made, and shows what it did. Status 1 if it is not done with.
pub(crate) fn run(arguments: &Maintain) -> Result<Outcome, Failure> {
    let directory = &arguments.directory;
    let request = Request::Maintain {
        at_ns: arguments.at.map(|at| at.nanos()),
        force: arguments.force,
        dry_run: false,
        grace_ms: arguments.grace.map(|grace| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX)),
    };
    let by = arguments.by.by(if arguments.force {
        "maintenance, large deletions confirmed"
    } else {
        "maintenance"
    });
    if arguments.dry_run {
        return foretell(arguments);
    }
    let Response::Maintained(report) = administer(directory, &request, &by)? else {
        return Err(unexpected(directory));
    };
    let MaintenanceReport { plan, job, earlier, .. } = &*report;
    let mut output = Output::new(arguments.format);
    match arguments.format {
        Format::Json => {
            let object = Object::new().raw("dry_run", false).raw("plan", plan_json(plan));
            let earlier = earlier.iter().map(|job| job_json(Object::new(), job).end());
            output.line(job_json(object, job).list("earlier", earlier).end())?;
        }
        Format::Text => {
            for job in earlier {
                print_job(&mut output, job, &[])?;
                output.line("the database changed hands, and whoever has it now went on:")?;
            }
            print_plan(&mut output, plan, usize::MAX)?;
            print_job(&mut output, job, &plan.problems)?;
        }
    }
    output.flush()?;
    match job.outcome {
        JobOutcome::Done => return Ok(Outcome::Yes),
        JobOutcome::Interrupted => {
            say("hint: what was done stays done; run it again, and it goes on");
        }
        JobOutcome::NeedsConfirmation => {
            say("hint: if these deletions are meant, run it again with --force");
        }
        JobOutcome::Incomplete => {}
    }
    Ok(Outcome::No)
}

/// Shows what a run would do. Asks nobody, and changes nothing.
fn foretell(arguments: &Maintain) -> Result<Outcome, Failure> {
    let at = arguments.at.map(|at| Timestamp(at.nanos()));
    let plan = foresee(&arguments.directory, at, arguments.force)?.plan;
    let mut output = Output::new(arguments.format);
    match arguments.format {
        Format::Json => {
            output.line(Object::new().raw("dry_run", true).raw("plan", plan_json(&plan)).end())?;
        }
        Format::Text => print_plan(&mut output, &plan, usize::MAX)?,
    }
    output.flush()?;
    Ok(Outcome::no_if(plan.needs_confirmation || !plan.problems.is_empty()))
}

/// What is to be done, what stays, and what cannot be done; so many of each at most, and how many more there are.
pub(super) fn print_plan(output: &mut Output<'_>, plan: &Plan, most: usize) -> Result<(), Failure> {
    let mut grid = Grid::new(&[
        ("step", Align::Left),
        ("category", Align::Left),
        ("day", Align::Left),
        ("segments", Align::Right),
        ("events", Align::Right),
        ("size", Align::Right),
        ("why", Align::Left),
    ]);
    for step in plan.steps.iter().take(most) {
        let partition = step.partition();
        let (name, why) = match step {
            Step::Compact(_) => ("compact", String::new()),
            Step::Warm(_) => ("warm", String::new()),
            Step::Cool(_) => ("cool", String::new()),
            Step::Drop(drop) => ("delete", drop.why.to_string()),
        };
        grid.row([
            name.to_owned(),
            partition.category.clone(),
            partition.day.to_string(),
            step.segments().len().to_string(),
            step.rows().to_string(),
            bytes(step.bytes()),
            why,
        ]);
    }
    if grid.is_empty() {
        output.line("nothing is due")?;
    }
    let lines = if grid.is_empty() { Vec::new() } else { grid.lines() };
    for line in lines {
        output.line(line)?;
    }
    print_more(output, plan.steps.len(), most, "steps")?;
    for drop in plan.foreseen.iter().take(most) {
        output
            .line(format_args!("if the budget still asks for it: delete {}", escaped(&drop.to_string())))?;
    }
    print_more(output, plan.foreseen.len(), most, "that may be deleted")?;
    for kept in plan.kept.iter().take(most) {
        let overdue = match kept.overdue_days {
            0 => String::new(),
            days => format!(", {} overdue", counted(u64::from(days), "day")),
        };
        output.line(format_args!(
            "kept: {}: {}, {}: {}; due: {}{overdue}",
            escaped(&kept.partition.to_string()),
            counted(kept.rows, "event"),
            bytes(kept.bytes),
            escaped(&kept.why.to_string()),
            kept.due
        ))?;
    }
    print_more(output, plan.kept.len(), most, "kept")?;
    for problem in &plan.problems {
        output.line(format_args!("problem: {}", escaped(problem)))?;
    }
    Ok(())
}

fn print_more(output: &mut Output<'_>, count: usize, most: usize, what: &str) -> Result<(), Failure> {
    match count.saturating_sub(most) {
        0 => Ok(()),
        more => output
            .line(format_args!("... and {more} more {what}; `blotter maintain DIR --dry-run` shows all")),
    }
}

/// What was done, and what could not be that is not among the problems shown already.
fn print_job(output: &mut Output<'_>, job: &JobRecord, shown: &[String]) -> Result<(), Failure> {
    let mut grid = Grid::new(&[
        ("done", Align::Left),
        ("partitions", Align::Right),
        ("segments", Align::Right),
        ("events", Align::Right),
        ("before", Align::Right),
        ("after", Align::Right),
        ("ratio", Align::Right),
        ("B/event", Align::Right),
    ]);
    for (name, change) in tier_changes(job) {
        if change.partitions > 0 {
            grid.row([
                name.to_owned(),
                change.partitions.to_string(),
                format!("{} to {}", change.segments_before, change.segments_after),
                change.rows.to_string(),
                bytes(change.bytes_before),
                bytes(change.bytes_after),
                ratio(change.bytes_before, change.bytes_after),
                if change.bytes_after == 0 {
                    "-".to_owned()
                } else {
                    per_event(change.bytes_after, change.rows)
                },
            ]);
        }
    }
    if !grid.is_empty() {
        output.line("")?;
        for line in grid.lines() {
            output.line(line)?;
        }
    }
    for problem in job.problems.iter().filter(|problem| !shown.contains(problem)) {
        output.line(format_args!("problem: {}", escaped(problem)))?;
    }
    output.line(format_args!("{} in {}", job.outcome, duration(job.ended_ns.saturating_sub(job.began_ns))))
}

/// A plan as an object.
pub(super) fn plan_json(plan: &Plan) -> String {
    let steps = plan.steps.iter().map(|step| {
        let name = match step {
            Step::Compact(_) => "compact",
            Step::Warm(_) => "warm",
            Step::Cool(_) => "cool",
            Step::Drop(_) => "delete",
        };
        let object = Object::new()
            .text("step", name)
            .text("category", &step.partition().category)
            .text("day", &step.partition().day.to_string())
            .raw("segments", step.segments().len())
            .raw("events", step.rows())
            .raw("bytes", step.bytes());
        match step {
            Step::Drop(drop) => object.text("why", &drop.why.to_string()),
            _ => object,
        }
        .end()
    });
    let kept = plan.kept.iter().map(|kept| {
        Object::new()
            .text("category", &kept.partition.category)
            .text("day", &kept.partition.day.to_string())
            .raw("events", kept.rows)
            .raw("bytes", kept.bytes)
            .text("due", &kept.due.to_string())
            .text("why", &kept.why.to_string())
            .end()
    });
    Object::new()
        .list("steps", steps)
        .texts(
            "foreseen",
            plan.foreseen.iter().map(|drop| drop.to_string()).collect::<Vec<_>>().iter().map(String::as_str),
        )
        .list("kept", kept)
        .texts("problems", plan.problems.iter().map(String::as_str))
        .raw("needs_confirmation", plan.needs_confirmation)
        .end()
}

/// Has a day of a category deleted, and shows what is left of it.
pub(crate) fn run_delete(arguments: &Delete) -> Result<Outcome, Failure> {
    let directory = &arguments.directory;
    let reader = Reader::open(directory)?;
    Categories::of(&reader.snapshot()?, &reader.ledger()?).check_known(&arguments.category)?;
    drop(reader);
    let request = Request::DropPartition { category: arguments.category.clone(), day: arguments.day };
    let Response::Dropped(dropped) = administer(directory, &request, &arguments.by.by())? else {
        return Err(unexpected(directory));
    };
    let mut output = Output::new(arguments.format);
    match arguments.format {
        Format::Text => output.line(format_args!("deleted {}", escaped(&tombstone(&dropped))))?,
        Format::Json => output.line(tombstone_json(Object::new(), &dropped).end())?,
    }
    output.flush()?;
    Ok(Outcome::Yes)
}
