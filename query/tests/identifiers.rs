//! Indexed fields are identifiers: they compare as they print, whatever their type, and the index answers alone.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use blotter_engine::event::ValueRef;
use blotter_engine::{Options, RecorderOptions, dec};
use blotter_query::Queryable;

#[test]
fn identifiers_compare_as_they_print_sealed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().without_threads().index("account").index("status");
    let db = options.open(dir.path().join("desk.blotter")).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let accounts = [
        ValueRef::I64(7),
        ValueRef::Str("7"),
        ValueRef::Decimal(dec!(7.0)),
        ValueRef::Str("007"),
        ValueRef::I64(8),
    ];
    for (number, account) in accounts.into_iter().enumerate() {
        let event = recorder.system("x").field("account", account).field("n", number as i64);
        let status = if number % 2 == 0 { "filled" } else { "Rejected" };
        assert!(event.field("status", status).emit().is_accepted());
    }
    db.flush().unwrap();
    let check = |sealed: &str| {
        for (text, expected) in [
            ("account = 7", &[0, 1][..]),
            ("account = 7.0", &[2]),
            ("account = 007", &[3]),
            ("account in (7, 8)", &[0, 1, 4]),
            // What the index has not answered is asked of its rows.
            ("account = 7 n > 0", &[1]),
            ("account = 7 and account = 8", &[]),
            ("account in (7, 8) status = REJECTED", &[1]),
            // Fields that compare in any case do so though they are indexed.
            ("status = FILLED", &[0, 2, 4]),
            ("status in (rejected) not account = 7", &[3]),
        ] {
            let rows = db.query(text).unwrap();
            let found: Vec<i64> = rows.map(|row| row.unwrap().get("n").as_i64().unwrap()).collect();
            assert_eq!(found, expected, "{text}, {sealed}");
            let counted = db.query(&format!("{text} | stats count()")).unwrap().next().unwrap().unwrap();
            assert_eq!(counted.get("count").as_i64(), Some(expected.len() as i64), "{text}, {sealed}");
        }
    };
    check("unsealed");
    db.seal().unwrap();
    check("sealed");
}
