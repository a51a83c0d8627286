//! Group keys of the rows of a block as small numbers: each distinct value of a key has a code, counted from 0, and
//! each distinct combination of codes is a group. Both hold for one unit of work; units are merged by their values.

use std::sync::Arc;

use super::HashMap;
use crate::cells::Slot;
use crate::datum::{Datum, DatumRef};
use crate::error::Result;
use crate::exec::source::columns::{Block, BlockColumn};
use crate::plan::functions::Function;
use crate::plan::scalar::Scalar;
use crate::time;
use blotter_engine::event::{Level, Timestamp};
use blotter_engine::segment::{Texts, Values};
use chrono_tz::Tz;

const UNKNOWN: u32 = u32::MAX;
/// Largest table that is indexed by two codes; more combinations are hashed.
const TABLE_CELLS_MAX: usize = 1 << 20;

/// The codes of one key.
#[derive(Debug)]
pub(crate) struct KeyCodes {
    scalar: Scalar,
    slots: Vec<Slot>,
    /// The value of each code.
    values: Vec<Datum>,
    codes: HashMap<Datum, u32>,
    /// Codes of the texts of each dictionary met.
    dictionaries: Vec<(Arc<Texts>, Vec<u32>)>,
    levels: [u32; Level::ALL.len()],
    bins: Option<TimeBins>,
}

/// Bins of `ts`. Rows are in order of time, so most lie in the bin of the row before.
#[derive(Debug)]
struct TimeBins {
    width_ns: i64,
    zone: Tz,
    /// Start and end of the bin met last, and its code.
    last: (i64, i64, u32),
}

impl TimeBins {
    /// If a key is one of bins of `ts`.
    fn of(scalar: &Scalar) -> Option<TimeBins> {
        let Scalar::Call { function: Function::Bin(zone), arguments, .. } = scalar else { return None };
        match &arguments[..] {
            [Scalar::Column(Slot::TS), Scalar::Constant(Datum::Duration(width_ns))] if *width_ns > 0 => {
                Some(TimeBins { width_ns: *width_ns, zone: *zone, last: (i64::MAX, i64::MIN, UNKNOWN) })
            }
            _ => None,
        }
    }
}

impl KeyCodes {
    pub(crate) fn new(scalar: &Scalar) -> KeyCodes {
        KeyCodes {
            scalar: scalar.clone(),
            slots: scalar.slots(),
            values: Vec::new(),
            codes: HashMap::default(),
            dictionaries: Vec::new(),
            levels: [UNKNOWN; Level::ALL.len()],
            bins: TimeBins::of(scalar),
        }
    }

    pub(crate) fn value(&self, code: u32) -> &Datum {
        &self.values[code as usize]
    }

    fn code_of(&mut self, datum: DatumRef<'_>) -> u32 {
        code_of(&mut self.values, &mut self.codes, datum)
    }

    /// Codes of the rows.
    pub(crate) fn encode(&mut self, block: &Block, rows: &[u32], out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        if let Scalar::Column(slot) = self.scalar {
            return self.encode_column(block.column(slot)?, slot, rows, out);
        }
        if let Some(bins) = &mut self.bins {
            let times = block.times()?;
            for row in rows {
                let time = times[*row as usize];
                if !(bins.last.0 <= time && time < bins.last.1) {
                    let start = time::bins::of_time(Timestamp(time), bins.width_ns, bins.zone)?;
                    // Past the last bin of all there is no next one.
                    let end = time::bins::next(start, bins.width_ns, bins.zone);
                    let end = end.map_or(i64::MAX, Timestamp::nanos);
                    let code = code_of(&mut self.values, &mut self.codes, DatumRef::Time(start));
                    bins.last = (start.nanos(), end, code);
                }
                out.push(bins.last.2);
            }
            return Ok(());
        }
        block.prepare(&self.slots)?;
        let mut last: Option<(Datum, u32)> = None;
        for row in rows {
            let datum = self.scalar.evaluate(&block.row(*row as usize))?;
            // Bins and the like come in runs.
            let code = match &last {
                Some((known, code)) if known.borrow().total_cmp(datum.borrow()).is_eq() => *code,
                _ => self.code_of(datum.borrow()),
            };
            last = Some((datum, code));
            out.push(code);
        }
        Ok(())
    }

    fn encode_column(
        &mut self,
        column: &BlockColumn,
        slot: Slot,
        rows: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<()> {
        match column {
            BlockColumn::Missing => {
                let code = self.code_of(DatumRef::Null);
                out.resize(rows.len(), code);
            }
            BlockColumn::Constant(datum) => {
                let code = self.code_of(datum.borrow());
                out.resize(rows.len(), code);
            }
            BlockColumn::Fixed(Slot::LEVEL, vector) if matches!(vector.values, Values::U64(_)) => {
                for row in rows {
                    let DatumRef::Level(level) = column.get(*row as usize) else { continue };
                    let mut code = self.levels[level as usize];
                    if code == UNKNOWN {
                        code = self.code_of(DatumRef::Level(level));
                        self.levels[level as usize] = code;
                    }
                    out.push(code);
                }
            }
            BlockColumn::Fields(vectors) => match &vectors[..] {
                [vector]
                    if slot != Slot::MESSAGE
                        && let Values::Str { codes, texts } = &vector.values =>
                {
                    // Every code is a group, so it has none before a row needs it.
                    let mut null = UNKNOWN;
                    let at = self.dictionaries.iter().position(|(known, _)| Arc::ptr_eq(known, texts));
                    let at = at.unwrap_or_else(|| {
                        self.dictionaries.push((Arc::clone(texts), vec![UNKNOWN; texts.len()]));
                        self.dictionaries.len() - 1
                    });
                    let known = &mut self.dictionaries[at].1;
                    for row in rows {
                        let row = *row as usize;
                        if !vector.presence.has(row) {
                            if null == UNKNOWN {
                                null = code_of(&mut self.values, &mut self.codes, DatumRef::Null);
                            }
                            out.push(null);
                            continue;
                        }
                        let code = &mut known[codes[row] as usize];
                        if *code == UNKNOWN {
                            let text = DatumRef::Str(texts.get(codes[row]));
                            *code = code_of(&mut self.values, &mut self.codes, text);
                        }
                        out.push(*code);
                    }
                }
                _ => self.encode_each(column, rows, out),
            },
            BlockColumn::Fixed(..) => self.encode_each(column, rows, out),
        }
        Ok(())
    }

    fn encode_each(&mut self, column: &BlockColumn, rows: &[u32], out: &mut Vec<u32>) {
        for row in rows {
            let code = self.code_of(column.get(*row as usize));
            out.push(code);
        }
    }
}

fn code_of(values: &mut Vec<Datum>, codes: &mut HashMap<Datum, u32>, datum: DatumRef<'_>) -> u32 {
    if let Some(code) = codes.get(&datum) {
        return *code;
    }
    let code = values.len() as u32;
    values.push(datum.to_datum());
    codes.insert(datum.to_datum(), code);
    code
}

/// Numbers pairs of codes in order of first occurrence.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    /// The number of a pair, plus one, at `first * stride + second`.
    table: Vec<u32>,
    stride: usize,
    hashed: HashMap<(u32, u32), u32>,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    pub(crate) fn get(&self, number: u32) -> (u32, u32) {
        self.pairs[number as usize]
    }

    /// Replaces each first code by the number of its pair with the second.
    pub(crate) fn number(&mut self, firsts: &mut [u32], seconds: &[u32]) {
        let bound = |codes: &[u32]| codes.iter().max().map_or(0, |greatest| *greatest as usize + 1);
        let (rows, columns) = (bound(firsts), bound(seconds));
        if self.hashed.is_empty() && self.make_room(rows, columns) {
            for (first, second) in firsts.iter_mut().zip(seconds) {
                let cell = &mut self.table[*first as usize * self.stride + *second as usize];
                if *cell == 0 {
                    self.pairs.push((*first, *second));
                    *cell = self.pairs.len() as u32;
                }
                *first = *cell - 1;
            }
            return;
        }
        if self.hashed.is_empty() {
            self.hashed = self.pairs.iter().enumerate().map(|(at, pair)| (*pair, at as u32)).collect();
            self.table = Vec::new();
        }
        for (first, second) in firsts.iter_mut().zip(seconds) {
            let pair = (*first, *second);
            *first = *self.hashed.entry(pair).or_insert_with(|| {
                self.pairs.push(pair);
                self.pairs.len() as u32 - 1
            });
        }
    }

    /// Makes the table so large; false if that is too large.
    fn make_room(&mut self, rows: usize, columns: usize) -> bool {
        let rows = rows.max(self.table.len().checked_div(self.stride).unwrap_or(0));
        if columns > self.stride || self.stride == 0 {
            let stride = columns.next_power_of_two();
            if rows.saturating_mul(stride) > TABLE_CELLS_MAX {
                return false;
            }
            let mut table = vec![0; rows * stride];
            for (at, (first, second)) in self.pairs.iter().enumerate() {
                table[*first as usize * stride + *second as usize] = at as u32 + 1;
            }
            (self.table, self.stride) = (table, stride);
        }
        if rows.saturating_mul(self.stride) > TABLE_CELLS_MAX {
            return false;
        }
        if rows * self.stride > self.table.len() {
            self.table.resize(rows.next_power_of_two() * self.stride, 0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbered_alike_in_tables_and_hashed() {
        let mut pairs = Pairs::default();
        let mut expected: Vec<(u32, u32)> = Vec::new();
        for round in 0..8u32 {
            // The ranges grow until no table holds them.
            let codes = |salt: u32| -> Vec<u32> {
                (0..500).map(|i: u32| i.wrapping_mul(2654435761 ^ salt) % (2 << (2 * round))).collect()
            };
            let (mut firsts, seconds) = (codes(1), codes(7));
            let given = firsts.clone();
            pairs.number(&mut firsts, &seconds);
            for ((first, second), number) in given.into_iter().zip(seconds).zip(firsts) {
                let at = expected.iter().position(|pair| *pair == (first, second)).unwrap_or_else(|| {
                    expected.push((first, second));
                    expected.len() - 1
                });
                assert_eq!(number as usize, at);
                assert_eq!(pairs.get(number), (first, second));
            }
        }
        assert!(!pairs.hashed.is_empty(), "the last rounds are too wide for a table");
    }
}
