//! The columns of a life in a row, and which facts each needs.

use rust_decimal::Decimal;

use super::facts::Fact;
use super::folded::{Folded, Rare, Word, Words};
use crate::datum::Datum;
use crate::plan::kinds::Kinds;

/// A column of a life.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kinds: Kinds,
    /// What it needs beside [`ALWAYS`].
    pub(crate) facts: &'static [Fact],
    /// Whether it counts errors, which are of other categories.
    pub(crate) needs_errors: bool,
    pub(crate) value: fn(&Folded, &Words) -> Datum,
}

/// What every life needs.
pub(crate) const ALWAYS: [Fact; 2] = [Fact::OrderId, Fact::Event];

const STATUS: &[Fact] = &[Fact::Status, Fact::FillQuantity, Fact::ExecId];
const FILLED: &[Fact] = &[Fact::Status, Fact::FillQuantity, Fact::ExecId, Fact::FilledQuantity];
const FILLS: &[Fact] = &[Fact::FillQuantity, Fact::ExecId];
const AVERAGE: &[Fact] = &[Fact::FillQuantity, Fact::ExecId, Fact::FillPrice, Fact::AveragePrice];
const SLIPPAGE: &[Fact] = &[
    Fact::FillQuantity,
    Fact::ExecId,
    Fact::FillPrice,
    Fact::AveragePrice,
    Fact::Side,
    Fact::Price,
    Fact::DecisionPrice,
    Fact::SlippageBps,
];
const COMMISSION: &[Fact] = &[Fact::FillQuantity, Fact::ExecId, Fact::Commission];

macro_rules! columns {
    ($($name:literal $kinds:ident $facts:expr, $value:expr;)*) => {
        /// All columns, in order.
        pub(crate) const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            kinds: Kinds::$kinds,
            facts: $facts,
            needs_errors: matches!($name.as_bytes(), b"errors"),
            value: $value,
        }),*];
    };
}

columns! {
    "ts" TIME &[], |order, _| Datum::Time(order.first_time());
    "order_id" TEXT &[], |order, _| Datum::Str(order.order_id.clone());
    "correlation_id" TEXT &[Fact::CorrelationId], |order, _| text(&order.correlation_id);
    "symbol" TEXT &[Fact::Symbol], |order, words| word(order.symbol, words);
    "strategy" TEXT &[Fact::Strategy], |order, words| word(order.strategy, words);
    "side" TEXT &[Fact::Side], |order, words| word(order.side, words);
    "order_type" TEXT &[Fact::OrderType], |order, words| word(order.order_type, words);
    "quantity" EXACT &[Fact::Quantity], |order, _| order.quantity.into();
    "price" EXACT &[Fact::Price], |order, _| order.price.into();
    "status" TEXT STATUS, |order, _| order.status.map(|status| status.as_str()).into();
    "ended" TIME STATUS, |order, _| order.ended().into();
    "events" EXACT &[], |order, _| order.events.into();
    "fills" EXACT FILLS, |order, _| order.fills.into();
    "filled_quantity" EXACT FILLED, |order, _| order.filled_quantity().into();
    "average_fill_price" EXACT AVERAGE, |order, _| order.average_fill_price().into();
    "commission" EXACT COMMISSION, |order, _| order.commission.into();
    "slippage_bps" EXACT SLIPPAGE, |order, _| order.slippage_bps().into();
    "submit_us" EXACT STATUS, |order, _| micros(order.submit_ns());
    "acknowledge_us" EXACT STATUS, |order, _| micros(order.acknowledge_ns());
    "first_fill_us" EXACT STATUS, |order, _| micros(order.first_fill_ns());
    "lifecycle_ms" EXACT STATUS, |order, _| millis(order.lifecycle_ns());
    "errors" EXACT &[], |order, _| order.errors.into();
    "illegal_transitions" EXACT STATUS, |order, _| order.illegal_transitions.into();
    "is_orphan" BOOL STATUS, |order, _| order.is_orphan().into();
    "is_open" BOOL STATUS, |order, _| order.is_open().into();
    "parent_order_id" TEXT &[Fact::ParentOrderId], |order, _| rare(order, |rare| &rare.parent_order_id);
    "replaces" TEXT &[Fact::Replaces], |order, _| rare(order, |rare| &rare.replaces);
    "replaced_by" TEXT &[Fact::ReplacedBy], |order, _| rare(order, |rare| &rare.replaced_by);
}

fn text(text: &smol_str::SmolStr) -> Datum {
    if text.is_empty() { Datum::Null } else { Datum::Str(text.clone()) }
}

fn word(word: Word, words: &Words) -> Datum {
    words.get(word).map_or(Datum::Null, |word| Datum::Str(word.clone()))
}

fn rare(order: &Folded, id: impl Fn(&Rare) -> &Option<smol_str::SmolStr>) -> Datum {
    order.rare().and_then(|rare| id(rare).clone()).map_or(Datum::Null, Datum::Str)
}

/// Nanoseconds in microseconds, exact.
pub(crate) fn micros(ns: Option<i64>) -> Datum {
    ns.map(|ns| Decimal::new(ns, 3).normalize()).into()
}

/// Nanoseconds in milliseconds, exact.
pub(crate) fn millis(ns: Option<i64>) -> Datum {
    ns.map(|ns| Decimal::new(ns, 6).normalize()).into()
}
