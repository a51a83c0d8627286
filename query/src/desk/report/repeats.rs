//! Executions that were told more than once, as venues do after a disconnect: a fill with an `exec_id` that its order has
//! had before counts once.
//!
//! The database finds what was told again, by columns; of fills without an `exec_id` nothing is read. Only if there is
//! such a fill, fills are gone through one by one.

use std::collections::HashMap;

use super::activity::count_of;
use super::inquiry::{Inquiry, number_of};
use crate::datum::Datum;
use crate::error::{ErrorKind, Result};
use crate::rows::Row;

/// What tells the repeats among fills that are gone through in the order of time.
#[derive(Default)]
pub(super) struct Repeats {
    /// Executions told more than once, by order and id, and whether they were met.
    is_met: HashMap<(Datum, Datum), bool>,
    /// Fills that told an execution again.
    count: u64,
}

impl Repeats {
    /// Looks for executions told again among fills.
    ///
    /// # Errors
    /// Those of the query.
    pub(super) fn find(inquiry: &mut Inquiry<'_>, fills: &str) -> Result<Repeats> {
        match Repeats::ask(inquiry, fills) {
            Err(error) if error.kind() == ErrorKind::Limit => {
                inquiry.note(format!(
                    "executions told again were not looked for, and count again, as there are many executions: {error}"
                ));
                Ok(Repeats::default())
            }
            found => found,
        }
    }

    fn ask(inquiry: &mut Inquiry<'_>, fills: &str) -> Result<Repeats> {
        let mut repeats = Repeats::default();
        let fills = format!("{fills} and exists exec_id and exists order_id and not fill_quantity = 0");
        // Most venues give an id once, whatever the order: that nothing was told again is known without the pairs.
        let counts = inquiry.row(&format!("{fills} | stats count() as fills, distinct(exec_id) as ids"))?;
        if counts.is_none_or(|row| count_of(&row, "fills") == count_of(&row, "ids")) {
            return Ok(repeats);
        }
        let pairs = format!("{fills} | stats count() as told by order_id, exec_id | where told > 1");
        inquiry.each(&pairs, |row| {
            repeats.is_met.insert((row.get("order_id").clone(), row.get("exec_id").clone()), false);
            Ok(())
        })?;
        Ok(repeats)
    }

    /// Whether no execution was told again.
    pub(super) fn is_empty(&self) -> bool {
        self.is_met.is_empty()
    }

    /// Whether a fill tells an execution again; asked of every fill once, in the order of time.
    pub(super) fn is_repeat(&mut self, fill: &Row) -> bool {
        // A quantity of nothing is a report of a venue, no execution.
        if self.is_met.is_empty()
            || number_of(fill, "fill_quantity").as_decimal().is_some_and(|it| it.is_zero())
        {
            return false;
        }
        let key = (fill.get("order_id").clone(), fill.get("exec_id").clone());
        let Some(is_met) = self.is_met.get_mut(&key) else { return false };
        let is_repeat = std::mem::replace(is_met, true);
        self.count += u64::from(is_repeat);
        is_repeat
    }

    /// Says how many fills were left out; `which` they are of.
    pub(super) fn note(&self, inquiry: &mut Inquiry<'_>, which: &str) {
        if self.count > 0 {
            let count = self.count;
            inquiry.note(format!(
                "{count} fills {which} tell an execution (order_id and exec_id) that was told before: they are left out"
            ));
        }
    }
}
