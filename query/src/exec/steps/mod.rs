use crate::error::Result;
use crate::exec::execution::{Execution, RowStream, Source};
use crate::plan::step::Step;
use std::sync::Arc;
pub(crate) fn apply(
    step: &Step,
    input: RowStream,
    _source: &Arc<dyn Source>,
    execution: &Arc<Execution>,
) -> Result<RowStream> {
    match step {
        Step::Stats(stats) => super::aggregate::rows(input, stats, execution),
        _ => Ok(input),
    }
}
