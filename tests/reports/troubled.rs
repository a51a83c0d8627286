//! Reports of little, of nothing, of fields that hold something else, and of a database that is damaged.

use blotter::desk::report::{ReportKind, ReportOptions};
use blotter::{Datum, Options, Reader};

use crate::by_hand::{database, record};
use crate::{day, figure, figures, made, table};

const DAY: &str = "2026-01-05";

/// What every figure of nothing is: no count, no sum, or nothing to compute it from.
fn assert_nothing(report: &blotter::desk::report::Report) {
    for section in &report.sections {
        if let Some(section) = section.as_figures() {
            for figure in &section.figures {
                let is_nothing = figure.value.is_null()
                    || figure.value == Datum::Int(0)
                    || figure.value.as_duration_ns() == Some(0);
                assert!(is_nothing, "{}.{}: {:?}", section.name, figure.name, figure.value);
            }
        }
        if let Some(table) = section.as_table() {
            assert!(table.rows.is_empty(), "{}: {:?}", table.name, table.rows);
        }
    }
    assert_eq!((report.events, report.notes.as_slice()), (0, &[][..]));
}

#[test]
fn nothing_amounts_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = Options::new().without_threads().open(dir.path().join("desk.blotter")).unwrap();
    for kind in ReportKind::ALL {
        assert_nothing(&made(&db, *kind, &day(DAY), &ReportOptions::default()));
    }
    // A period without events, of a database that has some.
    record(&db, " 10:00:00 order info order_created order_id=O1 status=created");
    db.flush().unwrap();
    for kind in ReportKind::ALL {
        assert_nothing(&made(&db, *kind, &day("2026-01-07"), &ReportOptions::default()));
    }
    // Of one event that says next to nothing every report can be made.
    for kind in ReportKind::ALL {
        let found = made(&db, *kind, &day(DAY), &ReportOptions { compare: true, ..ReportOptions::default() });
        assert_eq!(found.notes, ["nothing is recorded of the period before (2026-01-04 UTC)"]);
    }
}

#[test]
fn fills_that_lack_something_are_told_and_where_none_can_be_matched_exits_are_the_trades() {
    let dir = tempfile::tempdir().unwrap();
    let lines = r#"
 10:00:00 fill     info order_filled order_id=O1 status=filled symbol=A fill_quantity=1 fill_price=10
 10:00:01 fill     info order_filled order_id=O2 status=filled symbol=A side=BUY fill_quantity=1
 10:00:02 fill     info order_filled order_id=O3 status=filled side=BUY fill_quantity=1 fill_price=10
 10:00:03 fill     info order_filled order_id=O4 status=filled symbol=A side=BUY fill_quantity=0 fill_price=10
 10:00:04 position info trade_exit   strategy=s symbol=A side=SELL quantity=1 price=12 pnl=2.50 reason=target
 10:00:05 position info trade_exit   strategy=s symbol=A side=BUY quantity=1 price=12 pnl=-1
 10:00:06 position info trade_exit   strategy=s symbol=A
"#;
    let db = database(dir.path(), lines, &[]);
    let found = made(&db, ReportKind::Trades, &day(DAY), &ReportOptions::default());
    assert_eq!(figure(&found, "trading", "trades"), Datum::Int(2));
    assert_eq!(figure(&found, "trading", "total_pnl").to_string(), "1.50");
    assert_eq!(figure(&found, "trading", "open_positions"), Datum::Null);
    let told = |count, what| {
        format!("{count} of 4 fills up to the end of the period have no {what}: they are in no trade")
    };
    assert_eq!(
        found.notes,
        [
            told(1, "quantity above zero"),
            told(1, "side"),
            told(1, "price"),
            told(1, "symbol"),
            "there are no fills to match: trades are the trade_exit events, each with the pnl it tells"
                .to_owned(),
            "1 trade_exit events have no pnl: they are no trades here".to_owned(),
        ]
    );
    let losing = made(&db, ReportKind::Losing, &day(DAY), &ReportOptions::default());
    assert_eq!(
        table(&losing, "losing_trades", &["entry_side", "net_pnl", "is_quick_stop"]),
        ["SELL | -1 | -"]
    );
}

#[test]
fn a_value_that_is_no_number_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let lines = r#"
 10:00:00 order info order_created   strategy=s order_id=O1 status=created
 10:00:01 order info order_submitted strategy=s order_id=O1 status=submitted latency_us=fast
 10:00:02 order info order_submitted strategy=s order_id=O2 status=submitted latency_us=30
 10:00:03 fill info order_filled strategy=s order_id=O1 symbol=A side=BUY fill_quantity=10 fill_price=2 commission=0.5 slippage_bps=1
 10:00:04 fill info order_filled strategy=s order_id=O2 symbol=A side=SELL fill_quantity=10 fill_price=3 commission=n/a slippage_bps=3
 10:00:05 fill info order_filled strategy=t order_id=O3 symbol=B side=BUY fill_quantity=1 fill_price=none commission=0.25
 11:00:00 risk info risk_limit limit_name=gross used_percent=80
 11:00:01 risk info risk_limit limit_name=gross used_percent=most
 11:00:02 performance info metric metric_name=loop value=5
 11:00:03 performance info metric metric_name=loop value=slow
"#;
    let told = |others: u64, values: u64, field: &str| {
        format!(
            "{others} of {values} values of {field} are no numbers: figures of {field} are those of the others"
        )
    };
    for sealed in [&[][..], &[4]] {
        let db = database(&dir.path().join(sealed.len().to_string()), lines, sealed);
        let made = |kind| made(&db, kind, &day(DAY), &ReportOptions::default());
        for kind in [ReportKind::Daily, ReportKind::Symbols, ReportKind::Strategies] {
            let found = made(kind);
            assert_eq!(
                figures(&found, "fills"),
                [
                    "fills=3",
                    "volume=21",
                    "notional=50",
                    "commission=0.75",
                    "slippage_mean_bps=2",
                    "slippage_max_bps=3"
                ],
                "{kind:?}"
            );
            assert_eq!(
                figures(&found, "latency"),
                ["latency_mean_us=30.0", "latency_p50_us=30", "latency_p99_us=30"]
            );
            for note in [told(1, 3, "fill_price"), told(1, 3, "commission"), told(1, 2, "latency_us")] {
                assert!(found.notes.contains(&note), "{kind:?} {note}: {:?}", found.notes);
            }
        }
        assert_eq!(
            table(
                &made(ReportKind::Strategies),
                "by_strategy",
                &["strategy", "fills", "notional", "commission"]
            ),
            ["s | 2 | 50 | 0.5", "t | 1 | - | 0.25"]
        );
        let risk = made(ReportKind::Risk);
        assert_eq!(figure(&risk, "risk", "limit_used_max_percent"), Datum::Int(80));
        assert_eq!(risk.notes, [told(1, 2, "used_percent")]);
        let performance = made(ReportKind::Performance);
        assert_eq!(table(&performance, "by_metric", &["count", "mean", "max", "last"]), ["1 | 5.0 | 5 | 5"]);
        assert_eq!(performance.notes, [told(1, 2, "value")]);
    }
}

#[test]
fn an_execution_told_again_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    // Of O1 E2 is told again, an hour later; E1 of O2 is another execution; a fill without an id is never a repeat.
    let once = r#"
 10:00:00 order info order_created strategy=s order_id=O1 status=created symbol=A
 10:00:01 fill info order_partially_filled strategy=s order_id=O1 symbol=A side=BUY fill_quantity=6 fill_price=10 commission=0.6 exec_id=E1 slippage_bps=1
 10:00:02 fill info order_filled strategy=s order_id=O1 symbol=A side=BUY fill_quantity=4 fill_price=11 commission=0.4 exec_id=E2 slippage_bps=2
 10:00:03 fill info order_partially_filled strategy=s order_id=O2 symbol=A side=SELL fill_quantity=5 fill_price=12 exec_id=E1
 10:00:04 fill info order_partially_filled strategy=t order_id=O2 symbol=B side=SELL fill_quantity=5 fill_price=12
 10:00:05 fill info order_partially_filled strategy=t order_id=O2 symbol=B side=SELL fill_quantity=5 fill_price=12
"#;
    let again = " 11:00:00 fill info order_filled strategy=s order_id=O1 symbol=A side=BUY fill_quantity=4 fill_price=11 \
                 commission=0.4 exec_id=E2 slippage_bps=99\n";
    let twice = format!("{once}{again}{again}");
    let told = |which| {
        format!(
            "2 fills {which} tell an execution (order_id and exec_id) that was told before: they are left out"
        )
    };
    for sealed in [&[][..], &[4]] {
        let known = database(&dir.path().join(format!("once{}", sealed.len())), once, sealed);
        let repeated = database(&dir.path().join(format!("twice{}", sealed.len())), &twice, sealed);
        for kind in [
            ReportKind::Daily,
            ReportKind::Symbols,
            ReportKind::Strategies,
            ReportKind::Trades,
            ReportKind::Losing,
        ] {
            let made = |db| made(db, kind, &day(DAY), &ReportOptions::default());
            let (known, repeated) = (made(&known), made(&repeated));
            let without_charts = |report: &blotter::desk::report::Report| {
                let sections = report.sections.iter().filter(|section| section.as_chart().is_none());
                sections.map(|section| format!("{section:?}")).collect::<Vec<_>>()
            };
            assert_eq!(without_charts(&known), without_charts(&repeated), "{kind:?}");
            let in_period = matches!(kind, ReportKind::Daily | ReportKind::Symbols | ReportKind::Strategies);
            let in_trades = kind != ReportKind::Daily;
            assert_eq!(repeated.notes.contains(&told("of the period")), in_period, "{:?}", repeated.notes);
            assert_eq!(
                repeated.notes.contains(&told("up to the end of the period")),
                in_trades,
                "{:?}",
                repeated.notes
            );
        }
        let daily = made(&repeated, ReportKind::Daily, &day(DAY), &ReportOptions::default());
        assert_eq!(figure(&daily, "orders", "filled"), Datum::Int(1));
        assert_eq!(figure(&daily, "fills", "volume").to_string(), "25");
        assert_eq!(figure(&daily, "fills", "slippage_max_bps"), Datum::Int(2));
    }
}

#[test]
fn alerts_are_no_errors() {
    let dir = tempfile::tempdir().unwrap();
    let lines = r#"
 10:00:00 error  error    api_error error_message=timeout
 10:00:01 system error    alert     rule=errors
 10:00:02 system critical alert     rule=errors
 10:00:03 system error    disk_full component=disk
 10:00:04 risk   error    alert     component=limits
"#;
    let db = database(dir.path(), lines, &[]);
    let errors = made(&db, ReportKind::Errors, &day(DAY), &ReportOptions::default());
    assert_eq!(figure(&errors, "errors", "errors"), Datum::Int(3));
    assert_eq!(figure(&errors, "errors", "critical"), Datum::Int(0));
    assert_eq!(
        table(&errors, "by_event", &["event", "count"]),
        ["alert | 1", "api_error | 1", "disk_full | 1"]
    );
}

#[test]
fn an_amount_that_does_not_fit_is_an_error_not_a_wrong_figure() {
    let dir = tempfile::tempdir().unwrap();
    let most = "79228162514264337593543950335";
    let lines = format!(
        " 10:00:00 fill info order_filled order_id=O1 symbol=A side=BUY fill_quantity={most} fill_price=1\n \
         10:00:01 fill info order_filled order_id=O2 symbol=A side=SELL fill_quantity={most} fill_price={most}\n"
    );
    let db = database(dir.path(), &lines, &[]);
    let options = ReportOptions::default();
    let error = blotter::desk::report::report(&db, ReportKind::Trades, &day(DAY), &options).unwrap_err();
    assert!(error.message().contains("does not fit"), "{error}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let lines = r#"
 10:00:00 order info order_created strategy=s order_id=O1 status=created
 10:00:01 fill  info order_filled  strategy=s order_id=O1 status=filled symbol=A side=BUY fill_quantity=1 fill_price=10
"#;
    let db = database(dir.path(), lines, &[2]);
    let fills =
        db.snapshot().unwrap().segments().find(|meta| meta.category == "fill").unwrap().relative_path();
    db.close().unwrap();
    let path = dir.path().join("desk.blotter");
    std::fs::remove_file(path.join(fills)).unwrap();
    let daily = made(&Reader::open(&path).unwrap(), ReportKind::Daily, &day(DAY), &ReportOptions::default());
    assert_eq!(figure(&daily, "orders", "orders"), Datum::Int(1));
    assert_eq!(figure(&daily, "fills", "fills"), Datum::Int(0));
    assert_eq!(daily.unreadable.len(), 1, "{:?}", daily.unreadable);
    assert!(daily.notes[0].contains("could not be read"), "{:?}", daily.notes);
}
