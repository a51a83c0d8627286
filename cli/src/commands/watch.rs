//! `blotter watch`: alerts as events are recorded.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use blotter::watch::{Alert, Begins, WatchConfig, WatchOptions};

use super::detect::{add_own, read_config};
use crate::args::{Format, Watch};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;

/// Pause between two looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the command.
pub(crate) fn run(arguments: &Watch) -> Result<Outcome, Failure> {
    let mut config = match &arguments.config {
        Some(path) => read_config(path, WatchConfig::parse)?,
        None => WatchConfig::default(),
    };
    add_own(&mut config.detect, arguments.detectors.as_deref(), &arguments.define)?;
    if arguments.check {
        return check(arguments, config);
    }
    // Set when somebody wants it to end, or nobody reads what it prints.
    let is_over = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::clone(&is_over);
    ctrlc::set_handler(move || interrupted.store(true, Ordering::Release))
        .map_err(|error| Failure::Usage(format!("cannot wait for an interrupt: {error}")))?;
    let (format, unread) = (arguments.format, Arc::clone(&is_over));
    let mut options = WatchOptions::new(config)
        .from_start(arguments.from_start)
        .on_alert(move |alert| {
            if print(alert, format).is_err() {
                unread.store(true, Ordering::Release);
            }
        })
        .on_note(|note| say(format_args!("note: {}", escaped(note))));
    if let Some(state) = &arguments.state {
        options = options.state(state);
    }
    let watch = blotter::watch::Watch::follow(&arguments.directory, options).map_err(failure)?;
    let begun = watch.statistics();
    let why = match begun.begins {
        Begins::FromState => "where the last watch ended",
        Begins::FromStart => "from the start, as there is no state yet",
        Begins::WithNext => "with the next event, as there is no state yet",
    };
    say(format_args!("watching {} from seq {} on, {why}", arguments.directory.display(), begun.first_seq));
    while !is_over.load(Ordering::Acquire) && !watch.has_ended() {
        std::thread::sleep(LOOK);
    }
    let ended = watch.stop().map_err(failure)?;
    match ended.pending {
        0 => {}
        1 => say("1 action waits, and is done by the next watch"),
        waiting => say(format_args!("{waiting} actions wait, and are done by the next watch")),
    }
    Ok(Outcome::Yes)
}

/// Does what a start does short of following.
fn check(arguments: &Watch, config: WatchConfig) -> Result<Outcome, Failure> {
    let mut options = WatchOptions::new(config);
    if let Some(state) = &arguments.state {
        options = options.state(state);
    }
    match blotter::watch::Watch::check(&arguments.directory, &options) {
        Ok(notes) => notes.iter().for_each(|note| say(format_args!("note: {}", escaped(note)))),
        // The configuration may be looked at before there is a database.
        Err(blotter::watch::Error::Database(error)) => say(format_args!(
            "note: the database cannot be read, so its fields and the state were not looked at: {error}"
        )),
        Err(error) => return Err(failure(error)),
    }
    say("the configuration is right");
    Ok(Outcome::Yes)
}

fn print(alert: &Alert, format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", alert.to_json())?,
        Format::Text => writeln!(out, "{}", alert.to_line())?,
    }
    out.flush()
}

fn failure(error: blotter::watch::Error) -> Failure {
    match error {
        blotter::watch::Error::Database(error) => Failure::Database(error),
        // The place in the query is shown.
        blotter::watch::Error::Rule { rule, error } => {
            say(format_args!("error: rule '{}':", escaped(&rule)));
            Failure::Query(error)
        }
        error => Failure::Stopped(error.to_string()),
    }
}
