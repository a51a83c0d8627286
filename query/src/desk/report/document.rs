//! What a report is made of, before anybody chose how it looks.

use crate::datum::Datum;
use crate::desk::Period;
use crate::rows::UnreadablePart;

/// A report: sections in order, each with a name for programs and a title for people.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which report it is, e.g. `daily`.
    pub kind: &'static str,
    /// What people call it.
    pub title: String,
    /// What it is about.
    pub period: Period,
    /// What it is compared with, if it is.
    pub compared_with: Option<Period>,
    /// Events recorded in the period, whatever they are; of none there is nothing to report.
    pub events: u64,
    /// What it says.
    pub sections: Vec<Section>,
    /// What a reader must know to trust it: parts that could not be read, fields nobody recorded.
    pub notes: Vec<String>,
    /// What could not be read, of which the notes tell too; the figures are those of all else.
    pub unreadable: Vec<UnreadablePart>,
}

/// A part of a report.
#[derive(Clone, Debug)]
pub enum Section {
    /// Single figures.
    Figures(Figures),
    /// Rows.
    Table(Table),
    /// A picture.
    Chart(Chart),
}

/// Single figures that belong together.
#[derive(Clone, Debug)]
pub struct Figures {
    /// For programs, e.g. `orders`.
    pub name: &'static str,
    /// For people, e.g. `Orders`.
    pub title: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// For programs, with the unit last, e.g. `slippage_mean_bps`.
    pub name: &'static str,
    /// For people, e.g. `mean slippage`.
    pub label: &'static str,
    /// Its value; null where there is nothing to compute it from, such as the fill rate of no orders.
    pub value: Datum,
    /// What it counts.
    pub unit: Unit,
    /// Its value in the period that the report is compared with; `None` if it is not compared.
    pub previous: Option<Datum>,
}

/// Rows of one kind.
#[derive(Clone, Debug)]
pub struct Table {
    /// For programs, e.g. `by_strategy`.
    pub name: &'static str,
    /// For people, e.g. `By strategy`.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with a value for every column.
    pub rows: Vec<Vec<Datum>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// For programs, with the unit last.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
}

/// A picture of figures over time or over kinds.
#[derive(Clone, Debug)]
pub struct Chart {
    /// For programs, e.g. `orders_by_hour`.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// How it is drawn.
    pub form: ChartForm,
    /// What its values count.
    pub unit: Unit,
    /// Where on the horizontal axis: times or texts.
    pub x: Vec<Datum>,
    /// Its series, each with a value for every `x`; null leaves a gap.
    pub series: Vec<(String, Vec<Datum>)>,
}

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartForm {
    /// Points joined by lines.
    Line,
    /// A bar for each, those of one place side by side.
    Bars,
}

/// What a value counts, by which people are shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A name, a text, a time: as it is.
    None,
    /// Things.
    Count,
    /// A share of 1, shown in percent.
    Share,
    /// A number of percent, as it was recorded.
    Percent,
    /// A quantity of an instrument.
    Quantity,
    /// Money, in whatever currency prices are.
    Money,
    /// Basis points.
    BasisPoints,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// A ratio.
    Ratio,
}
