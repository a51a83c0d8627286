//! What an event means to orders: a step to a status, or an execution; in conditions of queries, and of what they count.

use std::collections::BTreeSet;

use blotter_engine::event::OrderStatus;
use blotter_engine::event::names::ORDER_KEEPS_STATUS;

use crate::datum::Datum;
use crate::desk::Period;

/// The status that an event of an order tells: `status` if it is one, else by its name.
pub(super) fn status_of(event: &Datum, status: &Datum) -> Option<OrderStatus> {
    OrderStatus::of_event(event.as_str().unwrap_or_default(), status.as_str().unwrap_or_default())
}

/// The condition that an event is a step of an order, or might be one by its fields.
pub(super) fn is_order_event(period: &Period) -> String {
    format!("category in (order, fill) and {} and exists order_id", period.condition())
}

/// The condition that an event of an order tells this status; the same as [`status_of`].
pub(super) fn is_status(status: OrderStatus) -> String {
    let all: Vec<&str> = OrderStatus::ALL.iter().map(|status| status.as_str()).collect();
    let (word, event, all, no_steps) =
        (status.as_str(), status.event_name(), all.join(", "), ORDER_KEEPS_STATUS.join(", "));
    format!("(status = {word} or (event = {event} and not status in ({all}))) and not event in ({no_steps})")
}

/// Which events of a period tell which status, so that the questions about one read no more than they must.
#[derive(Default)]
pub(super) struct Steps {
    found: Vec<(OrderStatus, Step)>,
}

/// Events that tell one status.
#[derive(Default)]
struct Step {
    categories: BTreeSet<&'static str>,
    /// Whether some of them tell it by their name, or some that are no steps have it as their `status`.
    is_mixed: bool,
}

impl Steps {
    /// Adds some events of one category and `status`, and what they tell.
    pub(super) fn add(&mut self, category: &Datum, status: &Datum, told: Option<OrderStatus>) {
        let worded = status.as_str().and_then(OrderStatus::from_word);
        let is_mixed = worded != told;
        for status in [told, worded].into_iter().flatten() {
            let step = self.step(status);
            step.is_mixed |= is_mixed;
            let category = ["order", "fill"].into_iter().find(|known| category.as_str() == Some(known));
            step.categories.extend(category.filter(|_| told == Some(status)));
        }
    }

    fn step(&mut self, status: OrderStatus) -> &mut Step {
        let at = self.found.iter().position(|(known, _)| *known == status).unwrap_or_else(|| {
            self.found.push((status, Step::default()));
            self.found.len() - 1
        });
        &mut self.found[at].1
    }

    /// The condition that an event of the period tells a status; none if there is no such event.
    pub(super) fn condition(&self, status: OrderStatus, period: &Period) -> Option<String> {
        let (_, step) =
            self.found.iter().find(|(known, step)| *known == status && !step.categories.is_empty())?;
        let categories = step.categories.iter().copied().collect::<Vec<_>>().join(", ");
        let told = if step.is_mixed { is_status(status) } else { format!("status = {}", status.as_str()) };
        Some(format!("category in ({categories}) and {} and exists order_id and {told}", period.condition()))
    }
}

/// The condition that an event is an execution.
pub(super) fn is_fill(condition: &str) -> String {
    let no_steps = ORDER_KEEPS_STATUS.join(", ");
    format!(
        "category in (order, fill) and {condition} and exists fill_quantity and not event in ({no_steps})"
    )
}
