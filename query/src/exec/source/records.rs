//! Unsealed events, as rows.

use std::collections::HashMap;

use blotter_engine::event::{Field, FieldRef};
use blotter_engine::view::UnsealedEvent;

use super::columns::whole;
use crate::cells::{Cells, Names, Slot};
use crate::datum::DatumRef;
use crate::error::Result;

/// Which fields of records are read, and their slots.
#[derive(Clone, Debug)]
pub(crate) struct WantedFields {
    /// By code of the well-known field.
    known: Vec<Option<Slot>>,
    named: HashMap<Box<str>, Slot>,
    /// Fields nobody named get a slot too.
    all: bool,
}

impl WantedFields {
    /// These slots; all fields if none are named.
    pub(crate) fn new(names: &Names, slots: Option<&[Slot]>) -> WantedFields {
        let mut known = vec![None; Field::ALL.len()];
        let mut named = HashMap::new();
        if slots.is_none() {
            for field in Field::ALL {
                known[field.code() as usize] = Some(names.slot(field.name()));
            }
        }
        for slot in slots.unwrap_or_default() {
            let name = names.name(*slot);
            match Field::from_name(&name) {
                Some(field) => known[field.code() as usize] = Some(*slot),
                None => {
                    named.insert(Box::from(&*name), *slot);
                }
            }
        }
        WantedFields { known, named, all: slots.is_none() }
    }

    #[inline]
    fn slot(&self, names: &Names, field: FieldRef<'_>) -> Option<Slot> {
        match field {
            FieldRef::Known(field) => self.known[field.code() as usize],
            FieldRef::Named(name) if self.all => Some(names.slot(name)),
            FieldRef::Named(_) if self.named.is_empty() => None,
            FieldRef::Named(name) => self.named.get(name).copied(),
        }
    }
}

/// An unsealed event with the fields that are wanted.
pub(crate) struct Record<'a> {
    event: &'a UnsealedEvent<'a>,
    fields: Vec<(Slot, DatumRef<'a>)>,
}

impl<'a> Record<'a> {
    /// Reads the fields wanted.
    ///
    /// # Errors
    /// Damage.
    pub(crate) fn read(
        event: &'a UnsealedEvent<'a>,
        names: &Names,
        wanted: &WantedFields,
    ) -> Result<Record<'a>> {
        let mut fields = Vec::new();
        for field in event.fields() {
            let (field, value) = field?;
            if let Some(slot) = wanted.slot(names, field) {
                fields.push((slot, value.into()));
            }
        }
        Ok(Record { event, fields })
    }

    fn fixed(&self, slot: Slot) -> Option<DatumRef<'static>> {
        let event = self.event;
        Some(match slot {
            Slot::TS => DatumRef::Time(event.ts),
            Slot::SEQ => whole(event.seq.0),
            Slot::PRODUCER => DatumRef::Int(i64::from(event.producer.0)),
            Slot::PSEQ => whole(event.pseq),
            Slot::CATEGORY => DatumRef::Category(event.category),
            Slot::LEVEL => DatumRef::Level(event.level),
            _ => return None,
        })
    }

    /// Its values: of the slots wanted, or all.
    pub(crate) fn cells(&self, wanted: Option<&[Slot]>) -> Cells {
        let always: &[Slot] = wanted.unwrap_or(&super::columns::ALWAYS);
        let mut cells = Cells::with_capacity(always.len() + self.fields.len());
        match wanted {
            // In the order asked for, as a segment gives them.
            Some(wanted) => {
                for slot in wanted {
                    let datum = crate::plan::Columns::column(self, *slot);
                    if !matches!(datum, DatumRef::Null) {
                        cells.push(*slot, datum.to_datum());
                    }
                }
            }
            None => {
                let fixed = always.iter().filter_map(|slot| Some((*slot, self.fixed(*slot)?)));
                let fields = self.fields.iter().copied();
                fixed.chain(fields).for_each(|(slot, datum)| cells.push(slot, datum.to_datum()));
            }
        }
        cells
    }
}

impl crate::plan::Columns for Record<'_> {
    #[inline]
    fn column(&self, slot: Slot) -> DatumRef<'_> {
        match self.fixed(slot) {
            Some(datum) => datum,
            None => self.fields.iter().find(|(known, _)| *known == slot).map_or(DatumRef::Null, |(_, d)| *d),
        }
    }
}
