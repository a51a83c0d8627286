//! `blotter import`: records what others have written.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use blotter::Db;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::{Import, InputFormat};
use crate::import::fix::Fix;
use crate::import::hummingbot::Hummingbot;
use crate::import::input::{Input, LINE_BYTES_MAX, Line};
use crate::import::intake::{Counts, Jsonl, LineParser, Tally, say_summary};
use crate::import::lobster::Lobster;
use crate::import::mapping::Mapped;
use crate::import::sink::{DryRun, Recording, Sink};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;

/// Runs the command.
pub(crate) fn run(arguments: &Import) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let mut parser = parser_of(arguments)?;
    let mut counts = Counts::default();
    if arguments.dry_run {
        let result = read_all(arguments, parser.as_mut(), &mut DryRun::new(), &mut counts);
        say_summary(&counts, "read, none recorded", started.elapsed().as_secs_f64());
        result?;
        return Ok(Outcome::no_if(!counts.is_clean()));
    }
    // A file that is not there must not leave an empty database behind.
    for path in arguments.files.iter().filter(|path| path.as_path() != Path::new("-")) {
        path.metadata().map_err(|source| Failure::io("open", path, source))?;
    }
    let database = Db::open(&arguments.directory)?;
    let mut recording = Recording::new(&database)?;
    let result = read_all(arguments, parser.as_mut(), &mut recording, &mut counts);
    let finished = recording.finish();
    if let Ok(disabled @ 1..) = finished {
        counts.events -= disabled;
        say(format_args!(
            "{disabled} events not recorded: {} turns their level off",
            blotter::LEVEL_VARIABLE
        ));
    }
    say_summary(&counts, "recorded", started.elapsed().as_secs_f64());
    result.and(finished)?;
    database.close()?;
    Ok(Outcome::no_if(!counts.is_clean()))
}

/// How lines become events.
fn parser_of(arguments: &Import) -> Result<Box<dyn LineParser>, Failure> {
    let format = arguments.format;
    let refused = |option: &str, formats: &str| {
        Err(Failure::Usage(format!(
            "{option} is for {formats}; hint: leave it out, or give another --format"
        )))
    };
    if format != InputFormat::Lobster && (arguments.symbol.is_some() || arguments.date.is_some()) {
        return refused("--symbol or --date", "--format lobster");
    }
    if format != InputFormat::Csv && arguments.mapping.is_some() {
        return refused("--mapping", "--format csv");
    }
    if arguments.zone.is_some() && !matches!(format, InputFormat::Hummingbot | InputFormat::Fix) {
        return refused("--tz", "--format hummingbot and fix; a mapping names its own");
    }
    let zone = arguments.zone.unwrap_or(chrono_tz::UTC);
    Ok(match format {
        InputFormat::Jsonl => Box::new(Jsonl),
        InputFormat::Hummingbot => Box::new(Hummingbot::new(zone)),
        InputFormat::Fix => Box::new(Fix::new(zone)),
        InputFormat::Csv => match &arguments.mapping {
            Some(path) => Box::new(Mapped::load(path)?),
            None => return Err(Failure::Usage("--format csv needs --mapping".to_owned())),
        },
        InputFormat::Lobster => match (&arguments.symbol, arguments.date) {
            (Some(symbol), Some(date)) => Box::new(Lobster::new(symbol, date)),
            _ => return Err(Failure::Usage("--format lobster needs --symbol and --date".to_owned())),
        },
    })
}

fn read_all(
    arguments: &Import,
    parser: &mut dyn LineParser,
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
    parser: &mut dyn LineParser,
    sink: &mut impl Sink,
    counts: &mut Counts,
    progress: &ProgressBar,
) -> Result<(), Stopped> {
    let name = input.name.clone();
    let read_bytes = input.read_bytes.clone();
    let show = |report: String| progress.suspend(|| say(report));
    let mut tally = Tally { sink, counts, name: &name, show, refused_line: None };
    let result = input.for_each_line(
        |number, line| {
            let text = match line {
                Line::Whole(line) => text_of(line, number),
                Line::TooLong(length) => {
                    Err(format!("the line has {length} bytes, the limit is {LINE_BYTES_MAX}"))
                }
            };
            tally.line(number, text, parser).map_err(Stopped::Other)
        },
        || progress.set_position(read_bytes.load(Ordering::Relaxed)),
    );
    // What came before a failure is complete and counts.
    match result {
        Err(Stopped::Other(failure)) => Err(Stopped::Other(failure)),
        result => parser.end(&mut tally).map_err(Stopped::Other).and(result),
    }
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
