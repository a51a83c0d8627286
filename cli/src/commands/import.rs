//! `blotter import`: records what others have written.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use blotter::Db;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Import, InputFormat};
use crate::import::bad::BadLines;
use crate::import::input::{Input, LINE_BYTES_MAX, Line};
use crate::import::lobster::Lobster;
use crate::import::sink::{DryRun, Recording, Sink};
use crate::import::{ParsedEvent, jsonl};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;

/// Runs the command.
pub(crate) fn run(arguments: &Import) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut parser = Parser::new(arguments)?;
    let mut counts = Counts::default();
    if arguments.dry_run {
        let result = read_all(arguments, &mut parser, &mut DryRun::new(), &mut counts);
        report(&counts, started, "read, none recorded");
        result?;
        return Ok(Outcome::no_if(counts.bad.count() > 0));
    }
    // A file that is not there must not leave an empty database behind.
    for path in arguments.files.iter().filter(|path| path.as_path() != Path::new("-")) {
        path.metadata().map_err(|source| Failure::io("open", path, source))?;
    }
    let database = Db::open(&arguments.directory)?;
    let mut recording = Recording::new(&database)?;
    let result = read_all(arguments, &mut parser, &mut recording, &mut counts);
    let finished = recording.finish();
    if let Ok(disabled @ 1..) = finished {
        counts.events -= disabled;
        say(format_args!(
            "{disabled} events not recorded: {} turns their level off",
            blotter::LEVEL_VARIABLE
        ));
    }
    report(&counts, started, "recorded");
    result.and(finished)?;
    database.close()?;
    Ok(Outcome::no_if(counts.bad.count() > 0))
}

/// What was read.
#[derive(Default)]
struct Counts {
    events: u64,
    blank: u64,
    bad: BadLines,
}

/// How lines become events.
enum Parser {
    Jsonl,
    Lobster(Lobster),
}

impl Parser {
    fn new(arguments: &Import) -> Result<Parser, Failure> {
        match (arguments.format, &arguments.symbol, arguments.date) {
            (InputFormat::Jsonl, None, None) => Ok(Parser::Jsonl),
            (InputFormat::Jsonl, ..) => Err(Failure::Usage(
                "--symbol and --date are for --format lobster; JSON lines have their own".to_owned(),
            )),
            (InputFormat::Lobster, Some(symbol), Some(date)) => {
                Ok(Parser::Lobster(Lobster::new(symbol, date)))
            }
            (InputFormat::Lobster, ..) => {
                Err(Failure::Usage("--format lobster needs --symbol and --date".to_owned()))
            }
        }
    }

    fn parse<'a>(&mut self, line: &'a str) -> Result<ParsedEvent<'a>, String> {
        match self {
            Parser::Jsonl => jsonl::parse(line),
            Parser::Lobster(lobster) => lobster.parse(line),
        }
    }
}

fn read_all(
    arguments: &Import,
    parser: &mut Parser,
    sink: &mut impl Sink,
    counts: &mut Counts,
) -> Result<(), Failure> {
    for path in &arguments.files {
        let mut input = Input::open(path).map_err(|source| Failure::io("open", path, source))?;
        let progress = progress_of(&input);
        let result = read(&mut input, parser, sink, counts, &progress);
        progress.finish_and_clear();
        result.map_err(|failure| failure.on(path))?;
    }
    Ok(())
}

/// Why reading stopped: the input's fault, or not.
enum Stopped {
    Input(io::Error),
    Other(Failure),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        Stopped::Input(error)
    }
}

impl Stopped {
    fn on(self, path: &Path) -> Failure {
        match self {
            Stopped::Input(source) => Failure::io("read", path, source),
            Stopped::Other(failure) => failure,
        }
    }
}

fn read(
    input: &mut Input,
    parser: &mut Parser,
    sink: &mut impl Sink,
    counts: &mut Counts,
    progress: &ProgressBar,
) -> Result<(), Stopped> {
    let name = input.name.clone();
    let read_bytes = input.read_bytes.clone();
    input.for_each_line(
        |number, line| {
            let text = match line {
                Line::Whole(line) => text_of(line, number),
                Line::TooLong(length) => {
                    Err(format!("the line has {length} bytes, the limit is {LINE_BYTES_MAX}"))
                }
            };
            let result = match text {
                Ok(text) if text.trim_ascii().is_empty() => {
                    counts.blank += 1;
                    return Ok(());
                }
                Ok(text) => match parser.parse(text) {
                    Ok(event) => sink.put(&event).map_err(Stopped::Other)?,
                    Err(reason) => Err(reason),
                },
                Err(reason) => Err(reason),
            };
            match result {
                Ok(()) => counts.events += 1,
                Err(reason) => {
                    if let Some(shown) = counts.bad.report(&name, number, &reason) {
                        progress.suspend(|| say(shown));
                    }
                }
            }
            Ok(())
        },
        || progress.set_position(read_bytes.load(Ordering::Relaxed)),
    )
}

/// The line as text, without the mark some editors put before the first one.
fn text_of(line: &[u8], number: u64) -> Result<&str, String> {
    let line = if number == 1 { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line };
    std::str::from_utf8(line).map_err(|error| format!("column {}: not UTF-8", error.valid_up_to() + 1))
}

/// A bar that follows the bytes of the file; drawn on a terminal only.
fn progress_of(input: &Input) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let target = ProgressDrawTarget::stderr_with_hz(8);
    let bar = ProgressBar::with_draw_target(input.stored_bytes, target);
    let template = match input.stored_bytes {
        Some(_) => "{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} to go",
        None => "{prefix} {bytes} {bytes_per_sec}",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(escaped(&input.name).to_string());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn report(counts: &Counts, started: Instant, verb: &str) {
    if let Some(more) = counts.bad.not_shown() {
        say(more);
    }
    let seconds = started.elapsed().as_secs_f64();
    let blank = if counts.blank > 0 { format!(", {} blank lines", counts.blank) } else { String::new() };
    say(format_args!(
        "{} events {verb}, {} bad lines{blank}, in {seconds:.2} s ({:.0} events/s)",
        counts.events,
        counts.bad.count(),
        counts.events as f64 / seconds.max(1e-9),
    ));
}
