//! Which columns a table has and how wide they are, decided from its first rows.
//!
//! Rows with listed columns are shown with all of them; events with the usual ones first and what else they have
//! as `name=value` in a last column, so that no field is left out. Where there is a terminal to fit, text gives
//! way, the widest first; numbers, times and levels never do, for a number cut short is another number, and
//! neither do identifiers, which differ at their ends. Columns that have no room even so are named to whoever reads
//! the table.

use std::collections::HashSet;
use std::sync::Arc;

use blotter::Row;
use blotter::query::datum::DatumRef;
use chrono_tz::Tz;

use super::Fields;
use super::escape::escaped;
use super::style::{Paint, Style};
use super::text::{bare_or_quoted, quoted, word_of};
use super::value::{self, TimeForm, fraction_digits};
use super::width::{cap, width};

/// Between columns.
pub(super) const GAP: usize = 2;

/// Text is cut to no less than this.
const TEXT_WIDTH_MIN: usize = 8;

/// A text has a column of its own if that much of it fits.
const COLUMN_WIDTH_MIN: usize = 12;

/// Text columns whose names end so hold identifiers.
const IDENTIFIER_ENDING: &str = "_id";

/// Identifiers up to that are kept whole, as UUIDs and what names begin with; longer ones are text like any other.
const IDENTIFIER_WIDTH_MAX: usize = 48;

/// What the fields without a column of their own need at least.
const OTHERS_WIDTH_MIN: usize = 16;

/// The columns of events, in the order in which they are shown.
const USUAL: [&str; 12] = [
    "ts", "level", "category", "event", "symbol", "strategy", "order_id", "side", "quantity", "price",
    "status", "message",
];

/// The same, those first that are the last to be given up.
const BY_WORTH: [&str; 12] = [
    "ts", "level", "event", "message", "order_id", "symbol", "category", "side", "price", "quantity",
    "status", "strategy",
];

/// Those that do in pipes.
const IN_PIPES: [&str; 6] = ["ts", "level", "category", "event", "symbol", "message"];

/// See the module.
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    /// Names of columns that have no room, safe.
    pub(super) left_out: Vec<String>,
    /// Names that have a column, for rows that have more than those.
    shown: HashSet<Arc<str>>,
}

/// A column of a table.
pub(super) struct Column {
    /// What stands in it; everything without a column of its own if it has no name.
    pub(super) name: Option<Arc<str>>,
    /// What stands above it, safe.
    pub(super) header: String,
    /// The room it has.
    pub(super) width: usize,
    /// Numbers stand to the right.
    pub(super) is_right: bool,
    /// Text can be cut to the width.
    pub(super) is_elastic: bool,
    is_text: bool,
    times: TimeForm,
}

impl Layout {
    /// Of rows with listed columns; `reserved` is room that something else needs beside them.
    pub(super) fn listed(
        rows: &[Row],
        names: &[Arc<str>],
        zone: Tz,
        style: &Style,
        reserved: usize,
    ) -> Layout {
        let mut columns: Vec<Column> = names.iter().map(|name| Column::of(rows, name, zone)).collect();
        let mut left_out = Vec::new();
        if let Some(room) = style.width.map(|width| width.saturating_sub(reserved)) {
            columns.iter_mut().for_each(|column| column.keep_identifiers(room));
            while !fit(&mut columns, room) && columns.len() > 1 {
                let last = columns.len() - 1;
                let given_up =
                    columns.iter().rposition(|column| !column.is_kept_identifier()).unwrap_or(last);
                left_out.push(columns.remove(given_up));
            }
        }
        // In the order in which they would stand.
        let place = |column: &Column| names.iter().position(|name| column.name.as_ref() == Some(name));
        left_out.sort_by_key(place);
        let left_out = left_out.into_iter().map(|column| column.header).collect();
        Layout { columns, left_out, shown: HashSet::new() }
    }

    /// Of events, or rows that still have the fields that their events have.
    pub(super) fn open(rows: &[Row], zone: Tz, style: &Style) -> Layout {
        let occurs = |name: &str| rows.iter().any(|row| !row.get(name).is_null());
        let usual: Vec<&str> = BY_WORTH.into_iter().filter(|name| occurs(name)).collect();
        let mut chosen: Vec<Column> = Vec::new();
        let mut taken = OTHERS_WIDTH_MIN;
        // The same if all text is cut as short as it can be, which it is for identifiers.
        let mut taken_cut = TEXT_WIDTH_MIN;
        for name in usual {
            let mut column = Column::of(rows, &name.into(), zone);
            match style.width {
                Some(room) => {
                    column.keep_identifiers(room);
                    let (needed, needed_cut) = (column.width_min() + GAP, column.width_cut() + GAP);
                    let is_kept = column.is_kept_identifier();
                    let fits = if is_kept { taken_cut + needed_cut <= room } else { taken + needed <= room };
                    if fits || chosen.is_empty() {
                        (taken, taken_cut) = (taken + needed, taken_cut + needed_cut);
                        chosen.push(column);
                    } else if !is_kept {
                        // Others may do with the room that identifiers cannot.
                        break;
                    }
                }
                None if IN_PIPES.contains(&name) => chosen.push(column),
                None => {}
            }
        }
        let place = |column: &Column| USUAL.iter().position(|name| column.name.as_deref() == Some(*name));
        chosen.sort_by_key(place);
        let shown = chosen.iter().filter_map(|column| column.name.clone()).collect();
        let mut layout = Layout { columns: chosen, left_out: Vec::new(), shown };
        let others = rows.iter().map(|row| width(&layout.others(row, TimeForm::whole(zone)))).max();
        layout.columns.push(Column::of_others(others.unwrap_or(0), zone));
        if let Some(room) = style.width {
            // The columns were chosen so that they fit, if more than one was.
            if !fit(&mut layout.columns, room) {
                narrow(&mut layout.columns, TEXT_WIDTH_MIN);
            }
        }
        layout
    }

    /// The room that all columns take.
    pub(super) fn width(&self) -> usize {
        self.columns.iter().map(|column| column.width).sum::<usize>()
            + GAP * self.columns.len().saturating_sub(1)
    }

    /// What stands in a cell, safe, and how it is painted.
    pub(super) fn cell(&self, column: &Column, row: &Row) -> (String, Paint) {
        let Some(name) = &column.name else { return (self.others(row, column.times), Paint::Plain) };
        row.with(name, |value| {
            let paint = match value {
                DatumRef::Level(level) => Paint::Level(level),
                _ => Paint::Plain,
            };
            (column.text_of(value), paint)
        })
    }

    /// Everything that has no column of its own: `name=value`, and the seq at the end. Who recorded an event is
    /// left to those who ask for it.
    fn others(&self, row: &Row, times: TimeForm) -> String {
        let mut others = String::new();
        let mut seq = None;
        // First what says most, unnamed as in a line of text.
        if !self.shown.contains("message") {
            row.with("message", |value| {
                if let DatumRef::Str(sentence) = value {
                    others.push_str(&format!("{} ", quoted(sentence)));
                }
            });
        }
        row.each(&mut |name, value| match (name, value) {
            (name, _) if self.shown.contains(name) => {}
            ("message", DatumRef::Str(_)) => {}
            ("producer" | "pseq", DatumRef::Int(_)) => {}
            ("seq", DatumRef::Int(found)) => seq = Some(found),
            (name, value) => {
                others.push_str(&format!("{}={} ", bare_or_quoted(name), word_of(value, times)));
            }
        });
        if let Some(seq) = seq {
            others.push_str(&format!("#{seq}"));
        }
        others.truncate(others.trim_end_matches(' ').len());
        others
    }
}

impl Column {
    fn of(rows: &[Row], name: &Arc<str>, zone: Tz) -> Column {
        let header = escaped(name).to_string();
        let (mut numbers, mut texts, mut digits) = (0usize, 0usize, 0);
        let mut values = 0;
        for row in rows {
            row.with(name, |value| match value {
                DatumRef::Null => {}
                DatumRef::Int(_) | DatumRef::Float(_) | DatumRef::Decimal(_) | DatumRef::Duration(_) => {
                    (values, numbers) = (values + 1, numbers + 1);
                }
                DatumRef::Str(_) => (values, texts) = (values + 1, texts + 1),
                DatumRef::Time(time) => {
                    values += 1;
                    digits = digits.max(fraction_digits(time));
                }
                _ => values += 1,
            });
        }
        let mut column = Column {
            name: Some(Arc::clone(name)),
            width: width(&header),
            header,
            is_right: values > 0 && numbers == values,
            is_elastic: texts > 0,
            is_text: texts > 0,
            times: TimeForm { zone, fraction_digits: digits },
        };
        for row in rows {
            let taken = row.with(name, |value| width(&column.text_of(value)));
            column.width = column.width.max(taken);
        }
        column
    }

    fn of_others(widest: usize, zone: Tz) -> Column {
        let header = "fields".to_owned();
        Column {
            name: None,
            width: widest.max(header.len()),
            header,
            is_right: false,
            is_elastic: true,
            is_text: true,
            times: TimeForm::whole(zone),
        }
    }

    /// Keeps identifiers whole, if so much room is enough for them.
    fn keep_identifiers(&mut self, room: usize) {
        if self.is_identifier() && self.width <= room.min(IDENTIFIER_WIDTH_MAX) {
            self.is_elastic = false;
        }
    }

    fn is_identifier(&self) -> bool {
        self.is_text && self.name.as_ref().is_some_and(|name| name.ends_with(IDENTIFIER_ENDING))
    }

    /// Whether it holds identifiers that are kept whole.
    fn is_kept_identifier(&self) -> bool {
        self.is_identifier() && !self.is_elastic
    }

    /// The room it needs at least.
    fn width_min(&self) -> usize {
        if self.is_elastic { self.width.min(COLUMN_WIDTH_MIN) } else { self.width }
    }

    /// The room it takes when cut as short as can be.
    fn width_cut(&self) -> usize {
        if self.is_elastic { self.width.min(TEXT_WIDTH_MIN) } else { self.width }
    }

    fn text_of(&self, value: DatumRef<'_>) -> String {
        match value {
            // Not to be taken for no text.
            DatumRef::Str("") => "\"\"".to_owned(),
            DatumRef::Str(text) => escaped(text).to_string(),
            value => value::text_of(value, self.times),
        }
    }
}

/// Makes text columns narrower until all fit, if they can.
fn fit(columns: &mut [Column], room: usize) -> bool {
    let gaps = GAP * columns.len().saturating_sub(1);
    let rigid: usize = columns.iter().filter(|column| !column.is_elastic).map(|column| column.width).sum();
    let elastic: Vec<usize> =
        columns.iter().filter(|column| column.is_elastic).map(|column| column.width).collect();
    let fitting = room.checked_sub(gaps + rigid).and_then(|room| cap(&elastic, TEXT_WIDTH_MIN, room));
    if let Some(widest) = fitting {
        narrow(columns, widest);
    }
    fitting.is_some()
}

fn narrow(columns: &mut [Column], widest: usize) {
    for column in columns.iter_mut().filter(|column| column.is_elastic) {
        column.width = column.width.min(widest);
    }
}
