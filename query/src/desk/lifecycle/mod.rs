//! The lifecycle of an order, or of everything that shares a correlation id: every event with the time since the one
//! before, what became of each order, and the orders it belongs to.
//!
//! ```text
//! id ─▶ seeds: the order, or the orders of a correlation id
//!         └─▶ family: parents above, slices below, what replaced what
//!               └─▶ timeline: their events, and what shares their correlation id ─▶ fold ─▶ lives
//! ```

mod family;
mod gather;
#[cfg(test)]
mod tests;
mod timeline;

use crate::api::{QueryOptions, Queryable};
use crate::datum::Datum;
use crate::desk::inquiry::Inquiry;
use crate::error::Result;
use crate::orders::facts::FactSlots;
use crate::orders::fold::Orders;
pub use crate::orders::{Life, Transition};
use crate::rows::UnreadablePart;
pub use family::{Link, Relation};
pub(super) use gather::gather;
pub(super) use timeline::mark;
pub use timeline::{Moment, Role};

/// Most events of one timeline; how many more there are is told.
pub const TIMELINE_EVENTS_MAX: usize = 100_000;

/// Most orders that are followed from one.
pub const FAMILY_ORDERS_MAX: usize = 10_000;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An order.
    Order,
    /// Everything that belongs together.
    Correlation,
}

/// See the module.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lifecycle {
    /// What was asked for.
    pub id: String,
    /// What it names.
    pub identity: Identity,
    /// The events in the order of (`ts`, `seq`).
    pub timeline: Vec<Moment>,
    /// Events that the timeline has no room for.
    pub events_left_out: u64,
    /// The orders of the family that have an event, in the order of their first ones.
    pub orders: Vec<Life>,
    /// Which order is of which, as it was recorded.
    pub links: Vec<Link>,
    /// Orders that are each their own parent or replacement, over others: a mistake of whoever recorded them.
    pub cycles: Vec<Vec<String>>,
    /// Orders that others name and that have no event of their own.
    pub missing: Vec<String>,
    /// Whether there are more orders than [`FAMILY_ORDERS_MAX`].
    pub has_more_orders: bool,
    /// What could not be read; what it holds is missing here.
    pub unreadable: Vec<UnreadablePart>,
}

impl Lifecycle {
    /// The life of an order of the family.
    pub fn order(&self, order_id: &str) -> Option<&Life> {
        self.orders.iter().find(|order| order.order_id == order_id)
    }

    /// The orders of which an order is a part or a successor, or the other way round.
    pub fn links_of<'a>(&'a self, order_id: &'a str) -> impl Iterator<Item = &'a Link> {
        self.links.iter().filter(move |link| link.from == order_id || link.to == order_id)
    }
}

/// The lifecycle of an order id or a correlation id; `None` if no event has it.
///
/// An order id goes before a correlation id. Options give the zone, and what each of the questions may take.
///
/// ```
/// # use blotter_engine::{Db, RecorderOptions, event::OrderStatus};
/// use blotter_query::QueryOptions;
/// use blotter_query::desk::lifecycle::lifecycle;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let db = Db::open(dir.path().join("desk.blotter"))?;
/// let mut recorder = db.recorder(RecorderOptions::new())?;
/// for status in [OrderStatus::Created, OrderStatus::Submitted, OrderStatus::Cancelled] {
///     recorder.order(status).order_id("A-1").emit();
/// }
/// db.flush()?;
/// let found = lifecycle(&db, "A-1", &QueryOptions::default())?.expect("it was recorded");
/// assert_eq!(found.orders[0].status, Some(OrderStatus::Cancelled));
/// assert_eq!(found.timeline.len(), 3);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the database, and limits of the options.
pub fn lifecycle(database: &impl Queryable, id: &str, options: &QueryOptions) -> Result<Option<Lifecycle>> {
    let mut inquiry = Inquiry::new(database, options)?;
    let parameters = [("id", Datum::from(id))];
    let identity = if inquiry.first("order_id = $id | head 1", &parameters)?.is_some() {
        Identity::Order
    } else if inquiry.first("correlation_id = $id | head 1", &parameters)?.is_some() {
        Identity::Correlation
    } else if family::is_named(&mut inquiry, id)? {
        Identity::Order
    } else {
        return Ok(None);
    };
    let seeds = match identity {
        Identity::Order => vec![id.to_owned()],
        Identity::Correlation => family::orders_of(&mut inquiry, id)?,
    };
    let family = family::follow(&mut inquiry, seeds)?;
    let mut slots = None;
    let mut orders = Orders::default();
    let gathered = gather(&mut inquiry, identity, id, &family.ids, |row| {
        let slots = slots.get_or_insert_with(|| FactSlots::new(&row.names));
        orders.push(&crate::orders::facts::RowFacts { row: &row.cells, slots });
    })?;
    let (orders, words) = orders.into_orders();
    let mut orders: Vec<Life> = orders.iter().map(|order| Life::of(order, &words)).collect();
    // Of what shares a correlation id there may be orders beyond the bound of the family.
    orders.truncate(FAMILY_ORDERS_MAX);
    let has_events = |id: &String| orders.iter().any(|order| order.order_id == *id);
    let missing = family.ids.iter().filter(|id| !has_events(id)).cloned().collect();
    let timeline = mark(gathered.rows, &orders);
    Ok(Some(Lifecycle {
        id: id.to_owned(),
        identity,
        timeline,
        events_left_out: gathered.left_out,
        cycles: family::cycles(&family.links),
        links: family.links,
        orders,
        missing,
        has_more_orders: family.has_more,
        unreadable: inquiry.into_unreadable(),
    }))
}
