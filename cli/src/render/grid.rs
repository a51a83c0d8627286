//! A small table of texts of our own: every cell is shown whole, whatever is unsafe in it is escaped.

use super::escape::escaped;
use super::layout::GAP;
use super::width::{padding, width};

/// See the module.
pub(crate) struct Grid {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// Where a cell stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

impl Grid {
    /// With these columns.
    pub(crate) fn new(columns: &[(impl AsRef<str>, Align)]) -> Grid {
        let columns = columns.iter().map(|(name, align)| (name.as_ref().to_owned(), *align));
        Grid { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.row_of(cells);
    }

    /// Adds a row of as many cells as there are columns.
    pub(crate) fn row_of(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| escaped(&cell).to_string()).collect();
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its lines: names, a rule, rows.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widest = |column: usize| {
            let cells = self.rows.iter().map(|row| width(&row[column]));
            cells.chain([width(&self.columns[column].0)]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let rule: Vec<String> = widths.iter().map(|columns| "─".repeat(*columns)).collect();
        let all = [&names, &rule].into_iter().chain(&self.rows);
        all.map(|cells| self.line(cells, &widths)).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, columns), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            let space = padding(width(cell), *columns);
            match align {
                Align::Left => line.extend([cell.as_str(), &space]),
                Align::Right => line.extend([space.as_str(), cell]),
            }
            line.push_str(&" ".repeat(GAP));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_whole_aligned_and_safe() {
        let mut grid = Grid::new(&[("name", Align::Left), ("bytes", Align::Right), ("why", Align::Left)]);
        grid.row(["価格".into(), "1".into(), "x\n\u{1b}[2J".into()]);
        grid.row(["plain".into(), "1000000".into(), String::new()]);
        assert_eq!(
            grid.lines(),
            [
                "name     bytes  why",
                "─────  ───────  ──────────",
                "価格         1  x\\n\\x1b[2J",
                "plain  1000000",
            ]
        );
    }
}
