//! What is recorded of a whole order: its life when it has ended, or that it is no longer followed.

use super::measure;
use super::order::Order;
use super::step::stamp;
use crate::event::{Category, Level, Timestamp, ValueRef, names};
use crate::record::{Emit, EventBuilder, Recorder};

/// Records the life of an order that has ended; `is_repeated` where an end was recorded before and something came
/// after it. The last one counts.
pub(super) fn emit_lifecycle(
    recorder: &mut Recorder,
    order: &Order,
    is_repeated: bool,
    now: Timestamp,
) -> Emit {
    let average_price = order.average_price();
    let slippage_bps = average_price.and_then(|price| order.slippage_bps(price));
    let mut builder = recorder
        .audit(names::ORDER_LIFECYCLE)
        .at(now)
        .field("final_status", order.status.as_str())
        .field("total_events", order.events)
        .field("duration_ms", measure::between_ms(order.created, now))
        .field("filled_quantity", order.filled_quantity)
        .commission(order.commission);
    if let Some(bps) = slippage_bps {
        builder = builder.slippage_bps(bps);
    }
    let optional: [(&str, Option<ValueRef<'_>>); 8] = [
        ("order_qty", order.quantity.map(ValueRef::from)),
        ("average_price", average_price.map(ValueRef::from)),
        ("fills", (order.fills > 0).then_some(order.fills.into())),
        ("submit_latency_us", order.submit_latency_us.map(ValueRef::from)),
        ("ack_latency_us", order.ack_latency_us.map(ValueRef::from)),
        ("illegal_transitions", (order.illegal_transitions > 0).then_some(order.illegal_transitions.into())),
        ("events_not_recorded", (order.events_not_recorded > 0).then_some(order.events_not_recorded.into())),
        ("repeated", is_repeated.then_some(true.into())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            builder = builder.field(name, value);
        }
    }
    emit_of(builder, order)
}

/// Records that a live order is no longer followed, because there are more than the tracker may hold.
pub(super) fn emit_untracked(
    recorder: &mut Recorder,
    order: &Order,
    orders_max: usize,
    now: Timestamp,
) -> Emit {
    let builder = recorder
        .event(Category::AUDIT, Level::Warn, names::ORDER_UNTRACKED)
        .at(now)
        .message_fmt(format_args!(
            "order no longer followed: more than {orders_max} live at a time; what comes of it will be marked unknown_order"
        ))
        .field("last_status", order.status.as_str())
        .field("orders_max", orders_max)
        .field("filled_quantity", order.filled_quantity)
        .field("age_ms", measure::between_ms(order.created, now));
    emit_of(builder, order)
}

fn emit_of(mut builder: EventBuilder<'_>, order: &Order) -> Emit {
    stamp(&mut builder, &order.identity);
    builder.emit()
}
