//! `blotter replay`: an order once more, with the market around it.

mod json;
mod keys;
mod step;

use std::io::{self, IsTerminal, Write};

use blotter::desk::replay::{Entry, EntryKind, Replay, ReplayOptions, replay};
use blotter::desk::report::Unit;
use blotter::query::Picture;
use blotter::query::datum::DatumRef;
use blotter::{Datum, Decimal, QueryError, QueryOptions, Reader, Rows};

use super::report_unread;
use crate::args::{self, RowFormat};
use crate::outcome::{Failure, Outcome, say};
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::orders::{details, life, stretch};
use crate::render::style::Style;
use crate::render::value::{TimeForm, text_of};
use crate::render::{Printer, text};

/// Runs the command.
pub(crate) fn run(arguments: &args::Replay) -> Result<Outcome, Failure> {
    let snapshot = Reader::open(&arguments.directory)?.snapshot()?;
    let options = QueryOptions { zone: arguments.showing.zone, ..QueryOptions::default() };
    let how = ReplayOptions { window: arguments.window, market_events_max: arguments.market_events_max };
    let id = &arguments.order_id;
    let Some(found) = replay(&snapshot, id, &how, &options)? else {
        say(format_args!("no order event has '{}' as its order_id", escaped(id)));
        say("hint: `blotter get` looks in every indexed field; ids are whole and exact");
        return Ok(Outcome::No);
    };
    let is_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if arguments.step && is_terminal && keys::ARE_READ {
        step::run(&found, &arguments.showing)?;
    } else {
        if arguments.step {
            say("note: without a terminal there is nothing to step through, so all is printed");
        }
        let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        show(&found, &arguments.showing, &mut out)?;
        out.flush().map_err(Failure::output)?;
    }
    Ok(Outcome::no_if(report_unread(&found.unreadable)))
}

fn show(found: &Replay, showing: &args::Showing, out: &mut dyn Write) -> Result<(), Failure> {
    let style = Style::of_stdout(showing.color, "--format text");
    let times = TimeForm::whole(showing.zone);
    match showing.format {
        RowFormat::Json => return writeln!(out, "{}", json::object(found)).map_err(Failure::output),
        RowFormat::Csv => {
            timeline(found, showing, style, out)?;
            say_what_is_left_out(found);
            found.notes.iter().for_each(|note| say(format_args!("note: {}", escaped(note))));
            return Ok(());
        }
        RowFormat::Table | RowFormat::Text => {}
    }
    let mut lines = life(&found.life, times);
    lines.push(String::new());
    write_all(out, &lines)?;
    if showing.format == RowFormat::Table {
        let notes = timeline(found, showing, style, out)?;
        notes.iter().for_each(|note| say(format_args!("note: {note}")));
    } else {
        for entry in &found.timeline {
            let mut line = format!("{} ", stretch(entry.since_decision_ns));
            text::event(&mut line, &entry.row, times, &style);
            write_all(out, &[line])?;
        }
    }
    write_all(out, &[String::new()])?;
    write_all(out, &figures(found))?;
    if !found.fills.is_empty() {
        write_all(out, &[String::new()])?;
        write_all(out, &fills(found, times))?;
    }
    let notes: Vec<String> = found.notes.iter().map(|note| format!("note: {}", escaped(note))).collect();
    write_all(out, &notes)?;
    say_what_is_left_out(found);
    Ok(())
}

fn write_all(out: &mut dyn Write, lines: &[String]) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(Failure::output)
}

fn say_what_is_left_out(found: &Replay) {
    if found.market_events_left_out > 0 {
        let left_out = found.market_events_left_out;
        say(format_args!(
            "note: {left_out} quotes and trades within the window are not shown; --market-events or a shorter --window"
        ));
    }
    if found.events_left_out > 0 {
        say(format_args!(
            "note: {} later events are not shown; `blotter get` shows all",
            found.events_left_out
        ));
    }
}

/// The figures, one a line.
fn figures(found: &Replay) -> Vec<String> {
    let mut grid = Grid::new(&[("execution quality", Align::Left), ("", Align::Right), ("", Align::Left)]);
    for figure in found.quality.figures().figures {
        let unit = match figure.unit {
            Unit::BasisPoints => "bps",
            Unit::Microseconds => "us",
            _ => "",
        };
        let value = match (&figure.value, figure.unit) {
            (Datum::Null, _) => "-".to_owned(),
            (value, Unit::Share) => {
                let share = value.as_decimal().unwrap_or_default();
                format!("{} %", (share * Decimal::ONE_HUNDRED).normalize())
            }
            (value, _) => value.to_string(),
        };
        grid.row([figure.label.to_owned(), value, unit.to_owned()]);
    }
    grid.lines()
}

/// The fills, one a line.
fn fills(found: &Replay, times: TimeForm) -> Vec<String> {
    let mut grid = Grid::new(&[
        ("fill", Align::Left),
        ("quantity", Align::Right),
        ("price", Align::Right),
        ("mid", Align::Right),
        ("slippage bps", Align::Right),
        ("on far touch bps", Align::Right),
        ("effective bps", Align::Right),
        ("1 s bps", Align::Right),
        ("10 s bps", Align::Right),
    ]);
    let number = |value: Option<Decimal>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for fill in &found.fills {
        let [after_1s, after_10s] = fill.markouts_bps;
        grid.row([
            text_of(DatumRef::Time(fill.ts), times),
            fill.quantity.to_string(),
            number(fill.price),
            number(fill.mid),
            number(fill.slippage_bps),
            number(fill.improvement_far_bps),
            number(fill.effective_spread_bps),
            number(after_1s),
            number(after_10s),
        ]);
    }
    grid.lines()
}

/// The timeline as a table or as CSV; what there is to say about how it was shown.
fn timeline(
    found: &Replay,
    showing: &args::Showing,
    style: Style,
    out: &mut dyn Write,
) -> Result<Vec<String>, Failure> {
    let times = TimeForm::whole(showing.zone);
    let columns: &[&str] = match showing.format {
        RowFormat::Csv => &[
            "ts",
            "seq",
            "since_decision_us",
            "kind",
            "bid",
            "ask",
            "bid_size",
            "ask_size",
            "event",
            "status",
            "filled_quantity",
            "average_fill_price",
            "details",
            "message",
        ],
        _ => &["since", "bid_size", "bid", "ask", "ask_size", "kind", "event", "details", "status", "filled"],
    };
    let rows: Vec<Result<Vec<(&str, Datum)>, QueryError>> =
        found.timeline.iter().map(|entry| Ok(cells(entry, times))).collect();
    let rows = Rows::of(Some(columns), Picture::Table, showing.zone, rows);
    let mut printer = Printer::new(showing.format, &rows, style);
    for row in rows {
        printer.row(out, row?).map_err(Failure::output)?;
    }
    printer.finish(out).map_err(Failure::output)
}

fn cells(entry: &Entry, times: TimeForm) -> Vec<(&'static str, Datum)> {
    let field = |name: &str| entry.row.get(name).clone();
    let touch = entry.touch.as_ref();
    let is_quote = entry.kind == EntryKind::Quote;
    // What a quote says stands in the columns of the market.
    let details = if is_quote { String::new() } else { details(&entry.row, times) };
    let micros = Decimal::new(entry.since_decision_ns, 3).normalize();
    let state = &entry.state;
    let mut cells: Vec<(&str, Datum)> = vec![
        ("ts", Datum::Time(entry.ts)),
        ("seq", entry.seq.into()),
        ("since", stretch(entry.since_decision_ns).into()),
        ("since_decision_us", Datum::Decimal(micros)),
        ("kind", entry.kind.name().into()),
        ("bid", touch.and_then(|touch| touch.bid).into()),
        ("ask", touch.and_then(|touch| touch.ask).into()),
        ("bid_size", touch.and_then(|touch| touch.bid_size).into()),
        ("ask_size", touch.and_then(|touch| touch.ask_size).into()),
        ("event", field("event")),
        ("status", state.status.map(|status| status.as_str()).into()),
        ("filled", state.filled_quantity.into()),
        ("filled_quantity", state.filled_quantity.into()),
        ("average_fill_price", state.average_fill_price.into()),
        ("details", details.into()),
        ("message", field("message")),
    ];
    cells.retain(|(_, value)| !matches!(value, Datum::Str(text) if text.is_empty()));
    cells
}
