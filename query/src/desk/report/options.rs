//! What a report can be told.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::api::QueryOptions;

/// How a report is made. The defaults are right for most.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// Whether every figure is given with its value in the period before; not by default, as it takes twice the time.
    pub compare: bool,
    /// Most rows of a table of single trades, signals or stretches of time: 50, what a person reads. A note tells how
    /// many there were. Tables by strategy, symbol and the like are never cut.
    pub rows_max: usize,
    /// A loss is a quick stop if it was closed so soon after it was opened: one minute.
    pub quick_stop_within: Duration,
    /// A loss is large if it is more than so many times the average loss: 3.
    pub large_loss_times: Decimal,
    /// So many losses in a row are a losing streak: 3.
    pub losing_streak_trades_min: u64,
    /// Health checks further apart than this leave the time between them without cover: five minutes.
    pub health_gap_max: Duration,
    /// A signal counts from this score on, either way of zero; from its own `threshold` on, if this is `None`.
    pub signal_score_min: Option<Decimal>,
    /// An order this long after a signal still answers it: five seconds.
    pub missed_within: Duration,
    /// Memory, time and threads of each query, and what cancels it. Its zone is that of the period; fields that no
    /// event has are allowed, whatever it says.
    pub query: QueryOptions,
}

impl Default for ReportOptions {
    fn default() -> ReportOptions {
        ReportOptions {
            compare: false,
            rows_max: 50,
            quick_stop_within: Duration::from_secs(60),
            large_loss_times: Decimal::from(3),
            losing_streak_trades_min: 3,
            health_gap_max: Duration::from_secs(300),
            signal_score_min: None,
            missed_within: Duration::from_secs(5),
            query: QueryOptions::default(),
        }
    }
}
