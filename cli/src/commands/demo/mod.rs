//! `blotter demo`: plays a synthetic session through real recorders, then asks the database about it.

mod ask;
mod play;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use blotter::event::Level;
use blotter::{Backpressure, Db, Options};
use hdrhistogram::Histogram;

use super::Output;
use crate::args::{Demo, Format};
use crate::outcome::{Failure, Outcome, say};
use play::Played;

/// Longest wait for room in a ring: the demo records as fast as it can and loses nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) fn run(arguments: &Demo) -> Result<Outcome, Failure> {
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => temporary_directory()?,
    };
    let mut output = Output::new(Format::Text);
    let database = Options::new().backpressure(Backpressure::Block { timeout: PATIENCE }).open(&directory)?;
    // The demo shows all of its session, whatever levels the environment sets.
    database.levels().set_all(Some(Level::Trace));
    say(format_args!("recording {} events into {}", arguments.events, directory.display()));

    let started = Instant::now();
    let played = play::play(&database, arguments)?;
    let emitted = started.elapsed();
    database.sync()?;
    let durable = started.elapsed();
    database.seal()?;
    let sealed = started.elapsed();
    report_recording(&mut output, &played, [emitted, durable, sealed])?;
    output.flush()?;

    let whole = ask::ask(&mut output, &database, &directory, &played)?;
    let is_complete = report_losses(&mut output, &database, &played)?;
    database.close()?;
    output.line(format_args!("\nThe database stays in {}. Ask it yourself:", directory.display()))?;
    let quoted = shell_quoted(&directory);
    if let Some((order, _)) = &played.filled_order {
        output.line(format_args!("  blotter get {quoted} {order}\n  blotter lifecycle {quoted} {order}"))?;
        output.line(format_args!("  blotter replay {quoted} {order} --window 1s --step"))?;
    }
    output.line(format_args!(
        "  blotter query {quoted} 'category = fill | stats count(), sum(fill_quantity), avg(fill_price) by symbol'"
    ))?;
    output.line(format_args!(
        "  blotter repl {quoted}\n  blotter tail {quoted} -n 20\n  blotter stats {quoted}"
    ))?;
    output.flush()?;
    Ok(Outcome::no_if(!whole || !is_complete))
}

/// A new directory that outlives the program.
fn temporary_directory() -> Result<PathBuf, Failure> {
    let parent = std::env::temp_dir();
    let directory = tempfile::Builder::new()
        .prefix("blotter-demo-")
        .tempdir_in(&parent)
        .map_err(|source| Failure::io("create a directory in", &parent, source))?;
    Ok(directory.keep().join("desk.blotter"))
}

/// The path as a shell takes it.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn report_recording(output: &mut Output<'_>, played: &Played, times: [Duration; 3]) -> Result<(), Failure> {
    let [emitted, durable, sealed] = times;
    let rate = |time: Duration| played.accepted as f64 / time.as_secs_f64().max(1e-9);
    output.line(format_args!(
        "recorded {} events from {} recorders; from the first one until",
        played.accepted, played.recorders
    ))?;
    for (what, time) in [
        ("the last was emitted", emitted),
        ("all were durable", durable),
        ("all were sealed and indexed", sealed),
    ] {
        output.line(format_args!(
            "  {what:<28} {:>8.3} s  {:>10.0} events/s",
            time.as_secs_f64(),
            rate(time)
        ))?;
    }
    let empty_ns = play::empty_measurement_ns();
    output
        .line(format_args!("emit latency per call, in ns, of which about {empty_ns} are the measurement:"))?;
    output.line(format_args!("  {}", percentiles(&played.emit_ns)))
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile: f64| histogram.value_at_quantile(quantile);
    format!(
        "p50 {}  p90 {}  p99 {}  p99.9 {}  p99.99 {}  max {}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(0.9999),
        histogram.max()
    )
}

/// Says what was lost, if anything was.
fn report_losses(output: &mut Output<'_>, database: &Db, played: &Played) -> Result<bool, Failure> {
    let statistics = database.statistics();
    if let Some(error) = statistics.write_error.as_ref().or(statistics.seal_error.as_ref()) {
        say(format_args!("error: {error}"));
    }
    if played.lost > 0 {
        output.line(format_args!(
            "{} events were lost: the disk stalled for longer than {PATIENCE:?}",
            played.lost
        ))?;
    }
    Ok(played.lost == 0 && statistics.write_error.is_none() && statistics.seal_error.is_none())
}
