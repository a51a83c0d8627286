//! `blotter get`: every event that carries an id, in order.

use blotter::Reader;

use super::{Output, report_unreadable};
use crate::args::Get;
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::style::Style;

/// Runs the command.
pub(crate) fn run(arguments: &Get) -> Result<Outcome, Failure> {
    let snapshot = Reader::open(&arguments.directory)?.snapshot()?;
    let mut scan = snapshot.lookup(&arguments.id);
    let style = Style::of_stdout(arguments.color, "");
    let mut output = Output::new(arguments.format).with_style(style);
    let mut found = 0u64;
    for event in scan.by_ref() {
        output.event(&event)?;
        found += 1;
    }
    output.flush()?;
    let is_damaged = report_unreadable(scan.unreadable());
    if found == 0 {
        let indexed: Vec<&str> = snapshot.indexed().iter().map(|field| field.name()).collect();
        say(format_args!("nothing carries '{}' in {}", escaped(&arguments.id), indexed.join(", ")));
    }
    Ok(Outcome::no_if(found == 0 || is_damaged))
}
