use crate::api::QueryOptions;
use crate::cells::Names;
use crate::error::Result;
use crate::plan::schema::Schema;
use crate::plan::step::Plan;
use crate::syntax::ast::Query;
use blotter_engine::event::Timestamp;
use std::sync::Arc;
pub(crate) fn bind(
    _q: &Query,
    _n: &Arc<Names>,
    _s: &dyn Schema,
    _o: &QueryOptions,
    _now: Timestamp,
) -> Result<Plan> {
    todo!()
}
impl Plan {
    pub(crate) fn required_fields(&self) -> Option<Vec<crate::cells::Slot>> {
        None
    }
}
