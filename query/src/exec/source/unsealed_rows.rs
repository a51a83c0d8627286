//! The matching events of what is not sealed yet, in order.

use std::sync::Arc;

use blotter_engine::event::Seq;
use blotter_engine::view::UnsealedPart;

use super::prune::Pruning;
use super::records::{Record, WantedFields};
use crate::cells::{Cells, Names, Slot};
use crate::error::Result;
use crate::exec::report::Report;
use crate::plan::scalar::Condition;

/// Where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ts: i64,
    seq: u64,
    part: u32,
    number: u64,
}

/// See the module. Only the heads of events are read at first; the fields of one when its turn comes.
pub(crate) struct UnsealedRows {
    parts: Vec<UnsealedPart>,
    /// The next one last.
    places: Vec<Place>,
    condition: Condition,
    wanted: Option<Vec<Slot>>,
    /// Fields of the condition and the result.
    fields: WantedFields,
    names: Arc<Names>,
}

impl UnsealedRows {
    /// # Errors
    /// Damage.
    pub(crate) fn new(
        parts: Vec<UnsealedPart>,
        condition: &Condition,
        pruning: &Pruning,
        wanted: Option<&[Slot]>,
        backwards: bool,
        names: &Arc<Names>,
    ) -> Result<UnsealedRows> {
        let mut places = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            part.each(|number, event| -> Result<()> {
                if pruning.admits_event(event.ts, event.category, event.level) {
                    let (ts, seq) = (event.ts.nanos(), event.seq.0);
                    places.push(Place { ts, seq, part: index as u32, number });
                }
                Ok(())
            })?;
        }
        places.sort_unstable();
        if !backwards {
            places.reverse();
        }
        Ok(UnsealedRows {
            parts,
            places,
            condition: condition.clone(),
            wanted: wanted.map(<[Slot]>::to_vec),
            fields: fields_of(condition, wanted, names),
            names: Arc::clone(names),
        })
    }

    /// The next match, with its time and seq.
    ///
    /// # Errors
    /// Damage; what evaluating an expression gives.
    pub(crate) fn next(&mut self, report: &Report) -> Result<Option<(i64, u64, Cells)>> {
        while let Some(place) = self.places.pop() {
            report.record();
            let event = self.parts[place.part as usize].get(place.number, Seq(place.seq))?;
            let record = Record::read(&event, &self.names, &self.fields)?;
            if self.condition.holds(&record)? {
                report.matched(1);
                return Ok(Some((place.ts, place.seq, record.cells(self.wanted.as_deref()))));
            }
        }
        Ok(None)
    }
}

/// The fields that a condition and a result need.
pub(crate) fn fields_of(condition: &Condition, wanted: Option<&[Slot]>, names: &Names) -> WantedFields {
    let needed = wanted.map(|wanted| {
        let mut needed = wanted.to_vec();
        needed.extend(condition.slots());
        needed
    });
    WantedFields::new(names, needed.as_deref())
}
