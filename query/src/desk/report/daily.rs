//! What a day amounts to: orders, executions, how well and how fast they were made.

use blotter_engine::event::OrderStatus;

use super::activity::{Activities, COLUMNS, cells, sum_of};
use super::build::{Bucket, chart, figures, table};
use super::inquiry::Inquiry;
use super::{ChartForm, Section, Unit};
use crate::datum::Datum;
use crate::error::Result;

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let bucket = Bucket::of(&inquiry.period);
    let all = Activities::ask(inquiry, "strategy", Some(bucket))?;
    let mut sections = summary(&all)?;
    sections.push(by_strategy(&all)?);
    sections.extend(over_time(&all, bucket, inquiry)?);
    Ok(sections)
}

/// The figures of all.
pub(super) fn summary(all: &Activities) -> Result<Vec<Section>> {
    let total = &all.total;
    let count = |status| Datum::from(total.count(status));
    let orders = [
        ("orders", "orders", Unit::Count, total.orders().into()),
        ("submitted", "submitted", Unit::Count, count(OrderStatus::Submitted)),
        ("acknowledged", "acknowledged", Unit::Count, count(OrderStatus::Acknowledged)),
        ("partially_filled_orders", "partially filled", Unit::Count, all.partially_filled.clone()),
        ("filled", "filled", Unit::Count, count(OrderStatus::Filled)),
        ("cancelled", "cancelled", Unit::Count, count(OrderStatus::Cancelled)),
        ("rejected", "rejected", Unit::Count, count(OrderStatus::Rejected)),
        ("expired", "expired", Unit::Count, count(OrderStatus::Expired)),
        ("failed", "failed", Unit::Count, count(OrderStatus::Failed)),
        ("replaced", "replaced", Unit::Count, count(OrderStatus::Replaced)),
        ("fill_rate", "fill rate", Unit::Share, total.fill_rate()),
        ("rejection_rate", "rejection rate", Unit::Share, total.rejection_rate()),
    ];
    let fills = [
        ("fills", "fills", Unit::Count, total.fills.into()),
        ("volume", "volume", Unit::Quantity, sum_of(total.fills, &total.volume)),
        ("notional", "notional", Unit::Money, sum_of(total.fills, &total.notional)),
        ("commission", "commission", Unit::Money, sum_of(total.fills, &total.commission)),
        ("slippage_mean_bps", "mean slippage", Unit::BasisPoints, total.slippage_mean()?),
        ("slippage_max_bps", "max slippage", Unit::BasisPoints, total.slippage_max.clone()),
    ];
    let latency = [
        ("latency_mean_us", "mean", Unit::Microseconds, total.latency.mean.clone()),
        ("latency_p50_us", "median", Unit::Microseconds, total.latency.p50.clone()),
        ("latency_p99_us", "99th percentile", Unit::Microseconds, total.latency.p99.clone()),
    ];
    Ok(vec![
        figures("orders", "Orders", orders),
        figures("fills", "Fills", fills),
        figures("latency", "Latency of submission", latency),
    ])
}

fn by_strategy(all: &Activities) -> Result<Section> {
    let rows = all.by_key.iter().map(|(strategy, activity)| {
        let mut row = vec![strategy.clone()];
        row.extend(cells(activity)?);
        Ok(row)
    });
    let columns: Vec<_> = [("strategy", "strategy", Unit::None)].into_iter().chain(COLUMNS).collect();
    Ok(table("by_strategy", "By strategy", &columns, rows.collect::<Result<_>>()?))
}

fn over_time(all: &Activities, bucket: Bucket, inquiry: &Inquiry<'_>) -> Result<[Section; 3]> {
    let times = all.times(bucket, &inquiry.period)?;
    let x: Vec<Datum> = times.iter().map(|ts| Datum::Time(*ts)).collect();
    let count = |status| all.over(&times, move |found| found.count(status).into());
    let orders = vec![
        ("orders", count(OrderStatus::Created)),
        ("filled", count(OrderStatus::Filled)),
        ("cancelled", count(OrderStatus::Cancelled)),
        ("rejected", count(OrderStatus::Rejected)),
    ];
    let notional = vec![("notional", all.over(&times, |found| sum_of(found.fills, &found.notional)))];
    let latency = vec![
        ("median", all.over(&times, |found| found.latency.p50.clone())),
        ("99th percentile", all.over(&times, |found| found.latency.p99.clone())),
    ];
    let title = |what: &str| format!("{what} by {}", bucket.name());
    let (bars, line) = (ChartForm::Bars, ChartForm::Line);
    let names = match bucket {
        Bucket::Hour => ["orders_by_hour", "notional_by_hour", "latency_by_hour"],
        Bucket::Day => ["orders_by_day", "notional_by_day", "latency_by_day"],
    };
    Ok([
        chart(names[0], title("Orders"), bars, Unit::Count, x.clone(), orders),
        chart(names[1], title("Notional"), bars, Unit::Money, x.clone(), notional),
        chart(names[2], title("Latency of submission"), line, Unit::Microseconds, x, latency),
    ])
}
