//! The columns that a stage can name.
//!
//! Rows are events at first, with any field that the database has. Stages add columns, remove them, or close the rows:
//! from then on there are the listed columns and no others.

use blotter_engine::event::Field;

use super::Pipeline;
use crate::cells::Slot;
use crate::error::{ErrorKind, QueryError, Result};
use crate::nearest::nearest;
use crate::plan::kinds::Kinds;
use crate::syntax::ast::Name;
use crate::time::unit::{self, Unit};

/// A column that is known by name.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) slot: Slot,
    /// What it can be.
    pub(super) kinds: Kinds,
    /// Whether it is what was recorded.
    pub(super) is_recorded: bool,
    /// The width of the bins of `ts`, if it holds their starts.
    pub(super) bin_ns: Option<i64>,
    /// The name it would have had without `as`.
    pub(super) default_name: Option<String>,
    /// By its name, or that of the column it comes from.
    pub(super) unit: Option<Unit>,
}

impl Column {
    /// One that was computed.
    pub(super) fn computed(name: &str, slot: Slot, kinds: Kinds) -> Column {
        let unit = unit::of_field(name);
        Column {
            name: name.to_owned(),
            slot,
            kinds,
            is_recorded: false,
            bin_ns: None,
            default_name: None,
            unit,
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Whether rows have fields of events beside the columns.
    is_open: bool,
    columns: Vec<Column>,
    /// Fields of events that were removed.
    removed: Vec<String>,
    /// The columns of other queries, under their prefix, with the step that brings them.
    others: Vec<(&'static str, usize, Scope)>,
}

/// The kinds of what an event has beside its fields.
fn reserved_kinds(name: &str) -> Option<Kinds> {
    Some(match name {
        "ts" => Kinds::TIME,
        "seq" | "producer" | "pseq" => Kinds::EXACT,
        "category" => Kinds::CATEGORY,
        "level" => Kinds::LEVEL,
        _ => return None,
    })
}

/// Whether values of a well-known field are words by its meaning.
pub(super) fn is_word_field(name: &str) -> bool {
    const WORDS: [Field; 12] = [
        Field::EVENT,
        Field::MESSAGE,
        Field::ORDER_ID,
        Field::CORRELATION_ID,
        Field::SYMBOL,
        Field::STRATEGY,
        Field::SERVICE,
        Field::SESSION_ID,
        Field::SIDE,
        Field::ORDER_TYPE,
        Field::STATUS,
        Field::TAGS,
    ];
    Field::from_name(name).is_some_and(|field| WORDS.contains(&field))
}

impl Scope {
    /// The fields of events.
    pub(super) fn events() -> Scope {
        Scope { is_open: true, columns: Vec::new(), removed: Vec::new(), others: Vec::new() }
    }

    /// These columns and no others.
    pub(super) fn listed(columns: Vec<Column>) -> Scope {
        Scope { is_open: false, columns, removed: Vec::new(), others: Vec::new() }
    }

    /// Whether other queries brought columns.
    pub(super) fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The slots of its columns, in order.
    pub(super) fn slots(&self) -> Vec<Slot> {
        self.columns.iter().map(|column| column.slot).collect()
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column that a call of an aggregate stands for.
    pub(super) fn aggregate(&self, default_name: &str) -> Option<&Column> {
        let by_default = |column: &&Column| column.default_name.as_deref() == Some(default_name);
        self.columns.iter().find(by_default).or_else(|| self.column(default_name))
    }

    /// Whether rows have a field as it was recorded.
    pub(super) fn has_event_field(&self, name: &str) -> bool {
        match self.column(name) {
            Some(column) => column.is_recorded,
            None => self.is_open && !self.removed.iter().any(|removed| removed == name),
        }
    }

    /// Sets a column.
    pub(super) fn set(&mut self, column: Column) {
        match self.columns.iter_mut().find(|known| known.name == column.name) {
            Some(known) => *known = column,
            None => self.columns.push(column),
        }
    }

    /// Removes a column.
    pub(super) fn remove(&mut self, name: &str) {
        self.columns.retain(|column| column.name != name);
        if self.is_open {
            self.removed.push(name.to_owned());
        }
    }

    /// Adds the columns of another query that this one lacks; the others are known by their names with a prefix.
    pub(super) fn add(&mut self, prefix: &'static str, step: usize, other: Scope) {
        self.is_open |= other.is_open;
        for column in &other.columns {
            if self.column(&column.name).is_none() {
                self.columns.push(column.clone());
            }
        }
        self.others.push((prefix, step, other));
    }

    /// The names of its columns, those of events left out.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

impl Pipeline<'_> {
    /// The column of a name.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn resolve(&self, name: &Name) -> Result<Column> {
        match self.find(&self.scope, &name.node) {
            Some(column) => Ok(column),
            None => Err(self.unknown(&self.scope, name)),
        }
    }

    /// The column of a name in the rows of another query.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn resolve_in(&self, scope: &Scope, name: &Name) -> Result<Column> {
        self.find(scope, &name.node).ok_or_else(|| self.unknown(scope, name))
    }

    fn find(&self, scope: &Scope, name: &str) -> Option<Column> {
        if let Some(column) = scope.column(name) {
            return Some(column.clone());
        }
        if let Some((prefix, own)) = name.split_once('.')
            && let Some((_, step, other)) = scope.others.iter().rev().find(|(known, ..)| *known == prefix)
            && let Some(column) = self.find(other, own)
        {
            let slot = self.slot(name);
            self.renamed.borrow_mut().push((*step, column.slot, slot));
            return Some(Column { name: name.to_owned(), slot, is_recorded: false, ..column });
        }
        let is_removed = scope.removed.iter().any(|removed| removed == name);
        let is_known = || {
            reserved_kinds(name).is_some()
                || self.context.schema.knows(name)
                || self.context.options.allow_unknown_fields
        };
        let kinds = reserved_kinds(name).unwrap_or(Kinds::FIELD);
        (scope.is_open && !is_removed && is_known())
            .then(|| Column { is_recorded: true, ..Column::computed(name, self.slot(name), kinds) })
    }

    /// The error for a name that there is not, with the one that was likely meant.
    fn unknown(&self, scope: &Scope, name: &Name) -> QueryError {
        let unknown = |message: String, label: &str| {
            QueryError::new(ErrorKind::UnknownName, message).with_place(name.span, label)
        };
        if let Some((prefix, own)) = name.node.split_once('.')
            && let Some((.., other)) = scope.others.iter().rev().find(|(known, ..)| *known == prefix)
        {
            let error = unknown(format!("the other query has no '{own}'"), "not among its columns");
            return match self.nearest(other, own) {
                Some(nearest) => error.with_hint(format!("did you mean '{prefix}.{nearest}'?")),
                None => error,
            };
        }
        if scope.is_open {
            if scope.removed.contains(&name.node) {
                let message = format!("field '{}' was removed by 'fields except'", name.node);
                return unknown(message, "not there any more");
            }
            let error = unknown(format!("unknown field '{}'", name.node), "no event has it");
            return match self.nearest(scope, &name.node) {
                Some(nearest) => error.with_hint(format!("did you mean '{nearest}'?")),
                None => {
                    error.with_hint("a value stands in quotes or after an operator; .schema lists all fields").with_hint(
                        "for a field that no event has yet: --allow-unknown-fields, QueryOptions::allow_unknown_fields",
                    )
                }
            };
        }
        let error = unknown(format!("no column '{}' here", name.node), "not among the columns of this stage");
        match self.nearest(scope, &name.node) {
            Some(nearest) => error.with_hint(format!("did you mean '{nearest}'?")),
            None if scope.columns.is_empty() => error.with_hint("the rows have no columns left"),
            None => error.with_hint(format!("the columns are {}", list(scope.names()))),
        }
    }

    /// The column or field that was likely meant.
    fn nearest(&self, scope: &Scope, name: &str) -> Option<String> {
        let fields = if scope.is_open { self.context.schema.fields() } else { Vec::new() };
        let reserved = Field::RESERVED.into_iter().filter(|_| scope.is_open);
        let candidates = scope.names().chain(reserved).chain(fields.iter().map(String::as_str));
        let is_there = |name: &&str| !scope.removed.iter().any(|removed| removed == name);
        nearest(name, candidates.filter(is_there)).map(str::to_owned)
    }
}

/// The first few of a list of names.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
