//! Each helper's event, field by field.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::event::{Side, dec};
use crate::{Db, Emit, Recorder, RecorderOptions};

/// What the events come out as: `level category name field=value ...`.
#[track_caller]
fn check(record: impl FnOnce(&mut Recorder) -> Emit, expected: &str) {
    assert_eq!(recorded(record), expected);
}

#[track_caller]
fn recorded(record: impl FnOnce(&mut Recorder) -> Emit) -> String {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path().join("desk.blotter")).unwrap();
    db.levels().apply("trace").unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let emitted = record(&mut recorder);
    assert!(emitted.is_accepted(), "{emitted:?}");
    db.flush().unwrap();
    let snapshot = db.snapshot().unwrap();
    let event = snapshot.scan(&crate::Predicate::all(), &crate::segment::Projection::all()).next().unwrap();
    let fields = event.fields.iter().map(|(key, value)| match key.name() {
        "event" => format!(" {value}"),
        name => format!(" {name}={value}"),
    });
    format!("{} {}{}", event.level, event.category, fields.collect::<String>())
}

#[test]
fn trades() {
    check(
        |recorder| recorder.entry_signal("AAPL", Side::Buy, 0.83, dec!(0.5)).emit(),
        "debug signal entry_signal symbol=AAPL side=BUY score=0.83 threshold=0.5",
    );
    check(
        |recorder| recorder.exit_signal("AAPL", Side::Sell, 3, 2).strategy("momentum").emit(),
        "debug signal exit_signal symbol=AAPL side=SELL score=3 threshold=2 strategy=momentum",
    );
    check(
        |recorder| {
            recorder
                .trade_entry("AAPL", Side::Buy, 100, dec!(150.25))
                .reason("breakout")
                .risk_percent(dec!(0.5))
                .emit()
        },
        "info position trade_entry symbol=AAPL side=BUY quantity=100 price=150.25 reason=breakout risk_percent=0.5",
    );
    check(
        |recorder| {
            recorder.trade_exit("AAPL", Side::Sell, 100, dec!(149.00), dec!(-125.00)).reason("stop").emit()
        },
        "info position trade_exit symbol=AAPL side=SELL quantity=100 price=149.00 pnl=-125.00 reason=stop",
    );
    check(
        |recorder| {
            recorder.position_adjusted("AAPL", "reduce", -40, dec!(150.256)).realized_pnl(dec!(3.10)).emit()
        },
        "info position position_adjusted symbol=AAPL action=reduce quantity_after=-40 avg_price=150.256 realized_pnl=3.10",
    );
}

#[test]
fn risk() {
    check(
        |recorder| recorder.risk_check("max_order", true).emit(),
        "info risk risk_check status=passed check=max_order",
    );
    check(
        |recorder| recorder.risk_check("max_order", false).reason("too large").emit(),
        "warn risk risk_check status=failed check=max_order reason=too large",
    );
    for (value, limit, expected) in [
        (
            dec!(870000),
            dec!(1000000),
            "info risk risk_limit limit_name=gross value=870000 limit=1000000 used_percent=87",
        ),
        (dec!(2), dec!(3), "info risk risk_limit limit_name=gross value=2 limit=3 used_percent=66.67"),
        (dec!(3), dec!(3), "warn risk risk_limit limit_name=gross value=3 limit=3 used_percent=100"),
        (dec!(-4), dec!(-3), "warn risk risk_limit limit_name=gross value=-4 limit=-3 used_percent=133.33"),
        (dec!(1), dec!(0), "warn risk risk_limit limit_name=gross value=1 limit=0"),
    ] {
        check(|recorder| recorder.risk_limit("gross", value, limit).emit(), expected);
    }
    check(
        |recorder| recorder.portfolio_heat_warning(82).emit(),
        "warn risk portfolio_heat_warning heat_percent=82",
    );
}

#[test]
fn system_and_performance() {
    for (status, level) in [("healthy", "info"), ("degraded", "warn")] {
        check(
            |recorder| recorder.health_check("gateway", status, Duration::from_micros(1_250)).emit(),
            &format!("{level} system health_check status={status} component=gateway response_time_ms=1.250"),
        );
    }
    check(
        |recorder| {
            recorder
                .api_call("/order", Duration::from_nanos(1_804_999), "ok")
                .field("http_status", 200)
                .emit()
        },
        "info performance api_call status=ok latency_us=1804 endpoint=/order http_status=200",
    );
    check(
        |recorder| recorder.api_call("/order", Duration::MAX, "error").emit(),
        "warn performance api_call status=error latency_us=9223372036854775807 endpoint=/order",
    );
    check(
        |recorder| recorder.metric("depth", 412, "levels").emit(),
        "info performance metric metric_name=depth value=412 unit=levels",
    );
    check(
        |recorder| recorder.latency_measurement("event_loop", Duration::from_micros(9)).emit(),
        "info performance latency_measurement metric_name=latency segment=event_loop value=9 unit=us",
    );
}

/// An error with a cause; of itself, if it is the ring.
#[derive(Debug)]
enum Failure {
    Told(String),
    By(&'static str, Box<Failure>),
    Ring,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Told(text) => f.write_str(text),
            Failure::By(text, _) => f.write_str(text),
            Failure::Ring => f.write_str("ring"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        static RING: Failure = Failure::Ring;
        match self {
            Failure::Told(_) => None,
            Failure::By(_, cause) => Some(cause),
            Failure::Ring => Some(&RING),
        }
    }
}

#[test]
fn errors_tell_what_where_why_who_and_which() {
    let refused = Failure::Told("connection refused".to_owned());
    check(
        |recorder| recorder.api_error("/order", &refused, 3).emit(),
        "error error api_error error_message=connection refused endpoint=/order retry_count=3",
    );
    let failed = Failure::By("submit", Box::new(Failure::By("gateway", Box::new(refused))));
    check(
        |recorder| {
            recorder
                .error("order_submit_failed")
                .operation("submit order")
                .component("gateway.xnas")
                .cause(&failed)
                .error_kind("Io")
                .actor("momentum")
                .correlation_id("m_7f")
                .emit()
        },
        "error error order_submit_failed operation=submit order component=gateway.xnas error_message=submit error_chain=submit: gateway: connection refused error_kind=Io actor=momentum correlation_id=m_7f",
    );
}

#[test]
fn errors_that_talk_much_or_never_end_are_recorded_all_the_same() {
    // Cut between characters: each takes three bytes, and 4096 is no multiple of it.
    let much = Failure::By("a", Box::new(Failure::Told("€".repeat(3_000))));
    let line = recorded(|recorder| recorder.error("failed").cause(&much).emit());
    assert!(
        line.ends_with(&format!("error_chain=a: {}... (813 more bytes)", "€".repeat(2_729))),
        "{}",
        line.len()
    );
    let much = Failure::Told("€".repeat(3_000));
    let line = recorded(|recorder| recorder.error("failed").cause(&much).emit());
    assert!(line.ends_with(&format!("error_message={}... (4905 more bytes)", "€".repeat(1_365))));
    let line = recorded(|recorder| recorder.error("failed").cause(&Failure::Ring).emit());
    assert_eq!(line.matches("ring").count(), 1 + 33);
    assert!(line.ends_with(": ring: ... (more causes)"));
}

#[test]
fn a_backtrace_is_bounded_and_left_out_where_it_was_not_captured() {
    use std::backtrace::Backtrace;
    let line = recorded(|recorder| recorder.error("failed").backtrace(&Backtrace::disabled()).emit());
    assert_eq!(line, "error error failed");
    let line = recorded(|recorder| recorder.error("failed").backtrace(&Backtrace::force_capture()).emit());
    assert!(line.contains(" backtrace=") && line.contains("a_backtrace_is_bounded"), "{line}");
    assert!(line.len() < 17 * 1024);
}

#[test]
fn an_error_that_is_not_recorded_is_not_formatted() {
    #[derive(Debug)]
    struct Loud;
    impl fmt::Display for Loud {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    impl Error for Loud {}
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path().join("desk.blotter")).unwrap();
    db.levels().apply("error=off").unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    assert_eq!(recorder.error("failed").cause(&Loud).emit(), Emit::Disabled);
}
