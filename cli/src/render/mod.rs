//! From events and rows to text: a table or a line each for people, JSON or CSV for programs.
//!
//! ```text
//! printer ─▶ table ─▶ layout   which columns, how wide
//!    │         └────▶ spark    bars and sparklines
//!    ├─────▶ text, json, csv   a row, a line
//!    └─────▶ value, escape     what stands in a cell, made safe
//! orders                       what became of orders
//! grid, amount                 small tables of what the program itself has to say
//! report, figure               reports: figures with their units, tables, sparklines
//! ```
//! Nothing that was recorded reaches the output unescaped, whatever the format.

pub(crate) mod amount;
pub(crate) mod csv;
pub(crate) mod escape;
pub(crate) mod grid;
pub(crate) mod json;
mod layout;
pub(crate) mod ledger;
pub(crate) mod orders;
pub(crate) mod printer;
pub(crate) mod report;
mod spark;
pub(crate) mod style;
mod table;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod width;

use blotter::Row;
use blotter::event::Event;
use blotter::query::datum::DatumRef;

pub(crate) use printer::Printer;

/// What has named values in an order: an event, or a row of a result.
pub(crate) trait Fields {
    /// Gives each value with its name, nulls left out.
    fn each(&self, visit: &mut dyn FnMut(&str, DatumRef<'_>));

    /// Gives the value of a name to a function; null if there is none.
    fn with<T>(&self, name: &str, take: impl FnOnce(DatumRef<'_>) -> T) -> T;
}

impl Fields for Event {
    fn each(&self, visit: &mut dyn FnMut(&str, DatumRef<'_>)) {
        visit("ts", DatumRef::Time(self.ts));
        visit("seq", DatumRef::Int(self.seq.0.try_into().unwrap_or(i64::MAX)));
        visit("producer", DatumRef::Int(self.producer.0.into()));
        visit("pseq", DatumRef::Int(self.pseq.try_into().unwrap_or(i64::MAX)));
        visit("category", DatumRef::Category(self.category));
        visit("level", DatumRef::Level(self.level));
        for (key, value) in &self.fields {
            visit(key.name(), value.borrow().into());
        }
    }

    fn with<T>(&self, name: &str, take: impl FnOnce(DatumRef<'_>) -> T) -> T {
        let field = self.get(name).map_or(DatumRef::Null, DatumRef::from);
        take(match name {
            "ts" => DatumRef::Time(self.ts),
            "seq" => DatumRef::Int(self.seq.0.try_into().unwrap_or(i64::MAX)),
            "category" => DatumRef::Category(self.category),
            "level" => DatumRef::Level(self.level),
            _ => field,
        })
    }
}

impl Fields for Row {
    fn each(&self, visit: &mut dyn FnMut(&str, DatumRef<'_>)) {
        for (name, value) in self.iter() {
            visit(&name, value.borrow());
        }
    }

    fn with<T>(&self, name: &str, take: impl FnOnce(DatumRef<'_>) -> T) -> T {
        take(self.get(name).borrow())
    }
}
