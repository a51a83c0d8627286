//! How programs ask: a query text and options on a database, a reader or a snapshot.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use blotter_engine::event::Timestamp;
use blotter_engine::{Db, Reader, Snapshot};
use chrono_tz::Tz;

use crate::cells::Names;
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::budget::Budget;
pub use crate::exec::budget::Cancel;
use crate::exec::execution::Execution;
use crate::exec::report::Report;
use crate::exec::{driver, explain};
use crate::plan::bind;
use crate::plan::step::Output;
use crate::rows::{Row, Rows};
use crate::syntax;
use crate::vocabulary::Vocabulary;

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
            threads: threads_of_machine(),
            allow_unknown_fields: false,
        }
    }
}

/// Asked once: the answer is read from files.
fn threads_of_machine() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *THREADS
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
        run(self.to_snapshot()?, text, options).map_err(|error| error.with_text(text))
    }
}

/// Times of the steps before a query runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preparation {
    pub(crate) parse: Duration,
    pub(crate) bind: Duration,
}

/// What `now` is.
pub(crate) fn now(options: &QueryOptions) -> Timestamp {
    options.now.unwrap_or_else(|| {
        let now = chrono::Utc::now().timestamp_nanos_opt();
        Timestamp(now.expect("the clock of the machine is within 1677 and 2262"))
    })
}

fn run(snapshot: Snapshot, text: &str, options: &QueryOptions) -> Result<Rows> {
    let started = Instant::now();
    let query = syntax::parse(text)?;
    let parse = started.elapsed();
    let names = Arc::new(Names::default());
    let vocabulary = Vocabulary::new(snapshot.clone());
    let mut plan = bind::bind(&query, &names, &vocabulary, options, now(options))?;
    let preparation = Preparation { parse, bind: started.elapsed() - parse };
    let execution = Arc::new(Execution {
        budget: Budget::new(options.cancel.clone(), options.timeout, options.memory_bytes_max),
        report: Report::new(&snapshot),
        threads: options.threads.max(1),
        explains: plan.explain,
        names: Arc::clone(&names),
        snapshot,
    });
    let stream = if std::mem::take(&mut plan.explain) {
        plan.output = Output::Listed(vec![names.slot("what"), names.slot("value")]);
        explain::explain(plan.clone(), query, preparation, &execution)
    } else {
        driver::run(&plan, &execution)?
    };
    let columns = match &plan.output {
        Output::Open => None,
        Output::Listed(slots) => Some(slots.iter().map(|slot| names.name(*slot)).collect()),
    };
    let text = text.to_owned();
    let row = move |cells: Result<_>| match cells {
        Ok(cells) => Ok(Row { names: Arc::clone(&names), cells }),
        Err(error) => Err(error.with_text(&text)),
    };
    Ok(Rows {
        stream: Box::new(stream.map(row)),
        columns,
        picture: plan.picture,
        zone: plan.zone,
        execution: Some(execution),
    })
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
