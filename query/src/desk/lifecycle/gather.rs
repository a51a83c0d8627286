//! The events of some orders, and those that share a correlation id with them, each once and in order.

use std::collections::{BTreeMap, BTreeSet};

use super::family::printed;
use super::{Identity, TIMELINE_EVENTS_MAX};
use crate::datum::Datum;
use crate::desk::inquiry::{Inquiry, More, lists};
use crate::error::Result;
use crate::rows::Row;

/// See the module.
pub(in crate::desk) struct Gathered {
    pub(in crate::desk) rows: Vec<Row>,
    /// How many more there are.
    pub(in crate::desk) left_out: u64,
}

/// Gathers events as far as there is room, and visits all those of the family, those of each order in order.
///
/// Of an order there come the events of the family, and those that share the order's own correlation id and are of no
/// other order; of a correlation id all that have it, and those of the family.
pub(in crate::desk) fn gather(
    inquiry: &mut Inquiry,
    identity: Identity,
    id: &str,
    family: &[String],
    mut visit: impl FnMut(&Row),
) -> Result<Gathered> {
    let mut found = Found::default();
    for list in lists(family.iter().map(String::as_str)) {
        // All events of an order are in one list, so that each order's come in order.
        inquiry.each(&format!("order_id in ({list})"), &[], |row| {
            visit(&row);
            Ok(found.add(row))
        })?;
    }
    match identity {
        Identity::Correlation => {
            let parameters = [("id", Datum::from(id))];
            let family: BTreeSet<&str> = family.iter().map(String::as_str).collect();
            inquiry.each("correlation_id = $id", &parameters, |row| {
                let is_there = printed(&row, "order_id").is_some_and(|order| family.contains(order.as_str()));
                Ok(if is_there { More::Wanted } else { found.add(row) })
            })?;
        }
        Identity::Order => {
            let own = found.rows.values().filter(|row| printed(row, "order_id").as_deref() == Some(id));
            let ids: BTreeSet<String> = own.filter_map(|row| printed(row, "correlation_id")).collect();
            for list in lists(ids.iter().map(String::as_str)) {
                let text = format!("correlation_id in ({list}) missing order_id");
                inquiry.each(&text, &[], |row| Ok(found.add(row)))?;
            }
        }
    }
    Ok(Gathered { rows: found.rows.into_values().collect(), left_out: found.left_out })
}

/// Rows by their places, the earliest as far as there is room.
#[derive(Default)]
struct Found {
    rows: BTreeMap<(i64, i64), Row>,
    left_out: u64,
}

impl Found {
    fn add(&mut self, row: Row) -> More {
        let (Some(ts), Some(seq)) = (row.get("ts").as_timestamp(), row.get("seq").as_i64()) else {
            return More::Wanted;
        };
        if self.rows.insert((ts.nanos(), seq), row).is_none() && self.rows.len() > TIMELINE_EVENTS_MAX {
            self.rows.pop_last();
            self.left_out += 1;
        }
        More::Wanted
    }
}
