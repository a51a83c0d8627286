//! Keys: the values by which rows belong together. Equal as group keys are, so null equals null.

use crate::cells::Cells;
use crate::datum::Datum;
use crate::error::Result;
use crate::plan::scalar::Scalar;

/// See the module.
pub(super) type Key = Box<[Datum]>;

/// Evaluates a key into a buffer, so that looking up a known key allocates nothing.
pub(super) fn evaluate_into<'a>(
    key: &mut Vec<Datum>,
    scalars: impl IntoIterator<Item = &'a Scalar>,
    row: &Cells,
) -> Result<()> {
    key.clear();
    for scalar in scalars {
        key.push(scalar.evaluate(row)?);
    }
    Ok(())
}

/// Bytes that a key takes in a map, about.
pub(super) fn bytes(key: &[Datum]) -> usize {
    // The entry itself, and as much again for what a hash table leaves empty.
    2 * size_of::<Key>() + size_of_val(key) + key.iter().map(text_bytes).sum::<usize>()
}

fn text_bytes(datum: &Datum) -> usize {
    match datum {
        Datum::Str(text) if text.is_heap_allocated() => text.len() + 16,
        _ => 0,
    }
}
