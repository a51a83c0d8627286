//! Orders, executions and results by strategy.

use super::Section;
use super::inquiry::Inquiry;
use super::symbols::by;
use crate::error::Result;

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    by(inquiry, ("by_strategy", "By strategy"), "strategy", |trade| &trade.strategy)
}
