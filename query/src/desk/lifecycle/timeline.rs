//! Events with the time since the one before.

use std::collections::HashMap;

use blotter_engine::event::Timestamp;

use super::family::printed;
use super::{Life, Transition};
use crate::orders::fold::Belonging;
use crate::rows::Row;

/// An event of a timeline.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moment {
    /// When.
    pub ts: Timestamp,
    /// Where in the database.
    pub seq: u64,
    /// Time since the first event, in nanoseconds.
    pub since_start_ns: i64,
    /// Time since the event before, in nanoseconds.
    pub since_previous_ns: i64,
    /// The order whose id it carries.
    pub order_id: Option<String>,
    /// What it is to its order.
    pub role: Role,
    /// What it is said to have done that may not be.
    pub illegal: Option<Transition>,
    /// The event, whole.
    pub row: Row,
}

/// What an event is to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A step of its life.
    Step,
    /// An error on the way.
    Error,
    /// Anything else that belongs to it.
    Related,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Step => "step",
            Role::Error => "error",
            Role::Related => "related",
        }
    }
}

impl Moment {
    /// Why: the reason that was recorded, or else the error message.
    pub fn reason(&self) -> Option<&str> {
        ["reason", "error_message"].into_iter().find_map(|name| self.row.get(name).as_str())
    }
}

/// Marks each of some events that are in order.
pub(in crate::desk) fn mark(rows: Vec<Row>, orders: &[Life]) -> Vec<Moment> {
    let illegal: HashMap<u64, Transition> = orders
        .iter()
        .flat_map(|order| &order.illegal_transitions)
        .map(|transition| (transition.seq, *transition))
        .collect();
    let mut start: Option<Timestamp> = None;
    let mut previous: Option<Timestamp> = None;
    let moment = |row: Row| {
        let ts = row.get("ts").as_timestamp()?;
        let seq = row.get("seq").as_i64().and_then(|seq| u64::try_from(seq).ok())?;
        let since = |earlier: Timestamp| ts.nanos().saturating_sub(earlier.nanos());
        let since_start_ns = since(*start.get_or_insert(ts));
        let since_previous_ns = since(previous.replace(ts).unwrap_or(ts));
        let order_id = printed(&row, "order_id");
        let belonging = Belonging::of(
            row.get("category").as_category(),
            row.get("level").as_level(),
            row.get("event").as_str().unwrap_or_default(),
        );
        let role = match belonging {
            Belonging::Step if order_id.is_some() => Role::Step,
            Belonging::Error => Role::Error,
            _ => Role::Related,
        };
        let illegal = illegal.get(&seq).copied();
        Some(Moment { ts, seq, since_start_ns, since_previous_ns, order_id, role, illegal, row })
    };
    rows.into_iter().filter_map(moment).collect()
}
