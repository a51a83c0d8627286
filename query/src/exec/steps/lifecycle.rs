//! `lifecycle`: one row per order.
//!
//! Events are folded as they are read, in order, so that what is held grows with the orders and not with their events.
//! Only the fields from which the wanted columns are made are read.

use std::sync::Arc;

use blotter_engine::event::{Category, Level, Timestamp};

use super::held::{Held, Pace, holding};
use super::place::{seq_for, ts_for};
use crate::cells::{Cells, Slot};
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, ScanRequest, Source};
use crate::exec::lazy::lazily;
use crate::orders::columns::COLUMNS;
use crate::orders::facts::{Fact, FactSlots, RowFacts};
use crate::orders::fold::Orders;
use crate::plan::one_of::OneOf;
use crate::plan::scalar::{Comparand, Condition, Test};
use crate::plan::step::{Lifecycle, Lives};
use crate::syntax::ast::CompareOp;

/// Bytes of one id in a set, about.
const ID_BYTES: usize = 64;

/// Events between two measures of what is held.
const EVENTS_BETWEEN_MEASURES: u32 = 4096;

/// See [`Lives`]; orders without an order event give no row.
pub(crate) fn lifecycle(
    input: RowStream,
    step: &Lifecycle,
    source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> RowStream {
    let (step, source, execution) = (step.clone(), Arc::clone(source), Arc::clone(execution));
    lazily(move || {
        let slots = FactSlots::new(&execution.names);
        let mut held = Held::new(&execution);
        let order_id = slots.slot(Fact::OrderId);
        let events = match step.of {
            Lives::Rows => input,
            Lives::All => {
                let exists = Condition::Column { slot: order_id, test: Test::Exists };
                source.scan(request(&step, exists, &execution))?
            }
            Lives::Ids(slot) => {
                let mut ids_held = Held::new(&execution);
                let ids = ids_of(input, slot, &mut ids_held, &execution)?;
                if ids.is_empty() {
                    return Ok(Box::new(std::iter::empty()) as RowStream);
                }
                let among = Condition::Column { slot: order_id, test: Test::OneOf(Arc::new(ids)) };
                let rows = source.scan(request(&step, among, &execution))?;
                holding(rows, ids_held)
            }
        };
        let orders = fold(events, &slots, &mut held, &execution)?;
        let (orders, words) = orders.into_orders();
        let columns: Vec<_> = step
            .columns
            .iter()
            .map(|at| (execution.names.slot(COLUMNS[*at].name), COLUMNS[*at].value))
            .collect();
        let mut pace = Pace::new(&execution);
        let rows = orders.into_iter().map(move |order| {
            pace.step()?;
            let mut row = Cells::with_capacity(columns.len());
            for (slot, value) in &columns {
                let datum = value(&order, &words);
                if !datum.is_null() {
                    row.push(*slot, datum);
                }
            }
            Ok(row)
        });
        Ok(holding(rows, held))
    })
}

/// The ids that rows have.
fn ids_of(input: RowStream, slot: Slot, held: &mut Held, execution: &Arc<Execution>) -> Result<OneOf> {
    let (mut pace, mut ids) = (Pace::new(execution), OneOf::default());
    for row in input {
        pace.step()?;
        if ids.insert(row?.get(slot).borrow()) {
            held.take(ID_BYTES)?;
        }
    }
    Ok(ids)
}

/// Order events, and errors if they are counted, that satisfy a condition on their order.
fn request(step: &Lifecycle, of_order: Condition, execution: &Execution) -> ScanRequest {
    let needs_errors = step.columns.iter().any(|at| COLUMNS[*at].needs_errors);
    let category = |category: Category| Comparand {
        text: Some(category.name().to_owned()),
        folded: true,
        ..Comparand::default()
    };
    let mut categories = vec![category(Category::ORDER), category(Category::FILL)];
    if needs_errors {
        categories.push(category(Category::ERROR));
    }
    let test = Test::In { values: categories.into(), negated: false };
    let mut condition = Condition::Column { slot: Slot::CATEGORY, test };
    if needs_errors {
        let value = Comparand { level: Some(Level::Error), ..Comparand::default() };
        let test = Test::Compare { op: CompareOp::GreaterOrEqual, value };
        condition = Condition::Any(vec![condition, Condition::Column { slot: Slot::LEVEL, test }]);
    }
    ScanRequest {
        between: (Timestamp::MIN, Timestamp::MAX),
        condition: Condition::All(vec![of_order, condition]),
        fields: Some(step.facts(&execution.names)),
        backwards: false,
    }
}

fn fold(events: RowStream, slots: &FactSlots, held: &mut Held, execution: &Arc<Execution>) -> Result<Orders> {
    let mut pace = Pace::new(execution);
    let mut orders = Orders::default();
    let mut until_measure = EVENTS_BETWEEN_MEASURES;
    for row in events {
        pace.step()?;
        let row = row?;
        ts_for("lifecycle", &row)?;
        seq_for("lifecycle", &row)?;
        orders.push(&RowFacts { row: &row, slots });
        until_measure -= 1;
        if until_measure == 0 {
            until_measure = EVENTS_BETWEEN_MEASURES;
            held.resize(orders.bytes())?;
        }
    }
    held.resize(orders.bytes())?;
    Ok(orders)
}
