//! `blotter verify` and `blotter repair`: whether a database is what was recorded, and making the best of it
//! where it is not.

use std::path::Path;

use blotter::maintain::{self, Gap};

use super::Output;
use crate::args::Format;
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;

/// Reads every byte and shows what was found. Status 1 if anything is damaged.
pub(crate) fn verify(directory: &Path) -> Result<Outcome, Failure> {
    let report = maintain::verify(directory)?;
    let mut output = Output::new(Format::Text);
    for finding in &report.findings {
        output.line(escaped(&finding.to_string()))?;
    }
    if report.lost_events > 0 {
        output.line(format_args!(
            "note: {} events were lost while recording, for want of room, as {} events tell",
            report.lost_events, report.loss_records
        ))?;
    }
    let damage = report.damage().count();
    output.line(format_args!(
        "{}: {} events in {} segments and {} WAL files, {} bytes",
        if damage == 0 { "clean".to_owned() } else { format!("damaged, {damage} findings") },
        report.events,
        report.segments,
        report.wal_files,
        report.bytes
    ))?;
    output.flush()?;
    if damage > 0 {
        say(
            "hint: `blotter repair` sets aside what cannot be read and rebuilds the rest; it deletes nothing",
        );
    }
    Ok(Outcome::no_if(damage > 0))
}

/// Runs of lost events shown; one damaged page can be thousands of them.
const GAPS_SHOWN_MAX: usize = 20;

/// Repairs and shows what was done. Status 1 if the repair had to give up events.
pub(crate) fn repair(directory: &Path) -> Result<Outcome, Failure> {
    let report = maintain::repair(directory)?;
    let mut output = Output::new(Format::Text);
    for file in &report.quarantined {
        let (path, kept_as) = (file.path.display().to_string(), file.kept_as.display().to_string());
        output.line(format_args!("set aside: {}: {}", escaped(&path), escaped(&file.reason)))?;
        output.line(format_args!("  kept as {}", escaped(&kept_as)))?;
    }
    for file in &report.rewritten {
        output.line(format_args!("written anew: {file}"))?;
    }
    for note in &report.notes {
        output.line(format_args!("note: {}", escaped(note)))?;
    }
    report_gaps(&mut output, &report.gaps)?;
    if report.salvaged_events > 0 || report.unreadable_rows > 0 {
        output.line(format_args!(
            "{} events read from damaged files, {} that could not be",
            report.salvaged_events, report.unreadable_rows
        ))?;
    }
    output.line(format_args!(
        "{}: {} events in {} segments",
        if report.is_unchanged() { "nothing to repair" } else { "repaired" },
        report.events,
        report.segments
    ))?;
    output.flush()?;
    Ok(Outcome::no_if(!report.gaps.is_empty() && !report.is_unchanged()))
}

/// Shows which events are lost for good.
fn report_gaps(output: &mut Output<'_>, gaps: &[Gap]) -> Result<(), Failure> {
    for gap in gaps.iter().take(GAPS_SHOWN_MAX) {
        output.line(format_args!("lost: {}", escaped(&gap.to_string())))?;
    }
    if gaps.len() > GAPS_SHOWN_MAX {
        output.line(format_args!("... and {} more such runs", gaps.len() - GAPS_SHOWN_MAX))?;
    }
    // Each event has its place in the database and in its recorder's count; the first tells how many there were.
    let lost_events: u64 =
        gaps.iter().map(|gap| if let Gap::Seqs { first, end } = gap { end - first } else { 0 }).sum();
    if lost_events > 0 {
        output.line(format_args!("lost in all: at most {lost_events} events"))?;
    }
    Ok(())
}
