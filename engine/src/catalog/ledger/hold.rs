//! Legal holds: what must not be deleted until released.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Timestamp;

/// Identifies a hold: the number of the entry that placed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HoldId(pub u64);

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A hold. Every partition that has an event of it is kept whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// Name of the case.
    pub case: String,
    /// The events.
    pub query: HoldQuery,
}

/// Which events are held: those that meet every criterion given. A list is met by any of its values, an empty one by
/// every event; so is a query without any criterion.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HoldQuery {
    /// Events from this time on.
    pub from: Option<Timestamp>,
    /// Events up to this time, it included.
    pub until: Option<Timestamp>,
    /// Names of categories.
    pub categories: Vec<String>,
    /// Values of `symbol`.
    pub symbols: Vec<String>,
    /// Values of `order_id`.
    pub order_ids: Vec<String>,
    /// Values of `correlation_id`.
    pub correlation_ids: Vec<String>,
    /// Values of `strategy`.
    pub strategies: Vec<String>,
}
