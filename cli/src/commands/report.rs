//! `blotter report`: what a day or a longer time amounts to.

use std::io::{self, Write};

use blotter::desk::Period;
use blotter::desk::report::{self, Section};
use blotter::event::Timestamp;
use blotter::{Queryable, Reader, Snapshot};

use super::report_unread;
use crate::args::{Report, ReportFormat};
use crate::outcome::{Failure, Outcome, say};
use crate::render::report as render;
use crate::render::style::Style;

/// Runs the command.
pub(crate) fn run(arguments: &Report) -> Result<Outcome, Failure> {
    let period = arguments.during.period_or_today(arguments.zone)?;
    let snapshot = Reader::open(&arguments.directory)?.snapshot()?;
    let mut report = report::report(&snapshot, arguments.kind, &period, &arguments.to_options())?;
    if let Some(name) = &arguments.section {
        keep(&mut report.sections, name)?;
    }
    let style = match arguments.output {
        Some(_) => Style::PLAIN,
        None => Style::of_stdout(arguments.color, "--format json"),
    };
    let written = match arguments.format {
        ReportFormat::Text => render::text(&report, style),
        ReportFormat::Json => report.to_json() + "\n",
        ReportFormat::Csv => render::csv(&report, arguments.section.is_some()),
        ReportFormat::Html => report::html::page(&report),
    };
    match &arguments.output {
        Some(path) => {
            std::fs::write(path, written).map_err(|source| Failure::io("write", path, source))?;
        }
        None => {
            let mut out = io::stdout().lock();
            out.write_all(written.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)?;
        }
    }
    // Whoever reads the text has read the notes; of the other formats, and of a file, they are seen by programs only.
    if arguments.format != ReportFormat::Text || arguments.output.is_some() {
        report
            .notes
            .iter()
            .for_each(|note| say(format_args!("note: {}", crate::render::escape::escaped(note))));
    }
    let is_damaged = report_unread(&report.unreadable);
    if report.events == 0 {
        say_nothing(&snapshot, &period)?;
    }
    Ok(Outcome::no_if(is_damaged || report.events == 0))
}

/// Keeps the section of a name.
fn keep(sections: &mut Vec<Section>, name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = sections.iter().map(Section::name).collect();
    if !names.contains(&name) {
        let message = format!("there is no section '{name}' in this report; it has {}", names.join(", "));
        return Err(Failure::Usage(message));
    }
    sections.retain(|section| section.name() == name);
    Ok(())
}

/// Says that there is nothing, and where there is something.
fn say_nothing(snapshot: &Snapshot, period: &Period) -> Result<(), Failure> {
    let mut rows = snapshot.query("| stats min(ts) as first, max(ts) as last")?;
    let row = rows.next().transpose()?;
    let moment = |name: &str| row.as_ref().and_then(|row| row.get(name).as_timestamp());
    say(format_args!("nothing is recorded of {period}"));
    if let (Some(first), Some(last)) = (moment("first"), moment("last")) {
        let day = |ts: Timestamp| ts.to_datetime().with_timezone(&period.zone).date_naive();
        let (first, last) = (day(first), day(last));
        say(format_args!("hint: what is recorded is of {first} to {last}; write --date {last}"));
    }
    Ok(())
}
