//! `blotter query`: asks in the query language.

use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use blotter::Reader;

use super::report_unread;
use crate::answer::{Question, answer};
use crate::args::Query;
use crate::outcome::{Failure, Outcome, say, say_query_error};
use crate::render::style::Style;

/// Runs the command.
pub(crate) fn run(arguments: &Query) -> Result<Outcome, Failure> {
    let mut text = text_of(&arguments.text)?;
    if arguments.explain {
        // On a line of its own: the last one may end in a comment.
        text.push_str("\n| explain");
    }
    let snapshot = Reader::open(&arguments.directory)?.snapshot()?;
    let options = arguments.asking.to_options();
    let style = Style::of_stdout(arguments.asking.color, "--format json");
    let started = Instant::now();
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let question = Question { snapshot: &snapshot, text: &text, options: &options };
    let answer = answer(&question, arguments.asking.format, style, &mut out)?;
    let took = started.elapsed();
    if style.width.is_some() {
        answer.notes.iter().for_each(|note| say(format_args!("note: {note}")));
    }
    let is_damaged = report_unread(&answer.unreadable);
    if let Some(error) = answer.error {
        return Ok(say_query_error(&error, arguments.asking.color));
    }
    if arguments.asking.timer {
        say(format_args!("{} rows in {:.3} ms", answer.rows, took.as_secs_f64() * 1e3));
    }
    Ok(Outcome::no_if(is_damaged))
}

/// The query itself, or what the standard input or a file holds.
fn text_of(argument: &str) -> Result<String, Failure> {
    let mut text = String::new();
    match argument.strip_prefix('@') {
        Some(path) => {
            let path = Path::new(path);
            text = std::fs::read_to_string(path).map_err(|source| Failure::io("read", path, source))?;
        }
        None if argument == "-" => {
            let source = Path::new("the standard input");
            io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|error| Failure::io("read", source, error))?;
        }
        None => text.push_str(argument),
    }
    Ok(text)
}
