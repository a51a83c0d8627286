//! Names of well-known events, as stored in `event`.

/// An order was decided.
pub const ORDER_CREATED: &str = "order_created";
/// An order was sent to the venue.
pub const ORDER_SUBMITTED: &str = "order_submitted";
/// The venue accepted an order.
pub const ORDER_ACKNOWLEDGED: &str = "order_acknowledged";
/// An order was executed in part.
pub const ORDER_PARTIALLY_FILLED: &str = "order_partially_filled";
/// An order was executed in full.
pub const ORDER_FILLED: &str = "order_filled";
/// An order was withdrawn.
pub const ORDER_CANCELLED: &str = "order_cancelled";
/// An order was refused.
pub const ORDER_REJECTED: &str = "order_rejected";
/// An order ended by time.
pub const ORDER_EXPIRED: &str = "order_expired";
/// An order could not be sent or followed.
pub const ORDER_FAILED: &str = "order_failed";
/// An order was superseded.
pub const ORDER_REPLACED: &str = "order_replaced";
/// The quantity or price of a standing order was changed; it keeps its status.
pub const ORDER_AMENDED: &str = "order_amended";
/// Part of a standing order was withdrawn; it keeps its status.
pub const ORDER_REDUCED: &str = "order_reduced";
/// Somebody asked the venue to withdraw an order; it keeps its status until the venue answers.
pub const ORDER_CANCEL_REQUESTED: &str = "order_cancel_requested";
/// The venue refused to withdraw or change an order; it keeps its status.
pub const ORDER_CANCEL_REJECTED: &str = "order_cancel_rejected";
/// Events that belong to an order and leave its status as it is, whatever their own `status` says.
pub const ORDER_KEEPS_STATUS: [&str; 4] =
    [ORDER_AMENDED, ORDER_REDUCED, ORDER_CANCEL_REQUESTED, ORDER_CANCEL_REJECTED];
/// An order has ended, and this is its life: category `audit`, fields `final_status`, `total_events`,
/// `duration_ms`, `order_qty` and what the recording side knew of it.
pub const ORDER_LIFECYCLE: &str = "order_lifecycle";
/// A live order is no longer followed by the tracker, because there are too many: category `audit`, level `warn`.
pub const ORDER_UNTRACKED: &str = "order_untracked";
/// A quote.
pub const QUOTE: &str = "quote";
/// A trade print.
pub const TRADE: &str = "trade";
/// A strategy wants in.
pub const ENTRY_SIGNAL: &str = "entry_signal";
/// A strategy wants out.
pub const EXIT_SIGNAL: &str = "exit_signal";
/// A position opened.
pub const TRADE_ENTRY: &str = "trade_entry";
/// A position closed.
pub const TRADE_EXIT: &str = "trade_exit";
/// A position changed.
pub const POSITION_ADJUSTED: &str = "position_adjusted";
/// A limit of risk, and how much of it is used.
pub const RISK_LIMIT: &str = "risk_limit";
/// A risk check passed or not.
pub const RISK_CHECK: &str = "risk_check";
/// More of the portfolio is at risk than should be; field `heat_percent`.
pub const PORTFOLIO_HEAT_WARNING: &str = "portfolio_heat_warning";
/// A component reports its health.
pub const HEALTH_CHECK: &str = "health_check";
/// A call of an API was made; field `latency_us`.
pub const API_CALL: &str = "api_call";
/// A call of an API failed.
pub const API_ERROR: &str = "api_error";
/// A figure was measured: fields `metric_name`, `value`, `unit`.
pub const METRIC: &str = "metric";
/// A detector or a rule found something: category `system`, fields `rule`, `finding`, `first_seq`, `last_seq`, `count`.
pub const ALERT: &str = "alert";
/// A latency was measured.
pub const LATENCY_MEASUREMENT: &str = "latency_measurement";
/// Recorded by blotter itself where a producer's events were dropped: category `system`, level `error`,
/// fields `lost_producer`, `lost_first_pseq`, `lost_count`.
pub const EVENTS_LOST: &str = "events_lost";
/// Recorded by blotter itself after a maintenance run: category `system`, level `info`, or `error` where something
/// could not be done; fields `outcome`, `run_at`, and of compacted, warmed, cooled and dropped partitions their
/// number, events and bytes.
pub const MAINTENANCE_RUN: &str = "maintenance_run";
