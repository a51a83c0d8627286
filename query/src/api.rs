//! How programs ask: a query text and options on a database, a reader or a snapshot.

use std::collections::BTreeMap;
use std::time::Duration;

use blotter_engine::event::Timestamp;
use blotter_engine::{Db, Reader, Snapshot};
use chrono_tz::Tz;

use crate::datum::Datum;
use crate::error::{ErrorKind, QueryError, Result};
pub use crate::exec::budget::Cancel;
use crate::rows::Rows;

/// Values for the `$names` of a query.
pub type Parameters = BTreeMap<String, Datum>;

/// How a query is run. The defaults are right for most.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Values of `$names`.
    pub parameters: Parameters,
    /// The zone in which days, bins and times of day are understood: UTC.
    pub zone: Tz,
    /// What `now` is; the clock of the machine when the query starts.
    pub now: Option<Timestamp>,
    /// Memory the query may take: 512 MiB.
    pub memory_bytes_max: usize,
    /// Time the query may take: no limit.
    pub timeout: Option<Duration>,
    /// Cancels it.
    pub cancel: Cancel,
    /// Threads it may use: as many as the machine has.
    pub threads: usize,
    /// Whether a field that no event has is taken as missing everywhere, rather than as a mistake.
    pub allow_unknown_fields: bool,
}

impl Default for QueryOptions {
    fn default() -> QueryOptions {
        QueryOptions {
            parameters: Parameters::new(),
            zone: Tz::UTC,
            now: None,
            memory_bytes_max: crate::limits::MEMORY_BYTES_DEFAULT,
            timeout: None,
            cancel: Cancel::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            allow_unknown_fields: false,
        }
    }
}

/// What can be queried.
pub trait Queryable {
    /// What is recorded up to now.
    ///
    /// # Errors
    /// Those of the engine.
    fn to_snapshot(&self) -> Result<Snapshot>;

    /// Runs a query.
    ///
    /// # Errors
    /// A query that is wrong; what fails while rows are made comes with the rows.
    fn query(&self, text: &str) -> Result<Rows> {
        self.query_with_options(text, &QueryOptions::default())
    }

    /// Runs a query with values for its `$names`, which need no quoting and cannot change its meaning.
    ///
    /// # Errors
    /// As [`Queryable::query`].
    fn query_with(&self, text: &str, parameters: Parameters) -> Result<Rows> {
        self.query_with_options(text, &QueryOptions { parameters, ..QueryOptions::default() })
    }

    /// Runs a query with options.
    ///
    /// # Errors
    /// As [`Queryable::query`].
    fn query_with_options(&self, text: &str, options: &QueryOptions) -> Result<Rows> {
        let _snapshot = self.to_snapshot()?;
        let _ = (text, options);
        Err(QueryError::new(ErrorKind::Database, "not built"))
    }
}

impl Queryable for Snapshot {
    fn to_snapshot(&self) -> Result<Snapshot> {
        Ok(self.clone())
    }
}

impl Queryable for Reader {
    fn to_snapshot(&self) -> Result<Snapshot> {
        Ok(self.snapshot()?)
    }
}

impl Queryable for Db {
    fn to_snapshot(&self) -> Result<Snapshot> {
        Ok(self.snapshot()?)
    }
}
