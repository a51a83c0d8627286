//! A day of some forty events, few enough to count on fingers.

use std::time::Duration;

use blotter::desk::report::{ReportKind, ReportOptions, Section};
use blotter::event::{Category, Level, Value, parse_decimal};
use blotter::{Datum, Db, Options, RecorderOptions, Timestamp, dec};

use crate::{day, figure, figures, made, table};

/// Time of 5 January 2026 (of the 4th if it begins with `-`), category, level, event, fields.
const EVENTS: &str = r#"
-14:00:00 order       info  order_created     strategy=mom order_id=P1 status=created symbol=A side=BUY quantity=10 price=9
-14:00:01 fill        info  order_filled      strategy=mom order_id=P1 status=filled symbol=A side=BUY fill_quantity=10 fill_price=9.00 commission=0.10
-14:00:02 system      info  health_check      service=oms status=healthy
 10:00:00 signal      info  entry_signal      strategy=mom symbol=A correlation_id=c1 side=BUY score=0.9 threshold=0.5
 10:00:01 order       info  order_created     strategy=mom order_id=O1 correlation_id=c1 status=created symbol=A side=BUY quantity=10 price=10
 10:00:01.5 order     info  order_submitted   strategy=mom order_id=O1 status=SUBMITTED latency_us=100
 10:00:02 order       info  order_acknowledged strategy=mom order_id=O1 latency_us=900
 10:00:03 fill        info  order_partially_filled strategy=mom order_id=O1 status=partially_filled symbol=A side=BUY fill_quantity=4 fill_price=10.00 commission=0.04 slippage_bps=1.5
 10:00:04 fill        info  order_partially_filled strategy=mom order_id=O1 status=partially_filled fill_quantity=2 fill_price=10.10 commission=0.02 slippage_bps=-0.5
 10:00:05 fill        info  fill              strategy=mom order_id=O1 status=filled symbol=A side=BUY fill_quantity=4 fill_price=10.20
 10:00:05 order       info  order_filled      strategy=mom order_id=O1 symbol=A
 10:10:00 order       info  order_created     strategy=mom order_id=O2 status=created symbol=A side=SELL quantity=25 price=11
 10:10:00.1 order     info  order_submitted   strategy=mom order_id=O2 status=submitted latency_us=300
 10:10:01 order       info  order_amended     strategy=mom order_id=O2 status=submitted latency_us=999 quantity=25 price=10.9
 10:10:02 order       info  order_reduced     strategy=mom order_id=O2 status=cancelled quantity=25
 10:10:03 order       info  order_cancel_requested strategy=mom order_id=O2 status=cancelled
 10:10:04 fill        info  order_filled      strategy=mom order_id=O2 status=filled symbol=A side=SELL fill_quantity=25 fill_price=9.50 commission=0.25 slippage_bps=2
 10:10:05 audit       info  order_lifecycle   strategy=mom order_id=O2 status=filled final_status=filled
 11:00:00 order       info  order_created     strategy=mom order_id=O3 status=created symbol=A side=BUY quantity=5 price=9
 11:00:00.2 fill      info  order_filled      strategy=mom order_id=O3 status=filled symbol=A side=BUY fill_quantity=5 fill_price=9.80 commission=0.05
 11:30:00 order       info  order_created     strategy=pairs order_id=O4 status=created symbol=B side=BUY quantity=1 price=5
 11:30:01 order       error order_rejected    strategy=pairs order_id=O4 status=rejected reason=margin message="no margin"
 11:30:02 error       error api_error         strategy=pairs endpoint=/orders error_message=timeout retry_count=2 component=gateway operation=submit message="timeout"
 11:30:03 error       critical api_error      strategy=pairs endpoint=/orders error_message=refused retry_count=1 component=gateway operation=submit message="refused"
 11:31:00 performance info  api_call          endpoint=/orders latency_us=1000 status=ok
 11:31:01 performance info  api_call          endpoint=/orders latency_us=3000 status=error
 11:31:02 performance info  api_call          endpoint=/book latency_us=500 status=ok
 11:32:00 performance info  metric            metric_name=loop value=5 unit=us segment=a
 11:32:01 performance info  metric            metric_name=loop value=7.5 unit=us segment=b
 11:32:02 performance info  metric            metric_name=heap value=64 unit=mb
 11:32:03 performance info  metric            metric_name=heap unit=mb
 12:00:00 system      info  health_check      service=oms status=healthy response_time_ms=10
 12:01:00 system      info  health_check      service=oms status=healthy response_time_ms=20
 12:02:00 system      warn  health_check      service=oms status=degraded response_time_ms=300
 12:02:00 system      info  health_check      component=feed status=healthy
 12:03:00 system      info  health_check      service=oms status=Healthy response_time_ms=10
 12:13:00 system      info  health_check      service=oms status=healthy response_time_ms=10
 13:00:00 risk        info  risk_check        strategy=mom check=exposure status=passed
 13:00:01 risk        warn  risk_check        strategy=mom check=exposure status=failed
 13:00:02 risk        info  risk_check        strategy=mom check=margin status=passed
 13:00:03 risk        info  risk_limit        strategy=mom limit_name=gross value=80 limit=100 used_percent=80
 13:00:04 risk        info  risk_limit        strategy=mom limit_name=gross value=60 limit=100 used_percent=60
 13:00:05 risk        warn  portfolio_heat_warning strategy=mom heat_percent=91 message="hot"
 13:00:06 risk        warn  portfolio_heat_warning strategy=pairs heat_percent=95 message="hotter"
 14:00:00 signal      info  entry_signal      strategy=mom symbol=A correlation_id=c2 side=BUY score=0.8 threshold=0.5
 14:00:01 signal      info  entry_signal      strategy=mom symbol=A side=SELL score=-0.7 threshold=0.5
 14:00:02 signal      info  entry_signal      strategy=mom symbol=A correlation_id=c3 side=BUY score=0.4 threshold=0.5
 14:00:03 signal      info  entry_signal      strategy=pairs symbol=B correlation_id=c4 side=BUY score=0.6 threshold=0.5
 14:00:04 signal      info  entry_signal      strategy=pairs symbol=B correlation_id=c5 side=BUY
 14:00:05 signal      info  exit_signal       strategy=pairs symbol=B score=0.99 threshold=0.5
 14:00:05.5 order     info  order_created     strategy=mom order_id=O5 correlation_id=c9 status=created symbol=A side=SELL quantity=1 price=1
 14:00:08.001 order   info  order_created     strategy=pairs order_id=O6 correlation_id=c4 status=created symbol=B side=BUY quantity=1 price=1
"#;

/// How many of them are recorded before the first seal, and before the second.
const SEALS: [usize; 2] = [9, 30];

fn value(text: &str) -> Value {
    match (text.parse::<i64>(), parse_decimal("", text)) {
        (Ok(whole), _) => Value::I64(whole),
        (_, Ok(decimal)) => Value::Decimal(decimal),
        _ => Value::from(text),
    }
}

/// Records a line.
pub fn record(db: &Db, line: &str) {
    let mut rest = line.trim_start();
    let mut word = || {
        let (word, after) = rest.split_once(' ').unwrap();
        rest = after.trim_start();
        word
    };
    let time = word();
    let (day, time) = time.strip_prefix('-').map_or(("05", time), |time| ("04", time));
    let ts: Timestamp = format!("2026-01-{day}T{time}Z").parse().unwrap();
    let (category, level) = (Category::custom(word()).unwrap(), word().parse::<Level>().unwrap());
    let event = word();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut builder = recorder.event(category, level, event).at(ts);
    while let Some((name, after)) = rest.split_once('=') {
        let (text, rest_after) = match after.strip_prefix('"') {
            Some(text) => text.split_once('"').unwrap(),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        let found = if after.starts_with('"') { Value::from(text) } else { value(text) };
        builder = builder.field(name, found.borrow());
        rest = rest_after.trim_start();
    }
    assert!(builder.emit().is_accepted());
}

/// A database of the lines, sealed after those numbers of them.
pub fn database(dir: &std::path::Path, lines: &str, seals: &[usize]) -> Db {
    let db = Options::new().without_threads().open(dir.join("desk.blotter")).unwrap();
    for (number, line) in lines.trim_matches('\n').lines().enumerate() {
        record(&db, line);
        db.flush().unwrap();
        if seals.contains(&(number + 1)) {
            db.seal().unwrap();
        }
    }
    db
}

fn each_layout(check: impl Fn(&Db)) {
    for seals in [&[][..], &SEALS] {
        let dir = tempfile::tempdir().unwrap();
        check(&database(dir.path(), EVENTS, seals));
    }
}

const DAY: &str = "2026-01-05";

#[test]
fn the_daily_report_counts_steps_of_orders_and_fills() {
    each_layout(|db| {
        let options = ReportOptions { compare: true, ..ReportOptions::default() };
        let daily = made(db, ReportKind::Daily, &day(DAY), &options);
        let of_the_day = EVENTS.trim().lines().filter(|line| !line.starts_with('-')).count();
        assert_eq!(daily.events, of_the_day as u64);
        assert_eq!(
            figures(&daily, "orders"),
            [
                // Amendments are no steps, whatever their status says; an event without status is one by its name.
                "orders=6<1",
                "submitted=2<0",
                "acknowledged=1<0",
                "partially_filled_orders=1<0",
                "filled=4<1",
                "cancelled=0<0",
                "rejected=1<0",
                "expired=0<0",
                "failed=0<0",
                "replaced=0<0",
                "fill_rate=0.6666666666666666666666666667<1",
                "rejection_rate=0.1666666666666666666666666667<0",
            ]
        );
        assert_eq!(
            figures(&daily, "fills"),
            [
                // 4 + 2 + 4 + 25 + 5; 40.00 + 20.20 + 40.80 + 237.50 + 49.00.
                "fills=5<1",
                "volume=40<10",
                "notional=387.50<90.00",
                "commission=0.36<0.10",
                "slippage_mean_bps=1<-",
                "slippage_max_bps=2<-",
            ]
        );
        assert_eq!(
            figures(&daily, "latency"),
            ["latency_mean_us=200.0<-", "latency_p50_us=100<-", "latency_p99_us=300<-"]
        );
        let columns = [
            "strategy",
            "orders",
            "filled",
            "rejected",
            "fills",
            "volume",
            "slippage_max_bps",
            "latency_p99_us",
        ];
        assert_eq!(
            table(&daily, "by_strategy", &columns),
            ["mom | 4 | 4 | 0 | 5 | 40 | 2 | 300", "pairs | 2 | 0 | 1 | 0 | 0 | - | -"]
        );
        let orders = daily.sections.iter().filter_map(Section::as_chart).next().unwrap();
        assert_eq!((orders.name, orders.x.len()), ("orders_by_hour", 24));
        let of_hour = |hour: usize| {
            orders.series.iter().map(|(_, values)| values[hour].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(
            [of_hour(10), of_hour(11), of_hour(12), of_hour(14)],
            [[2, 3, 0, 0], [2, 1, 0, 1], [0; 4], [2, 0, 0, 0]]
        );
        for note in [
            "4 of 5 fills have a commission: the sum is that of these",
            "3 of 5 fills have a slippage: mean and maximum are those of these",
            "of the period before: 0 of 1 fills have a slippage: mean and maximum are those of these",
        ] {
            assert!(daily.notes.iter().any(|found| found == note), "{note}: {:?}", daily.notes);
        }
    });
}

#[test]
fn trades_are_round_trips_whose_lots_may_be_of_days_before() {
    each_layout(|db| {
        let trades = made(db, ReportKind::Trades, &day(DAY), &ReportOptions::default());
        // 10 at 9.00, of the day before, 4 at 10.00, 2 at 10.10 (whose side is that of its order), 4 at 10.20: 20 bought
        // for 191.00. Sold at 9.50: 190.00 - 191.00 = -1.00, less 0.10 + 0.04 + 0.02 + 0.25 * 20 / 25 = 0.36.
        // The other 5 are short at 9.50, bought back at 9.80: -1.50, less 0.05 + 0.05.
        assert_eq!(
            figures(&trades, "trading"),
            [
                "trades=2",
                "wins=0",
                "losses=2",
                "even=0",
                "win_rate=0",
                "total_pnl=-2.96",
                "gross_profit=0",
                "gross_loss=-2.96",
                "commission=0.46",
                "average_win=-",
                "average_loss=-1.48",
                "expectancy=-1.48",
                "profit_factor=0",
                "best=-1.36",
                "worst=-1.60",
                "max_drawdown=2.96",
                "sharpe_daily_annualised=-",
                // -1.48 over the deviation of 1.36 and 1.60, which is 0.24 / sqrt(2).
                &format!(
                    "sharpe_per_trade={:?}",
                    figure(&trades, "trading", "sharpe_per_trade").as_f64().unwrap()
                ),
                "win_streak_max=0",
                "loss_streak_max=2",
                "open_positions=0",
            ]
        );
        let sharpe = figure(&trades, "trading", "sharpe_per_trade").as_f64().unwrap();
        assert!((sharpe - -1.48 / (0.24 / 2f64.sqrt())).abs() < 1e-9, "{sharpe}");
        assert_eq!(table(&trades, "by_symbol", &["symbol", "trades", "total_pnl"]), ["A | 2 | -2.96"]);
        let equity = trades.sections.iter().filter_map(Section::as_chart).next().unwrap();
        assert_eq!(equity.series[0].1, [Datum::Decimal(dec!(-1.36)), Datum::Decimal(dec!(-2.96))]);
        assert_eq!(
            trades.notes,
            ["1 of 6 fills up to the end of the period have no commission: it counts as none"]
        );
        // The day before only bought.
        let before = made(db, ReportKind::Trades, &day("2026-01-04"), &ReportOptions::default());
        assert_eq!(figure(&before, "trading", "trades"), Datum::Int(0));
        assert_eq!(figure(&before, "trading", "open_positions"), Datum::Int(1));
        let strategies = made(db, ReportKind::Strategies, &day(DAY), &ReportOptions::default());
        let columns = ["strategy", "orders", "fills", "trades", "total_pnl", "win_rate"];
        assert_eq!(
            table(&strategies, "by_strategy", &columns),
            ["mom | 4 | 5 | 2 | -2.96 | 0", "pairs | 2 | 0 | 0 | 0 | -"]
        );
        let symbols = made(db, ReportKind::Symbols, &day(DAY), &ReportOptions::default());
        // Steps of orders that do not name the symbol are of none.
        let columns = ["symbol", "orders", "filled", "rejected", "fills", "trades"];
        assert_eq!(
            table(&symbols, "by_symbol", &columns),
            ["A | 4 | 4 | 0 | 4 | 2", "B | 2 | 0 | 0 | 0 | 0", "- | 0 | 0 | 1 | 1 | 0"]
        );
    });
}

#[test]
fn losses_have_patterns_by_thresholds() {
    each_layout(|db| {
        let made = |options: ReportOptions| made(db, ReportKind::Losing, &day(DAY), &options);
        let found = made(ReportOptions::default());
        let pattern = |name: &str| figure(&found, "patterns", name);
        assert_eq!(figure(&found, "losses", "largest_loss"), Datum::Decimal(dec!(-1.6)));
        assert_eq!(
            [pattern("quick_stops"), pattern("large_losses"), pattern("losing_streaks")],
            [const { Datum::Int(0) }; 3]
        );
        assert_eq!(
            table(
                &found,
                "losing_trades",
                &[
                    "exit_ts",
                    "entry_side",
                    "quantity",
                    "entry_price",
                    "exit_price",
                    "net_pnl",
                    "held_ns",
                    "is_quick_stop",
                    "order_id"
                ]
            ),
            [
                "2026-01-05T11:00:00.200000000Z | SELL | 5 | 9.5 | 9.80 | -1.60 | 49m56.2s | false | O3",
                "2026-01-05T10:10:04.000000000Z | BUY | 20 | 9.55 | 9.50 | -1.36 | 20h10m3s | false | O2",
            ]
        );
        let found = made(ReportOptions {
            quick_stop_within: Duration::from_secs(3000),
            large_loss_times: dec!(1.05),
            losing_streak_trades_min: 2,
            rows_max: 1,
            ..ReportOptions::default()
        });
        assert_eq!(
            figures(&found, "patterns"),
            [
                "quick_stops=1",
                "quick_stop_share=0.5",
                "quick_stop_pnl=-1.60",
                "large_losses=1",
                "large_loss_pnl=-1.60",
                "losing_streaks=1",
                "loss_streak_max=2",
            ]
        );
        assert_eq!(
            table(&found, "losing_streaks", &[]),
            ["mom | 2026-01-05T10:10:04.000000000Z | 2026-01-05T11:00:00.200000000Z | 2 | -2.96"]
        );
        assert_eq!(table(&found, "losing_trades", &["order_id"]), ["O3"]);
        assert!(found.notes.contains(&"1 of 2 losing trades are shown: the greatest losses".to_owned()));
    });
}

#[test]
fn errors_risk_and_metrics_are_grouped() {
    each_layout(|db| {
        let made = |kind| made(db, kind, &day(DAY), &ReportOptions::default());
        let errors = made(ReportKind::Errors);
        assert_eq!(
            figures(&errors, "errors"),
            [
                "errors=3",
                "critical=1",
                "kinds=2",
                "strategies=1",
                "first_ts=2026-01-05T11:30:01.000000000Z",
                "last_ts=2026-01-05T11:30:03.000000000Z",
                "lost_events=-",
            ]
        );
        assert_eq!(
            table(&errors, "by_event", &["event", "level", "strategy", "count", "message"]),
            [
                "api_error | error | pairs | 1 | timeout",
                "api_error | critical | pairs | 1 | refused",
                "order_rejected | error | pairs | 1 | no margin"
            ]
        );
        assert_eq!(
            table(
                &errors,
                "by_component",
                &["component", "operation", "error_kind", "count", "error_message"]
            ),
            ["gateway | submit | - | 2 | refused"]
        );
        let risk = made(ReportKind::Risk);
        assert_eq!(
            figures(&risk, "risk"),
            [
                "checks=3",
                "checks_passed=2",
                "checks_failed=1",
                "check_failure_rate=0.3333333333333333333333333333",
                "limit_used_max_percent=80",
                "warnings=3",
                "heat_warnings=2",
                "heat_max_percent=95",
                "heat_mean_percent=93.0",
                "heat_last_percent=95",
            ]
        );
        assert_eq!(
            table(&risk, "by_check", &["check", "checks", "passed", "failed", "failure_rate"]),
            ["exposure | 2 | 1 | 1 | 0.5", "margin | 1 | 1 | 0 | 0"]
        );
        assert_eq!(
            table(&risk, "limits", &[]),
            ["gross | mom | 2 | 60 | 100 | 60 | 80 | 2026-01-05T13:00:03.000000000Z"]
        );
        let performance = made(ReportKind::Performance);
        assert_eq!(figures(&performance, "performance"), ["measurements=4", "metrics=2"]);
        assert_eq!(
            table(
                &performance,
                "by_metric",
                &["metric_name", "unit", "count", "mean", "p50", "p99", "max", "last"]
            ),
            ["heap | mb | 1 | 64.0 | 64 | 64 | 64 | 64", "loop | us | 2 | 6.25 | 5 | 7.5 | 7.5 | 7.5"]
        );
        assert_eq!(table(&performance, "by_segment", &["segment", "count"]), ["a | 1", "b | 1"]);
        assert_eq!(performance.notes, ["1 measurements have no value: they are in no figure"]);
    });
}

#[test]
fn uptime_is_the_time_after_healthy_checks() {
    each_layout(|db| {
        let system = made(db, ReportKind::System, &day(DAY), &ReportOptions::default());
        // oms: a minute up, a minute up until it says degraded, a minute down, ten minutes without a word.
        assert_eq!(
            figures(&system, "health"),
            [
                "health_checks=6",
                "healthy=5",
                "uptime=0.1538461538461538461538461538",
                "up_ns=2m",
                "down_ns=11m",
                "down_times=2",
                "down_longest_ns=10m",
                "last_check_ts=2026-01-05T12:13:00.000000000Z",
                "silent_ns=1h47m8.001s",
                "response_mean_ms=70.0",
                "response_p99_ms=300",
                "response_max_ms=300",
            ]
        );
        assert_eq!(
            table(&system, "by_component", &["component", "checks", "healthy", "uptime"]),
            ["feed | 1 | 1 | -", "oms | 5 | 4 | 0.1538461538461538461538461538"]
        );
        assert_eq!(
            table(&system, "down", &["component", "length_ns", "status"]),
            ["oms | 10m | Healthy", "oms | 1m | degraded"]
        );
        let patient = ReportOptions { health_gap_max: Duration::from_secs(600), ..ReportOptions::default() };
        let system = made(db, ReportKind::System, &day(DAY), &patient);
        assert_eq!(figure(&system, "health", "down_times"), Datum::Int(1));
        assert_eq!(
            table(
                &system,
                "by_endpoint",
                &[
                    "endpoint",
                    "calls",
                    "failed",
                    "failure_rate",
                    "latency_mean_us",
                    "latency_max_us",
                    "errors",
                    "retries"
                ]
            ),
            ["/book | 1 | 0 | 0 | 500.0 | 500 | 0 | -", "/orders | 2 | 1 | 0.5 | 2000.0 | 3000 | 2 | 3"]
        );
    });
}

#[test]
fn missed_are_the_strong_signals_that_no_order_answers_in_time() {
    each_layout(|db| {
        let missed = |options| made(db, ReportKind::Missed, &day(DAY), &options);
        // c1 has its order. c2 has none, for that of c9 is another's. The one without id is answered by strategy and
        // symbol. c3 is weak, c5 says nothing, the exit is no opportunity. The order of c4 comes 5.001 s later.
        let found = missed(ReportOptions::default());
        assert_eq!(
            figures(&found, "signals"),
            ["signals=6", "strong_signals=4", "answered=2", "missed=2", "miss_rate=0.5"]
        );
        assert_eq!(table(&found, "missed_signals", &["correlation_id", "score"]), ["c2 | 0.8", "c4 | 0.6"]);
        assert_eq!(
            table(&found, "by_strategy", &[]),
            ["mom | 3 | 1 | 0.3333333333333333333333333333", "pairs | 1 | 1 | 1"]
        );
        assert_eq!(found.notes, ["1 of 6 signals have no score, or no threshold: they are not looked at"]);
        let later = ReportOptions { missed_within: Duration::from_millis(5_001), ..ReportOptions::default() };
        assert_eq!(figure(&missed(later), "signals", "missed"), Datum::Int(1));
        let stronger = ReportOptions { signal_score_min: Some(dec!(0.75)), ..ReportOptions::default() };
        assert_eq!(figure(&missed(stronger), "signals", "strong_signals"), Datum::Int(2));
        // An order after the end of the period still answers a signal within it.
        let until = "2026-01-05T14:00:05Z".parse().unwrap();
        let period =
            blotter::desk::Period::between("2026-01-05T14:00:01Z".parse().unwrap(), until, blotter::Tz::UTC);
        let found = made(db, ReportKind::Missed, &period.unwrap(), &ReportOptions::default());
        assert_eq!(figure(&found, "signals", "answered"), Datum::Int(1));
    });
}
