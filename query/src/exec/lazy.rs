//! A stream whose work begins when its first row is asked for.

use crate::cells::Cells;
use crate::error::Result;
use crate::exec::execution::RowStream;

/// Rows made by `begin`, which runs when the first is asked for; its error comes in place of the first row. After an
/// error, and after the last row, everything that the rows held is let go.
pub(crate) fn lazily(begin: impl FnOnce() -> Result<RowStream> + Send + 'static) -> RowStream {
    Box::new(Lazy::Waiting(Box::new(begin)))
}

/// As [`lazily`], of rows that are made all at once.
pub(crate) fn lazily_all(make: impl FnOnce() -> Result<Vec<Cells>> + Send + 'static) -> RowStream {
    lazily(move || Ok(Box::new(make()?.into_iter().map(Ok))))
}

enum Lazy {
    Waiting(Box<dyn FnOnce() -> Result<RowStream> + Send>),
    Running(RowStream),
    Over,
}

impl Iterator for Lazy {
    type Item = Result<Cells>;

    fn next(&mut self) -> Option<Result<Cells>> {
        if let Lazy::Waiting(_) = self
            && let Lazy::Waiting(begin) = std::mem::replace(self, Lazy::Over)
        {
            match begin() {
                Ok(rows) => *self = Lazy::Running(rows),
                Err(error) => return Some(Err(error)),
            }
        }
        let Lazy::Running(rows) = self else { return None };
        let next = rows.next();
        if !matches!(next, Some(Ok(_))) {
            *self = Lazy::Over;
        }
        next
    }
}
