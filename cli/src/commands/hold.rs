//! `blotter hold`: keeps what a case needs.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use blotter::Reader;
use blotter::control::{Request, Response};
use blotter::ledger::{Hold as Placed, HoldId, HoldQuery, Ledger};
use blotter::maintain::plan::{HoldSearch, Partition};
use blotter::segment::SegmentMeta;

use super::Output;
use super::policy::Categories;
use crate::administer::{administer, unexpected};
use crate::args::Format;
use crate::args::administer::{Hold, HoldAction, HoldAdd};
use crate::outcome::{Failure, Outcome, say};
use crate::render::amount::second;
use crate::render::escape::escaped;
use crate::render::grid::{Align, Grid};
use crate::render::json::Object;
use crate::render::ledger::{hold_query, hold_query_json};

/// Longest file of ids: more than a hold can have.
const ID_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Runs the command.
pub(crate) fn run(arguments: &Hold) -> Result<Outcome, Failure> {
    let directory = &arguments.directory;
    match &arguments.action {
        HoldAction::Add(add) => place(directory, add),
        HoldAction::List { format } => list(directory, *format),
        HoldAction::Release { id, by } => {
            match administer(directory, &Request::ReleaseHold(HoldId(*id)), &by.by())? {
                Response::HoldReleased => said(&format!("hold {id} is released")),
                _ => Err(unexpected(directory)),
            }
        }
    }
}

fn place(directory: &Path, add: &HoldAdd) -> Result<Outcome, Failure> {
    let hold = Placed { case: add.case.clone(), query: query(add)? };
    hold.check().map_err(|refused| Failure::Usage(refused.to_string()))?;
    let reader = Reader::open(directory)?;
    let categories = Categories::of(&reader.snapshot()?, &reader.ledger()?);
    // A hold on a category that is misspelt would keep nothing.
    for category in &hold.query.categories {
        categories.check(category, add.new_category)?;
    }
    let (shown, query) = (hold_query(&hold.query), hold.query.clone());
    let placed = match administer(directory, &Request::PlaceHold(hold), &add.by.by())? {
        Response::HoldPlaced(id) => said(&format!("hold {id} is placed for case {}: {shown}", add.case))?,
        _ => return Err(unexpected(directory)),
    };
    match partitions_held(&reader, &query)? {
        0 => say(
            "warning: no event there is now meets it; what is given is compared exactly as it was recorded",
        ),
        1 => say("it keeps 1 day of a category, as of now"),
        days => say(format_args!("it keeps {days} days of categories, as of now")),
    }
    Ok(placed)
}

/// How many partitions have an event that meets a hold.
fn partitions_held(reader: &Reader, query: &HoldQuery) -> Result<usize, Failure> {
    let snapshot = reader.snapshot()?;
    let partition = |meta: &SegmentMeta| Partition { category: meta.category.clone(), day: meta.day };
    let partitions: BTreeSet<Partition> = snapshot.segments().map(partition).collect();
    let search = HoldSearch::new(&snapshot);
    Ok(partitions.iter().filter(|partition| search.is_held(query, partition)).count())
}

fn query(add: &HoldAdd) -> Result<HoldQuery, Failure> {
    let mut order_ids = add.order_ids.clone();
    if let Some(path) = &add.order_ids_from {
        order_ids.extend(ids_of(path)?);
    }
    let query = HoldQuery {
        from: add.from,
        until: add.until,
        categories: add.categories.clone(),
        symbols: add.symbols.clone(),
        order_ids,
        correlation_ids: add.correlation_ids.clone(),
        strategies: add.strategies.clone(),
    };
    match (query == HoldQuery::default(), add.all) {
        (true, false) => Err(Failure::Usage(
            "a hold without criteria keeps everything; give a criterion, or --all if that is meant"
                .to_owned(),
        )),
        (false, true) => Err(Failure::Usage("--all is for a hold without other criteria".to_owned())),
        _ => Ok(query),
    }
}

/// Ids of a file, one a line, blank ones left out. A file without any is a mistake: the hold would keep everything.
fn ids_of(path: &Path) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let (source, read): (&Path, Box<dyn Read>) = if path == Path::new("-") {
        (Path::new("the standard input"), Box::new(std::io::stdin().lock()))
    } else {
        (path, Box::new(std::fs::File::open(path).map_err(|error| Failure::io("open", path, error))?))
    };
    read.take(ID_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::io("read", source, error))?;
    let shown = source.display();
    if text.len() as u64 > ID_FILE_BYTES_MAX {
        return Err(Failure::Usage(format!("{shown} has more than {ID_FILE_BYTES_MAX} bytes of ids")));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let ids: Vec<String> =
        text.lines().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() { Err(Failure::Usage(format!("{shown} has no ids"))) } else { Ok(ids) }
}

fn list(directory: &Path, format: Format) -> Result<Outcome, Failure> {
    let ledger = Reader::open(directory)?.ledger()?;
    let mut output = Output::new(format);
    match format {
        Format::Text => {
            let grid = grid(&ledger);
            if grid.is_empty() {
                output.line("holds: none")?;
            } else {
                grid.lines().iter().try_for_each(|line| output.line(line))?;
            }
        }
        Format::Json => {
            for (id, hold, entry) in ledger.holds() {
                let object = Object::new().raw("hold", id).text("case", &hold.case);
                let object = object.text("time", &blotter::Timestamp(entry.at_ns).to_string());
                let object = object.text("actor", &entry.actor).text("reason", &entry.reason);
                output.line(hold_query_json(object, &hold.query).end())?;
            }
        }
    }
    output.flush()?;
    Ok(Outcome::Yes)
}

/// The holds in force.
pub(super) fn grid(ledger: &Ledger) -> Grid {
    let mut grid = Grid::new(&[
        ("hold", Align::Right),
        ("case", Align::Left),
        ("events", Align::Left),
        ("since", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    for (id, hold, entry) in ledger.holds() {
        grid.row([
            id.to_string(),
            hold.case.clone(),
            hold_query(&hold.query),
            second(entry.at_ns),
            entry.actor.clone(),
            entry.reason.clone(),
        ]);
    }
    grid
}

fn said(text: &str) -> Result<Outcome, Failure> {
    let mut output = Output::new(Format::Text);
    output.line(escaped(text))?;
    output.flush()?;
    Ok(Outcome::Yes)
}
