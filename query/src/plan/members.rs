//! The values of `in`. Lists of identifiers are long and each is looked up in them, so their texts are hashed.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::scalar::Comparand;
use crate::datum::DatumRef;
use crate::syntax::ast::CompareOp;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    list: Vec<Comparand>,
    /// Places in the list of those that have a text, by the hash of it; none if the list is short.
    by_text: Option<HashTable<usize>>,
    /// Whether all mean something against text.
    all_have_text: bool,
}

/// Lists up to here are gone through.
const SHORT: usize = 8;

impl From<Vec<Comparand>> for Members {
    fn from(list: Vec<Comparand>) -> Members {
        let by_text = (list.len() > SHORT).then(|| {
            let mut table = HashTable::with_capacity(list.len());
            for (at, comparand) in list.iter().enumerate() {
                if let Some(text) = &comparand.text {
                    table.insert_unique(hash(text), at, |at| hash(text_of(&list, *at)));
                }
            }
            table
        });
        Members { all_have_text: list.iter().all(|comparand| comparand.text.is_some()), by_text, list }
    }
}

impl std::ops::Deref for Members {
    type Target = [Comparand];

    fn deref(&self) -> &[Comparand] {
        &self.list
    }
}

fn text_of(list: &[Comparand], at: usize) -> &str {
    list[at].text.as_deref().unwrap_or_default()
}

/// The same for all ASCII cases of a text, without making another.
fn hash(text: &str) -> u64 {
    struct Folded<'a>(&'a str);
    impl std::hash::Hash for Folded<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            let mut chunks = self.0.as_bytes().chunks(8);
            state.write_usize(self.0.len());
            chunks.by_ref().for_each(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                word.make_ascii_lowercase();
                state.write_u64(u64::from_le_bytes(word));
            });
        }
    }
    FixedState::default().hash_one(Folded(text))
}

impl Members {
    /// Whether a value equals one of them or, negated, is known to differ from each.
    pub(super) fn holds(&self, negated: bool, value: DatumRef<'_>) -> bool {
        let compares = |op| move |comparand: &Comparand| comparand.holds(op, value);
        match (value, &self.by_text) {
            (DatumRef::Str(text), Some(table)) => {
                let is_equal = |at: &usize| self.list[*at].holds(CompareOp::Equal, value);
                let is_found = table.find(hash(text), is_equal).is_some();
                if negated { self.all_have_text && !is_found } else { is_found }
            }
            _ if negated => self.list.iter().all(compares(CompareOp::NotEqual)),
            _ => self.list.iter().any(compares(CompareOp::Equal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::datum::Datum;

    fn comparand(text: &str, folded: bool) -> Comparand {
        let text = if folded { text.to_ascii_lowercase() } else { text.to_owned() };
        Comparand { number: text.parse().ok(), text: Some(text), folded, ..Comparand::default() }
    }

    proptest! {
        #[test]
        fn long_lists_answer_as_going_through_them_does(
            texts in proptest::collection::vec("[aAbB1]{0,3}|[a-z]{12}", 1..20),
            asked in "[aAbB1]{0,3}",
            folded: bool,
            number in 0i64..20,
            has_number_only: bool,
        ) {
            let mut list: Vec<Comparand> = texts.iter().map(|text| comparand(text, folded)).collect();
            if has_number_only {
                list.push(Comparand { number: Some(7.into()), ..Comparand::default() });
            }
            let members = Members::from(list.clone());
            for datum in [Datum::from(asked.as_str()), Datum::from(texts[0].as_str()), Datum::Int(number)] {
                let value = datum.borrow();
                let any = list.iter().any(|comparand| comparand.holds(CompareOp::Equal, value));
                let none = list.iter().all(|comparand| comparand.holds(CompareOp::NotEqual, value));
                prop_assert_eq!(members.holds(false, value), any);
                prop_assert_eq!(members.holds(true, value), none);
            }
        }
    }
}
