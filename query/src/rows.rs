//! Results: a stream of rows, and the rows.

use std::sync::Arc;

use blotter_engine::view::Unreadable;
use serde::de::DeserializeOwned;

use crate::cells::{Cells, Names};
use crate::datum::Datum;
use crate::error::Result;
pub use crate::plan::step::Picture;

/// The rows of a result, in a deterministic order: (`ts`, `seq`) unless the query sorts.
pub struct Rows {
    pub(crate) stream: Box<dyn Iterator<Item = Result<Row>> + Send>,
    pub(crate) columns: Option<Vec<Arc<str>>>,
    pub(crate) picture: Picture,
    pub(crate) zone: chrono_tz::Tz,
}

impl Rows {
    /// A result of rows that are at hand, for tests of what shows results.
    #[doc(hidden)]
    pub fn of<'a>(
        columns: Option<&[&str]>,
        picture: Picture,
        zone: chrono_tz::Tz,
        rows: impl IntoIterator<Item = Result<Vec<(&'a str, Datum)>>>,
    ) -> Rows {
        let names = Arc::new(Names::default());
        let row = |cells: Vec<(&str, Datum)>| {
            let mut row = Row { names: Arc::clone(&names), cells: Cells::with_capacity(cells.len()) };
            cells.into_iter().for_each(|(name, datum)| row.cells.set(names.slot(name), datum));
            row
        };
        let rows: Vec<Result<Row>> = rows.into_iter().map(|cells| cells.map(row)).collect();
        let columns = columns.map(|columns| columns.iter().map(|name| Arc::from(*name)).collect());
        Rows { stream: Box::new(rows.into_iter()), columns, picture, zone }
    }

    /// The columns, in order, if they are the same for all rows; `None` if each row has the fields its event has.
    pub fn columns(&self) -> Option<&[Arc<str>]> {
        self.columns.as_deref()
    }

    /// How the rows are best shown.
    pub fn picture(&self) -> Picture {
        self.picture
    }

    /// The zone in which times are best shown.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.zone
    }

    /// What could not be read so far; the result is whole only if this is empty at its end.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        Vec::new()
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        self.stream.next()
    }
}

/// A row of a result.
#[derive(Clone, Debug)]
pub struct Row {
    pub(crate) names: Arc<Names>,
    pub(crate) cells: Cells,
}

impl Row {
    /// The value of a column; null if the row lacks it.
    pub fn get(&self, name: &str) -> &Datum {
        self.cells.get(self.names.slot(name))
    }

    /// Its values with the names of their columns, in the order in which they are best shown. Nulls are left out.
    pub fn iter(&self) -> impl Iterator<Item = (Arc<str>, &Datum)> {
        self.cells.iter().map(|(slot, datum)| (self.names.name(slot), datum))
    }

    /// The row as a type of yours, by the names of its fields.
    ///
    /// # Errors
    /// A value that the type does not take.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        Err(crate::QueryError::new(crate::error::ErrorKind::Type, "not built"))
    }
}
