//! Whether the system was up, by its health checks, and how the APIs that it called answered.
//!
//! The time from a healthy check to the next check of the same component is up, unless it is longer than the longest gap
//! allowed; so long without a word is down, all of it. The time from any other check to the next is down. Nothing is
//! said of the time before the first check and after the last, but how long that is: a system that stopped checking
//! while other events were still recorded shows there.

use std::collections::BTreeMap;

use blotter_engine::event::Timestamp;

use super::activity::count_of;
use super::build::{figures, share, table};
use super::inquiry::Inquiry;
use super::losing::cut;
use super::{Section, Unit};
use crate::datum::Datum;
use crate::error::Result;
use crate::rows::Row;

pub(super) fn sections(inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
    let (components, mut down) = uptime(inquiry)?;
    let mut all = Component::default();
    components.values().for_each(|component| all.merge(component));
    down.sort_by_key(|down| std::cmp::Reverse(down.length_ns()));
    let last_event = inquiry.row(&format!("{} | stats max(ts) as ts", inquiry.period.condition()))?;
    let last_event = last_event.and_then(|row| row.get("ts").as_timestamp());
    let last_check = components.values().filter_map(|component| Some(component.last.as_ref()?.0)).max();
    let silent_ns =
        last_event.zip(last_check).map(|(event, check)| event.nanos().saturating_sub(check.nanos()));
    let response = inquiry.row_of_numbers(
        &format!("category = system and event = health_check and {}", inquiry.period.condition()),
        &["response_time_ms"],
        "stats avg(response_time_ms) as mean, p99(response_time_ms) as p99, max(response_time_ms) as max",
    )?;
    let of_response = |name: &str| response.as_ref().map_or(Datum::Null, |row| row.get(name).clone());
    let health = [
        ("health_checks", "checks", Unit::Count, all.checks.into()),
        ("healthy", "healthy", Unit::Count, all.healthy.into()),
        ("uptime", "uptime between checks", Unit::Share, all.uptime()),
        ("up_ns", "up", Unit::None, Datum::Duration(all.up_ns)),
        ("down_ns", "down", Unit::None, Datum::Duration(all.down_ns)),
        ("down_times", "times down", Unit::Count, (down.len() as u64).into()),
        (
            "down_longest_ns",
            "longest",
            Unit::None,
            down.first().map_or(Datum::Null, |down| Datum::Duration(down.length_ns())),
        ),
        ("last_check_ts", "last check", Unit::None, last_check.into()),
        (
            "silent_ns",
            "from it to the last event",
            Unit::None,
            silent_ns.map_or(Datum::Null, Datum::Duration),
        ),
        ("response_mean_ms", "mean response", Unit::Milliseconds, of_response("mean")),
        ("response_p99_ms", "p99 response", Unit::Milliseconds, of_response("p99")),
        ("response_max_ms", "max response", Unit::Milliseconds, of_response("max")),
    ];
    let mut sections = vec![figures("health", "Health", health)];
    let rows = components.iter().map(|(name, component)| {
        vec![
            name.clone(),
            component.checks.into(),
            component.healthy.into(),
            component.uptime(),
            Datum::Duration(component.down_ns),
            component.first.into(),
            component.last.as_ref().map(|(ts, _)| *ts).into(),
        ]
    });
    let columns = [
        ("component", "component", Unit::None),
        ("checks", "checks", Unit::Count),
        ("healthy", "healthy", Unit::Count),
        ("uptime", "uptime", Unit::Share),
        ("down_ns", "down", Unit::None),
        ("first_ts", "first check", Unit::None),
        ("last_ts", "last check", Unit::None),
    ];
    sections.push(table("by_component", "Components", &columns, rows.collect()));
    let shown = inquiry.options.rows_max;
    cut(inquiry, "times down", "the longest", down.len(), shown);
    let rows = down.into_iter().take(shown).map(|down| {
        let length = Datum::Duration(down.length_ns());
        vec![down.component, down.from.into(), down.until.into(), length, down.status]
    });
    let columns = [
        ("component", "component", Unit::None),
        ("from_ts", "from", Unit::None),
        ("until_ts", "until", Unit::None),
        ("length_ns", "length", Unit::None),
        ("status", "last status", Unit::None),
    ];
    sections.push(table("down", "Times down, the longest first", &columns, rows.collect()));
    sections.extend(apis(inquiry)?);
    sections.push(events(inquiry)?);
    Ok(sections)
}

/// What is known of one component.
#[derive(Clone, Debug, Default)]
struct Component {
    checks: u64,
    healthy: u64,
    up_ns: i64,
    down_ns: i64,
    first: Option<Timestamp>,
    /// The last check, and what it said.
    last: Option<(Timestamp, Datum)>,
}

/// A stretch of time in which a component was down.
struct Down {
    component: Datum,
    from: Timestamp,
    until: Timestamp,
    /// What the check at its beginning said.
    status: Datum,
}

impl Down {
    fn length_ns(&self) -> i64 {
        self.until.nanos().saturating_sub(self.from.nanos())
    }
}

impl Component {
    /// Adds a check that is not before the others; when it was down before it, if it was.
    fn add(&mut self, ts: Timestamp, status: Datum, gap_max_ns: i64) -> Option<(Timestamp, Datum)> {
        self.checks += 1;
        self.healthy += u64::from(is_healthy(&status));
        self.first.get_or_insert(ts);
        let (last, said) = self.last.replace((ts, status))?;
        let gap_ns = ts.nanos().saturating_sub(last.nanos());
        if is_healthy(&said) && gap_ns <= gap_max_ns {
            self.up_ns = self.up_ns.saturating_add(gap_ns);
            return None;
        }
        self.down_ns = self.down_ns.saturating_add(gap_ns);
        Some((last, said))
    }

    /// Up per time that is known of; null if there is none.
    fn uptime(&self) -> Datum {
        let (up, down) = (self.up_ns.unsigned_abs(), self.down_ns.unsigned_abs());
        share(up, up.saturating_add(down))
    }

    fn merge(&mut self, other: &Component) {
        self.checks += other.checks;
        self.healthy += other.healthy;
        self.up_ns = self.up_ns.saturating_add(other.up_ns);
        self.down_ns = self.down_ns.saturating_add(other.down_ns);
    }
}

fn is_healthy(status: &Datum) -> bool {
    status.as_str().is_some_and(|status| status.eq_ignore_ascii_case("healthy"))
}

/// Components by name, and every time that one was down.
fn uptime(inquiry: &mut Inquiry<'_>) -> Result<(BTreeMap<Datum, Component>, Vec<Down>)> {
    let gap_max_ns = i64::try_from(inquiry.options.health_gap_max.as_nanos()).unwrap_or(i64::MAX);
    let mut components: BTreeMap<Datum, Component> = BTreeMap::new();
    let mut down = Vec::new();
    let query = format!(
        "category = system and event = health_check and {} | fields ts, component, service, strategy, status",
        inquiry.period.condition()
    );
    inquiry.each(&query, |row| {
        let Some(ts) = row.get("ts").as_timestamp() else { return Ok(()) };
        // Who is checked: the component if it says so, else whoever recorded it.
        let named = ["component", "service", "strategy"].map(|name| row.get(name));
        let name = named.into_iter().find(|name| !name.is_null()).cloned().unwrap_or_default();
        let component = components.entry(name.clone()).or_default();
        if let Some((from, status)) = component.add(ts, row.get("status").clone(), gap_max_ns) {
            down.push(Down { component: name, from, until: ts, status });
        }
        Ok(())
    })?;
    Ok((components, down))
}

/// Calls of APIs, and errors of them.
fn apis(inquiry: &mut Inquiry<'_>) -> Result<[Section; 2]> {
    let period = inquiry.period.condition();
    const CALLS: &str = "stats count() as calls, count(where status = error) as failed, avg(latency_us) as mean, \
                         p50(latency_us) as p50, p99(latency_us) as p99, max(latency_us) as max";
    const ERRORS: &str = "stats count() as errors, sum(retry_count) as retries, last(ts) as last";
    let calls = format!("category = performance and event = api_call and {period}");
    let errors = format!("category = error and event = api_error and {period}");
    let all_calls = inquiry.row_of_numbers(&calls, &["latency_us"], CALLS)?;
    let all_errors = inquiry.row_of_numbers(&errors, &["retry_count"], ERRORS)?;
    let of = |row: Option<&Row>, name: &str| row.map_or(Datum::Null, |row| row.get(name).clone());
    let rate = |row: Option<&Row>| {
        row.map_or(Datum::Null, |row| share(count_of(row, "failed"), count_of(row, "calls")))
    };
    let summary = {
        let (calls, errors) = (all_calls.as_ref(), all_errors.as_ref());
        [
            ("api_calls", "calls", Unit::Count, of(calls, "calls")),
            ("api_calls_failed", "of them failed", Unit::Count, of(calls, "failed")),
            ("api_failure_rate", "failure rate", Unit::Share, rate(calls)),
            ("api_errors", "errors recorded", Unit::Count, of(errors, "errors")),
            ("api_latency_mean_us", "mean latency", Unit::Microseconds, of(calls, "mean")),
            ("api_latency_p50_us", "median latency", Unit::Microseconds, of(calls, "p50")),
            ("api_latency_p99_us", "p99 latency", Unit::Microseconds, of(calls, "p99")),
            ("api_latency_max_us", "max latency", Unit::Microseconds, of(calls, "max")),
        ]
    };
    let mut endpoints: BTreeMap<Datum, (Option<Row>, Option<Row>)> = BTreeMap::new();
    for row in inquiry.rows_of_numbers(&calls, &["latency_us"], &format!("{CALLS} by endpoint"))? {
        let endpoint = row.get("endpoint").clone();
        endpoints.entry(endpoint).or_default().0 = Some(row);
    }
    for row in inquiry.rows_of_numbers(&errors, &["retry_count"], &format!("{ERRORS} by endpoint"))? {
        let endpoint = row.get("endpoint").clone();
        endpoints.entry(endpoint).or_default().1 = Some(row);
    }
    let count = |row: Option<&Row>, name: &str| Datum::from(row.map_or(0, |row| count_of(row, name)));
    let rows = endpoints.iter().map(|(endpoint, (calls, errors))| {
        let (calls, errors) = (calls.as_ref(), errors.as_ref());
        vec![
            endpoint.clone(),
            count(calls, "calls"),
            count(calls, "failed"),
            rate(calls),
            of(calls, "mean"),
            of(calls, "p50"),
            of(calls, "p99"),
            of(calls, "max"),
            count(errors, "errors"),
            of(errors, "retries"),
            of(errors, "last"),
        ]
    });
    let columns = [
        ("endpoint", "endpoint", Unit::None),
        ("calls", "calls", Unit::Count),
        ("failed", "failed", Unit::Count),
        ("failure_rate", "failure rate", Unit::Share),
        ("latency_mean_us", "mean", Unit::Microseconds),
        ("latency_p50_us", "median", Unit::Microseconds),
        ("latency_p99_us", "p99", Unit::Microseconds),
        ("latency_max_us", "max", Unit::Microseconds),
        ("errors", "errors recorded", Unit::Count),
        ("retries", "retries", Unit::Count),
        ("last_error_ts", "last error", Unit::None),
    ];
    let endpoints = table("by_endpoint", "APIs by endpoint", &columns, rows.collect());
    Ok([figures("api", "APIs", summary), endpoints])
}

/// What the system said of itself.
fn events(inquiry: &mut Inquiry<'_>) -> Result<Section> {
    let rows = inquiry.rows(&format!(
        "category = system and {} | stats count(), first(ts) as first, last(ts) as last by event, level \
         | sort count desc, event, level",
        inquiry.period.condition()
    ))?;
    let names = ["event", "level", "count", "first", "last"];
    let rows = rows.iter().map(|row| names.iter().map(|name| row.get(name).clone()).collect());
    let columns = [
        ("event", "event", Unit::None),
        ("level", "level", Unit::None),
        ("count", "count", Unit::Count),
        ("first_ts", "first", Unit::None),
        ("last_ts", "last", Unit::None),
    ];
    Ok(table("events", "System events", &columns, rows.collect()))
}
