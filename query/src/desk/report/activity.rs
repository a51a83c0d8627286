//! What orders and fills came to, in all and by a key: the figures of the daily report, of symbols and of strategies.
//!
//! The database counts by name of event, status and key, whose values are few; what a name and a status mean is decided
//! here, of the counts.

use std::collections::BTreeMap;

use blotter_engine::event::{OrderStatus, Timestamp};

use super::Unit;
use super::build::{Bucket, greater, mean, plus, share};
use super::inquiry::{Inquiry, number_of};
use super::repeats::Repeats;
use super::steps::{Steps, is_fill, is_order_event, status_of};
use crate::datum::{Datum, arithmetic};
use crate::desk::Period;
use crate::error::Result;
use crate::rows::Row;
use crate::syntax::ast::BinaryOp;

/// Figures of orders and fills.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    /// Events by status, in the order of [`OrderStatus::ALL`].
    statuses: [u64; OrderStatus::ALL.len()],
    pub(super) fills: u64,
    pub(super) volume: Datum,
    /// Fills with a price, of which the notional is known.
    pub(super) priced: u64,
    pub(super) notional: Datum,
    pub(super) commissions: u64,
    pub(super) commission: Datum,
    pub(super) slippages: u64,
    pub(super) slippage_sum: Datum,
    pub(super) slippage_max: Datum,
    pub(super) latency: Latency,
}

/// Time from the decision to the sending of orders, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Latency {
    pub(super) mean: Datum,
    pub(super) p50: Datum,
    pub(super) p99: Datum,
}

impl Activity {
    /// Events of a status.
    pub(super) fn count(&self, status: OrderStatus) -> u64 {
        let at = OrderStatus::ALL.iter().position(|known| *known == status);
        self.statuses[at.expect("every status is among all of them")]
    }

    /// Orders created.
    pub(super) fn orders(&self) -> u64 {
        self.count(OrderStatus::Created)
    }

    /// Filled per created; null without orders.
    pub(super) fn fill_rate(&self) -> Datum {
        share(self.count(OrderStatus::Filled), self.orders())
    }

    /// Rejected per created; null without orders.
    pub(super) fn rejection_rate(&self) -> Datum {
        share(self.count(OrderStatus::Rejected), self.orders())
    }

    /// Of the fills of which it is known; null of none.
    pub(super) fn slippage_mean(&self) -> Result<Datum> {
        mean(&self.slippage_sum, self.slippages)
    }

    fn add_status(&mut self, status: OrderStatus, count: u64) {
        if let Some(at) = OrderStatus::ALL.iter().position(|known| *known == status) {
            self.statuses[at] += count;
        }
    }

    /// Takes away one event of a status.
    fn remove_status(&mut self, status: OrderStatus) {
        if let Some(at) = OrderStatus::ALL.iter().position(|known| *known == status) {
            self.statuses[at] = self.statuses[at].saturating_sub(1);
        }
    }

    /// Adds one fill; what it comes to is the same as of [`Activity::add_fills`].
    fn add_fill(&mut self, row: &Row) -> Result<()> {
        let [quantity, price, commission, slippage] = FILL_NUMBERS.map(|name| number_of(row, name));
        self.fills += 1;
        self.priced += u64::from(!price.is_null());
        self.commissions += u64::from(!commission.is_null());
        self.slippages += u64::from(!slippage.is_null());
        let notional = arithmetic::binary(BinaryOp::Multiply, price.borrow(), quantity.borrow())?;
        self.volume = plus(&self.volume, &quantity)?;
        self.notional = plus(&self.notional, &notional)?;
        self.commission = plus(&self.commission, &commission)?;
        self.slippage_sum = plus(&self.slippage_sum, &slippage)?;
        self.slippage_max = greater(std::mem::take(&mut self.slippage_max), &slippage);
        Ok(())
    }

    fn add_fills(&mut self, row: &Row) -> Result<()> {
        self.fills += count_of(row, "fills");
        self.priced += count_of(row, "priced");
        self.commissions += count_of(row, "commissions");
        self.slippages += count_of(row, "slippages");
        self.volume = plus(&self.volume, row.get("volume"))?;
        self.notional = plus(&self.notional, row.get("notional"))?;
        self.commission = plus(&self.commission, row.get("commission_sum"))?;
        self.slippage_sum = plus(&self.slippage_sum, row.get("slippage_sum"))?;
        self.slippage_max = greater(std::mem::take(&mut self.slippage_max), row.get("slippage_max"));
        Ok(())
    }
}

/// A count in a row.
pub(super) fn count_of(row: &Row, name: &str) -> u64 {
    row.get(name).as_i64().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// Activity in all, by a key, and over time.
pub(super) struct Activities {
    pub(super) total: Activity,
    /// By the key; null for events without it.
    pub(super) by_key: BTreeMap<Datum, Activity>,
    /// By the start of the hour or day; none if it was not asked for.
    pub(super) by_time: BTreeMap<Datum, Activity>,
    /// Orders that were filled in part.
    pub(super) partially_filled: Datum,
}

/// What is added up of fills.
const FILL_NUMBERS: [&str; 4] = ["fill_quantity", "fill_price", "commission", "slippage_bps"];
const FILL_STATS: &str = "stats count() as fills, sum(fill_quantity) as volume, count(fill_price) as priced, \
                          sum({fill_price * fill_quantity}) as notional, count(commission) as commissions, \
                          sum(commission) as commission_sum, count(slippage_bps) as slippages, \
                          sum(slippage_bps) as slippage_sum, max(slippage_bps) as slippage_max";
const LATENCIES: &str = "stats avg(latency_us) as mean, p50(latency_us) as p50, p99(latency_us) as p99";

impl Activities {
    /// Asks by a field of few values, such as the strategy; over time if a bucket is given.
    ///
    /// # Errors
    /// Those of the queries, and sums that do not fit.
    pub(super) fn ask(inquiry: &mut Inquiry<'_>, key: &str, bucket: Option<Bucket>) -> Result<Activities> {
        let mut all = Activities {
            total: Activity::default(),
            by_key: BTreeMap::new(),
            by_time: BTreeMap::new(),
            partially_filled: Datum::Null,
        };
        let (orders, period) = (is_order_event(&inquiry.period), inquiry.period.condition());
        let time = bucket.map(|bucket| format!(", {}", bucket.key())).unwrap_or_default();
        let mut steps = Steps::default();
        let counts = format!("{orders} | stats count() by category, event, status, {key}{time}");
        inquiry.each(&counts, |row| {
            let (event, status) = (row.get("event"), row.get("status"));
            let told = status_of(event, status);
            steps.add(row.get("category"), status, told);
            if let Some(status) = told {
                all.each(row, key, bucket.is_some(), |found| {
                    found.add_status(status, count_of(row, "count"));
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        let fills = is_fill(&period);
        let repeats = Repeats::find(inquiry, &fills)?;
        if repeats.is_empty() {
            let stats = format!("{FILL_STATS} by {key}{time}");
            inquiry.each_of_numbers(&fills, &FILL_NUMBERS, &stats, |row| {
                all.each(row, key, bucket.is_some(), |found| found.add_fills(row))
            })?;
        } else {
            all.ask_fills_one_by_one(inquiry, repeats, &fills, key, bucket)?;
        }
        if let Some(submitted) = steps.condition(OrderStatus::Submitted, &inquiry.period) {
            all.ask_latency(inquiry, &submitted, key, bucket)?;
        }
        all.partially_filled = Datum::Int(0);
        if let Some(partially) = steps.condition(OrderStatus::PartiallyFilled, &inquiry.period) {
            let row = inquiry.row(&format!("{partially} | stats distinct(order_id) as orders"))?;
            all.partially_filled = row.map_or(Datum::Null, |row| row.get("orders").clone());
        }
        all.note(inquiry);
        Ok(all)
    }

    /// Asks for every fill, to leave out those that tell an execution again, and the step that came with it.
    fn ask_fills_one_by_one(
        &mut self,
        inquiry: &mut Inquiry<'_>,
        mut repeats: Repeats,
        fills: &str,
        key: &str,
        bucket: Option<Bucket>,
    ) -> Result<()> {
        let time = bucket.map_or("ts", Bucket::key);
        let numbers = FILL_NUMBERS.join(", ");
        let query = format!("{fills} | fields {time}, {key}, event, status, order_id, exec_id, {numbers}");
        let mut has_no_numbers = false;
        inquiry.each(&query, |row| {
            if repeats.is_repeat(row) {
                let Some(status) = status_of(row.get("event"), row.get("status")) else { return Ok(()) };
                return self.each(row, key, bucket.is_some(), |found| {
                    found.remove_status(status);
                    Ok(())
                });
            }
            has_no_numbers |=
                FILL_NUMBERS.iter().any(|name| !row.get(name).is_null() && number_of(row, name).is_null());
            self.each(row, key, bucket.is_some(), |found| found.add_fill(row))
        })?;
        if has_no_numbers {
            inquiry.note_no_numbers(fills, &FILL_NUMBERS)?;
        }
        repeats.note(inquiry, "of the period");
        Ok(())
    }

    /// Asks for latencies: percentiles of parts do not add up, so each is asked for.
    fn ask_latency(
        &mut self,
        inquiry: &mut Inquiry<'_>,
        submitted: &str,
        key: &str,
        bucket: Option<Bucket>,
    ) -> Result<()> {
        let latency = |row: &Row| Latency {
            mean: row.get("mean").clone(),
            p50: row.get("p50").clone(),
            p99: row.get("p99").clone(),
        };
        if let Some(row) = inquiry.row_of_numbers(submitted, &["latency_us"], LATENCIES)? {
            self.total.latency = latency(&row);
        }
        inquiry.each_of_numbers(submitted, &["latency_us"], &format!("{LATENCIES} by {key}"), |row| {
            self.by_key.entry(row.get(key).clone()).or_default().latency = latency(row);
            Ok(())
        })?;
        let Some(bucket) = bucket else { return Ok(()) };
        let stats = format!("{LATENCIES} by {}", bucket.key());
        inquiry.each_of_numbers(submitted, &["latency_us"], &stats, |row| {
            self.by_time.entry(row.get("ts").clone()).or_default().latency = latency(row);
            Ok(())
        })
    }

    /// Gives a function all that a row counts for.
    fn each(
        &mut self,
        row: &Row,
        key: &str,
        has_time: bool,
        mut add: impl FnMut(&mut Activity) -> Result<()>,
    ) -> Result<()> {
        add(&mut self.total)?;
        add(self.by_key.entry(row.get(key).clone()).or_default())?;
        if has_time {
            add(self.by_time.entry(row.get("ts").clone()).or_default())?;
        }
        Ok(())
    }

    /// Says which figures are not those of all fills.
    fn note(&self, inquiry: &mut Inquiry<'_>) {
        let total = &self.total;
        for (known, what) in [
            (total.priced, "a price: the notional is that of these"),
            (total.commissions, "a commission: the sum is that of these"),
            (total.slippages, "a slippage: mean and maximum are those of these"),
        ] {
            if known < total.fills {
                inquiry.note(format!("{known} of {} fills have {what}", total.fills));
            }
        }
    }

    /// Every place of a chart over time.
    ///
    /// # Errors
    /// Days that cannot be recorded.
    pub(super) fn times(&self, bucket: Bucket, period: &Period) -> Result<Vec<Timestamp>> {
        bucket.all(period, self.by_time.keys().filter_map(Datum::as_timestamp))
    }

    /// A value of every place of a chart; what there is of nothing where nothing was.
    pub(super) fn over(&self, times: &[Timestamp], value: impl Fn(&Activity) -> Datum) -> Vec<Datum> {
        let nothing = Activity::default();
        times.iter().map(|ts| value(self.by_time.get(&Datum::Time(*ts)).unwrap_or(&nothing))).collect()
    }
}

/// Columns of a table of activity by a key, after the key.
pub(super) const COLUMNS: [(&str, &str, Unit); 13] = [
    ("orders", "orders", Unit::Count),
    ("filled", "filled", Unit::Count),
    ("cancelled", "cancelled", Unit::Count),
    ("rejected", "rejected", Unit::Count),
    ("fill_rate", "fill rate", Unit::Share),
    ("rejection_rate", "rejection rate", Unit::Share),
    ("fills", "fills", Unit::Count),
    ("volume", "volume", Unit::Quantity),
    ("notional", "notional", Unit::Money),
    ("commission", "commission", Unit::Money),
    ("slippage_mean_bps", "mean slippage", Unit::BasisPoints),
    ("slippage_max_bps", "max slippage", Unit::BasisPoints),
    ("latency_p99_us", "p99 latency", Unit::Microseconds),
];

/// The cells of [`COLUMNS`].
///
/// # Errors
/// A mean that does not fit.
pub(super) fn cells(activity: &Activity) -> Result<Vec<Datum>> {
    Ok(vec![
        activity.orders().into(),
        activity.count(OrderStatus::Filled).into(),
        activity.count(OrderStatus::Cancelled).into(),
        activity.count(OrderStatus::Rejected).into(),
        activity.fill_rate(),
        activity.rejection_rate(),
        activity.fills.into(),
        sum_of(activity.fills, &activity.volume),
        sum_of(activity.fills, &activity.notional),
        sum_of(activity.fills, &activity.commission),
        activity.slippage_mean()?,
        activity.slippage_max.clone(),
        activity.latency.p99.clone(),
    ])
}

/// A sum over fills: zero of no fills, null if none of them has what is summed up.
pub(super) fn sum_of(fills: u64, sum: &Datum) -> Datum {
    if fills == 0 { Datum::Int(0) } else { sum.clone() }
}
