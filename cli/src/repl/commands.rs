//! The commands that begin with a dot.

use std::io::Write;

use blotter::query::{FieldSummary, Picture, Vocabulary};
use blotter::{Datum, Rows};
use clap::ValueEnum;

use super::help;
use super::input::Lines;
use super::saved::is_name;
use super::session::{Flow, Session};
use super::watch;
use crate::args::values::{self, nearest};
use crate::args::{Format, RowFormat};
use crate::commands::{Output, stats};
use crate::outcome::{Failure, say};
use crate::render::escape::escaped;
use crate::render::style::Paint;

/// A command: its name, what it takes, what it does.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) takes: &'static str,
    pub(super) does: &'static str,
}

const fn command(name: &'static str, takes: &'static str, does: &'static str) -> Command {
    Command { name, takes, does }
}

/// Every command, in the order in which they are listed.
pub(super) const COMMANDS: [Command; 15] = [
    command(
        ".help",
        "[TOPIC]",
        "what there is; filter, time, stages, aggregates, functions, keys, or a name",
    ),
    command(".schema", "[FIELD]", "fields, their types and segments; or one, with some values"),
    command(".stats", "", "what the database holds, by category"),
    command(".segments", "", "the sealed segments"),
    command(".format", "[FORMAT]", "how rows are shown: table, json, csv, text"),
    command(".tz", "[ZONE]", "zone of days, bins and times of day, and of the times shown"),
    command(".timer", "[on|off]", "whether times are shown"),
    command(".explain", "QUERY", "how a query is run, instead of its rows"),
    command(
        ".watch",
        "INTERVAL QUERY",
        "a query again and again, as `.watch 2s level >= error | top 5 message`",
    ),
    command(".save", "NAME [QUERY]", "keeps a query, or the latest one, under a name"),
    command(".run", "NAME", "runs a saved query"),
    command(".saved", "", "the saved queries"),
    command(".clear", "", "clears the screen"),
    command(".quit", "", "leaves; so does Ctrl-D"),
    command(".exit", "", "the same"),
];

/// Values shown of one field.
const VALUES_SHOWN_MAX: usize = 20;

/// Runs a command. What is wrong with it is an error, after which the session goes on.
pub(super) fn run(
    session: &mut Session,
    name: &str,
    argument: &str,
    lines: Option<&mut Lines>,
) -> Result<Flow, Failure> {
    match (name, argument) {
        (".quit" | ".exit", "") => return Ok(Flow::End),
        (".help", topic) => show_help(session, topic)?,
        (".schema", field) => show_schema(session, field)?,
        (".stats", "") => show_stats(session)?,
        (".segments", "") => show_segments(session)?,
        (".format", "") => say_setting(session, "format", session.format.name())?,
        (".format", format) => session.format = format_of(format)?,
        (".tz", "") => say_setting(session, "tz", session.options.zone.name())?,
        (".tz", zone) => session.options.zone = values::zone(zone).map_err(Failure::Usage)?,
        (".timer", "") => say_setting(session, "timer", if session.timer { "on" } else { "off" })?,
        (".timer", "on") => session.timer = true,
        (".timer", "off") => session.timer = false,
        (".timer", other) => return Err(wrong(format!("'{other}' is neither on nor off"))),
        (".explain", query) => explain(session, query)?,
        (".watch", argument) => watch::run(session, argument, lines)?,
        (".save", argument) => save(session, argument)?,
        (".run", name) => run_saved(session, name)?,
        (".saved", "") => show_saved(session)?,
        (".clear", "") if session.is_interactive => clear_screen()?,
        (".clear", "") => {}
        (known, argument) if COMMANDS.iter().any(|command| command.name == known) => {
            return Err(wrong(format!("'{known}' takes nothing; found '{argument}'")));
        }
        (unknown, _) => {
            let hint = nearest(unknown, COMMANDS.iter().map(|command| command.name)).unwrap_or(".help");
            return Err(wrong(format!("unknown command '{unknown}'; hint: '{hint}'")));
        }
    }
    Ok(Flow::Next)
}

pub(super) fn wrong(reason: String) -> Failure {
    Failure::Usage(reason)
}

fn say_setting(session: &Session, name: &str, value: &str) -> Result<(), Failure> {
    session.show(|out| writeln!(out, "{name} is {value}").map_err(Failure::output)).map(drop)
}

fn format_of(name: &str) -> Result<RowFormat, Failure> {
    let names = RowFormat::value_variants().iter().map(|format| format.name());
    RowFormat::from_str(name, true).map_err(|_| {
        let hint = nearest(name, names.clone()).map_or_else(String::new, |hint| format!("; hint: '{hint}'"));
        wrong(format!(
            "'{name}' is no format; there are {}{hint}",
            names.clone().collect::<Vec<_>>().join(", ")
        ))
    })
}

fn clear_screen() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(b"\x1b[H\x1b[2J").and_then(|()| out.flush()).map_err(Failure::output)
}

fn show_help(session: &Session, topic: &str) -> Result<(), Failure> {
    let text = help::on(topic)?;
    session.show(|out| out.write_all(text.as_bytes()).map_err(Failure::output)).map(drop)
}

fn explain(session: &mut Session, query: &str) -> Result<(), Failure> {
    let query = match query {
        "" => session.last_query.clone().ok_or_else(|| wrong("'.explain' takes a query".to_owned()))?,
        query => query.to_owned(),
    };
    session.ask(&format!("{query}\n| explain"))
}

fn show_stats(session: &Session) -> Result<(), Failure> {
    let format = if session.format == RowFormat::Json { Format::Json } else { Format::Text };
    let shown = session.show(|out| {
        let mut output = Output::to(Box::new(out), format);
        stats::print(&mut output, &session.directory, &session.reader, false).map(drop)
    });
    shown.map(drop)
}

fn show_segments(session: &Session) -> Result<(), Failure> {
    let snapshot = session.reader.snapshot()?;
    let number = |number: u64| Datum::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let time = |nanos| Datum::Time(blotter::event::Timestamp(nanos));
    let mut segments: Vec<_> = snapshot.segments().collect();
    segments.sort_by_key(|segment| (segment.ts_min, segment.id));
    let rows = segments.into_iter().map(|segment| {
        Ok(vec![
            ("category", Datum::Str(segment.category.as_str().into())),
            ("day", Datum::Str(segment.day.to_string().into())),
            ("tier", Datum::Str(segment.tier.to_string().into())),
            ("events", number(segment.rows)),
            ("bytes", number(segment.file_bytes)),
            ("from", time(segment.ts_min)),
            ("to", time(segment.ts_max)),
            ("id", Datum::Str(segment.id.to_string().into())),
        ])
    });
    let columns = ["category", "day", "tier", "events", "bytes", "from", "to", "id"];
    session.show_rows(Rows::of(Some(&columns), Picture::Table, session.options.zone, rows))
}

fn show_schema(session: &Session, field: &str) -> Result<(), Failure> {
    let vocabulary = Vocabulary::new(session.reader.snapshot()?);
    let all = vocabulary.field_summaries();
    let shown: Vec<&FieldSummary> =
        all.iter().filter(|summary| field.is_empty() || summary.name == field).collect();
    if shown.is_empty() && !field.is_empty() {
        let hint = nearest(field, all.iter().map(|summary| summary.name.as_str()));
        let hint = hint.map_or_else(String::new, |hint| format!("; hint: '{hint}'"));
        return Err(wrong(format!("no event has a field '{field}'{hint}")));
    }
    let rows = shown.into_iter().map(|summary| {
        Ok(vec![
            ("field", Datum::Str(summary.name.as_str().into())),
            ("types", Datum::Str(summary.types.join(" ").into())),
            ("indexed", Datum::Bool(summary.indexed)),
            ("segments", Datum::Int(i64::try_from(summary.segments).unwrap_or(i64::MAX))),
        ])
    });
    let columns = ["field", "types", "indexed", "segments"];
    session.show_rows(Rows::of(Some(&columns), Picture::Table, session.options.zone, rows))?;
    if !field.is_empty() {
        show_values(session, &vocabulary, field)?;
    }
    Ok(())
}

/// Some values of a field, if they are of the kind that is known without reading every event.
fn show_values(session: &Session, vocabulary: &Vocabulary, field: &str) -> Result<(), Failure> {
    let values = vocabulary.field_values(field, "", VALUES_SHOWN_MAX + 1);
    if values.is_empty() || session.format != RowFormat::Table {
        return Ok(());
    }
    let more = if values.len() > VALUES_SHOWN_MAX { ", ..." } else { "" };
    let values: Vec<String> =
        values.iter().take(VALUES_SHOWN_MAX).map(|value| escaped(value).to_string()).collect();
    let line = format!("values: {}{more}", values.join(", "));
    session.show(|out| writeln!(out, "{line}").map_err(Failure::output)).map(drop)
}

fn save(session: &mut Session, argument: &str) -> Result<(), Failure> {
    let (name, query) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    if !is_name(name) {
        return Err(wrong(format!("'{name}' is no name; a name is letters, digits, - and _, at most 64")));
    }
    let query = match (query.trim(), &session.last_query) {
        ("", None) => {
            return Err(wrong("there is no query to save yet; write one after the name".to_owned()));
        }
        ("", Some(last)) => last.clone(),
        (query, _) => query.to_owned(),
    };
    blotter::query::syntax::parse(&query)?;
    let mut saved = session.saved.borrow_mut();
    let replaced =
        saved.save(name, &query).map_err(|error| wrong(format!("cannot save '{name}': {error}")))?;
    match replaced.filter(|replaced| *replaced != query) {
        // The old one is shown, for it is nowhere else any more.
        Some(old) => say(format_args!("replaced '{name}': {}\n  was: {}", escaped(&query), escaped(&old))),
        None => say(format_args!("saved '{name}': {}", escaped(&query))),
    }
    if !saved.has_file() {
        say("note: there is no file for it; it is kept until the session ends");
    }
    Ok(())
}

fn all_saved(session: &Session) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    session.saved.borrow().all().map_err(|error| wrong(format!("cannot read the saved queries: {error}")))
}

fn run_saved(session: &mut Session, name: &str) -> Result<(), Failure> {
    let saved = all_saved(session)?;
    let Some(query) = saved.get(name) else {
        let hint = nearest(name, saved.keys().map(String::as_str));
        let hint = hint.map_or_else(|| "'.saved' lists them".to_owned(), |hint| format!("'{hint}'"));
        return Err(wrong(format!("no query is saved as '{name}'; hint: {hint}")));
    };
    if session.is_interactive {
        let style = session.style();
        let shown: Vec<String> = query.lines().map(|line| escaped(line).to_string()).collect();
        say(style.paint(&shown.join("\n"), Paint::Faint));
    }
    session.last_query = Some(query.clone());
    session.ask(query)
}

fn show_saved(session: &Session) -> Result<(), Failure> {
    let saved = all_saved(session)?;
    let rows = saved.iter().map(|(name, query)| {
        Ok(vec![("name", Datum::Str(name.as_str().into())), ("query", Datum::Str(query.as_str().into()))])
    });
    session.show_rows(Rows::of(Some(&["name", "query"]), Picture::Table, session.options.zone, rows))
}
