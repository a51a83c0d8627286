//! `blotter tail`: the latest events, and those to come; all, or those that match a filter.

use std::time::Duration;

use blotter::event::Event;
use blotter::query::error::ErrorKind;
use blotter::query::{EventFilter, Vocabulary, syntax};
use blotter::segment::Projection;
use blotter::view::FollowFrom;
use blotter::{Predicate, QueryError, QueryOptions, Queryable, Reader, Row, Snapshot};

use super::{Output, report_unread, report_unreadable};
use crate::args::Tail;
use crate::outcome::{Failure, Outcome};
use crate::render::style::Style;

/// Longest wait for one event; then the wait begins again.
const WAIT: Duration = Duration::from_secs(1);

/// Runs the command. With `-f` it ends when it is interrupted or nobody reads its output any more.
pub(crate) fn run(arguments: &Tail) -> Result<Outcome, Failure> {
    let reader = Reader::open(&arguments.directory)?;
    let snapshot = reader.snapshot()?;
    let style = Style::of_stdout(arguments.color, "");
    let mut output = Output::new(arguments.format).with_style(style).with_zone(arguments.zone);
    let wanted = Wanted::of(arguments, &snapshot)?;
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
    loop {
        let event = match follower.next(Duration::ZERO)? {
            Some(event) => Some(event),
            None => {
                output.flush()?;
                follower.next(WAIT)?
            }
        };
        if let Some(event) = event
            && wanted.takes(&event)?
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

/// Which of the events to come are shown.
enum Wanted {
    All,
    Matching(EventFilter),
}

impl Wanted {
    fn of(arguments: &Tail, snapshot: &Snapshot) -> Result<Wanted, Failure> {
        let Some(filter) = &arguments.filter else { return Ok(Wanted::All) };
        if let Some(stage) = syntax::parse(filter)?.stages.first() {
            let error =
                QueryError::at(ErrorKind::Syntax, stage.span, "`tail` takes a filter, without stages")
                    .with_text(filter)
                    .with_hint("`blotter query` takes them");
            return Err(Failure::Query(error));
        }
        if !arguments.follow {
            return Ok(Wanted::All);
        }
        let vocabulary = Vocabulary::new(snapshot.clone());
        Ok(Wanted::Matching(EventFilter::new(filter, &options(arguments), &vocabulary)?))
    }

    fn takes(&self, event: &Event) -> Result<bool, QueryError> {
        match self {
            Wanted::All => Ok(true),
            Wanted::Matching(filter) => filter.matches(event),
        }
    }
}
