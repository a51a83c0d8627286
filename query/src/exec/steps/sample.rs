//! `sample`: rows chosen by a hash, the same rows each time.
//!
//! The hash is of `seq`, so that it is the events that are chosen: the same ones whatever else a query asks. Rows
//! without one are chosen by their place.

use std::collections::BinaryHeap;
use std::sync::Arc;

use super::ends::given_away;
use super::held::{Held, Pace};
use crate::cells::{Cells, Slot};
use crate::datum::Datum;
use crate::error::Result;
use crate::exec::execution::{Execution, RowStream};
use crate::exec::lazy::lazily;
use crate::plan::step::SampleSize;

/// See the module.
pub(crate) fn sample(input: RowStream, size: &SampleSize, execution: &Arc<Execution>) -> RowStream {
    match *size {
        SampleSize::Share(share) => share_of(input, share, execution),
        SampleSize::Rows(0) => Box::new(std::iter::empty()),
        SampleSize::Rows(rows) => {
            let execution = Arc::clone(execution);
            lazily(move || that_many(input, rows, &execution))
        }
    }
}

/// Rows whose hash is in the lowest share of all hashes.
fn share_of(input: RowStream, share: f64, execution: &Arc<Execution>) -> RowStream {
    let mut pace = Pace::new(execution);
    let mut place = 0;
    let mut keep = move |row: Result<Cells>| {
        pace.step()?;
        let row = row?;
        // As many bits as a float holds exactly.
        let hash = (hash_of(&row, place) >> 11) as f64 / (1u64 << 53) as f64;
        place += 1;
        Ok((hash < share).then_some(row))
    };
    Box::new(input.filter_map(move |row| keep(row).transpose()))
}

/// The rows with the least hashes, in the order in which they came.
fn that_many(input: RowStream, rows: u64, execution: &Arc<Execution>) -> Result<RowStream> {
    let (mut held, mut pace) = (Held::new(execution), Pace::new(execution));
    let mut chosen: BinaryHeap<Chosen> = BinaryHeap::new();
    for (place, row) in (0..).zip(input) {
        pace.step()?;
        let row = row?;
        let hash = hash_of(&row, place);
        if chosen.len() as u64 == rows {
            let worst = chosen.peek().expect("at least one row is chosen");
            if (hash, place) >= (worst.hash, worst.place) {
                continue;
            }
            chosen.pop().into_iter().for_each(|worst| held.release(worst.row.bytes()));
        }
        held.take(row.bytes())?;
        chosen.push(Chosen { hash, place, row });
    }
    let mut chosen = chosen.into_vec();
    chosen.sort_unstable_by_key(|chosen| chosen.place);
    Ok(given_away(chosen.into_iter().map(|chosen| chosen.row), held))
}

struct Chosen {
    hash: u64,
    place: u64,
    row: Cells,
}

impl Ord for Chosen {
    fn cmp(&self, other: &Chosen) -> std::cmp::Ordering {
        (self.hash, self.place).cmp(&(other.hash, other.place))
    }
}

impl PartialOrd for Chosen {
    fn partial_cmp(&self, other: &Chosen) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Chosen {
    fn eq(&self, other: &Chosen) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Chosen {}

fn hash_of(row: &Cells, place: u64) -> u64 {
    match row.get(Slot::SEQ) {
        Datum::Int(seq) => scatter(*seq as u64),
        _ => scatter(place),
    }
}

/// The finalizer of splitmix64, which spreads neighbours over all 64 bits. It must never change: the same rows are
/// promised each time.
fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
