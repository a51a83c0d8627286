//! What the fold reads of an event.

use blotter_engine::event::{Category, Event, Level, Timestamp};

use crate::cells::{Cells, Names, Slot};
use crate::datum::{Datum, DatumRef};

macro_rules! facts {
    ($($name:ident $field:literal)*) => {
        /// A field that the fold reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fact { $($name),* }

        impl Fact {
            /// All of them, by number.
            pub(crate) const ALL: &[Fact] = &[$(Fact::$name),*];

            /// The field.
            pub(crate) fn field(self) -> &'static str {
                match self { $(Fact::$name => $field),* }
            }
        }
    };
}

facts! {
    OrderId "order_id"
    Event "event"
    Status "status"
    FillQuantity "fill_quantity"
    FillPrice "fill_price"
    Commission "commission"
    SlippageBps "slippage_bps"
    ExecId "exec_id"
    Symbol "symbol"
    Strategy "strategy"
    Side "side"
    OrderType "order_type"
    Quantity "quantity"
    Price "price"
    DecisionPrice "decision_price"
    FilledQuantity "filled_quantity"
    RemainingQuantity "remaining_quantity"
    AveragePrice "average_price"
    CorrelationId "correlation_id"
    SessionId "session_id"
    ParentOrderId "parent_order_id"
    Replaces "replaces"
    ReplacedBy "replaced_by"
}

/// An event as the fold sees it.
pub(crate) trait Facts {
    /// When, and where in the database; what has no place is no event.
    fn place(&self) -> Option<(Timestamp, u64)>;

    fn category(&self) -> Option<Category>;

    fn level(&self) -> Option<Level>;

    /// The value of a field.
    fn fact(&self, fact: Fact) -> DatumRef<'_>;
}

/// Where the facts are in the rows of one query.
#[derive(Clone, Debug)]
pub(crate) struct FactSlots(Vec<Slot>);

impl FactSlots {
    pub(crate) fn new(names: &Names) -> FactSlots {
        FactSlots(Fact::ALL.iter().map(|fact| names.slot(fact.field())).collect())
    }

    pub(crate) fn slot(&self, fact: Fact) -> Slot {
        self.0[fact as usize]
    }
}

/// A row as the fold sees it.
pub(crate) struct RowFacts<'a> {
    pub(crate) row: &'a Cells,
    pub(crate) slots: &'a FactSlots,
}

impl Facts for RowFacts<'_> {
    fn place(&self) -> Option<(Timestamp, u64)> {
        match (self.row.get(Slot::TS), self.row.get(Slot::SEQ)) {
            (Datum::Time(ts), Datum::Int(seq)) => Some((*ts, u64::try_from(*seq).ok()?)),
            _ => None,
        }
    }

    fn category(&self) -> Option<Category> {
        self.row.get(Slot::CATEGORY).as_category()
    }

    fn level(&self) -> Option<Level> {
        self.row.get(Slot::LEVEL).as_level()
    }

    #[inline]
    fn fact(&self, fact: Fact) -> DatumRef<'_> {
        self.row.get(self.slots.slot(fact)).borrow()
    }
}

impl Facts for Event {
    fn place(&self) -> Option<(Timestamp, u64)> {
        Some((self.ts, self.seq.0))
    }

    fn category(&self) -> Option<Category> {
        Some(self.category)
    }

    fn level(&self) -> Option<Level> {
        Some(self.level)
    }

    fn fact(&self, fact: Fact) -> DatumRef<'_> {
        self.get(fact.field()).map_or(DatumRef::Null, DatumRef::from)
    }
}
