//! `blotter tail`: the latest events, and those to come; all, or those that match a filter.

use std::time::{Duration, Instant};

use blotter::event::Event;
use blotter::query::{EventFilter, Vocabulary};
use blotter::segment::Projection;
use blotter::view::FollowFrom;
use blotter::{Predicate, QueryError, QueryOptions, Queryable, Reader, Row, Snapshot};

use super::{Output, report_unread, report_unreadable};
use crate::args::Tail;
use crate::outcome::{Failure, Outcome};
use crate::render::style::Style;

/// Longest wait for one event; then the wait begins again.
const WAIT: Duration = Duration::from_secs(1);

/// Events wait no longer than this to be written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// Runs the command. With `-f` it ends when it is interrupted or nobody reads its output any more.
pub(crate) fn run(arguments: &Tail) -> Result<Outcome, Failure> {
    let reader = Reader::open(&arguments.directory)?;
    let snapshot = reader.snapshot()?;
    let style = Style::of_stdout(arguments.color, "");
    let mut output = Output::new(arguments.format).with_style(style).with_zone(arguments.zone);
    let filter = filter_of(arguments, &snapshot)?;
    let is_damaged = match &arguments.filter {
        Some(filter) => show_matching(&mut output, &snapshot, filter, arguments)?,
        None => show_latest(&mut output, &snapshot, arguments.count)?,
    };
    if !arguments.follow {
        return Ok(Outcome::no_if(is_damaged));
    }
    let next_seq = snapshot.next_seq();
    // What the snapshot holds on to may be removed by the writer while this goes on for days.
    drop(snapshot);
    let mut follower = reader.follow(FollowFrom::Seq(next_seq))?;
    let mut flushed = Instant::now();
    loop {
        // Between events that match there may be many that do not, without a pause.
        if flushed.elapsed() > FLUSH_INTERVAL {
            output.flush()?;
            flushed = Instant::now();
        }
        let event = match follower.next(Duration::ZERO)? {
            Some(event) => Some(event),
            None => {
                output.flush()?;
                follower.next(WAIT)?
            }
        };
        if let Some(event) = event
            && takes(filter.as_ref(), &event)?
        {
            output.event(&event)?;
        }
    }
}

/// Shows the latest events; whether a part could not be read.
fn show_latest(output: &mut Output<'_>, snapshot: &Snapshot, count: usize) -> Result<bool, Failure> {
    let mut scan = snapshot.scan_backwards(&Predicate::all(), &Projection::all());
    let latest: Vec<Event> = scan.by_ref().take(count).collect();
    for event in latest.iter().rev() {
        output.event(event)?;
    }
    output.flush()?;
    Ok(report_unreadable(scan.unreadable()))
}

/// Shows the latest events that match; whether a part could not be read.
fn show_matching(
    output: &mut Output<'_>,
    snapshot: &Snapshot,
    filter: &str,
    arguments: &Tail,
) -> Result<bool, Failure> {
    if arguments.count == 0 {
        return Ok(false);
    }
    // On a line of its own: the filter may end in a comment.
    let text = format!("{filter}\n| tail {}", arguments.count);
    let mut rows = snapshot.query_with_options(&text, &options(arguments))?;
    let latest: Vec<Row> = rows.by_ref().collect::<Result<_, QueryError>>()?;
    for row in &latest {
        output.event(row)?;
    }
    output.flush()?;
    Ok(report_unread(&rows.unreadable()))
}

fn options(arguments: &Tail) -> QueryOptions {
    QueryOptions {
        zone: arguments.zone,
        allow_unknown_fields: arguments.allow_unknown_fields,
        ..QueryOptions::default()
    }
}

/// The filter for events to come; `None` takes all. Made without `-f` too: it says what is wrong, stages among it,
/// before anything is shown.
fn filter_of(arguments: &Tail, snapshot: &Snapshot) -> Result<Option<EventFilter>, Failure> {
    let Some(text) = &arguments.filter else { return Ok(None) };
    let vocabulary = Vocabulary::new(snapshot.clone());
    Ok(Some(EventFilter::new(text, &options(arguments), &vocabulary)?))
}

/// Whether an event passes.
fn takes(filter: Option<&EventFilter>, event: &Event) -> Result<bool, Failure> {
    Ok(filter.map_or(Ok(true), |filter| filter.matches(event))?)
}
