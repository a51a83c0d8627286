//! Results: a stream of rows, and the rows.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cells::{Cells, Names};
use crate::datum::Datum;
use crate::datum::serialize::RowDeserializer;
use crate::error::Result;
use crate::exec::execution::Execution;
pub use crate::exec::report::UnreadablePart;
pub use crate::plan::step::Picture;

/// The rows of a result, in a deterministic order: (`ts`, `seq`) unless the query sorts.
pub struct Rows {
    pub(crate) stream: Box<dyn Iterator<Item = Result<Row>> + Send>,
    pub(crate) columns: Option<Vec<Arc<str>>>,
    pub(crate) picture: Picture,
    pub(crate) zone: chrono_tz::Tz,
    /// None for rows that were not read from a database.
    pub(crate) execution: Option<Arc<Execution>>,
}

impl Rows {
    /// A result of rows that are at hand: for programs that show such as they show those of queries.
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
        Rows { stream: Box::new(rows.into_iter()), columns, picture, zone, execution: None }
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

    /// The rows as a type of yours; see [`Row::deserialize`].
    pub fn deserialize<T: DeserializeOwned>(self) -> impl Iterator<Item = Result<T>> {
        self.map(|row| row?.deserialize())
    }

    /// What could not be read so far; the result is whole only if this is empty at its end.
    pub fn unreadable(&self) -> Vec<UnreadablePart> {
        self.execution.as_ref().map(|execution| execution.report.unreadable_parts()).unwrap_or_default()
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
        self.names.known(name).map_or(&Datum::Null, |slot| self.cells.get(slot))
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
        T::deserialize(RowDeserializer::new(self.iter()))
    }
}

/// As a map from column to value; nulls are left out.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, datum) in self.iter() {
            map.serialize_entry(&*name, datum)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use blotter_engine::dec;
    use blotter_engine::event::{Decimal, Level, Timestamp};
    use serde::Deserialize;

    use super::*;

    fn row() -> Row {
        let names = Arc::new(Names::default());
        let mut cells = Cells::default();
        for (name, datum) in [
            ("ts", Datum::Time(Timestamp(1_500_000_000))),
            ("seq", Datum::Int(7)),
            ("level", Datum::Level(Level::Warn)),
            ("price", Datum::Decimal(dec!(223.8000))),
            ("ratio", Datum::Float(0.5)),
            ("age", Datum::Duration(1_500_000)),
            ("symbol", Datum::from("AAPL")),
            ("ok", Datum::Bool(true)),
        ] {
            cells.push(names.slot(name), datum);
        }
        Row { names, cells }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Severity {
        Warn,
        Error,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Ids(u64);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Typed {
        ts: i64,
        seq: Ids,
        level: Severity,
        price: Decimal,
        ratio: f32,
        age: i64,
        symbol: String,
        ok: bool,
        missing: Option<f64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Loose {
        ts: String,
        seq: Option<u8>,
        level: String,
        price: f64,
        ratio: Option<String>,
        age: String,
    }

    #[test]
    fn rows_become_types_by_the_names_of_their_fields() {
        let typed = Typed {
            ts: 1_500_000_000,
            seq: Ids(7),
            level: Severity::Warn,
            price: dec!(223.8000),
            ratio: 0.5,
            age: 1_500_000,
            symbol: "AAPL".into(),
            ok: true,
            missing: None,
        };
        assert_eq!((row().get("seq"), row().get("nobody")), (&Datum::Int(7), &Datum::Null));
        let found: Typed = row().deserialize().unwrap();
        assert_eq!((found.price.scale(), found), (4, typed));
        let loose = Loose {
            ts: "1970-01-01T00:00:01.500000000Z".into(),
            seq: Some(7),
            level: "warn".into(),
            price: 223.8,
            ratio: Some("0.5".into()),
            age: "1.5ms".into(),
        };
        assert_eq!(row().deserialize::<Loose>().unwrap(), loose);
        let texts: BTreeMap<String, String> = row().deserialize().unwrap();
        assert_eq!((texts.len(), texts["price"].as_str()), (8, "223.8000"));
    }

    #[test]
    fn a_value_that_the_type_does_not_take_is_named() {
        #[derive(Debug, Deserialize)]
        struct Wrong {
            #[expect(dead_code)]
            symbol: i64,
        }
        let error = row().deserialize::<Wrong>().unwrap_err();
        let message = "column 'symbol': invalid type: string \"AAPL\", expected i64";
        assert_eq!(error.message(), message);
        #[derive(Debug, Deserialize)]
        struct Absent {
            #[expect(dead_code)]
            nobody: i64,
        }
        assert_eq!(row().deserialize::<Absent>().unwrap_err().message(), "missing field `nobody`");
    }

    #[test]
    fn rows_are_json_objects_with_every_digit() {
        let expected = concat!(
            r#"{"ts":"1970-01-01T00:00:01.500000000Z","seq":7,"level":"warn","price":223.8000,"ratio":0.5,"#,
            r#""age":1500000,"symbol":"AAPL","ok":true}"#
        );
        assert_eq!(serde_json::to_string(&row()).unwrap(), expected);
    }
}
