//! `blotter detect`: what looks wrong in what was recorded.

use std::io::{self, Write};
use std::path::Path;

use blotter::desk::detect::{Config, Finding, Mistake, OwnDetector, Settings, Subject, detect};
use blotter::{QueryOptions, Reader};

use super::report_unread;
use crate::args::{Detect, RowFormat};
use crate::outcome::{Failure, Outcome, say};
use crate::render::Printer;
use crate::render::escape::escaped;
use crate::render::style::Style;

/// Runs the command.
pub(crate) fn run(arguments: &Detect) -> Result<Outcome, Failure> {
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let Some(directory) = arguments.directory.as_ref().filter(|_| !arguments.defaults) else {
        out.write_all(Settings::default().to_toml().as_bytes()).map_err(Failure::output)?;
        out.flush().map_err(Failure::output)?;
        return Ok(Outcome::Yes);
    };
    let mut config = match &arguments.config {
        Some(path) => read_config(path, Config::parse)?,
        None => Config::default(),
    };
    add_own(&mut config, arguments.detectors.as_deref(), &arguments.define)?;
    if !arguments.only.is_empty() {
        config.only(&arguments.only).map_err(Failure::Usage)?;
    }
    let reader = Reader::open(directory)?;
    let snapshot = reader.snapshot()?;
    let subject = Subject {
        period: arguments.during.period(arguments.zone)?,
        filter: arguments.filter.clone(),
        deleted: reader.ledger()?.tombstones().map(|(tombstone, _)| tombstone.day).collect(),
    };
    let options = QueryOptions {
        zone: arguments.zone,
        allow_unknown_fields: arguments.allow_unknown_fields,
        ..QueryOptions::default()
    };
    let mut detection = detect(&snapshot, &subject, &config, &options)?;
    detection.findings.retain(|finding| finding.level >= arguments.level);
    show(arguments, &detection.findings, &mut out)?;
    detection.notes.iter().for_each(|note| say(format_args!("note: {}", escaped(note))));
    let is_damaged = report_unread(&detection.unreadable);
    if detection.findings.is_empty() {
        say(format_args!("nothing found in {} events", detection.events));
    }
    Ok(Outcome::no_if(is_damaged || !detection.findings.is_empty()))
}

fn show(arguments: &Detect, findings: &[Finding], out: &mut dyn Write) -> Result<(), Failure> {
    let line = |finding: &Finding| match arguments.format {
        RowFormat::Json => finding.to_json(),
        _ => finding.to_line(arguments.zone),
    };
    if matches!(arguments.format, RowFormat::Json | RowFormat::Text) {
        for finding in findings {
            writeln!(out, "{}", line(finding)).map_err(Failure::output)?;
        }
        return out.flush().map_err(Failure::output);
    }
    let style = Style::of_stdout(arguments.color, "--format json");
    let mut rows = Finding::rows(findings, arguments.zone);
    let mut printer = Printer::new(arguments.format, &rows, style);
    for row in rows.by_ref() {
        printer.row(out, row?).map_err(Failure::output)?;
    }
    if !findings.is_empty() {
        printer.finish(out).map_err(Failure::output)?;
    }
    out.flush().map_err(Failure::output)
}

/// Reads a file of settings; all that is wrong with it is said.
pub(super) fn read_config<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, Vec<Mistake>>,
) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::io("read", path, source))?;
    parse(&text).map_err(|mistakes| {
        let path = path.display();
        let lines = mistakes.iter().map(|mistake| format!("{path}:{}: {}", mistake.line, mistake.reason));
        let lines: Vec<String> = lines.collect();
        // The last one is what the command fails with.
        let (last, before) = lines.split_last().expect("what fails has a mistake");
        before.iter().for_each(|line| say(format_args!("error: {}", escaped(line))));
        Failure::Usage(last.clone())
    })
}

/// Adds detectors of the user's own.
pub(super) fn add_own(config: &mut Config, file: Option<&Path>, define: &[String]) -> Result<(), Failure> {
    let mut own = Vec::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::io("read", path, source))?;
        let lines = OwnDetector::parse_lines(&text);
        own.extend(lines.map_err(|reason| Failure::Usage(format!("{}: {reason}", path.display())))?);
    }
    for definition in define {
        own.push(OwnDetector::parse(definition)?);
    }
    for one in own {
        if config.own.iter().any(|known| known.name == one.name) {
            return Err(Failure::Usage(format!("the detector '{}' is defined twice", one.name)));
        }
        config.own.push(one);
    }
    Ok(())
}
