//! `report`: what a day amounts to, as text, JSON and CSV.

use crate::run::{Place, run};

const LINES: &str = r#"{"ts":"2026-01-05T14:30:00Z","category":"order","event":"order_created","strategy":"=mom\u001b[2J","order_id":"A-1","status":"created","symbol":"AMZN","side":"BUY","quantity":10,"price":223.80}
{"ts":"2026-01-05T14:30:00.1Z","category":"order","event":"order_submitted","strategy":"=mom\u001b[2J","order_id":"A-1","status":"submitted","latency_us":120}
{"ts":"2026-01-05T14:30:01Z","category":"fill","event":"order_filled","strategy":"=mom\u001b[2J","order_id":"A-1","status":"filled","symbol":"AMZN","side":"BUY","fill_quantity":10,"fill_price":223.80,"commission":0.035}
{"ts":"2026-01-06T04:59:59Z","category":"fill","event":"order_filled","strategy":"=mom\u001b[2J","order_id":"A-2","status":"filled","symbol":"AMZN","side":"SELL","fill_quantity":10,"fill_price":224.85,"commission":0.035}
{"ts":"2026-01-06T05:00:00Z","category":"order","event":"order_created","strategy":"pairs","order_id":"A-3","status":"created","symbol":"MSFT","side":"BUY","quantity":10,"price":1}
{"ts":"2026-01-06T05:00:01Z","category":"order","level":"error","event":"order_rejected","strategy":"pairs","order_id":"A-3","status":"rejected","error_message":"no margin"}
"#;

/// Runs a report of the desk; its output and status.
fn report(place: &Place, arguments: &[&str]) -> crate::run::Ran {
    let mut all = vec!["report", &place.database];
    all.extend(arguments);
    run(&all)
}

/// Whether a line is among those of the output, however wide its columns are.
#[track_caller]
fn has_lines(out: &str, lines: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in lines {
        assert!(out.lines().any(|found| words(found) == *line), "{line:?} is missing in\n{out}");
    }
}

const NEW_YORK: [&str; 4] = ["--date", "2026-01-05", "--tz", "America/New_York"];

#[test]
fn text_has_units_and_is_safe() {
    let place = Place::with_lines(LINES);
    let ran = report(&place, &[&["daily"][..], &NEW_YORK].concat()).expect(0);
    assert_eq!(ran.err, "");
    has_lines(
        &ran.out,
        &[
            "Daily report · 2026-01-05 America/New_York",
            "4 events",
            "orders 1",
            "fill rate 200.00 %",
            "notional 4,486.50",
            "mean 120 us",
            "=mom\\x1b[2J 1 2 0 0 200.00 0.00 2 20 4,486.50 0.07 120",
            "orders ·········█·············· 0 to 1",
            "0 of 2 fills have a slippage: mean and maximum are those of these",
        ],
    );
    assert!(!ran.out.contains('\x1b'), "{}", ran.out);
}

#[test]
fn figures_are_shown_beside_those_of_the_period_before() {
    let place = Place::with_lines(LINES);
    let arguments = ["daily", "--date", "2026-01-06", "--tz", "America/New_York", "--compare"];
    let ran = report(&place, &arguments).expect(0);
    has_lines(
        &ran.out,
        &[
            "compared with 2026-01-05 America/New_York",
            "orders 1 1 0 %",
            "rejection rate 100.00 % 0.00 % +100 pp",
        ],
    );
    let json = &report(&place, &[&arguments[..], &["--format", "json"]].concat()).expect(0).json()[0];
    assert_eq!(json["previous"]["orders"]["rejection_rate"].to_string(), "0");
    assert_eq!(json["compared_with"]["first_day"], "2026-01-05");
}

#[test]
fn every_kind_is_one_json_object() {
    let place = Place::with_lines(LINES);
    for kind in [
        "daily",
        "errors",
        "trades",
        "losing",
        "symbols",
        "strategies",
        "risk",
        "system",
        "performance",
        "missed",
    ] {
        let ran = report(&place, &[&[kind, "--format", "json"][..], &NEW_YORK].concat()).expect(0);
        let [json] = &ran.json()[..] else { panic!("{}", ran.out) };
        assert_eq!((&json["report"], &json["events"]), (&kind.into(), &4.into()), "{}", ran.out);
        assert_eq!(json["period"]["from"], "2026-01-05T05:00:00.000000000Z");
        for member in ["figures", "tables", "charts"] {
            assert!(json[member].is_object(), "{member}: {}", ran.out);
        }
    }
    let json =
        &report(&place, &[&["trades", "--format", "json"][..], &NEW_YORK].concat()).expect(0).json()[0];
    // Decimals keep every digit: 10 * 1.05 less two commissions.
    assert_eq!(json["figures"]["trading"]["total_pnl"].to_string(), "10.430");
    assert_eq!(json["tables"]["by_strategy"][0]["strategy"], "=mom\u{1b}[2J");
    assert_eq!(json["charts"]["equity"]["series"]["net pnl"].to_string(), "[10.430]");
}

#[test]
fn csv_is_all_values_or_one_section() {
    let place = Place::with_lines(LINES);
    let all = report(&place, &[&["daily", "--format", "csv"][..], &NEW_YORK].concat()).expect(0);
    for line in [
        "section,row,name,value,unit",
        "orders,,orders,1,count",
        "fills,,notional,4486.50,money",
        "by_strategy,1,strategy,\"'=mom\\x1b[2J\",none",
        "orders_by_hour,2026-01-05T09:00:00.000000000-05:00,orders,1,count",
    ] {
        assert!(all.out.lines().any(|found| found == line), "{line:?} is missing in\n{}", all.out);
    }
    assert!(all.err.starts_with("note: 0 of 2 fills have a slippage"), "{}", all.err);
    let arguments = [&["daily", "--format", "csv", "--section", "by_strategy"][..], &NEW_YORK].concat();
    let one = report(&place, &arguments).expect(0).out;
    assert!(one.starts_with("strategy,orders,filled,"), "{one}");
    assert_eq!(one.lines().count(), 2);
    let wrong = report(&place, &[&["daily", "--section", "by_symbol"][..], &NEW_YORK].concat()).expect(2);
    assert!(
        wrong.err.contains("it has orders, fills, latency, by_strategy, orders_by_hour"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_report_goes_to_a_file_and_of_nothing_is_status_1() {
    let place = Place::with_lines(LINES);
    let file = place.directory.join("report.json").display().to_string();
    let arguments =
        [&["errors", "--format", "json", "-o", &file, "--from", "2026-01-05", "--to", "2026-01-06"][..]]
            .concat();
    let ran = report(&place, &arguments).expect(0);
    assert_eq!(ran.out, "");
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written["figures"]["errors"]["errors"], 1);
    let since = ["errors", "--since", "2026-01-06T05:00:02Z", "--until", "2026-01-06T06:00:00Z"];
    let nothing = report(&place, &since).expect(1);
    assert!(nothing.out.starts_with("Errors · 2026-01-06T05:00:02.000000000Z to "), "{}", nothing.out);
    assert!(
        nothing.err.contains("what is recorded is of 2026-01-05 to 2026-01-06; write --date 2026-01-06"),
        "{}",
        nothing.err
    );
    // The last day is today, which is long after it.
    report(&place, &["daily", "--from", "2026-01-05"]).expect(0);
    let nowhere = place.directory.join("no/report.txt").display().to_string();
    let ran = report(&place, &["daily", "--date", "2026-01-05", "-o", &nowhere]).expect(1);
    assert!(ran.err.contains("cannot write"), "{}", ran.err);
}
