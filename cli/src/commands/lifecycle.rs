//! `blotter lifecycle`: what became of an order, or which orders nothing good became of.

use std::collections::BTreeSet;
use std::io::{self, Write};

use blotter::desk::lifecycle::{Identity, Lifecycle, Moment, Relation, lifecycle};
use blotter::query::Picture;
use blotter::{Datum, QueryError, QueryOptions, Reader, Rows, Snapshot};

use super::report_unread;
use crate::answer::{Question, answer};
use crate::args::{self, RowFormat};
use crate::outcome::{Failure, Outcome, say, say_query_error};
use crate::render::escape::escaped;
use crate::render::json::{self, Object};
use crate::render::orders::{
    details, illegal, json_of, life, life_json, ordered, status, stretch, transition_json,
};
use crate::render::style::Style;
use crate::render::value::TimeForm;
use crate::render::{Printer, text};

/// Lines of a tree of orders; a desk may slice an order into thousands.
const TREE_LINES_MAX: usize = 200;

/// Runs the command.
pub(crate) fn run(arguments: &args::Lifecycle) -> Result<Outcome, Failure> {
    let mut conditions = Vec::new();
    conditions.extend(arguments.orphans.then_some("is_orphan = true"));
    conditions.extend(arguments.open.then_some("is_open = true"));
    conditions.extend(arguments.illegal.then_some("illegal_transitions > 0"));
    let filter = arguments.id.as_deref().filter(|_| !conditions.is_empty()).unwrap_or_default();
    if blotter::query::syntax::parse(filter).is_ok_and(|query| !query.stages.is_empty()) {
        let reason = "a filter is needed, without stages; a query with `| lifecycle` takes any of them";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let snapshot = Reader::open(&arguments.directory)?.snapshot()?;
    if !conditions.is_empty() {
        return list(&snapshot, arguments, &conditions.join(" or "));
    }
    let Some(id) = &arguments.id else {
        let reason = "an order id or a correlation id is needed, or one of --orphans, --open, --illegal";
        return Err(Failure::Usage(reason.to_owned()));
    };
    let options = QueryOptions { zone: arguments.showing.zone, ..QueryOptions::default() };
    let Some(found) = lifecycle(&snapshot, id, &options)? else {
        say(format_args!("no event has '{}' as its order_id or correlation_id", escaped(id)));
        say("hint: `blotter get` looks in every indexed field; ids are whole and exact");
        return Ok(Outcome::No);
    };
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    show(&found, &arguments.showing, &mut out)?;
    out.flush().map_err(Failure::output)?;
    drop(out);
    Ok(Outcome::no_if(report_unread(&found.unreadable)))
}

/// Orders that satisfy a condition on their lives.
fn list(snapshot: &Snapshot, arguments: &args::Lifecycle, condition: &str) -> Result<Outcome, Failure> {
    let filter = arguments.id.as_deref().unwrap_or_default();
    // On lines of their own: the filter may end in a comment.
    let text = format!("{filter}\n| lifecycle\n| where {condition}");
    let options = QueryOptions { zone: arguments.showing.zone, ..QueryOptions::default() };
    let style = Style::of_stdout(arguments.showing.color, "--format json");
    let question = Question { snapshot, text: &text, options: &options };
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let answer = answer(&question, arguments.showing.format, style, &mut out)?;
    drop(out);
    if style.width.is_some() {
        answer.notes.iter().for_each(|note| say(format_args!("note: {note}")));
    }
    let is_damaged = report_unread(&answer.unreadable);
    if let Some(error) = answer.error {
        return Ok(say_query_error(&error, arguments.showing.color));
    }
    if answer.rows == 0 {
        say("no such order");
    }
    Ok(Outcome::no_if(answer.rows == 0 || is_damaged))
}

fn show(found: &Lifecycle, showing: &args::Showing, out: &mut dyn Write) -> Result<(), Failure> {
    let style = Style::of_stdout(showing.color, "--format text");
    let times = TimeForm::whole(showing.zone);
    let mut line = |text: &str| writeln!(out, "{text}").map_err(Failure::output);
    match showing.format {
        RowFormat::Json => return line(&object(found)),
        RowFormat::Csv => {}
        RowFormat::Table | RowFormat::Text => {
            for text in head(found, times) {
                line(&text)?;
            }
            line("")?;
        }
    }
    if showing.format == RowFormat::Text {
        for moment in &found.timeline {
            let mut text =
                format!("{} ({}) ", stretch(moment.since_start_ns), stretch(moment.since_previous_ns));
            text::event(&mut text, &moment.row, times, &style);
            if let Some(transition) = &moment.illegal {
                text.push_str(&format!("  {}", illegal(transition)));
            }
            line(&text)?;
        }
    } else {
        for note in table(found, showing, style, out)? {
            say(format_args!("note: {note}"));
        }
    }
    if found.events_left_out > 0 {
        say(format_args!(
            "note: {} later events are not shown; `blotter get` shows all",
            found.events_left_out
        ));
    }
    Ok(())
}

/// What became of the orders, and of which others they are.
fn head(found: &Lifecycle, times: TimeForm) -> Vec<String> {
    let mut lines = Vec::new();
    if found.identity == Identity::Correlation {
        lines.push(format!("correlation {}: {} orders", escaped(&found.id), found.orders.len()));
    }
    let shown: Vec<_> = match found.order(&found.id) {
        // The others of its family are in the tree.
        Some(order) => vec![order],
        None => found.orders.iter().take(TREE_LINES_MAX).collect(),
    };
    let left_out = if found.order(&found.id).is_some() { 0 } else { found.orders.len() - shown.len() };
    lines.extend(shown.into_iter().flat_map(|order| life(order, times)));
    if left_out > 0 {
        lines.push(format!("{left_out} more orders: --format json has them all"));
    }
    if !found.links.is_empty() {
        lines.push("family".to_owned());
        lines.extend(tree(found));
    }
    for cycle in &found.cycles {
        let ids: Vec<String> = cycle.iter().chain(cycle.first()).map(|id| escaped(id).to_string()).collect();
        lines.push(format!("a cycle, which cannot be: {}", ids.join(" > ")));
    }
    if !found.missing.is_empty() {
        let ids: Vec<String> = found.missing.iter().take(20).map(|id| escaped(id).to_string()).collect();
        let more = found.missing.len() - ids.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(format!("named, and without an order event: {}{more}", ids.join(" ")));
    }
    if found.has_more_orders {
        lines.push("there are more orders than are followed".to_owned());
    }
    lines
}

/// Orders below those they are slices or replacements of.
fn tree(found: &Lifecycle) -> Vec<String> {
    let below: BTreeSet<&str> = found.links.iter().map(|link| link.to.as_str()).collect();
    let mut roots: Vec<&str> = Vec::new();
    for link in &found.links {
        if !below.contains(link.from.as_str()) && !roots.contains(&link.from.as_str()) {
            roots.push(&link.from);
        }
    }
    if roots.is_empty() {
        // Nothing but cycles: begin somewhere.
        roots.extend(found.links.first().map(|link| link.from.as_str()));
    }
    let mut lines = Vec::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<(&str, usize, Option<Relation>)> =
        roots.into_iter().rev().map(|root| (root, 0, None)).collect();
    while let Some((id, depth, relation)) = waiting.pop() {
        if lines.len() == TREE_LINES_MAX {
            lines.push("  ... and more: --format json has them all".to_owned());
            break;
        }
        let word = match relation {
            None => "",
            Some(Relation::Part) => "part ",
            Some(Relation::Replacement) => "replaced by ",
        };
        let what = match found.order(id) {
            Some(order) => format!("{}, {}", status(order), ordered(order)),
            None => "no order event".to_owned(),
        };
        let again = if shown.insert(id) { "" } else { " (above)" };
        let indent = "  ".repeat(depth.min(20) + 1);
        lines.push(format!("{indent}{word}{}: {what}{again}", escaped(id)));
        if again.is_empty() {
            let links = found.links.iter().rev().filter(|link| link.from == id);
            waiting.extend(links.map(|link| (link.to.as_str(), depth + 1, Some(link.relation))));
        }
    }
    lines
}

/// The timeline as a table or as CSV; what there is to say about how it was shown.
fn table(
    found: &Lifecycle,
    showing: &args::Showing,
    style: Style,
    out: &mut dyn Write,
) -> Result<Vec<String>, Failure> {
    let is_csv = showing.format == RowFormat::Csv;
    let times = TimeForm::whole(showing.zone);
    let several = found.orders.len() > 1;
    let columns: Vec<&str> = match (is_csv, several) {
        (true, _) => vec![
            "ts",
            "seq",
            "since_start_us",
            "since_previous_us",
            "role",
            "order_id",
            "event",
            "status",
            "illegal",
            "reason",
            "details",
            "message",
        ],
        (false, true) => {
            vec!["ts", "start", "step", "order_id", "event", "status", "illegal", "details"]
        }
        (false, false) => vec!["ts", "start", "step", "event", "status", "illegal", "details"],
    };
    let rows = found.timeline.iter().map(|moment| Ok(cells(moment, times)));
    let rows: Vec<Result<Vec<(&str, Datum)>, QueryError>> = rows.collect();
    let rows = Rows::of(Some(&columns), Picture::Table, showing.zone, rows);
    let mut printer = Printer::new(showing.format, &rows, style);
    for row in rows {
        printer.row(out, row?).map_err(Failure::output)?;
    }
    printer.finish(out).map_err(Failure::output)
}

fn cells(moment: &Moment, times: TimeForm) -> Vec<(&'static str, Datum)> {
    let field = |name: &str| moment.row.get(name).clone();
    let micros = |ns: i64| Datum::Decimal(blotter::Decimal::new(ns, 3).normalize());
    let mut cells = vec![
        ("ts", Datum::Time(moment.ts)),
        ("seq", moment.seq.into()),
        ("start", Datum::Duration(moment.since_start_ns)),
        ("step", Datum::Duration(moment.since_previous_ns)),
        ("since_start_us", micros(moment.since_start_ns)),
        ("since_previous_us", micros(moment.since_previous_ns)),
        ("role", moment.role.name().into()),
        ("order_id", moment.order_id.as_deref().into()),
        ("event", field("event")),
        ("status", field("status")),
        ("illegal", moment.illegal.map(|it| format!("{} after {}", it.to.as_str(), it.from.as_str())).into()),
        ("reason", moment.reason().into()),
        ("details", details(&moment.row, times).into()),
        ("message", field("message")),
    ];
    cells.retain(|(_, value)| !matches!(value, Datum::Str(text) if text.is_empty()));
    cells
}

fn object(found: &Lifecycle) -> String {
    let moment = |moment: &Moment| {
        let mut event = String::new();
        json::event(&mut event, &moment.row);
        Object::new()
            .raw("since_start_ns", moment.since_start_ns)
            .raw("since_previous_ns", moment.since_previous_ns)
            .text("role", moment.role.name())
            .raw("illegal", moment.illegal.as_ref().map_or("null".to_owned(), transition_json))
            .raw("event", event)
            .end()
    };
    let links = found.links.iter().map(|link| {
        let object = Object::new().text("from", &link.from).text("to", &link.to);
        object.text("relation", link.relation.name()).end()
    });
    let cycle = |cycle: &Vec<String>| {
        let ids: Vec<String> = cycle.iter().map(|id| json_of(&Datum::from(id.as_str()))).collect();
        format!("[{}]", ids.join(","))
    };
    let unreadable = found.unreadable.iter().map(|part| {
        Object::new().text("path", &part.path.display().to_string()).text("reason", &part.reason).end()
    });
    let identity = match found.identity {
        Identity::Order => "order",
        Identity::Correlation => "correlation",
    };
    Object::new()
        .text("id", &found.id)
        .text("identity", identity)
        .list("orders", found.orders.iter().map(life_json))
        .list("links", links)
        .list("cycles", found.cycles.iter().map(cycle))
        .texts("missing", found.missing.iter().map(String::as_str))
        .raw("has_more_orders", found.has_more_orders)
        .raw("events_left_out", found.events_left_out)
        .list("timeline", found.timeline.iter().map(moment))
        .list("unreadable", unreadable)
        .end()
}
