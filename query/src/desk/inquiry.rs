//! Several questions to one snapshot, and what of it could not be read.

use blotter_engine::Snapshot;

use crate::api::{QueryOptions, Queryable};
use crate::datum::Datum;
use crate::error::Result;
use crate::rows::{Row, UnreadablePart};
use crate::syntax::quoted_text;

/// Bytes of ids that one question names at most.
const IDS_BYTES_MAX: usize = 32 * 1024;

/// Ids that one question names at most.
const IDS_MAX: usize = 1024;

/// See the module.
pub(super) struct Inquiry {
    snapshot: Snapshot,
    options: QueryOptions,
    unreadable: Vec<UnreadablePart>,
}

/// Whether more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// The next one.
    Wanted,
    /// None.
    Enough,
}

impl Inquiry {
    /// Of what is recorded up to now. Fields that nobody recorded are missing, rather than mistakes.
    pub(super) fn new(database: &impl Queryable, options: &QueryOptions) -> Result<Inquiry> {
        let options = QueryOptions { allow_unknown_fields: true, ..options.clone() };
        Ok(Inquiry { snapshot: database.to_snapshot()?, options, unreadable: Vec::new() })
    }

    /// Asks, and gives each row until no more are wanted.
    pub(super) fn each(
        &mut self,
        text: &str,
        parameters: &[(&str, Datum)],
        mut visit: impl FnMut(Row) -> Result<More>,
    ) -> Result<()> {
        self.options.parameters =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut rows = self.snapshot.query_with_options(text, &self.options)?;
        let mut done = Ok(());
        for row in rows.by_ref() {
            match row.and_then(&mut visit) {
                Ok(More::Wanted) => {}
                Ok(More::Enough) => break,
                Err(error) => {
                    done = Err(error);
                    break;
                }
            }
        }
        for part in rows.unreadable() {
            if !self.unreadable.contains(&part) {
                self.unreadable.push(part);
            }
        }
        done
    }

    /// The first row, if there is one.
    pub(super) fn first(&mut self, text: &str, parameters: &[(&str, Datum)]) -> Result<Option<Row>> {
        let mut first = None;
        self.each(text, parameters, |row| {
            first = Some(row);
            Ok(More::Enough)
        })?;
        Ok(first)
    }

    /// What could not be read.
    pub(super) fn into_unreadable(self) -> Vec<UnreadablePart> {
        self.unreadable
    }
}

/// Ids as they stand between the brackets of `in`, in as many lists as it takes.
pub(super) fn lists<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    let mut count = 0;
    for id in ids {
        let quoted = quoted_text(id);
        match lists.last_mut() {
            Some(list) if count < IDS_MAX && list.len() + quoted.len() < IDS_BYTES_MAX => {
                list.push_str(", ");
                list.push_str(&quoted);
                count += 1;
            }
            _ => {
                lists.push(quoted);
                count = 1;
            }
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_quoted_and_bounded() {
        assert_eq!(lists(["a", "b\"c"]), [r#""a", "b\"c""#]);
        assert_eq!(lists([]), [""; 0]);
        let many: Vec<String> = (0..3000).map(|number| format!("{number:040}")).collect();
        let found = lists(many.iter().map(String::as_str));
        assert!(found.iter().all(|list| list.len() <= IDS_BYTES_MAX), "{}", found.len());
        assert_eq!(found.iter().map(|list| list.split(", ").count()).sum::<usize>(), 3000);
    }
}
