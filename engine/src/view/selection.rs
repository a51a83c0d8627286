//! Which rows of a block match a predicate, found column by column: zones first, then the columns that the
//! predicate names, each decoded once. A condition on text is asked once per distinct text, not once per row.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::event::{FieldKey, Level, Value, ValueRef};
use crate::segment::{ColumnId, ColumnVector, Segment, Texts, Values};
use crate::view::Predicate;
use crate::view::predicate::{Term, compare, prints_as, prints_as_any};

/// What is remembered between the blocks of one segment.
#[derive(Default)]
pub(crate) struct Selection {
    /// For each term and dictionary, what is known of its texts.
    answers: Vec<HashMap<*const Texts, Vec<Answer>>>,
    /// Keeps the dictionaries, so that no other takes the address of one.
    texts: Vec<Arc<Texts>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

impl Selection {
    /// Marks the rows of a block that match; bounds on time are the caller's.
    pub(crate) fn of_block(
        &mut self,
        segment: &Segment,
        block: u32,
        predicate: &Predicate,
        indexed: &[FieldKey],
    ) -> Result<Vec<bool>> {
        let rows = segment.block_rows(block).len();
        let mut selected = vec![true; rows];
        if predicate.level_min > Level::Trace {
            let least = u64::from(predicate.level_min as u8);
            let zone = segment.zone(block, ColumnId::Level)?;
            if zone.max.is_some_and(|highest| matches!(highest, Value::I64(code) if (code as u64) < least)) {
                return Ok(vec![false; rows]);
            }
            keep_numbers(segment, block, ColumnId::Level, &mut selected, |level| level >= least)?;
        }
        if predicate.seq_min > 0 || predicate.seq_max < u64::MAX {
            let wanted = predicate.seq_min..=predicate.seq_max;
            keep_numbers(segment, block, ColumnId::Seq, &mut selected, |seq| wanted.contains(&seq))?;
        }
        self.answers.resize_with(predicate.terms.len(), HashMap::new);
        for (index, term) in predicate.terms.iter().enumerate() {
            if !selected.contains(&true) {
                break;
            }
            let fields = match term {
                Term::AnyIndexed { .. } => indexed,
                Term::Text { field, .. }
                | Term::Compare { field, .. }
                | Term::Exists { field }
                | Term::Missing { field } => std::slice::from_ref(field),
            };
            let matches = self.rows_of_term(segment, block, index, term, fields)?;
            let wanted = !matches!(term, Term::Missing { .. });
            for (selected, matches) in selected.iter_mut().zip(matches) {
                *selected &= matches == wanted;
            }
        }
        Ok(selected)
    }

    /// For each row whether any of the fields holds what the term asks; for `missing`, whether it is there.
    fn rows_of_term(
        &mut self,
        segment: &Segment,
        block: u32,
        index: usize,
        term: &Term,
        fields: &[FieldKey],
    ) -> Result<Vec<bool>> {
        let mut matches = vec![false; segment.block_rows(block).len()];
        for (column, info) in segment.columns().iter().enumerate() {
            if !fields.contains(&info.key) {
                continue;
            }
            let column = ColumnId::Field(column as u32);
            if is_excluded_by_zone(segment, block, column, term, matches.len())? {
                continue;
            }
            let vector = segment.decode(block, column)?;
            match &vector.values {
                Values::Str { codes, texts } => {
                    let answers = self.answers[index].entry(Arc::as_ptr(texts)).or_insert_with(|| {
                        self.texts.push(Arc::clone(texts));
                        Vec::new()
                    });
                    for (slot, code) in codes.iter().enumerate() {
                        if vector.presence.has(slot) {
                            matches[slot] |= answer(answers, *code as usize, texts, term);
                        }
                    }
                }
                _ => mark_values(&vector, term, &mut matches),
            }
        }
        Ok(matches)
    }
}

fn answer(answers: &mut Vec<Answer>, code: usize, texts: &Texts, term: &Term) -> bool {
    if code >= answers.len() {
        answers.resize(code + 1, Answer::Unknown);
    }
    if answers[code] == Answer::Unknown {
        let is_yes = is_asked_for(term, ValueRef::Str(texts.get(code as u32)));
        answers[code] = if is_yes { Answer::Yes } else { Answer::No };
    }
    answers[code] == Answer::Yes
}

fn mark_values(vector: &ColumnVector, term: &Term, matches: &mut [bool]) {
    for (slot, matches) in matches.iter_mut().enumerate() {
        if let Some(value) = vector.value(slot) {
            *matches |= is_asked_for(term, value.borrow());
        }
    }
}

/// Whether a value is what the term asks for; `missing` asks for any.
fn is_asked_for(term: &Term, value: ValueRef<'_>) -> bool {
    match term {
        Term::Text { texts, .. } => prints_as_any(value, texts),
        Term::AnyIndexed { text } => prints_as(value, text),
        Term::Compare { comparison, value: against, .. } => {
            compare(value, against.borrow()).is_some_and(|ordering| comparison.holds(ordering))
        }
        Term::Exists { .. } | Term::Missing { .. } => true,
    }
}

/// Whether the column's bounds in the block rule out every row of it.
fn is_excluded_by_zone(
    segment: &Segment,
    block: u32,
    column: ColumnId,
    term: &Term,
    rows: usize,
) -> Result<bool> {
    let zone = segment.zone(block, column)?;
    if zone.nulls as usize == rows {
        return Ok(true);
    }
    let (Term::Compare { comparison, value, .. }, Some(min), Some(max)) = (term, &zone.min, &zone.max) else {
        return Ok(false);
    };
    let (Some(least), Some(greatest)) =
        (compare(min.borrow(), value.borrow()), compare(max.borrow(), value.borrow()))
    else {
        return Ok(false);
    };
    use crate::view::Comparison as C;
    Ok(match comparison {
        C::Equal => least.is_gt() || greatest.is_lt(),
        C::Less | C::LessOrEqual => !comparison.holds(least),
        C::Greater | C::GreaterOrEqual => !comparison.holds(greatest),
    })
}

/// Keeps the rows of which a number that every row has is wanted.
fn keep_numbers(
    segment: &Segment,
    block: u32,
    column: ColumnId,
    selected: &mut [bool],
    is_wanted: impl Fn(u64) -> bool,
) -> Result<()> {
    if let Values::U64(numbers) = &segment.decode(block, column)?.values {
        for (selected, number) in selected.iter_mut().zip(numbers) {
            *selected &= is_wanted(*number);
        }
    }
    Ok(())
}
