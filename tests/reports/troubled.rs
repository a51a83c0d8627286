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
fn a_field_of_another_type_costs_its_figures_not_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let lines = r#"
 10:00:00 order info order_created   strategy=s order_id=O1 status=created
 10:00:01 order info order_submitted strategy=s order_id=O1 status=submitted latency_us=fast
"#;
    let db = database(dir.path(), lines, &[]);
    let daily = made(&db, ReportKind::Daily, &day(DAY), &ReportOptions::default());
    assert_eq!(figures(&daily, "latency"), ["latency_mean_us=-", "latency_p50_us=-", "latency_p99_us=-"]);
    assert_eq!(table(&daily, "by_strategy", &["strategy", "orders", "latency_p99_us"]), ["s | 1 | -"]);
    assert!(daily.notes[0].starts_with("some figures are missing"), "{:?}", daily.notes);
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
