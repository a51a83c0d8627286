//! `blotter backup` and `blotter restore`.

use std::io::{self, IsTerminal};
use std::time::Duration;

use blotter::backup::{
    self, BackupOptions, BackupProgress, BackupReport, OnProgress, Point, PointNumber, RestoreOptions,
    RestoreReport,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use crate::args::Format;
use crate::args::administer::{Backup, Restore};
use crate::outcome::{Failure, Outcome};
use crate::render::amount::{bytes, duration, second};
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::json::Object;

/// Takes a backup, or shows or checks those there are. Status 1 if any is damaged.
pub(crate) fn run(arguments: &Backup) -> Result<Outcome, Failure> {
    let mut output = Output::new(arguments.format);
    let is_damaged = match (arguments.list, arguments.verify) {
        (true, _) => list(arguments, &mut output)?,
        (_, true) => verify(arguments, &mut output)?,
        _ => {
            take(arguments, &mut output)?;
            false
        }
    };
    output.flush()?;
    Ok(Outcome::no_if(is_damaged))
}

fn take(arguments: &Backup, output: &mut Output<'_>) -> Result<(), Failure> {
    let (bar, progress) = progress();
    let options = BackupOptions { hard_links: arguments.hard_links, keep: arguments.keep, progress };
    let taken = backup::backup(&arguments.directory, &arguments.destination, &options);
    bar.finish_and_clear();
    let report = taken?;
    match arguments.format {
        Format::Json => output.line(taken_json(&report)),
        Format::Text => print_taken(output, &report),
    }
}

fn print_taken(output: &mut Output<'_>, report: &BackupReport) -> Result<(), Failure> {
    let BackupReport { point, .. } = report;
    output.line(format_args!(
        "backup {}: {} events in {} segments, {}; copied {}, linked {} and found {} segments there, in {}",
        point.number,
        point.events,
        point.segments,
        bytes(point.bytes),
        bytes(report.copied_bytes),
        report.linked_segments,
        report.reused_segments,
        duration(report.took_ns),
    ))?;
    if report.deleted_segments > 0 {
        output.line(format_args!(
            "deleted from earlier backups, as from the database: {} events in {} segments",
            report.deleted_events, report.deleted_segments
        ))?;
    }
    if !report.removed_points.is_empty() {
        let removed: Vec<String> = report.removed_points.iter().map(PointNumber::to_string).collect();
        output.line(format_args!(
            "removed backups {}: {}",
            removed.join(", "),
            bytes(report.removed_bytes)
        ))?;
    }
    print_notes(output, &report.notes)
}

fn print_notes(output: &mut Output<'_>, notes: &[String]) -> Result<(), Failure> {
    notes.iter().try_for_each(|note| output.line(format_args!("note: {}", escaped(note))))
}

fn taken_json(report: &BackupReport) -> String {
    point_json(Object::new(), &report.point)
        .text("database", &report.database.to_string())
        .raw("took_ns", report.took_ns)
        .raw("copied_bytes", report.copied_bytes)
        .raw("copied_segments", report.copied_segments)
        .raw("linked_segments", report.linked_segments)
        .raw("reused_segments", report.reused_segments)
        .raw("deleted_from_earlier_segments", report.deleted_segments)
        .raw("deleted_from_earlier_events", report.deleted_events)
        .list("removed_backups", report.removed_points.iter().map(PointNumber::to_string))
        .raw("removed_bytes", report.removed_bytes)
        .texts("notes", report.notes.iter().map(String::as_str))
        .end()
}

fn point_json(object: Object, point: &Point) -> Object {
    object
        .raw("backup", point.number)
        .text("time", &point.taken_at.to_string())
        .raw("next_seq", point.next_seq)
        .raw("segments", point.segments)
        .raw("events", point.events)
        .raw("bytes", point.bytes)
        .raw("deleted_events", point.deleted_events)
        .raw("left_in_rings", point.left_in_rings)
}

/// Shows the backups; whether any is unreadable.
fn list(arguments: &Backup, output: &mut Output<'_>) -> Result<bool, Failure> {
    let found = backup::Backup::list(&arguments.destination)?;
    match arguments.format {
        Format::Json => {
            for point in &found.points {
                output.line(point_json(Object::new(), point).end())?;
            }
            for (number, path, reason) in &found.unreadable {
                let object = Object::new().raw("backup", number).text("path", &path.display().to_string());
                output.line(object.text("damage", reason).end())?;
            }
        }
        Format::Text => {
            let mut grid = Grid::new(&[
                ("backup", Align::Right),
                ("taken", Align::Left),
                ("segments", Align::Right),
                ("events", Align::Right),
                ("size", Align::Right),
                ("deleted since", Align::Right),
            ]);
            for point in &found.points {
                grid.row([
                    point.number.to_string(),
                    second(point.taken_at.nanos()),
                    point.segments.to_string(),
                    point.events.to_string(),
                    bytes(point.bytes),
                    point.deleted_events.to_string(),
                ]);
            }
            for line in grid.lines() {
                output.line(line)?;
            }
            for (number, path, reason) in &found.unreadable {
                let path = path.display().to_string();
                output.line(format_args!(
                    "damage: backup {number}: {}: {}",
                    escaped(&path),
                    escaped(reason)
                ))?;
            }
            for number in &found.unfinished {
                output
                    .line(format_args!("note: backup {number} was not completed; the next one removes it"))?;
            }
        }
    }
    Ok(!found.unreadable.is_empty())
}

/// Checks the backups; whether any is damaged.
fn verify(arguments: &Backup, output: &mut Output<'_>) -> Result<bool, Failure> {
    let report = backup::verify_backup(&arguments.destination)?;
    match arguments.format {
        Format::Json => {
            let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            output.line(
                Object::new()
                    .raw("is_clean", report.is_clean())
                    .texts("findings", findings.iter().map(String::as_str))
                    .raw("backups", report.points)
                    .raw("segments", report.segments)
                    .raw("bytes", report.bytes)
                    .end(),
            )?;
        }
        Format::Text => {
            for finding in &report.findings {
                output.line(escaped(&finding.to_string()))?;
            }
            output.line(format_args!(
                "{}: {} backups, {} segments, {} bytes",
                if report.is_clean() { "clean" } else { "damaged" },
                report.points,
                report.segments,
                report.bytes
            ))?;
        }
    }
    Ok(!report.is_clean())
}

/// Makes a database of a backup.
pub(crate) fn run_restore(arguments: &Restore) -> Result<Outcome, Failure> {
    let (bar, progress) = progress();
    let options = RestoreOptions {
        point: arguments.point.map(PointNumber),
        until: arguments.until,
        hard_links: arguments.hard_links,
        progress,
    };
    let restored = backup::restore(&arguments.source, &arguments.destination, &options);
    bar.finish_and_clear();
    let report = restored?;
    let mut output = Output::new(arguments.format);
    match arguments.format {
        Format::Json => output.line(restored_json(&report))?,
        Format::Text => {
            let left_out = match report.left_out {
                0 => String::new(),
                left_out => format!(", {left_out} later ones left out"),
            };
            output.line(format_args!(
                "restored backup {} of {}: {} events{left_out}, {} written",
                report.point.number,
                second(report.point.taken_at.nanos()),
                report.events,
                bytes(report.written_bytes)
            ))?;
            print_notes(&mut output, &report.notes)?;
        }
    }
    output.flush()?;
    Ok(Outcome::Yes)
}

fn restored_json(report: &RestoreReport) -> String {
    Object::new()
        .raw("backup", report.point.number)
        .text("taken", &report.point.taken_at.to_string())
        .text("database", &report.database.to_string())
        .raw("events", report.events)
        .raw("left_out", report.left_out)
        .raw("next_seq", report.next_seq)
        .raw("copied_segments", report.copied_segments)
        .raw("linked_segments", report.linked_segments)
        .raw("made_segments", report.made_segments)
        .raw("written_bytes", report.written_bytes)
        .texts("notes", report.notes.iter().map(String::as_str))
        .end()
}

/// A bar that follows bytes; drawn on a terminal only.
fn progress() -> (ProgressBar, OnProgress) {
    if !io::stderr().is_terminal() {
        return (ProgressBar::hidden(), OnProgress::default());
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
    let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(500));
    let followed = bar.clone();
    let follow = move |progress: BackupProgress| {
        followed.set_length(progress.bytes_total);
        followed.set_position(progress.bytes_done);
    };
    (bar, OnProgress::new(follow))
}
