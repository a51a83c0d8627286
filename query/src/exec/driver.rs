//! From a bound plan to a stream of rows: chooses how the first steps read the database, and chains the rest.
//!
//! | the plan begins with | the database is read |
//! |---|---|
//! | `where`, `extend` and `fields`, then `stats` | by all threads, block by block, without making rows |
//! | `sort ts desc`, `tail n` | backwards, no further than rows are asked for |
//! | `sort`, `limit n` of few | by all threads; only the rows that remain are put together |
//! | a step that needs all rows at once | by all threads, then put in order |
//! | anything else | in order, no further than rows are asked for |

use std::sync::Arc;

use blotter_engine::event::Timestamp;

use super::aggregate;
use super::execution::{Execution, RowStream, ScanRequest, Source};
use super::lazy::lazily_all;
use super::source::{Database, top};
use super::steps;
use crate::cells::{Cells, Slot};
use crate::error::Result;
use crate::plan::inline::Inlined;
use crate::plan::scalar::{Condition, Scalar};
use crate::plan::step::{Lifecycle, Lives, Output, Plan, Step};

/// Runs a plan.
///
/// # Errors
/// What can be said before rows are made; the rest comes with the rows.
pub(crate) fn run(plan: &Plan, execution: &Arc<Execution>) -> Result<RowStream> {
    let source: Arc<dyn Source> = Arc::new(Database(Arc::clone(execution)));
    let plan = &narrowed(plan, execution);
    let (mut stream, rest) = begin(plan, &source, execution)?;
    for step in rest {
        stream = steps::apply(step, stream, &source, execution)?;
    }
    Ok(stream)
}

/// The plan, with the queries on the right of its joins, and its lives of orders, giving only the columns that are
/// wanted of them.
fn narrowed(plan: &Plan, execution: &Execution) -> Plan {
    let mut narrowed = plan.clone();
    for (index, step) in narrowed.steps.iter_mut().enumerate() {
        if let Step::Lifecycle(lifecycle) = step {
            lifecycle.columns = plan.required_lives(index, &execution.names);
        }
        if let Step::Asof { plan: right, .. } | Step::Join { plan: right, .. } = step
            && right.output == Output::Open
            && let Some(wanted) = plan.required_right(index, &execution.names)
        {
            right.output = Output::Listed(wanted);
        }
    }
    narrowed
}

/// How a plan begins, in words for `explain`.
pub(crate) fn access(plan: &Plan) -> &'static str {
    match Beginning::of(plan) {
        Beginning::Aggregate(_) => "columns of blocks, by all threads",
        Beginning::Backwards { .. } => "latest first, stopping early",
        Beginning::Tail { .. } => "latest first, stopping early",
        Beginning::Top { .. } => "keys of all matches, by all threads; rows of the first only",
        Beginning::Collect => "all matches, by all threads",
        Beginning::Nothing => "by its first stage",
        Beginning::InOrder { .. } => "in order, as rows are asked for",
    }
}

enum Beginning {
    /// The steps up to and with the first `stats`.
    Aggregate(Box<Inlined>),
    /// A sort by time, latest first: that step is done.
    Backwards {
        limit: Option<u64>,
    },
    /// `steps` that give or keep rows one by one, then `tail`.
    Tail {
        steps: usize,
        count: u64,
    },
    /// A sort by something else, of which few rows are wanted: that step is done.
    Top {
        keys: Vec<(Scalar, bool)>,
        limit: u64,
    },
    Collect,
    /// The first step reads the database itself.
    Nothing,
    /// `sorts`: the first step sorts by time, which the rows are in already.
    InOrder {
        sorts: Option<Option<u64>>,
    },
}

impl Beginning {
    fn of(plan: &Plan) -> Beginning {
        if let Some(inlined) = Inlined::of(plan) {
            return Beginning::Aggregate(Box::new(inlined));
        }
        if let Some(Step::Lifecycle(Lifecycle { of: Lives::All, .. })) = plan.steps.first() {
            return Beginning::Nothing;
        }
        let by_row = plan.steps.iter().take_while(|step| step.is_by_row()).count();
        if let Some(Step::Tail(count)) = plan.steps.get(by_row) {
            return Beginning::Tail { steps: by_row, count: *count };
        }
        let leading = leading_conditions(plan);
        match plan.steps.get(leading) {
            Some(Step::Sort { keys, limit }) => match &keys[..] {
                [(Scalar::Column(Slot::TS), true)] => Beginning::Backwards { limit: *limit },
                [(Scalar::Column(Slot::TS), false)] => Beginning::InOrder { sorts: Some(*limit) },
                _ => match limit {
                    None => Beginning::Collect,
                    Some(limit) if *limit <= top::LIMIT_ROWS_MAX => {
                        Beginning::Top { keys: keys.clone(), limit: *limit }
                    }
                    Some(_) => Beginning::InOrder { sorts: None },
                },
            },
            _ => {
                // After a `head`, few rows are asked for.
                let stops = |step: &&Step| !step.is_streaming() || matches!(step, Step::Head(_));
                match plan.steps[leading..].iter().find(stops) {
                    Some(Step::Sort { limit: None, .. } | Step::Related { .. } | Step::Context { .. })
                    | Some(Step::Asof { .. } | Step::Sessions(_)) => Beginning::Collect,
                    _ => Beginning::InOrder { sorts: None },
                }
            }
        }
    }
}

/// How many of the first steps only keep rows.
fn leading_conditions(plan: &Plan) -> usize {
    plan.steps.iter().take_while(|step| matches!(step, Step::Where(_))).count()
}

fn begin<'p>(
    plan: &'p Plan,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> Result<(RowStream, &'p [Step])> {
    let leading = leading_conditions(plan);
    let mut conditions = vec![plan.filter.clone()];
    conditions.extend(plan.steps[..leading].iter().filter_map(|step| match step {
        Step::Where(condition) => Some(condition.clone()),
        _ => None,
    }));
    let request = |backwards| ScanRequest {
        between: (Timestamp::MIN, Timestamp::MAX),
        condition: Condition::all(conditions),
        fields: plan.required_fields(&execution.names),
        backwards,
    };
    let after = &plan.steps[leading..];
    Ok(match Beginning::of(plan) {
        Beginning::Aggregate(inlined) => {
            let rest = &plan.steps[inlined.steps..];
            let Inlined { condition, stats, then, .. } = *inlined;
            let between = (Timestamp::MIN, Timestamp::MAX);
            let request = ScanRequest { between, condition, fields: None, backwards: false };
            let reading = Arc::clone(execution);
            let mut rows = lazily_all(move || aggregate::blocks(&reading, &request, &stats));
            for step in &then {
                rows = steps::apply(step, rows, source, execution)?;
            }
            (rows, rest)
        }
        Beginning::Backwards { limit } => {
            let rows =
                InOrderOfSeq { rows: source.scan(request(true))?, run: Vec::new(), next: None, done: false };
            (limited(Box::new(rows), limit), &after[1..])
        }
        Beginning::Tail { steps, count } => {
            let mut rows = source.scan(request(true))?;
            // What is done row by row gives the same rows from either end.
            for step in &plan.steps[leading..steps] {
                rows = steps::apply(step, rows, source, execution)?;
            }
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let execution = Arc::clone(execution);
            let reversed = move || {
                let mut latest = Vec::new();
                for row in rows.take(count) {
                    let row = row?;
                    execution.budget.take(row.bytes())?;
                    latest.push(row);
                }
                latest.reverse();
                Ok(latest)
            };
            (lazily_all(reversed), &plan.steps[steps + 1..])
        }
        Beginning::Top { keys, limit } => {
            let (request, execution) = (request(false), Arc::clone(execution));
            (lazily_all(move || top::first_rows(&execution, &request, &keys, limit)), &after[1..])
        }
        Beginning::Collect => {
            let (source, request, execution) = (Arc::clone(source), request(false), Arc::clone(execution));
            (lazily_released(execution, move || source.collect(request)), after)
        }
        Beginning::Nothing => (Box::new(std::iter::empty()), &plan.steps[..]),
        Beginning::InOrder { sorts } => {
            let rows = source.scan(request(false))?;
            match sorts {
                Some(limit) => (limited(rows, limit), &after[1..]),
                None => (rows, after),
            }
        }
    })
}

fn limited(rows: RowStream, limit: Option<u64>) -> RowStream {
    match limit {
        Some(limit) => Box::new(rows.take(usize::try_from(limit).unwrap_or(usize::MAX))),
        None => rows,
    }
}

/// As [`lazily`], of rows whose memory was taken, and is given back as they go on to whoever holds them next.
fn lazily_released(
    execution: Arc<Execution>,
    make: impl FnOnce() -> Result<Vec<Cells>> + Send + 'static,
) -> RowStream {
    let rows = lazily_all(make);
    Box::new(rows.inspect(move |row| {
        if let Ok(row) = row {
            execution.budget.release(row.bytes());
        }
    }))
}

/// Rows latest first, of which those of one time are brought into the order of seq: a sort by time keeps them so.
struct InOrderOfSeq {
    rows: RowStream,
    /// Rows of one time, the next one last.
    run: Vec<Cells>,
    /// The first row of the next time.
    next: Option<Cells>,
    done: bool,
}

impl Iterator for InOrderOfSeq {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        if let Some(row) = self.run.pop() {
            return Some(Ok(row));
        }
        self.run.extend(self.next.take());
        while !self.done {
            match self.rows.next() {
                None => self.done = true,
                Some(Err(error)) => {
                    self.done = true;
                    return Some(Err(error));
                }
                Some(Ok(row)) => {
                    let time = |row: &Cells| row.get(Slot::TS).as_timestamp();
                    if self.run.first().is_some_and(|first| time(first) != time(&row)) {
                        self.next = Some(row);
                        break;
                    }
                    self.run.push(row);
                }
            }
        }
        self.run.pop().map(Ok)
    }
}
