//! From events to text: for programs, one JSON object a line; for people, one readable line.

pub(crate) mod escape;
pub(crate) mod json;
pub(crate) mod text;

use std::io::{self, Write};

use blotter::event::Event;

use crate::args::Format;

/// Writes one event as one line.
pub(crate) fn write_event(
    out: &mut impl Write,
    format: Format,
    line: &mut String,
    event: &Event,
) -> io::Result<()> {
    line.clear();
    match format {
        Format::Json => json::event(line, event),
        Format::Text => text::event(line, event),
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}
